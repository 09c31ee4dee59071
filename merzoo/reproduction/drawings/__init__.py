"""The papers' figures of results, drawn from what was run here.

A figure is one function of a module of this folder: it takes a `Given`, and the arguments of the
figure's entry in the paper's file, and returns SVG text. Its name in `DRAWINGS` is what the entry
says under `drawing`.
"""

from collections.abc import Callable

from merzoo.reproduction.drawings.faces import (
    apex_curve,
    grad_cam_beside,
    key_regions,
    magnification,
)
from merzoo.reproduction.drawings.given import Given
from merzoo.reproduction.drawings.scores import confusion, roc

DRAWINGS: dict[str, Callable[..., str]] = {
    "confusion": confusion,
    "roc": roc,
    "magnification": magnification,
    "apex_curve": apex_curve,
    "key_regions": key_regions,
    "grad_cam": grad_cam_beside,
}

__all__ = ["DRAWINGS", "Given"]
