"""Converts weights of photographs from PyTorch into a trunk file of merzoo, on your machine.

    python tools/convert_trunk_torch.py resnet18 resnet18-f37072fd.pth resnet18.npz
    python tools/convert_trunk_torch.py alexnet alexnet.pth alexnet.npz

then `create_model("capsulenet", weights_backbone="resnet18.npz")`, `create_model("dssn",
weights_backbone="alexnet.npz")`, or `merzoo reproduce ... --trunk capsulenet=resnet18.npz`. Nothing
of theirs comes with merzoo; mind the licence of what you convert.

`resnet18` takes torchvision's names (`conv1`, `bn1`, `layer1.0.conv1`, ...); stem and the first
three stages are kept, which CapsuleNet has. `alexnet` takes any state dict whose first two
convolutions are those of Krizhevsky et al. 2012, of 96 filters, and of 256 in two groups, as SSSN
and DSSN have them. torchvision's AlexNet is another one (64 and 192 filters, one group): refused.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from torch_checkpoints import Checkpoint, conv_kernel

from merzoo.errors import InputError
from merzoo.whole import whole

STAGES = (1, 2, 3)
GROUPED = ((96, 3, 11, 11), (256, 48, 5, 5))


def resnet18(checkpoint) -> dict[str, np.ndarray]:
    """Stem and three stages of torchvision's ResNet-18: `layer/variable` -> array."""
    found = _conv_bn(checkpoint, "conv1", "bn1", "stem")
    for stage in STAGES:
        for block in (1, 2):
            theirs, ours = f"layer{stage}.{block - 1}", f"stage_{stage}_block_{block}"
            for number in (1, 2):
                names = f"{theirs}.conv{number}", f"{theirs}.bn{number}"
                found |= _conv_bn(checkpoint, *names, f"{ours}_{number}")
            if f"{theirs}.downsample.0.weight" in checkpoint.left:
                names = f"{theirs}.downsample.0", f"{theirs}.downsample.1"
                found |= _conv_bn(checkpoint, *names, f"{ours}_shortcut")
    return found


def _conv_bn(checkpoint, conv: str, norm: str, ours: str) -> dict[str, np.ndarray]:
    kinds = {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    norms = {f"{ours}_bn/{k}": checkpoint.take(f"{norm}.{theirs}") for k, theirs in kinds.items()}
    return {f"{ours}_conv/kernel": conv_kernel(checkpoint.take(f"{conv}.weight"))} | norms


def alexnet(checkpoint) -> dict[str, np.ndarray]:
    """The first two convolutions of a grouped AlexNet, the second as two."""
    names = [n.removesuffix(".weight") for n, x in checkpoint.left.items() if x.ndim == 4][:2]
    shapes = tuple(checkpoint.shape(f"{name}.weight") for name in names)
    if shapes != GROUPED:
        raise InputError(
            f"{checkpoint.source}: its first convolutions are {' and '.join(map(str, shapes))}; "
            f"SSSN and DSSN have {' and '.join(map(str, GROUPED))}: those of an AlexNet in two "
            f"groups, which torchvision's is not."
        )
    kernels = [conv_kernel(checkpoint.take(f"{name}.weight")) for name in names]
    biases = [checkpoint.take(f"{name}.bias") for name in names]
    found = {"conv_1/kernel": kernels[0], "conv_1/bias": biases[0]}
    for group, (kernel, bias) in enumerate(
        zip(np.split(kernels[1], 2, -1), np.split(biases[1], 2), strict=True), 1
    ):
        found |= {f"conv_2_{group}/kernel": kernel, f"conv_2_{group}/bias": bias}
    return found


NETWORKS = {"resnet18": resnet18, "alexnet": alexnet}


def main(arguments=None) -> int:
    """Reads, converts and writes; a bad file gives one line and status 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("checkpoint", help="the .pth file with the state_dict")
    parser.add_argument("out", help="the .npz file to write")
    chosen = parser.parse_args(arguments)
    try:
        if not chosen.out.endswith(".npz"):
            raise InputError(f"{chosen.out}: the name of the result has to end in .npz.")
        found = NETWORKS[chosen.network](Checkpoint.read(chosen.checkpoint))
    except InputError as error:
        print(f"merzoo: error: {error}", file=sys.stderr)
        return 2
    with whole(Path(chosen.out)) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **found)
    print(f"{chosen.out}: {sum(x.size for x in found.values())} weights of {chosen.network}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
