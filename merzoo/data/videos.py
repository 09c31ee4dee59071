"""Frames of a video file, and the times at which they were taken.

Number and rate of the frames are what decodes and when, never what the header says: recordings of
browsers state no length, films whose sound goes on state too much, and stated rates are often those
of the container. The first reading in order notes the times as it goes; whoever asks for length or
rate before has the film decoded to its end for them.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from merzoo.data.containers import is_avi, is_cut
from merzoo.data.damage import Damage, PictureWatch, damages
from merzoo.data.kept import Kept
from merzoo.data.pixels import LARGEST_IMAGE, READING
from merzoo.data.sequence import Frames
from merzoo.errors import InputError
from merzoo.quiet import quiet

VIDEO_SUFFIXES = {
    *(".3gp", ".avi", ".flv", ".h264", ".264", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
}
_RATES = 1.0, 10_000.0  # frames per second that can be
# Frames in a row that cannot be decoded after which a film counts as ended; and at most, where its
# header states more frames than were seen.
_UNDECODED, _MOST_UNDECODED = 100, 10_000


class VideoFrames(Frames):
    """Frames of a video file that OpenCV can read, decoded on demand.

    Sequential reading is cheap; a jump backwards decodes from the start. Iterating ends where the
    film does. A file that is cut raises `InputError` there, and `broken_off` says so. Frames in the
    middle that cannot be decoded are left out, and `damage` names their places.

    Args:
        path: of the file.
        keep: bytes of decoded frames that may stay in memory; those of a longer film go to a
            temporary file, so that it is decoded once, however often it is read (see `Kept`).
            `None` keeps none.

    Raises:
        InputError: if it is no video, or its first frame cannot be decoded.
    """

    def __init__(self, path: str | Path, keep: int | None = None):
        import cv2

        self.path = Path(path)
        self.name = str(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such video file.")
        with quiet():
            self._capture = cv2.VideoCapture(str(path))
        stated = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT)
        width, height, self._stated = (int(self._capture.get(what)) for what in stated)
        self.stated_fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if width * height > LARGEST_IMAGE:
            size = self.path.stat().st_size
            raise InputError(
                f"{path}: states frames of {width}x{height} pixels in {size} bytes, which cannot "
                "be right."
            )
        self._next = 0
        self._noted: list[float] = []
        self.ended = False  # whether all frames were seen, so that `times` costs nothing
        self._kinds = bytearray()  # a letter for each: I for those coded without any other
        self._lost: list[tuple[int, int]] = []  # a frame, and how many before it do not decode
        self._watch = PictureWatch()
        self._shown = 0  # frames that were decoded in order
        self._kept = Kept(keep)
        if not self._capture.isOpened() or not self._grab():
            raise InputError(f"{path}: not a video that OpenCV can read, or it has no frames.")

    def __getstate__(self):
        return self.__dict__ | {"_capture": None, "_next": 0, "_kept": Kept(self._kept.memory)}

    @property
    def numbers(self) -> range:  # type: ignore[override]  # known once the film has ended
        """0, 1, 2, ...: one for each frame that decodes."""
        self._finish()
        return range(len(self._noted))

    @property
    def gaps(self) -> list[range]:
        return []

    def position(self, number: int) -> int:
        if number not in self.numbers:
            raise InputError(f"{self.name}: no frame {number}; it has {len(self)}, from 0.")
        return number

    def __getitem__(self, index):
        if isinstance(index, slice) or index < 0:
            return super().__getitem__(index)
        return self._read(index)  # without asking for the length

    def _read(self, position):
        if position in self._kept:
            return self._kept[position]
        # All frames before it are kept as well: none is decoded again for having been passed.
        while self._kept.keeps and self._shown < position and not self.ended:
            with contextlib.suppress(InputError, IndexError):
                self._decode(self._shown)
        return self._decode(position)

    def _decode(self, position: int) -> np.ndarray:
        import cv2

        if (self.ended and position >= len(self._noted)) or not self._go(position):
            raise self._beyond()
        try:
            with quiet():
                ok, frame = self._capture.retrieve()
            picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if ok else None
        except cv2.error:
            picture = None
        new = position == self._shown
        self._shown += new
        if picture is None:
            raise InputError(f"{self.path}: frame {position} cannot be decoded.")
        if new:
            self._watch.add(position, picture, self._kinds[position : position + 1] == b"I")
        # By the stated length, so that what will not fit is not written in part before that shows.
        self._kept.add(position, picture, max(self.expected, position + 1))
        return picture

    def _grab(self) -> bool:
        """One frame on; whether there was one. The first time, its time and kind are noted."""
        import cv2

        most = min(max(_UNDECODED, self._stated - self._next), _MOST_UNDECODED)
        ok, failed = False, -1
        with quiet():
            while not ok and failed + 1 < most:  # the end, or frames that cannot be decoded
                failed += 1
                try:
                    ok = self._capture.grab()
                except cv2.error:  # of a damaged file
                    ok = False
        if not ok:
            self.ended = True
            self._capture = None  # it holds no frame any more: what is read next starts anew
            return False
        if self._next == len(self._noted):
            self._noted.append(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            self._kinds.append(int(self._capture.get(cv2.CAP_PROP_FRAME_TYPE)) & 0xFF)
            if failed:
                self._lost.append((self._next, failed))
        self._next += 1
        return True

    def _reopen(self) -> None:
        import cv2

        with quiet():
            self._capture, self._next = cv2.VideoCapture(str(self.path)), 0

    def _finish(self) -> None:
        while not self.ended:
            self._see(len(self._noted))

    def _see(self, position: int) -> None:
        """Notes the time of a frame, and keeps it if frames are kept."""
        if not self._kept.keeps:
            self._go(position)
            return
        with contextlib.suppress(InputError, IndexError):
            self._read(position)

    def _go(self, position: int) -> bool:
        """Makes a frame the next one to be retrieved; whether there is such a frame."""
        if self._capture is None or position < self._next - 1:
            self._reopen()
        while self._next <= position:
            if not self._grab():
                return False
        return True

    def _beyond(self) -> Exception:
        if is_cut(self.path):
            return InputError(f"{self.path}: the video breaks off at frame {len(self._noted)}.")
        return IndexError(f"{self.path}: has {len(self._noted)} frames.")

    @property
    def expected(self) -> int:
        """Number of frames: what the header states, as long as they were not all seen."""
        seen = len(self._noted)
        return seen if self.ended else max(seen, self._stated)

    @property
    def broken_off(self) -> str | None:
        """Why the film ends before its file says so, or `None`."""
        self._finish()
        end = self._beyond()
        return str(end) if isinstance(end, InputError) else None

    @property
    def damage(self) -> list[Damage]:
        """Places where the film is damaged, as far as that shows (see `merzoo.data.damage`)."""
        self._finish()
        return damages(self.times, self._lost, self._kinds, self._watch.found)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Kind and message of what cannot be read, where it is damaged, and of a missing end.

        The film is read once, in order, to its end.
        """
        kind = "unreadable video"
        for position in itertools.count():
            try:
                self._read(position)
            except IndexError:
                break
            except InputError as error:
                yield kind, str(error)
                if self.ended and position >= len(self._noted):
                    break
        for one in self.damage:
            yield kind, f"{self.path}: {one.what}, at {one.place(self.times / 1000)}."
        if absent := self._absent():
            yield kind, absent

    def _absent(self) -> str:
        """Of an AVI film: that its index lists frames that take no time, which were lost."""
        if self._stated <= len(self._noted) or not is_avi(self.path) or is_cut(self.path):
            return ""
        step = 1000 / self.stated_fps if self.stated_fps > 0 else 0.0
        lasts = round(float(np.ptp(self.times)) / step) + 1 if step else self._stated
        lost = self._stated - lasts - sum(count for _, count in self._lost)
        if lost <= 0:
            return ""
        return (
            f"{self.path}: its index lists {self._stated} frames, {lost} of which are not there; "
            "where they were is not known."
        )

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]  # more once it was read
        """That its frames could not be kept, and that some are missing, once that shows."""
        full = f"{self.name}: {self._kept.full}" if self._kept.full else ""
        return tuple(filter(None, (full, self._absent() if self.ended else "")))

    @property
    def times(self) -> np.ndarray:
        """(T,) float64 milliseconds at which each frame was taken, rising.

        As the file has them; evenly spaced by the stated rate where it has none.
        """
        self._finish()
        return self.times_so_far()

    def times_so_far(self) -> np.ndarray:
        """`times` of the frames that were read until now."""
        times = np.array(self._noted, float)
        if len(times) > 1 and times.max() <= times[0]:
            rate = self.stated_fps if _RATES[0] <= self.stated_fps <= _RATES[1] else np.nan
            return np.arange(len(times)) * 1000 / rate
        return _rising(times)

    def lasts(self, seconds: float) -> bool:
        """Whether the film lasts longer than so many seconds; reads no further than these."""
        position = 0
        while not self.ended and np.ptp(self.times_so_far()) <= 1000 * seconds:
            self._see(position)
            position += 1
        return bool(np.ptp(self.times_so_far()) > 1000 * seconds)

    @property
    def fps(self) -> float:
        """Frames per second, by the times of the first and the last frame."""
        return rate_of(self.times, self.stated_fps)

    @property
    def variable_rate(self) -> bool:
        """Whether the time between two frames varies by more than a tenth of its median."""
        return is_variable(self.times)

    def _files(self):
        return (self.path,)

    def _numbering(self):
        return ()  # the file's content decides it

    def _feed(self, digest):
        digest.update(READING.encode())
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)


def place_video(temporary: Path, path: Path, frames: int) -> None:
    """Gives a video that OpenCV has written its name.

    OpenCV's writers keep silent about a full disk, so the file is asked for its frames.

    Args:
        temporary: the file.
        path: its name from now on.
        frames: how many were written.

    Raises:
        InputError: if frames are missing.
    """
    import cv2

    with quiet():
        there = cv2.VideoCapture(str(temporary)).get(cv2.CAP_PROP_FRAME_COUNT)
    if there < max(1, frames - 1):  # WebM states a duration, which is rounded
        raise InputError(
            f"{path}: cannot be written: frames are missing in the file; free some space on the "
            "disk."
        )
    os.replace(temporary, path)


def _rising(times: np.ndarray) -> np.ndarray:
    """Times in which frames that carry none (the last ones of MPEG films) get one of their own.

    >>> _rising(np.array([0.0, 20, 20, 60, 80, 80]))
    array([  0.,  20.,  40.,  60.,  80., 100.])
    """
    own = np.ones(len(times), bool)
    own[1:] = times[1:] > np.maximum.accumulate(times)[:-1]
    if own.all():
        return times
    places = np.flatnonzero(own)
    found = np.interp(np.arange(len(times)), places, times[places])
    after = np.arange(1, len(times) - places[-1])
    found[places[-1] + 1 :] = times[places[-1]] + after * np.median(np.diff(times[places]))
    return found


def rate_of(times: np.ndarray, stated: float) -> float:
    """Frames per second by their times in milliseconds.

    The stated rate, where it says the same within the millisecond to which times are often rounded,
    and for a single frame.

    >>> rate_of(np.array([0.0, 33, 67, 100]), 30.0), rate_of(np.array([0.0, 33, 67, 100]), 1000.0)
    (30.0, 30.0)
    """
    if len(times) < 2:
        return stated
    span, steps = times[-1] - times[0], len(times) - 1
    if stated > 0 and abs(1000 * steps / stated - span) <= 1:
        return stated
    return float(1000 * steps / span)


def is_variable(times: np.ndarray) -> bool:
    """Whether the time between two frames varies by more than a tenth of its median.

    >>> is_variable(np.array([0.0, 33, 67, 100])), is_variable(np.array([0.0, 33, 100, 133]))
    (False, True)
    """
    steps = np.diff(times)
    if len(steps) == 0:
        return False
    # Times are often stored in whole milliseconds: a step may be off by one.
    return bool(np.abs(steps - np.median(steps)).max() > max(1.0, 0.1 * np.median(steps)))
