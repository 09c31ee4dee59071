"""How the parts of an aligned face move: flow averaged over fourteen regions.

Regions and the removal of the head's motion follow the optical-flow spotters of the field (He,
"Research on micro-expression spotting method based on optical flow features", MEGC 2021).
"""

import numpy as np

from merzoo.preprocessing.landmarks import MIRROR, reference_face

SIDE = 128  # pixels of the crop on which motion is measured
_SIGMA = 0.065  # of a region's Gaussian window, share of the crop

# Left half and middle of the regions, by landmarks (1-based) of the reference face; the right half
# mirrors it. "lids" is where blinks are seen.
_LEFT = {
    "lids": (38, 39, 41, 42),
    "outer brow": (18, 19),
    "inner brow": (21, 22),
    "cheek": (41, 42, 41, 42, 49),
    "nose": (32, 32, 31, 49),
    "mouth corner": (49,),
}
_MIDDLE = {"upper lip": (52, 34), "chin": (58, 9)}


def region_windows(side: int = SIDE) -> tuple[list[str], np.ndarray]:
    """Names and (R, side, side) weights, each summing to 1, of the regions of an aligned face.

    >>> names, windows = region_windows(64)
    >>> len(names), windows.shape, names[:2]
    (14, (14, 64, 64), ['left lids', 'right lids'])
    """
    points = reference_face(side, side)
    places = {}
    for name, numbers in _LEFT.items():
        places[f"left {name}"] = points[np.array(numbers) - 1].mean(0)
        mirrored = [MIRROR[n - 1] for n in numbers]
        places[f"right {name}"] = points[np.array(mirrored) - 1].mean(0)
    for name, numbers in _MIDDLE.items():
        places[name] = points[np.array(numbers) - 1].mean(0)
    y, x = np.mgrid[:side, :side]
    windows = [
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (_SIGMA * side) ** 2))
        for cx, cy in places.values()
    ]
    return list(places), np.array([w / w.sum() for w in windows], np.float32)


def region_flow(flow: np.ndarray, windows: np.ndarray | None = None) -> np.ndarray:
    """(R, 2): the mean displacement of each region, of a flow (SIDE, SIDE, 2) of the face.

    >>> region_flow(np.full((SIDE, SIDE, 2), 0.5, "float32"))[0].round(3).tolist()
    [0.5, 0.5]
    """
    return np.tensordot(region_windows()[1] if windows is None else windows, flow, ([1, 2], [0, 1]))
