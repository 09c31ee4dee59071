"""Checking the weights of the manifest: the file, its hash, its loading, and what comes out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from merzoo.errors import InputError
from merzoo.modalities import modality
from merzoo.weights.download import fault
from merzoo.weights.entry import WeightsEntry
from merzoo.weights.manifest import places

TOLERANCE = 1e-3  # of a probability; backends differ by some 1e-6


def verify(entry: WeightsEntry, build: Callable) -> str | None:
    """What is wrong with one entry, or `None`.

    The file must be here, have the entry's size and SHA-256, load into the network that the entry
    describes, and give the recorded outputs for a fixed sample.

    Args:
        entry: of the manifest.
        build: `merzoo.create_model`: weights know no networks.
    """
    faults = {path: fault(path, entry) for path in places(entry)}
    good = [path for path, wrong in faults.items() if wrong is None]
    if not good:
        there = [f"{path}: {wrong}" for path, wrong in faults.items() if wrong != "not here"]
        return "; ".join(there) or f"not here: merzoo weights download {entry.id}"
    try:
        outputs = sample_outputs(build(entry.network, weights=entry.id))
    except InputError as error:
        return str(error)
    if outputs.shape != (len(entry.classes),) or not np.isfinite(outputs).all():
        return f"its outputs for the fixed sample are {outputs.tolist()}"
    if entry.golden and np.abs(outputs - np.asarray(entry.golden)).max() > TOLERANCE:
        return f"its outputs are {outputs.round(4).tolist()}, recorded were {list(entry.golden)}"
    return None


def sample_outputs(model: Any) -> np.ndarray:
    """(classes,) outputs of a model for one fixed sample of its inputs, from a NumPy generator."""
    rng = np.random.default_rng(0)
    sample = {}
    for tensor in model.inputs:
        shape = (1, *tensor.shape[1:])
        bounded = modality(tensor.name).range[0] is not None
        values = rng.uniform(0, 255, shape) if bounded else rng.normal(0, 1, shape)
        sample[tensor.name] = values.astype("float32")
    return np.asarray(model.predict(sample, verbose=0))[0]
