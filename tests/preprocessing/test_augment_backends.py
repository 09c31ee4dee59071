"""Every augmentation and mixing gives the same in `tf.data`, in NumPy and on the device.

On the device: compiled and stacked with JAX, compiled with TensorFlow, as tensors with PyTorch,
whichever backend runs. And all give what they gave when `tf.data` was the only place.
"""

import json
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from merzoo.modalities import modality
from merzoo.preprocessing.augment import AUGMENTATIONS, augment_all, draw_all, draws_of_steps
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.preprocessing.transforms import rotate, translate
from tests.battery import GOLDEN

B, STEPS, COUNTER, SEED = 6, 3, 7, 3
NAMES = (*AUGMENTATIONS, *MIXINGS)
EXACT = ("flip", "cutmix")  # what only takes numbers from elsewhere
ANGLES = np.deg2rad(np.float32([-8, 8, 3, 0, 100, -0.01]))
needs_jax = pytest.mark.skipif(
    keras.config.backend() != "jax", reason="jit, scan and vmap are JAX's"
)


def waves(place, *shape):
    wave = np.sin(np.arange(B * np.prod(shape)) * (0.37 + 0.11 * place))
    return wave.reshape(B, *shape)


def grey(place, *shape):
    return (127.5 + 127.5 * waves(place, *shape)).astype("float32")


def batch_for(name):
    """Every modality, of numbers that a formula gives, and soft labels where they are needed.

    Pictures are not square, and one is twice as large as the others.
    """
    boxes = np.array([[0.1, 0.2, 0.3, 0.5], [0.6, 0.3, 0.9, 0.8]], "float32")
    shift = np.arange(B, dtype="float32")[:, None, None, None] / 100
    sample = {
        "onset": grey(0, 20, 28, 1),
        "apex": grey(1, 20, 28, 1),
        "magnified_apex": grey(2, 20, 28, 3),
        "difference": grey(3, 40, 56, 1),
        "signed_difference": (255 * waves(4, 20, 28, 1)).astype("float32"),
        "flow": (2 * waves(5, 20, 28, 3)).astype("float32"),
        "flow_image": grey(6, 20, 28, 3),
        "sequence": grey(7, 3, 20, 28, 1),
        "regions": np.tile(boxes + shift, (1, 3, 5, 1)),
        "action_units": (waves(8, 21) > 0).astype("float32"),
    }
    if name.startswith("rotate"):
        del sample["flow_image"]  # which refuses it
    label = np.arange(B) % 3
    label = np.eye(3, dtype="float32")[label] if name in MIXINGS else label.astype("int32")
    return sample, label, np.arange(1, B + 1, dtype="float32") / 4


def flat(sample, label, weight):
    return {**sample, "label": label, "weight": weight}


def assert_same(found, expected, exact=False):
    """Within 1e-5 of the range: of pictures 255, of flow, which is up to 2 pixels here, 2."""
    assert set(found) == set(expected)
    for name, want in expected.items():
        low, high = (0, 1) if name in ("label", "weight") else modality(name).range
        size = 2 if low is None else high - low
        atol = 0 if exact and name not in ("label", "weight") else 1e-5 * size
        got = np.asarray(found[name])
        assert got.shape == want.shape and got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=0, atol=atol, err_msg=name)


def on_device(batch, name, draws):
    """What the backend makes of a batch: the changed one, as NumPy's arrays."""
    if keras.config.backend() == "jax":
        import jax

        def change(sample, label, weight, draws):
            return flat(*augment_all(sample, label, weight, [name], [draws]))

        stacked = jax.tree.map(lambda x: np.stack([x[::-1], x]), (*batch, draws))
        found = {n: x[1] for n, x in jax.jit(jax.vmap(change))(*stacked).items()}
    else:
        put = keras.ops.convert_to_tensor
        sample, label, weight = batch
        batch = {n: put(x) for n, x in sample.items()}, put(label), put(weight)

        def change(sample, label, weight):
            return flat(*augment_all(sample, label, weight, [name], [draws]))

        compiled = keras.config.backend() == "tensorflow"
        found = (tf.function(change) if compiled else change)(*batch)
    return {n: keras.ops.convert_to_numpy(x) for n, x in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_data_graph_numpy_and_device_agree(name):
    batch = batch_for(name)

    def change(sample, label, weight):
        draws = draw_all([name], B, COUNTER, SEED)
        return flat(*augment_all(sample, label, weight, [name], draws))

    graph = tf.data.Dataset.from_tensors(batch).map(change)
    assert all(x.shape[0] == B for x in graph.element_spec.values())  # known to a compiled step
    in_graph = next(iter(graph.as_numpy_iterator()))
    (draws,) = (np.asarray(x) for x in draw_all([name], B, COUNTER, SEED))
    in_numpy = flat(*augment_all(*batch, [name], [draws]))
    assert all(isinstance(x, np.ndarray) for x in in_numpy.values())
    assert_same(in_numpy, in_graph, name in EXACT)
    assert_same(on_device(batch, name, draws), in_graph, name in EXACT)
    assert any((in_graph[n] != x).any() for n, x in batch[0].items())


@pytest.mark.parametrize("name", NAMES)
def test_results_are_those_of_before_draws_were_apart(name):
    """Mean, and mean times cos(0.7 i) over all values i, as version 1.0's `tf.data` gave them."""
    recorded = json.loads((GOLDEN / "augmentation.json").read_text())[name]
    found = flat(*augment_all(*batch_for(name), [name], draw_all([name], B, COUNTER, SEED)))
    for modality_name, expected in recorded.items():
        x = np.asarray(found[modality_name], "float64").ravel()
        facts = x.mean(), (x * np.cos(np.arange(x.size) * 0.7)).mean()
        np.testing.assert_allclose(facts, expected, atol=2e-5, err_msg=modality_name)


def test_draws_of_all_steps_are_those_of_the_graph_to_the_bit():
    for seed in (0, 2_000_000_000):
        graph = tf.data.Dataset.counter().map(partial(draw_all, NAMES, B, seed=seed))
        together = draws_of_steps(NAMES, B, STEPS, seed)
        assert [len(draws) for draws in together] == [STEPS] * len(NAMES)
        for step, drawn in enumerate(graph.take(STEPS)):
            for name, one, all_steps in zip(NAMES, drawn, together, strict=True):
                np.testing.assert_array_equal(all_steps[step], one, err_msg=name)
    assert draws_of_steps((), B, STEPS, 0) == ()


@needs_jax
def test_steps_within_a_scan_within_a_stack():
    """Two replicas of three steps each, in one program, against batches one by one."""
    import jax

    names = ("flip", "crop-15", "magnification", "mixup")
    sample, label, weight = batch_for("mixup")
    seeds = (0, 1)

    def replica(draws):
        def step(carry, drawn):
            return carry, flat(*augment_all(sample, label, weight, names, drawn))

        return jax.lax.scan(step, 0, draws)[1]

    each = [draws_of_steps(names, B, STEPS, seed) for seed in seeds]
    found = jax.jit(jax.vmap(replica))(tuple(np.stack(pair) for pair in zip(*each, strict=True)))
    for place, seed in enumerate(seeds):
        for step in range(STEPS):
            draws = draw_all(names, B, step, seed)
            one = flat(*augment_all(sample, label, weight, names, draws))
            here = {n: np.asarray(x[place, step]) for n, x in found.items()}
            assert_same(here, {n: np.asarray(x) for n, x in one.items()})


def projected(x, transforms, nearest):
    """TensorFlow's own sampling of pictures (B, [T,] H, W, C) by transforms (B, 8)."""
    frames = x.reshape(-1, *x.shape[-3:])
    found = tf.raw_ops.ImageProjectiveTransformV3(
        images=frames,
        transforms=np.repeat(transforms.astype("float32"), len(frames) // len(x), axis=0),
        output_shape=x.shape[-3:-1],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST" if nearest else "CONSTANT",
    )
    return np.asarray(found).reshape(x.shape)


@pytest.mark.parametrize("size", [(28, 28), (64, 64), (20, 37)])
@pytest.mark.parametrize("name", ["apex", "flow_image", "sequence"])
def test_pictures_are_sampled_as_tensorflow_samples_them(name, size):
    frames = (2,) if name == "sequence" else ()
    x = np.random.default_rng(0).uniform(0, 255, (B, *frames, *size, 3)).astype("float32")
    # Both ways, by less than a pixel, by a whole one, and beyond the border.
    shares = np.float32(
        [[0.11, -0.07], [-0.3, 0.26], [0.001, 0], [1 / 4, -1 / 2], [0, 1.2], [-3, 0]]
    )
    one, zero = np.ones(B, "float32"), np.zeros(B, "float32")
    y, x_ = (-shares * np.float32(size)).T
    by_shift = np.stack([one, zero, x_, zero, one, y, zero, zero], -1)
    moved = translate({name: x}, shares)[name]
    want = projected(x, by_shift, nearest=name == "flow_image")
    np.testing.assert_allclose(moved, want, rtol=0, atol=1e-5 * 255)
    if name == "flow_image":
        return  # it is never turned
    cos, sin = np.cos(ANGLES), np.sin(ANGLES)
    y, x_ = (np.float32(size) - 1) / 2
    offsets = (x_ - cos * x_ - sin * y, y + sin * x_ - cos * y)
    by_angle = np.stack([cos, sin, offsets[0], -sin, cos, offsets[1], zero, zero], -1)
    turned = rotate({name: x}, ANGLES)[name]
    np.testing.assert_allclose(turned, projected(x, by_angle, False), rtol=0, atol=1e-5 * 255)


@pytest.mark.parametrize("side", [224, 112, 56, 28])
def test_a_shift_by_whole_pixels_is_exact(side):
    pixels = np.arange(-15, 16)  # of 224
    x = np.random.default_rng(0).uniform(0, 255, (31, 3, side, 1)).astype("float32")
    moved = translate({"apex": x}, np.stack([pixels * 0, pixels / 224], -1))["apex"]
    whole = [place for place, shift in enumerate(pixels * side / 224) if shift == int(shift)]
    assert len(whole) >= 3
    for place in whole:
        shift = pixels[place] * side // 224
        inner = slice(max(shift, 0), side + min(shift, 0))
        want = np.roll(x[place], shift, 1)
        np.testing.assert_array_equal(moved[place][:, inner], want[:, inner])
        assert np.delete(moved[place], np.r_[inner], 1).sum() == 0  # black comes in
