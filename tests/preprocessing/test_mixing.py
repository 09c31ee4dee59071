"""Mixup and CutMix: shares that sum to 1 and match the pixels, all modalities mixed together."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from merzoo.preprocessing.augment import augment_all, draw_all
from merzoo.preprocessing.mixing import BORDER, MIXINGS
from merzoo.training.batches import epoch_graph, training_graph
from tests.samples import flow_arrays

B, K = 16, 4


def numbered_batch(height=20):
    """A batch in which every value of sample i is i, its class i % K, its weight i."""
    number = np.arange(B, dtype="float32")
    shapes = {
        "apex": (height, 6, 1),
        "flow": (height, 6, 3),
        "sequence": (2, height, 6, 3),
        "action_units": (21,),
    }
    sample = {
        n: np.broadcast_to(number.reshape(-1, *[1] * len(s)), (B, *s)) for n, s in shapes.items()
    }
    boxes = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.2, 0.9, 0.4]], "float32")  # an eye, the mouth
    sample["regions"] = boxes + number[:, None, None] * [0, 0.001, 0, 0.001]
    sample = {n: tf.constant(x.astype("float32")) for n, x in sample.items()}
    return sample, tf.one_hot(np.arange(B) % K, K), tf.constant(number)


def mixed_batch(batch, name, counter, seed=0):
    return augment_all(*batch, [name], draw_all([name], B, counter, seed))


@pytest.mark.parametrize("name", MIXINGS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), height=st.sampled_from([20, 28, 33]))
def test_shares_sum_to_one_and_are_those_of_the_pixels(name, seed, height):
    mixed, shares, mixed_weight = mixed_batch(numbered_batch(height), name, counter=seed)
    shares, apex = shares.numpy(), mixed["apex"].numpy()
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
    assert shares.min() >= 0
    own = shares[np.arange(B), np.arange(B) % K]
    neighbour = (np.arange(B) - 1) % B
    expected = own * np.arange(B) + (1 - own) * neighbour  # what the mean over all pixels must be
    np.testing.assert_allclose(apex.mean((1, 2, 3)), expected, atol=1e-4)
    np.testing.assert_allclose(mixed_weight, expected, atol=1e-4)
    for name in ("flow", "sequence"):  # the same draw for every modality
        x = mixed[name].numpy().reshape(B, -1, height, 6, 3)
        np.testing.assert_allclose(x, np.broadcast_to(apex[:, None], x.shape), atol=1e-5)


def test_cut_follows_the_face_in_rows_regions_and_action_units():
    _, label, _ = batch = numbered_batch()
    mixed, shares, _ = mixed_batch(batch, "cutmix", counter=0)
    apex = mixed["apex"].numpy()[:, :, 0, 0]
    upper, lower = apex[:, 0], apex[:, -1]
    border = round(20 * BORDER)
    np.testing.assert_array_equal(apex[:, :border], np.tile(upper[:, None], (1, border)))
    np.testing.assert_array_equal(apex[:, border:], np.tile(lower[:, None], (1, 20 - border)))
    kinds = {(u == i, w == i) for i, (u, w) in enumerate(zip(upper, lower, strict=True))}
    assert kinds == {(True, True), (False, True), (True, False)}  # never both halves of another
    units = mixed["action_units"].numpy()
    np.testing.assert_array_equal(units[:, 0], upper)  # AU 1: inner brow
    np.testing.assert_array_equal(units[:, 8], lower)  # AU 12: corners of the lips
    np.testing.assert_allclose(mixed["regions"].numpy()[:, 0, 1], 0.2 + 0.001 * upper, atol=1e-6)
    np.testing.assert_allclose(mixed["regions"].numpy()[:, 1, 1], 0.2 + 0.001 * lower, atol=1e-6)
    uncut = upper == lower
    np.testing.assert_array_equal(shares.numpy()[uncut], label.numpy()[uncut])


def test_the_graph_gives_soft_labels_where_samples_are_mixed_and_only_there():
    data = flow_arrays()
    weight = np.linspace(0.5, 1.5, len(data))
    for names in (("mixup",), ("flip", "cutmix")):
        graph = training_graph(data, batch_size=8, augment=names, seed=2, sample_weight=weight)
        for _, label, mixed in graph.take(3):
            assert label.shape == (8, 3)
            np.testing.assert_allclose(label.numpy().sum(-1), 1, atol=1e-6)
            assert mixed.numpy().min() >= 0.5 and mixed.numpy().max() <= 1.5
    for _, label in epoch_graph(data, batch_size=8, augment=["cutmix"]):
        np.testing.assert_allclose(label.numpy().sum(-1), 1, atol=1e-6)
    _, label, _ = next(iter(training_graph(data, batch_size=8, targets=np.eye(3, dtype="float32"))))
    assert set(np.unique(label)) == {0, 1}


def test_batches_without_mixing_are_those_of_before_mixing_existed():
    # Recorded with the version of this graph that knew whole-number labels only.
    data = flow_arrays()
    pixels = np.arange(30 * 4 * 4 * 3) * 7919 % 256
    data = replace(data, modalities={"flow_image": pixels.reshape(30, 4, 4, 3)})
    weight = np.arange(30) / 8
    digest = hashlib.sha256()
    graph = training_graph(data, batch_size=8, augment=("flip",), seed=3, sample_weight=weight)
    for sample, label, weights in graph.take(6):
        for x in (sample["flow_image"], label, weights):
            digest.update(np.asarray(x).tobytes())
    assert digest.hexdigest() == RECORDED


RECORDED = "c6977bc2f6f253ca8fdd6d94567820a48938f281bf4b4c4e59d444d08019e8fb"
