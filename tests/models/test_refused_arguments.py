"""Networks that papers compare with: what they refuse, before anything is built."""

import pytest

from merzoo.errors import InputError
from merzoo.models import (
    ELRCN,
    FGRLAUF,
    P3D,
    GoogLeNet,
    MicronBERT,
    ResNet3D18,
    VideoMAE,
    VisionEncoder,
)


@pytest.mark.parametrize(
    "builder, arguments, message",
    [
        (P3D, {"blocks": (3, 4, 6)}, r"blocks=\(3, 4, 6\)"),
        (P3D, {"types": "ABX"}, "types='X'"),
        (P3D, {"types": ""}, "types=''"),
        (P3D, {"frames": 0}, "frames=0"),
        (ResNet3D18, {"frames": 2.5}, "frames=2.5"),
        (ResNet3D18, {"input_shape": (16, 16, 3)}, "input_shape"),
        (GoogLeNet, {"modules": ("3a", "3c")}, "modules='3c'"),
        (GoogLeNet, {"width": 0}, "width=0"),
        (GoogLeNet, {"modality": "flow"}, "modality='flow'"),
        (ELRCN, {"frames": 1}, "frames=1"),
        (FGRLAUF, {"input_shape": (4, 4, 1)}, "input_shape"),
        (MicronBERT, {"dim": 6, "heads": 2}, "dim=6"),
        (VideoMAE, {"frames": 15}, "frames=15"),
        (VisionEncoder, {"trunk": "resnet50"}, "trunk='resnet50'"),
        (VisionEncoder, {"stages": 5}, "stages=5"),
        (VisionEncoder, {"weights_backbone": "none.h5"}, "weights_backbone='none.h5'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(builder, arguments, message):
    with pytest.raises(InputError, match=message):
        builder(**arguments)
