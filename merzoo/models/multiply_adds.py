"""Multiply-adds of a model.

Counted are the multiply-accumulates of convolutions, dense layers, attention products and
recurrent gates for one sample; biases, normalisation, activations, pooling and resampling are not,
as is usual where papers print "FLOPs" of this kind. The counter walks the model's graph with the
shapes of a batch of one, so whatever a layer folds into its batch (time, for example) is counted.
"""

import math

import keras
from keras import layers


def multiply_adds(model) -> int:
    """Multiply-accumulates of one forward pass of one sample.

    Args:
        model: a functional `keras.Model`. A custom layer with products in it has a method
            `multiply_adds(input_shape)`, which takes the shape (or list of shapes) with its batch
            axis and returns the number for that whole batch.

    Returns:
        The number of multiply-accumulates.

    Raises:
        NotImplementedError: for a layer with matrices of which nothing is known.

    Example:

    >>> x = keras.Input((8, 8, 3))
    >>> model = keras.Model(x, keras.layers.Conv2D(4, 3, padding="same")(x))
    >>> multiply_adds(model) == 8 * 8 * 4 * 3 * 3 * 3
    True
    """
    return _count_graph(model, [(1, *tensor.shape[1:]) for tensor in model.inputs])


def _count_graph(model, input_shapes) -> int:
    tensors = {
        id(tensor): keras.KerasTensor(shape, dtype=tensor.dtype)
        for tensor, shape in zip(model.inputs, input_shapes, strict=True)
    }
    total = 0
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input or not node.operation:
                continue
            arguments, keywords = node.arguments.fill_in(tensors)
            outputs = node.operation.compute_output_spec(*arguments, **keywords)
            inputs = keras.tree.flatten([arguments, keywords])
            shapes = [x.shape for x in inputs if isinstance(x, keras.KerasTensor)]
            outputs = keras.tree.flatten(outputs)
            total += _count(node.operation, shapes, outputs[0].shape)
            for known, found in zip(node.outputs, outputs, strict=True):
                tensors[id(known)] = found
    return total


def _count(operation, shapes, output) -> int:
    """Multiply-adds of one operation, from the shapes of its inputs and its output."""
    if hasattr(operation, "multiply_adds"):
        return operation.multiply_adds(shapes[0] if len(shapes) == 1 else shapes)
    if isinstance(operation, keras.Sequential):
        operation = operation._functional
    if isinstance(operation, keras.Model):
        return _count_graph(operation, shapes)
    for kind, rule in RULES.items():
        if isinstance(operation, kind):
            return rule(operation, shapes, output)
    if type(operation).__name__ in ("Matmul", "Dot"):
        return math.prod(output) * shapes[0][-1]
    weights = getattr(operation, "weights", ())
    if type(operation).__name__ == "Einsum" or any(len(w.shape) > 1 for w in weights):
        raise NotImplementedError(
            f"multiply-adds of '{operation.name}' ({type(operation).__name__}) are not known: give "
            "the layer a method multiply_adds(input_shape)."
        )
    return 0


def _dense(layer, shapes, output):
    return math.prod(output) * shapes[0][-1]


def _einsum_dense(layer, shapes, output):
    kernel_labels, output_labels = layer.equation.split(",")[1].split("->")
    summed = zip(kernel_labels, layer.kernel.shape, strict=True)
    return math.prod(output) * math.prod(n for label, n in summed if label not in output_labels)


def _convolution(layer, shapes, output):
    *kernel, channels, _ = layer.kernel.shape  # channels of one group
    return math.prod(output) * math.prod(kernel) * channels


def _depthwise_convolution(layer, shapes, output):
    return math.prod(output) * math.prod(layer.kernel.shape[:-2])


def _attention(layer, shapes, output):
    query, value = shapes[0], shapes[1]
    key = shapes[2] if len(shapes) > 2 else value
    heads, places = layer.num_heads, math.prod(query[:-1])  # of the whole batch
    key_width, value_width = heads * layer.key_dim, heads * layer.value_dim
    return (
        places * query[-1] * key_width
        + math.prod(key[:-1]) * key[-1] * key_width
        + math.prod(value[:-1]) * value[-1] * value_width
        + places * math.prod(key[1:-1]) * (key_width + value_width)
        + places * value_width * output[-1]
    )


def _recurrent(layer, shapes, output):
    batch, steps, width = shapes[0]
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[type(layer).__name__]
    return batch * steps * gates * layer.units * (width + layer.units)


def _bidirectional(layer, shapes, output):
    both = (layer.forward_layer, layer.backward_layer)
    return sum(_count(one, shapes, output) for one in both)


def _time_distributed(layer, shapes, output):
    (batch, steps, *rest), (_, _, *rest_output) = shapes[0], output
    return _count(layer.layer, [(batch * steps, *rest)], (batch * steps, *rest_output))


RULES = {
    layers.Dense: _dense,
    layers.EinsumDense: _einsum_dense,
    layers.DepthwiseConv2D: _depthwise_convolution,
    layers.Conv1D: _convolution,
    layers.Conv2D: _convolution,
    layers.Conv3D: _convolution,
    layers.MultiHeadAttention: _attention,
    layers.LSTM: _recurrent,
    layers.GRU: _recurrent,
    layers.SimpleRNN: _recurrent,
    layers.Bidirectional: _bidirectional,
    layers.TimeDistributed: _time_distributed,
}
