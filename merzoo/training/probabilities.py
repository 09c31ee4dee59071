"""From a network's outputs to probabilities: the only place where that is done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from merzoo.errors import InputError

YES_OR_NO = ("yes or no", "logits of yes or no")  # kinds of which each output stands alone
PADDED = 32  # samples a batch of predictions, padded to one shape: nothing is compiled twice


@dataclass(frozen=True)
class Unlabelled:
    """Samples to predict: modalities, and nothing that says what is right."""

    modalities: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())))


def predict(
    model,
    data,
    *,
    test_time: str | None = None,
    batch_size: int = PADDED,
    kind: str | None = None,
) -> np.ndarray:
    """Class probabilities (N, K) of a Keras model, float32, each row summing to 1.

    Of a network that says yes or no of each output, such as of action units, they need not.

    Args:
        model: a network; its outputs may be probabilities, logits, or lengths of capsules.
        data: whatever has `modalities` (name -> array (N, ...)) and a length, or `Rows` of a pool.
        test_time: over which views the mean is taken, see `merzoo.preprocessing.views`; `None`
            for the sample as it is.
        batch_size: samples at a time; the last batch is padded to the same size.
        kind: of the outputs, see `output_kind`; `None` reads it from the network.

    Raises:
        InputError: if an output is not finite, or is no distribution over classes.

    Example:

    >>> import merzoo
    >>> from merzoo.models.random_inputs import random_inputs
    >>> model = merzoo.create_model("ststnet")
    >>> found = predict(model, Unlabelled(random_inputs(model, batch=3)))
    >>> found.shape, found.sum(-1).round(5).tolist()
    ((3, 3), [1.0, 1.0, 1.0])
    """
    from merzoo.preprocessing.views import views
    from merzoo.training.batches import prediction_batches

    kind = kind or output_kind(model)
    parts, seen = [], views(test_time)
    for batch, size in prediction_batches(data, batch_size):
        outputs = [np.asarray(model.predict_on_batch(view(batch)))[:size] for view in seen]
        parts.append(mean_probabilities(outputs, kind, model.name))
    if not parts:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    return np.concatenate(parts)


def mean_probabilities(outputs: Sequence[np.ndarray], kind: str, name: str) -> np.ndarray:
    """Class probabilities (N, K), the mean over views of the same samples.

    Args:
        outputs: (N, K) of a network, one array a view.
        kind: of the outputs, see `output_kind`.
        name: of the network, for messages.

    Raises:
        InputError: as `predict`.

    >>> mean_probabilities([np.zeros((1, 2))], "logits", "net").tolist()
    [[0.5, 0.5]]
    """
    found = [_as_probabilities(np.asarray(one, np.float32), kind, name) for one in outputs]
    return np.mean(found, 0)


def output_kind(model) -> str:
    """What a network puts out: `"probabilities"` of classes, one `"yes or no"` an output,
    `"lengths"` of capsules, `"logits"`, `"unknown"`.

    Read from its last layers, passing over those that change nothing.

    >>> import merzoo
    >>> output_kind(merzoo.create_model("ststnet", classifier_activation=None))
    'logits'
    """
    layer = _layer_of(model.outputs[0]) if getattr(model, "outputs", None) else None
    while layer is not None:
        activation = getattr(getattr(layer, "activation", None), "__name__", None)
        kind = type(layer).__name__
        if kind == "CapsuleLength":
            return "lengths"
        if activation == "softmax" or kind == "Softmax":
            return "probabilities"
        if activation == "sigmoid":
            return "yes or no"
        if kind == "Activation" and activation == "linear":
            layer = _layer_before(layer)
            continue
        if kind in ("Dense", "Conv2D", "Conv1D") and activation == "linear":
            return "logits"
        return "unknown"
    return "unknown"


def _as_probabilities(outputs: np.ndarray, kind: str, name: str) -> np.ndarray:
    if not np.isfinite(outputs).all():
        bad = int((~np.isfinite(outputs)).any(-1).sum())
        raise InputError(
            f"The outputs of {name} are not finite for {bad} of {len(outputs)} samples: its "
            f"weights hold NaN or infinity, or its training has diverged; lower its learning rate."
        )
    if kind in YES_OR_NO:
        return _as_yes_or_no(outputs, kind, name)
    if kind == "logits":
        outputs = np.exp(outputs - outputs.max(-1, keepdims=True))
    total = outputs.sum(-1, keepdims=True)
    if kind in ("logits", "lengths"):
        return outputs / np.maximum(total, np.finfo(np.float32).tiny)
    if (outputs < -1e-4).any() or (np.abs(total - 1) > 1e-2).any():
        raise InputError(
            f"The outputs of {name} are no probabilities (a row sums to {float(total.flat[0]):.3g})"
            f": end it in a softmax."
        )
    return outputs


def _as_yes_or_no(outputs: np.ndarray, kind: str, name: str) -> np.ndarray:
    """The probability of each output by itself."""
    if kind == "logits of yes or no":
        return 1 / (1 + np.exp(-outputs.clip(-80, 80)))
    if (outputs < -1e-4).any() or (outputs > 1 + 1e-4).any():
        raise InputError(
            f"The outputs of {name} are no probabilities (one is {float(outputs.max()):.3g}): end "
            f"it in a sigmoid."
        )
    return outputs.clip(0, 1)


def _layer_of(tensor):
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.operation


def _layer_before(layer):
    inputs = layer.input
    return _layer_of(inputs) if not isinstance(inputs, list | tuple) else None
