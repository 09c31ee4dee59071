"""Frames of a clip, read lazily: a folder of images, the pages of one, a video file, or an array.

All look the same: `len(frames)`, `frames[i]` -> (H, W, 3) uint8 RGB or (H, W, 1) grey,
`frames[a:b]` -> (b - a, H, W, C). `frames.numbers` holds the numbers that an annotation uses (the
last digits of a file's name; 0, 1, 2, ... for videos and arrays) and `frames.position(number)` maps
one to its place. Nothing is opened before a frame is asked for. `frames.content_hash()` names what
the frames hold, for caches.
"""

import functools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from merzoo.data.pixels import (
    IMAGE_SUFFIXES,
    READING,
    UNREAD_SUFFIXES,
    Depth,
    page_count,
    read_image,
    read_page,
    stated_depth,
    to_8_bits,
)
from merzoo.data.sequence import Frames
from merzoo.data.videos import VideoFrames
from merzoo.errors import InputError
from merzoo.listing import entries

_LAST_DIGITS = re.compile(r"(\d+)\D*$")


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


class HeldFrames(Frames):
    """Pictures (H, W, C) held in memory as they are, without a copy."""

    def __init__(self, pictures: Sequence[np.ndarray], name: str = "frames"):
        self.pictures, self.name, self.numbers = pictures, name, range(len(pictures))

    def _read(self, position):
        return self.pictures[position]


class ImageFrames(Frames):
    """Image files in the order of the last digits of their names, `img2.jpg` before `img10.jpg`.

    `stated_bits` may be set before a frame is read: how many bits the values of 16-bit files have.
    `guessed_bits` is set once `bits` is known, where that is a guess.
    """

    stated_bits: int | None = None
    guessed_bits: int | None = None

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
    def from_folder(cls, folder: str | Path) -> "Frames":
        """All images directly inside `folder`; raises `InputError` if there is none.

        One file of several pages is a clip too. `notes` tells of pictures that are left out.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of frames.")
        files = [Path(entry.path) for entry in entries(folder)]
        paths = [p for p in files if p.suffix.lower() in IMAGE_SUFFIXES]
        names = [p.name for p in files]
        if not paths:
            raise no_images(folder, names)
        found = one_image(paths[0]) if len(paths) == 1 else cls(paths)
        found.name = str(folder)
        found.notes = pictures_left(folder, names)
        return found

    @functools.cached_property
    def bits(self) -> int:
        """Bits that the 16-bit files among the frames use, one number for all; reads them all.

        `stated_bits` where that is set, else what `merzoo.data.pixels.Depth` finds. A guess is told
        in `notes`.

        Raises:
            InputError: for values that do not fit into `stated_bits`.
        """
        depth = Depth(self.stated_bits or stated_depth(self.paths[0]))
        for place in range(len(self)):
            image = self._stored(place)
            if image.dtype == np.uint16:
                depth.add(image)
        if self.stated_bits and depth.bits > self.stated_bits:
            raise InputError(
                f"{self.name}: holds values up to {depth.largest}, which need {depth.bits} bits; "
                f"{self.stated_bits} are stated."
            )
        if depth.guessed:
            self.guessed_bits = depth.bits
            self.notes = (
                *self.notes,
                f"{self.name}: 16-bit pictures with values up to {depth.largest} are taken as of "
                f"{depth.bits} bits, which is a guess; if the camera gives more, say so (column "
                "bits of a manifest, or stated_bits of ImageFrames).",
            )
        return depth.bits

    def _stored(self, position):
        image, pages = read_page(self.paths[position], None)
        if pages > 1:
            raise InputError(
                f"{self.paths[position]}: holds {pages} pages, among files of one frame each; save "
                "its pages as files."
            )
        return image

    def _read(self, position):
        try:
            image = self._stored(position)
            return image if image.dtype == np.uint8 else to_8_bits(image, self.bits)
        except InputError as error:
            raise InputError(f"frame {position} of {len(self)}: {error}") from None

    def _numbering(self):
        return (self.numbers, self.stated_bits) if self.stated_bits else self.numbers

    def _files(self):
        return self.paths

    def _feed(self, digest):
        digest.update(READING.encode())
        for position, path in enumerate(self.paths):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise InputError(
                    f"frame {position} of {len(self)}: {path}: cannot be read: {error.strerror}."
                ) from None
            digest.update(f"{len(data)};".encode())
            digest.update(data)


class PageFrames(ImageFrames):
    """The pages of one image file (TIFF, or animated WebP or AVIF), numbered from 0."""

    def __init__(self, path: str | Path, pages: int, name: str = ""):
        self.paths, self.numbers = (Path(path),), range(pages)
        self.name = name or str(path)

    def _stored(self, position):
        return read_page(self.paths[0], position)[0]


def no_images(folder: Path, names: Iterable[str]) -> InputError:
    """That a folder of these files has no image that is read."""
    left = _unread(names)
    left_out = f"; it has {left}, which are not read" if left else ""
    suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
    return InputError(f"{folder}: no image files ({suffixes}){left_out}.")


def pictures_left(folder: Path, names: Iterable[str]) -> tuple[str, ...]:
    """A note on the files of a folder that are pictures and are not read; none without such.

    >>> pictures_left(Path("clip"), ["1.png", "2.HEIC", "3.heic"])
    ('clip: 2 .heic files are left out: save them as PNG or JPEG.',)
    """
    left = _unread(names)
    return (f"{folder}: {left} files are left out: save them as PNG or JPEG.",) if left else ()


def _unread(names: Iterable[str]) -> str:
    suffixes = (os.path.splitext(name)[1].lower() for name in names)
    found = Counter(suffix for suffix in suffixes if suffix in UNREAD_SUFFIXES)
    return ", ".join(f"{count} {suffix}" for suffix, count in sorted(found.items()))


def one_image(path: str | Path) -> ImageFrames:
    """The clip that one image file is: its pages, or its only frame, numbered 0.

    Raises:
        InputError: if it cannot be opened.
    """
    pages = page_count(path)
    return PageFrames(path, pages) if pages > 1 else ImageFrames([Path(path)], [0], str(path))


def frame_number(path: str | Path) -> int:
    """The last run of digits of a file's stem.

    >>> frame_number("reg_img46.jpg"), frame_number("006_05562.jpg")
    (46, 5562)
    """
    found = _LAST_DIGITS.search(os.path.splitext(os.path.basename(path))[0])
    if not found:
        raise InputError(
            f"{path}: the file name holds no frame number; if it is no frame, move it out of the "
            "folder, else write its number at the end of its name."
        )
    return int(found.group(1))


__all__ = [
    "IMAGE_SUFFIXES",
    "ArrayFrames",
    "Frames",
    "HeldFrames",
    "ImageFrames",
    "PageFrames",
    "VideoFrames",
    "frame_number",
    "one_image",
    "read_image",
]
