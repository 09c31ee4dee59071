"""The first layers of a network that give every sample the same in every epoch.

Layers without weights (preparation of a flow image, padding, scaling) and frozen ones work on each
sample alone and draw nothing at random, so they need to run once a sample, not once an epoch. Only
layers that are known to be so are taken: Keras' and merzoo's own.
"""

import keras

_KNOWN = ("keras.src.layers.", "merzoo.layers.")  # modules whose layers treat each sample alone
_NOT = ("Lambda", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Discretization")
_FOLDS, _UNFOLDS = ("FoldTime",), "UnfoldTime"  # frames become samples, and clips again


def split_fixed(model):
    """Parts a network behind its fixed layers.

    Args:
        model: a Keras model.

    Returns:
        (first, rest): models that share the layers of `model`; `first` gives, as a list, what
        `rest` takes. `None` where the first layer already learns, `model` is no graph of layers, or
        it is of a class of one's own, whose training step a part of it would not have.

    >>> import merzoo
    >>> first, rest = split_fixed(merzoo.create_model("ststnet", preparation="flow"))
    >>> [layer.name for layer in first.layers], len(rest.trainable_variables)
    (['flow_image', 'flow_preparation', 'pad'], 6)
    """
    if not isinstance(model, keras.Model) or not getattr(model, "operations", None):
        return None
    if not type(model).__module__.startswith("keras."):
        return None
    fixed, cut, folded = _walk(model, ())
    if any(id(x) in folded for x in cut):  # frames there, not samples: part before they are made
        fixed, cut, folded = _walk(model, _FOLDS)
    if not cut or all(_is_input(x) for x in cut):
        return None
    tensors = list(cut)
    used = [x for x in model.inputs if id(x) in fixed]
    first = keras.Model(used, tensors)
    rest = keras.Model(tensors, model.outputs, name=model.name)
    if [id(v) for v in rest.trainable_variables] != [id(v) for v in model.trainable_variables]:
        return None
    return first, rest


def _walk(model, without: tuple[str, ...]) -> tuple[set, list, set]:
    """Ids of the tensors that fixed layers give, those that others take of them, and ids of those
    whose first axis is not that of samples. Layers of the kinds `without` count as not fixed."""
    fixed: set[int] = set()
    folded: set[int] = set()
    cut: dict[int, object] = {}
    for operation in model.operations:
        taken, kind = _arguments(operation), type(operation).__name__
        if kind not in without and all(id(x) in fixed for x in taken) and _is_fixed(operation):
            results = {id(x) for x in _results(operation)}
            fixed |= results
            if kind in _FOLDS or (kind != _UNFOLDS and any(id(x) in folded for x in taken)):
                folded |= results
        else:
            cut.update({id(x): x for x in taken if id(x) in fixed})
    cut.update({id(x): x for x in model.outputs if id(x) in fixed})
    return fixed, list(cut.values()), folded


def _is_fixed(operation) -> bool:
    if isinstance(operation, keras.layers.InputLayer):
        return True
    if not isinstance(operation, keras.layers.Layer):
        return type(operation).__name__ == "GetItem"
    if isinstance(operation, keras.Model):
        return all(_is_fixed(layer) for layer in operation.layers)
    known = type(operation).__module__.startswith(_KNOWN)
    if not known or type(operation).__name__ in _NOT or len(operation._inbound_nodes) > 1:
        return False
    return not operation.variables or (not operation.trainable and not _draws(operation))


def _draws(layer) -> bool:
    return any(variable.dtype == "uint32" for variable in layer.variables)  # a seed generator's


def _arguments(operation) -> list:
    return [x for node in operation._inbound_nodes for x in node.input_tensors]


def _results(operation) -> list:
    return [x for node in operation._inbound_nodes for x in node.output_tensors]


def _is_input(tensor) -> bool:
    return isinstance(tensor._keras_history.operation, keras.layers.InputLayer)
