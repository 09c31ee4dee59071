"""A bar over all steps of one long training, with the epoch, the loss and the last validation."""

import keras

from merzoo.training.recipes import Recipe


class Progress(keras.callbacks.Callback):
    """Shows a bar while a training runs.

    Args:
        recipe: its epochs, and what it watches.
        steps: an epoch.
    """

    def __init__(self, recipe: Recipe, steps: int):
        super().__init__()
        self.epochs, self.steps = recipe.epochs, steps
        self.watched = f"val_{recipe.monitor}"

    def on_train_begin(self, logs=None):
        from rich.progress import TextColumn

        from merzoo.progress import progress_bar

        columns = [TextColumn(f"{{task.fields[{n}]}}") for n in ("epoch", "loss", "validation")]
        self._bar = progress_bar(*columns)
        self._bar.start()
        fields = {"epoch": "", "loss": "", "validation": ""}
        self._task = self._bar.add_task(self.model.name, total=self.epochs * self.steps, **fields)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._bar.update(self._task, completed=epoch * self.steps)

    def on_train_batch_end(self, batch, logs=None):
        if not self._bar.disable:
            self._bar.update(
                self._task,
                completed=self._epoch * self.steps + batch + 1,
                epoch=f"epoch {self._epoch + 1}/{self.epochs}",
                loss=f"loss {float(logs['loss']):.3f}",
            )

    def on_epoch_end(self, epoch, logs=None):
        if self.watched in (logs or {}):
            self._bar.update(self._task, validation=f"validation {logs[self.watched]:.3f}")

    def on_train_end(self, logs=None):
        self._bar.stop()
