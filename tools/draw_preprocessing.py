"""Redraws the pictures of merzoo/preprocessing/README.md on an invented face."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from merzoo.data.synthetic import clips
from merzoo.preprocessing import regions
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.apex import plot_apex
from merzoo.preprocessing.parameters import check_parameters

FOLDER = Path(__file__).parent.parent / "merzoo" / "preprocessing"
SIZE = 224


def main() -> None:
    clip = clips("easy", subjects=1, clips=2)[0]
    aligned = AlignedClip(clip, check_parameters({"detector": "dlib"}))
    draw_regions(aligned).savefig(FOLDER / "regions.png", dpi=90)
    found = aligned.spot("flow")
    plot_apex(found, clip.apex - aligned.onset).savefig(FOLDER / "apex.png", dpi=90)


def draw_regions(aligned: AlignedClip) -> Figure:
    """The 24 and the 10 blocks with their numbers; where the literal form differs, dashed."""
    face = aligned.crop(aligned.onset, SIZE, SIZE, 3)
    points = aligned.landmarks(aligned.onset, SIZE, SIZE)
    figure = Figure(figsize=(8, 4), layout="constrained")
    pairs = {
        "24 blocks": (regions.regions_24, regions.regions_24_literal),
        "10 blocks": (regions.regions_10, regions.regions_10_literal),
    }
    for axes, (title, functions) in zip(figure.subplots(1, 2), pairs.items(), strict=True):
        axes.imshow(face)
        axes.plot(*points.T, ".", color="white", markersize=2)
        plain, literal = (function(points, SIZE, SIZE) * SIZE - 0.5 for function in functions)
        for number, (box, printed) in enumerate(zip(plain, literal, strict=True), 1):
            _box(axes, box, "-", "tab:cyan")
            text = axes.text(*_middle(box), number, color="white", ha="center", va="center")
            text.set_path_effects([withStroke(linewidth=3, foreground="black")])
            if np.abs(box - printed).max() > 1:
                _box(axes, printed, "--", "tab:red")
        axes.set_title(title)
        axes.axis("off")
    return figure


def _box(axes, box, style, colour) -> None:
    y1, x1, y2, x2 = box
    axes.add_patch(
        Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, linestyle=style, edgecolor=colour)
    )


def _middle(box):
    y1, x1, y2, x2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2


if __name__ == "__main__":
    main()
