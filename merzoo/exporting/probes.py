"""What an export is checked with beside random inputs: real ones, made of synthetic faces."""

from dataclasses import dataclass, replace

import numpy as np

from merzoo.data.frames import ArrayFrames
from merzoo.data.labels import map_labels
from merzoo.modalities import input_shapes
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.pipeline import prepare
from merzoo.progress import progress_bar

REAL_DATA = "synthetic:easy?subjects=2&clips=2"


@dataclass
class Pairs:
    """Samples of a model, and the two face crops that they were made of.

    Args:
        crops: `onset` and `apex`, (N, H, W, 3) uint8.
        data: modalities that `merzoo.preprocessing` made of these crops, with labels.
    """

    crops: dict[str, np.ndarray]
    data: Arrays


def face_pairs(clips, model, crop_size, labels: str = "megc3", **parameters) -> Pairs:
    """Aligned onset and apex crops of clips, and what `merzoo.preprocessing` makes of them.

    Args:
        clips: `Clip`s with an onset and an apex.
        model: whose named inputs are wanted.
        crop_size: (height, width) of the crops.
        labels: label map.
        parameters: of `merzoo.preprocessing.prepare`, for finding the face.
    """
    chosen = check_parameters(parameters)
    chosen_clips = map_labels(list(clips), labels, chosen["on_error"]).clips
    height, width = crop_size
    crops, pairs = [], []
    with progress_bar() as bar:
        for clip in bar.track(chosen_clips, description="face crops"):
            aligned = AlignedClip(clip, chosen)
            pair = np.stack([aligned.crop(i, height, width, 3) for i in aligned.moving()])
            crops.append(pair)
            pairs.append(replace(clip, frames=ArrayFrames(pair), onset=0, apex=1, offset=1))
    data = prepare(pairs, input_shapes(model.inputs), labels, detector="none", jobs=1)
    onset, apex = np.stack(crops, axis=1)
    return Pairs({"onset": onset, "apex": apex}, data)


def inputs_of(exported, samples: Arrays, crops: dict | None = None) -> dict[str, np.ndarray]:
    """The named inputs of an export: face crops where it takes them, else modalities."""
    values = {name: np.asarray(x) for name, x in samples.modalities.items()} | (crops or {})
    return {tensor.name: values[tensor.name] for tensor in exported.inputs}
