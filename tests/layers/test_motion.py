"""In-graph motion equals what OpenCV and NumPy compute outside, on whole images."""

import cv2
import keras
import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import FarnebackFlow, FlowImage, FrameDifference, LongRangeFlow, OpticalStrain
from merzoo.layers.farneback import pyramid_scales
from merzoo.preprocessing import flow as flows
from tests.battery import run_layer_test

numpy = ops.convert_to_numpy


def face_pairs(count, height, width, seed=0):
    """A real face, warped smoothly by 0.5-4 px; every second pair with sensor noise of 2 levels."""
    from skimage.data import astronaut

    rng = np.random.default_rng(seed)
    face = cv2.resize(
        cv2.cvtColor(astronaut()[20:220, 130:330], cv2.COLOR_RGB2GRAY), (width, height)
    )
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pairs = []
    for index in range(count):
        shift = rng.normal(size=(height, width, 2)).astype(np.float32)
        shift = cv2.GaussianBlur(shift, (0, 0), width / 12)
        shift *= rng.uniform(0.5, 4) / np.abs(shift).max()
        warped = cv2.remap(face, x + shift[..., 0], y + shift[..., 1], cv2.INTER_CUBIC)
        pair = np.stack([face, warped]).astype(np.float32)
        pair += rng.normal(0, 2 * (index % 2), pair.shape)
        pairs.append(np.rint(pair.clip(0, 255)))
    onset, apex = np.moveaxis(np.array(pairs, np.float32), 1, 0)[..., None]
    return onset, apex  # (count, height, width, 1) each


def opencv(onset, apex, *arguments):
    arguments = arguments or (0.5, 3, 15, 3, 5, 1.2)
    return np.stack(
        [
            cv2.calcOpticalFlowFarneback(a[..., 0], b[..., 0], None, *arguments, 0)
            for a, b in zip(onset.astype(np.uint8), apex.astype(np.uint8), strict=True)
        ]
    )


def compute(layer, inputs):
    """The layer's outputs; under `jax.jit` on JAX, where op by op takes seconds of compiling."""
    layer.build([x.shape for x in inputs])
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(lambda *x: layer(list(x)))(*inputs)
    return layer(inputs)


def assert_equals_opencv(flow, expected):
    difference = np.abs(numpy(flow) - expected)
    assert difference.mean() <= 1e-5
    assert np.quantile(difference, 0.99) <= 1e-4


@pytest.mark.parametrize(
    ("count", "height", "width"), [(4, 112, 112), (2, 224, 224), (2, 280, 340), (2, 97, 64)]
)
def test_farneback_equals_opencv_over_the_whole_image(count, height, width):
    onset, apex = face_pairs(count, height, width)
    assert_equals_opencv(compute(FarnebackFlow(), [onset, apex]), opencv(onset, apex))


@pytest.mark.parametrize(
    "arguments",
    [
        (0.5, 3, 15, 1, 5, 1.2),
        (0.5, 0, 15, 3, 5, 1.2),
        (0.7, 2, 10, 2, 7, 1.5),  # rounded level sizes, and an even window
        (0.6, 5, 9, 2, 3, 0.9),
    ],
)
def test_farneback_equals_opencv_for_other_parameters(arguments):
    onset, apex = face_pairs(2, 100, 120, seed=1)
    flow = compute(FarnebackFlow(*arguments), [onset, apex])
    assert_equals_opencv(flow, opencv(onset, apex, *arguments))


def test_pyramid_has_the_levels_of_opencv():
    levels = [len(pyramid_scales(*size, 0.5, 3)) for size in ((112, 112), (224, 224), (280, 340))]
    assert levels == [2, 3, 4]


def test_farneback_equals_opencv_under_xla_on_tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("on JAX every test here is compiled; torch runs eagerly")
    import tensorflow as tf

    onset, apex = face_pairs(3, 112, 112, seed=2)
    layer = FarnebackFlow()
    layer.build([onset.shape, apex.shape])
    compiled = tf.function(lambda a, b: layer([a, b]), jit_compile=True)
    assert_equals_opencv(compiled(onset, apex), opencv(onset, apex))
    assert_equals_opencv(compiled(onset[:1], apex[:1]), opencv(onset[:1], apex[:1]))


def test_farneback_passes_the_battery():
    onset, apex = face_pairs(2, 32, 40)
    layer = FarnebackFlow(levels=0, iterations=1)
    run_layer_test(layer, [onset, apex], expected_shape=(2, 32, 40, 2), trainable=0)


def test_farneback_takes_colour_and_integers():
    onset, apex = face_pairs(2, 48, 64)
    flow = numpy(compute(FarnebackFlow(), [onset, apex]))
    colour = compute(FarnebackFlow(), [np.repeat(onset, 3, -1), np.repeat(apex, 3, -1)])
    np.testing.assert_allclose(numpy(colour), flow, atol=1e-2)
    integers = compute(FarnebackFlow(), [onset.astype("uint8"), apex.astype("uint8")])
    np.testing.assert_allclose(numpy(integers), flow, atol=1e-5)


def test_a_model_takes_raw_frames_of_any_batch_size_and_survives_saving(tmp_path):
    onset, apex = face_pairs(3, 48, 64)
    inputs = [keras.Input((48, 64, 1), name=name) for name in ("onset", "apex")]
    model = keras.Model(inputs, FlowImage()(FarnebackFlow()(inputs)))
    assert model.count_params() == 0
    images = model.predict({"onset": onset, "apex": apex}, batch_size=2, verbose=0)
    expected = [
        flows.flow_image(flows.farneback_flow(a, b)) for a, b in zip(onset, apex, strict=True)
    ]
    np.testing.assert_allclose(images, expected, atol=0.5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(again.predict([onset, apex], verbose=0), images, atol=1e-2)


Y, X = np.mgrid[:32, :40].astype(np.float32)


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        (0 * X + 2, 0 * X - 1, 0.0),  # translation
        (-0.02 * Y, 0.02 * X, 0.0),  # rotation by 0.02 rad
        (0.03 * X, 0.05 * Y, np.hypot(0.03, 0.05)),  # stretch: .0583
        (0.04 * Y, 0 * X, 0.04 / np.sqrt(2)),  # simple shear
    ],
)
def test_strain_layer_of_fields_known_by_hand(u, v, expected):
    flow = np.stack([u, v], axis=-1)[None]
    np.testing.assert_allclose(numpy(OpticalStrain()(flow))[..., 0], expected, atol=1e-6)


def test_strain_and_flow_image_layers_equal_the_functions():
    flow = np.random.default_rng(0).normal(size=(3, 57, 64, 2)).astype("float32")
    strain = run_layer_test(OpticalStrain(), flow, expected_shape=(3, 57, 64, 1), trainable=0)
    np.testing.assert_allclose(strain[..., 0], flows.optical_strain(flow), atol=1e-5)
    images = run_layer_test(
        FlowImage(size=(28, 30)), flow, expected_shape=(3, 28, 30, 3), trainable=0, tolerance=1e-3
    )
    expected = [flows.flow_image(f, size=(28, 30)) for f in flow]
    np.testing.assert_allclose(images, expected, atol=1e-3)


def test_a_still_pair_gives_zero_everywhere_and_no_nan():
    still = np.zeros((2, 32, 40, 2), "float32")
    assert (numpy(OpticalStrain()(still)) == 0).all()
    assert (numpy(FlowImage()(still)) == 0).all()


def test_frame_difference_is_absolute():
    onset, apex = np.full((2, 8, 8, 3), 200.0, "float32"), np.full((2, 8, 8, 3), 30.0, "float32")
    result = run_layer_test(FrameDifference(), [onset, apex], expected_shape=(2, 8, 8, 3))
    np.testing.assert_array_equal(result, np.full((2, 8, 8, 3), 170.0))


def test_gradients_through_flow_and_strain_are_finite():
    onset, apex = face_pairs(1, 48, 64)
    farneback, strain = FarnebackFlow(), OpticalStrain()
    farneback.build([onset.shape, apex.shape])

    def loss(a):
        return ops.sum(strain(farneback([a, apex])))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        variable = tf.Variable(onset)
        with tf.GradientTape() as tape:
            value = loss(variable)
        gradient = tape.gradient(value, variable)
    elif backend == "jax":
        import jax

        gradient = jax.jit(jax.grad(loss))(onset)
    else:
        import torch

        variable = torch.tensor(onset, requires_grad=True)
        loss(variable).backward()
        gradient = variable.grad
    assert np.isfinite(numpy(gradient)).all() and np.abs(numpy(gradient)).max() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FarnebackFlow(pyr_scale=1.0), "pyr_scale must lie in 0..1"),
        (lambda: FarnebackFlow(iterations=0), "iterations must be whole, from 1"),
        (lambda: FarnebackFlow(poly_sigma=0), "poly_sigma must be above 0"),
        (lambda: FarnebackFlow().build((None, 64, 64, 1)), "list of two images"),
        (lambda: FarnebackFlow().build([(None, 64, 64, 1), (None, 64, 65, 1)]), "one size"),
        (lambda: FarnebackFlow().build([(None, None, 64, 1)] * 2), "fixed sides"),
        (lambda: OpticalStrain().compute_output_shape((None, 8, 8, 1)), "takes flow"),
        (lambda: FlowImage().build((None, None, 8, 2)), "fixed height"),
    ],
)
def test_impossible_arguments_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_long_range_flow_is_that_of_each_frame_from_the_first():
    onset, apex = face_pairs(4, 32, 40)
    clips = np.stack([onset[:2], apex[:2], apex[2:]], axis=1)  # (2, 3, 32, 40, 1)
    layer = LongRangeFlow()
    found = numpy(layer(clips))
    assert found.shape == layer.compute_output_shape(clips.shape) == (2, 2, 32, 40, 2)
    first, later = clips[[0, 0, 1, 1], 0], clips[[0, 0, 1, 1], [1, 2, 1, 2]]
    alone = numpy(FarnebackFlow()([first, later])).reshape(found.shape)
    np.testing.assert_allclose(found, alone, atol=1e-4)
    with pytest.raises(InputError, match="clips"):
        layer.compute_output_shape((None, 1, 32, 40, 1))
