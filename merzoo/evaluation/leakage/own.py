"""Builders of somebody's own, and the models that they make: what the leak audit looks into."""

from merzoo.training.learner import Learner


def builder_of(learner: Learner, classes: int) -> dict[str, object]:
    """What it is called -> a builder of somebody's own, and what a model that it made holds.

    merzoo's own builders hold no samples. Of a Keras model and of a scikit-learn estimator only the
    settings go into training, and are looked at.

    Args:
        classes: for which a model is built.
    """
    builder = getattr(learner.builder, "func", learner.builder)  # of a variant: partial
    if (getattr(builder, "__module__", None) or "").partition(".")[0] == "merzoo":
        if hasattr(builder, "estimator"):
            return {f"builder of {learner.name}": settings(builder.estimator)}
        builder = getattr(builder, "config", None)
    if builder is None:
        return {}
    found: dict[str, object] = {f"builder of {learner.name}": builder}
    built = learner.build(classes)
    if learner.kind == "estimator":
        return found | {f"what the builder of {learner.name} made": settings(built)}
    return found | {f"layer {name}": held for name, held in _layers(built)}


def settings(estimator) -> dict:
    """The parameters of an estimator and of those inside it, not what it was fitted to."""
    parameters = estimator.get_params(deep=True)
    return {n: v for n, v in parameters.items() if not _holds_estimators(v)}


def _holds_estimators(value) -> bool:
    parts = value if isinstance(value, list | tuple) else [value]
    parts = [p for part in parts for p in (part if isinstance(part, tuple) else [part])]
    return any(hasattr(part, "get_params") for part in parts)


def _layers(model):
    """(name, its weights, settings and attributes) of the layers of a fresh model."""
    for layer in model._flatten_layers():
        own = not type(layer).__module__.startswith("keras.")
        held: dict[str, object] = {} if layer is model and not own else _settings_of(layer)
        if not hasattr(layer, "layers"):
            held |= {w.name: w.numpy() if hasattr(w, "numpy") else w.value for w in layer.weights}
        if own:
            held |= {n: v for n, v in vars(layer).items() if not n.startswith("_")}
        held |= {n: getattr(layer, n) for n in ("function",) if hasattr(layer, n)}
        yield layer.name, held


def _settings_of(layer) -> dict:
    try:
        return {} if hasattr(layer, "layers") else dict(layer.get_config())
    except (NotImplementedError, TypeError, ValueError):
        return {}
