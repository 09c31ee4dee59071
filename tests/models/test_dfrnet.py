"""DFR-Net against SPECS.md, sections 4 and 7, and against the paper's own figures."""

import numpy as np
import pytest
from keras import ops

import merzoo
from merzoo.errors import InputError
from merzoo.models import DFRNet
from merzoo.models.random_inputs import random_inputs
from tests.battery import trainable_count


@pytest.mark.parametrize(
    "arguments, trainable, total",
    [
        ({}, 3294511, 3298863),
        ({"stages": 1}, 456359, 456871),
        ({"stages": 2}, 1050219, 1052011),
        ({"stages": 4}, 12009971, 12019443),
        ({"attention": ()}, 3272419, 3276771),
        ({"attention": ("ca",)}, 3293923, 3298275),
        ({"attention": ("sa",)}, 3273007, 3277359),
        ({"features": "SD"}, 3280303, 3284655),
        ({"features": "TD"}, 3071343, 3075695),
        ({"features": "TS"}, 3071343, 3075695),
        ({"fusion": "add"}, 3060719, 3065071),
        ({"fusion": "mul"}, 3060719, 3065071),
        ({"fusion": "cat"}, 3073071, 3077423),
        ({"backbone": "vgg"}, 7103939, 7108291),
        ({"ca_pool": "mlp_then_sum"}, 3294511, 3298863),
    ],
)
def test_counts_are_those_of_the_specification(arguments, trainable, total):
    model = DFRNet(**arguments)
    assert (trainable_count(model), model.count_params()) == (trainable, total)


def test_vit_body_has_the_parameters_of_table_5():
    # By arithmetic in SPECS.md, section 4: 85,892,675; printed 85.892 M.
    model = DFRNet(backbone="vit")
    assert trainable_count(model) == 85892675


@pytest.mark.parametrize(
    "backbone, printed, tolerance",
    [("alexnet", 2.384e6, 0.05), ("vgg", 7.104e6, 1e-4), ("inception", 3.218e6, 0.01)],
)
def test_other_bodies_come_near_table_5(backbone, printed, tolerance):
    counted = trainable_count(DFRNet(backbone=backbone))
    assert abs(counted / printed - 1) < tolerance


def test_stages_have_the_stated_shapes():
    model = DFRNet(stages=4)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    for modality in ("apex", "difference", "flow"):
        assert shapes[f"{modality}_pool"] == (56, 56, 64)
    assert shapes["pooled"] == (1, 1, 128)
    assert shapes["fused"] == shapes["stage_1_2_relu"] == (56, 56, 64)
    assert shapes["stage_2_2_relu"] == (28, 28, 128)
    assert shapes["stage_3_2_relu"] == (14, 14, 256)
    assert shapes["stage_4_2_relu"] == (7, 7, 512)


def test_inputs_follow_the_features():
    names = {f: [x.name for x in DFRNet(features=f, stages=1).inputs] for f in ("SD", "TD", "TS")}
    assert names == {"SD": ["apex", "difference"], "TD": ["difference", "flow"]} | {
        "TS": ["apex", "flow"]
    }


def test_inputs_are_standardised_by_the_statistics_given():
    # An input at its mean is zero after standardisation, and zero stays zero through a
    # convolution whose bias is zero: the branch is silent.
    model = DFRNet((32, 32, 1), stages=1, statistics={"difference": (9, 3)})
    inputs = random_inputs(model)
    inputs["difference"][:] = 9
    layer = model.get_layer("difference_standardise")
    assert np.abs(ops.convert_to_numpy(layer(inputs["difference"]))).max() == 0
    inputs["difference"][:] = 15
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs["difference"])), 2)


def test_grey_frames_need_no_colour_filters():
    model = merzoo.create_model("dfrnet-1", input_shape=(64, 64, 1))
    # Two branches of 64 filters, 3x3, lose two of three channels each.
    assert trainable_count(model) == 456359 - 2 * 64 * 9 * 2


def test_features_without_top():
    model = DFRNet((64, 64, 3), include_top=False, pooling="avg")
    assert model.output_shape == (None, 256)


@pytest.mark.parametrize(
    "arguments", [{"gate": "tanh"}, {"stages": 5}, {"attention": ("sa", "ca")}]
)
def test_impossible_arguments_are_named(arguments):
    (argument,) = arguments
    with pytest.raises(InputError, match=f"{argument}="):
        DFRNet(**arguments)
