"""BroadbentNet against SPECS.md, section 1 and 7."""

import pytest

from merzoo.errors import InputError
from merzoo.models import BroadbentNet
from tests.battery import trainable_count


def test_counts_are_those_of_the_specification():
    model = BroadbentNet()
    assert (trainable_count(model), model.count_params()) == (37592, 37816)


def test_parameters_do_not_depend_on_pooling():
    assert BroadbentNet(pool=False).count_params() == 37816


def test_stages_have_the_stated_shapes():
    model = BroadbentNet()
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes["pool_1"] == (32, 32, 16)
    assert shapes["pool_2"] == (16, 16, 32)
    assert shapes["pool_3"] == (8, 8, 64)
    assert shapes["attention"] == (8, 8, 16)
    assert shapes["avg_pool"] == (16,)
    assert model.output_shape == (None, 8)


def test_without_attention_a_projection_keeps_the_width():
    model = BroadbentNet(attention=None)
    assert model.get_layer("projection").output.shape[1:] == (8, 8, 16)
    # One 1x1 convolution 64 -> 16 instead of three.
    assert trainable_count(model) == 37592 - 2 * (64 * 16 + 16)


def test_colour_input_and_features_without_top():
    model = BroadbentNet(input_shape=(32, 40, 3), include_top=False, pooling="avg")
    assert model.output_shape == (None, 16)


def test_an_unknown_attention_is_named():
    with pytest.raises(InputError, match="attention='self'"):
        BroadbentNet(attention="self")
