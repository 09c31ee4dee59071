"""`estimator`: a network as a scikit-learn classifier, trained by merzoo's one engine."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import Learner, resolve
from merzoo.training.recipes import change_recipe


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network with `fit`, `predict` and `predict_proba`; `clone` and searches take it.

    Args:
        model: as `merzoo.evaluate` takes it; a network of one input.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for the model's own.
        epochs, batch_size, learning_rate: instead of the recipe's; `None` for its own.
        arguments: of the builder, such as `{"dropout": 0.3}`.
        random_state: seed of weights, order and augmentation.
    """

    def __init__(
        self,
        model: Any = "ststnet",
        recipe: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        arguments: dict | None = None,
        random_state: int = 0,
    ):
        self.model = model
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.arguments = arguments
        self.random_state = random_state

    def fit(self, X, y, groups=None) -> "NetworkClassifier":
        """Trains from the start.

        Args:
            X: (N, ...) samples of the network's one input, in the units of its modality.
            y: (N,) labels of any kind.
            groups: (N,) whose each is, where the recipe draws people for validation.

        Raises:
            InputError: for another shape or number, fewer than two classes, or a model with several
                inputs or none.
        """
        from merzoo.training.batches import check_feed
        from merzoo.training.trainer import Trainer

        check_feed()
        learner = self._learner()
        self.classes_, label = np.unique(np.asarray(y), return_inverse=True)
        if learner.recipe.validation and groups is None:
            raise InputError(
                f"recipe {learner.recipe.name} watches people who are not trained on: give "
                "groups=, whose each sample is."
            )
        data = learner.take(self._arrays(learner, X, label, groups))
        steps = learner.recipe.steps(len(data))
        self.trainer_ = Trainer(learner, data.classes, steps)
        self.history_ = self.trainer_.fit_fold(data, self.random_state, "all")
        return self

    def predict_proba(self, X) -> np.ndarray:
        """(N, K) probabilities, in the order of `classes_`."""
        check_is_fitted(self, "trainer_")
        learner = self.trainer_.learner
        return self.trainer_.predict(self._arrays(learner, X, np.zeros(len(X), int), None))

    def predict(self, X) -> np.ndarray:
        """(N,) the most probable of the labels that `fit` saw."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def _learner(self) -> Learner:
        learner = resolve(self.model, self.recipe, arguments=self.arguments)
        if learner.kind != "network" or learner.inputs is None or len(learner.inputs) != 1:
            inputs = ", ".join(learner.inputs or {}) or "no input"
            raise InputError(
                f"{learner.name} takes {inputs}: scikit-learn hands over one array; use "
                "merzoo.evaluate, or a network of one input."
            )
        changes = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        return learner.with_recipe(change_recipe(learner.recipe, **changes))

    def _arrays(self, learner: Learner, X, label, groups) -> Arrays:
        ((name, _),) = learner.inputs.items()
        numbers = [str(number) for number in range(len(X))]
        subjects = numbers if groups is None else [str(group) for group in groups]
        classes = tuple(map(str, self.classes_))
        data = ["data"] * len(numbers)
        return Arrays({name: np.asarray(X)}, label, subjects, data, numbers, classes, source="X")


def estimator(model: Any = "ststnet", **settings: Any) -> NetworkClassifier:
    """A network as a scikit-learn classifier.

    Args:
        model: as `merzoo.evaluate` takes it; a network of one input.
        settings: of `NetworkClassifier`, such as `recipe="merzoo-flow", epochs=5`.

    Example:

    >>> from sklearn.base import clone
    >>> clone(estimator("ststnet", epochs=5)).get_params()["epochs"]
    5
    """
    return NetworkClassifier(model, **settings)
