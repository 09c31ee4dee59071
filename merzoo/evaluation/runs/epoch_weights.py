"""The weights of every epoch, kept while training so that they can be applied after it has ended.

For the audit of `merzoo.evaluation.scores.oracle`: nothing is predicted while the network still
learns, so no test sample is near the training process.
"""

import shutil
import tempfile

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays

IN_MEMORY = 64 * 2**20  # bytes; beyond, a file without a name, which goes when the process does


class EpochWeights(keras.callbacks.Callback):
    """Keeps a model's weights, moving statistics included, at the end of each epoch.

    Args:
        in_memory: bytes to keep in memory before all goes to a temporary file.

    Raises:
        InputError: when training starts, if the temporary folder has no room for all epochs.
    """

    def __init__(self, in_memory: int = IN_MEMORY):
        super().__init__()
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115
        self._in_memory = in_memory
        self._epochs = 0

    def on_train_begin(self, logs=None):
        needed = self.params["epochs"] * sum(w.nbytes for w in self.model.get_weights())
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if needed > self._in_memory and needed > free:
            raise InputError(
                f"keeping the weights of {self.params['epochs']} epochs takes "
                f"{needed / 2**30:.1f} GiB, but {tempfile.gettempdir()} has {free / 2**30:.1f}: "
                f"set TMPDIR to a folder with room, or audit fewer epochs."
            )

    def on_epoch_end(self, epoch, logs=None):
        for weight in self.model.get_weights():
            self._file.write(np.ascontiguousarray(weight).tobytes())
        self._epochs += 1

    def predictions(self, trainer, data: Arrays) -> np.ndarray:
        """Class probabilities (epochs, N, K) of each epoch's weights; call it after training.

        Args:
            trainer: the `Trainer` whose model was trained; its final weights are put back.
            data: the samples to predict.
        """
        final = [np.array(w, copy=True) for w in self.model.get_weights()]
        found = []
        self._file.seek(0)
        for _ in range(self._epochs):
            self.model.set_weights([self._read(like) for like in final])
            found.append(trainer.predict(data))
        self.model.set_weights(final)
        return np.stack(found)

    def close(self) -> None:
        """Frees what was kept."""
        self._file.close()

    def _read(self, like: np.ndarray) -> np.ndarray:
        content = self._file.read(like.nbytes)
        return np.frombuffer(content, like.dtype).reshape(like.shape)
