"""Trunks of photographs: what torch computes with a state dict, networks of merzoo compute."""

import importlib
from pathlib import Path

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.models import SSSN, CapsuleNet
from merzoo.reproduction.how import How

torch = pytest.importorskip("torch")
F = torch.nn.functional
TOOLS = Path(__file__).parents[2] / "tools"
DRAWN = torch.Generator().manual_seed(0)


@pytest.fixture
def convert(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TOOLS))
    main = importlib.import_module("convert_trunk_torch").main

    def done(network, state):
        torch.save(state, tmp_path / "in.pth")
        return main([network, str(tmp_path / "in.pth"), str(tmp_path / "out.npz")])

    return done


def normal(*shape):
    return 0.1 * torch.randn(*shape, generator=DRAWN)


def part(model, first, last, x):
    """What a part of a network makes of an array (B, H, W, C)."""
    inner = keras.Model(model.get_layer(first).output, model.get_layer(last).output)
    return keras.ops.convert_to_numpy(inner(x))


def picture(side):
    return np.random.default_rng(0).uniform(-1, 1, (1, side, side, 3)).astype("float32")


def channels_first(x):
    return torch.from_numpy(x).permute(0, 3, 1, 2)


GROUPED = {"features.0.weight": (96, 3, 11, 11), "features.4.weight": (256, 48, 5, 5)}
TORCHVISION = {"features.0.weight": (64, 3, 11, 11), "features.3.weight": (192, 64, 5, 5)}


def alexnet(shapes):
    state = {name: normal(*shape) for name, shape in shapes.items()}
    state |= {name.replace("weight", "bias"): normal(len(x)) for name, x in state.items()}
    return state | {"classifier.1.weight": normal(2, 2)}


def test_alexnet_of_two_groups_is_the_trunk_of_sssn(convert, tmp_path, capsys):
    state, x = alexnet(GROUPED), picture(67)
    assert convert("alexnet", state) == 0
    norm = {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0}  # torch divides alpha by the size
    y = channels_first(x)
    for name, options in (("0", {"stride": 4}), ("4", {"padding": 2, "groups": 2})):
        weights = state[f"features.{name}.weight"], state[f"features.{name}.bias"]
        y = F.max_pool2d(F.relu(F.conv2d(y, *weights, **options)), 3, 2)
        y = F.local_response_norm(y, **norm)
    file = str(tmp_path / "out.npz")
    model = SSSN(input_shape=(67, 67, 3), weights_backbone=file)
    got = part(model, "strain_scale", "strain_lrn_2", x)
    np.testing.assert_allclose(got, y.permute(0, 2, 3, 1).numpy(), atol=2e-5)

    with pytest.raises(InputError, match="'stem_conv/kernel' is missing: not the weights of this"):
        CapsuleNet(weights_backbone=file, input_shape=(129, 129, 3), include_top=False)
    with pytest.raises(InputError, match="trunks: ststnet takes no weights of a trunk"):
        How(trunks={"ststnet": file})
    with pytest.raises(InputError, match="quick runs small ones"):
        How(quick=True, trunks={"sssn": file})
    with pytest.raises(InputError, match="no-such"):
        How(trunks={"sssn": "no-such.npz"})
    assert How(trunks={"sssn": file}).trunks == {"sssn": file}
    assert convert("alexnet", alexnet(TORCHVISION)) == 2
    assert "which torchvision's is not" in capsys.readouterr().err


def resnet18():
    """A state dict with torchvision's names and shapes."""
    state = {}

    def conv_norm(conv, norm, filters, channels, size):
        state[f"{conv}.weight"] = normal(filters, channels, size, size)
        for name in ("weight", "bias", "running_mean"):
            state[f"{norm}.{name}"] = 1 + normal(filters)
        state[f"{norm}.running_var"] = 1 + normal(filters).abs()
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    conv_norm("conv1", "bn1", 64, 3, 7)
    for stage, filters in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"layer{stage}.{block}"
            first = filters // 2 if stage > 1 and not block else filters
            conv_norm(f"{name}.conv1", f"{name}.bn1", filters, first, 3)
            conv_norm(f"{name}.conv2", f"{name}.bn2", filters, filters, 3)
            if first != filters:
                conv_norm(f"{name}.downsample.0", f"{name}.downsample.1", filters, first, 1)
    return state | {"fc.weight": normal(1000, 512), "fc.bias": normal(1000)}


def resnet18_stages(state, y):
    """Stem without its pooling and three stages, as torchvision computes them."""

    def conv_norm(y, conv, norm, **options):
        y = F.conv2d(y, state[f"{conv}.weight"], **options)
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(y, *(state[f"{norm}.{name}"] for name in names))

    y = F.relu(conv_norm(y, "conv1", "bn1", stride=2, padding=3))
    for stage in (1, 2, 3):
        for block in (0, 1):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and not block else 1
            z = conv_norm(y, f"{name}.conv1", f"{name}.bn1", stride=stride, padding=1)
            z = conv_norm(F.relu(z), f"{name}.conv2", f"{name}.bn2", padding=1)
            if f"{name}.downsample.0.weight" in state:
                names = f"{name}.downsample.0", f"{name}.downsample.1"
                y = conv_norm(y, *names, stride=stride)
            y = F.relu(y + z)
    return y


@pytest.mark.slow
def test_resnet18_is_the_trunk_of_capsulenet(convert, tmp_path):
    state, x = resnet18(), picture(129)
    assert convert("resnet18", state) == 0
    model = CapsuleNet((129, 129, 3), weights_backbone=str(tmp_path / "out.npz"), include_top=False)
    got = part(model, "scale", "stage_3_block_2_relu_2", x)
    expected = resnet18_stages(state, channels_first(x)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())
