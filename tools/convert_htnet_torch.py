"""Converts a checkpoint of the public PyTorch HTNet to merzoo weights, on your machine.

    python tools/convert_htnet_torch.py ourmodel_threedatasets_weights/006.pth htnet-006.weights.h5

then `merzoo.models.HTNet(weights="htnet-006.weights.h5")`. Nothing of theirs comes with merzoo;
mind the licence of what you convert. The checkpoints are one per left-out subject: a model made
from one has seen all other subjects.

Layout (https://github.com/wangzhifengharrison/HTNet, Model.py), with level i and block j:
`to_patch_embedding.1` is a 1x1 convolution of patches flattened (row, column, channel);
`layers.i.0.pos_emb`; `layers.i.0.layers.j.0` attention with `norm.g`, `norm.b`, `fn.to_qkv`
(queries, keys, values one after the other, heads outermost), `fn.to_out.0`;
`layers.i.0.layers.j.1` with `norm.g`, `norm.b`, `fn.net.0` and `fn.net.3`; `layers.i.1`
convolution `0` and norm `1` between levels; `mlp_head.0` norm and `mlp_head.2` classes. The
pictures are read with OpenCV, so the network saw strain, v, u: the patch kernel is reordered. It
also saw areas of the face side by side (see `merzoo.models.HTNet`).
"""

import sys

import numpy as np
from torch_checkpoints import CHANNELS, assign, conv_kernel, run

from merzoo.models import HTNet


def convert(checkpoint, channels="strain-v-u", heads=3):
    """A `merzoo.models.HTNet` with the weights of a `Checkpoint`; its sizes are read off."""
    dim, patch_width = checkpoint.shape("to_patch_embedding.1.weight")[:2]
    patch_size = round((patch_width / 3) ** 0.5)
    depths = _depths(checkpoint)
    window = round(checkpoint.shape("layers.0.0.pos_emb")[0] ** 0.5)
    side = patch_size * window * 2 ** (len(depths) - 1)
    model = HTNet(
        input_shape=(side, side, 3),
        classes=checkpoint.shape("mlp_head.2.weight")[0],
        patch_size=patch_size,
        dim=dim,
        heads=heads,
        depths=depths,
    )
    kernel = checkpoint.take("to_patch_embedding.1.weight")
    kernel = kernel.reshape(dim, patch_size, patch_size, 3).transpose(1, 2, 3, 0)
    kernel = kernel[:, :, list(CHANNELS[channels])]
    assign(model.get_layer("patches"), kernel, checkpoint.take("to_patch_embedding.1.bias"))
    for level, depth in enumerate(depths):
        prefix = f"level_{level + 1}"
        if level:
            _merge(model, checkpoint, f"layers.{level - 1}.1", prefix)
        position = checkpoint.take(f"layers.{level}.0.pos_emb")
        assign(model.get_layer(f"{prefix}_position"), position)
        for block in range(depth):
            _block(model, checkpoint, f"layers.{level}.0.layers.{block}", prefix, block + 1)
    assign(model.get_layer("norm"), *_norm(checkpoint, "mlp_head.0"))
    assign(
        model.get_layer("classes"),
        checkpoint.take("mlp_head.2.weight").T,
        checkpoint.take("mlp_head.2.bias"),
    )
    checkpoint.finish()
    return model


def _depths(checkpoint):
    """Blocks of each level, counted by their names."""
    depths = []
    while f"layers.{len(depths)}.0.pos_emb" in checkpoint.left:
        start = f"layers.{len(depths)}.0.layers."
        blocks = {name[len(start) :].split(".")[0] for name in checkpoint.left if start in name}
        depths.append(len(blocks))
    return tuple(depths)


def _block(model, checkpoint, source, prefix, number):
    name = f"{prefix}_block_{number}"
    assign(model.get_layer(f"{name}_norm_1"), *_norm(checkpoint, f"{source}.0.norm"))
    attention = model.get_layer(f"{name}_attention")
    qkv = np.split(_dense(checkpoint, f"{source}.0.fn.to_qkv"), 3, axis=-1)
    for layer, kernel in zip((attention.query, attention.key, attention.value), qkv, strict=True):
        assign(layer, kernel)
    out = f"{source}.0.fn.to_out.0"
    assign(attention.output_projection, _dense(checkpoint, out), checkpoint.take(f"{out}.bias"))
    assign(model.get_layer(f"{name}_norm_2"), *_norm(checkpoint, f"{source}.1.norm"))
    for place, part in ((1, "net.0"), (2, "net.3")):
        part = f"{source}.1.fn.{part}"
        layer = model.get_layer(f"{name}_dense_{place}")
        assign(layer, _dense(checkpoint, part), checkpoint.take(f"{part}.bias"))


def _merge(model, checkpoint, source, prefix):
    kernel = conv_kernel(checkpoint.take(f"{source}.0.weight"))
    assign(model.get_layer(f"{prefix}_merge_conv"), kernel, checkpoint.take(f"{source}.0.bias"))
    assign(model.get_layer(f"{prefix}_merge_norm"), *_norm(checkpoint, f"{source}.1"))


def _norm(checkpoint, source):
    return [checkpoint.take(f"{source}.{name}").ravel() for name in ("g", "b")]


def _dense(checkpoint, source):
    """A 1x1 convolution's weight (out, in, 1, 1) as a dense kernel (in, out)."""
    return checkpoint.take(f"{source}.weight")[:, :, 0, 0].T


if __name__ == "__main__":
    heads = ("--heads", {"type": int, "default": 3, "help": "heads of the first level"})
    sys.exit(run(convert, __doc__.splitlines()[0], extra=[heads]))
