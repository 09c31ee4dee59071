"""Frames of a clip, read lazily: a folder of images, a video file, or an array.

All three look the same: `len(frames)`, `frames[i]` -> (H, W, 3) uint8 RGB or (H, W, 1) grey,
`frames[a:b]` -> (b - a, H, W, C). `frames.numbers` holds the numbers that an annotation uses (the
last digits of a file's name; 0, 1, 2, ... for videos and arrays) and `frames.position(number)` maps
one to its place. Nothing is opened before a frame is asked for. `frames.content_hash()` names what
the frames hold, for caches.
"""

import contextlib
import functools
import hashlib
import io
import re
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from merzoo.errors import InputError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF")
_LAST_DIGITS = re.compile(r"(\d+)\D*$")
LARGEST_IMAGE = 100_000_000  # pixels; a small file may state more than a memory holds


class Frames(Sequence):
    """Base of the three readers: numbering, slicing and iteration on top of `_read(position)`."""

    numbers: Sequence[int]
    name: str

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return np.stack([self[i] for i in range(*index.indices(len(self)))])
        position = range(len(self))[index]
        return self._read(position)

    def position(self, number: int) -> int:
        """0-based position of the frame that carries `number`; raises `InputError` if absent."""
        try:
            return self._positions[number]
        except KeyError:
            raise InputError(
                f"{self.name}: no frame numbered {number}; it has {len(self)} frames numbered "
                f"{self.numbers[0]}..{self.numbers[-1]}."
            ) from None

    def content_hash(self) -> str:
        """SHA-256 over the stored frames and their numbers: the same content gives the same text.

        >>> a = ArrayFrames(np.zeros((5, 4, 4, 1), "uint8"))
        >>> a.content_hash() == ArrayFrames(a.array.copy()).content_hash()
        True
        """
        digest = hashlib.sha256(repr(self.numbers).encode())
        self._feed(digest)
        return digest.hexdigest()

    def stamp(self) -> str | None:
        """Names, sizes and times of the files as text: while it stays, so does the content.

        `None` for frames in memory, and for files changed within the last two seconds, whose next
        change could carry the same time.
        """
        files = self._files()
        try:
            rows = [(str(path), *_size_and_time(path)) for path in files]
        except OSError:
            return None  # reading will say what is wrong
        if not rows or max(row[2] for row in rows) > time.time_ns() - 2_000_000_000:
            return None
        return hashlib.sha256(repr((self.numbers, rows)).encode()).hexdigest()

    def _files(self) -> Sequence[Path]:
        return ()

    def _feed(self, digest) -> None:
        for frame in self:
            digest.update(f"{frame.shape}".encode())
            digest.update(np.ascontiguousarray(frame))

    @functools.cached_property
    def _positions(self) -> dict[int, int]:
        return {number: position for position, number in enumerate(self.numbers)}

    @property
    def gaps(self) -> list[int]:
        """Numbers that are missing between the first and the last frame."""
        return sorted(set(range(self.numbers[0], self.numbers[-1] + 1)) - set(self.numbers))


class ArrayFrames(Frames):
    """Frames held in memory as a (T, H, W, C) uint8 array.

    >>> ArrayFrames(np.zeros((5, 4, 4, 1), "uint8"))[1:3].shape
    (2, 4, 4, 1)
    """

    def __init__(self, array: np.ndarray, name: str = "array"):
        if array.ndim != 4 or array.shape[-1] not in (1, 3) or array.dtype != np.uint8:
            raise InputError(
                f"{name}: frames must be a (T, H, W, 1 or 3) uint8 array, got {array.dtype} "
                f"{array.shape}."
            )
        self.array, self.name, self.numbers = array, name, tuple(range(len(array)))

    def _read(self, position):
        return self.array[position]


class ImageFrames(Frames):
    """Image files in the order of the last digits of their names, `img2.jpg` before `img10.jpg`."""

    def __init__(self, paths: Sequence[Path], numbers: Sequence[int] | None = None, name: str = ""):
        if not paths:
            raise InputError(f"{name or 'frames'}: no image files.")
        numbers = [frame_number(p) for p in paths] if numbers is None else list(numbers)
        order = sorted(range(len(paths)), key=lambda i: numbers[i])
        self.paths = tuple(Path(paths[i]) for i in order)
        self.numbers = tuple(numbers[i] for i in order)
        self.name = name or str(self.paths[0].parent)
        for before, after in zip(range(len(order)), range(1, len(order)), strict=False):
            if self.numbers[before] == self.numbers[after]:
                raise InputError(
                    f"{self.name}: two frames carry the number {self.numbers[after]}: "
                    f"{self.paths[before].name} and {self.paths[after].name}."
                )

    @classmethod
    def from_folder(cls, folder: str | Path) -> "ImageFrames":
        """All images directly inside `folder`; raises `InputError` if there is none."""
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of frames.")
        try:
            paths = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
        except OSError as error:
            raise InputError(f"{folder}: cannot be read: {error.strerror}.") from None
        if not paths:
            raise InputError(f"{folder}: no image files ({', '.join(sorted(IMAGE_SUFFIXES))}).")
        return cls(paths, name=str(folder))

    def _read(self, position):
        try:
            return read_image(self.paths[position])
        except InputError as error:
            raise InputError(f"frame {position} of {len(self)}: {error}") from None

    def _files(self):
        return self.paths

    def _feed(self, digest):
        for position, path in enumerate(self.paths):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise InputError(
                    f"frame {position} of {len(self)}: {path}: cannot be read: {error.strerror}."
                ) from None
            digest.update(f"{len(data)};".encode())
            digest.update(data)


class VideoFrames(Frames):
    """Frames of a video file that OpenCV can read, decoded on demand.

    Sequential reading is cheap; a jump backwards reopens the file. `fps` is the file's own mean
    rate; `variable_rate` says whether its frames are evenly spaced.
    """

    def __init__(self, path: str | Path):
        import cv2

        self.path = Path(path)
        self.name = str(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such video file.")
        capture = cv2.VideoCapture(str(path))
        stated = (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        count, width, height = (int(capture.get(what)) for what in stated)
        self.fps = float(capture.get(cv2.CAP_PROP_FPS))
        opened = capture.isOpened()
        capture.release()
        if not opened or count <= 0:
            raise InputError(f"{path}: not a video that OpenCV can read, or it has no frames.")
        size = self.path.stat().st_size
        if count > size or width * height > LARGEST_IMAGE:
            raise InputError(
                f"{path}: states {count} frames of {width}x{height} pixels in {size} bytes, which "
                "cannot be right."
            )
        self.numbers = range(count)
        self._capture, self._next = None, 0

    def __getstate__(self):
        return self.__dict__ | {"_capture": None, "_next": 0}

    @property
    def gaps(self) -> list[int]:
        return []

    def position(self, number: int) -> int:
        if number not in self.numbers:
            raise InputError(f"{self.name}: no frame {number}; it has {len(self)}, from 0.")
        return number

    def _read(self, position):
        import cv2

        if self._capture is None or position < self._next:
            self._capture, self._next = cv2.VideoCapture(str(self.path)), 0
        try:
            while self._next < position:
                self._grab()
            self._grab()
            ok, frame = self._capture.retrieve()
            picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if ok else None
        except cv2.error:
            picture = None
        if picture is None:
            raise InputError(f"{self.path}: frame {position} cannot be decoded.")
        return picture

    @functools.cached_property
    def times(self) -> np.ndarray:
        """(T,) float64 time of each frame in milliseconds, as the file states it; reads it all."""
        import cv2

        capture = cv2.VideoCapture(str(self.path))
        times = []
        with contextlib.suppress(cv2.error):  # a damaged file ends there
            while capture.grab():
                times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
        capture.release()
        return np.array(times)

    @property
    def variable_rate(self) -> bool:
        """Whether the time between two frames varies by more than a tenth of its median.

        Spotting and magnification take frames as evenly spaced, so such a file should be converted
        to a constant rate first.
        """
        steps = np.diff(self.times)
        if len(steps) == 0:
            return False
        # Times are often stored in whole milliseconds: a step may be off by one.
        return bool(np.abs(steps - np.median(steps)).max() > max(1.0, 0.1 * np.median(steps)))

    def _files(self):
        return (self.path,)

    def _feed(self, digest):
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)

    def _grab(self):
        if not self._capture.grab():
            raise InputError(
                f"{self.path}: the video breaks off at frame {self._next} of the "
                f"{len(self)} that its header states."
            )
        self._next += 1


def frame_number(path: str | Path) -> int:
    """The last run of digits of a file's stem.

    >>> frame_number("reg_img46.jpg"), frame_number("006_05562.jpg")
    (46, 5562)
    """
    found = _LAST_DIGITS.search(Path(path).stem)
    if not found:
        raise InputError(f"{path}: the file name holds no frame number.")
    return int(found.group(1))


def read_image(path: str | Path) -> np.ndarray:
    """An image file as (H, W, 3) uint8 RGB, or (H, W, 1) if the file is grey.

    16-bit files are scaled to 8 bits and alpha is dropped. Raises `InputError` for a file
    that is missing, empty, cut short, not an image, or of more than 100 million pixels.
    """
    import cv2

    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    pixels = _stated_pixels(data)
    if pixels > LARGEST_IMAGE:
        raise InputError(f"{path}: states too many pixels for a frame (over 100 million).")
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if pixels else None
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{path}: not a readable image ({data.size} bytes).")
    if _cut_short(data.tobytes()):
        raise InputError(f"{path}: the image breaks off after {data.size} bytes.")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        raise InputError(f"{path}: holds {image.dtype} values; save it with 8 or 16 bits.")
    if image.ndim == 2:
        return image[..., None]
    if image.shape[-1] == 4:
        image = image[..., :3]
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _stated_pixels(data: np.ndarray) -> float:
    """How many pixels an image file's header states; 0 where it is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which the caller judges
            with Image.open(io.BytesIO(data.tobytes()), formats=_FORMATS) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return np.inf
    except Exception:  # Pillow raises whatever a damaged header provokes
        return 0


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _cut_short(data: bytes) -> bool:
    """Whether a JPEG or PNG file lacks its end mark: OpenCV fills the missing part with grey."""
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in data[-4096:]
    return data.startswith(b"\x89PNG") and b"IEND" not in data[-4096:]
