"""Takes weights that were trained on another machine, after measuring them anew on this one.

    python tools/take_weights.py FOLDER --data /data/fer2013
    python tools/take_weights.py FOLDER --data /data/fer2013 --only broadbentnet.fer2013-7

FOLDER holds, for each id, `ID.weights.h5`, `ID.entry.json` (its row of the manifest) and `ID.json`
(its log). The test parts are prepared and scored through merzoo's own pipeline; where an accuracy
is off by more than .003 from what the log says, nothing is taken. Else file, log and row take the
place of the old ones, with what was measured here in the log. Then run
`tools/make_weight_cards.py`.
"""

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from train_weights import standing
from weights_store import HUB_FOLDER, WEIGHTS, add_to_manifest

from merzoo.errors import InputError
from merzoo.files import write_json
from merzoo.metrics import confusion_matrix, scores
from merzoo.models import create_model
from merzoo.preprocessing.samples import load_samples
from merzoo.training.learner import resolve
from merzoo.training.recipes import recipe_from_dict
from merzoo.weights import WeightsEntry, load
from merzoo.weights.download import fault
from merzoo.weights.entry import read_entry

TOLERANCE = 0.003  # of an accuracy


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", required=True, help="a copy of FER-2013")
    parser.add_argument("--only", nargs="+", metavar="ID", help="these alone")
    parser.add_argument("--remark", nargs="+", default=[], help="sentences for the cards")
    options = parser.parse_args()
    for path in sorted(options.folder.glob("*.entry.json")):
        name = path.name.removesuffix(".entry.json")
        if not options.only or name in options.only:
            take(options.folder, name, options.data, options.remark)
    return 0


def take(folder: Path, name: str, data: str, remarks: list[str]) -> None:
    """Measures one file, and puts it in the place of the old one."""
    entry = read_entry(folder / f"{name}.entry.json")
    log = json.loads((folder / f"{name}.json").read_text())
    wrong = fault(folder / entry.file, entry)
    if wrong:
        raise InputError(f"{folder / entry.file}: {wrong}")
    found = measured(entry, log, folder / entry.file, data)
    for part, figures in found.items():
        said, here = log["tests"][part]["accuracy"], figures["accuracy"]
        print(f"{name} {part}: accuracy {here:.4f} here, {said:.4f} in its log", flush=True)
        if abs(said - here) > TOLERANCE:
            raise InputError(f"{name}: {part} differs by more than {TOLERANCE}: not taken.")
    shutil.copyfile(folder / entry.file, WEIGHTS / entry.file)
    log |= {"measured_again": found, "remarks": remarks}
    write_json(WEIGHTS / "logs" / f"{name}.json", log)
    add_to_manifest(replace(entry, url=f"{HUB_FOLDER}/{entry.file}"))


def measured(entry: WeightsEntry, log: dict, file: Path, data: str) -> dict:
    """Scores of the test parts, by the test-time rule of the recipe in the log."""
    arguments = {
        n: tuple(v) if isinstance(v, list) else v for n, v in entry.model_arguments.items()
    }
    recipe = recipe_from_dict(log["recipe"], f"{entry.id}.json")
    learner = resolve(entry.network, recipe, arguments=arguments)
    model = create_model(entry.network, classes=len(entry.classes), **arguments)
    load(model, file)
    found = {}
    for part in log["tests"]:
        text = f"fer2013:{data}?split={part}"
        how = {"labels": entry.labels, "detector": "none", "jobs": 1}
        samples = load_samples(text, learner.inputs, **how)
        predicted = learner.predict(model, samples).argmax(-1)
        matrix = confusion_matrix(samples.label, predicted, len(samples.classes))
        found[part] = {k: round(v, 4) for k, v in scores(matrix).items()} | standing(matrix.sum(-1))
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"take_weights: {error}")
