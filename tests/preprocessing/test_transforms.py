"""Augmentation: geometry of all modalities together, one draw a sample, motion kept true."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.augment import AUGMENTATIONS, augment_all, draw_all
from merzoo.preprocessing.flow import farneback_flow, flow_with_strain
from merzoo.preprocessing.transforms import (
    brighten,
    flip,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)
from merzoo.training.batches import epoch_graph, training_graph
from merzoo.training.recipes import RECIPES
from tests.preprocessing.made import texture
from tests.samples import flow_arrays

EIGHT_DEGREES = np.deg2rad(8)
SIDE, MARGIN = 128, 24  # the margin holds what rotation by 8 degrees brings in from outside


def moving_pair():
    """Onset and apex (1, SIDE, SIDE, 1): the middle moves by 2 px right and 1 px up."""
    image = texture(3, SIDE)
    y, x = np.mgrid[:SIDE, :SIDE].astype("float32")
    share = np.exp(-((x - 55) ** 2 + (y - 70) ** 2) / (2 * 18**2)).astype("float32")
    apex = cv2.remap(image, x - 2 * share, y + share, cv2.INTER_CUBIC)
    return {n: p[None, ..., None].astype("float32") for n, p in (("onset", image), ("apex", apex))}


def flow_of(pair):
    onset, apex = (np.asarray(pair[n])[0] for n in ("onset", "apex"))
    return flow_with_strain(farneback_flow(onset, apex))[None]


@pytest.mark.parametrize(
    ("turn", "still"),
    [
        (flip, lambda flow: flow[:, :, ::-1]),
        (
            lambda sample: rotate(sample, [EIGHT_DEGREES]),
            lambda flow: np.asarray(rotate({"difference": flow}, [EIGHT_DEGREES])["difference"]),
        ),
    ],
    ids=["flip", "rotate"],
)
def test_flow_of_augmented_frames_is_the_augmented_flow(turn, still):
    # Tolerance: 0.01 px in the mean, where the motion itself is up to 2.2 px. Moving the vectors
    # without turning them misses by several times as much.
    pair = moving_pair()
    before = flow_of(pair)
    of_frames = flow_of(turn(pair))
    augmented = np.asarray(turn({"flow": before})["flow"])
    inner = (0, slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    error = np.abs(of_frames - augmented)[inner]
    assert error[..., :2].mean() < 0.01
    assert error[..., 2].mean() < 0.005  # strain, no unit
    assert np.abs(of_frames - still(before))[inner][..., :2].mean() > 5 * error[..., :2].mean()


@pytest.mark.parametrize("shift", [(3, -5), (-4, 0)])
def test_translation_moves_pictures_flow_and_regions_together(shift):
    rng = np.random.default_rng(0)
    dy, dx = shift
    names = ("onset", "difference", "flow", "flow_image")
    sample = {n: rng.uniform(1, 255, (1, 20, 40, 3)).astype("float32") for n in names}
    sample["sequence"] = rng.uniform(1, 255, (1, 2, 20, 40, 1)).astype("float32")
    sample["regions"] = np.array([[[0.4, 0.4, 0.6, 0.5]]], "float32")
    sample["action_units"] = np.ones((1, 21), "float32")
    out = {n: np.asarray(x) for n, x in translate(sample, [[dy / 20, dx / 40]]).items()}
    for name in (*names, "sequence"):
        want = np.roll(sample[name], shift, axis=(-3, -2))
        inner = np.s_[..., 5:-5, 5:-5, :]
        np.testing.assert_allclose(out[name][inner], want[inner], atol=1e-3)
    edge = np.s_[:, 0] if dy > 0 else np.s_[:, -1]
    assert (out["onset"][edge] == 0).all() and (out["flow"][edge] == 0).all()
    assert (out["flow_image"][edge] > 0).all()  # 0 is not "no motion" there
    want = np.array([0.4 + dy / 20, 0.4 + dx / 40, 0.6 + dy / 20, 0.5 + dx / 40])
    np.testing.assert_allclose(out["regions"][0, 0], want, atol=1e-6)
    np.testing.assert_array_equal(out["action_units"], sample["action_units"])


def test_rotation_takes_regions_where_it_takes_the_picture():
    height, width = 60, 100  # not square: angles are those of the pixels
    picture = np.zeros((1, height, width, 1), "float32")
    picture[0, 12:18, 70:80] = 1
    box = np.array([[[12 / height, 70 / width, 18 / height, 80 / width]]], "float32")
    out = rotate({"onset": picture, "regions": box}, [EIGHT_DEGREES])
    weight = np.asarray(out["onset"])[0, ..., 0]
    y, x = (np.average(a + 0.5, weights=weight) for a in np.mgrid[:height, :width])
    y1, x1, y2, x2 = np.asarray(out["regions"])[0, 0] * (height, width, height, width)
    assert ((y1 + y2) / 2, (x1 + x2) / 2) == pytest.approx((y, x), abs=0.05)
    assert (y2 - y1, x2 - x1) == pytest.approx((6, 10), abs=1e-3)
    # By hand: (25, -15) from the centre goes to (25 cos + 15 sin, 25 sin - 15 cos).
    assert (x - 50, y - 30) == pytest.approx((26.84, -11.37), abs=0.05)


def test_a_quarter_turn_is_exact():
    rng = np.random.default_rng(1)
    flow = rng.normal(size=(1, 8, 8, 3)).astype("float32")
    out = np.asarray(rotate({"flow": flow}, [np.pi / 2])["flow"])
    turned = np.rot90(flow, -1, axes=(1, 2))  # clockwise as seen
    np.testing.assert_allclose(out[..., 0], -turned[..., 1], atol=1e-4)
    np.testing.assert_allclose(out[..., 1:], turned[..., [0, 2]], atol=1e-4)


def test_flow_images_refuse_rotation():
    with pytest.raises(InputError, match="lost the zero"):
        next(iter(epoch_graph(flow_arrays(), augment=("rotate-3",))))


def test_contrast_and_brightness_keep_the_difference_true():
    rng = np.random.default_rng(2)
    onset, apex = rng.uniform(60, 190, (2, 3, 6, 6, 1)).astype("float32")
    flow = rng.normal(size=(3, 6, 6, 3)).astype("float32")
    sample = {"onset": onset, "apex": apex, "signed_difference": apex - onset, "flow": flow}
    sample["sequence"] = np.stack([onset, apex], 1)
    for out in (
        stretch_contrast(sample, [0.8, 1.0, 1.2]),
        brighten(sample, [-51, 0, 51]),
    ):
        np.testing.assert_allclose(out["apex"] - out["onset"], out["signed_difference"], atol=1e-3)
        np.testing.assert_array_equal(out["sequence"][:, 1], out["apex"])
        np.testing.assert_array_equal(out["flow"], flow)
        assert float(tf.reduce_max(out["apex"])) <= 255
    np.testing.assert_allclose(brighten(sample, [-51, 0, 51])["onset"][2], onset[2] + 51, rtol=1e-5)
    stretched = stretch_contrast(sample, [0.8, 1.0, 1.2])["signed_difference"]
    np.testing.assert_allclose(stretched[0], 0.8 * (apex - onset)[0], atol=1e-3)


def test_stronger_motion_is_stronger_in_every_modality():
    pair = moving_pair()
    sample = pair | {"signed_difference": pair["apex"] - pair["onset"], "flow": flow_of(pair)}
    sample["sequence"] = np.stack([pair["onset"], pair["apex"]], 1)
    out = strengthen_motion(sample, [0.5])
    np.testing.assert_allclose(out["apex"] - out["onset"], out["signed_difference"], atol=1e-3)
    np.testing.assert_array_equal(out["sequence"][:, 1], out["apex"])
    error = np.abs(flow_of(out) - np.asarray(out["flow"]))[0, MARGIN:-MARGIN, MARGIN:-MARGIN, :2]
    assert error.mean() < 0.05  # linear in grey levels, so only nearly so in pixels
    with pytest.raises(InputError, match="without its 'onset'"):
        strengthen_motion({"apex": pair["apex"]}, [1.0])


def changed(sample, name, size, seed):
    """A batch, augmented by the draws of its first step."""
    draws = draw_all([name], size, counter=0, seed=seed)
    return augment_all(sample, None, None, [name], draws)[0]


@pytest.mark.parametrize("name", ["crop-15", "rotate-8", "contrast"])
def test_a_sample_has_one_draw_for_all_modalities(name):
    picture = np.repeat(moving_pair()["onset"], 6, 0)
    sample = {"onset": picture, "apex": picture, "sequence": np.stack([picture, picture], 1)}
    out = {n: np.asarray(x) for n, x in changed(sample, name, 6, seed=1).items()}
    np.testing.assert_array_equal(out["onset"], out["apex"])
    np.testing.assert_array_equal(out["onset"], out["sequence"][:, 1])
    assert len({x.tobytes() for x in out["onset"]}) == 6  # and every sample its own
    again = changed(sample, name, 6, seed=1)
    np.testing.assert_array_equal(again["onset"], out["onset"])


def test_crop_moves_pictures_of_two_sizes_by_the_same_share():
    large = np.zeros((8, 224, 224, 1), "float32")
    large[:, 100:104, 100:104] = 1
    small = large[:, ::2, ::2] + 0
    out = changed({"onset": large, "apex": small}, "crop-15", 8, seed=5)
    for big, little in zip(*(np.asarray(out[n])[..., 0] for n in ("onset", "apex")), strict=True):
        place = [np.average(a + 0.5, weights=big) for a in np.mgrid[:224, :224]]
        half = [np.average(a + 0.5, weights=little) for a in np.mgrid[:112, :112]]
        assert np.allclose(place, np.multiply(half, 2), atol=0.02)
        shift = np.subtract(place, 102)
        assert np.allclose(shift, np.round(shift), atol=1e-3) and np.abs(shift).max() <= 15.001


def all_modalities(size=12):
    rng = np.random.default_rng(0)
    names = ("onset", "apex", "magnified_apex", "difference", "signed_difference", "flow")
    modalities = {n: rng.uniform(0, 255, (size, 32, 32, 3)).astype("float32") for n in names}
    modalities["flow"] = modalities["flow"] / 4  # pixels
    modalities["sequence"] = rng.uniform(0, 255, (size, 4, 32, 32, 1)).astype("float32")
    modalities["regions"] = np.tile([0.2, 0.3, 0.4, 0.5], (size, 4, 10, 1)).astype("float32")
    modalities["action_units"] = np.ones((size, 21), "float32")
    names = [f"c{i}" for i in range(size)]
    return Arrays(modalities, np.arange(size) % 3, names, ["d"] * size, names, ("a", "b", "c"))


def test_every_augmentation_keeps_shapes_and_ranges():
    data = all_modalities()
    graph = training_graph(data, batch_size=4, augment=tuple(AUGMENTATIONS), seed=1)
    sample, _, _ = next(iter(graph))
    for name, x in sample.items():
        assert x.shape == (4, *data.modalities[name].shape[1:]) and x.dtype == tf.float32
        assert np.isfinite(x).all()
        if name not in ("flow", "signed_difference"):
            assert np.min(x) >= 0 and np.max(x) <= 255
    boxes = np.asarray(sample["regions"])
    assert (boxes[..., 2:] > boxes[..., :2]).all() and boxes.min() >= 0 and boxes.max() <= 1


def test_every_recipe_names_augmentations_that_exist():
    assert {name for recipe in RECIPES.values() for name in recipe.augment} <= set(AUGMENTATIONS)


def test_a_dataset_is_one_pass_and_another_order_the_next_time():
    data = all_modalities()
    dataset = data.as_dataset(batch_size=5, augment=("flip", "rotate-8"), seed=2)
    first, second = (list(dataset) for _ in range(2))
    assert int(dataset.cardinality()) == 3
    assert [len(label) for _, label in first] == [5, 5, 2]
    assert set(first[0][0]) == set(data.modalities)
    labels = [np.concatenate([label for _, label in one]) for one in (first, second)]
    assert sorted(labels[0]) == sorted(labels[1]) == sorted(data.label)
    assert not np.array_equal(first[0][0]["onset"], second[0][0]["onset"])
    again = next(iter(data.as_dataset(batch_size=5, augment=("flip", "rotate-8"), seed=2)))
    np.testing.assert_array_equal(again[0]["onset"], first[0][0]["onset"])


def test_a_dataset_checks_its_arguments():
    with pytest.raises(InputError, match="Did you mean 'crop-15'"):
        all_modalities().as_dataset(augment=("crop-51",))
    with pytest.raises(InputError, match="whole number from 1, got 0"):
        all_modalities().as_dataset(batch_size=0)
