"""Set-ups in which nothing leaks: the audit must keep silent on each."""

import numpy as np
from leak_parts import (
    CLASSES,
    as_bytes,
    callback,
    changed,
    clean,
    entry,
    framed,
    loso,
    numbers,
    priors,
    protocol,
    saved_split,
    two_halves,
)

from merzoo.training.recipes import Recipe


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
def clean_spellings(data):
    """one person as s3, S03 and Subject 3, which arrays take as one."""
    ways = ("s{}", "S{:02d}", "Subject {}")
    people = [ways[i % 3].format(n) for i, n in enumerate(numbers(data))]
    return loso(changed(data, subject=people))


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
def clean_settings(data):
    """a recipe that a search found on other people."""
    return loso(data, recipe=Recipe("tuned", chosen_on=("samm/006", "casme2/sub01")))


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
