"""`Resume`: a Keras callback that lets a killed training go on as if it had not been killed.

Keras' `BackupAndRestore` restores weights, optimizer and epoch, but neither the counters of
early stopping, of the plateau schedule and of the best checkpoint, nor a random generator outside
the model, and it writes two files one after the other. Here one file, which appears whole or not at
all, holds everything that the next epoch depends on; the random generators are set from the seed
and the number of the epoch.
"""

import json
from pathlib import Path
from typing import TypedDict

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.schema import check
from merzoo.training.validation import BestEpoch
from merzoo.whole import whole

# What each of the callbacks remembers from epoch to epoch.
COUNTERS = {
    keras.callbacks.EarlyStopping: ("best", "wait", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    BestEpoch: ("best",),
}


class State(TypedDict):
    """What stands in the file beside the arrays."""

    epoch: int
    rows: list[dict[str, float]]
    counters: list[dict[str, float | None]]


class Resume(keras.callbacks.Callback):
    """Keeps the state of a training at the start of every epoch.

    It must be the last of the callbacks: those before it have then done their work of the epoch.

    Args:
        file: where the state is kept.
        callbacks: the other callbacks of the same `fit`.
        seed: of the random generators.

    Attributes:
        rows: the logs of every epoch so far, one dictionary an epoch.
    """

    def __init__(self, file: Path, callbacks, seed: int):
        super().__init__()
        self.file, self.seed = file, seed
        self.rows: list[dict[str, float]] = []
        self._watched = [c for c in callbacks if type(c) in COUNTERS]
        self._counters: list[dict] = []
        self._first = self._epoch = 0

    def restore(self, model) -> int:
        """Puts a compiled model in the state of the file, if there is one.

        Returns:
            The epoch to go on with: 0 without a file.

        Raises:
            InputError: if the file is damaged or of another model.
        """
        if not self.file.is_file():
            return 0
        try:
            with np.load(self.file, allow_pickle=False) as content:
                state = json.loads(str(content["state"]))
                check(state, State, self.file, finite=False)
                values = [content[f"value_{i}"] for i in range(len(content.files) - 1)]
            for variable, value in zip(_variables(model), values, strict=True):
                variable.assign(value)
        except InputError:
            raise
        except Exception as error:  # of NumPy and Keras, whatever a damaged file provokes
            if isinstance(error, MemoryError) or getattr(error, "errno", None):
                raise  # the file may be whole, but cannot be read now
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{self.file}: not a state that can be gone on from ({reason}); remove the folder "
                "and start again."
            ) from None
        self.rows, self._counters = state["rows"], state["counters"]
        self._first = state["epoch"]
        return self._first

    def history(self) -> dict[str, list[float]]:
        """The logs of every epoch, those before a stop too: name -> one value an epoch."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        return {name: [row.get(name, float("nan")) for row in self.rows] for name in names}

    def on_train_begin(self, logs=None):
        # Keras' callbacks have just forgotten their counters.
        for callback, values in zip(self._watched, self._counters, strict=False):
            for name, value in values.items():
                setattr(callback, name, value)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch > self._first:
            self._write(epoch)
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:  # not before: PyTorch's loader draws a number when it is first opened
            keras.utils.set_random_seed((self.seed * 1_000_003 + self._epoch) % 2**32)

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({name: float(value) for name, value in (logs or {}).items()})

    def _write(self, epoch: int) -> None:
        state = {
            "epoch": epoch,
            "rows": self.rows,
            "counters": [
                {name: _plain(getattr(c, name)) for name in COUNTERS[type(c)]}
                for c in self._watched
            ],
        }
        values = [keras.ops.convert_to_numpy(v) for v in _variables(self.model)]
        with whole(self.file) as temporary, temporary.open("wb") as stream:
            named = {f"value_{i}": value for i, value in enumerate(values)}
            np.savez(stream, state=np.array(json.dumps(state)), **named)


def _variables(model) -> list:
    """Weights, moving averages, seed generators and the optimizer's; not the metrics'."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics] + model.optimizer.variables


def _plain(value):
    return value if value is None or isinstance(value, int) else float(value)
