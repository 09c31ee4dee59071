"""The folder of one evaluation: protocol, finished folds, predictions, metrics, report.

Finished folds are written whole (to a temporary name, then renamed), so a run that was killed at
any moment resumes where it was, and its result is the one it would have had.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from merzoo.evaluation.runs.fold import FoldJob, FoldResult
from merzoo.files import claim_folder, write_json
from merzoo.whole import DAMAGED, alone, sweep, whole

# The same data may lie elsewhere; seeds may be added; a run may go on another day, elsewhere.
_MAY_DIFFER = ("versions", "seeds", "source", "surroundings", "threads", "engine")
_MAY_DIFFER += ("rerun", "resumed")


class RunFolder:
    """Reads and writes one evaluation's folder.

    Args:
        path: of the folder; made if missing.
        card: everything that must be the same for a rerun to continue this run, as plain JSON
            types, and facts that may differ.

    Raises:
        InputError: if the folder holds another protocol's run (naming what differs) or other files.
    """

    def __init__(self, path: str | Path, card: dict):
        self.path = Path(path)
        card = json.loads(json.dumps(card))
        before = claim_folder(self.path, card, may_differ=_MAY_DIFFER)
        self.resumed = _resumed(before, card)
        if self.resumed:
            card["resumed"] = self.resumed
            write_json(self.path / "protocol.json", card)
        self.card = card
        self.folds = self.path / "folds"
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
            yield cls(path, card)

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
        except DAMAGED:
            return None  # from outside: the fold is run again

    def write_fold(self, job: FoldJob, result: FoldResult) -> None:
        """Keeps a finished fold."""
        file = self._fold_file(job)
        history = {f"history_{name}": values for name, values in result.history.items()}
        if result.epochs is not None:
            history["epochs"] = result.epochs
        with whole(file) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                test=job.fold.test,
                probabilities=result.probabilities,
                seconds=result.seconds,
                **history,
            )


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
