"""One row holds all facts of a modality: a new one is mirrored, moved, mixed and exported right."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import merzoo
from merzoo import modalities
from merzoo.errors import InputError
from merzoo.evaluation import audit
from merzoo.exporting import with_preprocessing
from merzoo.modalities import Modality
from merzoo.models.random_inputs import random_inputs
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.extract import extractor
from merzoo.preprocessing.mixing import cutmix, mixup
from merzoo.preprocessing.transforms import (
    brighten,
    flip,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)

DEPTH = Modality("depth", "picture", (("height", "width", (1,)),), (0.0, 1.0), "metres, 0..1")
RNG = np.random.default_rng(0)


@pytest.fixture
def depth():
    with modalities.register(DEPTH) as row:
        yield row
    assert "depth" not in modalities.MODALITIES


@pytest.fixture
def sample(depth):
    picture = RNG.uniform(0, 1, (2, 8, 8, 1)).astype("float32")
    return {"apex": 255 * picture, "depth": picture}


def test_a_new_picture_is_moved_as_the_face_is(sample):
    for moved in (
        flip(sample),
        translate(sample, [[0.25, -0.125]] * 2),
        rotate(sample, [0.3, -0.2]),
        stretch_contrast(sample, [1.3, 0.8]),
    ):
        apex, depth = (np.asarray(moved[name]) for name in ("apex", "depth"))
        assert np.abs(depth - sample["depth"]).max() > 0.1
        np.testing.assert_allclose(depth, apex / 255, atol=1e-5)
    bright = brighten(sample, [51.0, -51.0])
    np.testing.assert_allclose(bright["depth"], np.asarray(bright["apex"]) / 255, atol=1e-5)
    with pytest.raises(InputError, match="'depth' cannot be changed without its 'onset'"):
        strengthen_motion({"depth": sample["depth"]}, [1.1, 1.1])


def test_a_new_picture_is_mixed_as_the_face_is(sample):
    label, weight = tf.eye(2), tf.ones(2)
    for mix in (
        lambda s: mixup(s, label, weight, (0, 1), alpha=0.4),
        lambda s: cutmix(s, label, weight, (0, 1), probability=1.0),
    ):
        mixed, shares, _ = mix(sample)
        apex, depth = (np.asarray(mixed[name]) for name in ("apex", "depth"))
        np.testing.assert_allclose(depth, apex / 255, atol=1e-5)
        np.testing.assert_allclose(np.asarray(shares).sum(1), 1, atol=1e-6)


def test_arrays_random_inputs_and_the_audit_know_it(depth):
    x = RNG.uniform(0, 1, (6, 32, 32, 1)).astype("float32")
    x[5] = x[0]  # the same under another person's name
    columns = ([0, 1] * 3, list("aabbcc"), ["d"] * 6, list("123456"), ("no", "yes"))
    data = Arrays({"depth": x}, *columns)
    assert [f.kind for f in audit(data)] == ["identical samples"]
    with pytest.raises(InputError, match="must have 3 axes"):
        Arrays({"depth": x[..., 0]}, *columns)
    found = random_inputs(depth_network())["depth"]
    assert found.min() >= 0 and 0.5 < found.max() <= 1
    result = merzoo.evaluate(depth_network, data.take(range(5)), selection="fixed:1")
    assert result.metrics["full"]["n"] == 5


def depth_network(classes=2):
    depth = keras.Input((32, 32, 1), name="depth")
    x = layers.Flatten()(layers.AveragePooling2D(8)(depth))
    return keras.Model([depth], layers.Dense(classes, activation="softmax")(x), name="depths")


def test_an_export_takes_it_as_it_is_beside_what_it_works_out(depth):
    inputs = [keras.Input((32, 32, 1), name=name) for name in ("difference", "depth")]
    x = layers.Flatten()(layers.Concatenate()(inputs))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="both")
    wrapped = with_preprocessing(model, (32, 32))
    assert {tensor.name for tensor in wrapped.inputs} == {"onset", "apex", "depth"}


def test_what_no_table_knows_is_refused_everywhere():
    sample = {"depth": np.zeros((2, 8, 8, 1), "float32")}
    shift = np.zeros((2, 2), "float32")
    for refuse in (
        lambda: flip(sample),
        lambda: translate(sample, shift),
        lambda: rotate(sample, shift[:, 0]),
        lambda: brighten(sample, shift[:, 0]),
        lambda: stretch_contrast(sample, shift[:, 0]),
        lambda: strengthen_motion(sample, shift[:, 0]),
        lambda: mixup(sample, tf.eye(2), tf.ones(2), (0, 1), alpha=0.4),
        lambda: cutmix(sample, tf.eye(2), tf.ones(2), (0, 1), probability=0.5),
        lambda: random_inputs(depth_network()),
        lambda: modalities.input_shapes({"depth": (8, 8, 1)}),
    ):
        with pytest.raises(InputError, match="Unknown modality 'depth'"):
            refuse()


def test_a_row_that_cannot_be_is_refused(depth):
    with pytest.raises(InputError, match="Unknown kind of modality 'image'"):
        Modality("x", "image", (("height",),), (0, 1))
    with pytest.raises(InputError, match="give a shape, and a range low < high"):
        Modality("x", "picture", (("height",),), (1, 0))
    with pytest.raises(InputError, match="'depth' is there already"):
        modalities.add(DEPTH)
    with pytest.raises(InputError, match="'depth' has no extractor"):
        extractor("depth")


def test_every_modality_of_the_table_has_an_extractor_and_no_other_has():
    from merzoo.preprocessing.extract import EXTRACTORS

    assert list(EXTRACTORS) == list(modalities.MODALITIES)
