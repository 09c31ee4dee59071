"""The callback of the selection rule `inner`: the epoch that is best on drawn training subjects."""

import keras

from merzoo.metrics import UF1, confusion_matrix
from merzoo.preprocessing.arrays import Arrays


class BestInnerEpoch(keras.callbacks.Callback):
    """Scores the validation samples after each epoch and keeps the weights of the best.

    Args:
        fitter: the `merzoo.training.trainer.Fitter` that trains.
        validation: samples of subjects that are not trained on.
    """

    def __init__(self, fitter, validation: Arrays):
        super().__init__()
        self.fitter, self.validation = fitter, validation
        self.scores: list[float] = []
        self._best = None

    def on_epoch_end(self, epoch, logs=None):
        model = self.model  # on JAX this hands the trained values to the variables
        predicted = self.fitter.predict(self.validation).argmax(1)
        classes = len(self.validation.classes)
        matrix = confusion_matrix(self.validation.label, predicted, classes)
        self.scores.append(float(UF1.of_matrix(matrix)))
        if UF1.best(self.scores) == len(self.scores) - 1:
            self._best = model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self._best)
