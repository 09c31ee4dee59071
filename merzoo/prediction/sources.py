"""What can be predicted on: videos, folders, pairs of images, pictures in memory, a camera."""

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.arguments import real_number
from merzoo.data.frames import (
    IMAGE_SUFFIXES,
    ArrayFrames,
    Frames,
    ImageFrames,
    VideoFrames,
    one_image,
)
from merzoo.data.kept import Kept
from merzoo.data.synthetic.generate import RECIPE
from merzoo.data.synthetic.long import plan_long, write_long
from merzoo.data.videos import place_video
from merzoo.errors import InputError
from merzoo.home import home
from merzoo.listing import left_by_system
from merzoo.prediction.given import WANTED, held, pictures
from merzoo.quiet import quiet
from merzoo.whole import temporary_beside

SAMPLE = "sample"
SAMPLE_SEED, SAMPLE_SECONDS, SAMPLE_RATE = 40_348, 5.0, 100.0
# Bytes of decoded frames that stay in memory; those of larger films and folders go to a temporary
# file.
_KEPT = 256 << 20
_CAMERA = re.compile(r"webcam:(\d{1,3}|(?:https?|rtsp)://\S+)")


@dataclass(frozen=True)
class Source:
    """Something to predict on.

    Args:
        name: as the user gave it.
        kind: `"video"`, `"folder"`, `"frames"` (in memory) or `"pair"`.
        frames: of it, read lazily.
        given_fps: frames per second that the user gave, or `None`.
    """

    name: str
    kind: str
    frames: Frames
    given_fps: float | None = None

    @property
    def film(self) -> VideoFrames | None:
        """The frames if their times are a film's own, else `None`."""
        own = self.given_fps is None and isinstance(self.frames, VideoFrames)
        return self.frames if own else None  # type: ignore[return-value]

    @property
    def fps(self) -> float | None:
        """Frames per second, or `None` if unknown; a film is read to its end for it."""
        if self.film is None:
            return self.given_fps
        rate = float(self.film.fps)
        if not (math.isfinite(rate) and 1 <= rate <= 10_000):
            raise InputError(
                f"{self.name}: its frame rate ({rate:g}) cannot be right; give fps (--fps)."
            )
        return rate

    @property
    def times(self) -> np.ndarray | None:
        """(T,) seconds of each frame from the first, or `None` if unknown."""
        if self.film is not None:
            return (self.film.times - self.film.times[0]) / 1000
        return None if self.fps is None else np.arange(len(self.frames)) / self.fps


class _KeptFrames(Frames):
    """Images that are decoded once; so many bytes of them stay in memory (see `Kept`)."""

    def __init__(self, frames: Frames, keep: int):
        self.frames, self.numbers, self.name = frames, frames.numbers, frames.name
        self._kept = Kept(keep)

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]  # more once they were read
        full = (f"{self.name}: {self._kept.full}",) if self._kept.full else ()
        return (*self.frames.notes, *full)

    def _read(self, position):
        if position in self._kept:
            return self._kept[position]
        picture = self.frames[position]
        self._kept.add(position, picture, len(self))
        return picture


def open_source(given, fps: float | None = None) -> Source:
    """Opens an input.

    Args:
        given: a `Source`, which is open already; path of a video or of a folder of images; paths of
            images in order (two are onset and
            apex); pictures in memory, see `pictures`; or `"sample"`, merzoo's own synthetic video.
        fps: frames per second, for a folder or pictures, or a video whose file states them wrongly.

    Raises:
        InputError: if it cannot be used, saying why.
    """
    if fps is not None:
        real_number("fps", fps, least=1, most=10_000)
    if isinstance(given, Source):
        return given
    if isinstance(given, VideoFrames):
        return Source(given.name, "video", VideoFrames(given.path, _KEPT), fps)
    if isinstance(given, Frames):
        return Source(given.name, "frames", given, fps)
    if not isinstance(given, str | os.PathLike):
        return _in_memory(given, fps)
    if str(given) == SAMPLE:
        return Source(SAMPLE, "video", VideoFrames(sample_video(), _KEPT))
    path = Path(given)
    if path.is_dir():
        _not_of_videos(path)
        return Source(str(given), "folder", _KeptFrames(ImageFrames.from_folder(path), _KEPT), fps)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
        pages = one_image(path)
        if len(pages) > 1:
            return Source(str(given), "folder", _KeptFrames(pages, _KEPT), fps)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(f"{path}: one image shows no movement; give onset and apex.")
    if not path.is_file():
        raise InputError(f"{path}: no such video or folder of frames.")
    return Source(str(given), "video", VideoFrames(path, _KEPT), fps)


def takes_rate(given) -> bool:
    """Whether an input has use for frames per second: not the sample, nor two pictures.

    >>> takes_rate("a.mp4"), takes_rate("sample"), takes_rate(("onset.png", "apex.png"))
    (True, False, False)
    """
    if isinstance(given, Source):
        return given.kind != "pair" and given.name != SAMPLE
    if isinstance(given, tuple | list | np.ndarray):
        return len(given) != 2
    return str(given) != SAMPLE


def check_rate(sources: Sequence, fps: float | None) -> None:
    """Raises `InputError` for frames per second that none of the inputs has use for."""
    if fps is not None and sources and not any(map(takes_rate, sources)):
        where = "for the sample and for pairs of images"
        raise InputError(f"fps (--fps) has no effect {where}: leave it out.")


def _in_memory(given, fps: float | None) -> Source:
    """Paths of images, or pictures: an array of them, a list, or what yields them."""
    if not isinstance(given, np.ndarray):
        if not isinstance(given, Iterable):
            raise InputError(f"a {type(given).__name__} is nothing to predict on: {WANTED}.")
        given = list(given)
    if len(given) and all(isinstance(one, str | os.PathLike) for one in given):
        return _of_paths(given, fps)
    frames = pictures(given)
    if len(frames) > 2:
        return Source(frames.name, "frames", frames, fps)
    if len(frames) == 1:
        raise InputError(f"{frames.name}: one image shows no movement; give onset and apex.")
    return Source(frames.name, "pair", frames)


def _of_paths(given: Sequence, fps: float | None) -> Source:
    if len(given) == 2:
        return _pair(given)
    if len(given) == 1:
        return open_source(given[0], fps)
    paths = [Path(path) for path in given]
    other = next((path for path in paths if path.suffix.lower() not in IMAGE_SUFFIXES), None)
    if other is not None:
        raise InputError(
            f"{other}: no image; of several files predict takes the frames of one clip, and "
            "predict_files takes several videos."
        )
    frames = ImageFrames(paths, range(len(paths)))
    return Source(f"{paths[0]} to {paths[-1].name}", "folder", _KeptFrames(frames, _KEPT), fps)


def _not_of_videos(folder: Path) -> None:
    images, videos, _ = held(folder)
    if videos and len(videos) >= len(images):
        raise InputError(
            f"{folder}: holds {len(videos)} videos; predict takes one, such as {videos[0]}, and "
            "predict_files (or merzoo predict FOLDER) all of them."
        )


def _pair(given: Sequence) -> Source:
    onset, apex = ImageFrames([Path(path) for path in given], [0, 1])  # of one depth
    if onset.shape[:2] != apex.shape[:2]:
        raise InputError(
            f"onset is {onset.shape[1]}x{onset.shape[0]} and apex is "
            f"{apex.shape[1]}x{apex.shape[0]} pixels: give two frames of one clip."
        )
    if onset.shape != apex.shape:
        onset, apex = (np.broadcast_to(image, (*image.shape[:2], 3)) for image in (onset, apex))
    name = " + ".join(str(path) for path in given)
    return Source(name, "pair", ArrayFrames(np.stack([onset, apex]), name))


def group_inputs(given: Sequence[str]) -> list:
    """The command line's inputs: each two images that follow one another are a pair.

    >>> group_inputs(["a.mp4", "onset.png", "apex.png"])
    ['a.mp4', ('onset.png', 'apex.png')]
    """
    groups: list[str | tuple[str, str]] = []
    waiting = None
    for text in given:
        if left_by_system(Path(text).name):  # of a pattern such as clips/*
            continue
        image = Path(text).suffix.lower() in IMAGE_SUFFIXES and not Path(text).is_dir()
        if waiting is not None:
            if not image:
                break
            groups.append((waiting, text))
            waiting = None
        elif image:
            waiting = text
        else:
            groups.append(text)
    if waiting is not None:
        raise InputError(f"{waiting}: one image shows no movement; give onset and apex, in order.")
    return groups


def sample_video() -> Path:
    """merzoo's own synthetic video, made at the first call: a person that no weights have seen."""
    name = f"sample-{RECIPE}-{SAMPLE_SEED}-{SAMPLE_SECONDS:g}s.avi"
    path = home("synthetic", name)
    if not path.is_file():
        write_long(path, plan_long(SAMPLE_SEED, SAMPLE_SECONDS, "easy", SAMPLE_RATE))
    return path


def camera_of(text: str) -> int | str | None:
    """The number or address of a camera, or `None` for anything else.

    >>> camera_of("webcam:1"), camera_of("webcam:http://10.0.0.7:8080/video")
    (1, 'http://10.0.0.7:8080/video')
    >>> camera_of("video.mp4")
    """
    found = _CAMERA.fullmatch(str(text))
    if found is None:
        return None
    return int(found[1]) if found[1].isdigit() else found[1]


def check_seconds(seconds: float) -> None:
    """Raises `InputError` for no time that a camera can be recorded for, 0.5 to 600 seconds."""
    real_number("seconds", seconds, least=0.5, most=600)


def record(
    camera: int | str,
    path: Path,
    seconds: float,
    progress: Callable[[float], None] = lambda done: None,
) -> Path:
    """Records a camera into a video file at the rate at which its frames really came.

    Args:
        camera: its number, from 0, or the address of its stream (HTTP or RTSP).
        path: `.avi` file to write.
        seconds: how long, 0.5 to 600.
        progress: called with the seconds recorded.

    Raises:
        InputError: if there is no such camera, or it gives no frames.
    """
    import cv2

    check_seconds(seconds)
    temporary = temporary_beside(path, path.suffix)
    capture, frame = open_camera(camera)
    try:
        ok = True
        path.parent.mkdir(parents=True, exist_ok=True)
        rate = measured_rate(capture)
        size = (frame.shape[1], frame.shape[0])
        code = cv2.VideoWriter_fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(temporary), cv2.CAP_OPENCV_MJPEG, code, rate, size)
        start, written = time.monotonic(), 0
        while ok and (done := time.monotonic() - start) < seconds:
            writer.write(frame)
            written += 1
            progress(done)
            ok, frame = capture.read()
        writer.release()
        place_video(temporary, path, written)
    finally:
        capture.release()
        temporary.unlink(missing_ok=True)
    return path


def open_camera(camera: int | str) -> tuple:
    """OpenCV's capture of a camera, and the first picture (H, W, 3) BGR.

    Raises:
        InputError: if there is no such camera, or it gives no pictures.
    """
    import cv2

    with quiet():
        capture = cv2.VideoCapture(camera)
    ok, frame = capture.read() if capture.isOpened() else (False, None)
    if not ok or frame is None:
        capture.release()
        raise InputError(
            f"webcam:{camera}: no camera there gives pictures; connect one, or give a video file."
        )
    return capture, frame


def measured_rate(capture, frames: int = 20) -> float:
    """Frames per second that a camera gives: what it states is often wrong."""
    start = time.monotonic()
    count = sum(capture.read()[0] for _ in range(frames))
    return max(1.0, count / max(time.monotonic() - start, 1e-3))
