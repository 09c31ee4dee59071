"""Whom a training is validated on, and what is done with it; nobody stands on both sides.

A long training sets a share of all persons apart. A fold of an evaluation draws inner people from
its training people: the test subject plays no part. The weights of the epoch that is best on them
are kept (`BestEpoch`), by the accuracy or loss that Keras logs or by the pooled UF1; a rate may
fall and a training end when that accuracy or loss stalls, as papers prescribe.
"""

import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError
from merzoo.files import write_weights
from merzoo.metrics import CLASSIFY, UNITS, confusion_matrix, scores, unit_confusion
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.pool import Pool
from merzoo.training.recipes import Recipe

SHARE = 0.2  # of the training subjects that are drawn, where nobody says otherwise
MODES = {"accuracy": "max", "loss": "min", "uf1": "max", "macro_f1": "max"}
_DRAWS = 100  # looked through for one in which no class is missing


def split_validation(pool: Pool, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Parts the samples of a long training so that nobody stands on both sides.

    Groups (see `Pool.groups`) stay together; every class of every dataset is shared out as evenly
    as the groups allow (scikit-learn's `StratifiedGroupKFold`).

    Args:
        pool: the samples.
        share: of samples to validate on; 0 for none.
        seed: of the choice.

    Returns:
        Row numbers to train on and to validate on.

    Raises:
        InputError: for a share that is not possible, or fewer groups than it needs.

    Example:

    >>> subject = [f"s{i // 4}" for i in range(40)]
    >>> data = Arrays({"apex": np.zeros((40, 1, 1, 1))}, np.arange(40) % 2, subject, ["a"] * 40,
    ...               list(map(str, range(40))), ("no", "yes"))
    >>> train, validation = split_validation(Pool((data,)), 0.2)
    >>> len(train), len(validation), set(data.subject[train]) & set(data.subject[validation])
    (32, 8, set())
    """
    from sklearn.model_selection import StratifiedGroupKFold

    everything = np.arange(len(pool))
    if share == 0:
        return everything, everything[:0]
    if not 0 < share <= 0.5:
        raise InputError(f"validation={share} must be 0 (none) or above 0 and at most 0.5.")
    groups, folds = pool.groups(), round(1 / share)
    if len(set(groups.tolist())) < folds:
        raise InputError(
            f"{pool.source}: {len(set(groups.tolist()))} persons (or pictures) are too few to "
            f"validate on {share:.0%} of them; validation=0 trains on all."
        )
    strata = np.unique(np.char.add(pool.dataset, pool.label.astype(str)), return_inverse=True)[1]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of rare strata: as even as they allow
            train, validation = next(iter(splitter.split(everything, strata, groups)))
    except ValueError as error:
        raise InputError(f"{pool.source}: cannot be parted for validation: {error}.") from None
    if len(set(pool.label[train].tolist())) < 2:
        raise InputError(
            f"{pool.source}: only one class would be left to train on; validation=0 trains on all."
        )
    return train, validation


def inner_split(
    train: Arrays, seed: int, fold: str, share: float = SHARE
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate on, no subject in both, drawn for this seed and fold.

    Of the draws looked through the first is taken in which neither side lacks a class that the
    samples have; where there is none, the one that lacks the fewest.

    Args:
        train: the training samples of a fold.
        seed, fold: what the draw depends on.
        share: of the subjects.

    Raises:
        InputError: for fewer than two subjects.

    Example:

    >>> data = Arrays({}, [0, 1] * 5, list("aabbccddee"), ["x"] * 10, list("0123456789"),
    ...               ("no", "yes"))
    >>> rows, validation = inner_split(data, seed=0, fold="x/f")
    >>> len(rows), len(validation)
    (8, 2)
    """
    subjects = sorted(set(train.subject.tolist()))
    if len(subjects) < 2:
        raise InputError(
            f"fold {fold}: trains on a single subject ({subjects[0]}), of which none can be drawn "
            f"for validation; use --selection last and a recipe without validation."
        )
    rng = np.random.default_rng([seed, zlib.crc32(fold.encode())])
    count = max(1, round(share * len(subjects)))
    best, fewest = None, None
    for _ in range(_DRAWS):
        drawn = rng.choice(subjects, count, replace=False)
        held = np.isin(train.subject, drawn)
        kinds = [len(set(train.label[side].tolist())) for side in (~held, held)]
        lacking = -2 * kinds[0] - kinds[1]  # a class never trained on is the worse of the two
        if fewest is None or lacking < fewest:
            best, fewest = held, lacking
    return np.flatnonzero(~best), np.flatnonzero(best)


def monitored(recipe: Recipe) -> dict[str, str]:
    """What Keras' callbacks watch by a recipe: `monitor` and `mode`."""
    return {"monitor": f"val_{recipe.monitor}", "mode": MODES[recipe.monitor]}


def rule_callbacks(recipe: Recipe) -> list:
    """Keras' callbacks of a recipe's `plateau` and `stop`."""
    watched, found = monitored(recipe), []
    if recipe.plateau:
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                patience=recipe.plateau, factor=recipe.factor, **watched
            )
        )
    if recipe.stop:
        found.append(keras.callbacks.EarlyStopping(patience=recipe.stop, **watched))
    return found


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation; puts them back when training ends.

    The one rule by which an epoch is chosen; the first of equals is.

    Args:
        measure: `"accuracy"` or `"loss"`, as Keras logs them, or `"uf1"` (of action units
            `"macro_f1"`); that and the other scores of the validation are then in the logs of an
            epoch, as `inner_uf1` and so on.
        predict: gives the class probabilities (N, K) of samples by the current weights.
        validation: samples of people who are not trained on.
        file: where the weights are kept; `None` for memory.

    Attributes:
        best: the best value so far; `None` before the first epoch.
    """

    def __init__(self, measure: str, predict: Callable, validation, file: Path | None = None):
        super().__init__()
        self.measure, self.predict, self.validation = measure, predict, validation
        self.file = file
        self.best: float | None = None
        self._weights = self._draws = None

    def on_train_begin(self, logs=None):
        self.best = self._weights = None

    def on_test_begin(self, logs=None):
        if keras.backend.backend() == "torch":  # whose loader draws a number for every pass
            import torch

            self._draws = torch.get_rng_state()

    def on_test_end(self, logs=None):
        if self._draws is not None:
            import torch

            torch.set_rng_state(self._draws)

    def on_epoch_end(self, epoch, logs=None):
        model = self.model  # on JAX this hands the trained values to the variables
        value = self._measured(logs)
        if self.best is not None:
            better = value < self.best if MODES[self.measure] == "min" else value > self.best
            if not better:
                return
        self.best = value
        if self.file is None:
            self._weights = model.get_weights()
        else:
            write_weights(self.file, model)

    def on_train_end(self, logs=None):
        if self.best is None:  # no epoch ended
            return
        if self.file is None:
            self.model.set_weights(self._weights)
        else:
            self.model.load_weights(self.file)

    def _measured(self, logs: dict) -> float:
        if self.measure in ("accuracy", "loss"):
            return float(logs[f"val_{self.measure}"])
        found, label = self.predict(self.validation), self.validation.label
        classes, task = self.validation.classes, CLASSIFY
        if self.measure == "macro_f1":
            task, shown = UNITS, unit_table(classes)[1][label]
            matrix = unit_confusion(shown, found > 0.5)
        else:
            matrix = confusion_matrix(label, found.argmax(1), len(classes))
        logs |= {f"inner_{name}": float(value) for name, value in scores(matrix, task).items()}
        return logs[f"inner_{self.measure}"]
