"""Onset and apex alone of invented clips, rendered when they are asked for: many, and fast.

A pair is that of the clip of the same difficulty, seed, person and number of `synthetic:`, with
other noise: the frames between are not rendered, nothing is written, and the face is not looked
for, because the truth says where the eyes are (off by as much as a detector is). What varies beyond
that is switched on by name, see `merzoo.data.synthetic.vary`.
"""

import functools

import numpy as np

from merzoo.arguments import LARGEST_SEED, whole_number
from merzoo.data.clip import Clip
from merzoo.data.sequence import Frames
from merzoo.data.synthetic.canvas import DESIGN_SIZE, Canvas
from merzoo.data.synthetic.face import render_face
from merzoo.data.synthetic.film import gain_table, person_of, sensor_noise
from merzoo.data.synthetic.motion import Motion
from merzoo.data.synthetic.plan import (
    ClipPlan,
    Setting,
    difficulty_named,
    generator,
    plan_clips_of,
)
from merzoo.data.synthetic.vary import PairPlan, factors_named, varied

RECIPE = 1  # raised when the same arguments give other frames than before
DATASET = "synthetic-pairs"
FPS = 100.0  # of the clips that the pairs are of, as `synthetic:` has
MOST_SUBJECTS = 99_999
_SMALL = 0.3  # pixels of blur that are none
# Pixels of blur with which gradients of a face are those of one that was drawn with supersampling:
# 1.00 (root mean square) and 0.98 (median) of them, over 12 people.
_SOFTER = 0.5


class PairFrames(Frames):
    """Onset and apex of one invented clip.

    Args:
        plan: of the pair.

    >>> frames = clips(subjects=1, clips=1)[0].frames
    >>> len(frames), frames[1].shape, frames.truth_flow().shape
    (2, (340, 280, 3), (340, 280, 2))
    """

    numbers = (0, 1)

    def __init__(self, plan: PairPlan):
        self.plan, clip = plan, plan.clip
        self.name = f"pair {clip.subject + 1}/{clip.index + 1}"

    @property
    def eyes(self) -> np.ndarray:
        """(2, 2) x, y in pixels of the middle of both eyes in the onset, as a detector says."""
        motion = _motion(self.plan.clip)
        points = motion.canvas.to_frame(motion.person.landmarks[36:48])
        true = motion.forward(points, self.plan.clip.onset).reshape(2, 6, 2).mean(1)
        apart = np.linalg.norm(true[1] - true[0])
        found = true + apart * np.array(self.plan.eyes).reshape(2, 2)
        size = np.array(DESIGN_SIZE)
        return (found + 0.5) * (self._size() / size) - 0.5

    def truth_flow(self) -> np.ndarray:
        """(H, W, 2) float32: where each pixel of the onset has moved by the (annotated) apex."""
        import cv2

        clip, size = self.plan.clip, self._size()
        flow = _motion(clip).flow(clip.onset, clip.annotated_apex)
        factor = size / np.array(DESIGN_SIZE)
        if self.plan.scale != 1:
            flow = cv2.resize(flow, tuple(size.tolist()), interpolation=cv2.INTER_AREA)
        return (flow * factor).astype(np.float32)

    def _size(self) -> np.ndarray:
        return np.rint(np.array(DESIGN_SIZE) * self.plan.scale).astype(int)

    def _read(self, position: int) -> np.ndarray:
        import cv2

        plan, clip = self.plan, self.plan.clip
        motion = _motion(clip)
        place = motion.source(clip.annotated_apex if position else clip.onset)
        place = (place + motion.canvas.margin).astype(np.float32)
        still = _still(clip.seed[0], clip.subject)
        frame = cv2.remap(still, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        if plan.blur > _SMALL:
            frame = cv2.GaussianBlur(frame, (0, 0), plan.blur)
        width, height = self._size().tolist()
        if plan.scale != 1:
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        frame = cv2.LUT(frame, gain_table(clip.light * (plan.flicker if position else 1.0)))
        noise = sensor_noise(generator(*clip.seed, 2, position), (height, width), clip.noise)
        frame = np.clip(frame + noise[..., None], 0, 255).astype(np.uint8)
        return _compressed(frame, plan.quality)

    def _feed(self, digest) -> None:
        """What decides the frames; they are not rendered for it."""
        digest.update(repr((DATASET, RECIPE, self.plan)).encode())


def clips(
    difficulty: str = "medium",
    subjects: int = 20,
    clips: int = 7,
    seed: int = 1,
    vary: str = "none",
) -> list[Clip]:
    """Pairs of frames of invented people as clips of two frames, rendered when they are read.

    Args:
        difficulty: `"easy"`, `"medium"` or `"hard"`.
        subjects: number of people.
        clips: of each.
        seed: the same seed gives the same pairs. The people are those of `synthetic:` with this
            seed, whose own default is 0.
        vary: `"all"`, `"none"`, or names of `merzoo.data.synthetic.vary.FACTORS` with commas, such
            as `"noise,blur"`.

    Returns:
        One `Clip` for each: onset 0, apex and offset 1, frames per second unknown.

    Raises:
        InputError: for an impossible argument.

    Example:

    >>> found = clips("easy", subjects=2, clips=3, vary="noise,light")
    >>> len(found), found[0].subject, found[0].label
    (6, 'synthetic-pairs/seed1-s00001', 'surprise')
    """
    difficulty_named(difficulty)
    whole_number(f"subjects of {DATASET}", subjects, most=MOST_SUBJECTS)
    whole_number(f"clips of {DATASET}", clips, most=99)
    whole_number(f"seed of {DATASET}", seed, least=0, most=LARGEST_SEED)
    factors = factors_named(vary)
    setting = Setting(subjects, clips, difficulty, seed, FPS)
    return [
        _clip(varied(plan, setting, factors), setting)
        for subject in range(subjects)
        for plan in plan_clips_of(setting, subject)
    ]


def _clip(plan: PairPlan, setting: Setting) -> Clip:
    clip = plan.clip
    person = f"seed{setting.seed}-s{clip.subject + 1:05d}"
    return Clip(
        dataset=DATASET,
        subject=f"{DATASET}/{person}",
        id=f"{setting.difficulty}-{person}-c{clip.index + 1:02d}",
        frames=PairFrames(plan),
        label=clip.emotion,
        onset=0,
        apex=1,
        offset=1,
        action_units=clip.action_units,
    )


@functools.lru_cache(maxsize=2)
def _still(seed: int, subject: int) -> np.ndarray:
    """The neutral picture; drawn without supersampling, in less than half of the time."""
    import cv2

    picture = render_face(person_of(seed, subject), Canvas(DESIGN_SIZE, oversample=1))
    return cv2.GaussianBlur(picture, (0, 0), _SOFTER)


@functools.lru_cache(maxsize=2)
def _motion(clip: ClipPlan) -> Motion:
    return Motion(clip, person_of(clip.seed[0], clip.subject), Canvas(DESIGN_SIZE))


def _compressed(frame: np.ndarray, quality: int) -> np.ndarray:
    """A frame that has been a JPEG."""
    import cv2

    frame = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
