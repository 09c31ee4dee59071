"""What weights of invented faces reach on real ones, and how sure they may be; into the manifest.

    python tools/measure_on_real.py offapexnet.synthetic --data megc2019_flow28.npz

The real samples are judged as `merzoo predict` judges a segment. Scores and floor go into the
`metrics` of the entry; the temperature and the threshold of its `confidence` are those that the
answers choose (`merzoo.training.confidence`). No real face has been trained on, so the scores are
honest; of the temperature `benchmarks/synthetic_to_real.py --steps calibration` says what it is
worth on people who had no part in choosing it. `tools/make_weight_cards.py` then makes the cards.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import numpy as np  # noqa: E402
from train_weights import standing  # noqa: E402
from weights_store import add_to_manifest  # noqa: E402

from merzoo.errors import InputError  # noqa: E402
from merzoo.metrics import confusion_matrix, scores  # noqa: E402
from merzoo.names import invented  # noqa: E402
from merzoo.prediction import Classifier  # noqa: E402
from merzoo.preprocessing.arrays import Arrays  # noqa: E402
from merzoo.preprocessing.samples import load_samples  # noqa: E402
from merzoo.training.confidence import fit_confidence  # noqa: E402
from merzoo.training.pretrained import find_start  # noqa: E402
from merzoo.weights import WeightsEntry  # noqa: E402
from merzoo.weights.entry import REAL  # noqa: E402


def measured(entry: WeightsEntry, samples: Arrays) -> WeightsEntry:
    """The entry with what its weights reach on samples of real people.

    Raises:
        InputError: for weights that have seen real faces, or other classes than the samples'.
    """
    if not invented(entry.trained_on):
        raise InputError(f"{entry.id}: trained on {', '.join(entry.trained_on)}, real faces.")
    if tuple(samples.classes) != tuple(entry.classes):
        raise InputError(f"{entry.id}: its classes are {entry.classes}, not {samples.classes}.")
    network, _, tag = entry.id.rpartition(".")
    judge = Classifier(network, tag, units="none")
    judge.confidence = None
    images = samples.modalities["flow_image"].astype(np.float32)
    given = judge.probabilities([{"flow_image": image} for image in images])
    matrix = confusion_matrix(samples.label, given.argmax(-1), len(samples.classes))
    found = {key: round(value, 4) for key, value in scores(matrix).items()}
    people = len(set(samples.subject.tolist()))
    sets = ", ".join(sorted(set(samples.dataset.tolist())))
    confidence = fit_confidence(samples.label, given, people).as_dict()
    confidence |= {name: round(confidence[name], 6) for name in ("temperature", "threshold")}
    name = f"{REAL}{people} people of {sets}"
    return replace(
        entry,
        metrics=entry.metrics | {name: found | standing(matrix.sum(-1))},
        confidence=confidence,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="+", help="such as offapexnet.synthetic")
    parser.add_argument("--data", required=True, help="flow images of real people, an .npz file")
    options = parser.parse_args()
    for name in options.ids:
        start = find_start(name.rpartition(".")[2], name.rpartition(".")[0])
        samples = load_samples(f"arrays:{options.data}", {"flow_image": (28, 28, 3)})
        start.check_unseen(samples.subject, samples.source)
        entry = measured(start.entry, samples)
        add_to_manifest(entry)
        print(json.dumps([entry.id, entry.metrics, entry.confidence], indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"measure_on_real: {error}")
