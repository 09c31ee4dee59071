"""Runs trials: each is trained and judged on folds of whole subjects inside its search's subjects.

A search is named `all` (every subject that was given) or after the outer fold whose training
subjects it has, such as `kfold5_2`. It is handed those samples and no others, so the subjects on
which its winner is tested cannot reach it.
"""

import contextlib
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field, replace

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine import base_tuner
from keras_tuner.engine.trial import TrialStatus

from merzoo.arguments import number_after, split_text
from merzoo.errors import InputError
from merzoo.evaluation.splits.protocols import Fold, loso
from merzoo.metrics import confusion_matrix, scores
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.engines import Engine, choose_engine
from merzoo.training.learner import Learner
from merzoo.training.parts import Part
from merzoo.training.recipes import Recipe, recipe_as_dict
from merzoo.tuning.oracles import REPORT, SETTINGS
from merzoo.tuning.search_spaces import recipe_of
from merzoo.tuning.shared_trainers import SharedTrainers

_BEAT = 1.0  # seconds between a worker's signs of life


@dataclass(frozen=True)
class Plan:
    """All that decides what a trial's score is.

    Args:
        learner: the network.
        data: all samples.
        recipe: the settings that are not searched.
        space: what is searched, see `search_spaces`.
        tuner: name of the algorithm.
        folds: inner folds.
        seed: of folds, weights and order.
        labels: label map that was asked for, for cards; the samples are in its classes.
    """

    learner: Learner = field(repr=False)
    data: Arrays = field(repr=False)
    recipe: Recipe
    space: dict
    tuner: str
    folds: int
    seed: int = 0
    labels: str | None = None

    @property
    def model(self) -> str:
        """The network's name."""
        return self.learner.name

    def engine(self, watched: bool = False) -> Engine:
        """By which folds are trained; `watched` where a recipe looks at epochs."""
        size = sum(x.nbytes for x in self.data.modalities.values())
        return choose_engine(
            "auto", self.learner, classes=len(self.data.classes), size=size, watched=watched
        )

    def settings(self) -> dict:
        """The plan as plain JSON types; a search continues only under equal ones."""
        settings = {
            "model": self.learner.name,
            "recipe": recipe_as_dict(self.recipe),
            "space": self.space,
            "tuner": self.tuner,
            "folds": self.folds,
            "seed": self.seed,
            "data": self.data.fingerprint(),
            "samples": len(self.data),
        }
        return json.loads(json.dumps(settings))

    def fingerprint(self) -> str:
        """SHA-256 of the settings."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()


def outer_folds(protocol: str, data: Arrays, seed: int = 0) -> list[Fold]:
    """The outer folds of a nested search, by whole subjects.

    Args:
        protocol: `"loso"`, or `"kfold:5"` for five groups of subjects, alike in their classes.
        data: all samples.
        seed: of the groups.

    Raises:
        InputError: for another protocol, or too few subjects.
    """
    name, number = split_text("outer protocol", protocol, "'loso' or 'kfold:5'")
    if name == "loso" and number is None:
        return loso(data)
    if name != "kfold" or number is None:
        raise InputError(f"outer protocol {protocol!r} is not known: use 'loso' or 'kfold:5'.")
    groups = number_after("outer protocol", protocol, number, "'loso' or 'kfold:5'", least=2)
    return grouped_folds(data, groups, seed)


def grouped_folds(data: Arrays, folds: int, seed: int = 0) -> list[Fold]:
    """Folds of whole subjects with like shares of the classes.

    Raises:
        InputError: if there are fewer subjects than folds.

    >>> import numpy as np
    >>> rows = range(6)
    >>> data = Arrays({}, [0, 1] * 3, list("aabbcc"), ["d"] * 6, list("uvwxyz"), ("no", "yes"))
    >>> [len(fold.test) for fold in grouped_folds(data, 3)]
    [2, 2, 2]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    subjects = len(set(data.subject.tolist()))
    if subjects < folds or folds < 2:
        raise InputError(
            f"{data.source}: {subjects} subjects cannot be split into {folds} groups of subjects."
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = splitter.split(np.zeros(len(data)), data.label, data.subject)
    return [Fold(f"group {i + 1}", train, test) for i, (train, test) in enumerate(splits)]


def outer_name(protocol: str, number: int) -> str:
    """The name of the search of an outer fold, counted from 1.

    >>> outer_name("kfold:5", 2)
    'kfold5_2'
    """
    return f"{protocol.replace(':', '')}_{number}"


def search_data(plan: Plan, search: str) -> Part:
    """The samples that a search may see."""
    if search == "all":
        return Part.of(plan.data, np.arange(len(plan.data)))
    protocol, _, number = search.rpartition("_")
    protocol = re.sub(r"^kfold(?=\d)", "kfold:", protocol)  # as `outer_name` writes it
    fold = outer_folds(protocol, plan.data, plan.seed)[int(number) - 1]
    return Part.of(plan.data, fold.train)


class CutOff(Exception):
    """The search has no time left."""


class SearchTuner(base_tuner.BaseTuner):
    """KerasTuner's loop of trials, each judged by pooled UF1 over inner folds of subjects.

    Args:
        oracle: `merzoo.tuning.oracles.Searches`.
        plan: what is searched.
        folder: for KerasTuner's files.
        on_epoch: called with (trial, recipe, fold, epoch, loss) after each epoch.
        on_end: called with (trial) after each trial.
    """

    def __init__(self, oracle, plan: Plan, folder, on_epoch=None, on_end=None):
        super().__init__(oracle, directory=str(folder), project_name="searches")
        keras_tuner.src.config.DEBUG = False  # which prints every failure's stack
        self.plan, self.on_epoch, self.on_end = plan, on_epoch, on_end
        self.settings = plan.fingerprint()
        self.engine = plan.engine()
        on_device = self.engine.name != "reuse"
        self.trainers = SharedTrainers(plan.learner, plan.data.classes, on_device)
        self._idle, self._failure = False, None
        self._search = ("", None, ())

    def pre_create_trial(self):
        if self._idle:
            time.sleep(_BEAT)
        self._idle = True

    def on_trial_begin(self, trial):
        self._idle = False

    def run_trial(self, trial):
        """Trains and judges one recipe; returns its headline metrics, pooled over the folds."""
        values = trial.hyperparameters.values
        if values.get(SETTINGS) != self.settings:
            raise keras_tuner.errors.FatalRuntimeError(
                "The chief searches with other settings or other data than this worker: start "
                "both with the same options."
            )
        self._failure = None
        try:
            with _SignsOfLife(self.oracle, trial.trial_id) as life:
                return self._judged(trial, values, life)
        except Exception as error:
            self._failure = error
            raise

    def _judged(self, trial, values: dict, life) -> dict:
        start, compiled = time.perf_counter(), self.trainers.compiled
        recipe = recipe_of(self.plan.space, values, self.plan.recipe)
        if "tuner/epochs" in values:  # set by Hyperband
            recipe = replace(recipe, epochs=values["tuner/epochs"])
        data, folds = self._data_and_folds(trial.trial_id.rpartition("-")[0])
        try:
            found, histories = self._run_folds(trial, recipe, data, folds, life)
        except Exception:
            self.trainers.drop(recipe)  # it may be half made
            raise
        pooled = scores(confusion_matrix(data.label, found, len(data.classes)))
        report = {
            "seconds": time.perf_counter() - start,
            "compiled": self.trainers.compiled - compiled,
            "loss": _median([h["loss"] for h in histories]),
        }
        self._report(trial, pooled | report)
        return pooled

    def on_trial_end(self, trial):
        if isinstance(self._failure, CutOff):
            trial.status = TrialStatus.STOPPED
        elif trial.message is not None:
            self._report(trial, {"cause": _cause(self._failure, trial.message)})
        super().on_trial_end(trial)
        if self.on_end is not None and trial.status != TrialStatus.STOPPED:
            self.on_end(trial)

    def _report(self, trial, report: dict) -> None:
        report = report | {"worker": self.tuner_id}
        trial.hyperparameters.values[REPORT] = json.dumps(report)

    def _data_and_folds(self, search: str):
        if self._search[0] != search:
            data = search_data(self.plan, search)
            folds = grouped_folds(data.known, self.plan.folds, self.plan.seed)
            self._search = (search, data, folds)
        return self._search[1:]

    def _run_folds(self, trial, recipe, data, folds, life):
        steps_per_epoch = recipe.steps(len(data))
        trainer = self.trainers.get(recipe, steps_per_epoch)
        trainer.reset(self.plan.seed)
        data = _with_inputs(data, [tensor.name for tensor in trainer.model.inputs])
        parts = [(data.take(fold.train), fold) for fold in folds]

        def after_epoch(fold, epoch, loss):
            if life.cut_off.is_set():
                raise CutOff()
            if self.on_epoch is not None:
                self.on_epoch(trial, recipe, fold, epoch, loss)

        if self.engine.name == "together" and not recipe.validation:
            results = self._together(trainer, parts, data, after_epoch)
        else:
            results = self._one_by_one(trainer, parts, data, after_epoch)
        found = np.zeros(len(data), int)
        for fold, (probabilities, _) in zip(folds, results, strict=True):
            found[fold.test] = probabilities.argmax(1)
        return found, [history for _, history in results]

    def _together(self, trainer, parts, data, after_epoch) -> list[tuple]:
        """(probabilities, history) of all inner folds, as one program."""
        from merzoo.training.together import Replica, train_together

        def report(numbers, epoch, losses):
            after_epoch(parts[numbers[0]][1], epoch, float(losses.mean()))

        replicas = [Replica(train, data.rows[fold.test], self.plan.seed) for train, fold in parts]
        chunks = train_together(trainer, replicas, on_epoch=report)
        return [(one.probabilities, one.history) for chunk in chunks for one in chunk]

    def _one_by_one(self, trainer, parts, data, after_epoch) -> list[tuple]:
        """(probabilities, history) of each inner fold."""
        found = []
        for train, fold in parts:

            def report(epoch, logs, fold=fold):
                after_epoch(fold, epoch, logs["loss"])

            callback = keras.callbacks.LambdaCallback(on_epoch_end=report)
            history = trainer.fit_fold(train, self.plan.seed, fold.name, [callback])
            found.append((trainer.predict(data.take(fold.test).arrays()), history))
        return found


class _SignsOfLife(threading.Thread):
    """Tells the oracle each second that the trial is alive; learns when its time is over."""

    def __init__(self, oracle, trial_id: str):
        super().__init__(daemon=True)
        self.oracle, self.trial_id = oracle, trial_id
        self.cut_off, self._ended = threading.Event(), threading.Event()

    def run(self):
        while not self._ended.wait(_BEAT):
            with contextlib.suppress(Exception):  # a chief that is away is no reason to stop
                if self.oracle.get_trial(self.trial_id).status == TrialStatus.STOPPED:
                    self.cut_off.set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()


def _median(courses: list[list[float]]) -> list[float]:
    """Of each epoch that all folds trained."""
    epochs = min(map(len, courses))
    return np.median([course[:epochs] for course in courses], axis=0).round(4).tolist()


def _with_inputs(data: Part, names: list[str]) -> Part:
    missing = [name for name in names if name not in data.shared]
    if missing:
        source = data.known.source
        raise InputError(f"{source} holds no {missing[0]!r}, which this architecture takes.")
    return replace(data, shared={name: data.shared[name] for name in names})


def _cause(failure: Exception | None, stack: str) -> str:
    """One line: what went wrong. `stack` is KerasTuner's text, where it found the fault itself."""
    if failure is None:
        return stack.strip().splitlines()[-1][:500]
    line = " ".join(str(failure).split())
    return (line if isinstance(failure, InputError) else f"{type(failure).__name__}: {line}")[:500]
