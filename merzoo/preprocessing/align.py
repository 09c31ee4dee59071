"""Alignment: one geometric transform per clip, fitted on its first frame, applied to every frame.

A transform per frame would remove part of the expression; so similarity (the default), piecewise
affine, and the local weighted mean (Goshtasby, "Image registration by local approximation methods",
Image and Vision Computing 6, 1988) are all fitted once and kept. Positions are x, y in pixels, 0 in
the middle of the first pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.face import Face
from merzoo.preprocessing.landmarks import EYE_CORNERS, eye_centres, reference_face

Transform = Callable[[np.ndarray], np.ndarray]  # (N, 2) x y -> (N, 2) x y

# Weight of the global affine beside the local polynomials: it only counts where they do not reach.
_GLOBAL_WEIGHT = 1e-3


@dataclass(frozen=True)
class Alignment:
    """A fitted transform between frame and face crop.

    Args:
        to_crop: maps positions in the frame to positions in the crop.
        to_frame: maps positions in the crop to positions in the frame.
        height, width: of the crop, pixels.
    """

    to_crop: Transform
    to_frame: Transform
    height: int
    width: int
    _maps: list = field(default_factory=list, repr=False)

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """The face crop of a frame: (H, W, C) uint8 or float32 -> (height, width, C), bilinear.

        Where the frame is more than 1.5 times finer than the crop, it is sampled at its own
        resolution and averaged. Outside the frame its edge is repeated.
        """
        import cv2

        if not self._maps:
            self._maps.extend(self._sampling())
        x, y = self._maps
        crop = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if crop.shape[:2] != (self.height, self.width):
            crop = cv2.resize(crop, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return crop.reshape(self.height, self.width, -1)

    @property
    def step(self) -> float:
        """Frame pixels per crop pixel, along the side where it is larger."""
        right, down = [self.width, 0], [0, self.height]
        a, b, c = self.to_frame(np.array([[0, 0], right, down], np.float64) - 0.5)
        return float(max(np.hypot(*(b - a)) / self.width, np.hypot(*(c - a)) / self.height))

    def _sampling(self):
        fine = round(self.step) if self.step > 1.5 else 1
        y, x = np.mgrid[: self.height * fine, : self.width * fine]
        places = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / fine - 0.5
        maps = self.to_frame(places).astype(np.float32).reshape(*x.shape, 2)
        return np.ascontiguousarray(maps[..., 0]), np.ascontiguousarray(maps[..., 1])


def align(face: Face, height: int, width: int, method: str = "similarity") -> Alignment:
    """Fits the transform that brings a face to its place in a crop.

    Args:
        face: found in the first frame of the clip.
        height, width: of the crop, pixels.
        method: `"similarity"` (turn, scale and shift by the four eye corners, or by the two eye
            centres without landmarks), `"piecewise_affine"` or `"local_weighted_mean"` (both bring
            all 68 landmarks to the reference face). A face of the detector `"none"` has no eyes:
            its frame is scaled to the crop, whatever the method.

    Returns:
        An `Alignment`.

    Raises:
        InputError: for an unknown method, or one that needs landmarks the face lacks.

    Example:

    >>> whole = align(Face((0, 0, 100, 200)), 50, 100)
    >>> whole.apply(np.zeros((100, 200, 1), "uint8")).shape
    (50, 100, 1)
    """
    if method not in ALIGNMENTS:
        raise unknown("alignment", method, ALIGNMENTS)
    if face.eyes is None:
        return _whole(face.box, height, width)
    reference = reference_face(height, width)
    if method == "similarity":
        if face.landmarks is None:
            source, target = face.eyes, eye_centres(reference)
        else:
            corners = np.array(EYE_CORNERS) - 1
            source, target = face.landmarks[corners], reference[corners]
    elif face.landmarks is None:
        raise InputError(
            f"the alignment {method!r} needs 68 landmarks: choose the detector 'dlib', or the "
            "alignment 'similarity'."
        )
    else:
        source, target = face.landmarks, reference
    fit = ALIGNMENTS[method]
    if method == "piecewise_affine":  # the mesh must cover the crop's corners
        source, target = _with_frame(source, target, height, width)
    return Alignment(fit(source, target), fit(target, source), height, width)


def similarity(source: np.ndarray, target: np.ndarray) -> Transform:
    """The least-squares turn, scale and shift from `source` to `target`.

    Args:
        source, target: (N, 2) x, y of the same N >= 2 points.

    Returns:
        A function (M, 2) -> (M, 2).

    Example:

    >>> move = similarity([[0, 0], [1, 0]], [[5, 5], [5, 7]])  # a quarter turn, twice the size
    >>> move(np.array([[0.0, 1.0]])).round(6).tolist()
    [[3.0, 5.0]]
    """
    source, target = _pairs(source, target, at_least=2)
    z, w = _complex(source), _complex(target)
    deviation = z - z.mean()
    spread = (np.abs(deviation) ** 2).sum()
    if spread == 0:
        raise InputError("alignment: all points fall on one place.")
    factor = (np.conj(deviation) * (w - w.mean())).sum() / spread
    shift = w.mean() - factor * z.mean()

    def transform(points):
        moved = factor * _complex(np.asarray(points, np.float64)) + shift
        return np.stack([moved.real, moved.imag], -1)

    return transform


def affine(source: np.ndarray, target: np.ndarray) -> Transform:
    """The least-squares affine transform from `source` to `target` (N >= 3 points)."""
    source, target = _pairs(source, target, at_least=3)
    scale = _Scale(source)
    weights = np.linalg.lstsq(_linear(scale(source)), target, rcond=None)[0]
    return lambda points: _linear(scale(points)) @ weights


def piecewise_affine(source: np.ndarray, target: np.ndarray) -> Transform:
    """One affine transform per Delaunay triangle of `source`; the global one outside their hull.

    Args:
        source, target: (N, 2) x, y of the same N >= 3 points, not all on one line.

    Returns:
        A function (M, 2) -> (M, 2) that takes every source point exactly to its target.
    """
    from scipy.spatial import Delaunay

    source, target = _pairs(source, target, at_least=3)
    mesh = Delaunay(source)
    outside = affine(source, target)

    def transform(points):
        points = np.asarray(points, np.float64)
        moved = outside(points)
        triangle = mesh.find_simplex(points)
        inside = np.flatnonzero(triangle >= 0)
        chosen = triangle[inside]
        basis = mesh.transform[chosen]  # (M, 3, 2): two rows of the inverse, then the origin
        first = np.einsum("mij,mj->mi", basis[:, :2], points[inside] - basis[:, 2])
        weights = np.concatenate([first, 1 - first.sum(1, keepdims=True)], 1)
        moved[inside] = np.einsum("mk,mkj->mj", weights, target[mesh.simplices[chosen]])
        return moved

    return transform


def local_weighted_mean(source: np.ndarray, target: np.ndarray, neighbours: int = 12) -> Transform:
    """Second-order polynomials around each point, blended by Goshtasby's weight.

    Around each source point a polynomial of order two is fitted to its nearest `neighbours` points;
    its weight falls as 1 - 3 R^2 + 2 R^3, R the distance over that of the last of them. Where no
    polynomial reaches, the global affine transform holds.

    Args:
        source, target: (N, 2) x, y of the same points, N >= neighbours.
        neighbours: points per polynomial, from 6 (its number of coefficients).

    Returns:
        A function (M, 2) -> (M, 2).

    Raises:
        InputError: for too few points or neighbours.

    Source:
        Goshtasby 1988, with n = 12 as in MATLAB's `lwm`.
    """
    source, target = _pairs(source, target, at_least=max(neighbours, 6))
    if neighbours < 6:
        raise InputError(f"local weighted mean: neighbours must be 6 or more, got {neighbours}.")
    distance = np.linalg.norm(source[:, None] - source[None], axis=-1)  # (N, N)
    nearest = np.argsort(distance, axis=1)[:, :neighbours]
    radius = np.take_along_axis(distance, nearest[:, -1:], 1)[:, 0]
    fits = []
    for rows in nearest:
        scale = _Scale(source[rows])
        design = _quadratic(scale(source[rows]))
        fits.append((scale, np.linalg.lstsq(design, target[rows], rcond=None)[0]))
    outside = affine(source, target)

    def transform(points):
        points = np.asarray(points, np.float64)
        total = np.full((len(points), 1), _GLOBAL_WEIGHT)
        moved = _GLOBAL_WEIGHT * outside(points)
        for centre, reach, (scale, weights) in zip(source, radius, fits, strict=True):
            r = np.linalg.norm(points - centre, axis=1) / reach
            near = np.flatnonzero(r < 1)
            weight = (1 - 3 * r[near] ** 2 + 2 * r[near] ** 3)[:, None]
            moved[near] += weight * (_quadratic(scale(points[near])) @ weights)
            total[near] += weight
        return moved / total

    return transform


ALIGNMENTS = {
    "similarity": similarity,
    "piecewise_affine": piecewise_affine,
    "local_weighted_mean": local_weighted_mean,
}
BY_LANDMARKS = ("piecewise_affine", "local_weighted_mean")


class _Scale:
    """Centres and scales positions, so that the fits are well conditioned."""

    def __init__(self, points):
        self.middle = points.mean(0)
        self.size = max(float(np.abs(points - self.middle).max()), 1e-9)

    def __call__(self, points):
        return (np.asarray(points, np.float64) - self.middle) / self.size


def _linear(p):
    return np.stack([np.ones(len(p)), p[:, 0], p[:, 1]], -1)


def _quadratic(p):
    x, y = p[:, 0], p[:, 1]
    return np.stack([np.ones(len(p)), x, y, x * y, x * x, y * y], -1)


def _complex(points):
    return points[:, 0] + 1j * points[:, 1]


def _pairs(source, target, at_least):
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise InputError(
            f"alignment: needs two equal lists of x y points, got {source.shape}, {target.shape}."
        )
    if len(source) < at_least:
        raise InputError(f"alignment: needs at least {at_least} points, got {len(source)}.")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise InputError("alignment: a point is NaN or infinite.")
    return source, target


def _with_frame(source, target, height, width):
    """Adds the corners and edge middles of the crop, carried over by the global affine."""
    x, y = np.meshgrid([-0.5, width / 2 - 0.5, width - 0.5], [-0.5, height / 2 - 0.5, height - 0.5])
    frame = np.delete(np.stack([x, y], -1).reshape(-1, 2), 4, axis=0)  # not the middle
    carried = affine(target, source)(frame)
    return np.concatenate([source, carried]), np.concatenate([target, frame])


def _whole(box, height, width) -> Alignment:
    y1, x1, y2, x2 = box
    origin = np.array([x1, y1])
    scale = np.array([width / (x2 - x1), height / (y2 - y1)])
    return Alignment(
        lambda p: (np.asarray(p, np.float64) - origin + 0.5) * scale - 0.5,
        lambda p: (np.asarray(p, np.float64) + 0.5) / scale - 0.5 + origin,
        height,
        width,
    )
