"""Recipes, fitting, transfer learning and tuning."""

__all__ = ["hypermodel"]


def __getattr__(name):
    if name == "hypermodel":
        from merzoo.training.tuning.hypermodels import hypermodel

        return hypermodel
    raise AttributeError(f"module 'merzoo.training' has no attribute '{name}'")
