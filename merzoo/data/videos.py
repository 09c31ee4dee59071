"""Frames of a video file, and the times at which they were taken.

Number and rate of the frames are what decodes and when, never what the header says: recordings of
browsers state no length, films whose sound goes on state too much, and stated rates are often those
of the container. The first reading in order notes the times as it goes; whoever asks for length or
rate before has the film decoded to its end for them.
"""

import contextlib
from pathlib import Path

import numpy as np

from merzoo.data.pixels import LARGEST_IMAGE, READING
from merzoo.data.sequence import Frames
from merzoo.errors import InputError
from merzoo.quiet import quiet

VIDEO_SUFFIXES = {
    *(".3gp", ".avi", ".flv", ".h264", ".264", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
}
_RATES = 1.0, 10_000.0  # frames per second that can be


class VideoFrames(Frames):
    """Frames of a video file that OpenCV can read, decoded on demand.

    Sequential reading is cheap; a jump backwards decodes from the start. Iterating ends where the
    film does. A file that is cut raises `InputError` there, and `broken_off` says so.

    Args:
        path: of the file.
        keep: bytes of decoded frames that may stay in memory. A film that fits is decoded once,
            however often it is read; of one that does not, none stays.

    Raises:
        InputError: if it is no video, or its first frame cannot be decoded.
    """

    def __init__(self, path: str | Path, keep: int = 0):
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
        self._kept: dict[int, np.ndarray] = {}
        self._keep = keep
        if not self._capture.isOpened() or not self._grab():
            raise InputError(f"{path}: not a video that OpenCV can read, or it has no frames.")

    def __getstate__(self):
        return self.__dict__ | {"_capture": None, "_next": 0, "_kept": {}}

    @property
    def numbers(self) -> range:  # type: ignore[override]  # known once the film has ended
        """0, 1, 2, ...: one for each frame that decodes."""
        self._finish()
        return range(len(self._noted))

    @property
    def gaps(self) -> list[int]:
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
        import cv2

        if position in self._kept:
            return self._kept[position]
        if self.ended and position >= len(self._noted):
            raise self._beyond()
        if not self._go(position):
            raise self._beyond()
        try:
            with quiet():
                ok, frame = self._capture.retrieve()
            picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if ok else None
        except cv2.error:
            picture = None
        if picture is None:
            raise InputError(f"{self.path}: frame {position} cannot be decoded.")
        # By the stated length, a film that will not fit is not kept in part before that shows.
        if picture.nbytes * max(self._stated, len(self._kept) + 1) <= self._keep:
            self._kept[position] = picture
        else:
            self._kept, self._keep = {}, 0
        return picture

    def _grab(self) -> bool:
        """One frame on; whether there was one. The first time, its time is noted."""
        import cv2

        try:
            with quiet():
                ok = self._capture.grab()
        except cv2.error:  # of a damaged file
            ok = False
        if not ok:
            self.ended = True
            self._capture = None  # it holds no frame any more: what is read next starts anew
            return False
        if self._next == len(self._noted):
            self._noted.append(self._capture.get(cv2.CAP_PROP_POS_MSEC))
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
        if self._keep:
            with contextlib.suppress(InputError, IndexError):
                self._read(position)
                return
        if not self.ended:
            self._go(position)

    def _go(self, position: int) -> bool:
        """Makes a frame the next one to be retrieved; whether there is such a frame."""
        if self._capture is None or position < self._next - 1:
            self._reopen()
        while self._next <= position:
            if not self._grab():
                return False
        return True

    def _beyond(self) -> Exception:
        if _is_cut(self.path):
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


def _is_cut(path: Path) -> bool:
    """Whether a file ends before the sizes that its container states (AVI, MP4, Matroska)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(4096)
        if start[:4] == b"RIFF":
            return _end_of_riff(file) > size + 1  # an odd chunk's padding may be missing
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
            return _end_of_boxes(file, size) > size
        if start[:4] == b"\x1a\x45\xdf\xa3":
            return _end_of_segment(start) > size
    return False


def _end_of_riff(file) -> int:
    at = 0
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return at
        at += 8 + int.from_bytes(head[4:8], "little")


def _end_of_boxes(file, size: int) -> int:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # to the end of the file
            return size
        if length < 8:
            return at
        at += length
    return at


def _end_of_segment(start: bytes) -> int:
    """Where the segment after the EBML header ends; 0 where it states no size."""
    length, at = _ebml_size(start, 4)
    at += length
    if start[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    length, at = _ebml_size(start, at + 4)
    return at + length if length else 0


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """A size of variable width, 0 if unknown, and where it ends."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length() if first else 1
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (0 if value == (1 << 7 * width) - 1 else value), at + width
