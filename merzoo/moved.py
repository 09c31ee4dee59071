"""Old import paths, kept for one release: each works, gives the same objects, and warns.

`MODULES` and `NAMES` are the one table of what moved. `import merzoo` installs a finder that reads
it; packages that stand where a module was, or lost a name, read it through `moved_names`.
"""

import importlib
import importlib.machinery
import sys
import types
import warnings
from collections.abc import Callable

# Old module -> new module: an import of the old one gives the new one itself. A package's modules
# go with it.
MODULES = {
    "merzoo.app.job": "merzoo.app.pictures",
    "merzoo.app.page": "merzoo.app.demo",
    "merzoo.app.report": "merzoo.app.html",
    "merzoo.data.arrays": "merzoo.preprocessing.arrays",
    "merzoo.data.synthetic.files": "merzoo.files",
    "merzoo.evaluation.auditing": "merzoo.evaluation.audit",
    "merzoo.evaluation.backbone": "merzoo.evaluation.runs.backbone",
    "merzoo.evaluation.card": "merzoo.evaluation.runs.card",
    "merzoo.evaluation.cluster": "merzoo.evaluation.runs.cluster",
    "merzoo.evaluation.comparison_page": "merzoo.evaluation.pages.comparison",
    "merzoo.evaluation.fold_data": "merzoo.evaluation.runs.fold",
    "merzoo.evaluation.folds": "merzoo.evaluation.runs.fold",
    "merzoo.evaluation.foreign": "merzoo.evaluation.scores.foreign",
    "merzoo.evaluation.hardest": "merzoo.evaluation.pages.hardest_clips",
    "merzoo.evaluation.metrics": "merzoo.metrics",
    "merzoo.evaluation.oracle": "merzoo.evaluation.scores.oracle",
    "merzoo.evaluation.paired": "merzoo.evaluation.scores.paired_tests",
    "merzoo.evaluation.parallel": "merzoo.evaluation.runs.workers",
    "merzoo.evaluation.plots": "merzoo.evaluation.pages.plots",
    "merzoo.evaluation.predictions": "merzoo.evaluation.scores.predictions",
    "merzoo.evaluation.probabilities": "merzoo.evaluation.scores.calibration",
    "merzoo.evaluation.protocols": "merzoo.evaluation.splits.protocols",
    "merzoo.evaluation.report": "merzoo.evaluation.pages.report",
    "merzoo.evaluation.reproduce": "merzoo.reproduction.reproduce",
    "merzoo.evaluation.reproduced": "merzoo.reproduction.figures",
    "merzoo.evaluation.reproduced_plot": "merzoo.reproduction.plot",
    "merzoo.evaluation.run_folder": "merzoo.evaluation.runs.folder",
    "merzoo.evaluation.runner": "merzoo.evaluation.evaluate",
    "merzoo.evaluation.running": "merzoo.evaluation.runs.workers",
    "merzoo.evaluation.selection": "merzoo.evaluation.splits.selection",
    "merzoo.evaluation.statistics": "merzoo.evaluation.scores.bootstrap",
    "merzoo.evaluation.tables": "merzoo.evaluation.pages.paper_tables",
    "merzoo.figures": "merzoo.pages.figures",
    "merzoo.prediction.scores": "merzoo.prediction.spotting_scores",
    "merzoo.preprocessing.aligned": "merzoo.preprocessing.aligned_clip",
    "merzoo.preprocessing.modalities": "merzoo.preprocessing.extract",
    "merzoo.training.distribution": "merzoo.training.devices",
    "merzoo.training.epoch_weights": "merzoo.evaluation.runs.epoch_weights",
    "merzoo.training.fit": "merzoo.training.trainer",
    "merzoo.training.single": "merzoo.training.options",
    "merzoo.training.split": "merzoo.training.validation",
    "merzoo.training.start": "merzoo.training.pretrained",
    "merzoo.training.stream": "merzoo.training.batches",
    "merzoo.training.tables": "merzoo.reproduction.tables",
    "merzoo.training.transfer": "merzoo.evaluation.transfer",
    "merzoo.training.tune": "merzoo.tuning.tune",
    "merzoo.training.tuning": "merzoo.tuning",
}

# Old name -> new name, where a name left a module that is still there, or did not go with it.
NAMES = {
    "merzoo.data.Arrays": "merzoo.preprocessing.arrays.Arrays",
    "merzoo.data.read_arrays": "merzoo.preprocessing.arrays.read_arrays",
    "merzoo.evaluation.Reproduction": "merzoo.reproduction.Reproduction",
    "merzoo.evaluation.card.package_versions": "merzoo.versions.package_versions",
    "merzoo.evaluation.fold_data.Unlabelled": "merzoo.training.probabilities.Unlabelled",
    "merzoo.evaluation.foreign.score": "merzoo.evaluation.score.score",
    "merzoo.evaluation.reproduce": "merzoo.reproduction.reproduce.reproduce",
    "merzoo.evaluation.run_folder.write_json": "merzoo.files.write_json",
    "merzoo.evaluation.runs.Run": "merzoo.evaluation.runs.read.Run",
    "merzoo.evaluation.runs.load_run": "merzoo.evaluation.runs.read.load_run",
    "merzoo.evaluation.runs.read_run": "merzoo.evaluation.runs.read.read_run",
    "merzoo.evaluation.splits.folds_of": "merzoo.evaluation.splits.file.folds_of",
    "merzoo.evaluation.splits.read_split": "merzoo.evaluation.splits.file.read_split",
    "merzoo.evaluation.splits.split_as_dict": "merzoo.evaluation.splits.file.split_as_dict",
    "merzoo.preprocessing.augment.epoch_graph": "merzoo.training.batches.epoch_graph",
    "merzoo.preprocessing.augment.training_graph": "merzoo.training.batches.training_graph",
    "merzoo.preprocessing.modalities.PARAMETERS": "merzoo.preprocessing.parameters.PARAMETERS",
    "merzoo.preprocessing.modalities.Parameter": "merzoo.preprocessing.parameters.Parameter",
    "merzoo.preprocessing.modalities.check_parameters": (
        "merzoo.preprocessing.parameters.check_parameters"
    ),
    "merzoo.preprocessing.modalities.input_shapes": "merzoo.modalities.input_shapes",
    "merzoo.training.fit.Fitter": "merzoo.training.trainer.Trainer",
    "merzoo.training.fit.make_optimizer": "merzoo.training.optimizers.make_optimizer",
    "merzoo.training.hypermodel": "merzoo.tuning.hypermodels.hypermodel",
    "merzoo.training.transfer.finetune": "merzoo.training.finetune.finetune",
}


def moved_names(module: str, above: int = 0) -> Callable[[str], object]:
    """The `__getattr__` of a module: what `NAMES` and `MODULES` say has left it.

    Args:
        module: its dotted name.
        above: functions between this one and who asked; 1 in a `__getattr__` that calls this one.

    >>> import merzoo
    >>> with warnings.catch_warnings(record=True) as noted:
    ...     warnings.simplefilter("always")
    ...     old = moved_names("merzoo.data")("Arrays")
    >>> old is merzoo.preprocessing.Arrays
    True
    >>> str(noted[0].message)
    'merzoo.data.Arrays is now merzoo.preprocessing.arrays.Arrays; the old path goes next release.'
    """

    def look_up(name: str) -> object:
        old = f"{module}.{name}"
        if old in NAMES:
            _warn(old, NAMES[old], above)
            home, _, new = NAMES[old].rpartition(".")
            return getattr(importlib.import_module(home), new)
        if old in MODULES:
            _warn(old, MODULES[old], above)
            return importlib.import_module(MODULES[old])
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return look_up


def install() -> None:
    """Puts the finder of `MODULES` before the others, once.

    It has to be the first: that of files would load a moved package's modules a second time.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds an old module, and loads the new one in its place."""

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("merzoo.") or _new_path(fullname) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return  # the usual empty one, until `exec_module` replaces it

    def exec_module(self, module: types.ModuleType) -> None:
        old, new = module.__name__, _new_path(module.__name__)
        assert new is not None, f"{old} has not moved"
        _warn(old, new)
        left = [name for name in NAMES if name.rpartition(".")[0] == old]
        found = importlib.import_module(new)
        if any(not hasattr(found, name.rpartition(".")[2]) for name in left):
            found = _Parted(old, found)
        sys.modules[old] = found  # what stands here is what the import gives


class _Parted(types.ModuleType):
    """An old module whose names went to several new ones."""

    def __init__(self, old: str, new: types.ModuleType):
        super().__init__(old, new.__doc__)
        self._new, self._moved = new, moved_names(old, above=1)

    def __getattr__(self, name: str) -> object:
        if f"{self.__name__}.{name}" in NAMES:
            return self._moved(name)
        return getattr(self._new, name)


def _new_path(old: str) -> str | None:
    """Where a module is now, `None` if it did not move."""
    if old in MODULES:
        return MODULES[old]
    package, _, rest = old.rpartition(".")
    return f"{MODULES[package]}.{rest}" if package in MODULES else None


def _warn(old: str, new: str, above: int = 0) -> None:
    """Points at the line that asked: frames of the import system do not count."""
    text = f"{old} is now {new}; the old path goes next release."
    warnings.warn(text, FutureWarning, stacklevel=3 + above)
