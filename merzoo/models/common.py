"""What every builder needs: argument checks, the class head, and loading of weights."""

import keras
from keras import layers

from merzoo import modalities
from merzoo.errors import InputError
from merzoo.layers import FlowPreparation


def check_choice(argument: str, value, allowed) -> None:
    """Raises `InputError` that names the argument, what came and what is allowed."""
    if value not in allowed:
        raise InputError(f"{argument}={value!r} is not possible here: use one of {list(allowed)}.")


def check_picture(modality: str) -> None:
    """Raises `InputError` for a modality that is no picture of 0..255, as networks of photographs
    take them."""
    check_choice("modality", modality, modalities.names(ranks=(3,), range=(0.0, 255.0)))


def check_input_shape(input_shape, *, channels=(1, 3), smallest: int = 1, rank: int = 3) -> None:
    """Checks an (H, W, C) shape: rank, channel count, smallest side."""
    shape = tuple(input_shape)
    if len(shape) != rank or shape[-1] not in channels or min(shape[-3:-1]) < smallest:
        raise InputError(
            f"input_shape={shape} is not possible here: give (height, width, channels) with sides "
            f"of at least {smallest} and channels in {list(channels)}."
        )


def flow_image_input(
    input_shape, preparation: str | None, modality: str = "flow_image"
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of a flow image (0..255) and what its network sees of it: prepared or as it is."""
    check_choice("preparation", preparation, (None, "flow"))
    flow_image = keras.Input(input_shape, name=modality)
    x = FlowPreparation(name="flow_preparation")(flow_image) if preparation else flow_image
    return flow_image, x


def three_channels(x) -> keras.KerasTensor:
    """A grey image repeated to three channels, for networks whose filters are of colour images."""
    if x.shape[-1] == 3:
        return x
    return layers.Concatenate(name="grey_to_colour")([x, x, x])


def global_pooling(x, pooling: str | None) -> keras.KerasTensor:
    """The `pooling` argument of Keras Applications, for `include_top=False`."""
    check_choice("pooling", pooling, (None, "avg", "max"))
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(x)
    return x


def check_classes(classes) -> None:
    """Raises `InputError` for anything but a whole number from 2."""
    if not isinstance(classes, int) or classes < 2:
        raise InputError(f"classes={classes!r} is not possible here: give a whole number from 2.")


def class_head(x, classes: int, activation: str | None) -> keras.KerasTensor:
    """The class layer; `activation=None` gives logits. Its output is float32 under any policy."""
    check_classes(classes)
    x = layers.Dense(classes, name="classes")(x)
    return layers.Activation(activation or "linear", dtype="float32", name="predictions")(x)


def imagenet_scaling(x, name="imagenet_scaling") -> keras.KerasTensor:
    """Pictures 0..255 standardised with the colour means and deviations of ImageNet."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return layers.Rescaling(
        scale=[1 / (255 * d) for d in deviation],
        offset=[-m / d for m, d in zip(mean, deviation, strict=True)],
        name=name,
    )(x)


def load_weights(model, weights: str | None) -> keras.Model:
    """Loads the file `weights` into a just built model, if any; tags are `create_model`'s."""
    if weights is not None:
        from merzoo.weights import load

        load(model, weights)
    return model
