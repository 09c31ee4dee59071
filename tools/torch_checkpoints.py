"""What both converters share: reading a PyTorch state dict and filling a merzoo model from it."""

import argparse
import sys
from pathlib import Path

import numpy as np

from merzoo.errors import InputError

CHANNELS = {"strain-v-u": (2, 1, 0), "u-v-strain": (0, 1, 2)}  # where u, v and strain are found


class Checkpoint:
    """The tensors of a state dict by name; every tensor has to be used once.

    Args:
        state: name -> tensor or array, as PyTorch's `state_dict()`.
        source: where it came from, for error messages.
    """

    def __init__(self, state, source="the checkpoint"):
        self.source = source
        self.left = {
            name: np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
            for name, value in state.items()
            if not name.endswith("num_batches_tracked")
        }

    @classmethod
    def read(cls, path) -> "Checkpoint":
        """A file that `torch.save(model.state_dict(), path)` wrote; no code in it is run."""
        import torch

        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; give a .pth of the network's state_dict.")
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: PyTorch reads no plain weights here ({reason}).") from None
        if not isinstance(state, dict):
            raise InputError(f"{path}: holds a {type(state).__name__}, not a state_dict.")
        return cls(state, str(path))

    def shape(self, name):
        if name not in self.left:
            raise InputError(f"{self.source}: {name!r} is missing: not this network's weights.")
        return self.left[name].shape

    def take(self, name):
        """The tensor of that name, as an array; it is used up."""
        self.shape(name)
        return self.left.pop(name)

    def finish(self):
        if self.left:
            raise InputError(f"{self.source}: {sorted(self.left)[0]!r} belongs to another network.")


def assign(layer, *arrays):
    """Sets a layer's weights, in Keras' order."""
    shapes = [tuple(w.shape) for w in layer.weights]
    given = [a.shape for a in arrays]
    if shapes != given:
        raise InputError(f"{layer.name}: weights of shapes {given}, but {shapes} are needed.")
    layer.set_weights(list(arrays))


def conv_kernel(weight):
    """PyTorch's (out, in, H, W) as Keras' (H, W, in, out)."""
    return weight.transpose(2, 3, 1, 0)


def options(description, arguments=None, extra=()):
    """The command line of a converter."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("checkpoint", help="the .pth file with the state_dict")
    parser.add_argument("out", help="the .weights.h5 file to write")
    parser.add_argument(
        "--channels",
        choices=CHANNELS,
        default="strain-v-u",
        help="order in which the network was fed; OpenCV reads u, v, strain pictures in reverse",
    )
    for name, keywords in extra:
        parser.add_argument(name, **keywords)
    return parser.parse_args(arguments)


def run(convert, description, arguments=None, extra=()) -> int:
    """Reads, converts and writes; a bad file gives one line and status 2."""
    chosen = vars(options(description, arguments, extra))
    source, out = chosen.pop("checkpoint"), chosen.pop("out")
    try:
        if not out.endswith(".weights.h5"):
            raise InputError(f"{out}: the name of the result has to end in .weights.h5.")
        model = convert(Checkpoint.read(source), **chosen)
    except InputError as error:
        print(f"merzoo: error: {error}", file=sys.stderr)
        return 2
    model.save_weights(out)
    print(f"{out}: {model.count_params()} weights of {model.name}, input {model.input_shape}")
    return 0
