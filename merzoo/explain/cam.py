"""Grad-CAM: which places of the last feature map spoke for a class.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based
Localization", ICCV 2017: Eq. 1 for the weights of the channels, Eq. 2 for the map.
"""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from merzoo.errors import InputError
from merzoo.explain.split import split


def grad_cam(
    model,
    inputs: Mapping[str, np.ndarray],
    class_index: int | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Where the model saw evidence for a class.

    The gradient of the class's score before the softmax is meaned over each channel of a feature
    map; the channels are added with these weights, what speaks against the class is dropped, and
    the map of each sample is divided by its maximum.

    Args:
        model: a functional `keras.Model`; the layer may lie in a model nested in it.
        inputs: named inputs (B, ...), as the model takes them.
        class_index: the class to explain; `None` for the predicted one of each sample.
        layer: name of a layer whose output is a map (B, H, W, C); `None` for the last one that
            everything passes through.

    Returns:
        (B, H, W) float32, 0..1, of the size of the layer's map (`overlay` stretches it over a
        face). All 0 where nothing speaks for the class. Where the network folds frames into the
        batch, the mean over the frames.

    Raises:
        InputError: for inputs, a class or a layer that the model does not have.

    Example:

    >>> import merzoo
    >>> model = merzoo.create_model("ststnet")
    >>> face = {"flow_image": np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 3))}
    >>> grad_cam(model, face, class_index=1).shape
    (2, 30, 30)
    """
    values = named_inputs(model, inputs)
    samples = len(values[0])
    parts = split(model, layer)
    feature = parts.front(values)
    classes = model.output_shape[-1]
    if class_index is None:
        chosen = ops.argmax(parts.tail(feature, values), axis=-1)
    elif 0 <= class_index < classes:
        chosen = np.full(samples, class_index)
    else:
        raise InputError(f"class_index={class_index}: {model.name} has classes 0..{classes - 1}.")
    mask = ops.one_hot(chosen, classes)

    def score(x):  # samples do not see each other, so one sum has all of their gradients
        return ops.sum(parts.tail(x, values) * mask)

    gradient = _gradient(score, feature)
    feature, gradient = (
        np.asarray(ops.convert_to_numpy(x), "float64") for x in (feature, gradient)
    )
    weights = gradient.mean(axis=(1, 2), keepdims=True)  # Eq. 1
    cam = (feature * weights).sum(-1)  # (B, H, W), or (B T, H, W)
    cam = cam.reshape(samples, -1, *cam.shape[1:]).mean(1)
    cam = np.maximum(cam, 0)  # Eq. 2
    top = cam.max(axis=(1, 2), keepdims=True)
    return (cam / np.where(top > 0, top, 1)).astype("float32")


def named_inputs(model, inputs: Mapping[str, np.ndarray]) -> list:
    """The inputs of a model as tensors in its order.

    Raises:
        InputError: for inputs that are missing or have another shape.
    """
    values = []
    for tensor in model.inputs:
        if tensor.name not in inputs:
            names = ", ".join(t.name for t in model.inputs)
            raise InputError(f"inputs: {model.name} takes {names}; {tensor.name} is missing.")
        array = np.asarray(inputs[tensor.name], str(tensor.dtype))
        if array.shape[1:] != tuple(tensor.shape[1:]):
            raise InputError(
                f"inputs: {tensor.name} must have the shape (B, {str(tensor.shape[1:])[1:]}, got "
                f"{array.shape}."
            )
        values.append(ops.convert_to_tensor(array))
    return values


def _gradient(function, x):
    """The gradient of a scalar function at x, on whichever backend runs."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.grad(function)(x)
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)
    if backend == "torch":
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(function(x), x)
        return gradient
    raise InputError(f"Grad-CAM needs gradients, which the backend {backend!r} does not have.")
