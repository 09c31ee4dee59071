"""DenseMixedNet against SPECS.md, sections 3 and 7."""

import pytest

from merzoo.errors import InputError
from merzoo.models import DenseMixedNet
from tests.battery import trainable_count


@pytest.mark.parametrize(
    "arguments, trainable, total",
    [
        ({}, 3115378, 3116402),
        ({"reduction": 8, "attention_at": "each"}, 3108340, 3109364),
        ({"attention": None}, 2982844, 2983868),
        ({"attention": "channel"}, 3115327, 3116351),
        ({"attention": "spatial"}, 2982895, 2983919),
        ({"block": "residual"}, 3370838, 3372758),
    ],
)
def test_counts_are_those_of_the_specification(arguments, trainable, total):
    model = DenseMixedNet(**arguments)
    assert (trainable_count(model), model.count_params()) == (trainable, total)


def test_blocks_have_the_stated_shapes():
    model = DenseMixedNet()
    shapes = [model.get_layer(f"block_{i}_pool").output.shape[1:] for i in (1, 2, 3, 4)]
    assert shapes == [(56, 56, 131), (28, 28, 259), (14, 14, 387), (7, 7, 515)]
    assert model.get_layer("block_4_attention").output.shape[1:] == (14, 14, 515)
    assert model.get_layer("flatten").output.shape[1:] == (25235,)


def test_every_convolution_sees_all_outputs_before_it():
    # Equation 4: the input of convolution i of a block has input + (i - 1) growth channels.
    model = DenseMixedNet(growth=8, layers_per_block=3, blocks=2)
    widths = [model.get_layer(f"block_2_{i}_conv").kernel.shape[2] for i in (1, 2, 3)]
    assert widths == [3 + 24, 3 + 24 + 8, 3 + 24 + 16]


def test_the_input_is_named_by_its_modality():
    assert [x.name for x in DenseMixedNet(growth=4).inputs] == ["magnified_apex"]
    assert [x.name for x in DenseMixedNet(growth=4, modality="apex").inputs] == ["apex"]


def test_grey_frames_give_the_same_weights_as_colour():
    grey = DenseMixedNet(input_shape=(112, 112, 1))
    assert trainable_count(grey) == 3115378


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"block": "plain"}, "block='plain'"),
        ({"attention": "cbam"}, "attention='cbam'"),
        ({"attention_at": "first"}, "attention_at='first'"),
        ({"modality": "flow"}, "modality='flow'"),
        ({"input_shape": (8, 8, 3)}, "sides of at least 16"),
    ],
)
def test_impossible_arguments_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        DenseMixedNet(**arguments)
