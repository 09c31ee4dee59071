"""What a network looked at: Grad-CAM, attention maps, and pictures of them on a face."""

from merzoo.explain.attention import attention_maps
from merzoo.explain.cam import grad_cam
from merzoo.explain.draw import draw_flow, draw_regions, overlay
from merzoo.explain.figure import compare_models

__all__ = [
    "attention_maps",
    "compare_models",
    "draw_flow",
    "draw_regions",
    "grad_cam",
    "overlay",
]
