"""The attention that a network pays, as maps: what its own attention layers say, unscaled."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from merzoo.explain.cam import named_inputs
from merzoo.explain.split import nodes, part
from merzoo.layers import (
    BroadbentAttention,
    ClassActivationMap,
    ContinuousVerticalAttention,
    GatedRegion,
    MixedAttention,
    SpatialAttention,
)

REGION_MAP = 56  # side of the maps that regions are drawn on, cells


def attention_maps(model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The spatial attention of every layer of a network that pays it.

    | layer | its map |
    |---|---|
    | `SpatialAttention`, `MixedAttention` | the weight of each place, 0..1 |
    | `BroadbentAttention` | how much the places take from each place, on average; sums to 1 |
    | `ContinuousVerticalAttention` | the weight of each row (or column), meaned over channels |
    | `GatedRegion` of the blocks | the gate of each region, 0..1, drawn where it lies |
    | `ClassActivationMap` | its output, 0..1 |

    Args:
        model: a functional `keras.Model`; attention in models nested in it is not looked for.
        inputs: named inputs (B, ...), as the model takes them.

    Returns:
        Name of the layer -> (B, H, W) float32, at the layer's own size; empty for a network
        without spatial attention. Where the network folds frames into the batch, the mean over
        the frames.

    Raises:
        InputError: for inputs that the model does not have.

    Example:

    >>> import merzoo
    >>> model = merzoo.create_model("broadbentnet", input_shape=(32, 32, 1))
    >>> maps = attention_maps(model, {"apex": np.ones((2, 32, 32, 1))})
    >>> {name: x.shape for name, x in maps.items()}
    {'attention': (2, 4, 4)}
    """
    found = [n for n in nodes(model) if isinstance(n.operation, tuple(_READERS))]
    if not found:
        return {}
    wanted = [tensor for node in found for tensor in (*node.input_tensors, node.outputs[0])]
    distinct = list({id(tensor): tensor for tensor in wanted}.values())
    values = named_inputs(model, inputs)
    answers = keras.tree.flatten(part(model, distinct)(values))
    known = {id(tensor): x for tensor, x in zip(distinct, answers, strict=True)}
    known |= {id(tensor): x for tensor, x in zip(model.inputs, values, strict=True)}
    regions = inputs.get("regions")
    maps = {}
    for node in found:
        given = [known[id(tensor)] for tensor in node.input_tensors]
        reader = next(r for kind, r in _READERS.items() if isinstance(node.operation, kind))
        image = reader(node.operation, given, known[id(node.outputs[0])], regions)
        if image is not None:
            samples = len(values[0])
            image = image.reshape(samples, -1, *image.shape[1:]).mean(1)
            maps[node.operation.name] = image.astype("float32")
    return maps


def _numpy(x) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x), "float32")


def _spatial(layer, given, output, regions):
    return _numpy(layer.attention_weights(given[0]))[..., 0]


def _mixed(layer, given, output, regions):
    return _numpy(layer.spatial.attention_weights(layer.channel(given[0])))[..., 0]


def _broadbent(layer, given, output, regions):
    weights = _numpy(layer.attention_weights(given[0]))  # (B, H W, H W)
    return weights.mean(1).reshape(-1, *given[0].shape[1:3])


def _rows(layer, given, output, regions):
    _, height, width, _ = given[0].shape
    weights = _numpy(output).mean(-1)  # (B, H, 1) or (B, 1, W)
    return np.broadcast_to(weights, (len(weights), height, width))


def _regions(layer, given, output, regions):
    count = given[0].shape[1]
    if regions is None or count < 2:  # one region is the whole face: no map
        return None
    gates = _numpy(layer.attention_weights(given[0]))[..., 0]  # (B T, N)
    boxes = np.asarray(regions, "float32").reshape(-1, count, 4)
    return region_map(gates, boxes)


def region_map(values: np.ndarray, boxes: np.ndarray, side: int = REGION_MAP) -> np.ndarray:
    """Regions painted with their values; where they lie on each other, the largest counts.

    Args:
        values: (B, N), from 0.
        boxes: (B, N, 4) y1 x1 y2 x2 in 0..1.
        side: of the result, cells.

    Returns:
        (B, side, side), 0 outside of the regions.

    Example:

    >>> region_map(np.array([[0.5]]), np.array([[[0.0, 0.0, 0.5, 1.0]]]), 2).tolist()
    [[[0.5, 0.5], [0.0, 0.0]]]
    """
    middle = (np.arange(side) + 0.5) / side

    def inside(low, high):  # (B, N) -> (B, N, side)
        return (middle >= low[..., None]) & (middle < high[..., None])

    rows, columns = inside(boxes[..., 0], boxes[..., 2]), inside(boxes[..., 1], boxes[..., 3])
    covered = rows[..., :, None] & columns[..., None, :]  # (B, N, side, side)
    return (covered * values[..., None, None]).max(1)


def _evidence(layer, given, output, regions):
    return _numpy(output)[..., 0]


_READERS = {
    SpatialAttention: _spatial,
    MixedAttention: _mixed,
    BroadbentAttention: _broadbent,
    ContinuousVerticalAttention: _rows,
    GatedRegion: _regions,
    ClassActivationMap: _evidence,
}
