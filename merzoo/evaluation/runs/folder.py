"""The folder of one evaluation: protocol, finished folds, predictions, metrics, report.

Finished folds are written whole (to a temporary name, then renamed), so a run that was killed at
any moment resumes where it was, and its result is the one it would have had.
"""

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.runs.fold import FoldJob, FoldResult
from merzoo.files import write_json

_MAY_DIFFER = ("versions", "seeds", "source")  # the same data may lie elsewhere; seeds may be added


class RunFolder:
    """Reads and writes one evaluation's folder.

    Args:
        path: of the folder; made if missing.
        protocol: everything that must be the same for a rerun to continue this run, as plain JSON
            types.

    Raises:
        InputError: if the folder holds another protocol's run (naming what differs) or other files.
    """

    def __init__(self, path: str | Path, protocol: dict):
        self.path = Path(path)
        protocol = json.loads(json.dumps(protocol))
        file = self.path / "protocol.json"
        if file.is_file():
            self._check_same(file, protocol)
        elif self.path.exists() and any(self.path.iterdir()):
            raise InputError(
                f"{self.path}: not empty and not an evaluation's folder; give another --out."
            )
        self.folds = self.path / "folds"
        self.folds.mkdir(parents=True, exist_ok=True)
        write_json(file, protocol)

    def _check_same(self, file: Path, protocol: dict) -> None:
        try:
            found = json.loads(file.read_text())
        except ValueError:
            raise InputError(f"{file}: damaged; remove the folder or give another --out.") from None
        for key in protocol | found:
            if key not in _MAY_DIFFER and found.get(key) != protocol.get(key):
                before, now = _short(found.get(key)), _short(protocol.get(key))
                raise InputError(
                    f"{self.path} holds another protocol's run: its {key} is {before}, this run's "
                    f"is {now}. Give another --out, or remove that folder."
                )

    def _fold_file(self, job: FoldJob) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in job.fold.name)
        return self.folds / f"seed{job.seed}-{safe}.npz"

    def finished(self, job: FoldJob) -> FoldResult | None:
        """The result of a fold that an earlier run finished, or `None`."""
        file = self._fold_file(job)
        if not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as content:
                if content["test"].tolist() != job.fold.test.tolist():
                    return None
                epochs = content.get("epochs")
                if job.audit_epochs and epochs is None:
                    return None  # run without the audit; the same fold again gives the same scores
                names = [n for n in content.files if n.startswith("history_")]
                history = {n.removeprefix("history_"): content[n].tolist() for n in names}
                seconds = float(content["seconds"])
                return FoldResult(content["probabilities"], history, seconds, epochs)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
            return None  # half written by a full disk: the fold is run again

    def write_fold(self, job: FoldJob, result: FoldResult) -> None:
        """Keeps a finished fold."""
        file = self._fold_file(job)
        temporary = file.with_suffix(f".{os.getpid()}.part")
        history = {f"history_{name}": values for name, values in result.history.items()}
        if result.epochs is not None:
            history["epochs"] = result.epochs
        with temporary.open("wb") as stream:
            np.savez(
                stream,
                test=job.fold.test,
                probabilities=result.probabilities,
                seconds=result.seconds,
                **history,
            )
        os.replace(temporary, file)


def _short(value, length: int = 60) -> str:
    text = json.dumps(value)
    return text if len(text) <= length else text[: length - 3] + "..."
