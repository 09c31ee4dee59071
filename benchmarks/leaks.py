"""The leak audit on trial: planted leaks it must find, and clean set-ups it must keep silent on.

Leaks of many kinds are planted in synthetic clips, splits, features, weights, recipes, callbacks.
A leak counts as caught when a finding of the right kind names every sample concerned; any finding
on a clean set-up is a false alarm. Writes `results/leaks.csv`.

    python benchmarks/leaks.py
"""

import argparse
import csv
import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine  # noqa: E402

from merzoo.training.recipes import Recipe  # noqa: E402

INPUTS = {"onset": (64, 64, 1), "flow_image": (28, 28, 3)}
CLASSES = ("negative", "positive", "surprise")


PLANTED: list[tuple[str, str, Callable]] = []
CLEAN: list[tuple[str, None, Callable]] = []


def planted(kind: str):
    """Registers a function of the clean samples that returns (arguments, samples concerned)."""

    def decorate(function):
        PLANTED.append((function.__doc__.rstrip("."), kind, function))
        return function

    return decorate


def clean(function):
    """Registers a function of the clean samples that returns arguments."""
    CLEAN.append((function.__doc__.rstrip("."), None, function))
    return function


# --- parts ---------------------------------------------------------------------------------------


def changed(data, **fields):
    """A checked copy of samples with other fields."""
    return replace(data, **fields)


def only(data, *names):
    return data.with_modalities({name: np.array(data.modalities[name]) for name in names})


def loso(data, **more):
    from merzoo.evaluation.protocols import make_folds

    return {"data": data, "folds": make_folds("loso", data), **more}


def protocol(data, name, **more):
    from merzoo.evaluation.protocols import make_folds, parse_protocol

    by = parse_protocol(name)[0].by
    return {"data": data, "folds": make_folds(name, data), "by": by, **more}


def ids(data, rows=None) -> set[str]:
    return set(data.ids().tolist() if rows is None else data.ids()[rows].tolist())


def with_copy(data, change, name="flow_image"):
    """Sample 0 again, changed, in the place of a sample of the last subject; both names."""
    place = len(data) - 1
    arrays = {n: np.array(a) for n, a in data.modalities.items()}
    arrays[name][place] = change(arrays[name][0].astype("float32"))
    return data.with_modalities(arrays), ids(data, [0, place])


def jpeg(picture, quality=75):
    import cv2

    done, code = cv2.imencode(".jpg", picture.astype("uint8"), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return cv2.imdecode(code, cv2.IMREAD_UNCHANGED).reshape(picture.shape)


def saved_split(folds: dict, data):
    """The folds of a split written by hand, by way of a file as a user would give it."""
    import json

    from merzoo.evaluation.splits import read_split

    path = Path(tempfile.mkdtemp()) / "split.json"
    path.write_text(json.dumps({"folds": folds}))
    return {"data": data, "folds": read_split(path, data)}


def priors(data) -> np.ndarray:
    return np.bincount(data.label, minlength=len(data.classes))


def entry(*subjects):
    from merzoo.weights import WeightsEntry

    return WeightsEntry(
        *("ststnet.other", "model.weights.h5", "0" * 64, 1, "none", ("other",), subjects),
        classes=CLASSES,
        labels="megc3",
    )


def callback(**attributes):
    """A Keras callback as users write them, with attributes of its own."""
    import keras

    made = keras.callbacks.Callback()
    vars(made).update(attributes)
    return made


# --- planted leaks -------------------------------------------------------------------------------


@planted("subject on both sides")
def subject_split(data):
    """a split file with clips of one subject on both sides."""
    names = data.ids().tolist()
    folds = {"first": {"train": names[1:], "test": names[:1]}}
    return saved_split(folds, data), ids(data, data.subject == data.subject[0])


@planted("subject on both sides")
def over_clips(data):
    """five shuffled folds of clips."""
    return protocol(data, "kfold-clips:5"), set()


@planted("clip on both sides")
def overlap(data):
    """a split file that trains on a tested clip."""
    names, first = data.ids().tolist(), data.subject == data.subject[0]
    train = [n for n, held in zip(names, first, strict=True) if not held] + names[:1]
    folds = {"first": {"train": train, "test": [names[i] for i in np.flatnonzero(first)]}}
    return saved_split(folds, data), ids(data, [0])


@planted("frames of one clip")
def over_frames(data):
    """frames of one clip shuffled over five folds."""
    data = framed(data)
    return protocol(data, "kfold-frames:5"), set()


@planted("identical samples")
def same_values(data):
    """a clip of one person again among another's."""
    data, samples = with_copy(data, lambda x: x)
    return loso(only(data, "flow_image")), samples


@planted("identical samples")
def joined_twice(data):
    """one dataset joined twice, under two names."""
    from merzoo.data.arrays import join_arrays

    names = {"dataset": ["again"] * len(data), "subject": [f"p{s}" for s in numbers(data)]}
    both = join_arrays([data, changed(data, **names)])
    return loso(only(both, "flow_image")), ids(both)


@planted("near-identical samples")
def noised(data):
    """a copy with noise of three grey levels."""
    rng = np.random.default_rng(0)
    data, samples = with_copy(data, lambda x: x + rng.normal(0, 3, x.shape))
    return loso(only(data, "flow_image")), samples


@planted("near-identical samples")
def brightened(data):
    """a copy with other brightness and contrast."""
    data, samples = with_copy(data, lambda x: 0.8 * x + 20)
    return loso(only(data, "flow_image")), samples


@planted("near-identical samples")
def mirrored(data):
    """a mirrored copy, as augmentation before the split leaves."""
    data, samples = with_copy(data, lambda x: x[:, ::-1] * (-1, 1, 1) + (255, 0, 0))
    return loso(only(data, "flow_image")), samples


@planted("one person, two names")
def re_encoded(data):
    """a JPEG of a face again among another person's."""
    data, samples = with_copy(data, jpeg, "onset")
    return loso(only(data, "onset")), samples


@planted("one person, two names")
def resized_face(data):
    """a face picture that was made smaller and larger again."""
    import cv2

    def resize(x):
        small = cv2.resize(x, (44, 44), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)[..., None]

    data, samples = with_copy(data, resize, "onset")
    return loso(only(data, "onset")), samples


@planted("one person, two names")
def two_datasets(data):
    """other clips of one person in another dataset under another name."""
    first = np.flatnonzero(data.subject == data.subject[0])
    dataset, subject = data.dataset.astype(object), data.subject.astype(object)
    dataset[first[::2]], subject[first[::2]] = "other", "other/p7"
    moved = changed(data, dataset=dataset.astype(str), subject=subject.astype(str))
    return loso(only(moved, "onset")), set()


@planted("one person, two names")
def spelt_twice(data):
    """one person as s3 and as s03."""
    numbered = np.array(numbers(data))
    names = [f"s{n}" if i % 2 else f"s{n:03d}" for i, n in enumerate(numbered.tolist())]
    data = changed(data, subject=names)
    return loso(data), ids(data)


@planted("one person, two names")
def dataset_spelt_twice(data):
    """CASME II joined as casme2 and as CASME-II."""
    halves = [["casme2", "CASME-II"][i % 2] for i in range(len(data))]
    data = changed(data, dataset=halves, subject=[f"sub{n:02d}" for n in numbers(data)])
    return loso(data), ids(data)


@planted("weights know test subjects")
def known_weights(data):
    """pretrained weights that have seen one of the subjects, spelt otherwise."""
    number = numbers(data)[0]
    seen = entry(f"{data.dataset[0]}/subject_{number}", "elsewhere/s1")
    return loso(data, weights=seen), ids(data, data.subject == data.subject[0])


@planted("weights know test subjects")
def known_dataset(data):
    """pretrained weights of the whole dataset, whose subjects are not listed."""
    return loso(data, weights=entry(f"{data.dataset[0]}/*")), ids(data)


@planted("weights of unknown origin")
def unknown_weights(data):
    """starting weights without a record."""
    recipe = Recipe("mine", model_arguments={"weights": "found.weights.h5"})
    return loso(data, recipe=recipe, model="ststnet"), set()


@planted("features fitted before the split")
def fitted_npz(data):
    """features whose file says that a PCA was fitted on all subjects."""
    from merzoo.data.arrays import read_arrays

    path = Path(tempfile.mkdtemp()) / "features.npz"
    changed(data, fitted_on=sorted(set(data.subject.tolist()))).save(path)
    return loso(read_arrays(path)), ids(data)


@planted("features fitted before the split")
def standardised(data):
    """flow standardised over all samples before the split."""
    x = np.array(data.modalities["flow_image"], "float32")
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    return loso(data.with_modalities({"flow_image": x})), ids(data)


@planted("features fitted before the split")
def mean_face(data):
    """the mean face of all samples taken off each."""
    x = np.array(data.modalities["onset"], "float32")
    return loso(data.with_modalities({"onset": x - x.mean(0)})), ids(data)


@planted("annotation at test time")
def annotated_units(data):
    """action units as annotated among the inputs."""
    units = np.zeros((len(data), 21), "float32")
    units[np.arange(len(data)), data.label] = 1
    return loso(data.with_modalities({**data.modalities, "action_units": units})), ids(data)


@planted("annotation at test time")
def annotated_apex(data):
    """flow to the annotated apex."""
    return loso(changed(data, annotated=("apex",))), ids(data)


@planted("class priors of test samples")
def prior_weights(data):
    """class weights worked out by hand from all labels."""
    weights = len(data) / (3 * priors(data))
    recipe = Recipe("mine", class_weights=tuple(weights.round(4).tolist()))
    return loso(data, recipe=recipe), ids(data)


@planted("class priors of test samples")
def prior_in_callback(data):
    """a callback that shifts logits by the class shares of all samples."""
    return loso(data, callbacks=[callback(shares=priors(data) / len(data))]), ids(data)


@planted("code holds test samples")
def held_arrays(data):
    """a callback with all arrays, scaled to 0..1."""
    pictures = np.array(data.modalities["flow_image"]) / 255
    return loso(data, callbacks=[callback(x_test=pictures)]), ids(data)


@planted("code holds test samples")
def held_in_closure(data):
    """a lambda that closes over a dictionary with one test sample."""
    import keras

    store = {"validation": [np.array(data.modalities["flow_image"][3:4])]}
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(store))
    return loso(data, callbacks=[watch]), ids(data, [3])


@planted("code holds test samples")
def held_labels(data):
    """a callback with the labels of all samples, one-hot."""
    return loso(data, callbacks=[callback(truth=np.eye(3)[data.label])]), ids(data)


@planted("code holds test samples")
def held_dataset(data):
    """a callback with a tf.data validation set of test samples."""
    import tensorflow as tf

    rows = np.arange(4)
    pictures = np.array(data.modalities["flow_image"])[rows]
    batches = tf.data.Dataset.from_tensor_slices((pictures, data.label[rows])).batch(2)
    return loso(data, callbacks=[callback(validation=batches)]), ids(data, rows)


@planted("code holds test samples")
def held_samples(data):
    """a callback that keeps the whole Arrays object by functools.partial."""
    watch = functools.partial(print, data)
    return loso(data, callbacks=[callback(watch=watch)]), ids(data)


@planted("code holds test samples")
def held_global(data):
    """a callback class whose method names a global array."""
    import keras

    script = {"__name__": "users_script", "keras": keras}
    script["X"] = np.array(data.modalities["flow_image"][:2])
    exec(
        "class Peek(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        return self.model.predict(X)\n",
        script,
    )
    return loso(data, callbacks=[script["Peek"]()]), ids(data, [0, 1])


@planted("code holds test samples")
def held_file(data):
    """a callback that knows the file of the samples."""
    from merzoo.data.arrays import read_arrays

    path = Path(tempfile.mkdtemp()) / "flow.npz"
    only(data, "flow_image").save(path)
    return loso(read_arrays(path), callbacks=[callback(file=str(path))]), ids(data)


@planted("code holds test samples")
def held_by_builder(data):
    """a model registered by the user whose builder closes over test samples."""
    from merzoo.models.registry import register

    anchors = np.array(data.modalities["flow_image"][:3])

    def build(name="prototype-network", classes=3):
        return anchors

    build.__module__ = "users_script"
    register("prototype-network")(build)
    return loso(data, model="prototype-network"), ids(data, [0, 1, 2])


# --- clean set-ups -------------------------------------------------------------------------------


@clean
def clean_loso(data):
    """faces and flow, one subject left out."""
    return loso(data)


@clean
def clean_folds(data):
    """four folds of subjects."""
    return protocol(data, "kfold:4")


@clean
def clean_stratified(data):
    """three stratified folds of subjects."""
    return protocol(data, "stratified-kfold:3")


@clean
def clean_datasets(data):
    """two datasets whose subjects share numbers, one dataset left out."""
    return protocol(two_halves(data), "leave-one-dataset-out")


@clean
def clean_composite(data):
    """two datasets whose subjects share numbers, one subject left out."""
    return loso(two_halves(data))


@clean
def clean_sexes(data):
    """subjects F01 and M01, who are two people."""
    people = dict.fromkeys(data.subject.tolist())
    names = {s: f"{'FM'[i % 2]}{i // 2 + 1:02d}" for i, s in enumerate(people)}
    return loso(changed(data, subject=[names[s] for s in data.subject.tolist()]))


@clean
def clean_whole_numbers(data):
    """flow as whole numbers from 0 to 255."""
    return loso(data.with_modalities({"flow_image": as_bytes(data)}))


@clean
def clean_frames(data):
    """frames of clips, folds of subjects."""
    return protocol(framed(data), "kfold:4")


@clean
def clean_hold_out(data):
    """a split file with one part of the subjects for training and one for testing."""
    subjects = sorted(set(data.subject.tolist()))
    held = np.isin(data.subject, subjects[:3])
    names = data.ids()
    folds = {"all": {"train": names[~held].tolist(), "test": names[held].tolist()}}
    return saved_split(folds, data)


@clean
def clean_callbacks(data):
    """callbacks that log, stop and change the rate."""
    import keras

    return loso(
        data,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)),
            keras.callbacks.EarlyStopping(monitor="loss", patience=3),
            keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3 * 0.9**epoch),
            keras.callbacks.TerminateOnNaN(),
        ],
    )


@clean
def clean_training_arrays(data):
    """a callback that holds training samples of a hold-out split."""
    arguments = clean_hold_out(data)
    train = arguments["folds"][0].train
    held = callback(x=data.modalities["flow_image"][train], y=data.label[train])
    return arguments | {"callbacks": [held]}


@clean
def clean_other_arrays(data):
    """a callback with samples of nobody here and labels of its own."""
    rng = np.random.default_rng(5)
    pictures = rng.uniform(0, 255, (len(data), 28, 28, 3)).astype("float32")
    held = callback(x=pictures, y=rng.permutation(data.label), names=list(CLASSES))
    return loso(data, callbacks=[held])


@clean
def clean_rule(data):
    """class weights by rule, from each fold's training samples."""
    return loso(data, recipe=Recipe("mine", class_weights="balanced"))


@clean
def clean_weights_by_hand(data):
    """class weights of nobody's counts, and equal ones in a callback."""
    recipe = Recipe("mine", class_weights=(1.0, 3.0, 2.0))
    return loso(data, recipe=recipe, callbacks=[callback(weights=np.ones(3))])


@clean
def clean_equal_classes(data):
    """equal weights where the classes are equally frequent."""
    rows = np.concatenate([np.flatnonzero(data.label == k)[: priors(data).min()] for k in range(3)])
    data = data.take(np.sort(rows))
    return loso(data, recipe=Recipe("mine", class_weights=(1.0, 1.0, 1.0)))


@clean
def clean_starting_weights(data):
    """pretrained weights of other people with the same numbers."""
    return loso(data, weights=entry("fer2013/*", "samm/006", "casme2/sub01"))


@clean
def clean_fitted(data):
    """features that were fitted on another dataset."""
    return loso(changed(data, fitted_on=("ck_plus/*",)))


@clean
def clean_centred_alone(data):
    """flow centred in each sample by itself."""
    x = np.array(data.modalities["flow_image"], "float32")
    return loso(data.with_modalities({"flow_image": x - x.mean((1, 2), keepdims=True)}))


@clean
def clean_blank(data):
    """samples in which nothing moves: all the same value."""
    x = np.array(data.modalities["flow_image"])
    x[::5] = 128
    return loso(data.with_modalities({"flow_image": x}))


@clean
def clean_toy(data):
    """made-up flow whose picture is the class, with a little noise."""
    rng = np.random.default_rng(2)
    base = rng.uniform(0, 255, (3, 7, 7, 3)).repeat(4, 1).repeat(4, 2)
    x = base[data.label] + rng.normal(0, 40, (len(data), 28, 28, 3))
    return loso(data.with_modalities({"flow_image": np.clip(x, 0, 255).astype("float32")}))


@clean
def clean_no_units(data):
    """action units given as zeros, apex spotted."""
    zeros = np.zeros((len(data), 21), "float32")
    return loso(data.with_modalities({**data.modalities, "action_units": zeros}))


# --- samples -------------------------------------------------------------------------------------


def numbers(data) -> list[int]:
    """The number of each sample's subject, from 1."""
    names = sorted(set(data.subject.tolist()))
    return [names.index(name) + 1 for name in data.subject.tolist()]


def as_bytes(data) -> np.ndarray:
    return np.clip(np.rint(data.modalities["flow_image"]), 0, 255).astype("uint8")


def two_halves(data):
    """The same people shared out to two datasets in which the numbers start again."""
    found = np.array(numbers(data))
    names = [f"s{(n + 1) // 2:02d}" for n in found.tolist()]
    return changed(data, dataset=[["first", "second"][n % 2] for n in found], subject=names)


def framed(data):
    """Four samples named as frames for each clip: its values with a little noise each."""
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(len(data)), 4)
    names = [f"{data.clip[row]}#{10 * i}" for i, row in enumerate(rows.tolist())]
    parts = data.with_modalities({}).take(rows)
    x = np.array(data.modalities["flow_image"])[rows]
    x = np.clip(x + rng.normal(0, 2, x.shape), 0, 255).astype("float32")
    return changed(parts, clip=names, modalities={"flow_image": x})


def samples(subjects: int, clips: int):
    """Synthetic clips as faces and flow, the apex spotted, the face taken as it is."""
    from merzoo.data import synthetic
    from merzoo.preprocessing import prepare

    found = synthetic.clips("medium", subjects, clips)
    return prepare(found, INPUTS, "megc3", detector="none", apex="flow", jobs=2)


def try_case(name: str, kind: str | None, build: Callable, data) -> dict:
    """Runs the audit on one set-up; a row of the result file."""
    from merzoo.evaluation.leakage import find_leaks

    made = build(data)
    arguments, concerned = made if kind else (made, set())
    start = time.perf_counter()
    findings = find_leaks(**arguments)
    seconds = time.perf_counter() - start
    right = [f for f in findings if f.kind == kind and concerned <= set(f.samples)]
    found = "; ".join(sorted({f"{f.severity}: {f.kind}" for f in findings}))
    good = bool(right) if kind else not findings
    return {
        "set_up": name,
        "planted": kind or "",
        "result": {True: "caught", False: "missed"}[good]
        if kind
        else {True: "silent", False: "false alarm"}[good],
        "findings": found,
        "samples": max((len(f.samples) for f in right), default=0),
        "seconds": f"{seconds:.2f}",
    }


def main() -> int:
    import merzoo.models  # noqa: F401 - fills the register

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    data = samples(options.subjects, options.clips)
    rows = [try_case(*case, data) for case in (*PLANTED, *CLEAN)]
    for row in rows:
        print(f"{row['result']:<12} {row['set_up']:<75} {row['findings']}")
    facts = {"data": f"synthetic:medium, {len(data)} clips of {options.subjects}", **machine()}
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "leaks.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)
    results = [row["result"] for row in rows]
    caught, alarms = results.count("caught"), results.count("false alarm")
    kinds = len({kind for _, kind, _ in PLANTED})
    print(f"caught {caught} of {len(PLANTED)} planted leaks of {kinds} kinds")
    print(f"false alarms on {alarms} of {len(CLEAN)} clean set-ups")
    print(f"written: {options.out / 'leaks.csv'}")
    return 0 if caught == len(PLANTED) and not alarms else 1


if __name__ == "__main__":
    sys.exit(main())
