"""What the planted leaks and clean set-ups of the leak audit's trial are made with."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

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


def changed(data, **fields):
    """A checked copy of samples with other fields."""
    return replace(data, **fields)


def only(data, *names):
    return data.with_modalities({name: np.array(data.modalities[name]) for name in names})


def loso(data, **more):
    from merzoo.evaluation.splits.protocols import make_folds

    return {"data": data, "folds": make_folds("loso", data), **more}


def protocol(data, name, **more):
    from merzoo.evaluation.splits.protocols import make_folds, parse_protocol

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

    from merzoo.evaluation.splits.file import read_split

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


def named_by_class(data):
    """The same samples with the class in the name of each clip."""
    words = [data.classes[k][:3] for k in data.label.tolist()]
    people = [s.partition("/")[2] for s in data.subject.tolist()]
    names = [f"{s}_{w}_{i:02d}" for i, (s, w) in enumerate(zip(people, words, strict=True))]
    return changed(data, clip=names)


def flow_network(layer=None, flat=False, bias="zeros"):
    """A builder of somebody's own: flow, one layer as given, one output a class."""
    import keras

    def build(name="users-network", classes=3):
        flow = keras.Input((28, 28, 3), name="flow_image")
        x = keras.layers.Flatten()(flow) if flat else flow
        x = x if layer is None else layer()(x)
        x = keras.layers.Flatten()(x)
        last = keras.layers.Dense(classes, activation="softmax", bias_initializer=bias)
        return keras.Model([flow], last(x), name=name)

    build.__module__ = "users_script"
    return build


def with_builder(data, build, **more):
    """Arguments with a network of somebody's own."""
    return loso(only(data, "flow_image"), model=build, **more)
