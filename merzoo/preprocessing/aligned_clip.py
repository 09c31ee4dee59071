"""One clip as the extractors of modalities see it: its aligned face, its onset and its apex.

Everything is worked out when first asked for and kept, so that the modalities of one clip share
the decoding, the face, the alignment and the apex.
"""

import functools
from collections.abc import Mapping

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.preprocessing.align import Alignment, align
from merzoo.preprocessing.apex import SPOTTERS, Apex, annotated, clip_range, spot_apex
from merzoo.preprocessing.face import Face, find_face, landmarks_of
from merzoo.preprocessing.finding import Box

APEX_CHOICES = ("annotated", *SPOTTERS, *(f"annotated+{name}" for name in SPOTTERS))

# Motion is measured on crops of about this side where frames are so fine, whatever the input's.
WORKING_SIZE = 224


class AlignedClip:
    """A clip with its face aligned once, on the onset frame.

    Args:
        clip: as an adapter loads it.
        parameters: `detector`, `alignment` and `apex`, and which `face` of several is taken (else
            a second one is refused), see `merzoo.preprocessing.parameters`.
        face: in the onset frame, where it was found by this detector already.
        near: box of the face that is followed, of several in the onset frame.

    Raises:
        InputError: from every method, naming the clip's fault.

    Example:

    >>> from merzoo.data.frames import ArrayFrames
    >>> frames = ArrayFrames(np.zeros((9, 60, 50, 1), "uint8"))
    >>> aligned = AlignedClip(Clip("d", "d/s", "c", frames, onset=2, apex=5),
    ...                       {"detector": "none", "alignment": "similarity", "apex": "annotated"})
    >>> aligned.onset, aligned.apex, aligned.crop(aligned.apex, 28, 28, 3).shape
    (2, 5, (28, 28, 3))
    """

    def __init__(
        self,
        clip: Clip,
        parameters: Mapping[str, str],
        face: Face | None = None,
        near: Box | None = None,
    ):
        self.clip = clip
        self._parameters = parameters
        self._face, self._near = face, near
        self._alignments: dict[tuple[int, int], Alignment] = {}

    @functools.cached_property
    def range(self) -> tuple[int, int]:
        """Positions of onset and offset."""
        return clip_range(self.clip)

    @property
    def onset(self) -> int:
        return self.range[0]

    @functools.cached_property
    def apex(self) -> int:
        """Position of the apex, annotated or spotted as the parameter `apex` says."""
        if len(self.clip.frames) == 1:
            return 0
        choice = self._parameters["apex"]
        if choice == "annotated":
            return annotated(self.clip).index
        if choice.startswith("annotated+"):
            try:
                return annotated(self.clip).index
            except InputError:
                choice = choice.removeprefix("annotated+")
        return self.onset + self.spot(choice).index

    def spot(self, method: str) -> Apex:
        """The apex by a spotter; its index counts from the onset."""
        first, last = self.range
        crops = [self.crop(i, WORKING_SIZE, WORKING_SIZE, 1) for i in range(first, last + 1)]
        return spot_apex(crops, method)

    def moving(self) -> tuple[int, int]:
        """Positions of onset and apex; raises `InputError` if there is no motion between them."""
        if len(self.clip.frames) == 1:
            raise InputError("has a single frame, so no motion; only 'apex' can be taken from it.")
        if self.apex <= self.onset:
            raise InputError(f"its apex {self.apex} is its onset, so there is no motion between.")
        return self.onset, self.apex

    def frame(self, position: int) -> np.ndarray:
        """A decoded frame, checked to have the size of the onset frame, which is decoded once."""
        if position == self.onset:
            return self._first
        image = self.clip.frames[position]
        if image.shape[:2] != self._first.shape[:2]:
            raise InputError(
                f"frame {position} is {image.shape[1]}x{image.shape[0]}, frame {self.onset} is "
                f"{self._first.shape[1]}x{self._first.shape[0]}: all must have one size."
            )
        return image

    @functools.cached_property
    def _first(self) -> np.ndarray:
        return self.clip.frames[self.onset]

    @functools.cached_property
    def face(self) -> Face:
        """The face in the onset frame."""
        if self._face is not None:
            return self._face
        if self._parameters["detector"] == "auto" and self.clip.frames.eyes is not None:
            return Face((0, 0, *self._first.shape[:2]), self.clip.frames.eyes)
        which = self._parameters.get("face", "only")
        where = f"frame {self.onset}"
        return find_face(self._first, self._parameters["detector"], where, which, self._near)

    def alignment(self, height: int, width: int) -> Alignment:
        """The transform to crops of one size, fitted on the onset frame."""
        size = (height, width)
        if size not in self._alignments:
            method = self._parameters["alignment"]
            self._alignments[size] = align(self.face, height, width, method)
        return self._alignments[size]

    def crop(self, position: int, height: int, width: int, channels: int) -> np.ndarray:
        """The aligned face of a frame: (height, width, channels) uint8, grey or RGB."""
        return self.cropped(self.frame(position), height, width, channels)

    def cropped(self, image: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
        """The aligned face of a picture of a frame's size, in the type of the picture."""
        import cv2

        crop = self.alignment(height, width).apply(image)
        if crop.shape[-1] == channels:
            return crop
        if channels == 1:
            return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None]
        return np.repeat(crop, channels, axis=-1)

    def landmarks(self, position: int, height: int, width: int) -> np.ndarray:
        """(68, 2) landmarks of a frame in pixels of the crop, found in the onset frame's box."""
        points = landmarks_of(self.frame(position), self.face)
        return self.alignment(height, width).to_crop(points)
