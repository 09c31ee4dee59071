"""Converted PyTorch checkpoints give the same logits as small twins of both networks built here."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.models import HTNet, STSTNet

torch = pytest.importorskip("torch")
nn = torch.nn
TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module


class TorchSTSTNet(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        for i, filters in enumerate((3, 5, 8), 1):
            setattr(self, f"conv{i}", nn.Conv2d(3, filters, 3, padding=2))
            setattr(self, f"bn{i}", nn.BatchNorm2d(filters))
        self.fc = nn.Linear(400, classes)

    def forward(self, x):
        streams = []
        for i in (1, 2, 3):
            y = getattr(self, f"bn{i}")(torch.relu(getattr(self, f"conv{i}")(x)))
            streams.append(nn.functional.max_pool2d(y, 3, 3, 1))
        return self.fc(nn.functional.avg_pool2d(torch.cat(streams, 1), 2).flatten(1))


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.g, self.b = (
            nn.Parameter(torch.ones(1, dim, 1, 1)),
            nn.Parameter(torch.zeros(1, dim, 1, 1)),
        )

    def forward(self, x):
        x = x.movedim(1, -1)
        x = nn.functional.layer_norm(x, x.shape[-1:], self.g.ravel(), self.b.ravel(), 1e-5)
        return x.movedim(-1, 1)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, inner = heads, dim // heads * heads
        self.to_qkv = nn.Conv2d(dim, 3 * inner, 1, bias=False)
        self.to_out = nn.Sequential(nn.Conv2d(inner, dim, 1))

    def forward(self, x):
        batch, _, height, width = x.shape
        query, key, value = (
            part.reshape(batch, self.heads, -1, height * width).transpose(2, 3)
            for part in self.to_qkv(x).chunk(3, 1)
        )
        y = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.to_out(y.transpose(2, 3).reshape(batch, -1, height, width))


class FeedForward(nn.Module):
    def __init__(self, dim):
        super().__init__()
        parts = (nn.Conv2d(dim, 4 * dim, 1), nn.GELU(), nn.Identity(), nn.Conv2d(4 * dim, dim, 1))
        self.net = nn.Sequential(*parts)

    def forward(self, x):
        return self.net(x)


class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm, self.fn = Norm(dim), fn

    def forward(self, x):
        return x + self.fn(self.norm(x))


class Level(nn.Module):
    def __init__(self, dim, cells, depth, heads):
        super().__init__()
        self.pos_emb = nn.Parameter(torch.randn(cells))
        self.layers = nn.ModuleList(
            nn.ModuleList([PreNorm(dim, Attention(dim, heads)), PreNorm(dim, FeedForward(dim))])
            for _ in range(depth)
        )

    def forward(self, x):
        x = x + self.pos_emb.reshape(1, 1, *x.shape[2:])
        for attention, feed_forward in self.layers:
            x = feed_forward(attention(x))
        return x


class TorchHTNet(nn.Module):
    def __init__(self, dim, heads, depths, side, classes=3):
        super().__init__()
        self.window, last = side // 7 // 2 ** (len(depths) - 1), len(depths) - 1
        self.to_patch_embedding = nn.Sequential(nn.Identity(), nn.Conv2d(147, dim, 1))
        self.layers = nn.ModuleList()
        for level, depth in enumerate(depths):
            width = dim * 2**level
            merge = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), Norm(2 * width))
            parts = [Level(width, self.window**2, depth, heads * 2**level)]
            self.layers.append(nn.ModuleList(parts + [merge] * (level < last)))
        self.mlp_head = nn.Sequential(Norm(width), nn.Identity(), nn.Linear(width, classes))

    def forward(self, x):
        batch, _, side, _ = x.shape
        x = x.reshape(batch, 3, side // 7, 7, side // 7, 7).permute(0, 3, 5, 1, 2, 4)
        x = self.to_patch_embedding(x.reshape(batch, 147, side // 7, side // 7))
        for level, *merge in self.layers:
            windows, (_, dim, cells, _), w = x, x.shape, self.window
            n = cells // w
            windows = windows.reshape(batch, dim, n, w, n, w).permute(0, 2, 4, 1, 3, 5)
            windows = level(windows.reshape(batch * n * n, dim, w, w))
            x = windows.reshape(batch, n, n, dim, w, w).permute(0, 3, 1, 4, 2, 5)
            x = x.reshape(batch, dim, cells, cells)
            for part in merge:
                x = nn.functional.max_pool2d(part(x), 3, 2, 1)
        return self.mlp_head[2](self.mlp_head[0](x).mean((2, 3)))


def filled(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                noise = torch.randn(value.shape, generator=generator)
                scale = 0.3 if value.ndim < 2 else value[0].numel() ** -0.5
                positive = name.endswith(("running_var", ".g"))
                value.copy_(1 + 0.3 * torch.rand(value.shape) if positive else scale * noise)
    return model.eval()


def logits_of(model, flow_image):
    """What the PyTorch network says of pictures whose channels OpenCV has reversed."""
    x = torch.from_numpy(flow_image[..., ::-1].copy()).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model(x).numpy()


def relative(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def pictures(side):
    return np.random.default_rng(0).uniform(0, 255, (4, side, side, 3)).astype("float32")


def test_ststnet_gives_the_same_logits(tool, tmp_path):
    theirs, x = filled(TorchSTSTNet()), pictures(28)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    command = tool("torch_checkpoints").run
    out = tmp_path / "ours.weights.h5"
    converter = tool("convert_ststnet_torch").convert
    assert command(converter, "", [str(tmp_path / "theirs.pth"), str(out)]) == 0
    ours = STSTNet(classifier_activation=None)
    ours.load_weights(out)
    assert relative(ours.predict([x], verbose=0), logits_of(theirs, x)) < 1e-5


@pytest.mark.parametrize("side", [14, 28])  # windows of one token, and of four
def test_htnet_gives_the_same_logits(tool, tmp_path, side):
    theirs, x = filled(TorchHTNet(12, 3, (1, 2), side)), pictures(side)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    checkpoint = tool("torch_checkpoints").Checkpoint.read(tmp_path / "theirs.pth")
    converted = tool("convert_htnet_torch").convert(checkpoint)
    ours = HTNet((side, side, 3), classifier_activation=None, dim=12, depths=(1, 2))
    ours.set_weights(converted.get_weights())
    assert relative(ours.predict([x], verbose=0), logits_of(theirs, x)) < 1e-5


def test_another_network_s_checkpoint_is_refused(tool, tmp_path, capsys):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pth")
    checkpoints = tool("torch_checkpoints")
    for name in ("convert_ststnet_torch", "convert_htnet_torch"):
        with pytest.raises(InputError, match="is missing: not this network's weights"):
            tool(name).convert(checkpoints.Checkpoint.read(tmp_path / "other.pth"))
    arguments = [str(tmp_path / "none.pth"), str(tmp_path / "out.weights.h5")]
    assert checkpoints.run(tool("convert_ststnet_torch").convert, "", arguments) == 2
    assert "no such file" in capsys.readouterr().err
