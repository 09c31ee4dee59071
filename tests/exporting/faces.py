"""Two face crops and models small enough to export in a test."""

import keras
import numpy as np

import merzoo
from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from tests.battery import fill_weights


def pairs(count=3, size=(56, 56), seed=0):
    """`onset` and `apex`, (count, H, W, 3) uint8: smooth patterns, moved by about a pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]].astype("float32")
    onset, apex = [], []
    for _ in range(count):
        phase, moved = rng.uniform(0, 6, 6), rng.uniform(-1, 1, 2)

        def picture(dx, dy, phase=phase):
            waves = [
                np.sin((x - dx) / 5 + a) * np.cos((y - dy) / 4 + b)
                for a, b in zip(phase[:3], phase[3:], strict=True)
            ]
            return np.rint(127 + 100 * np.stack(waves, -1)).astype("uint8")

        onset.append(picture(0, 0))
        apex.append(picture(*moved))
    return {"onset": np.stack(onset), "apex": np.stack(apex)}


def clips(crops):
    """The crops as clips of two frames."""
    frames = zip(crops["onset"], crops["apex"], strict=True)
    return [
        Clip("made", f"made/{i}", f"c{i}", ArrayFrames(np.stack(two)), "joy", onset=0, apex=1)
        for i, two in enumerate(frames)
    ]


def undecided(name, **arguments):
    """A network whose probabilities are far from 0 and 1, so that differences show."""
    model = fill_weights(merzoo.create_model(name, **arguments))
    kernel = model.get_layer("classes").weights[0]
    kernel.assign(np.asarray(keras.ops.convert_to_numpy(kernel)) * 0.02)
    return model
