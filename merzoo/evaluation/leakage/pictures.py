"""Pictures of samples made small and comparable, for the searches for copies and mixtures."""

import numpy as np

from merzoo.modalities import modality

_PAIRS = 1 << 22  # compared at a time


def pictures_of(array, name: str, side: int, rows=None) -> np.ndarray:
    """(N, h, w, C) float32 pictures of at most `side` pixels: of a sequence the last frame, and of
    what has no direction the mean of the channels."""
    import cv2

    pictures = []
    for i in range(len(array)) if rows is None else rows:
        sample = np.asarray(array[i], "float32")
        sample = sample[-1] if sample.ndim == 4 else sample
        if not modality(name).mirror_sign:
            sample = sample.mean(-1, keepdims=True)
        height, width = (min(side, n) for n in sample.shape[:2])
        sample = cv2.resize(sample, (width, height), interpolation=cv2.INTER_AREA)
        pictures.append(sample.reshape(height, width, -1))
    return np.stack(pictures)


def normalised(pictures: np.ndarray) -> np.ndarray:
    """Each channel of each picture with mean 0 and norm 1; one value all over becomes 0."""
    pictures = pictures - pictures.mean((1, 2), keepdims=True)
    norm = np.sqrt((pictures**2).sum((1, 2), keepdims=True))
    return np.divide(pictures, norm, out=np.zeros_like(pictures), where=norm > 1e-3)


def close_rows(pictures, others, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of one stack of normalised pictures and of another that agree, mean over channels."""
    channels = pictures.shape[-1]
    flat, other = (p.reshape(len(p), -1) / np.sqrt(channels) for p in (pictures, others))
    first, second = [], []
    step = max(1, _PAIRS // max(1, len(other)))
    for start in range(0, len(flat), step):
        i, j = np.nonzero(flat[start : start + step] @ other.T >= limit)
        first.append(i + start)
        second.append(j)
    return np.concatenate(first), np.concatenate(second)


def gradient_agreement(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(P,) correlation of the gradients of pictures (P, h, w, C), mean over axes and channels."""
    total = np.zeros(len(one))
    for axis in (1, 2):
        a, b = (normalised(np.diff(p, axis=axis)) for p in (one, two))
        total = total + (a * b).sum((1, 2)).mean(-1)
    return total / 2
