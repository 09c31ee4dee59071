"""The folder of one evaluation: protocol, finished folds, predictions, metrics, report.

Finished folds are written whole (to a temporary name, then renamed), so a run that was killed at
any moment resumes where it was, and its result is the one it would have had.
"""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.runs.fold import FoldJob, FoldResult
from merzoo.files import claim_folder, file_name, write_json
from merzoo.limits import regular_file
from merzoo.progress import name_folder
from merzoo.whole import alone, sweep, whole

# The same data may lie elsewhere; seeds may be added; a run may go on another day, elsewhere.
_MAY_DIFFER = ("versions", "seeds", "source", "surroundings", "threads", "engine")
_MAY_DIFFER += ("rerun", "resumed", "deterministic")


class RunFolder:
    """Reads and writes one evaluation's folder.

    Args:
        path: of the folder; made if missing.
        card: everything that must be the same for a rerun to continue this run, as plain JSON
            types, and facts that may differ.

    Raises:
        InputError: if the folder holds another protocol's run (naming what differs) or other files,
            or a fold that cannot be read now.
    """

    def __init__(self, path: str | Path, card: dict):
        self.path = Path(path)
        self.folds = self.path / "folds"
        self._check_readable()
        card = json.loads(json.dumps(card))
        before = claim_folder(self.path, card, may_differ=_MAY_DIFFER)
        self.resumed = _resumed(before, card)
        if self.resumed:
            card["resumed"] = self.resumed
            write_json(self.path / "protocol.json", card)
        self.card = card
        self.folds.mkdir(exist_ok=True)

    @classmethod
    @contextmanager
    def held(cls, path: str | Path, card: dict) -> Iterator["RunFolder"]:
        """The folder, in which no other process works meanwhile.

        Raises:
            InputError: as the constructor; also if another process is at work there.
        """
        with alone(path):
            sweep(path, deep=True)
            held = cls(path, card)
            name_folder(path)
            yield held

    @staticmethod
    def begun(path: str | Path | None) -> bool:
        """Whether a run was begun in a folder before."""
        return path is not None and (Path(path) / "protocol.json").is_file()

    def _check_readable(self) -> None:
        """Before anything is written: a finished fold that may not be read is no damaged one."""
        for file in sorted(self.folds.glob("*.npz")):
            if file.is_dir():
                raise InputError(f"{file}: a folder, not a finished fold; remove it.")
            if file.is_file() and not os.access(file, os.R_OK):
                raise InputError(f"{file}: may not be read; give yourself the right to read it.")

    def _fold_file(self, job: FoldJob) -> Path:
        return self.folds / f"seed{job.seed}-{file_name(job.fold.name)}.npz"

    def finished(self, job: FoldJob) -> FoldResult | None:
        """The result of a fold that an earlier run finished, or `None`.

        A warning names a file that is damaged or of other samples: its fold is run again.
        """
        file = self._fold_file(job)
        if not os.path.lexists(file):
            return None
        try:
            regular_file(file)
            found = read_fold(file, job)
        except InputError as error:
            warnings.warn(f"{str(error).removesuffix('.')}: the fold is run again.", stacklevel=2)
            return None
        if job.audit_epochs and found.epochs is None:
            return None  # run without the audit; the same fold again gives the same scores
        if job.calibrate and found.inner is None:
            return None
        return found

    def write_fold(self, job: FoldJob, result: FoldResult) -> None:
        """Keeps a finished fold."""
        file = self._fold_file(job)
        history = {f"history_{name}": values for name, values in result.history.items()}
        if result.epochs is not None:
            history["epochs"] = result.epochs
        if result.inner is not None:
            history |= {"inner": result.inner, "inner_probabilities": result.inner_probabilities}
        with whole(file) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                test=job.fold.test,
                probabilities=result.probabilities,
                seconds=result.seconds,
                **history,
            )


def read_fold(file: Path, job: FoldJob | None = None) -> FoldResult:
    """What `RunFolder.write_fold` wrote.

    Args:
        file: of the fold.
        job: that it must be of; `None` for any.

    Raises:
        InputError: for a damaged file, numbers that are not finite, wrong lengths, or the samples
            or classes of another fold than the job's.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
    except Exception as error:  # of zip, zlib and NumPy, whatever a damaged file provokes
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise  # the file may be whole, but cannot be read now
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: damaged ({reason}).") from None
    history = {n: x for n, x in content.items() if n.startswith("history_")}
    shapes = {"test": 1, "probabilities": 2, "seconds": 0} | dict.fromkeys(history, 1)
    shapes |= {"epochs": 3} if "epochs" in content else {}
    shapes |= {"inner": 1, "inner_probabilities": 2} if "inner" in content else {}
    for name, axes in shapes.items():
        _check_array(file, name, content.get(name), axes)
    test, probabilities, epochs = (content.get(n) for n in ("test", "probabilities", "epochs"))
    if len(probabilities) != len(test):
        raise InputError(
            f"{file}: 'probabilities' are of {len(probabilities)} samples, 'test' names "
            f"{len(test)}."
        )
    if epochs is not None and epochs.shape[1:] != probabilities.shape:
        raise InputError(f"{file}: 'epochs' {epochs.shape} are of another shape than the fold's.")
    inner, told_inner = content.get("inner"), content.get("inner_probabilities")
    if inner is not None and told_inner.shape != (len(inner), probabilities.shape[1]):
        raise InputError(f"{file}: 'inner_probabilities' are of other samples than 'inner'.")
    if job is not None and test.tolist() != job.fold.test.tolist():
        raise InputError(f"{file}: of other samples than the fold {job.fold.name}.")
    if job is not None and inner is not None and set(inner) - set(job.fold.train.tolist()):
        raise InputError(f"{file}: 'inner' names samples that the fold {job.fold.name} tests.")
    outputs = None if job is None else len(job.learner.outputs(job.data.classes))
    if outputs is not None and probabilities.shape[1] != outputs:
        raise InputError(f"{file}: of {probabilities.shape[1]} classes instead of {outputs}.")
    told = {name.removeprefix("history_"): x.tolist() for name, x in history.items()}
    return FoldResult(probabilities, told, float(content["seconds"]), epochs, inner, told_inner)


def _check_array(file: Path, name: str, array: np.ndarray | None, axes: int) -> None:
    if array is None:
        raise InputError(f"{file}: lacks the field {name!r}.")
    if array.ndim != axes or array.dtype.kind not in "iuf":
        raise InputError(
            f"{file}: {name!r} is {array.dtype} {array.shape}; it must be numbers with {axes} axes."
        )
    if not name.startswith("history_") and not np.isfinite(array).all():
        raise InputError(f"{file}: {name!r} holds NaN or infinity.")


def _resumed(before: dict | None, card: dict) -> list[dict]:
    """Under which other versions, or by which other engine, parts of the run were made earlier:
    `versions`, `engine` and `date` each."""
    if before is None:
        return []
    found = list(before.get("resumed", []))
    if any(before.get(name) != card.get(name) for name in ("versions", "engine")):
        date = before.get("surroundings", {}).get("date")
        engine = before.get("engine")
        found.append({"date": date, "versions": before.get("versions"), "engine": engine})
    return found


def resumed_warning(card: dict) -> str | None:
    """What a reader must know of a run that went on under other packages or by another engine, or
    `None`."""
    changes = {}
    for earlier in card.get("resumed", []):
        for name in (earlier["versions"] or {}) | card["versions"]:
            one, now = (earlier["versions"] or {}).get(name), card["versions"].get(name)
            if one != now:
                changes[name] = f"{name} {one or 'none'}, then {now or 'none'}"
        engines = [(of.get("engine") or {}).get("name") for of in (earlier, card)]
        if None not in engines and engines[0] != engines[1]:
            changes["engine"] = f"engine {engines[0]}, then {engines[1]}"
    if not changes:
        return None
    return f"This run was resumed under other conditions: {'; '.join(changes.values())}."
