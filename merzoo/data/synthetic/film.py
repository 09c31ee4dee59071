"""The camera: turns a plan and a still picture into frames with a sensor's noise."""

import functools
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.face import render_face
from merzoo.data.synthetic.identity import Identity, draw_identity
from merzoo.data.synthetic.motion import Motion
from merzoo.data.synthetic.plan import ClipPlan, generator


@functools.lru_cache(maxsize=2)
def person_of(seed: int, subject: int) -> Identity:
    """The person that this seed gives this subject number."""
    return draw_identity(generator(seed, subject, 3))


@functools.lru_cache(maxsize=2)
def still_of(seed: int, subject: int, size: tuple[int, int]) -> np.ndarray:
    """The neutral picture of a subject, kept while that subject's clips are rendered."""
    return render_face(person_of(seed, subject), Canvas(size))


@functools.lru_cache(maxsize=4)
def _noise_table(deviation: float) -> np.ndarray:
    """256 equally likely values of a normal distribution, as whole grey levels."""
    return np.rint(deviation * ndtri((np.arange(256) + 0.5) / 256)).astype(np.int16)


def sensor_noise(rng: np.random.Generator, shape: tuple[int, int], deviation: float) -> np.ndarray:
    """Normal noise (H, W) int16: one random byte a pixel through a table; fast, and whole numbers.

    >>> noise = sensor_noise(np.random.default_rng(0), (200, 200), 6.0)
    >>> bool(abs(noise.std() - 6) < 0.15), bool(abs(noise.mean()) < 0.1)
    (True, True)
    """
    count = shape[0] * shape[1]
    raw = rng.bit_generator.random_raw(-(-count // 8)).astype("<u8").view(np.uint8)[:count]
    return _noise_table(deviation)[raw].reshape(shape)


def film(plan: ClipPlan, size: tuple[int, int]) -> tuple[Motion, Iterator[np.ndarray]]:
    """Films a clip.

    Args:
        plan: of the clip.
        size: (width, height) in pixels.

    Returns:
        The movement, which knows the truth, and the frames: (H, W, 3) uint8 RGB, one at a time.
    """
    seed = plan.seed[0]
    motion = Motion(plan, person_of(seed, plan.subject), Canvas(size))
    return motion, filmed_frames(motion, still_of(seed, plan.subject, size))


def filmed_frames(motion: Motion, still: np.ndarray) -> Iterator[np.ndarray]:
    """The frames of a movement of a still picture, in the light and with the noise of its plan."""
    import cv2

    plan, margin = motion.plan, motion.canvas.margin
    rng = generator(*plan.seed, 1)
    still = cv2.LUT(still, gain_table(plan.light))
    width, height = motion.canvas.size
    for time in range(plan.length):
        place = (motion.source(time) + margin).astype(np.float32)
        frame = cv2.remap(still, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        noise = sensor_noise(rng, (height, width), plan.noise)
        yield np.clip(frame + noise[..., None], 0, 255).astype(np.uint8)


def gain_table(gain: float) -> np.ndarray:
    """The light of a clip as a table over grey levels."""
    return np.clip(np.rint(np.arange(256) * gain), 0, 255).astype(np.uint8)
