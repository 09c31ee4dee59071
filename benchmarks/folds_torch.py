"""Leave-one-subject-out as a plain PyTorch loop: what a lab would write. For folds.py."""

import argparse

import numpy as np
import torch
from torch import nn


class STSTNet(nn.Module):
    """Three streams as published."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(3, f, 3, padding=2) for f in (3, 5, 8)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(f) for f in (3, 5, 8)])
        self.pool, self.dropout = nn.MaxPool2d(3, 3, 1), nn.Dropout(0.5)
        self.head = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 3))

    def forward(self, x):
        streams = [
            self.dropout(self.pool(norm(torch.relu(convolution(x)))))
            for convolution, norm in zip(self.convolutions, self.norms, strict=True)
        ]
        return self.head(torch.cat(streams, 1))


class OffApexNet(nn.Module):
    """A stream of two convolutions for u, another for v, and dense layers."""

    def __init__(self):
        super().__init__()
        self.streams = nn.ModuleList([self._stream() for _ in range(2)])
        self.head = nn.Sequential(
            nn.Linear(1568, 1024), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(1024, 3),
        )  # fmt: skip

    def _stream(self):
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip

    def forward(self, x):
        x = x / 255
        parts = [stream(x[:, i : i + 1]) for i, stream in enumerate(self.streams)]
        return self.head(torch.cat(parts, 1).flatten(1))


NETWORKS = {"ststnet": STSTNet, "offapexnet": OffApexNet}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("file", help=".npz with flow_image, label, dataset, subject")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--folds", type=int, default=None, help="the first ones only")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    content = np.load(options.file)
    images = torch.tensor(content["flow_image"].astype("float32")).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(content["label"].astype("int64"))
    subject = np.char.add(content["dataset"], np.char.add("/", content["subject"]))
    right = tested = 0
    for seed in range(options.seeds):
        for name in sorted(set(subject))[: options.folds]:
            torch.manual_seed(seed)
            rows = torch.tensor(np.flatnonzero(subject != name))
            test = torch.tensor(np.flatnonzero(subject == name))
            model = fit(NETWORKS[options.network](), images, labels, rows, options.epochs)
            with torch.no_grad():
                right += int((model(images[test]).argmax(1) == labels[test]).sum())
            tested += len(test)
    print("accuracy", right / tested)


def fit(model, images, labels, rows, epochs: int, batch: int = 32):
    """Trains for as many steps as merzoo does: epochs of all samples."""
    loss_of, steps = nn.CrossEntropyLoss(), -(-len(labels) // batch)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(epochs):
        order = rows[torch.randperm(len(rows))].repeat(2)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            optimizer.zero_grad()
            loss_of(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
    return model.eval()


if __name__ == "__main__":
    main()
