"""The annotated video: the frames with the face's box and the class, over a timeline.

The timeline holds the curve of movement, the segments in the colours of their classes with a stroke
at each apex, and a line where the picture is. WebM with VP8, which every browser plays.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from merzoo.data.unit_labels import NONE
from merzoo.data.videos import is_variable, place_video
from merzoo.errors import InputError
from merzoo.prediction.results import Prediction, Segment, shown_units
from merzoo.quiet import quiet
from merzoo.whole import temporary_beside

# RGB; told apart by most colour-blind people.
COLOURS = ((230, 97, 60), (60, 150, 220), (235, 185, 50), (120, 180, 90), (170, 110, 200))
_UNKNOWN = (140, 140, 140)
_INK, _PAPER, _CURVE = (235, 235, 235), (28, 30, 34), (150, 160, 172)
_WIDTHS = (360, 720)  # pixels of the picture
_STRIP = 132  # pixels of the timeline
_MARGIN = 14
_RATE = 60.0  # frames per second that are written, at most


def class_colour(classes, label: str, known: bool | None = None) -> tuple[int, int, int]:
    """The RGB colour of a class; of a combination of action units the colour of its first; grey
    where it is not `known`.

    >>> class_colour(("negative", "positive"), "positive")
    (60, 150, 220)
    >>> class_colour(("negative", "positive"), "positive", known=False)
    (140, 140, 140)
    """
    if known is False:
        return _UNKNOWN
    names = list(classes)
    if label == NONE and NONE not in names:  # no action unit
        return _INK
    first = label if label in names else label.partition("+")[0]
    return COLOURS[names.index(first) % len(COLOURS)]


def write_annotated(
    path: Path,
    frames,
    result: Prediction,
    progress: Callable[[int, int], None] = lambda done, total: None,
    share: float = 0.5,
) -> None:
    """Writes the annotated video of a prediction, whole or not at all.

    Args:
        path: ends in `.webm`.
        frames: of the video, read in order.
        result: with its segments.
        progress: called with frames done and frames in all.
        share: width of the picture over that of the frames; it has 360 to 720 pixels all the same.

    Raises:
        InputError: where OpenCV cannot write it.
    """
    import cv2

    rate = result.fps or 25.0
    step = max(1, round(rate / _RATE))
    last = int(result.positions[-1]) + 1 if len(result.positions) else len(frames)
    drawing: _Drawing | None = None
    writer: Any = None
    temporary = temporary_beside(path, path.suffix)
    try:
        shown = _shown(result.times, rate / step, last, step)
        for position in shown:
            frame = frames[position]
            if drawing is None:
                drawing = _Drawing(result, frame.shape, last, share)
                code = cv2.VideoWriter_fourcc(*"VP80")
                size = (drawing.width, drawing.height)
                with quiet():  # WebM has no tag for its codec, which does not matter
                    writer = cv2.VideoWriter(str(temporary), code, rate / step, size)
                if not writer.isOpened():
                    raise InputError(f"{path}: this build of OpenCV cannot write WebM there.")
            writer.write(drawing.page(frame, position)[..., ::-1])
            progress(min(position + step, last), last)
        writer.release()
        place_video(temporary, path, len(shown))
    finally:
        temporary.unlink(missing_ok=True)


def _shown(times: np.ndarray | None, rate: float, last: int, step: int) -> list[int]:
    """The frames to write: of a film of uneven times, the one that is seen at each moment."""
    if times is None or not is_variable(1000 * times[:last]):
        return list(range(0, last, step))
    moments = np.arange(0, times[last - 1] + 0.5 / rate, 1 / rate)
    return (np.searchsorted(times[:last], moments + 1e-6, side="right") - 1).tolist()


class _Drawing:
    """What is alike in all pictures of one video, drawn once."""

    def __init__(self, result: Prediction, shape: tuple, last: int, share: float):
        self.result, self.last = result, last
        # Even sides, which the codec needs.
        self.width = int(np.clip(share * shape[1], *_WIDTHS)) // 2 * 2
        self.scale = self.width / shape[1]
        self.picture = round(shape[0] * self.scale) // 2 * 2
        self.height = self.picture + _STRIP
        self.places = np.array([position for position, _ in result.faces])
        self.strip = self._strip()

    def page(self, frame: np.ndarray, position: int) -> np.ndarray:
        """(height, width, 3) RGB of one frame."""
        import cv2

        page = np.empty((self.height, self.width, 3), np.uint8)
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(frame, (self.width, self.picture), interpolation=how)
        page[: self.picture] = picture.reshape(self.picture, self.width, -1)
        page[self.picture :] = self.strip
        now = [s for s in self.result if s.onset <= position <= s.offset]
        colour = self._colour(now[0]) if now else _INK
        self._box(page, position, colour)
        if now:
            text, label = now[0].shown, now[0].label
            if label in now[0].probabilities:
                text += f" ({label}?)" if now[0].known is False else ""
                text += f" {now[0].probabilities[label]:.2f}"
                text += f", {shown_units(now[0].units)}" if now[0].units else ""
            _label(page, text, colour)
        x = self._x(position)
        cv2.line(page, (x, self.picture + 4), (x, self.height - 34), (255, 255, 255), 1)
        return page

    def _colour(self, segment: Segment) -> tuple[int, int, int]:
        return class_colour(self.result.model["classes"], segment.label, segment.known)

    def _box(self, page, position, colour):
        import cv2

        face = self.result.faces[int(np.abs(self.places - position).argmin())][1]
        y1, x1, y2, x2 = (round(v * self.scale) for v in face.box)
        cv2.rectangle(page[: self.picture], (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)

    def _x(self, position) -> int:
        room = self.width - 2 * _MARGIN
        return _MARGIN + round(room * position / max(self.last - 1, 1))

    def _strip(self) -> np.ndarray:
        import cv2

        strip = np.full((_STRIP, self.width, 3), _PAPER, np.uint8)
        top, bottom = 8, _STRIP - 38
        for segment in self.result:
            colour = self._colour(segment)
            ends = [self._x(i) for i in (segment.onset, segment.offset)]
            part = strip[top:bottom, ends[0] : max(ends[1], ends[0] + 1) + 1]
            part[:] = (0.45 * np.array(colour) + 0.55 * part).astype(np.uint8)
            apex = self._x(segment.apex)
            cv2.line(strip, (apex, top), (apex, bottom), colour, 2)
        for line in self._curve(top, bottom):
            cv2.polylines(strip, [line], False, _CURVE, 1, cv2.LINE_AA)
        cv2.line(strip, (_MARGIN, bottom), (self.width - _MARGIN, bottom), _INK, 1)
        self._axis(strip, bottom)
        self._legend(strip)
        return strip

    def _curve(self, top, bottom) -> list[np.ndarray]:
        """Polylines of the curve, its largest value in each column, broken where it is unknown."""
        curve = np.asarray(self.result.curve, float)
        known = np.isfinite(curve)
        if not known.any():
            return []
        columns = np.array([self._x(p) for p in self.result.positions])
        peak = np.full(self.width, -np.inf)
        np.maximum.at(peak, columns[known], curve[known])
        x = np.flatnonzero(np.isfinite(peak))
        y = bottom - (bottom - top) * peak[x] / max(peak.max(), 1e-9)
        points = np.stack([x, y], 1).round().astype(np.int32)
        gap = max(2, int(np.diff(columns).max(initial=1)) + 1)
        return np.split(points, np.flatnonzero(np.diff(x) > gap) + 1)

    def _axis(self, strip, bottom):
        times = self.result.times
        for share in (0, 0.25, 0.5, 0.75, 1):
            position = round(share * (self.last - 1))
            text = f"{position}" if times is None else f"{times[position]:.1f} s"
            x = self._x(position)
            anchor = x if share == 0 else x - 36 if share == 1 else x - 16
            _text(strip, text, (anchor, bottom + 14), 0.38, _INK)

    def _legend(self, strip):
        x = _MARGIN
        for name in self.result.model["classes"]:
            colour = class_colour(self.result.model["classes"], name)
            strip[_STRIP - 14 : _STRIP - 5, x : x + 9] = colour
            _text(strip, name, (x + 14, _STRIP - 5), 0.4, _INK)
            x += 34 + 8 * len(name)


def _label(page, text: str, colour) -> None:
    import cv2

    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 2)
    page[8 : height + 24, 8 : width + 24] = _PAPER
    _text(page, text, (16, height + 16), 0.7, colour, 2)


def _text(page, text: str, place, size: float, colour, thickness: int = 1) -> None:
    import cv2

    plain = text.encode("ascii", "replace").decode()  # OpenCV draws no other letters
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(page, plain, place, font, size, colour, thickness, cv2.LINE_AA)
