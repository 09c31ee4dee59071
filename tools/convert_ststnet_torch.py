"""Converts a checkpoint of the public PyTorch STSTNet to merzoo weights, on your machine.

    python tools/convert_ststnet_torch.py STSTNet_Weights/006.pth ststnet-006.weights.h5

then `merzoo.models.STSTNet(weights="ststnet-006.weights.h5")`. Nothing of theirs comes with merzoo;
mind the licence of what you convert. The checkpoints are one per left-out subject: a model made
from one has seen all other subjects.

Layout (https://github.com/christy1206/STSTNet, main.py): `conv1`, `conv2`, `conv3` with 3, 5 and 8
filters, each followed by ReLU and `bn1`, `bn2`, `bn3`; `fc` on the (C, H, W) order of the pooled
map. merzoo holds the streams as one convolution of 16 filters and flattens (H, W, C). The pictures
hold u, v, strain and are read with OpenCV, so the network saw strain, v, u: the kernels are
reordered.
"""

import sys

import numpy as np
from torch_checkpoints import CHANNELS, assign, conv_kernel, run

from merzoo.models import STSTNet


def convert(checkpoint, channels="strain-v-u"):
    """A `merzoo.models.STSTNet` with the weights of a `Checkpoint`."""
    model = STSTNet(classes=checkpoint.shape("fc.weight")[0])
    kernels = [conv_kernel(checkpoint.take(f"conv{i}.weight")) for i in (1, 2, 3)]
    kernel = np.concatenate(kernels, axis=-1)[:, :, list(CHANNELS[channels])]
    bias = np.concatenate([checkpoint.take(f"conv{i}.bias") for i in (1, 2, 3)])
    assign(model.get_layer("conv_16"), kernel, bias)
    norms = [
        np.concatenate([checkpoint.take(f"bn{i}.{name}") for i in (1, 2, 3)])
        for name in ("weight", "bias", "running_mean", "running_var")
    ]
    assign(model.get_layer("bn_16"), *norms)

    weight = checkpoint.take("fc.weight")  # (classes, 16 * 5 * 5), channels first
    weight = weight.reshape(-1, 16, 5, 5).transpose(2, 3, 1, 0).reshape(400, -1)
    assign(model.get_layer("classes"), weight, checkpoint.take("fc.bias"))
    checkpoint.finish()
    return model


if __name__ == "__main__":
    sys.exit(run(convert, __doc__.splitlines()[0]))
