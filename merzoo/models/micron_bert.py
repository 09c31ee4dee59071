"""Micron-BERT: what of each patch of the face is not at rest between onset and apex.

Nguyen, Duong, Li, Gauch, Seo, Luu, "Micron-BERT: BERT-based Facial Micro-Expression Recognition",
CVPR 2023; sizes as in the authors' public PyTorch code.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, DiagonalAttention, FoldTime, SinusoidPosition, UnfoldTime
from merzoo.models.common import check_choice, class_head, load_weights
from merzoo.models.mmnet import onset_and_apex
from merzoo.models.registry import register
from merzoo.models.transformer import transformer_blocks


@register(
    "micron-bert",
    title="Micron-BERT",
    reference="Nguyen, Duong, Li, Gauch, Seo, Luu. Micron-BERT: BERT-based Facial Micro-Expression "
    "Recognition. CVPR 2023.",
    url="https://github.com/uark-cviu/Micron-BERT",
    recipe="default",
    trainable=13_762_051,
    small={"input_shape": (32, 32, 3), "dim": 16, "depth": 1, "heads": 2},
    readings=(
        "The encoder and the diagonal micro-attention are those of the authors' code: patches of 8 "
        "pixels, 4 blocks of 512 channels and 4 heads, one attention head between the frames.",
        "What only its pretraining needs is left out: the decoder, exchanged patches, the student "
        "and teacher that the patches of interest come from, and the 8 million frames. So this is "
        "the network trained from random weights, which is not what the paper scores.",
        "The head of its fine-tuning is not in the code: here it is the class layer on the mean of "
        "the tokens behind the diagonal attention.",
        "Grey pictures are repeated to three channels; 0..255 is standardised with ImageNet's "
        "means and deviations, as the authors do.",
    ),
)
def MicronBERT(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    patch_size=8,
    dim=512,
    depth=4,
    heads=4,
    name="micron-bert",
) -> keras.Model:
    """Builds Micron-BERT's encoder, its diagonal micro-attention and a class layer.

    Args:
        input_shape: (height, width, 1 or 3) of `onset` and `apex`, sides multiples of `patch_size`.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the mean of the tokens and the class layer; `False` ends in
            the tokens (784, 512).
        pooling: `None`, `"avg"` or `"max"` of the tokens, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        patch_size: side of a patch, pixels.
        dim: channels of a token; a multiple of `heads` and of 4.
        depth: transformer blocks.
        heads: of each block.
        name: of the model.

    Returns:
        A `keras.Model` from `onset` and `apex` (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> small = {"dim": 16, "depth": 1, "heads": 2}
    >>> MicronBERT((32, 32, 1), **small, include_top=False).output_shape
    (None, 16, 16)
    """
    check_choice("pooling", pooling, (None, "avg", "max"))
    if dim % heads or dim % 4:
        raise InputError(
            f"dim={dim} is not possible here: give a multiple of 4 and of heads={heads}."
        )
    onset, apex, onset_scaled, apex_scaled = onset_and_apex(input_shape, patch_size)
    x = keras.ops.stack([onset_scaled, apex_scaled], axis=1)  # (2, 224, 224, 3)
    x = FoldTime(name="frames")(x)  # one encoder for both
    x = Conv2D(dim, patch_size, strides=patch_size, name="patches")(x)  # (28, 28, 512)
    x = SinusoidPosition(class_token=True, name="positions")(x)  # (785, 512)
    x = transformer_blocks(x, depth, heads, name="block")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = UnfoldTime(2, name="tokens")(x)[:, :, 1:]  # (2, 784, 512)
    x = DiagonalAttention(name="diagonal_attention")([x[:, 1], x[:, 0]])  # (784, 512)
    if include_top or pooling == "avg":
        x = layers.GlobalAveragePooling1D(name="mean")(x)  # (512,)
    elif pooling == "max":
        x = layers.GlobalMaxPooling1D(name="max")(x)
    if include_top:
        x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([onset, apex], x, name=name), weights)
