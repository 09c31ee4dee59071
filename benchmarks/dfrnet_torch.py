"""DFR-Net written plainly in PyTorch, as a lab would: what speed.py measures merzoo's against."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Standardise(nn.Module):
    """(x - mean) / deviation, by channel."""

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.deviation


class ChannelAttention(nn.Module):
    """Eq. 13: the pooled vectors are added before the perceptron."""

    def __init__(self, channels, reduction=16):
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=False)
        self.excite = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x):
        pooled = x.mean((2, 3)) + x.amax((2, 3))
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))
        return x * weights[:, :, None, None]


class SpatialAttention(nn.Module):
    """Eq. 14."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.convolution(pooled))


class Block(nn.Module):
    """Eq. 12: a residual block with both attentions."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv_1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm_1 = nn.BatchNorm2d(filters)
        self.conv_2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm_2 = nn.BatchNorm2d(filters)
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
            )
        self.ca, self.sa = ChannelAttention(filters), SpatialAttention()

    def forward(self, x):
        y = torch.relu(self.norm_1(self.conv_1(x)))
        y = self.sa(self.ca(self.norm_2(self.conv_2(y))))
        return torch.relu(self.shortcut(x) + y)


class DFRNet(nn.Module):
    """From apex, difference and flow, (B, 3, 224, 224) each, to class probabilities."""

    def __init__(self, classes=3):
        super().__init__()
        statistics = {
            "apex": ([127.5] * 3, [64.0] * 3),
            "difference": ([4.0] * 3, [8.0] * 3),
            "flow": ([0.0, 0.0, 0.05], [1.0, 1.0, 0.1]),
        }
        self.shallow = nn.ModuleDict(
            {
                name: nn.Sequential(
                    Standardise(mean, deviation),
                    nn.Conv2d(3, 64, 3, padding=1),
                    nn.ReLU(),
                    nn.MaxPool2d(4),
                )
                for name, (mean, deviation) in statistics.items()
            }
        )
        self.fusion_1 = nn.Conv2d(128, 128, 3, padding=1)
        self.fusion_2 = nn.Conv2d(128, 64, 3, padding=1)
        self.gate_1, self.gate_2 = nn.Conv2d(128, 64, 1), nn.Conv2d(64, 64, 1)
        widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2)]
        self.blocks = nn.Sequential(*(Block(*width) for width in [*widths, (256, 256, 1)]))
        self.dense, self.classes = nn.Linear(256, 1000), nn.Linear(1000, classes)

    def forward(self, apex, difference, flow):
        spatial, temporal = self.shallow["apex"](apex), self.shallow["flow"](flow)
        x = torch.cat([spatial, self.shallow["difference"](difference)], 1)
        x = torch.relu(self.fusion_2(torch.relu(self.fusion_1(x))))
        pooled = [F.adaptive_avg_pool2d(y, 1) for y in (x, temporal)]
        gate = torch.relu(self.gate_2(torch.relu(self.gate_1(torch.cat(pooled, 1)))))
        x = self.blocks(x * gate).mean((2, 3))
        return torch.softmax(self.classes(torch.relu(self.dense(x))), -1)


def from_keras(model) -> DFRNet:
    """The same network with the weights of a built `merzoo.models.DFRNet()`, for inference."""
    network = DFRNet(classes=model.output_shape[-1])
    pairs = {f"shallow.{m}.1": f"{m}_conv" for m in ("apex", "difference", "flow")}
    pairs |= {name: name for name in ("fusion_1", "fusion_2", "gate_1", "gate_2")}
    pairs |= {"dense": "dense", "classes": "classes"}
    for number in range(6):
        block, stage = f"blocks.{number}", f"stage_{number // 2 + 1}_{number % 2 + 1}"
        for i in (1, 2):
            pairs |= {
                f"{block}.conv_{i}": f"{stage}_{i}_conv",
                f"{block}.norm_{i}": f"{stage}_{i}_bn",
            }
        if number in (2, 4):
            pairs |= {f"{block}.shortcut.0": f"{stage}_shortcut_conv"}
            pairs |= {f"{block}.shortcut.1": f"{stage}_shortcut_bn"}
        pairs |= {f"{block}.ca": f"{stage}_ca", f"{block}.sa": f"{stage}_sa"}
    for theirs, ours in pairs.items():
        _copy(network.get_submodule(theirs), model.get_layer(ours).get_weights())
    return network.eval()


@torch.no_grad()
def _copy(module, weights) -> None:
    if isinstance(module, nn.BatchNorm2d):
        targets = [module.weight, module.bias, module.running_mean, module.running_var]
    else:
        targets = list(module.parameters())
    for target, weight in zip(targets, weights, strict=True):
        if weight.ndim == 4:
            weight = weight.transpose(3, 2, 0, 1)
        target.copy_(torch.tensor(np.ascontiguousarray(weight.T if weight.ndim == 2 else weight)))
