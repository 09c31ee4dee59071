"""Eulerian magnification as the paper describes it, in plain NumPy and SciPy: the yardstick.

A Laplacian pyramid of every frame, each level filtered in time, amplified, and collapsed again. The
same maths as `merzoo.preprocessing.magnify`, in the obvious order and without OpenCV.
"""

import numpy as np
from scipy import ndimage, signal

from merzoo.preprocessing.magnify import RGB_TO_YIQ, level_gains

TAPS = np.array([1, 4, 6, 4, 1], np.float32) / 16


def magnify(frames, fps, low=0.5, high=10.0, alpha=15.0, cutoff_wavelength=16.0, chroma=0.1):
    """The whole clip: (T, H, W, 3) uint8 -> (T, H, W, 3) float32."""
    pyramids = [laplacian(frame @ RGB_TO_YIQ.T.astype(np.float32)) for frame in as_float(frames)]
    gains = level_gains(*frames.shape[1:3], alpha, cutoff_wavelength)
    levels = [np.stack(level) for level in zip(*pyramids, strict=True)]
    levels = [bandpass(x, fps, low, high) * gain for x, gain in zip(levels, gains, strict=True)]
    changes = [collapse([level[t] for level in levels]) for t in range(len(frames))]
    return np.stack([added(f, c, chroma) for f, c in zip(as_float(frames), changes, strict=True)])


def magnified_frame(frames, position, fps, alpha=15.0, cutoff_wavelength=16.0, chroma=0.1):
    """One frame, from the frames up to it: the filter is causal."""
    frames = frames[: position + 1]
    pyramids = [laplacian(frame @ RGB_TO_YIQ.T.astype(np.float32)) for frame in as_float(frames)]
    gains = level_gains(*frames.shape[1:3], alpha, cutoff_wavelength)
    levels = [np.stack(level) for level in zip(*pyramids, strict=True)]
    levels = [bandpass(x, fps, 0.5, 10.0)[-1] * g for x, g in zip(levels, gains, strict=True)]
    return added(as_float(frames[-1:])[0], collapse(levels), chroma)


def as_float(frames):
    return np.asarray(frames, np.float32)


def added(frame, change, chroma):
    change = change * np.array([1, chroma, chroma], np.float32)
    return np.clip(frame + change @ np.linalg.inv(RGB_TO_YIQ).T.astype(np.float32), 0, 255)


def bandpass(x, fps, low, high):
    passed = []
    for cutoff in (high, low):
        b, a = signal.butter(1, cutoff, fs=fps)
        start = signal.lfilter_zi(b, a).astype(np.float32)[:, None, None, None] * x[:1]
        passed.append(signal.lfilter(b.astype(x.dtype), a.astype(x.dtype), x, axis=0, zi=start)[0])
    return passed[0] - passed[1]


def laplacian(image):
    """The pyramid of an image (H, W, C), finest level first."""
    levels = []
    while min(image.shape[:2]) // 2 >= 5:
        smaller = halve(image)
        levels.append(image - double(smaller, image.shape))
        image = smaller
    return [*levels, image]


def collapse(levels):
    image = levels[-1]
    for level in levels[-2::-1]:
        image = level + double(image, level.shape)
    return image


def halve(image):
    for axis in (0, 1):
        image = ndimage.correlate1d(image, TAPS, axis=axis, mode="mirror")
    return image[::2, ::2]


def double(image, shape):
    for axis in (0, 1):
        image = np.moveaxis(image, axis, 0)
        padded = np.concatenate([image[1:2], image, image[-1:]])  # as OpenCV's pyrUp has it
        large = np.empty((2 * len(image), *image.shape[1:]), image.dtype)
        large[::2] = (padded[:-2] + 6 * padded[1:-1] + padded[2:]) / 8
        large[1::2] = (padded[1:-1] + padded[2:]) / 2
        image = np.moveaxis(large[: shape[axis]], 0, axis)
    return image
