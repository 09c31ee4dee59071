"""Windows, shifted windows, patch merging, stochastic depth and continuous vertical attention."""

import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import (
    ActionUnitGraph,
    ContinuousVerticalAttention,
    DiagonalAttention,
    LearnedPosition,
    PatchMerging,
    ShiftedWindowAttention,
    SinusoidPosition,
    StochasticDepth,
    SwinBlock,
    WindowAttention,
    WindowPosition,
)
from merzoo.layers.swin import relative_places, shift_mask
from merzoo.layers.window_attention import join_windows, split_windows
from tests.battery import fill_weights, run_layer_test


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def test_windows_are_cut_row_by_row_and_put_together_again():
    x = np.arange(32, dtype="float32").reshape(1, 4, 8, 1)
    windows = numpy(split_windows(x, 2))
    assert windows.shape == (1, 8, 4, 1)
    assert windows[0, 1].ravel().tolist() == [2, 3, 10, 11]  # second window of the first row
    np.testing.assert_array_equal(numpy(join_windows(windows, 2, 4, 8)), x)


def test_attention_stays_within_its_window():
    layer = WindowAttention(2, window=4)
    x = random(2, 8, 8, 6)
    before = run_layer_test(layer, x, expected_shape=x.shape, trainable=4 * 36 + 6)
    x[:, 0, 0] += 1
    changed = np.abs(numpy(layer(x)) - before).max(axis=(0, 3)) > 0
    assert changed[:4, :4].all() and not changed[4:].any() and not changed[:, 4:].any()


def test_attention_over_one_cell_is_a_linear_map():
    layer = WindowAttention(3, window=1, head_width=2)
    x = random(2, 2, 2, 6)
    y = numpy(layer(x))
    weights = {w.path.split("/")[-2] + w.name: numpy(w) for w in layer.weights}
    expected = x @ weights["valuekernel"] @ weights["outputkernel"] + weights["outputbias"]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_window_that_does_not_fit_is_named():
    with pytest.raises(InputError, match="window=3 does not divide a map of 8 x 8"):
        WindowAttention(2, window=3)(random(1, 8, 8, 6))


def test_window_position_repeats_in_all_windows_and_channels():
    layer = WindowPosition(2)
    x = np.zeros((1, 4, 4, 3), "float32")
    y = run_layer_test(layer, x, expected_shape=x.shape, trainable=4)
    np.testing.assert_allclose(y[0, :2, :2, 0], y[0, 2:, 2:, 2])


def test_learned_position_is_one_vector_per_token():
    run_layer_test(LearnedPosition(), random(2, 5, 3), expected_shape=(2, 5, 3), trainable=15)


def test_relative_places_by_hand():
    # Cells of a 2 x 2 window: (0,0) (0,1) (1,0) (1,1). Nine displacements; none is place 4.
    expected = [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]
    assert relative_places(2).tolist() == expected


def test_shift_mask_keeps_wrapped_sides_apart():
    mask = shift_mask(4, 4, window=2, shift=1)
    assert mask.shape == (4, 4, 4)
    assert (mask[0] == 0).all()  # the first window lies inside
    # The last window holds four corners of the map, none a neighbour of another.
    np.testing.assert_array_equal(mask[3], np.where(np.eye(4, dtype=bool), 0, -100))


def test_shifted_windows_see_their_own_cells():
    layer = ShiftedWindowAttention(2, window=4, shift=2)
    x = random(1, 8, 8, 6)
    before = run_layer_test(layer, x, expected_shape=x.shape, trainable=4 * 42 + 49 * 2)

    def seen_by(cell):
        moved = x.copy()
        moved[:, cell, cell] += 1
        return np.argwhere(np.abs(numpy(layer(moved)) - before).max(axis=(0, 3)) > 1e-6)

    inside = seen_by(3)  # in the window of rows and columns 2 to 5
    assert (len(inside), inside.min(), inside.max()) == (16, 2, 5)
    corner = seen_by(0)  # in a window of the map's four corners: its own corner only
    assert (len(corner), corner.min(), corner.max()) == (4, 0, 1)


def test_swin_block():
    # two layer norms, q k v and output, bias table 7 x 7, two dense layers of ratio 4
    count = 2 * 12 + 4 * 42 + 49 * 2 + (6 * 24 + 24) + (24 * 6 + 6)
    layer = SwinBlock(2, window=4, shift=2)
    run_layer_test(layer, random(2, 8, 8, 6), expected_shape=(2, 8, 8, 6), trainable=count)


def test_patch_merging_order():
    layer = PatchMerging()
    x = np.zeros((1, 2, 2, 1), "float32")
    x[0, :, :, 0] = [[0, 2], [1, 3]]  # (0,0) (1,0) (0,1) (1,1) in this order
    run_layer_test(layer, x, expected_shape=(1, 1, 1, 2), trainable=2 * 4 + 4 * 2)
    layer.reduction.kernel.assign(np.eye(4, 2, dtype="float32"))
    y = numpy(layer(x)).ravel()
    expected = (np.arange(4) - 1.5) / np.sqrt(1.25 + 1e-5)
    np.testing.assert_allclose(y, expected[:2], atol=1e-5)


def test_stochastic_depth_keeps_the_mean_and_whole_samples():
    layer = StochasticDepth(0.25, seed=1)
    x = np.ones((4000, 3), "float32")
    y = numpy(layer(x, training=True))
    assert (y == y[:, :1]).all()
    assert abs((y > 0).mean() - 0.75) < 0.03  # four standard errors
    np.testing.assert_allclose(y.max(), 1 / 0.75, rtol=1e-6)
    run_layer_test(StochasticDepth(0.25), random(2, 3, 4), expected_shape=(2, 3, 4), trainable=0)


def hard_swish(x):
    return x * np.clip(x + 3, 0, 6) / 6


@pytest.mark.parametrize(("direction", "axis"), [("vertical", 2), ("horizontal", 1)])
def test_vertical_attention_is_the_paper_s_equation(direction, axis):
    x = random(2, 4, 4, 16)
    prior = random(2, 8, 8, 4).mean(axis, keepdims=True)
    layer = ContinuousVerticalAttention(direction)
    layer([x, prior])
    fill_weights(layer)
    y = run_layer_test(layer, [x, prior], expected_shape=x.mean(axis, keepdims=True).shape)
    assert np.isfinite(y).all()

    w = {v.path.split("/")[-2] + "." + v.name: numpy(v) for v in layer.weights}
    z = x.mean(axis, keepdims=True) @ w["f1.kernel"] + w["f1.bias"]
    z = (z - w["bn.moving_mean"]) / np.sqrt(w["bn.moving_variance"] + 1e-5)
    z = hard_swish(z * w["bn.gamma"] + w["bn.beta"]) @ w["f2.kernel"] + w["f2.bias"]
    z = 1 / (1 + np.exp(-z))
    long = 1 if direction == "vertical" else 2  # maximum of rows 2 i - 1, 2 i, 2 i + 1
    rows = [
        prior.take([k for k in (2 * i - 1, 2 * i, 2 * i + 1) if k >= 0], long) for i in range(4)
    ]
    halved = np.concatenate([r.max(long, keepdims=True) for r in rows], long)
    expected = z * (halved @ w["match.kernel"] + w["match.bias"])
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_first_block_s_map_is_a_plain_sigmoid():
    # f1 32 -> 8, batch normalisation, f2 8 -> 32
    layer = ContinuousVerticalAttention()
    y = run_layer_test(
        layer, random(2, 4, 4, 32), expected_shape=(2, 4, 1, 32), trainable=264 + 16 + 288
    )
    assert (y > 0).all() and (y < 1).all()
    with pytest.raises(InputError, match="direction='both'"):
        ContinuousVerticalAttention("both")


def test_positions_of_two_axes_are_the_column_and_then_the_row():
    layer = SinusoidPosition(class_token=True)
    y = run_layer_test(layer, np.zeros((2, 3, 5, 8), "float32"), expected_shape=(2, 16, 8))
    row, column = 2, 4
    angles = np.array([1, 0.01])  # 10000^0 and 10000^(-1/2)
    expected = [f(place * angles) for place in (column, row) for f in (np.sin, np.cos)]
    np.testing.assert_allclose(y[0, 1 + row * 5 + column], np.concatenate(expected), atol=1e-5)
    with pytest.raises(InputError, match="multiple of 2"):
        SinusoidPosition()(np.zeros((1, 3, 5, 6), "float32"))


def test_diagonal_attention_is_full_attention_without_other_places():
    apex, onset = random(2, 2, 5, 8)
    layer = DiagonalAttention()
    y = run_layer_test(layer, [apex, onset], expected_shape=(2, 5, 8), trainable=4 * (64 + 8))
    query, key, value, output = (numpy(w) for w in layer.weights[::2])  # biases start at 0
    scores = (apex @ query) @ (onset @ key).transpose(0, 2, 1) / 8**0.5
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    kept = scores * np.eye(5)
    np.testing.assert_allclose(y, kept @ (apex @ value) @ output, atol=1e-5)


def test_action_units_of_a_part_look_at_its_features_alone():
    brows, mouth = random(2, 4, 6)
    layer = ActionUnitGraph((3, 6), embedding=5, hidden=7)
    before = run_layer_test(layer, [brows, mouth], expected_shape=(4, 9))
    after = numpy(layer([brows, mouth + 1]))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).all()
