"""The shared graph: geometry of a flip, order, batch shapes, class weights."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.augment import augment_all, draw_all
from merzoo.preprocessing.transforms import flip
from merzoo.training.batches import prediction_batches, training_graph
from tests.samples import flow_arrays


def test_flip_mirrors_pictures_turns_u_and_moves_regions():
    rng = np.random.default_rng(0)
    sample = {
        "apex": rng.uniform(0, 255, (2, 4, 6, 3)).astype("float32"),
        "flow": rng.normal(size=(2, 4, 6, 3)).astype("float32"),
        "regions": np.array([[[0.1, 0.2, 0.3, 0.6]]] * 2, "float32"),
        "action_units": np.ones((2, 21), "float32"),
    }
    mirrored = flip(sample)
    np.testing.assert_array_equal(mirrored["apex"], sample["apex"][:, :, ::-1])
    np.testing.assert_array_equal(mirrored["flow"][..., 0], -sample["flow"][:, :, ::-1, 0])
    np.testing.assert_array_equal(mirrored["flow"][..., 1:], sample["flow"][:, :, ::-1, 1:])
    np.testing.assert_allclose(mirrored["regions"][0, 0], [0.1, 0.4, 0.3, 0.8], atol=1e-6)
    for name, x in flip(mirrored).items():  # twice is once around
        np.testing.assert_allclose(x, sample[name], atol=1e-5)


def test_random_flip_mirrors_all_modalities_of_a_sample_together():
    ramp = np.tile(np.arange(6, dtype="float32")[None, None, :, None], (32, 4, 1, 3))
    draws = draw_all(["flip"], 32, counter=0, seed=1)
    out, _, _ = augment_all({"apex": ramp, "onset": ramp}, None, None, ["flip"], draws)
    apex, onset = np.asarray(out["apex"]), np.asarray(out["onset"])
    np.testing.assert_array_equal(apex, onset)
    mirrored = apex[:, 0, 0, 0] == 5
    assert 4 < mirrored.sum() < 28


def test_an_epoch_sees_every_sample_once_in_full_batches():
    data = flow_arrays()  # 30 samples
    numbered = Arrays(
        {"apex": np.arange(30, dtype="float32")[:, None, None, None]},
        data.label,
        data.subject,
        data.dataset,
        data.clip,
        data.classes,
    )
    graph = training_graph(numbered, batch_size=8, seed=3)
    batches = [x["apex"].numpy()[:, 0, 0, 0] for x, _, _ in graph.take(15)]
    assert {len(b) for b in batches} == {8}
    seen = np.concatenate(batches)
    for epoch in range(4):
        assert sorted(seen[30 * epoch : 30 * (epoch + 1)]) == list(range(30))
    again = [
        x["apex"].numpy()[:, 0, 0, 0]
        for x, _, _ in training_graph(numbered, batch_size=8, seed=3).take(15)
    ]
    np.testing.assert_array_equal(np.concatenate(again), seen)


def test_batches_for_prediction_are_padded_to_one_shape():
    data = flow_arrays()
    batches = list(prediction_batches(data, 8))
    assert [size for _, size in batches] == [8, 8, 8, 6]
    assert {x["flow_image"].shape for x, _ in batches} == {(8, 28, 28, 3)}


def test_unknown_augmentation():
    with pytest.raises(InputError, match="Did you mean 'flip'"):
        training_graph(flow_arrays(), batch_size=8, augment=("flipp",))
