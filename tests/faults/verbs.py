"""The verbs under faults, one row each: their words, and what must be equal of two runs."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.samples import flow_arrays
from tests.training.pictures import picture_arrays

NETWORK = ("--argument", "input_shape=[8,8,1]", "--argument", "dense_units=[4]")
FLOW, NAMED, OTHERS = "data/flow.npz", "data/名前 é.npz", "data/others.npz"
PICTURES, FACES, BEFORE = "data/pictures.npz", "data/faces", "data/before"


@dataclass(frozen=True)
class Verb:
    """A row.

    Args:
        words: of the command line; `{out}` stands for the place of the result.
        result: what must be equal of two runs, read from that place.
        keeps: patterns of files that stand once a part is done: never written again.
        then: words of a run that goes on from the result.
        begun: a pattern of what is there once the work has begun.
        exact: whether an undisturbed run and one that was resumed agree to the last bit.
        suffix: of the result's name, where it is a file.
        needs: a package that the verb needs.
        loads: `"training"`, or `"pictures"` where that is all; see `tests.faults.nursery.MODULES`.
        reads: what is made before the verb is run, as a key of `MADE`.
    """

    words: tuple[str, ...]
    result: Callable[[Path], dict]
    keeps: tuple[str, ...] = ()
    begun: str = "*"
    exact: bool = True
    suffix: str = ""
    needs: str = "jax"
    then: tuple[str, ...] = ()
    loads: str = "training"
    reads: str = ""

    def said(self, out: Path | str) -> list[str]:
        return [word.replace("{out}", str(out)) for word in self.words]


def predictions(out: Path) -> dict:
    table = pd.read_csv(out / "predictions.csv")
    columns = {name: table[name].to_numpy() for name in table if name.startswith("p_")}
    return columns | {"rest": table.drop(columns=list(columns)).to_csv()}


def files(out: Path) -> dict:
    """Every file of a tree by its hash."""
    paths = [out] if out.is_file() else sorted(p for p in out.rglob("*") if p.is_file())
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def arrays(out: Path) -> dict:
    with np.load(out) as content:
        return {name: content[name] for name in content.files}


def training(out: Path) -> dict:
    entry = json.loads((out / "weights.json").read_text())
    return {"weights": entry["sha256"], "history": (out / "history.csv").read_text()}


def search(out: Path) -> dict:
    table = pd.read_csv(out / "trials.csv")
    kept = table[[n for n in table if n not in ("seconds", "compiled", "worker")]]
    return {"trials": kept.to_csv(), "recipe": (out / "best_recipe.json").read_text()}


def download(words: list[str]) -> int:
    """In a process: fetches `url` as `words` = (url, size, SHA-256, folder of merzoo's home)."""
    from merzoo.weights import WeightsEntry
    from merzoo.weights.download import fetch

    url, size, digest = words
    about = {"licence": "Apache-2.0", "trained_on": ("synthetic",), "subjects": ()}
    about |= {"classes": ("negative", "positive"), "labels": "megc3", "url": url}
    fetch(WeightsEntry(id="net.test", file=DOWNLOADED, sha256=digest, bytes=int(size), **about))
    return 0


DOWNLOADED = "net.test.weights.h5"


def _evaluate(*more: str, keeps: tuple = ("folds/*.npz",), exact: bool = True) -> Verb:
    words = ("evaluate", "ststnet", "--data", f"arrays:{FLOW}", "--epochs", "2", *more)
    return Verb((*words, "--out", "{out}"), predictions, keeps, "protocol.json", exact)


VERBS = {
    "evaluate together": _evaluate("--engine", "together", "--fold-chunk", "2", exact=False),
    "evaluate scan": _evaluate("--engine", "scan"),
    "evaluate reuse": _evaluate("--engine", "reuse"),
    "evaluate jobs": _evaluate("--engine", "reuse", "--jobs", "2"),
    "transfer": Verb(
        ("transfer", "broadbentnet", "--pretrained", BEFORE, "--data", f"arrays:{OTHERS}")
        + ("--epochs", "1", "--out", "{out}"),
        predictions,
        ("folds/*.npz",),
        "protocol.json",
        reads=BEFORE,
    ),
    "pretrain": Verb(
        ("pretrain", "broadbentnet", "--data", f"arrays:{PICTURES}", *NETWORK)
        + ("--epochs", "8", "--out", "{out}"),
        training,
        begun="state/*",
    ),
    "train": Verb(
        ("train", "broadbentnet", "--data", f"arrays:{PICTURES}", *NETWORK)
        + ("--epochs", "8", "--out", "{out}"),
        training,
        begun="state/*",
    ),
    "tune": Verb(
        ("tune", "ststnet", "--data", f"arrays:{FLOW}", "--tuner", "random", "--trials", "3")
        + ("--folds", "2", "--space", "data/space.json", "--recipe", "data/short.json")
        + ("--out", "{out}"),
        search,
        begun="searches/all/trial_*",
        needs="keras_tuner",
        then=("evaluate", "ststnet", "--data", f"arrays:{FLOW}", "--subjects", "a/s0")
        + ("--recipe", "{out}/best_recipe.json", "--epochs", "1", "--out", "{out}-evaluated"),
    ),
    "prepare": Verb(
        ("data", "prepare", "--data", f"casme2:{FACES}", "--input", "flow_image=28x28x3")
        + ("--input", "apex=28x28x1", "--detector", "none", "--jobs", "2", "--cache", "{out}.cache")
        + ("--out", "{out}"),
        arrays,
        begun="../*.cache/*",
        suffix=".npz",
        needs="cv2",
        loads="pictures",
        reads=FACES,
    ),
    "synthesize": Verb(
        ("data", "synthesize", "{out}", "--form", "casme2", "--subjects", "5", "--clips", "3")
        + ("--size", "70x85", "--fps", "60", "--jobs", "2", "--quirks"),
        files,
        begun="../*.truth/*",
        needs="cv2",
        loads="pictures",
    ),
    "export": Verb(
        ("export", "ststnet", "--weights", "synthetic", "--format", "litert")
        + ("--data", f"arrays:{FLOW}", "--out", "{out}"),
        files,
        begun="../.*.part*",
        suffix=".tflite",
        needs="tensorflow",
    ),
}
THIN = {
    "evaluate krr": Verb(
        ("evaluate", "flow-krr", "--data", f"arrays:{FLOW}", "--seeds", "3", "--out", "{out}"),
        predictions,
        ("folds/*.npz",),
        "protocol.json",
    ),
}


# What `reads` of a row names -> the words of the command line that make it, and what they load.
MADE = {
    BEFORE: (
        ("pretrain", "broadbentnet", "--data", f"arrays:{PICTURES}", *NETWORK)
        + ("--epochs", "1", "--out", BEFORE),
        "training",
    ),
    FACES: (
        ("data", "synthesize", FACES, "--subjects", "2", "--clips", "3", "--size", "70x85")
        + ("--fps", "50", "--jobs", "1", "--form", "casme2"),
        "pictures",
    ),
}


def make_data(folder: Path) -> None:
    """The samples that the rows read."""
    data = folder / "data"
    data.mkdir()
    flow_arrays(subjects=4, clips=3).save(folder / FLOW)
    flow_arrays(subjects=4, clips=3, datasets=("名前 é",)).save(folder / NAMED)
    picture_arrays(subjects=6).save(folder / PICTURES)
    picture_arrays(subjects=3, dataset="mine").save(folder / OTHERS)
    (data / "space.json").write_text('{"dropout": [0.3, 0.5, 0.7]}')
    (data / "short.json").write_text('{"epochs": 2}')
