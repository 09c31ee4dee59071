"""CVANet: every row of the specification's table of counts, the maps' shapes, the switches."""

import gc

import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.models import CVANet
from merzoo.models.random_inputs import random_inputs
from tests.battery import trainable_count

SLOW = pytest.mark.slow
# Trainable and total parameters, SPECS.md section 7.
COUNTS = [
    ({}, 24_830_850, 24_837_690),
    pytest.param({"direction": "horizontal"}, 24_830_850, 24_837_690, marks=SLOW),
    ({"direction": "both"}, 25_037_690, 25_044_610),
    ({"direction": None}, 24_624_010, 24_630_770),
    pytest.param({"continuous": False}, 24_649_730, 24_656_570, marks=SLOW),
    ({"fpf": "vit"}, 9_662_410, 9_669_250),
    ({"fpf": None}, 3_254_218, 3_261_058),
    pytest.param({"frames": "onset"}, 24_830_850, 24_837_690, marks=SLOW),
    pytest.param({"frames": "apex"}, 24_830_850, 24_837_690, marks=SLOW),
    ({"au": False}, 24_830_745, 24_837_585),
    pytest.param({"mlp_units": (256,)}, 50_026_009, 50_032_849, marks=SLOW),
]
SMALL = {"input_shape": (32, 32, 3), "window": 2, "swin_blocks": (1, 1, 1)}


@pytest.mark.parametrize(("arguments", "trainable", "total"), COUNTS, ids=str)
def test_counts(arguments, trainable, total):
    model = CVANet(**arguments)
    assert (trainable_count(model), model.count_params()) == (trainable, total)
    del model
    gc.collect()


def test_map_shapes_at_224():
    model = CVANet(fpf=None)
    shapes = [model.get_layer(f"block_{i}_vertical").output.shape[1:] for i in range(1, 5)]
    assert shapes == [(112, 1, 128), (56, 1, 128), (28, 1, 256), (14, 1, 512)]


def test_swin_stream_alone():
    positions = CVANet().get_layer("positions")
    assert trainable_count(positions) == 21_576_632
    assert positions.output_shape == (None, 14, 14, 512)


def test_plain_resnet18_on_the_difference():
    model = CVANet(trunk="resnet18", fpf=None, au=False)
    assert trainable_count(model) == 11_179_077  # ResNet-18 with five classes
    fused = CVANet(trunk="resnet18", fpf="vit", include_top=False)
    assert fused.output_shape == (None, 14, 14, 512)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"direction": "both", "fpf": None}, marks=SLOW),
        pytest.param({"direction": "horizontal", "frames": "apex", "au": False}, marks=SLOW),
        pytest.param({"fpf": "vit", "frames": "onset", "mlp_units": (8,)}, marks=SLOW),
        {"trunk": "resnet18", "fpf": None},
        {"prior_activation": "sigmoid", "fpf": None, "input_shape": (48, 32, 1)},
    ],
    ids=str,
)
def test_switches_give_probabilities(arguments):
    model = CVANet(**SMALL | {"classes": 3} | arguments)
    y = ops.convert_to_numpy(model(random_inputs(model)))
    np.testing.assert_allclose(y.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"direction": "diagonal"}, "direction='diagonal'"),
        ({"trunk": "resnet18", "direction": "both"}, "trunk='cva'"),
        ({"fpf": None, "frames": "apex"}, "frames='apex'"),
        ({"direction": None, "continuous": False}, "continuous=False"),
        ({"input_shape": (120, 120, 3)}, "multiples of 112"),
    ],
)
def test_impossible_combinations_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        CVANet(**arguments)
