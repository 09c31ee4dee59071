"""A functional model cut in two at a layer, also one inside of a nested backbone.

`Split.front` gives the layer's output, `Split.tail` goes on from it; both share the weights.
"""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
from keras import layers

from merzoo import modalities
from merzoo.errors import InputError, unknown
from merzoo.layers import AdaptiveAveragePool, MaxPoolPadded

SMALLEST_SIDE = 4  # cells of a map that is worth a picture

# Layers that move or pool what the layer before them found.
_PASSIVE = (
    layers.InputLayer,
    layers.ZeroPadding2D,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    AdaptiveAveragePool,
    MaxPoolPadded,
    layers.Dropout,
)


def nodes(model) -> Iterator:
    """The calls of layers that make up a functional model, in the order of its graph."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.operation is not None:
                yield node


def nested_models(model) -> Iterator[tuple]:
    """The functional models among a model's layers, each with the node of its last call."""
    calls = {}
    for node in nodes(model):
        inner = node.operation
        inner = getattr(inner, "_functional", None) or inner  # of a Sequential
        if isinstance(inner, keras.Model):
            calls[id(inner)] = (inner, node)
    yield from calls.values()


@dataclass(frozen=True)
class Split:
    """A model cut at a layer.

    Args:
        layer: name of the layer.
        front: from the inputs to the layer's output.
        tail: from the layer's output and the inputs to the score of every class.
    """

    layer: str
    front: Callable
    tail: Callable


# model -> {layer: Split}: cutting again would take time
_KNOWN: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def split(model, layer: str | None = None) -> Split:
    """Cuts a model at a layer.

    Args:
        model: a functional `keras.Model`.
        layer: name of a layer whose output is a map (B, H, W, C), of the model or of a model
            nested in it; `None` for `last_map_layer(model)`.

    Raises:
        InputError: for an unknown layer, or one whose output is no map.

    Example:

    >>> import merzoo
    >>> split(merzoo.create_model("ststnet")).layer
    'bn_16'
    """
    layer = layer or last_map_layer(model)
    found = _KNOWN.setdefault(model, {})
    if layer not in found:
        names = _map_names(model)
        if layer not in names:
            raise unknown("layer with a map", layer, names, f"{model.name} has no such map.")
        found[layer] = Split(layer, *_cut(model, layer, _scores(model)))
    return found[layer]


def last_map_layer(model) -> str:
    """The last layer whose map everything that pictures say passes through.

    Pooling, padding and dropout do not count, nor maps of fewer than 4 x 4 cells where there are
    larger ones. Inputs that are no pictures (`action_units`, `regions`) may come in later.

    Raises:
        InputError: for a model without a map.
    """
    order = list(nodes(model))
    for smallest in (SMALLEST_SIDE, 2):
        for node in reversed(order):
            output = node.outputs[0]
            if len(node.outputs) > 1 or isinstance(node.operation, _PASSIVE):
                continue
            if _is_map(output, smallest) and _everything_passes(model, order, node):
                return node.operation.name
    raise InputError(f"{model.name} has no feature map to explain.")


def _is_map(tensor, smallest: int = 2) -> bool:
    shape = tensor.shape
    return len(shape) == 4 and None not in shape[1:3] and min(shape[1:3]) >= smallest


def _everything_passes(model, order, gate) -> bool:
    """Whether no picture reaches the output around one node."""
    boxes = modalities.names(kind="regions")
    reached = {
        id(tensor) for tensor in model.inputs if len(tensor.shape) > 3 and tensor.name not in boxes
    }
    for node in order:
        if node is gate or node.is_input:
            continue
        if any(id(tensor) in reached for tensor in node.input_tensors):
            reached.update(id(tensor) for tensor in node.outputs)
    return not any(id(tensor) in reached for tensor in model.outputs)


def _map_names(model) -> list[str]:
    names = [n.operation.name for n in nodes(model) if not n.is_input and _is_map(n.outputs[0], 1)]
    for inner, _ in nested_models(model):
        names += _map_names(inner)
    return names


def _scores(model):
    """The tensor of the scores before the last softmax, or sigmoid of units, where there is one."""
    output = model.outputs[0]
    for node in nodes(model):
        operation = node.operation
        if output is not node.outputs[0] or not isinstance(operation, layers.Activation):
            continue
        if operation.activation in (keras.activations.softmax, keras.activations.sigmoid):
            return node.input_tensors[0]
    return output


def _cut(model, layer: str, output):
    """Functions (inputs) -> map and (map, inputs) -> output, of lists of the model's inputs."""
    for node in nodes(model):
        if not node.is_input and node.operation.name == layer:
            return _cut_at(model, node, output)
    inner, node = next(x for x in nested_models(model) if layer in _map_names(x[0]))
    return _cut_inside(model, inner, node, layer, output)


def _cut_at(model, node, output):
    front = part(model, node.outputs[0])
    return front, _rest(model, node.outputs[0], output)


def _cut_inside(model, inner, node, layer: str, output):
    """The cut of a nested model, between what comes before it and what comes after."""
    before = part(model, list(node.input_tensors))
    front, tail = _cut(inner, layer, inner.outputs[0])
    rest = _rest(model, node.outputs[0], output)

    def enter(inputs):
        return keras.tree.flatten(before(inputs))

    return (
        lambda inputs: front(enter(inputs)),
        lambda feature, inputs: rest(tail(feature, enter(inputs)), inputs),
    )


def part(model, outputs) -> Callable:
    """A function from the list of a model's inputs to tensors of its graph."""
    cut = keras.Model(model.inputs, outputs)
    return lambda inputs: cut(inputs[0] if len(inputs) == 1 else inputs, training=False)


def _rest(model, feature, output):
    rest = keras.Model([feature, *model.inputs], output)
    return lambda value, inputs: rest([value, *inputs], training=False)
