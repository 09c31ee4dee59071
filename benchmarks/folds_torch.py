"""STSTNet leave-one-subject-out as a plain PyTorch loop: what a lab would write. For folds.py."""

import sys

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


def main(file: str, epochs: int) -> None:
    torch.set_num_threads(1)
    content = np.load(file)
    images = torch.tensor(content["flow_image"].astype("float32")).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(content["label"].astype("int64"))
    subject = np.char.add(content["dataset"], np.char.add("/", content["subject"]))
    batch, steps = 32, -(-len(labels) // 32)
    right = 0
    for name in sorted(set(subject)):
        torch.manual_seed(0)
        rows = torch.tensor(np.flatnonzero(subject != name))
        test = torch.tensor(np.flatnonzero(subject == name))
        model, loss_of = STSTNet(), nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for _ in range(epochs):
            order = rows[torch.randperm(len(rows))].repeat(2)
            for step in range(steps):
                chosen = order[step * batch : (step + 1) * batch]
                optimizer.zero_grad()
                loss_of(model(images[chosen]), labels[chosen]).backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            right += int((model(images[test]).argmax(1) == labels[test]).sum())
    print("accuracy", right / len(labels))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
