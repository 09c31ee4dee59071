"""Drawing in face coordinates: a face is designed once at 280x340 and drawn at any size.

Everything is computed in float64 and rounded to 8 bits at the end, so that the last-bit differences
between the maths libraries of two machines do not reach the image.
"""

import numpy as np

# Width and height of the frame in which faces are designed: about the crop of CASME II.
DESIGN_SIZE = (280, 340)


def curve(points: np.ndarray, closed: bool = False, steps: int = 8) -> np.ndarray:
    """A Catmull-Rom curve through `points` (N, 2), `steps` samples for each span.

    >>> curve(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), steps=2)[:, 0].tolist()
    [0.0, 0.4375, 1.0, 1.5625, 2.0]
    """
    points = np.asarray(points, float)
    if closed:
        before, after = np.roll(points, 1, 0), np.roll(points, -1, 0)
        after2 = np.roll(points, -2, 0)
        start, end = points, after
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
        before, start, end, after2 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (p[:, None, :] for p in (before, start, end, after2))
    spans = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    line = spans.reshape(-1, 2)
    return line if closed else np.concatenate([line, points[-1:]])


class Canvas:
    """A supersampled pixel grid over a frame of `size`, addressed in face coordinates.

    Args:
        size: (width, height) of the frame in pixels; the face is scaled to fit and centred.
        margin: pixels drawn beyond each edge of the frame, for the movement of the head.
        oversample: canvas pixels per frame pixel and axis.
        zoom: enlarges the face beyond what fits, for crops that show less than the whole head.
    """

    def __init__(self, size, margin: int = 12, oversample: int = 2, zoom: float = 1.0):
        width, height = size
        self.size, self.margin, self.oversample = (width, height), margin, oversample
        self.scale = min(width / DESIGN_SIZE[0], height / DESIGN_SIZE[1]) * zoom
        self.offset = np.array(
            [
                (width - 1) / 2 - self.scale * (DESIGN_SIZE[0] - 1) / 2,
                (height - 1) / 2 - self.scale * (DESIGN_SIZE[1] - 1) / 2,
            ]
        )
        self.shape = (
            (height + 2 * margin) * oversample,
            (width + 2 * margin) * oversample,
        )
        self.unit = self.scale * oversample  # canvas pixels per unit of face coordinates

    def to_frame(self, points) -> np.ndarray:
        """Face coordinates -> pixels of the frame."""
        return np.asarray(points, float) * self.scale + self.offset

    def to_canvas(self, points) -> np.ndarray:
        """Face coordinates -> pixels of the canvas."""
        return (self.to_frame(points) + self.margin + 0.5) * self.oversample - 0.5

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Face coordinates of the canvas columns (1, W) and rows (H, 1)."""
        height, width = self.shape
        pixel = [
            (np.arange(n) + 0.5) / self.oversample - 0.5 - self.margin for n in (width, height)
        ]
        x, y = ((p - o) / self.scale for p, o in zip(pixel, self.offset, strict=True))
        return x[None, :], y[:, None]

    def _fixed(self, points) -> np.ndarray:
        return np.rint(self.to_canvas(points) * 16).astype(np.int32).reshape(-1, 1, 2)

    def polygon(self, points, blur: float = 0.0) -> np.ndarray:
        """Coverage 0..1 of a filled polygon, blurred by `blur` units."""
        import cv2

        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, 4)
        return self.blur(mask / 255.0, blur)

    def strokes(self, lines, thickness: float, blur: float = 0.0) -> np.ndarray:
        """Coverage 0..1 of open lines of the given thickness in units."""
        import cv2

        mask = np.zeros(self.shape, np.uint8)
        width = max(1, round(thickness * self.unit))
        for line in lines:
            cv2.polylines(mask, [self._fixed(line)], False, 255, width, cv2.LINE_AA, 4)
        return self.blur(mask / 255.0, blur)

    def hairs(self, lines, shades, thickness: float) -> tuple[np.ndarray, np.ndarray]:
        """Draws lines over one another; returns the coverage and the shade (0..1) of each pixel."""
        import cv2

        cover, shade = np.zeros(self.shape, np.uint8), np.zeros(self.shape, np.uint8)
        width = max(1, round(thickness * self.unit))
        for line, value in zip(lines, shades, strict=True):
            fixed = [self._fixed(line)]
            cv2.polylines(cover, fixed, False, 255, width, cv2.LINE_AA, 4)
            cv2.polylines(shade, fixed, False, round(255 * float(value)), width, cv2.LINE_8, 4)
        return cover / 255.0, shade / 255.0

    def blur(self, plane: np.ndarray, sigma: float) -> np.ndarray:
        """Gaussian blur by `sigma` units; wide ones are done on a coarser grid."""
        sigma *= self.unit
        if sigma < 0.3:
            return plane
        if plane.ndim == 2 and sigma < 12:
            rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
            reach = int(4 * sigma) + 8
            if not rows.size:
                return plane
            top, left = max(rows[0] - reach, 0), max(columns[0] - reach, 0)
            part = np.s_[top : rows[-1] + reach + 1, left : columns[-1] + reach + 1]
            if plane[part].size < 0.7 * plane.size:  # a small feature on a large canvas
                blurred = np.zeros_like(plane)
                blurred[part] = self._blur(plane[part], sigma)
                return blurred
        return self._blur(plane, sigma)

    def _blur(self, plane, sigma):
        import cv2

        step = max(1, int(sigma // 4))
        if step == 1:
            return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        height, width = plane.shape[:2]
        small = cv2.resize(
            plane, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)

    def add_bump(self, plane, centre, sigma, height: float, angle: float = 0.0) -> None:
        """Adds a Gaussian in place; `sigma` is (along, across) a direction of `angle` degrees."""
        x, y = self.axes()
        along, across = sigma
        reach = 4 * max(along, across)
        columns = np.flatnonzero(np.abs(x[0] - centre[0]) < reach)
        rows = np.flatnonzero(np.abs(y[:, 0] - centre[1]) < reach)
        if not (columns.size and rows.size):
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        dx, dy = x[:, part[1]] - centre[0], y[part[0]] - centre[1]
        turn = np.deg2rad(angle)
        u = dx * np.cos(turn) + dy * np.sin(turn)
        v = dy * np.cos(turn) - dx * np.sin(turn)
        plane[part] += height * np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))

    def noise(self, rng, grain: float, octaves: int = 1) -> np.ndarray:
        """Smooth noise of unit deviation; the coarsest octave has features of `grain` units."""
        import cv2

        height, width = self.shape
        total = np.zeros(self.shape)
        for octave in range(octaves):
            step = max(1.0, grain * self.unit / 2**octave)
            small = rng.standard_normal((int(height / step) + 3, int(width / step) + 3))
            total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) / 1.4**octave
        return total / total.std()

    def finish(self, image: np.ndarray) -> np.ndarray:
        """Reduces (H, W, 3) values 0..255 to the frame's resolution, uint8, margin included."""
        import cv2

        height, width = (n // self.oversample for n in self.shape)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return np.clip(np.rint(small), 0, 255).astype(np.uint8)
