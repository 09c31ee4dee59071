"""Set-ups without a leak that look much like the planted ones: the audit must keep silent."""

import json
import tempfile
from pathlib import Path

import numpy as np
from leak_parts import (
    callback,
    changed,
    clean,
    entry,
    flow_network,
    loso,
    named_by_class,
    only,
    saved_split,
    with_builder,
)

from merzoo.training.recipes import Recipe


def pixels(data) -> np.ndarray:
    return np.array(data.modalities["flow_image"], "float32")


def with_flow(data, x):
    return data.with_modalities({"flow_image": np.asarray(x, "float32")})


def hold_out(data, **more):
    """Three people tested, the others trained on: arguments, and the training rows."""
    held = np.isin(data.subject, sorted(set(data.subject.tolist()))[:3])
    names = data.ids()
    folds = {"all": {"train": names[~held].tolist(), "test": names[held].tolist()}}
    return saved_split(folds, data) | more, np.flatnonzero(~held)


@clean
def near_honest_signal(data):
    """flow whose brightness goes with the class, as measured, with exceptions."""
    rng = np.random.default_rng(4)
    level = 30 * data.label + rng.normal(0, 25, len(data))
    return loso(with_flow(data, pixels(data) * 0.5 + level[:, None, None, None] + 40))


@clean
def near_honest_place(data):
    """a blob of motion in a place for each class, that nobody could take for another."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:28, 0:28]
    place = np.array([(7, 8), (20, 9), (9, 20)])[data.label] + rng.normal(0, 1, (len(data), 2))
    distance = (y - place[:, 0, None, None]) ** 2 + (x - place[:, 1, None, None]) ** 2
    blob = 120 * np.exp(-distance / 18)[..., None] * (1, -1, 1)
    return loso(with_flow(data, 128 + blob + rng.normal(0, 6, (len(data), 28, 28, 3))))


@clean
def near_person_signal(data):
    """flow with a number for each person, of which the classes know nothing."""
    people = np.unique(data.subject, return_inverse=True)[1]
    x = pixels(data)
    x[:, 0, 0, 0] = np.random.default_rng(6).permutation(people.max() + 1)[people]
    return loso(with_flow(data, x))


@clean
def near_row_numbers(data):
    """row numbers of shuffled samples in one value."""
    data = data.take(np.random.default_rng(3).permutation(len(data)))
    x = pixels(data)
    x[:, 0, 0, 0] = np.arange(len(data))
    return loso(with_flow(data, x))


@clean
def near_sorted(data):
    """samples sorted by class, whose numbers nobody is given."""
    return loso(data.take(np.argsort(data.label, kind="stable")))


@clean
def near_names(data):
    """clips in whose names the class stands, as in SMIC, which no input holds."""
    return loso(named_by_class(data))


@clean
def near_names_spelt(data):
    """letters of clips' names that tell nothing, in one row of the picture."""
    x = pixels(data)
    for i in range(len(data)):
        name = f"EP{(i * 7) % 90 + 10}_{i % 9}f".encode()
        x[i, 0, : len(name), 0] = np.frombuffer(name, "uint8")
    return loso(with_flow(data, x))


@clean
def near_scaled_alone(data):
    """flow scaled to 0..1 by the least and largest value of each sample."""
    x = pixels(data)
    low, high = x.min((1, 2, 3), keepdims=True), x.max((1, 2, 3), keepdims=True)
    return loso(with_flow(data, (x - low) / (high - low)))


@clean
def near_standardised_alone(data):
    """faces standardised each by its own mean and spread."""
    x = np.array(data.modalities["onset"], "float32")
    x = (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)
    return loso(data.with_modalities({"onset": x}))


@clean
def near_min_max_of_training(data):
    """a hold-out whose flow was scaled by least and largest of the training part."""
    arguments, train = hold_out(data)
    x = pixels(data)
    low, high = x[train].min(0), x[train].max(0)
    x = np.clip((x - low) / np.maximum(high - low, 1e-3), 0, 1)
    return arguments | {"data": with_flow(data, x)}


@clean
def near_components_of_training(data):
    """a hold-out whose features are components of the training part, plus a constant."""
    arguments, train = hold_out(data)
    x = pixels(data).reshape(len(data), -1).astype("float64")
    middle = x[train].mean(0)
    axes = np.linalg.svd(x[train] - middle, full_matrices=False)[2][:8]
    picture = np.zeros(x.shape)
    picture[:, :8] = (x - middle) @ axes.T + 40
    return arguments | {"data": with_flow(data, picture.reshape(len(data), 28, 28, 3))}


@clean
def near_components_in_fold(data):
    """a scikit-learn pipeline that fits its PCA in each fold, handed over fitted to noise."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return loso(only(data, "flow_image"), model=make_pipeline(PCA(4), LogisticRegression()))


@clean
def near_saturated(data):
    """over-exposed faces, many of whose values are 0 or 255."""
    x = np.array(data.modalities["onset"], "float32")
    noise = np.random.default_rng(0).normal(0, 25, x.shape)
    x = np.clip(np.rint((x - 128) * 2.5 + 128 + noise), 0, 255)
    return loso(data.with_modalities({"onset": x.astype("uint8")}))


@clean
def near_normalised_in_fold(data):
    """a builder with a Normalization that is adapted in each fold, not before."""
    import keras

    return with_builder(data, flow_network(keras.layers.Normalization))


@clean
def near_normalised_by_training(data):
    """a hold-out with a builder whose Normalization knows the training part."""
    import keras

    arguments, train = hold_out(only(data, "flow_image"))
    x = pixels(data)[train]
    mean, variance = x.mean((0, 1, 2)).tolist(), x.var((0, 1, 2)).tolist()
    build = flow_network(lambda: keras.layers.Normalization(mean=mean, variance=variance))
    return arguments | {"model": build}


@clean
def near_normalised_by_others(data):
    """a builder with the mean and spread that ImageNet has, in 0..255."""
    import keras

    mean, spread = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    variance = [s * s for s in spread]
    build = flow_network(lambda: keras.layers.Normalization(mean=mean, variance=variance))
    return with_builder(data, build)


@clean
def near_rescaled(data):
    """a builder that rescales 0..255 to -1..1 and starts from a bias of its own."""
    import keras

    bias = keras.initializers.Constant(np.log([0.5, 0.3, 0.2]))
    return with_builder(
        data, flow_network(lambda: keras.layers.Rescaling(1 / 127.5, -1), bias=bias)
    )


@clean
def near_constant_list(data):
    """a callback with a list of one number for each sample, all the same, and class names."""
    held = callback(weights=[1.0] * len(data), classes=list(data.classes), epochs=[10, 20, 40])
    return loso(data, callbacks=[held])


@clean
def near_counters(data):
    """a callback with a count of 0 for each person and a list of all names."""
    people = sorted(set(data.subject.tolist()))
    held = callback(seen=dict.fromkeys(people, 0), names=people, order=data.ids().tolist())
    return loso(data, callbacks=[held])


@clean
def near_keyed_by_training(data):
    """a hold-out with a callback that keeps a number for each person of the training part."""
    arguments, train = hold_out(data)
    people = sorted(set(data.subject[train].tolist()))
    return arguments | {"callbacks": [callback(bias={n: 0.1 * i for i, n in enumerate(people)})]}


@clean
def near_soft_noise(data):
    """a callback with random probabilities for each sample, and random weights."""
    rng = np.random.default_rng(7)
    held = callback(soft=rng.dirichlet((1, 1, 1), len(data)), weights=rng.random(len(data)))
    return loso(data, callbacks=[held])


@clean
def near_file_of_training(data):
    """a hold-out with a callback that knows files of the training part only."""
    arguments, train = hold_out(data)
    folder = Path(tempfile.mkdtemp())
    np.savez(folder / "train.npz", x=pixels(data)[train], y=data.label[train])
    names = data.ids()[train].tolist()
    labels = dict(zip(names, data.label[train].tolist(), strict=True))
    (folder / "train.json").write_text(json.dumps(labels))
    held = callback(file=str(folder / "train.npz"), labels=str(folder / "train.json"))
    return arguments | {"callbacks": [held]}


@clean
def near_other_files(data):
    """callbacks that write to a log, and read files of other samples."""
    import keras

    folder = Path(tempfile.mkdtemp())
    rng = np.random.default_rng(8)
    np.save(folder / "others.npy", rng.uniform(0, 255, (20, 28, 28, 3)).astype("float32"))
    (folder / "log.csv").write_text("epoch,loss\n0,1.1\n1,0.9\n")
    log = keras.callbacks.CSVLogger(str(folder / "log.csv"))
    return loso(data, callbacks=[log, callback(file=folder / "others.npy", out=str(folder))])


@clean
def near_mirrored_twins(data):
    """each clip and its mirror image, both of one person."""
    x = pixels(data)
    mirror = x[:, :, ::-1] * (-1, 1, 1) + (255, 0, 0)
    both = with_flow(data, x).take(np.repeat(np.arange(len(data)), 2))
    y = np.stack([x, mirror], 1).reshape(-1, 28, 28, 3).astype("float32")
    names = [f"{clip}{'' if i % 2 == 0 else '_mirrored'}" for i, clip in enumerate(both.clip)]
    return loso(changed(both, clip=names, modalities={"flow_image": y}))


@clean
def near_mixed_alone(data):
    """means of two clips of one person, and moved copies, all of that person."""
    x = pixels(data)
    first = np.flatnonzero(data.subject == data.subject[0])
    x[first[2]] = (x[first[0]] + x[first[1]]) / 2
    x[first[3]] = np.roll(x[first[0]], 1, 0)
    return loso(with_flow(data, x))


@clean
def near_stills(data):
    """still pictures, of which no apex was looked for."""
    x = {"onset": np.array(data.modalities["onset"])}
    return loso(changed(data, modalities=x, annotated=("apex",)))


@clean
def near_balanced_sampler(data):
    """a callback that draws classes evenly, by weights of its own, and a balanced recipe."""
    rng = np.random.default_rng(0)
    held = callback(draw=lambda count: rng.choice(3, count), shares=[1 / 3] * 3)
    return loso(data, recipe=Recipe("mine", class_weights="balanced"), callbacks=[held])


@clean
def near_weights_of_numbers(data):
    """pretrained weights of a larger set that numbers its people alike."""
    return loso(data, weights=entry(*[f"lab/s{n:02d}" for n in range(1, 41)]))


@clean
def near_one_sided_mix(data):
    """small samples on a smooth scale of brightness, each between others."""
    rng = np.random.default_rng(5)
    levels = np.sort(rng.uniform(0.3, 1, len(data)))[:, None, None, None]
    x = 128 + (pixels(data)[:1] - 128) * rng.permutation(levels)
    x = x + rng.normal(0, 40, x.shape)
    return loso(with_flow(data, x))
