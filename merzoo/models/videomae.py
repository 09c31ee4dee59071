"""VideoMAE's encoder: a Vision Transformer on tubelets of a clip, with attention over all of it.

Tong, Song, Wang, Wang, "VideoMAE: Masked Autoencoders are Data-Efficient Learners for
Self-Supervised Video Pre-Training", NeurIPS 2022.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, FoldTime, SinusoidPosition, UnfoldTime
from merzoo.models.common import check_choice, check_input_shape, class_head, load_weights
from merzoo.models.registry import register
from merzoo.models.resnet3d18 import clip_input
from merzoo.models.transformer import transformer_blocks


@register(
    "videomae-s",
    title="VideoMAE (ViT-S)",
    reference="Tong, Song, Wang, Wang. VideoMAE: Masked Autoencoders are Data-Efficient Learners "
    "for Self-Supervised Video Pre-Training. NeurIPS 2022.",
    url="https://github.com/MCG-NJU/VideoMAE",
    recipe="resnet18",
    trainable=21_885_699,
    small={"input_shape": (32, 32, 3), "frames": 4, "dim": 16, "depth": 1, "heads": 2},
    readings=(
        "The encoder as it is fine-tuned: tubelets of 2 x 16 x 16, fixed sines and cosines as "
        "positions, blocks over all tokens at once, and a layer normalisation and the class layer "
        "on their mean. Its masked pretraining is not here; weights start at random.",
        "ViT-S is 12 blocks of 384 channels and 6 heads.",
        "A tubelet is embedded as an image convolution over the channels of its two frames: the "
        "same sums and numbers of weights as over space and time.",
        "Keys have biases too, which softmax takes away again; the authors' have none. The order "
        "of the sines among the channels is another, which a network without their weights "
        "cannot tell.",
        "Grey frames are repeated to three channels; 0..255 is standardised with ImageNet's means "
        "and deviations. The recipe is that of ResNet-18.",
    ),
)
def VideoMAE(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    frames=16,
    tubelet=2,
    patch_size=16,
    dim=384,
    depth=12,
    heads=6,
    dropout=0.0,
    name="videomae-s",
) -> keras.Model:
    """Builds VideoMAE's encoder with a class layer.

    Args:
        input_shape: (height, width, 1 or 3) of one frame, sides multiples of `patch_size`.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the mean of the tokens, its normalisation and the class
            layer; `False` ends in the tokens (1568, 384).
        pooling: `None`, `"avg"` or `"max"` of the tokens, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        frames: T, frames of `sequence`, a multiple of `tubelet`.
        tubelet: frames of a tubelet.
        patch_size: side of a tubelet, pixels.
        dim: channels of a token; a multiple of `heads` and of 2.
        depth: transformer blocks.
        heads: of each block.
        dropout: rate in the blocks.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, 16, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> small = {"frames": 4, "dim": 16, "depth": 1, "heads": 2}
    >>> VideoMAE((32, 32, 3), **small, include_top=False).output_shape
    (None, 8, 16)
    """
    check_input_shape(input_shape, smallest=patch_size)
    check_choice("pooling", pooling, (None, "avg", "max"))
    sides = any(side % patch_size for side in input_shape[:2])
    if sides or dim % heads or dim % 2 or not isinstance(frames, int) or frames % tubelet:
        raise InputError(
            f"input_shape={tuple(input_shape)}, dim={dim}, frames={frames} are not possible here: "
            f"the sides have to be multiples of patch_size={patch_size}, dim of heads={heads} and "
            f"of 2, and frames of tubelet={tubelet}."
        )
    sequence, x = clip_input(input_shape, frames)
    height, width, channels = x.shape[2:]
    steps, rows, columns = frames // tubelet, height // patch_size, width // patch_size
    x = layers.Reshape((steps, tubelet, height, width, channels), name="tubelets")(x)
    x = layers.Permute((1, 3, 4, 2, 5), name="frames_last")(x)
    x = layers.Reshape((steps, height, width, tubelet * channels), name="tubelet_pictures")(x)
    x = FoldTime(name="fold")(x)
    x = Conv2D(dim, patch_size, strides=patch_size, name="patches")(x)  # (14, 14, 384)
    x = UnfoldTime(steps, name="unfold")(x)
    x = layers.Reshape((steps * rows * columns, dim), name="tokens")(x)  # (1568, 384)
    x = SinusoidPosition(name="positions")(x)
    x = transformer_blocks(x, depth, heads, dropout=dropout, name="block")
    if include_top or pooling == "avg":
        x = layers.GlobalAveragePooling1D(name="mean")(x)  # (384,)
    elif pooling == "max":
        x = layers.GlobalMaxPooling1D(name="max")(x)
    if include_top:
        x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
        x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([sequence], x, name=name), weights)
