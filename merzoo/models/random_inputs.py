"""Random arrays that a model can be asked about: for checks, timings and golden outputs."""

import numpy as np

from merzoo.modalities import modality


def random_inputs(model, batch: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """Random arrays for each named input, in the range that its modality has.

    >>> import merzoo
    >>> random_inputs(merzoo.create_model("ststnet"))["flow_image"].shape
    (2, 28, 28, 3)
    """
    rng = np.random.default_rng(seed)
    inputs = {}
    for tensor in model.inputs:
        shape, row = (batch, *tensor.shape[1:]), modality(tensor.name)
        low, high = row.range
        if row.kind == "flags":
            x: np.ndarray = rng.integers(0, 2, shape)
        elif row.kind == "regions":
            corner = rng.uniform(0.1, 0.6, (*shape[:-1], 2))
            x = np.concatenate([corner, corner + 0.2], axis=-1)  # y1 x1 y2 x2
        elif low is None or high is None:
            x = rng.normal(0, 1, shape)
        else:
            x = rng.uniform(low, high, shape)
        inputs[tensor.name] = x.astype(str(tensor.dtype))
    return inputs
