"""One row holds all facts of a modality: a new one is mirrored, moved, mixed and exported right."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import cloudpickle
import cv2
import keras
import numpy as np
import pytest
from keras import layers

import merzoo
from merzoo import modalities
from merzoo.data.action_units import ACTION_UNITS
from merzoo.errors import InputError
from merzoo.evaluation import audit
from merzoo.evaluation.pages.hardest_clips import draw_sample
from merzoo.exporting import export, with_preprocessing
from merzoo.exporting.graph import _MAKERS
from merzoo.modalities import Modality
from merzoo.models.common import check_picture
from merzoo.models.random_inputs import random_inputs
from merzoo.preprocessing import extract, prepare
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.extract import EXTRACTORS, Extractor
from merzoo.preprocessing.mixing import cutmix, mixup
from merzoo.preprocessing.region_motion import region_windows
from merzoo.preprocessing.regions import REGIONS
from merzoo.preprocessing.transforms import (
    brighten,
    flip,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)
from merzoo.training.learner import resolve
from merzoo.training.pool import check_still
from merzoo.training.recipes import get_recipe
from tests.preprocessing import made

DEPTH = Modality("depth", "picture", (("height", "width", (1,)),), (0.0, 1.0), "metres, 0..1")
RNG = np.random.default_rng(0)


@pytest.fixture
def depth():
    with modalities.registered(DEPTH) as row:
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


def test_motion_is_strengthened_from_the_picture_at_rest_that_a_row_names(sample):
    """By half again, from one half: 0.6 becomes 0.65."""
    with pytest.raises(InputError, match="names no picture at rest"):
        strengthen_motion(sample | {"onset": sample["apex"]}, [1.5, 1.5])
    rest, moved = (replace(DEPTH, name=f"depth_{n}", at_rest="depth_rest") for n in ("rest", "end"))
    values = {"depth_rest": np.float32([0.5, 0.5]), "depth_end": np.float32([0.6, 0.9])}
    pair = {name: x.reshape(2, 1, 1, 1) for name, x in values.items()}
    with modalities.registered(rest), modalities.registered(moved):
        stronger = strengthen_motion(pair, [1.5, 1.5])
        with pytest.raises(InputError, match="cannot be changed without its 'depth_rest'"):
            strengthen_motion({"depth_end": pair["depth_end"]}, [1.5, 1.5])
    np.testing.assert_array_equal(stronger["depth_rest"], pair["depth_rest"])
    np.testing.assert_allclose(np.ravel(stronger["depth_end"]), [0.65, 1.0])  # 1.1 is outside


def test_a_picture_of_vectors_is_mirrored_by_the_signs_of_its_row():
    row = Modality(
        name="normals",
        kind="picture",
        shape=(("height", "width", (3,)),),
        range=(-1.0, 1.0),
        about="unit vectors x, y, z of the skin's surface",
        mirror_sign=(-1, 1, 1),
        mirror_shift=(0, 0, 0),
    )
    x = np.float32([[0.6, 0, 0.8], [0, 0.6, 0.8]]).reshape(1, 1, 2, 3)
    with modalities.registered(row):
        mirrored = flip({"normals": x})["normals"]
    np.testing.assert_array_equal(mirrored[0, 0, 1], x[0, 0, 0] * [-1, 1, 1])


def test_movement_of_regions_changes_sides_in_a_mirror_and_turns_with_the_picture():
    names, _ = region_windows()
    order = modalities.modality("region_motion").mirror_order
    other = {"left": "right", "right": "left"}
    for place, name in enumerate(names):
        side, _, rest = name.partition(" ")
        assert names[order[place]] == (f"{other[side]} {rest}" if side in other else name)
    x = RNG.normal(0, 1, (2, 9, 14, 2)).astype("float32")
    mirrored = np.asarray(flip({"region_motion": x})["region_motion"])
    np.testing.assert_array_equal(mirrored[:, :, 1], x[:, :, 0] * np.float32([-1, 1]))
    both = {"region_motion": x, "apex": np.zeros((2, 8, 8, 1), "float32")}
    turned = np.asarray(rotate(both, [np.pi / 2] * 2)["region_motion"])
    np.testing.assert_allclose(turned, np.stack([-x[..., 1], x[..., 0]], -1), atol=1e-6)
    row = modalities.modality("region_motion")
    with pytest.raises(InputError, match="give its mirror_sign and mirror_order"):
        replace(row, mirror_order=(0, 1))


def test_a_new_picture_is_mixed_as_the_face_is(sample):
    label, weight, draws = np.eye(2), np.ones(2), np.float32([0.3, 0.6])
    for mix in (
        lambda s: mixup(s, label, weight, draws),
        lambda s: cutmix(s, label, weight, draws, probability=1.0),
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
    assert draw_sample(data.modalities, 0).shape == (112, 112, 3)
    found = random_inputs(depth_network())["depth"]
    assert found.min() >= 0 and 0.5 < found.max() <= 1
    result = merzoo.evaluate(depth_network, data.take(range(5)), selection="fixed:1")
    assert result.metrics["full"]["n"] == 5


def depth_network(classes=2):
    depth = keras.Input((32, 32, 1), name="depth")
    x = layers.Flatten()(layers.AveragePooling2D(8)(depth))
    return keras.Model([depth], layers.Dense(classes, activation="softmax")(x), name="depths")


def test_a_copy_in_the_mirror_with_a_little_noise_is_found(depth):
    noise = RNG.normal(0, 1, (6, 32, 32, 1)).astype("float32")
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 1.5)[..., None] for one in noise])
    x = 0.5 + smooth / 4
    x[5] = x[0][:, ::-1] + RNG.normal(0, 0.002, x[0].shape)
    columns = ([0, 1] * 3, list("aabbcc"), ["d"] * 6, list("123456"), ("no", "yes"))
    (found,) = audit(Arrays({"depth": x}, *columns))
    assert found.kind == "near-identical samples" and set(found.samples) == {"d/1", "d/6"}
    with modalities.registered(replace(DEPTH, name="depth_face", face=True)):
        (found,) = audit(Arrays({"depth_face": x}, *columns))
    assert found.kind == "one person, two names"  # what shows a face tells people apart


def test_a_learner_takes_it_along_to_another_process():
    with modalities.registered(DEPTH):
        sent = cloudpickle.dumps(resolve(depth_network))
    assert "depth" not in modalities.MODALITIES  # as in the process where it arrives
    assert cloudpickle.loads(sent).inputs == {"depth": (32, 32, 1)}
    assert modalities.MODALITIES.pop("depth") == DEPTH


@pytest.mark.slow
def test_worker_processes_augment_it(depth):
    x = RNG.uniform(0, 1, (8, 32, 32, 1)).astype("float32")
    people = [name for name in "abcd" for _ in range(2)]
    data = Arrays({"depth": x}, [0, 1] * 4, people, ["d"] * 8, range(8), ("no", "yes"))
    recipe = replace(get_recipe("default"), augment=("flip", "crop-15", "cutmix"))
    run = partial(merzoo.evaluate, depth_network, data, recipe=recipe, selection="fixed:1")
    here, there = (run(jobs=jobs).predictions for jobs in (1, 2))
    np.testing.assert_array_equal(here["predicted"], there["predicted"])


def test_worker_processes_work_it_out_by_its_extractor(depth, tmp_path):
    clips = [made.clip(number) for number in range(2)]
    prepare_depth = partial(
        prepare, clips, {"depth": (32, 32, 1)}, detector="none", cache=tmp_path, jobs=2
    )
    with pytest.raises(InputError, match="'depth' has no extractor"):
        prepare_depth()
    row = Extractor(lambda clip, shape, parameters: np.full(shape, 0.25, "float32"), (), 1)
    with extract.registered("depth", row):
        x = prepare_depth().modalities["depth"]
        with pytest.raises(InputError, match="'depth' has an extractor already"):
            extract.register_extractor("depth", row)
    assert x.shape == (2, 32, 32, 1) and np.all(np.asarray(x) == 0.25)


def test_networks_of_photographs_take_a_new_picture_of_0_to_255(depth):
    with modalities.registered(replace(DEPTH, name="infrared", range=(0.0, 255.0))):
        check_picture("infrared")
    with pytest.raises(InputError, match="modality='depth' is not possible here"):
        check_picture("depth")


def test_a_new_still_is_enough_for_pretraining_on_single_pictures(depth):
    picture = made.clip(0, frames=made.clip(0).frames[:1])
    with pytest.raises(InputError, match="have no 'depth'"):
        check_still("depths", ["depth"], [picture])
    with modalities.registered(replace(DEPTH, name="depth_still", still=True)):
        check_still("depths", ["depth_still"], [picture])


def test_an_exported_network_takes_it(depth, tmp_path):
    columns = ([0, 1] * 2, list("aabb"), ["d"] * 4, list("1234"), ("no", "yes"))
    data = Arrays({"depth": RNG.uniform(0, 1, (4, 32, 32, 1)).astype("float32")}, *columns)
    done = export(depth_network(), tmp_path / "d.onnx", "onnx", data=data, classes=("no", "yes"))
    assert done.inputs == {"depth": [32, 32, 1]}
    assert all(row.difference <= 1e-4 for row in done.parity)  # the limit that export states


def test_an_export_takes_it_as_it_is_beside_what_it_works_out(depth):
    inputs = [keras.Input((32, 32, 1), name=name) for name in ("difference", "depth")]
    x = layers.Flatten()(layers.Concatenate()(inputs))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="both")
    wrapped = with_preprocessing(model, (32, 32))
    assert {tensor.name for tensor in wrapped.inputs} == {"onset", "apex", "depth"}
    with pytest.raises(InputError, match="takes depth, and none of them can be made"):
        with_preprocessing(depth_network())
    row = replace(DEPTH, name="shape_from_shading", from_frames=True)
    shaded = keras.Input((32, 32, 1), name=row.name)
    with modalities.registered(row), pytest.raises(InputError, match="no layers make 'shape_from"):
        with_preprocessing(keras.Model(shaded, layers.Flatten()(shaded)))


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
        lambda: mixup(sample, np.eye(2), np.ones(2), shift[:, 0]),
        lambda: cutmix(sample, np.eye(2), np.ones(2), shift[:, 0], probability=0.5),
        lambda: random_inputs(depth_network()),
        lambda: modalities.input_shapes({"depth": (8, 8, 1)}),
    ):
        with pytest.raises(InputError, match="Unknown modality 'depth'"):
            refuse()


def test_cutmix_refuses_flags_of_which_it_cannot_tell_the_half():
    row = Modality(
        "creases", "flags", (((2,),),), (0.0, 1.0), "whether brow and cheek have creases"
    )
    flags = {"creases": np.zeros((2, 2), "float32")}
    with modalities.registered(row):
        assert flip(flags)["creases"] is flags["creases"]
        with pytest.raises(InputError, match="cannot tell which flags of 'creases'"):
            cutmix(flags, np.eye(2), np.ones(2), np.zeros(2), probability=0.5)


IMAGE = (("height", "width", (3,)),)
IMPOSSIBLE = {
    "Unknown kind of modality 'image'": {"kind": "image"},
    "give a name that is a word": {"name": "my depth"},
    "give a shape of 3 axes": {"shape": (("height", "width"),)},
    "give a shape of 4 axes": {"kind": "sequence"},
    "give a shape[.]": {"shape": ()},
    "give a range low < high": {"range": (1.0, 0.0)},
    "give both ends of its range": {"range": (0.0, None)},
    "give its mirror_sign: u turns round": {"kind": "flow", "range": (None, None)},
    "give one mirror_sign and one mirror_shift": {"mirror_sign": (-1, 1), "mirror_shift": (0, 0)},
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_a_row_that_cannot_be_is_refused(message):
    possible = {"name": "x", "kind": "picture", "shape": IMAGE, "range": (0.0, 1.0)}
    with pytest.raises(InputError, match=message):
        Modality(**possible | IMPOSSIBLE[message])


def test_a_name_is_taken_once(depth):
    for row in (DEPTH, modalities.modality("apex")):
        with pytest.raises(InputError, match=f"'{row.name}' is there already: give yours another"):
            modalities.register_modality(row)
    with pytest.raises(InputError, match="Unknown modality 'dept'"):
        extract.register_extractor("dept", EXTRACTORS["apex"])


def test_what_stands_beside_the_table_agrees_with_it():
    assert list(EXTRACTORS) == list(modalities.MODALITIES)
    assert set(_MAKERS) == set(modalities.names(from_frames=True))
    assert {rule[-2] for rule in modalities.modality("regions").shape} == {tuple(REGIONS)}
    assert modalities.modality("action_units").shape == (((len(ACTION_UNITS),),),)
    page = (Path(extract.__file__).parent / "README.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall("`(.*?)`", row)]
    assert set(modalities.MODALITIES) <= set(told)
