"""How one training is run beside its recipe: what changes its cost, or replaces parts of it."""

from dataclasses import dataclass, fields, replace

from merzoo.training.recipe_limits import TRAINING_LIMITS, check_fields
from merzoo.training.recipes import Recipe


@dataclass(frozen=True)
class Training:
    """How one long training is run, beside its recipe.

    Args:
        validation: share of the samples to validate on, by person; 0 for none, and then the last
            epoch's weights are kept.
        balance: `"weights"` (each class weighs alike in the loss), `"sampling"` (each class is
            drawn equally often), or `None` for the recipe's class weights.
        plateau: epochs without a better validation after which the rate falls; `None` for the
            recipe's own schedule. With it the recipe's schedule plays no part.
        factor: by which it falls then.
        stop: epochs without a better validation after which training ends; `None` for never.
        ema: momentum of a moving average of the weights, which is then what is validated and
            kept; `None` for none.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; weights stay float32.
        accumulate: steps whose gradients make one update.
        xla: compile with XLA where it pays (see `merzoo.training.devices.xla_pays`).
        seed: of weights, split, order and augmentation.
        devices: several devices of this machine, as `merzoo.training.devices.distributed` takes
            them, such as `"all"`; `None` for one.
    """

    validation: float = 0.2
    balance: str | None = "weights"
    plateau: int | None = 10
    factor: float = 0.1
    stop: int | None = 20
    ema: float | None = None
    precision: str = "float32"
    accumulate: int = 1
    xla: bool = True
    seed: int = 0
    devices: str | tuple[str, ...] | None = None

    def __post_init__(self):
        check_fields({f.name: getattr(self, f.name) for f in fields(self)}, TRAINING_LIMITS)

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with what these options replace of it."""
        extra = {}
        if self.ema is not None:
            extra |= {"use_ema": True, "ema_momentum": self.ema}
        if self.accumulate > 1:
            extra |= {"gradient_accumulation_steps": self.accumulate}
        changes = {"optimizer_arguments": recipe.optimizer_arguments | extra}
        changes |= {"validation": self.validation, "factor": self.factor}
        watched = bool(self.validation)
        changes |= {"plateau": self.plateau if watched else None}
        changes |= {"stop": self.stop if watched else None}
        if self.plateau and watched:
            changes |= {"schedule": "constant"}
        if self.balance is not None:
            changes |= {"class_weights": "balanced" if self.balance == "weights" else None}
        return replace(recipe, **changes)


ONE_DEVICE = Training(validation=0, balance=None)  # of folds, whose recipe says everything
