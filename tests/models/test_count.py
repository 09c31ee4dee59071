"""The multiply-add counter against hand counts, and every row of the table of counts."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import merzoo
from merzoo.models.count import ROWS, count_row, main, wrong_counts
from merzoo.models.multiply_adds import multiply_adds


def count(shape, layer):
    x = keras.Input(shape)
    return multiply_adds(keras.Model(x, layer(x)))


@pytest.mark.parametrize(
    "shape, layer, by_hand",
    [
        # 112 x 112 places, 64 filters, each over 7 x 7 x 3 values.
        ((224, 224, 3), layers.Conv2D(64, 7, strides=2, padding="same"), 118_013_952),
        # Two groups: each filter sees half of the channels. 4 x 4 places.
        ((6, 6, 8), layers.Conv2D(10, 3, groups=2), 4 * 4 * 10 * 3 * 3 * 4),
        ((6, 6, 8), layers.DepthwiseConv2D(3), 4 * 4 * 8 * 3 * 3),
        # 49 rows of 1024 by a 1024 x 512 matrix.
        ((49, 1024), layers.Dense(512), 25_690_112),
        ((5, 7), layers.EinsumDense("abc,bcd->abd", output_shape=(5, 3)), 5 * 7 * 3),
        # Ten steps; four gates of 128 units over 1152 inputs and 128 states; two directions.
        ((10, 1152), layers.Bidirectional(layers.LSTM(128)), 2 * 10 * 4 * 128 * 1280),
        ((10, 8, 8, 3), layers.TimeDistributed(layers.Conv2D(4, 3)), 10 * 6 * 6 * 4 * 27),
        ((6, 6, 8), layers.MaxPooling2D(2), 0),
        ((6, 6, 8), layers.BatchNormalization(), 0),
        # Section 1 of SPECS.md: 64 places, three projections 64 -> 16, two 64 x 64 x 16 products.
        ((8, 8, 64), merzoo.layers.BroadbentAttention(16), 3 * 64 * 64 * 16 + 2 * 64 * 64 * 16),
        # Folded into the batch, ten frames are still ten frames.
        ((10, 4), keras.Sequential([merzoo.layers.FoldTime(), layers.Dense(3)]), 10 * 4 * 3),
    ],
)
def test_layers_counted_by_hand(shape, layer, by_hand):
    assert count(shape, layer) == by_hand


def test_attention_of_197_tokens_of_768():
    # ViT-B: four 768 x 768 projections of each token, and two products of tokens with tokens.
    x = keras.Input((197, 768))
    model = keras.Model(x, layers.MultiHeadAttention(12, 64)(x, x))
    assert multiply_adds(model) == 4 * 197 * 768**2 + 2 * 197**2 * 768


def test_a_layer_used_twice_counts_twice():
    x, dense = keras.Input((5,)), layers.Dense(5)
    assert multiply_adds(keras.Model(x, dense(dense(x)))) == 50


def test_matrices_of_unknown_layers_are_not_passed_over():
    class Twist(layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], 2))

        def call(self, inputs):
            return ops.matmul(inputs, self.kernel)

    with pytest.raises(NotImplementedError, match="multiply_adds"):
        count((5,), Twist())


# One row of each network in a plain run, all of them in a full one.
FIRST = {row.model: row for row in reversed(ROWS)}
PARAMETERS = [
    pytest.param(
        row,
        id=f"{row.model}-{'-'.join(f'{k}={v}' for k, v in row.arguments.items()) or 'default'}",
        marks=[] if FIRST[row.model] is row else pytest.mark.slow,
    )
    for row in ROWS
    if row.model in merzoo.list_models()
]


@pytest.mark.parametrize("row", PARAMETERS)
def test_rows_of_the_table(row):
    assert wrong_counts(row, count_row(row)) == []


def test_wrong_counts_are_named():
    row = ROWS[0]
    ours = {"trainable": 37593, "total": 37816, "multiply_adds": 10.37e6 * 1.01}
    assert wrong_counts(row, ours) == ["trainable", "multiply_adds"]


def test_the_check_prints_the_table_and_fails_on_a_wrong_count(monkeypatch, capsys):
    good, bad = ROWS[0], ROWS[0]._replace(total=1)
    monkeypatch.setattr("merzoo.models.count.ROWS", (good,))
    assert main(["--check"]) == 0
    assert "broadbentnet" in capsys.readouterr().out
    monkeypatch.setattr("merzoo.models.count.ROWS", (good, bad))
    assert main(["--check"]) == 1
    assert "WRONG: total" in capsys.readouterr().out


def test_information_on_a_model_has_multiply_adds_beside_the_papers():
    info = merzoo.model_info("dfrnet")
    assert info["multiply_adds"] == pytest.approx(2.239e9, rel=5e-3)
    assert info["paper_figures"]["multiply_adds"] == 2.231e9
    assert np.isclose(info["parameters"]["trainable"], 3294511)
