"""Bad inputs that are whole files with wrong contents: JSON of run folders and recipes, tables."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_inputs_good import MANIFEST, manifest_rows, score_rows
from bad_inputs_run import Input

# The JSON files that verbs read: (verb, words, good file, what the message names).
JSON = (
    ("report", "report run", "run/protocol.json"),
    ("report", "report run", "run/metrics.json"),
    ("compare", "compare run {good}/other", "run/protocol.json"),
    (
        "evaluate",
        "evaluate ststnet --data arrays:{good}/flow.npz --recipe recipe.json --out out",
        "recipe.json",
    ),
    (
        "audit",
        "audit ststnet --data arrays:{good}/flow.npz --split run/split.json",
        "run/split.json",
    ),
    (
        "transfer",
        "transfer ststnet --pretrained pre --data arrays:{good}/flow.npz --epochs 1 --out out",
        "pre/weights.json",
    ),
    (
        "tune",
        "tune ststnet --data arrays:{good}/flow.npz --space space.json --trials 1 --out out",
        "space.json",
    ),
    ("evaluate", "evaluate --from run/protocol.json --out out", "run/protocol.json"),
)
WRONG = {
    str: [["a"]],
    int: ["x"],
    float: ["x"],
    bool: ["x"],
    list: [3],
    dict: ["x"],
    type(None): [{"x": [1]}],
}
# Fields that say what was, and that no verb needs: of any kind.
FREE = {"surroundings", "versions", "about", "threads", "engine", "rerun", "preparation", "url"}
_RECIPES = {  # a recipe's values of the right kind that cannot be used
    "optimizer": ["__lambda__", "no-such", "", "../sgd"],
    "learning_rate": [0, -1, float("nan"), float("inf"), 1e300],
    "optimizer_arguments": [{"no_such": 1}, {"momentum": "x"}, {"beta_1": 2}],
    "schedule": ["no-such", ""],
    "decay": [-1, float("nan")],
    "decay_until": [-3, 1.5],
    "batch_size": [0, -1, 1.5, 10**12],
    "epochs": [0, -1, 1.5],
    "class_weights": ["no-such", [1, 2], [0, 0, 0], [-1, 1, 1]],
    "augment": [["no-such"], ["flip", "flip", 3]],
    "test_time": ["no-such"],
    "loss": ["no-such"],
    "loss_arguments": [{"no_such": 1}, {"label_smoothing": 2}],
    "model_arguments": [{"no_such": 1}],
    "l2": [-1, float("nan")],
    "validation": [-0.1, 1, 2],
    "monitor": ["no-such"],
    "protocol": ["no-such", "kfold:", "kfold:0", "kfold:-1", "kfold:x", "kfold:99"],
    "labels": ["no-such"],
    "preprocessing": [{"no_such": 1}, {"flow": "no-such"}],
    "no_such_field": [1],
}
_SPACES = {
    "learning_rate": [[], [-1], ["x"], {"low": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1}],
    "no_such": [[1, 2]],
    "optimizer": [["no-such"], ["__lambda__"]],
    "epochs": [[0], [1.5], {"low": "a", "high": "b"}],
}
_SPLITS = {
    "folds": [
        {},
        {"a": {}},
        {"a": {"train": [], "test": []}},
        {"a": {"train": ["no/such"], "test": ["a/s0_0"]}},
        {"a": {"train": ["a/s0_0"], "test": ["no/such"]}},
        {"a": {"train": ["a/s0_0"], "test": [None]}},
        {"a": {"train": [float("nan")], "test": ["a/s0_0"]}},
        {"a": {"train": "a/s0_0", "test": "a/s0_1"}},
        {"a": {"train": ["a/s0_0"], "test": ["b/s1_6", "b/s1_6"]}},
        {
            "a": {"train": ["a/s0_0"], "test": ["b/s1_6"]},
            "b": {"train": ["a/s0_0"], "test": ["b/s1_6"]},
        },
    ],
}
VALUES = {"recipe.json": _RECIPES, "space.json": _SPACES, "run/split.json": _SPLITS}


def _edited(file: str, change: Callable[[object], object]):
    def make(user: Path, good: Path) -> None:
        top = file.partition("/")[0]
        copy = shutil.copytree if (good / top).is_dir() else shutil.copy
        copy(good / top, user / top)
        path = user / file
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return make


def _with(field: str, value) -> Callable:
    return lambda content: content | {field: value}


def _without(field: str) -> Callable:
    return lambda content: {name: value for name, value in content.items() if name != field}


def wrong_json(good: Path) -> Iterator[Input]:
    """JSON of the wrong kind: each field removed, or replaced by another type or a bad value."""
    for verb, words, file in JSON:
        top, name = file.partition("/")[0], Path(file).name
        if not (good / file).exists():
            continue
        content = json.loads((good / file).read_text())
        usual = {"words": tuple(words.split()), "needs": (top,)}
        first = f"{file} ({verb}{' --from' if '--from' in words else ''})"
        wholes = {"a list": [], "a number": 3, "text": "text", "null": None, "nothing": {}}
        for about, value in wholes.items():
            make = _edited(file, lambda _, value=value: value)
            yield Input(verb, f"{first}: {about}", make=make, names=name, **usual)
        for field, value in content.items():
            free = field in FREE or (name == "protocol.json" and "--from" in words)
            said = "" if free else None
            names = re.escape(field)
            may = {"may_change": ("run/*",)} if verb == "report" else {}
            for wrong in WRONG[type(value)]:
                make = _edited(file, _with(field, wrong))
                about = f"{first}: {field} = {json.dumps(wrong)}"
                yield Input(verb, about, make=make, names=names, said=said, **usual, **may)
            if name in ("recipe.json", "space.json"):
                continue  # every field has a default
            make = _edited(file, _without(field))
            yield Input(verb, f"{first}: no {field}", make=make, names="", said="", **usual, **may)
        for field, values in VALUES.get(file, {}).items():
            for wrong in values:
                make = _edited(file, _with(field, wrong))
                about = f"{first}: {field} = {json.dumps(wrong)[:90]}"
                yield Input(verb, about, make=make, names=f"{field}|{name}", **usual)


def _table_text(rows: list[list]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


# (row 1's column, its value): None leaves the column out. What is wrong -> what must be said else.
MANIFESTS: dict[str, tuple[str, object, str | None]] = {
    "an onset that is no frame": ("onset", 99_999_999, "onset"),
    "an offset that is no frame": ("offset", 99_999_999, "offset"),
    "an apex that is no frame": ("apex", 99_999_999, "apex"),
    "an onset of -1": ("onset", -1, None),
    "an onset of 1.5": ("onset", 1.5, None),
    "an onset of NaN": ("onset", "nan", "onset"),
    "an onset as text": ("onset", "first", None),
    "an onset after the offset": ("onset", 5, "onset"),
    "an apex before the onset": ("onset", 3, "apex"),
    "no label": ("label", "", "label"),
    "a label of blanks": ("label", "  ", "label"),
    "an unknown label": ("label", "no-such", "label|no-such"),
    "a rate of 0": ("fps", 0, None),
    "a rate of -25": ("fps", -25, None),
    "an infinite rate": ("fps", "inf", None),
    "a rate of 1e300": ("fps", 1e300, None),
    "a subject without a name": ("subject", "", "subject"),
    "a subject with a zero byte": ("subject", "s\0", "subject|manifest"),
    "a subject of two lines": ("subject", "s\n0", ""),
    "a subject that climbs": ("subject", "../../s0", ""),
    "a path that climbs": ("path", "../faces/s0c0", None),
    "a path from the root": ("path", "/etc", None),
    "a path that is not there": ("path", "no-such", None),
    "a path of 5000 characters": ("path", "p" * 5000, None),
    "an empty path": ("path", "", None),
    "a path that is a text": ("path", "manifest.csv", None),
    "the same clip twice": ("path", "s0c1", "twice|s0c1"),
}


def _manifest(column: str, value: object):
    def make(user: Path, good: Path) -> None:
        shutil.copytree(good / "faces", user / "faces")
        rows = manifest_rows()
        rows[0][MANIFEST.index(column)] = value
        (user / "faces/manifest.csv").write_text(_table_text([list(MANIFEST), *rows]))

    return make


SCORES: dict[str, tuple[str, object, str | None]] = {
    "no label": ("label", "", None),
    "an unknown label": ("label", "no-such", None),
    "a label of 7": ("label", 7, None),
    "no prediction": ("predicted", "", None),
    "a prediction that is not the likeliest": ("predicted", "surprise", "highest"),
    "a share of NaN": ("p_negative", "nan", None),
    "a share of -0.6": ("p_negative", -0.6, None),
    "a share of 7": ("p_negative", 7, None),
    "a share as text": ("p_negative", "much", None),
    "a share of inf": ("p_positive", "inf", None),
    "shares that sum to .5": ("p_negative", 0.1, None),
    "a subject without a name": ("subject", "", None),
    "a clip without a name": ("clip", "", None),
    "a clip twice": ("clip", "s0_1", None),
    "a data set without a name": ("dataset", "", None),
    "a subject with a zero byte": ("subject", "s\0", "subject|zero"),
}


def _scores(column: str, value: object):
    def make(user: Path, good: Path) -> None:
        rows = score_rows()
        rows[1][rows[0].index(column)] = value
        (user / "bad.csv").write_text(_table_text(rows))

    return make


def _headed(change: Callable[[list], list]):
    def make(user: Path, good: Path) -> None:
        rows = [change(list(row)) for row in score_rows()]
        (user / "bad.csv").write_text(_table_text(rows))

    return make


HEADS = {
    "a column of shares twice": lambda row: [*row, row[5]],
    "a column of labels twice": lambda row: [*row, row[3]],
    "no column of labels": lambda row: row[:3] + row[4:],
    "no column of clips": lambda row: row[:2] + row[3:],
    "no column of one share": lambda row: row[:-1],
    "a column of shares without a name": lambda row: [
        *row[:5],
        row[5].replace("p_negative", "p_") if isinstance(row[5], str) else row[5],
        *row[6:],
    ],
    "the header alone": lambda row: row if row[0] == "dataset" else [],
}
LOGS = {
    "no person first": "EP01 0 0\n",
    "a class of 9": "casme2 sub01\nEP01 0 9\n",
    "a class of -1": "casme2 sub01\nEP01 -1 0\n",
    "a class of 0.5": "casme2 sub01\nEP01 0.5 0\n",
    "a word too many": "casme2 sub01\nEP01 0 0 0\n",
    "a clip twice": "casme2 sub01\nEP01 0 0\nEP01 0 1\n",
    "a person without clips": "casme2 sub01\nsamm 006\n006_1 0 0\n",
    "zero bytes": "casme2 sub01\n\0EP01 0 0\n",
}


def wrong_tables() -> Iterator[Input]:
    """Manifests, predictions and logs with wrong cells."""
    words = {
        "data prepare": "data prepare --data manifest:faces --input difference=16x16x1 "
        "--detector none --labels annotated --jobs 1 --out o.npz",
        "data check": "data check manifest faces",
        "audit": "audit ststnet --data manifest:faces --detector none",
    }
    for verb, line in words.items():
        for about, (column, value, said) in MANIFESTS.items():
            names = r"manifest|s0c0|s0c1|s0"
            usual = {"names": names, "said": said, "needs": ("faces",)}
            if verb == "audit" and "label" in column:
                usual["said"] = "label|left out"
            make = _manifest(column, value)
            yield Input(verb, f"manifest: {about}", tuple(line.split()), make, **usual)
    line = ("score", "bad.csv", "--out", "out")
    for about, (column, value, said) in SCORES.items():
        make = _scores(column, value)
        yield Input("score", f"scores: {about}", line, make, said=said, names="bad.csv")
    for about, change in HEADS.items():
        yield Input("score", f"scores: {about}", line, _headed(change), names="bad.csv")
    for about, text in LOGS.items():

        def make(user: Path, good: Path, text=text) -> None:
            (user / "bad.txt").write_text(text)

        words_of = ("score", "bad.txt", "--out", "out")
        said = "" if about == "a person without clips" else None  # nothing is lost by it
        yield Input("score", f"log: {about}", words_of, make, said=said, names="bad.txt")
