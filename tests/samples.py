"""Small data sets for tests: procedural flow images whose classes can be learnt."""

import numpy as np

from merzoo.preprocessing.arrays import Arrays

CLASSES = ("negative", "positive", "surprise")


def flow_arrays(subjects=6, clips=5, datasets=("a", "b"), size=28, seed=0) -> Arrays:
    """Flow images with a blob of motion whose place is the class; subjects spread over datasets."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    images, label, subject, dataset, clip = [], [], [], [], []
    for s in range(subjects):
        for c in range(clips):
            k = (s + c) % len(CLASSES)
            y, x = ((0.25, 0.3), (0.75, 0.3), (0.3, 0.75))[k]
            blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 0.02)
            planes = [sign * blob + rng.normal(0, 0.05, blob.shape) for sign in (1, -1, 1)]
            planes = [(p - p.min()) / (p.max() - p.min()) * 255 for p in planes]
            images.append(np.stack(planes, -1))
            label.append(k)
            subject.append(f"s{s}")
            dataset.append(datasets[s % len(datasets)])
            clip.append(f"s{s}_{c}")
    images = np.asarray(images, "float32")
    return Arrays({"flow_image": images}, label, subject, dataset, clip, CLASSES, source="test")
