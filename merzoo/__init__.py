"""merzoo: a Keras 3 model zoo for facial micro-expression recognition.

The public names, loaded when used: `import merzoo` loads no deep-learning framework.
"""

import importlib

__version__ = "0.1.0"

_NAMES = {
    "list_models": "merzoo.models",
    "create_model": "merzoo.models",
    "model_info": "merzoo.models",
    "evaluate": "merzoo.evaluation",
    "audit": "merzoo.evaluation",
    "compare": "merzoo.evaluation",
    "score": "merzoo.evaluation",
    "pretrain": "merzoo.training.pretrain",
    "finetune": "merzoo.training.finetune",
    "transfer": "merzoo.evaluation",
    "tune": "merzoo.tuning.tune",
    "export": "merzoo.exporting",
    "predict": "merzoo.prediction",
    "reproduce": "merzoo.reproduction.reproduce",
    "InputError": "merzoo.errors",
}
_MODULES = (
    "data",
    "evaluation",
    "explain",
    "layers",
    "metrics",
    "models",
    "preprocessing",
    "reproduction",
    "training",
    "tuning",
    "weights",
)

__all__ = ["__version__", *_MODULES, *_NAMES]


def __getattr__(name):
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"merzoo.{name}")
    raise AttributeError(f"module 'merzoo' has no attribute '{name}'")


def __dir__():
    return __all__
