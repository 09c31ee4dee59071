"""Places of a film where its file is damaged, as far as its decoder's output shows them.

FFmpeg, through which OpenCV reads, hides what it can: of destroyed bytes it makes a picture all the
same, and of errors it hands on only that a frame is missing. Three things still show:

- frames that cannot be decoded. Until the next key frame, what follows was coded as a change of
  what is missing, and is wrong too;
- a gap in the times of a film that is even elsewhere: its container lost frames there;
- a part of the picture that changes at once and is at once as before at a key frame, which depends
  on nothing before it: the remains of a damaged frame, carried along by all that follow it.

Not seen is damage that changes less of the picture than `_LEAST` of it by `_LEVELS`, that changes
nearly all of it for several frames (which is taken for a cut), or that nothing restores, as in a
film without later key frames; nor are a few lost frames in a film of uneven times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SIDE = 40  # blocks along the longer side whose mean grey is compared
_LEVELS = 4.0  # grey levels by which a block must change within one frame
_LEAST = 0.003  # share of the blocks that must
_CUT = 0.6  # share of the blocks from which it is a cut, unless it lasts one frame
_OTHERS = 2.0  # times what changes from frame to frame just before and after
# The same where every frame is a key frame, so that being one says nothing; and the share of the
# blocks, before the place where the frame is damaged, that change by less than a level.
_LEAST_ALONE, _OTHERS_ALONE, _SAME = 0.05, 10.0, 0.1
_BACK = 0.35  # of the change may be left when the picture is as before again
_LONGEST = 300  # frames from key frame to key frame that are held
_GAP, _STEPS = 0.1, 3.5  # seconds, and usual steps, from which a gap in time is one
_RARE = 0.01  # share of the steps that may be gaps or otherwise uneven


@dataclass(frozen=True)
class Damage:
    """A damaged stretch of a film.

    Args:
        first, last: positions of the frames that are not to be trusted; where frames are only
            missing, the ones before and after.
        what: in words.
    """

    first: int
    last: int
    what: str

    def place(self, times: np.ndarray) -> str:
        """Where it is, by the seconds (T,) of the frames."""
        return seconds_told(times, self.first, self.last)


def seconds_told(times: np.ndarray, first: int, last: int) -> str:
    """Seconds of a place, from its first to its last frame.

    >>> seconds_told(np.arange(200) / 100, 50, 50), seconds_told(np.arange(200) / 100, 50, 61)
    ('0.50 s', '0.50-0.61 s')
    """
    start = f"{times[first]:.2f}"
    return f"{start} s" if first == last else f"{start}-{times[last]:.2f} s"


class PictureWatch:
    """Finds remains of damaged frames while a film's frames come in, in order."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []
        self._grids: list[np.ndarray] = []  # since the key frame before the last
        self._start = 0  # position of the first of them
        self._keys: list[int] = []
        self._waiting: int | None = None  # a key frame whose next frame is still to come

    def add(self, position: int, picture: np.ndarray, key: bool) -> None:
        """One more frame (H, W, C) uint8; `key` if it was coded without any other."""
        if self._grids and position != self._start + len(self._grids):
            self._grids, self._keys, self._waiting = [], [], None
        if not self._grids:
            self._start = position
        grid = _grid(picture)
        if self._grids and grid.shape != self._grids[-1].shape:
            return
        self._grids.append(grid)
        if self._waiting is not None:
            self._judge(self._waiting)
            self._waiting = None
        if key:
            self._keys.append(position)
            self._waiting = position if len(self._keys) > 1 else None
        self._forget()

    def _forget(self) -> None:
        keep = max(self._keys[-2] if len(self._keys) > 1 else self._start, 0)
        surplus = max(keep - 3 - self._start, len(self._grids) - _LONGEST)
        if surplus > 0:
            del self._grids[:surplus]
            self._start += surplus

    def _judge(self, key: int) -> None:
        """Whether the picture is as before again at a key frame, after having changed."""
        at, before = key - self._start, max(self._keys[-2] - self._start, 1)
        if at < 2:
            return
        grids = np.array(self._grids)
        steps = np.abs(np.diff(grids, axis=0))  # steps[i] leads to frame i + 1
        shares = (steps > _LEVELS).mean((1, 2))
        alone = at - before <= 1
        around = max(shares[at], shares[at - 3] if alone and at > 2 else shares[at - 2])
        if alone:
            sudden = shares[at - 1] >= around * _OTHERS_ALONE + _LEAST_ALONE
            sudden = sudden and (steps[at - 1] < 1).mean() > _SAME
        else:
            sudden = around * _OTHERS + _LEAST <= shares[at - 1] <= _CUT
        if not sudden:
            return
        blocks = steps[at - 1] > _LEVELS
        sizes = steps[:, blocks].mean(1)
        came = before - 1 + int(np.argmax(sizes[before - 1 : at - 1]))
        left = min(np.abs(grids[at] - grids[i])[blocks].mean() for i in (came, before - 1))
        if left < _BACK * sizes[at - 1]:
            self.found.append((self._start + came + 1, key - 1))


def _grid(picture: np.ndarray) -> np.ndarray:
    """Mean greys of the blocks of a picture, float32."""
    import cv2

    height, width = picture.shape[:2]
    step = max(1, max(height, width) // 320)
    small = np.ascontiguousarray(picture[::step, ::step, min(1, picture.shape[2] - 1)])
    blocks = tuple(max(4, round(_SIDE * n / max(height, width))) for n in (width, height))
    return cv2.resize(small, blocks, interpolation=cv2.INTER_AREA).astype(np.float32)


def gaps(times: np.ndarray) -> list[tuple[int, int]]:
    """Positions of the frames before and after each gap in times that are even elsewhere.

    Args:
        times: (T,) milliseconds, rising.

    >>> gaps(np.r_[np.arange(0, 1000, 20), np.arange(1500, 6000, 20)])
    [(49, 50)]
    """
    steps = np.diff(times)
    if len(steps) < 10:
        return []
    usual = float(np.median(steps))
    uneven = np.abs(steps - usual) > max(1.0, 0.1 * usual)
    wide = steps >= max(1000 * _GAP, _STEPS * usual)
    if uneven.sum() > max(1.0, _RARE * len(steps)):
        return []
    return [(int(i), int(i) + 1) for i in np.flatnonzero(wide)]


def damages(
    times: np.ndarray,
    lost: Sequence[tuple[int, int]],
    kinds: bytes | bytearray,
    remains: Sequence[tuple[int, int]],
) -> list[Damage]:
    """All that shows, in order of its place.

    Args:
        times: (T,) milliseconds of the frames.
        lost: (position of the next frame that decodes, how many before it do not).
        kinds: for each frame `b"I"` for a key frame, else another letter.
        remains: as `PictureWatch` finds them.
    """
    found = []
    taken = set()
    for after, count in lost:
        taken.add(after)
        last = _next_key(kinds, after)
        frames = f"{count} frame{'s' * (count > 1)} cannot be decoded"
        found.append(Damage(max(after - 1, 0), last, frames))
    for before, after in gaps(times):
        if after not in taken:
            milliseconds = times[after] - times[before]
            what = f"no frame for {milliseconds:.0f} ms in an otherwise even film"
            found.append(Damage(before, _next_key(kinds, after), what))
    for first, last in remains:
        if not any(one.first <= last + 1 and first <= one.last + 1 for one in found):
            found.append(Damage(first, last, "the picture is damaged up to a key frame"))
    return sorted(found, key=lambda one: (one.first, one.last))


def _next_key(kinds: bytes | bytearray, start: int) -> int:
    """The next key frame; the last frame if there is none."""
    at = kinds.find(b"I", start)
    return at if at >= 0 else max(len(kinds) - 1, 0)
