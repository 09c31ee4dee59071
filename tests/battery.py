"""The shared test battery: what every layer and every listed model must pass on every backend."""

import json
import math
from pathlib import Path

import keras
import numpy as np
from keras import ops

from merzoo.models.random_inputs import random_inputs

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_TOLERANCE = 1e-4  # of the largest recorded output, and of each


def trainable_count(model) -> int:
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def fill_weights(model, seed=0):
    """Sets every weight from a NumPy generator, in order: the same on every backend."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape, kind = weight.shape, weight.path.rsplit("/", 1)[-1]
        if kind in ("gamma", "scale", "moving_variance", "variance"):
            value = rng.uniform(0.5, 1.5, shape)
        elif len(shape) < 2:
            value = rng.normal(0, 0.1, shape)
        else:
            value = rng.normal(0, math.prod(shape[:-1]) ** -0.5, shape)
        weight.assign(value.astype("float32"))
    return model


def draw_dropout(model, seed):
    """Makes the next training-mode call draw the masks of `seed`: no test depends on luck."""
    keras.utils.set_random_seed(seed)
    for variable in model.non_trainable_variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign(np.array([seed, 0], "uint32"))


def run_layer_test(layer, inputs, *, expected_shape=None, trainable=None, tolerance=1e-5):
    """Calls a layer, checks its shape rule, config round trip, any batch size, bfloat16."""
    outputs = np.asarray(ops.convert_to_numpy(layer(inputs)))
    assert np.isfinite(outputs).all(), "outputs are not finite"
    if expected_shape is not None:
        assert outputs.shape == tuple(expected_shape)
    shapes = [x.shape for x in inputs] if isinstance(inputs, list) else inputs.shape
    assert tuple(layer.compute_output_shape(shapes)) == outputs.shape
    if trainable is not None:
        assert trainable_count(layer) == trainable

    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    twin(inputs)
    twin.set_weights(layer.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(twin(inputs)), outputs, atol=tolerance)

    one = [x[:1] for x in inputs] if isinstance(inputs, list) else inputs[:1]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(one)), outputs[:1], atol=10 * tolerance)

    half = type(layer).from_config(layer.get_config() | {"dtype": "mixed_bfloat16"})
    assert np.isfinite(ops.convert_to_numpy(ops.cast(half(inputs), "float32"))).all()
    return outputs


def golden_outputs(name):
    """Logits of a variant at its small configuration, with weights and inputs from NumPy."""
    from merzoo.models.registry import create_model, entry

    model = create_model(name, **entry(name).small, classes=3, classifier_activation=None)
    outputs = fill_weights(model)(random_inputs(model))
    return np.asarray(ops.convert_to_numpy(outputs))


def agree(outputs, recorded) -> bool:
    """Whether outputs are the recorded ones, but for what backends differ by."""
    outputs, least = np.asarray(outputs), GOLDEN_TOLERANCE * np.abs(recorded).max()
    same = outputs.shape == recorded.shape
    return same and np.allclose(outputs, recorded, rtol=GOLDEN_TOLERANCE, atol=least)


# Networks whose Grad-CAM is recorded: arguments, and a class that some places speak for.
CAM_NETWORKS = {
    "densemixednet": ({"input_shape": (64, 64, 3), "growth": 8}, 2),
    "dfrnet-2": ({"input_shape": (64, 64, 3), "head_units": 16}, 1),
    "rcn-a": ({}, 1),
    "ststnet": ({}, 2),
}


def golden_cam(name):
    """Grad-CAM of a network with weights and inputs from NumPy."""
    from merzoo.explain import grad_cam
    from merzoo.models.registry import create_model

    arguments, class_index = CAM_NETWORKS[name]
    model = fill_weights(create_model(name, **arguments, classes=3))
    return grad_cam(model, random_inputs(model), class_index)


def loss_and_gradients(model, inputs, labels):
    """Cross-entropy of one training-mode call and its gradient for each trainable weight."""

    def loss_of(y):
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, y))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = loss_of(model(inputs, training=True))
        gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    elif backend == "jax":
        import jax

        def function(trainable, others):
            y, _ = model.stateless_call(trainable, others, inputs, training=True)
            return loss_of(y)

        loss, gradients = jax.jit(jax.value_and_grad(function))(
            [w.value for w in model.trainable_variables],
            [w.value for w in model.non_trainable_variables],
        )
    else:
        model.zero_grad()
        loss = loss_of(model(inputs, training=True))
        loss.backward()
        gradients = [w.value.grad for w in model.trainable_weights]
    numpy = ops.convert_to_numpy
    return float(numpy(loss)), [None if g is None else np.asarray(numpy(g)) for g in gradients]


def run_model_test(build, *, tmp_path, trainable=None, no_gradient=()):
    """What every listed model must do: build, predict, learn, and survive saving.

    `build(**arguments)` builds the variant. `trainable` is the exact count at default arguments.
    `no_gradient` names weights (parts of their paths) that a documented exception keeps still.
    """
    model = build(classes=3)
    inputs = random_inputs(model)
    outputs = np.asarray(ops.convert_to_numpy(model(inputs)))
    assert outputs.shape == (2, 3)
    np.testing.assert_allclose(outputs.sum(-1), 1, atol=1e-5)
    if trainable is not None:
        assert trainable_count(build()) == trainable

    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path, compile=False)
    np.testing.assert_allclose(ops.convert_to_numpy(again(inputs)), outputs, atol=1e-5)

    unreached = {w.path for w in model.trainable_weights}
    for seed in range(4):  # few ReLU units, or dropout of few, may be dead in one draw
        draw_dropout(model, seed)
        loss, gradients = loss_and_gradients(fill_weights(model, seed), inputs, np.array([0, 2]))
        assert math.isfinite(loss)
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
            if gradient is not None:
                assert np.isfinite(gradient).all(), weight.path
                if np.abs(gradient).max() > 0:
                    unreached.discard(weight.path)
        unreached = {p for p in unreached if not any(part in p for part in no_gradient)}
        if not unreached:
            break
    assert not unreached, f"no gradient reaches {sorted(unreached)}"
    return model
