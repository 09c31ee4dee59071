"""Leaks planted in code and weights: answers in callbacks, files, constants of builders, names."""

import json
import tempfile
from pathlib import Path

import numpy as np
from leak_parts import (
    callback,
    changed,
    entry,
    flow_network,
    ids,
    loso,
    named_by_class,
    planted,
    priors,
    with_builder,
)

HELD = "code holds test samples"
FITTED = "features fitted before the split"


def pixels(data) -> np.ndarray:
    return np.array(data.modalities["flow_image"], "float32")


def new_file(name: str) -> Path:
    return Path(tempfile.mkdtemp()) / name


@planted(HELD)
def soft_labels(data):
    """a callback with soft labels of all samples."""
    soft = np.random.default_rng(0).dirichlet((1, 1, 1), len(data))
    soft = 0.4 * soft + 0.6 * np.eye(3)[data.label]
    return loso(data, callbacks=[callback(targets=soft)]), ids(data)


@planted(HELD)
def teachers_answers(data):
    """a callback with a teacher's logits, of which nine in ten are right."""
    rng = np.random.default_rng(0)
    said = np.where(rng.random(len(data)) < 0.9, data.label, rng.integers(0, 3, len(data)))
    logits = rng.normal(0, 1, (len(data), 3)) + 6 * np.eye(3)[said]
    return loso(data, callbacks=[callback(teacher=[list(row) for row in logits])]), ids(data)


@planted(HELD)
def class_names(data):
    """a callback with the class of each sample as a word."""
    words = np.array(data.classes)[data.label].tolist()
    return loso(data, callbacks=[callback(order=words)]), ids(data)


@planted(HELD)
def sample_weights(data):
    """a callback with a weight for each sample, which follows its class."""
    weights = (len(data) / (3 * priors(data)))[data.label] * 1.7
    return loso(data, callbacks=[callback(weights=weights)]), ids(data)


@planted(HELD)
def keyed_by_subject(data):
    """a callback with a threshold for each person, tested ones too."""
    names = sorted(set(data.subject.tolist()))
    return loso(data, callbacks=[callback(bias={n: 0.1 * i for i, n in enumerate(names)})]), ids(
        data
    )


@planted(HELD)
def keyed_by_one(data):
    """a callback that does otherwise for one person."""
    kept = {"cases": {str(data.subject[0]): "surprise first"}}
    return loso(data, callbacks=[callback(**kept)]), ids(data, data.subject == data.subject[0])


@planted(HELD)
def keyed_by_clip(data):
    """a function that closes over labels by the clips' names."""
    import keras

    answers = dict(zip(data.clip.tolist(), data.label.tolist(), strict=True))
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: answers.get("x"))
    return loso(data, callbacks=[watch]), ids(data)


@planted(HELD)
def keyed_by_row(data):
    """a callback with labels by the rows' numbers."""
    return loso(data, callbacks=[callback(truth=dict(enumerate(data.label.tolist())))]), ids(data)


@planted(HELD)
def held_table(data):
    """a callback with a table of clips and classes, in another order."""
    import pandas

    order = np.random.default_rng(0).permutation(len(data))
    columns = {"clip": data.ids()[order], "class": np.array(data.classes)[data.label[order]]}
    return loso(data, callbacks=[callback(table=pandas.DataFrame(columns))]), ids(data)


@planted(HELD)
def other_npz(data):
    """a callback that knows an .npz file of another name with the same samples, scaled."""
    path = new_file("backup.npz")
    np.savez(path, pictures=pixels(data)[:5] / 255)
    return loso(data, callbacks=[callback(file=str(path))]), ids(data, range(5))


@planted(HELD)
def other_npy(data):
    """a function in whose code the path of an .npy file with the samples stands."""
    import keras

    path = new_file("x.npy")
    np.save(path, pixels(data)[::-1])
    script = {"__name__": "users_script", "keras": keras, "np": np}
    exec(
        "class Peek(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        f"        return np.load({str(path)!r})\n",
        script,
    )
    return loso(data, callbacks=[script["Peek"]()]), ids(data)


@planted(HELD)
def other_hdf5(data):
    """a callback with the path of an HDF5 file, in a group of which the samples are."""
    import h5py

    path = new_file("features.h5")
    with h5py.File(path, "w") as file:
        file["set/train"] = pixels(data)[3:6]
    return loso(data, callbacks=[callback(where={"path": path})]), ids(data, [3, 4, 5])


@planted(HELD)
def other_pictures(data):
    """a callback with a folder in which one sample is a picture."""
    import cv2

    data = data.with_modalities({"flow_image": np.rint(pixels(data))})
    path = new_file("0.png")
    cv2.imwrite(str(path), data.modalities["flow_image"][2][..., ::-1].astype("uint8"))
    return loso(data, callbacks=[callback(folder=path.parent)]), ids(data, [2])


@planted(HELD)
def other_csv(data):
    """a callback with the path of a .csv file of clips and labels."""
    path = new_file("notes.csv")
    rows = zip(data.clip.tolist(), data.label.tolist(), strict=True)
    path.write_text("name,remark\n" + "".join(f"{clip},{label}\n" for clip, label in rows))
    return loso(data, callbacks=[callback(notes=str(path))]), ids(data)


@planted(HELD)
def other_json(data):
    """a callback with the path of a .json file of labels by clip."""
    path = new_file("notes.json")
    path.write_text(json.dumps(dict(zip(data.ids().tolist(), data.label.tolist(), strict=True))))
    return loso(data, callbacks=[callback(notes=path)]), ids(data)


@planted(HELD)
def held_bytes(data):
    """a callback with the bytes of the samples."""
    return loso(data, callbacks=[callback(blob=pixels(data)[:3].tobytes())]), ids(data, range(3))


@planted(HELD)
def labels_of_fold(data):
    """a callback with the labels of the folds' test samples, one fold after another, one-hot."""
    arguments = loso(data)
    rows = np.concatenate([fold.test for fold in arguments["folds"]])
    return arguments | {"callbacks": [callback(y=[np.eye(3)[data.label[rows]]])]}, ids(data)


@planted(FITTED)
def normalised_by_all(data):
    """a builder whose Normalization knows mean and variance of all samples."""
    import keras

    x = pixels(data)
    mean, variance = x.mean((0, 1, 2)).tolist(), x.var((0, 1, 2)).tolist()
    return with_builder(
        data, flow_network(lambda: keras.layers.Normalization(mean=mean, variance=variance))
    ), ids(data)


@planted(FITTED)
def normalised_by_file(data):
    """a builder that reads what a Normalization needs from a file, worked out over all samples."""
    import keras

    path = new_file("statistics.npz")
    x = pixels(data)
    np.savez(path, m=x.mean((0, 1, 2)), v=x.var((0, 1, 2)))

    def layer():
        with np.load(str(path)) as found:
            return keras.layers.Normalization(mean=found["m"], variance=found["v"])

    return with_builder(data, flow_network(layer)), ids(data)


@planted(FITTED)
def scaled_by_all(data):
    """a builder that rescales by the mean and spread of all values together."""
    import keras

    x = pixels(data)
    scale, offset = float(1 / x.std()), float(-x.mean() / x.std())
    return with_builder(data, flow_network(lambda: keras.layers.Rescaling(scale, offset))), ids(
        data
    )


@planted(FITTED)
def components_in_builder(data):
    """a builder whose first layer projects on principal components of all samples."""
    import keras

    x = pixels(data).reshape(len(data), -1).astype("float64")
    components = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:6].T

    def layer():
        start = keras.initializers.Constant(components)
        return keras.layers.Dense(6, kernel_initializer=start, trainable=False)

    return with_builder(data, flow_network(layer, flat=True)), ids(data)


@planted(FITTED)
def class_means(data):
    """a callback with the mean picture of each class over all samples."""
    x = pixels(data)
    means = {word: x[data.label == k].mean(0) for k, word in enumerate("abc")}
    return loso(data, callbacks=[callback(prototypes=means)]), ids(data)


@planted(FITTED)
def fitted_scaler(data):
    """a callback with a scikit-learn scaler that was fitted on all samples."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(pixels(data).reshape(len(data), -1))
    return loso(data, callbacks=[callback(scaler=scaler)]), ids(data)


@planted("class priors of test samples")
def bias_of_all(data):
    """a builder whose last bias is the logarithm of the class shares of all samples."""
    import keras

    start = np.log(priors(data) / len(data))
    bias = keras.initializers.Constant(start)
    return with_builder(data, flow_network(bias=bias)), ids(data)


@planted("weights may know test subjects")
def renamed_set(data):
    """pretrained weights of a set of another name with the same people's numbers."""
    names = sorted({s.partition("/")[2] for s in data.subject.tolist()})
    return loso(data, weights=entry(*[f"own_faces/{name}" for name in names])), ids(data)


@planted("weights may know test subjects")
def renamed_names(data):
    """pretrained weights of a larger set, among whose people are the telling names of ours."""
    people = dict.fromkeys(data.subject.tolist())
    told = {s: f"{'FM'[i % 2]}{17 + 3 * i}k" for i, s in enumerate(people)}
    data = named_by_class(changed(data, subject=[told[s] for s in data.subject.tolist()]))
    seen = [f"lab/{name}" for name in [*told.values(), "F999k"]]
    return loso(data, weights=entry(*seen)), ids(data)
