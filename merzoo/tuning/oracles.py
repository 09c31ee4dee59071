"""KerasTuner's oracles, made to resume exactly, and several searches behind one oracle.

What KerasTuner 1.4 leaves open and is mended here:

- Its files are written in place, so a kill could leave half a file; here they are replaced whole.
- Its state still names a trial as running after it has ended, so a resumed search would repeat it.
- A grid search keeps no state at all and would stop when resumed.
- Bayesian optimisation draws its first 3 x (number of hyper-parameters) trials at random, which is
  all of a short search, and may propose settings that it has tried.
- No search starts from the settings that are known to work.
- A worker that dies keeps its trial for ever, and the chief waits for it for ever.
- Causes of failures don't reach the chief (its protocol has no field for them).
"""

import functools
import json
import os
import threading
import time
import warnings
from pathlib import Path
from typing import TypedDict

import keras_tuner
import threadpoolctl
from keras_tuner.engine import trial as trial_module
from sklearn.exceptions import ConvergenceWarning

from merzoo.errors import InputError, unknown
from merzoo.files import write_text
from merzoo.metrics import UF1
from merzoo.schema import check

TUNERS = ("random", "bayesian", "hyperband", "grid")
OBJECTIVE = keras_tuner.Objective(UF1.name, "max" if UF1.larger_is_better else "min")

# Values that travel with a trial beside its hyper-parameters; never part of the search.
SETTINGS, REPORT = "merzoo/settings", "merzoo/report"

_Status = trial_module.TrialStatus


class _Resumable:
    """Mixed into KerasTuner's oracles: starts from the defaults, and resumes exactly."""

    def _random_values(self):
        if self.start_order:
            return super()._random_values()
        space = self.get_space()
        return {hp.name: hp.default for hp in space.space if space.is_active(hp)}

    def _save_trial(self, trial):
        file = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")
        _write_whole(file, trial.get_state())

    def save(self):
        _write_whole(self._get_oracle_fname(), self.get_state())

    def reload(self):
        super().reload()
        for trial in self.trials.values():
            if trial.trial_id not in self.start_order:  # killed before the oracle was saved
                self.start_order.append(trial.trial_id)
        open_trials = [t for t in self.start_order if self.trials[t].status == _Status.RUNNING]
        self._retry_queue = open_trials[::-1]  # the earliest is taken first

    def release(self, tuner_id) -> None:
        """Gives the trial of a worker that is gone to the next one that asks."""
        self._retry_queue.append(self.ongoing_trials.pop(tuner_id).trial_id)
        self.save()


class _Random(_Resumable, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Resumable, keras_tuner.oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id):
        with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):  # tiny matrices
            warnings.simplefilter("ignore", ConvergenceWarning)  # few trials say little
            response = super().populate_space(trial_id)
        if response["values"] and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response


class _Hyperband(_Resumable, keras_tuner.oracles.HyperbandOracle):
    pass


class _Grid(_Resumable, keras_tuner.oracles.GridSearchOracle):
    def reload(self):
        super().reload()
        order = functools.cmp_to_key(
            lambda a, b: self._compare(a.hyperparameters.values, b.hyperparameters.values)
        )
        previous = []
        for trial in sorted(self.trials.values(), key=order):
            self._ordered_ids.insert(trial.trial_id, *previous)
            previous = [trial.trial_id]
        self._populate_next = list(self.start_order)


def make_oracle(tuner: str, space, *, trials: int, epochs: int, seed: int):
    """The oracle of one search.

    Args:
        tuner: one of `TUNERS`.
        space: `keras_tuner.HyperParameters`.
        trials: the most trials.
        epochs: those of the longest trials of `"hyperband"`.
        seed: of what it draws.

    Raises:
        InputError: for an unknown tuner.
    """
    if tuner not in TUNERS:
        raise unknown("tuner", tuner, TUNERS)
    common = {
        "objective": OBJECTIVE,
        "hyperparameters": space,
        "seed": seed + 1,  # 0 would draw one
        "max_consecutive_failed_trials": None,  # failures are recorded, never fatal
    }
    if tuner == "hyperband":
        oracle = _Hyperband(max_epochs=epochs, **common)
        oracle.max_trials = trials
        return oracle
    if tuner == "bayesian":
        return _Bayesian(max_trials=trials, num_initial_points=max(3, trials // 3), **common)
    return {"random": _Random, "grid": _Grid}[tuner](max_trials=trials, **common)


class Report(TypedDict, total=False):
    """What is kept of a trial; beside these the metrics by their names."""

    loss: list[float]
    seconds: float
    compiled: int
    worker: str
    cause: str


class Completed(Report):
    """What is kept of a trial that was finished."""

    uf1: float


class Searches(keras_tuner.Oracle):
    """Several searches behind one oracle, in order; also what a chief serves to its workers.

    A trial is named `<search>-<number>`. Each search keeps its own KerasTuner files.

    Args:
        searches: name -> oracle.
        folder: of their files.
        settings: text that the workers' own settings must equal.
        budget: seconds for all searches, in equal shares; `None` for no end.
        silence: seconds after which a worker that was not heard of is taken for dead; `None` where
            there are no workers.
    """

    def __init__(
        self,
        searches: dict,
        folder: str | os.PathLike,
        settings: str = "",
        budget: float | None = None,
        silence: float | None = None,
    ):
        super().__init__(objective=OBJECTIVE)
        self.searches, self.settings, self.silence = searches, settings, silence
        for name, oracle in searches.items():
            oracle._set_project_dir(folder, name)
            oracle.verbose = 0
            if os.path.exists(oracle._get_oracle_fname()):
                _reload(oracle, Path(folder) / name)
        start = time.monotonic()
        share = float("inf") if budget is None else budget / max(1, len(searches))
        self._deadlines = {n: start + share * (i + 1) for i, n in enumerate(searches)}
        self._lock = threading.RLock()
        self._running: dict[str, str] = {}  # trial -> worker
        self._heard: dict[str, float] = {}  # worker -> when
        self.exhausted = False

    def create_trial(self, tuner_id):
        with self._lock:
            self._heard[tuner_id] = time.monotonic()
            self._release_silent()
            waiting = False
            for name, oracle in self.searches.items():
                if self._over(name):
                    continue
                trial = oracle.create_trial(tuner_id)
                if trial.status == _Status.RUNNING:
                    found = _renamed(trial, f"{name}-{trial.trial_id}", trial.status)
                    found.hyperparameters.values[SETTINGS] = self.settings
                    self._running[found.trial_id] = tuner_id
                    return found
                waiting |= bool(oracle.ongoing_trials)  # one of them may come back
            if not waiting:
                self.exhausted = True
                self._heard.pop(tuner_id)
            status = _Status.IDLE if waiting else _Status.STOPPED
            return trial_module.Trial(keras_tuner.HyperParameters(), "none", status)

    def get_trial(self, trial_id):
        """The trial; `STOPPED` once its search has no time left. Also a sign of life."""
        with self._lock:
            if trial_id in self._running:
                self._heard[self._running[trial_id]] = time.monotonic()
            name, _, number = trial_id.rpartition("-")
            trial = self.searches[name].get_trial(number)
            return _renamed(trial, trial_id, _Status.STOPPED if self._over(name) else trial.status)

    def update_trial(self, trial_id, metrics, step=0):
        with self._lock:
            name, _, number = trial_id.rpartition("-")
            return self.searches[name].update_trial(number, metrics, step)

    def end_trial(self, trial):
        """Ends a trial; one that the budget cut off (`STOPPED`) stays open for the next call."""
        with self._lock:
            name, _, number = trial.trial_id.rpartition("-")
            oracle = self.searches[name]
            self._running.pop(trial.trial_id, None)
            ended = oracle.trials[number].status in (_Status.COMPLETED, _Status.FAILED)
            if trial.status == _Status.STOPPED or ended:
                return
            found = _renamed(trial, number, trial.status)
            found.hyperparameters.values.pop(SETTINGS, None)
            found.message = found.hyperparameters.values.pop(REPORT, None)
            oracle.end_trial(found)
            oracle.save()  # KerasTuner saves before it forgets that the trial was running

    def finished(self) -> bool:
        """Whether a chief can stop: nothing is left to do, and every living worker knows it."""
        with self._lock:
            self._release_silent()
            now = time.monotonic()
            over = all(self._over(name) for name in self.searches)
            if over and now - max(self._deadlines.values()) > self.silence:
                return True
            return (self.exhausted or over) and not self._heard

    def get_space(self):
        return keras_tuner.HyperParameters()

    def update_space(self, hyperparameters):
        pass

    def save(self):
        for oracle in self.searches.values():
            oracle.save()

    def reload(self):
        pass  # done in the constructor, before anything is saved

    def _over(self, name: str) -> bool:
        return time.monotonic() > self._deadlines[name]

    def _release_silent(self) -> None:
        if self.silence is None:
            return
        oldest = time.monotonic() - self.silence
        for worker in [w for w, heard in self._heard.items() if heard < oldest]:
            self._heard.pop(worker)
            for trial_id in [t for t, w in self._running.items() if w == worker]:
                self._running.pop(trial_id)
                self.searches[trial_id.rpartition("-")[0]].release(worker)


def report_of(trial) -> dict:
    """What `merzoo.tuning.search` says of a finished trial: metrics, losses, seconds, cause."""
    return json.loads(trial.message or "{}")


def _reload(oracle, folder: Path) -> None:
    """Reads the state of a search back; raises `InputError` where it is damaged."""
    try:
        oracle.reload()
        for trial in oracle.trials.values():
            kind = Completed if trial.status == _Status.COMPLETED else Report
            check(report_of(trial), kind, f"trial {trial.trial_id}", finite=False)
    except Exception as error:  # of JSON and KerasTuner, whatever a damaged file provokes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{folder}: the trials there are damaged ({reason}); give another --out."
        ) from None


def _renamed(trial, trial_id: str, status: str):
    """A copy under another name."""
    found = trial_module.Trial(trial.hyperparameters.copy(), trial_id, status)
    found.metrics, found.score, found.message = trial.metrics, trial.score, trial.message
    return found


def _write_whole(file: str, content) -> None:
    write_text(Path(file), json.dumps(content))
