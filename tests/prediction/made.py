"""Movements and videos made by hand for the tests of prediction."""

import cv2
import numpy as np

from merzoo.data.synthetic.motion import profile
from merzoo.prediction.motion import Motion, region_windows

NAMES, _ = region_windows(8)


def regions(*words):
    """Numbers of the regions whose name holds one of the words."""
    return [i for i, name in enumerate(NAMES) if any(word in name for word in words)]


def motion(bumps, length=600, fps=100.0, noise=0.015, seed=0):
    """A `Motion` of noise and of `bumps`: (words of regions, x, y, onset, apex, offset)."""
    moves = np.random.default_rng(seed).normal(0, noise, (length, len(NAMES), 2))
    for words, x, y, *times in bumps:
        shape = profile(np.arange(length), *times)
        moves[:, regions(*words.split(","))] += (shape[:, None] * (x, y))[:, None]
    return Motion(np.arange(length), fps, moves.astype(np.float32))


def blink(start, fps=100.0):
    """The bumps of a blink: the lids sink far, and drag brows and cheeks along."""
    times = start, start + 0.1 * fps, start + 0.28 * fps
    return [("lids", 0, 3.0, *times), ("brow,cheek", 0, 0.8, *times)]


def write_video(path, frames, fps=50.0, code="MJPG"):
    """Writes frames (H, W, 3) RGB as a video."""
    frames = list(frames)
    size = frames[0].shape[1], frames[0].shape[0]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, size)
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path
