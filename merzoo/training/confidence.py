"""How sure a trained network may say that it is: a temperature, and a least confidence to answer.

Both are chosen on answers about people who are neither trained on nor tested. The temperature is
that of Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: logarithms of
probabilities are divided by it, which changes how sure an answer is and never which it is. So that
a few answers that are all right do not make a network certain, its logarithm is held near 0 as by
a normal prior of spread 1: a few answers hardly move it, many alone decide. The least confidence
lets as many answers through as allow `RIGHT` of them to be right (the trade of Geifman and
El-Yaniv, "Selective Classification for Deep Neural Networks", NIPS 2017, without its bound).
"""

from dataclasses import asdict, dataclass

import numpy as np

RIGHT = 0.9  # share of the given answers that shall be right
_TEMPERATURES = (0.05, 20.0)
_LEAST = 1e-7  # probability that a float32 tells from 0


@dataclass(frozen=True)
class Confidence:
    """What turns a network's probabilities into a confidence, and says when it does not know.

    Args:
        temperature: by which logarithms of probabilities are divided; above 1 it is less sure.
        threshold: least confidence with which it answers, 0..1; above 1 it never does.
        people: on whose answers both were chosen.
        answers: how many these were.
    """

    temperature: float
    threshold: float
    people: int = 0
    answers: int = 0

    def of(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, K) of classes, each row summing to 1.

        >>> Confidence(2.0, 0.5).of(np.array([[0.8, 0.2]])).round(3).tolist()
        [[0.667, 0.333]]
        """
        return tempered(probabilities, self.temperature)

    def of_units(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, U) of yes-or-no outputs, each by itself.

        >>> Confidence(2.0, 0.5).of_units(np.array([[0.8, 0.5]])).round(3).tolist()
        [[0.667, 0.5]]
        """
        return self.of(sides(probabilities))[..., 0]

    def knows(self, confidence):
        """Whether answers of this calibrated confidence are given."""
        return np.asarray(confidence) >= self.threshold

    def as_dict(self) -> dict:
        """Plain JSON types."""
        return asdict(self)


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (..., K) whose logarithms are divided by a temperature; rows sum to 1."""
    logs = np.log(np.maximum(np.asarray(probabilities, float), _LEAST)) / temperature
    powers = np.exp(logs - logs.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_confidence(label, probabilities, people: int = 0) -> Confidence:
    """The temperature and the threshold for a network's answers about inner people.

    Args:
        label: (N,) true classes.
        probabilities: (N, K) of the network.
        people: whose they are, how many.

    Example:

    Of ten answers at 0.9 six are right: it is too sure, and nine tenths are out of its reach.

    >>> found = fit_confidence([0] * 6 + [1] * 4, [[0.9, 0.1]] * 10)
    >>> round(float(found.of(np.array([[0.9, 0.1]]))[0, 0]), 2), bool(found.knows(0.99))
    (0.71, False)
    """
    label, probabilities = np.asarray(label, int), np.asarray(probabilities, float)
    temperature = _temperature(label, probabilities)
    calibrated = tempered(probabilities, temperature)
    right = calibrated.argmax(-1) == label
    threshold = least_confidence(calibrated.max(-1), right)
    return Confidence(temperature, threshold, people, len(label))


def fit_unit_confidence(shown, probabilities, people: int = 0) -> Confidence:
    """The same of yes-or-no outputs; the threshold is of those that are said to be there.

    Args:
        shown: (N, U) whether each unit is there.
        probabilities: (N, U) that it is.
        people: whose they are, how many.

    Example:

    >>> found = fit_unit_confidence([[1, 0], [1, 0]], [[0.7, 0.2], [0.8, 0.3]])
    >>> found.temperature < 1, bool(found.knows(0.7))
    (True, True)
    """
    shown = np.asarray(shown, bool)
    temperature = _temperature(np.where(shown, 0, 1).ravel(), sides(probabilities).reshape(-1, 2))
    there = tempered(sides(probabilities), temperature)[..., 0]
    said = there > 0.5
    return Confidence(temperature, least_confidence(there[said], shown[said]), people, len(shown))


def least_confidence(confidence, right, share: float = RIGHT) -> float:
    """The least confidence from which on a share of answers is right; 0 where all may be given,
    above 1 where none.

    >>> least_confidence([0.9, 0.8, 0.6, 0.5], [True, True, False, True])
    0.7
    >>> least_confidence([0.9, 0.8], [False, True])
    1.1
    """
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    order = np.argsort(-confidence, kind="stable")
    ordered, reached = confidence[order], np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last = np.append(np.diff(ordered) < 0, True)[: len(order)]  # equal ones go together
    allowed = np.flatnonzero(last & (reached >= share))
    if not len(allowed):
        return 1.1
    at = int(allowed[-1])
    if at == len(order) - 1:
        return 0.0
    return round(float(ordered[at] + ordered[at + 1]) / 2, 6)


def _temperature(label: np.ndarray, probabilities: np.ndarray) -> float:
    """The likeliest temperature under the prior."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(label))

    def loss(power: float) -> float:
        found = tempered(probabilities, float(np.exp(power)))[rows, label]
        return power**2 / 2 - float(np.log(np.maximum(found, 1e-300)).sum())

    found = minimize_scalar(loss, bounds=np.log(_TEMPERATURES), method="bounded")
    return round(float(np.exp(found.x)), 4)


def sides(probabilities) -> np.ndarray:
    """(..., 2) the probability of yes and of no, from (...) that of yes."""
    there = np.asarray(probabilities, float)
    return np.stack([there, 1 - there], -1)
