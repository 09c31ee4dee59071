"""merzoo: a Keras 3 model zoo for facial micro-expression recognition.

The public names, loaded when used: `import merzoo` loads no deep-learning framework.
"""

import importlib
from typing import TYPE_CHECKING

from merzoo import moved
from merzoo.after_import import after_import
from merzoo.versions import VERSION as __version__

if TYPE_CHECKING:  # what `__getattr__` gives, for editors and type checkers
    from merzoo import (
        data,
        evaluation,
        explain,
        layers,
        metrics,
        modalities,
        models,
        preprocessing,
        reproduction,
        training,
        tuning,
        weights,
    )
    from merzoo.errors import InputError
    from merzoo.evaluation.audit import audit
    from merzoo.evaluation.compare import compare
    from merzoo.evaluation.evaluate import evaluate
    from merzoo.evaluation.score import score
    from merzoo.evaluation.splits.splitter import splits
    from merzoo.evaluation.train import train
    from merzoo.evaluation.transfer import transfer
    from merzoo.exporting import export
    from merzoo.models import (
        class_names,
        create_model,
        decode_predictions,
        list_models,
        load_model,
        model_info,
        save_model,
    )
    from merzoo.prediction import predict
    from merzoo.reproduction.reproduce import reproduce
    from merzoo.training.estimator import estimator
    from merzoo.training.finetune import finetune
    from merzoo.training.pretrain import pretrain
    from merzoo.tuning.tune import tune

moved.install()
after_import("keras", ["merzoo.layers"])  # what saved models name
after_import("merzoo.layers", ["merzoo.models.capsulenet"])  # once all layers are there

# Public name -> the module that has it. What `__all__` has besides are folders and the
# tables of metrics and modalities.
_NAMES = {
    "list_models": "merzoo.models",
    "create_model": "merzoo.models",
    "model_info": "merzoo.models",
    "load_model": "merzoo.models",
    "save_model": "merzoo.models",
    "class_names": "merzoo.models",
    "decode_predictions": "merzoo.models",
    "evaluate": "merzoo.evaluation.evaluate",
    "audit": "merzoo.evaluation.audit",
    "splits": "merzoo.evaluation.splits.splitter",
    "estimator": "merzoo.training.estimator",
    "train": "merzoo.evaluation.train",
    "compare": "merzoo.evaluation.compare",
    "score": "merzoo.evaluation.score",
    "pretrain": "merzoo.training.pretrain",
    "finetune": "merzoo.training.finetune",
    "transfer": "merzoo.evaluation.transfer",
    "tune": "merzoo.tuning.tune",
    "export": "merzoo.exporting",
    "predict": "merzoo.prediction",
    "reproduce": "merzoo.reproduction.reproduce",
    "InputError": "merzoo.errors",
}
__all__ = [
    "InputError",
    "__version__",
    "audit",
    "class_names",
    "compare",
    "create_model",
    "data",
    "decode_predictions",
    "estimator",
    "evaluate",
    "evaluation",
    "explain",
    "export",
    "finetune",
    "layers",
    "list_models",
    "load_model",
    "metrics",
    "modalities",
    "model_info",
    "models",
    "predict",
    "preprocessing",
    "pretrain",
    "reproduce",
    "reproduction",
    "save_model",
    "score",
    "splits",
    "train",
    "training",
    "transfer",
    "tune",
    "tuning",
    "weights",
]


if not TYPE_CHECKING:  # to a type checker, a name that is not above is an error

    def __getattr__(name):
        if name in _NAMES:
            return getattr(importlib.import_module(_NAMES[name]), name)
        if name in __all__:
            return importlib.import_module(f"merzoo.{name}")
        raise AttributeError(f"module 'merzoo' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
