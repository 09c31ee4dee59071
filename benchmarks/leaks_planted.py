"""Set-ups in which something of the test subjects leaks: the audit must find each."""

import functools
import tempfile
from pathlib import Path

import numpy as np
from leak_parts import (
    callback,
    changed,
    entry,
    framed,
    ids,
    jpeg,
    loso,
    numbers,
    only,
    planted,
    priors,
    protocol,
    saved_split,
    with_copy,
)

from merzoo.training.recipes import Recipe


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
    from merzoo.preprocessing.arrays import join_arrays

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
    """one person as s3 and as 3."""
    names = [f"s{n}" if i % 2 else f"{n:03d}" for i, n in enumerate(numbers(data))]
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


@planted("settings chosen on test subjects")
def tuned_on_all(data):
    """the best recipe of a search over all subjects."""
    recipe = Recipe("tuned", chosen_on=tuple(set(data.subject.tolist())))
    return loso(data, recipe=recipe), ids(data)


@planted("settings chosen on test subjects")
def tuned_on_one(data):
    """a recipe found by a search in which one of the subjects was, spelt otherwise."""
    seen = f"{data.dataset[0]}/subject_{numbers(data)[0]}"
    recipe = Recipe("tuned", chosen_on=("elsewhere/s1", seen))
    return loso(data, recipe=recipe), ids(data, data.subject == data.subject[0])


@planted("weights of unknown origin")
def unknown_weights(data):
    """starting weights without a record."""
    recipe = Recipe("mine", model_arguments={"weights": "found.weights.h5"})
    return loso(data, recipe=recipe, model="ststnet"), set()


@planted("features fitted before the split")
def fitted_npz(data):
    """features whose file says that a PCA was fitted on all subjects."""
    from merzoo.preprocessing.arrays import read_arrays

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


@planted("asked units among inputs")
def asked_units(data):
    """action units as an input of a network that is asked for them."""
    units = np.zeros((len(data), 21), "float32")
    units[:, 2] = data.label == 1
    asked = changed(data, label=(data.label == 1).astype("int64"), classes=("none", "AU4"))
    return loso(asked.with_modalities({**data.modalities, "action_units": units})), ids(data)


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
    from merzoo.preprocessing.arrays import read_arrays

    path = Path(tempfile.mkdtemp()) / "flow.npz"
    only(data, "flow_image").save(path)
    return loso(read_arrays(path), callbacks=[callback(file=str(path))]), ids(data)


@planted("code holds test samples")
def held_by_builder(data):
    """a model registered by the user whose builder closes over test samples."""
    import keras

    from merzoo.models.registry import register

    anchors = np.array(data.modalities["flow_image"][:3])

    def build(name="prototype-network", classes=3):
        flow = keras.Input(anchors.shape[1:], name="flow_image")
        x = keras.layers.Flatten()(flow)
        near = keras.layers.Dense(
            len(anchors), kernel_initializer=lambda shape, dtype: anchors.reshape(shape[::-1]).T
        )(x)
        return keras.Model(flow, keras.layers.Dense(classes, activation="softmax")(near), name=name)

    build.__module__ = "users_script"
    register("prototype-network")(build)
    return loso(data, model="prototype-network"), ids(data, [0, 1, 2])
