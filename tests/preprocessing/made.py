"""Small clips for the tests of the pipeline: a texture of which one part moves and comes back."""

import os
import time

import cv2
import numpy as np

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames, ImageFrames
from merzoo.data.images import image_clip

LENGTH, APEX, SIDE = 9, 4, 96


def texture(seed=0, side=SIDE):
    noise = np.random.default_rng(seed).normal(0, 1, (side, side)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (2, 5, 10))
    return 128 + 90 * smooth / np.abs(smooth).max()


def film(seed=0, pixels=2.0, length=LENGTH, apex=APEX, side=SIDE):
    """(T, side, side, 3) uint8: everything moves right by up to `pixels` at the apex."""
    image = texture(seed, side)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    frames = []
    for level in np.interp(range(length), [0, apex, length - 1], [0, 1, 0]):
        frame = cv2.remap(image, x - np.float32(level * pixels), y, cv2.INTER_LINEAR)
        frames.append(np.repeat(np.clip(frame, 0, 255)[..., None], 3, -1))
    return np.array(frames).round().astype(np.uint8)


def local_film(pixels=2.0):
    """The same, but only the middle moves: a face, not a head."""
    still, moving = film(0, 0.0).astype(np.float32), film(0, pixels)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    share = np.exp(-(x**2 + y**2) / (2 * 12**2))[..., None]
    return (still + share * (moving - still)).round().astype(np.uint8)


def clip(number=0, frames=None, **fields):
    """A clip of dataset "made", one subject per two clips, labels in turn."""
    label = ("happiness", "disgust", "surprise")[number % 3]
    frames = ArrayFrames(film(number)) if frames is None else frames
    facts = {"label": label, "fps": 100.0, "onset": 0, "apex": APEX, "offset": LENGTH - 1}
    name = f"s{number // 2:02d}"
    return Clip("made", f"made/{name}", f"{name}/c{number}", frames, **facts | fields)


def folder_clip(folder, number=0, **fields):
    """The same clip as PNG files in a folder."""
    folder.mkdir(parents=True)
    for i, frame in enumerate(film(number)):
        cv2.imwrite(str(folder / f"img{i}.png"), frame)
    return clip(number, ImageFrames.from_folder(folder), **fields)


def pictures(folder, count):
    """Single pictures of random values, in files that were not changed just now."""
    folder.mkdir()
    clips = []
    for number in range(count):
        path = folder / f"p{number}.png"
        picture = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
        cv2.imwrite(str(path), picture)
        os.utime(path, (time.time() - 60,) * 2)
        clips.append(image_clip("made", f"p{number}", path, "happiness", "train"))
    return clips
