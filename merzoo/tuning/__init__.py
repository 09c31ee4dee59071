"""Searches with KerasTuner that never touch a test subject."""

from typing import TYPE_CHECKING

from merzoo.tuning.tune import TuningResult, tune

if TYPE_CHECKING:
    from merzoo.tuning.hypermodels import hypermodel

__all__ = ["TuningResult", "hypermodel", "tune"]


def __getattr__(name):
    if name == "hypermodel":  # loaded when used: KerasTuner is an extra
        from merzoo.tuning.hypermodels import hypermodel

        return hypermodel
    raise AttributeError(f"module 'merzoo.tuning' has no attribute '{name}'")
