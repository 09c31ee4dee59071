"""The apex frame: as annotated, or spotted by one of three published measures.

Each spotter looks at aligned face crops from onset to offset and returns an `Apex`: its index, the
whole curve whose peak it is, and a confidence. `pixel_ratio` follows Zhu et al. 2023 (Key Regions,
Eq. 16-17), `dc_rois` Liong et al. 2015 with the similarity of DFR-Net Eq. 1, `flow` the mean
magnitude of the optical flow from the onset, once the motion of the head is taken away.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError, unknown
from merzoo.preprocessing.flow import farneback_flow, grey
from merzoo.preprocessing.landmarks import reference_face

# Landmarks (1-based) that each region of interest of D&C-RoIs encloses.
ROIS = {
    "left eye and brow": (*range(18, 23), *range(37, 43)),
    "right eye and brow": (*range(23, 28), *range(43, 49)),
    "mouth": tuple(range(49, 69)),
}
_ROI_MARGIN = 0.15  # of the region's own sides, added on each side
_BLOCKS = 5  # blocks per side of a region


@dataclass(frozen=True)
class Apex:
    """Where a clip's expression peaks.

    Args:
        index: 0-based position in the frames that were looked at.
        curve: (T,) float64, the measure of each frame; NaN where it is not defined.
        confidence: 0..1: by how much of the curve's range the peak exceeds everything farther from
            it than an eighth of the clip; 0 says that another place is as good.
        method: name of the spotter.
    """

    index: int
    curve: np.ndarray
    confidence: float
    method: str


def annotated(clip: Clip) -> Apex:
    """The apex as the dataset annotates it.

    Args:
        clip: with `apex`, and `onset` and `offset` where it has them.

    Returns:
        `Apex` with the position in `clip.frames`, a curve that is 1 there and 0 elsewhere, and
        confidence 1.

    Raises:
        InputError: for a clip without an apex, or one outside onset..offset or the frames.

    Example:

    >>> annotated(Clip("d", "d/s", "c", range(5), onset=0, apex=3, offset=4)).index
    3
    """
    name = f"{clip.dataset} {clip.id}"
    if clip.apex is None:
        raise InputError(
            f"{name}: has no annotated apex; choose a spotter: {', '.join(sorted(SPOTTERS))}."
        )
    onset, offset = clip_range(clip)
    if not onset <= clip.apex <= offset:
        raise InputError(
            f"{name}: the annotated apex {clip.apex} lies outside onset..offset "
            f"{onset}..{offset}; choose a spotter: {', '.join(sorted(SPOTTERS))}."
        )
    curve = np.zeros(len(clip.frames))
    curve[clip.apex] = 1
    return Apex(clip.apex, curve, 1.0, "annotated")


def clip_range(clip: Clip) -> tuple[int, int]:
    """Onset and offset of a clip as positions in its frames: all of it where not annotated.

    Raises `InputError` for positions outside the frames, or an offset before the onset.
    """
    last = len(clip.frames) - 1
    onset = 0 if clip.onset is None else clip.onset
    offset = last if clip.offset is None else clip.offset
    broken_off = getattr(clip.frames, "broken_off", None)  # of a film that is cut
    if broken_off and (clip.offset is None or offset > last):
        raise InputError(broken_off)
    if not 0 <= onset <= offset <= last:
        raise InputError(
            f"{clip.dataset} {clip.id}: onset..offset {onset}..{offset} does not fit its "
            f"{last + 1} frames; check the annotation."
        )
    return onset, offset


def pixel_ratio(frames: Sequence[np.ndarray]) -> Apex:
    """The frame that differs most from onset and offset, relative to its difference from the last.

    Per pixel, in grey levels: (|x_i - x_j| + 1) / (|x_i - x_(i-1)| + 1) for j the onset and j the
    offset, added up and averaged over the face. Onset and offset themselves are excluded.

    Args:
        frames: T >= 3 crops of one size, (H, W), (H, W, 1) or (H, W, 3), 0..255.

    Returns:
        `Apex`; the curve is NaN at both ends.

    Raises:
        InputError: for fewer than three frames.

    Source:
        Zhu, Li, Liu, Zeng 2023, Eq. 16-17.

    Example:

    >>> rise = [0, 10, 20, 30, 20, 10, 0]
    >>> pixel_ratio([np.full((4, 4), level, "uint8") for level in rise]).index
    3
    """
    _enough(frames, "pixel_ratio")
    onset, offset = grey(frames[0]), grey(frames[-1])
    curve = np.full(len(frames), np.nan)
    before = onset
    for i in range(1, len(frames) - 1):
        now = grey(frames[i])
        change = np.abs(now - before) + 1
        both = np.abs(now - onset) + 1 + np.abs(now - offset) + 1
        curve[i] = (both / change).mean(dtype=np.float64)
        before = now
    return _peak(int(np.nanargmax(curve)), curve, "pixel_ratio")


def dc_rois(frames: Sequence[np.ndarray], landmarks: np.ndarray | None = None) -> Apex:
    """Divide and conquer on the change of local binary patterns around eyes and mouth.

    Each region of interest is cut into 5x5 blocks, each block described by the histogram of its
    uniform local binary patterns (8 neighbours at radius 1, 59 bins). The curve is the mean over
    the three regions of 1 - cosine similarity to the onset. The search halves the clip, keeps the
    half whose local peaks have the larger sum, and ends with one peak.

    Args:
        frames: T >= 3 aligned crops of one size, (H, W), (H, W, 1) or (H, W, 3), 0..255.
        landmarks: (68, 2) x, y in pixels of the crop; where `None`, those of the reference face,
            to which `merzoo.preprocessing.align` brings every crop.

    Returns:
        `Apex`.

    Raises:
        InputError: for fewer than three frames, or regions too small for 5x5 blocks.

    Source:
        Liong, See, Wong, Le Ngo, Oh, Phan, "Automatic apex frame spotting in micro-expression
        database", ACPR 2015; similarity as in DFR-Net, Eq. 1.
    """
    _enough(frames, "dc_rois")
    first = grey(frames[0])
    points = reference_face(*first.shape) if landmarks is None else np.asarray(landmarks)
    boxes = [_roi(points, numbers, first.shape, name) for name, numbers in ROIS.items()]
    onset = _features(first, boxes)
    curve = np.zeros(len(frames))
    for i in range(1, len(frames)):
        now = _features(grey(frames[i]), boxes)
        curve[i] = 1 - np.mean([_cosine(a, b) for a, b in zip(onset, now, strict=True)])
    return _peak(_divide_and_conquer(curve), curve, "dc_rois")


def flow(frames: Sequence[np.ndarray]) -> Apex:
    """The frame with the largest mean magnitude of Farneback's flow from the onset.

    The shift, turn and scale that explain most of each flow field are the head's and are taken away
    first: a head that drifts moves more and more, whatever the face does.

    Args:
        frames: T >= 3 crops of one size, (H, W), (H, W, 1) or (H, W, 3), 0..255.

    Returns:
        `Apex`; the curve is in pixels.

    Raises:
        InputError: for fewer than three frames.
    """
    import cv2

    _enough(frames, "flow")
    onset = grey(frames[0])
    curve = np.zeros(len(frames))
    for i in range(1, len(frames)):
        motion = without_head_motion(farneback_flow(onset, grey(frames[i])))
        curve[i] = cv2.magnitude(*cv2.split(motion)).mean()
    return _peak(int(curve.argmax()), curve, "flow")


def without_head_motion(flow: np.ndarray) -> np.ndarray:
    """A flow field less the shift, turn and scale that explain most of it.

    Fitted to the least absolute residual (by reweighting) on a grid, so that a part of the face
    that moves on its own hardly counts.

    Args:
        flow: (H, W, 2) u, v in pixels.

    Returns:
        (H, W, 2) float32.

    Example:

    >>> float(np.abs(without_head_motion(np.full((30, 40, 2), 1.5, "float32"))).max().round(5))
    0.0
    """
    height, width = flow.shape[:2]
    x, y, step, design = _head_grid(height, width)
    target = flow[::step, ::step].reshape(-1).astype(np.float64)
    weight = np.ones((len(target), 1))
    for _ in range(5):
        weighted = design * weight  # normal equations: four unknowns, well conditioned
        fit = np.linalg.solve(weighted.T @ design, weighted.T @ target)
        residual = np.abs(target - design @ fit)
        weight = 1 / np.maximum(residual, 0.02)[:, None]
    right, down, grow, turn = fit.astype(np.float32)
    face = np.empty_like(flow)
    face[..., 0] = flow[..., 0] - (right + (grow * x - turn * y))
    face[..., 1] = flow[..., 1] - (down + (grow * y + turn * x))
    return face


@functools.lru_cache(maxsize=16)
def _head_grid(height: int, width: int):
    """x (W) and y (H, 1) about the middle in 0..1 of a side, and the grid that the head is fitted
    on: its step in pixels and, float64, the terms of each u and v there.

    u = right + grow x - turn y, v = down + grow y + turn x.
    """
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x - width / 2) / width, (y - height / 2) / width
    step = max(1, min(height, width) // 40)
    part = x[::step, ::step], y[::step, ::step]
    one, none = np.ones_like(part[0]), np.zeros_like(part[0])
    u, v = [one, none, part[0], -part[1]], [none, one, part[1], part[0]]
    design = np.stack([np.stack(u, -1), np.stack(v, -1)], 2).reshape(-1, 4).astype(np.float64)
    return x[0], y[:, :1], step, design


SPOTTERS = {"pixel_ratio": pixel_ratio, "dc_rois": dc_rois, "flow": flow}


def spot_apex(frames: Sequence[np.ndarray], method: str = "flow") -> Apex:
    """Spots the apex by the named method (`"pixel_ratio"`, `"dc_rois"`, `"flow"`)."""
    if method not in SPOTTERS:
        raise unknown("apex spotter", method, SPOTTERS)
    return SPOTTERS[method](frames)


def plot_apex(apex: Apex, annotation: int | None = None):
    """Draws the curve of an apex with a red line at its peak, as in Key Regions, Fig. 5.

    Args:
        apex: as a spotter returns it.
        annotation: the annotated position, drawn dashed, or `None`.

    Returns:
        A matplotlib `Figure`; `figure.savefig("apex.png")` writes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(apex.curve, color="tab:blue", marker=".", markersize=4, linewidth=1)
    axes.axvline(apex.index, color="red", label=f"{apex.method}: frame {apex.index}")
    if annotation is not None:
        axes.axvline(annotation, color="black", linestyle="--", label=f"annotated: {annotation}")
    axes.set_xlim(0, len(apex.curve) - 1)
    axes.set(xlabel="frame", ylabel=_LABELS.get(apex.method, apex.method))
    axes.set_title(f"confidence {apex.confidence:.2f}", fontsize="medium", loc="right")
    axes.legend(frameon=False)
    return figure


_LABELS = {
    "pixel_ratio": "difference from onset and offset",
    "dc_rois": "1 - similarity to onset",
    "flow": "mean flow from onset (pixels)",
}


def uniform_patterns(image: np.ndarray) -> np.ndarray:
    """Uniform local binary patterns, 8 neighbours at radius 1 (Ojala et al. 2002), not rotated.

    Args:
        image: (H, W) grey levels.

    Returns:
        (H - 2, W - 2) uint8, 0..58: the 58 patterns with at most two changes around the circle, in
        the order of their binary code, and 58 for all others. Diagonal neighbours are interpolated.
    """
    image = np.asarray(image, np.float32)
    code = np.zeros((image.shape[0] - 2, image.shape[1] - 2), np.uint8)
    middle = image[1:-1, 1:-1]
    for bit in range(8):
        angle = bit * np.pi / 4
        neighbour = _shifted(image, -np.sin(angle), np.cos(angle))
        # The small term keeps the rounding of the interpolation from deciding between equals.
        code |= (neighbour >= middle - 1e-3).astype(np.uint8) << bit
    return _UNIFORM[code]


def _uniform_table() -> np.ndarray:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(1) <= 2
    table = np.full(256, 58, np.uint8)
    table[uniform] = np.arange(58)
    return table


_UNIFORM = _uniform_table()


def _shifted(image, dy, dx):
    """The inner part of an image, sampled (bilinear) at a step of at most one pixel."""
    top, left = int(np.floor(dy + 1e-9)), int(np.floor(dx + 1e-9))
    fy, fx = np.float32(round(dy - top, 9)), np.float32(round(dx - left, 9))
    height, width = image.shape[0] - 2, image.shape[1] - 2
    total = np.zeros((height, width), np.float32)
    for row, wy in ((top, 1 - fy), (top + 1, fy)):
        for column, wx in ((left, 1 - fx), (left + 1, fx)):
            if wy * wx > 0:
                part = image[1 + row : 1 + row + height, 1 + column : 1 + column + width]
                total += wy * wx * part
    return total


def _roi(points, numbers, shape, name):
    part = points[np.array(numbers) - 1]
    low, high = part.min(0), part.max(0)
    margin = _ROI_MARGIN * (high - low)
    x1, y1 = np.maximum(np.floor(low - margin), 0).astype(int)
    x2, y2 = np.minimum(np.ceil(high + margin) + 1, [shape[1], shape[0]]).astype(int)
    if min(x2 - x1, y2 - y1) < 2 + 2 * _BLOCKS:
        raise InputError(
            f"dc_rois: the region {name!r} is only {x2 - x1}x{y2 - y1} pixels; "
            f"give larger crops, {2 + 2 * _BLOCKS} pixels or more per region."
        )
    return slice(y1, y2), slice(x1, x2)


def _features(image, boxes) -> list[np.ndarray]:
    """One vector per region: the 5x5 histograms of its blocks, end to end."""
    vectors = []
    for box in boxes:
        patterns = uniform_patterns(image[box])
        rows = np.arange(patterns.shape[0]) * _BLOCKS // patterns.shape[0]
        columns = np.arange(patterns.shape[1]) * _BLOCKS // patterns.shape[1]
        block = rows[:, None] * _BLOCKS + columns  # (H, W)
        vectors.append(np.bincount((block * 59 + patterns).ravel(), minlength=25 * 59))
    return vectors


def _cosine(a, b) -> float:
    return float(a @ b / np.sqrt(float(a @ a) * float(b @ b)))


def _divide_and_conquer(curve) -> int:
    """Halves the range, keeping the half with the larger sum of local peaks, down to one peak."""
    from scipy.signal import find_peaks

    padded = np.concatenate([[-np.inf], curve, [-np.inf]])  # an end of the clip may be a peak
    peaks = find_peaks(padded)[0] - 1
    if len(peaks) == 0:
        return int(curve.argmax())
    low, high = 0, len(curve)
    while len(peaks) > 1:
        middle = (low + high) // 2
        left, right = peaks[peaks < middle], peaks[peaks >= middle]
        if curve[left].sum() > curve[right].sum():
            peaks, high = left, middle
        else:
            peaks, low = right, middle
    return int(peaks[0])


def _peak(index: int, curve: np.ndarray, method: str) -> Apex:
    away = np.abs(np.arange(len(curve)) - index) > max(1, len(curve) // 8)
    others = curve[away & np.isfinite(curve)]
    reach = np.nanmax(curve) - np.nanmin(curve)
    confidence = 0.0
    if reach > 0 and len(others):
        confidence = float(np.clip((curve[index] - others.max()) / reach, 0, 1))
    return Apex(index, curve, confidence, method)


def _enough(frames, method) -> None:
    if len(frames) < 3:
        raise InputError(
            f"{method}: an apex between onset and offset needs 3 frames, got {len(frames)}."
        )
