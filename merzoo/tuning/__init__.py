"""Searches with KerasTuner that never touch a test subject."""

__all__ = ["hypermodel", "tune"]


def __getattr__(name):  # loaded when used: KerasTuner is an extra
    if name == "hypermodel":
        from merzoo.tuning.hypermodels import hypermodel

        return hypermodel
    if name == "tune":
        from merzoo.tuning.tune import tune

        return tune
    raise AttributeError(f"module 'merzoo.tuning' has no attribute '{name}'")
