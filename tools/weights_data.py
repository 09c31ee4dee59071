"""The data that `tools/train_weights.py` trains on and measures with, split before anything learns.

A split holds the samples to train on, those to choose the epoch by (or none: then the final weights
are kept), and named sets to measure with that training never saw.
"""

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.preprocessing.samples import load_samples

# People of these seeds are trained on; those of the tests, seed 0, are others.
SYNTHETIC_TRAINING = ("easy?subjects=40&seed=1000", "medium?subjects=40&seed=1001")
SYNTHETIC_TESTS = ("easy?seed=0", "medium?seed=0")


@dataclass(frozen=True)
class Split:
    """What is trained on, chosen by and measured with.

    Args:
        source: the data as `--data` names it.
        train, validation: samples; `validation` is `None` where the final weights are kept.
        tests: name -> samples that training never saw.
        subjects: who training or validation sees.
        licence: what the data leaves of the weights' licence.
        notes: what a reader must know.
    """

    source: str
    train: Arrays
    validation: Arrays | None
    tests: dict[str, Arrays]
    subjects: tuple[str, ...]
    licence: str
    notes: tuple[str, ...] = ()


def synthetic(root, inputs, labels) -> Split:
    """Invented people: 40 with easy and 40 with medium clips; tested on 20 others of each."""
    parts = [
        _of_seed(text, load_samples(f"synthetic:{text}", inputs, labels=labels, jobs=1))
        for text in SYNTHETIC_TRAINING
    ]
    train = join_arrays(parts)
    tests = {
        f"synthetic:{text}": load_samples(f"synthetic:{text}", inputs, labels=labels, jobs=1)
        for text in SYNTHETIC_TESTS
    }
    source = " and ".join(f"synthetic:{text}" for text in SYNTHETIC_TRAINING)
    subjects = tuple(sorted(set(train.subject.tolist())))
    return Split(source, train, None, tests, subjects, "Apache-2.0")


def synthetic_units(root, inputs, labels) -> Split:
    """Ten invented people with easy clips, whose action units are exact: none is left to measure
    with, the figure is that of the same recipe with each left out."""
    text = "easy?subjects=10"
    train = load_samples(f"synthetic:{text}", inputs, labels=labels, jobs=1)
    subjects = tuple(sorted(set(train.subject.tolist())))
    return Split(f"synthetic:{text}", train, None, {}, subjects, "Apache-2.0")


def _of_seed(text: str, data: Arrays) -> Arrays:
    """Names that say which seed drew the people: `synthetic/s01` is somebody else in each."""
    prefix = text.replace("?subjects=40&", "-").replace("=", "")
    names = [f"synthetic/{prefix}-{subject.partition('/')[2]}" for subject in data.subject]
    return replace(data, subject=names, clip=[f"{prefix}-{clip}" for clip in data.clip])


def megc2019(root, inputs, labels) -> Split:
    """All flow images of the composite: none is left to measure with, see the recipe's LOSO."""
    train = load_samples(f"arrays:{root}", inputs)
    subjects = tuple(sorted(set(train.subject.tolist())))
    licence = "research use only; derived from CASME II, SAMM, SMIC"
    return Split(Path(root).name, train, None, {}, subjects, licence)


def fer2013(root, inputs, labels) -> Split:
    """Training less a tenth to choose by; PublicTest and PrivateTest to measure with.

    Pictures of Training that stand in a test part too, pixel for pixel, are left out. The tenth is
    of the same pictures whatever the label map, so that one network may start from another.
    """

    @functools.cache  # with the labels of `whole`, each part is prepared once
    def part(name, labels):
        return load_samples(
            f"fer2013:{root}?split={name}", inputs, labels=labels, detector="none", jobs=1
        )

    tests = {name: part(name, labels) for name in ("PublicTest", "PrivateTest")}
    # All pictures of the tests, whatever their class: the label map may leave out some.
    seen = {h for name in tests for h in _hashes(part(name, "macro7"))}
    whole = part("Training", "macro7")
    clean = np.flatnonzero([h not in seen for h in _hashes(whole)])
    tenth = np.random.default_rng(0).permutation(clean)[: len(clean) // 10]
    training = part("Training", labels)
    kept = np.isin(training.clip, whole.clip[clean])
    held = np.isin(training.clip, whole.clip[tenth])
    note = f"{int((~kept).sum())} pictures of Training that a test part repeats were left out"
    return Split(
        "fer2013",
        training.take(np.flatnonzero(kept & ~held)),
        training.take(np.flatnonzero(held)),
        tests,
        ("fer2013/*",),
        "research use only; derived from FER-2013",
        (note,),
    )


def _hashes(data: Arrays) -> list[bytes]:
    (pictures,) = data.modalities.values()
    return [hashlib.sha256(np.ascontiguousarray(picture)).digest() for picture in pictures]


SPLITS = {
    "synthetic": synthetic,
    "synthetic-units": synthetic_units,
    "megc2019": megc2019,
    "fer2013": fer2013,
}
