"""One picture from a file's bytes: turned as EXIF says, in 8 bits, colours and cuts as meant.

OpenCV decodes what it reads faithfully; Pillow decodes the rest (palettes, CMYK, grey with alpha,
WebP, AVIF) and reads the headers. Values of more than 8 bits come out as they are stored, because
how many bits a camera used shows only in all frames of a clip together (`Depth`, `to_8_bits`).
"""

import functools
import io
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.limits import read_bytes
from merzoo.quiet import quiet

IMAGE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".avif")
}
# Pictures that people have and that are not read: a folder that holds some says so.
UNREAD_SUFFIXES = {
    *(".heic", ".heif", ".gif", ".jp2", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw"),
    *(".pgm", ".ppm", ".pnm", ".tga", ".exr", ".psd"),
}
LARGEST_IMAGE = 50_000_000  # pixels; a small file may state more than a memory holds
_LARGEST_FILE = 512 << 20  # bytes
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras give
# What a file's pixels are taken as; caches of what was read otherwise are not used.
READING = "oriented, one depth a clip, by all that tells it"

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "AVIF")
_PAGED = ("TIFF", "WEBP", "AVIF")  # may hold several frames
_BY_PILLOW = ("P", "PA", "CMYK", "YCbCr", "LAB", "LA", "La")  # modes
_ORIENTATION, _LARGEST_VALUE = 0x112, 0x119  # tags of EXIF and of TIFF
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # within coded data


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself: `format` and `mode` are Pillow's words."""

    format: str
    mode: str
    pixels: float
    orientation: int
    pages: int


def read_image(path: str | Path) -> np.ndarray:
    """An image file as (H, W, 3) uint8 RGB, or (H, W, 1) if the file is grey.

    EXIF's turn and mirror are applied, alpha is dropped. 16-bit files are scaled to 8 bits by their
    `Depth`; of a clip read its frames through `ImageFrames`, which scales all by one. Raises
    `InputError` for a file that is missing, empty, cut short, not an image, of several pages, or of
    more than 50 million pixels.
    """
    image, pages = read_page(path, None)
    if pages > 1:
        raise InputError(
            f"{path}: holds {pages} pages, which are a clip, and stands for one frame; give it as "
            "a clip of its own, or save its pages as files."
        )
    if image.dtype == np.uint8:
        return image
    depth = Depth(stated_depth(path))
    depth.add(image)
    return to_8_bits(image, depth.bits)


def read_page(path: str | Path, page: int | None) -> tuple[np.ndarray, int]:
    """One page of an image file as it is stored, (H, W, 1 or 3) of 8 or 16 bits, and their number.

    Args:
        path: of the file.
        page: from 0; `None` for the only one.
    """
    data = _bytes(path)
    header = _header(data)
    if header is None:
        raise InputError(f"{path}: not a readable image ({len(data)} bytes).")
    if header.pixels > LARGEST_IMAGE:
        raise InputError(f"{path}: states too many pixels for a frame (over 50 million).")
    if _cut_short(data):
        raise InputError(f"{path}: the image breaks off after {len(data)} bytes.")
    if header.format in ("WEBP", "AVIF") or header.mode in _BY_PILLOW:
        image = _by_pillow(data, page or 0, header.mode)
    else:
        image = _by_opencv(data, page)
    if image is None:
        raise InputError(f"{path}: not a readable image ({len(data)} bytes).")
    if image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: holds {image.dtype} values; save it with 8 or 16 bits.")
    if header.format != "TIFF":  # which both decoders turn themselves
        image = _turned(image, header.orientation)
    return np.ascontiguousarray(image), header.pages


def page_count(path: str | Path) -> int:
    """How many frames an image file holds; 1 where it cannot be told."""
    header = _header(_bytes(path))
    return 1 if header is None else header.pages


class Depth:
    """How many of 16 bits a camera used, as all pictures of a clip together tell it.

    What tells it, in this order: what a file says (`stated_depth`); low bits that are zero in every
    value, since then they were shifted up to fill 16 bits; the largest value, which needs all 16,
    or is the largest that fewer can hold, where pictures are bright enough to reach it. Else it is
    guessed: the least of 8, 10, 12, 14 and 16 bits that holds all values, which is too few where
    the pictures are dark throughout.

    >>> depth = Depth()
    >>> depth.add(np.array([700, 3], np.uint16))
    >>> depth.bits, depth.guessed
    (10, True)
    >>> depth.add(np.array([4095], np.uint16))
    >>> depth.bits, depth.guessed
    (12, False)
    >>> depth = Depth()
    >>> depth.add(np.array([160, 2048], np.uint16))  # multiples of 32
    >>> depth.bits, depth.guessed
    (16, False)
    """

    def __init__(self, said: int | None = None):
        self.said = said
        self.largest = 0
        self._used = 0  # bits that are set in any value

    def add(self, image: np.ndarray) -> None:
        """One more picture (H, W, C)."""
        self.largest = max(self.largest, int(image.max(initial=0)))
        self._used |= int(np.bitwise_or.reduce(image, axis=None))

    @property
    def bits(self) -> int:
        """One of 8, 10, 12, 14 and 16."""
        least = next(bits for bits in DEPTHS if self.largest < 1 << bits)
        if self.said is not None and self.said >= least:
            return self.said
        return 16 if self._shifted else least

    @property
    def guessed(self) -> bool:
        """Whether only the largest value was there to go by."""
        told = self.said is not None or self._shifted or self.bits == 16
        return not told and self.largest != (1 << self.bits) - 1

    @property
    def _shifted(self) -> bool:
        return self._used > 0xFF and self._used & 0b11 == 0


def stated_depth(path: str | Path) -> int | None:
    """Bits that a 16-bit file says its values have; `None` where it does not say.

    PNG's `sBIT` says how many are significant, and that they were scaled up to all 16. TIFF's
    MaxSampleValue says the largest value; it is heeded where it is the largest of a depth.
    """
    data = _bytes(path)
    if data.startswith(b"\x89PNG"):
        return 16 if b"sBIT" in data[: data.find(b"IDAT")] else None
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return None
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
            value = image.tag_v2.get(_LARGEST_VALUE)  # type: ignore[attr-defined]  # of TIFF
    except Exception:  # Pillow raises whatever a damaged header provokes
        return None
    largest = max(value) if isinstance(value, tuple) and value else value
    return next((bits for bits in DEPTHS if largest == (1 << bits) - 1 and bits > 8), None)


def to_8_bits(image: np.ndarray, bits: int) -> np.ndarray:
    """Values of `bits` bits as uint8; 8-bit files stay as they are.

    >>> to_8_bits(np.array([0, 2048, 4095], np.uint16), 12)
    array([  0, 128, 255], dtype=uint8)
    """
    return image if image.dtype == np.uint8 else (image >> (bits - 8)).astype(np.uint8)


def _bytes(path: str | Path) -> bytes:
    return read_bytes(path, _LARGEST_FILE, advice="Save its pages as files of their own.")


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of `_FORMATS` that this build of Pillow knows."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _header(data: bytes) -> Header | None:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which the caller judges
            with Image.open(io.BytesIO(data), formats=_formats()) as image:
                kind, mode, size = str(image.format), image.mode, image.size
                pages = _pages(image) if kind in _PAGED else 1
                # Pillow decodes a whole PNG to look for what most do not hold.
                told = kind != "PNG" or b"eXIf" in data or b"Raw profile type exif" in data
                turn = image.getexif().get(_ORIENTATION, 1) if told else 1
                return Header(kind, mode, size[0] * size[1], int(turn), pages)
    except Image.DecompressionBombError:
        return Header("", "", np.inf, 1, 1)
    except Exception:  # Pillow raises whatever a damaged header provokes
        return None


def _pages(image) -> int:
    """Pages of the size of the first: smaller ones that follow are previews of it."""
    count, size = getattr(image, "n_frames", 1), image.size
    if count > 1 and image.format == "TIFF":
        for page in range(1, count):
            image.seek(page)
            if image.size != size:
                count = page
                break
        image.seek(0)
    return count


def _by_opencv(data: bytes, page: int | None) -> np.ndarray | None:
    import cv2

    try:
        coded = np.frombuffer(data, np.uint8)
        with quiet():
            if page is None:
                image = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
            else:
                _, found = cv2.imdecodemulti(coded, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
                image = found[0] if found else None
    except cv2.error:
        return None
    if image is None or image.ndim == 2:
        return image if image is None else image[..., None]
    return image[..., 2::-1] if image.shape[-1] >= 3 else image[..., :1]


def _by_pillow(data: bytes, page: int, mode: str) -> np.ndarray | None:
    from PIL import Image

    try:
        with quiet(), Image.open(io.BytesIO(data), formats=_formats()) as image:
            image.seek(page)
            wanted = "L" if mode in ("LA", "La", "L") else "RGB"
            # Transparent pixels keep the colour that is stored under them, as elsewhere.
            found = np.asarray(image.convert("LA").getchannel(0) if wanted == "L" else _rgb(image))
    except Exception:  # of a damaged file
        return None
    return found[..., None] if found.ndim == 2 else found


def _rgb(image):
    return (
        image.convert("RGBA").convert("RGB") if image.mode in ("P", "PA") else image.convert("RGB")
    )


def _turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """The picture as EXIF's orientation 1..8 means it to be seen.

    >>> _turned(np.arange(6).reshape(2, 3, 1), 6)[..., 0]
    array([[3, 0],
           [4, 1],
           [5, 2]])
    """
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image


def _cut_short(data: bytes) -> bool:
    """Whether a file ends before its picture does: OpenCV fills the missing part with grey."""
    if data.startswith(b"\xff\xd8"):
        return not _jpeg_ends(data)
    if data.startswith(b"\x89PNG"):
        return not _png_ends(data)
    if data.startswith(b"RIFF"):
        return len(data) < 8 + struct.unpack("<I", data[4:8])[0]
    return data.startswith(b"BM") and len(data) < struct.unpack("<I", data[2:6])[0]


def _jpeg_ends(data: bytes) -> bool:
    """Whether the first picture's end mark is there; a preview's does not count."""
    at = 2
    while found := _JPEG_MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return True
        if marker not in (0x01, 0xD8):  # with a length
            at += int.from_bytes(data[at : at + 2], "big")
    return False


def _png_ends(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + size
    return False
