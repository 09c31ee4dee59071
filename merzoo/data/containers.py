"""Whether a film's file ends before its container says so.

What can be known depends on the container:

- AVI, MP4 and Matroska state the sizes of their parts, and ASF (`.wmv`) that of the whole file.
- FLV ends every part with its size, and its metadata may state the size of the whole file.
- MPEG-TS states no size, but is made of packets of one length: a file that ends within a packet was
  cut. One that was cut between two packets, one time in 188, looks like a whole one.
- MPEG program streams (`.mpg`), raw streams (`.h264`, `.mjpeg`) and Ogg say nothing: a cut there is
  not noticed. Nor is it in Matroska and ASF files that were broadcast, which state no sizes.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
# GUIDs of ASF's header and of its file properties.
_ASF = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
_ASF_FILE = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")
_SYNC = 0x47  # starts each packet of MPEG-TS
# Bytes from packet to packet of MPEG-TS, and where in each the packet starts: after a time in
# .m2ts files, and before a check sum in those of receivers.
_PACKETS = (188, 0), (192, 4), (204, 0)
_START = 4096  # bytes in which a file is recognised and states its size


def is_cut(path: Path) -> bool:
    """Whether a file ends before the sizes that its container states; `False` if unknown."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_START)
        if start[:4] == b"RIFF":
            return _end_of_riff(file) > size + 1  # an odd chunk's padding may be missing
        if start[4:8] in _BOXES:
            return _end_of_boxes(file, size) > size
        if start[:4] == b"\x1a\x45\xdf\xa3":
            return _end_of_segment(start) > size
        if start[:3] == b"FLV":
            return _stated_by_flv(start) > size or not _ends_in_tag(file, size)
        if start[:16] == _ASF:
            return _stated_by_asf(start) > size
        length = _packet_length(start)
        return bool(length and size % length)


def is_avi(path: Path) -> bool:
    """Whether a file is an AVI film, whose header counts the frames of its index."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[:4] == b"RIFF" and start[8:] == b"AVI "


def _end_of_riff(file: BinaryIO) -> int:
    at = 0
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return at
        at += 8 + int.from_bytes(head[4:8], "little")


def _end_of_boxes(file: BinaryIO, size: int) -> int:
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


def _stated_by_flv(start: bytes) -> float:
    """Bytes of the whole file by the number `filesize` of its metadata; 0 where it has none."""
    _, name, after = start.partition(b"\x00\x08filesize\x00")
    return struct.unpack(">d", after[:8])[0] if name and len(after) >= 8 else 0


def _ends_in_tag(file: BinaryIO, size: int) -> bool:
    """Whether the last four bytes are the length of a tag that starts so far before them."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4), "big")
    at = size - 4 - length
    if at < 13 or length < 11:
        return False
    file.seek(at)
    head = file.read(4)
    return head[0] & 0x1F in (8, 9, 18) and int.from_bytes(head[1:], "big") + 11 == length


def _stated_by_asf(start: bytes) -> int:
    """Bytes of the whole file by its properties; 0 where it was broadcast and states none."""
    at = start.find(_ASF_FILE)
    if at < 0 or len(start) < at + 92:
        return 0
    broadcast = start[at + 88] & 1
    return 0 if broadcast else int.from_bytes(start[at + 40 : at + 48], "little")


def _packet_length(start: bytes) -> int:
    """Bytes from packet to packet of MPEG-TS, 0 for anything else."""
    for length, first in _PACKETS:
        places = range(first, len(start), length)
        if len(places) > 4 and all(start[at] == _SYNC for at in places):
            return length
    return 0
