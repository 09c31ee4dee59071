"""Figures of several pictures side by side: panels of one clip, and models beside each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from merzoo.errors import InputError
from merzoo.explain.cam import grad_cam
from merzoo.explain.draw import overlay

if TYPE_CHECKING:
    from matplotlib.figure import Figure


IN_A_ROW = 6  # pictures of a clip
_SIDE = 3.2  # inches of a panel


def panels(pictures: Sequence[tuple[str, np.ndarray]], title: str = "") -> "Figure":
    """Pictures in a row, each under its title; more than `IN_A_ROW` in several rows.

    Args:
        pictures: titles and (H, W, 3) uint8 RGB.
        title: of the whole.

    Returns:
        A matplotlib `Figure`; `.savefig(path)` writes it.
    """
    from matplotlib.figure import Figure

    if len(pictures) <= IN_A_ROW:
        return _grid([[picture for _, picture in pictures]], [name for name, _ in pictures], title)
    rows = -(-len(pictures) // IN_A_ROW)
    figure = Figure(figsize=(_SIDE * IN_A_ROW, _SIDE * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, IN_A_ROW, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, picture) in zip(axes.flat, pictures, strict=False):
        axis.imshow(picture, interpolation="antialiased")
        axis.set_title(name, fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure


def compare_models(
    models: Sequence[tuple[str, object]],
    inputs: Mapping[str, np.ndarray],
    faces: np.ndarray,
    class_index: int | None = None,
    layer: str | None = None,
    classes: Sequence[str] | None = None,
) -> "Figure":
    """Grad-CAM of several models on the same faces, one column a model, one row a face.

    The picture by which Gan et al. compare four forms of attention (their Figure 8), for whatever
    models one has: the variants of an ablation, folds, seeds.

    Args:
        models: titles and models; each takes what it needs of `inputs`.
        inputs: named inputs (B, ...), those of all models.
        faces: (B, H, W, 1 or 3), 0..255: what the maps are laid over.
        class_index: the class to explain; `None` for what each model predicts.
        layer: for each model; `None` for its own last map.
        classes: their names, for the titles of the panels.

    Returns:
        A matplotlib `Figure`.

    Raises:
        InputError: for no models, inputs that a model lacks, or a layer that it does not have.

    Source:
        Gan, Xiao, Zhu, Jain, Struc, "Transfer-Learning Enabled Micro-Expression Recognition Using
        Dense Connections and Mixed Attention", Figure 8.

    Example:

    >>> from merzoo.models import DenseMixedNet
    >>> small = dict(input_shape=(16, 16, 3), growth=4, blocks=1)
    >>> models = [(str(kind), DenseMixedNet(attention=kind, **small)) for kind in (None, "mixed")]
    >>> faces = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3))
    >>> len(compare_models(models, {"magnified_apex": faces}, faces).axes)
    3
    """
    if not models:
        raise InputError("compare_models: no models were given.")
    columns = [[overlay(face, np.zeros((2, 2))) for face in faces]]
    for _, model in models:
        maps = grad_cam(model, inputs, class_index, layer)
        columns.append([overlay(face, one) for face, one in zip(faces, maps, strict=True)])
    rows = [list(row) for row in zip(*columns, strict=True)]
    title = ""
    if class_index is not None:
        title = f"Grad-CAM for {classes[class_index] if classes else f'class {class_index}'}"
    return _grid(rows, ["face", *(name for name, _ in models)], title)


def _grid(rows, titles, title):
    from matplotlib.figure import Figure

    size = (_SIDE * len(titles), _SIDE * len(rows) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for number, row in enumerate(rows):
        for axis, picture, name in zip(axes[number], row, titles, strict=True):
            axis.imshow(picture, interpolation="antialiased")
            axis.axis("off")
            if number == 0:
                axis.set_title(name, fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure
