"""The clips that a run gets most wrong, with a picture of each where its frames are at hand.

Pictures may show faces, which most licences do not allow to be published: a report says so beside
them, and `merzoo report RUN --no-pictures` makes one without.
"""

import base64
from pathlib import Path

import numpy as np

from merzoo.evaluation.scores.predictions import runs_of
from merzoo.files import encode_image, write_bytes
from merzoo.listing import left_by_system
from merzoo.modalities import rows_of
from merzoo.preprocessing.arrays import Arrays

COUNT = 12
FOLDER = "pictures"
HEIGHT = 112  # pixels of a thumbnail


def hardest_clips(predictions, classes: list[str], count: int = COUNT) -> list[dict]:
    """The clips whose annotated class got the least probability, mean over seeds, least first.

    Args:
        predictions: DataFrame as `read_predictions` gives it.
        classes: names of the classes, in order.
        count: at most so many.

    Returns:
        Dicts with `dataset`, `subject`, `clip`, `label`, `predicted` (the most frequent over
        seeds), `probability` of the annotated class, and `wrong`, the share of seeds that are
        wrong. Without probabilities an empty list: a wrong class alone doesn't say how wrong.
    """
    first, label, predicted, probabilities = runs_of(predictions, classes)
    if probabilities is None:
        return []
    given = probabilities.mean(0)[np.arange(len(label)), label]
    wrong = (predicted != label).mean(0)
    found = []
    for i in np.argsort(given, kind="stable")[:count]:
        row = {name: first[name].iloc[i] for name in ("dataset", "subject", "clip", "label")}
        usual = np.bincount(predicted[:, i], minlength=len(classes)).argmax()
        numbers = {"probability": float(given[i]), "wrong": float(wrong[i])}
        found.append(row | {"predicted": classes[usual]} | numbers)
    return found


def write_pictures(folder: Path, clips: list[dict], samples: Arrays) -> None:
    """Draws the clips as PNG files into `pictures/` of a run's folder, where frames are held."""

    place = {
        key: i
        for i, key in enumerate(zip(samples.dataset.tolist(), samples.clip.tolist(), strict=True))
    }
    target = folder / FOLDER
    for old in target.glob("[0-9][0-9].png"):
        old.unlink()
    for number, clip in enumerate(clips):
        i = place.get((clip["dataset"], clip["clip"]))
        picture = None if i is None else draw_sample(samples.modalities, i)
        if picture is not None:
            write_bytes(target / f"{number:02d}.png", encode_image(picture, ".png"))


def read_pictures(folder: Path) -> dict[int, str]:
    """Number of the clip -> its picture as a data address, from a run's folder."""
    return {
        int(file.stem): "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()
        for file in sorted((folder / FOLDER).glob("*.png"))
        if not left_by_system(file.name)
    }


def draw_sample(modalities: dict[str, np.ndarray], i: int) -> np.ndarray | None:
    """(H, W, 3) uint8 picture of sample i: onset and apex, a sequence, or flow, or another, by its
    planes.

    >>> flow = {"flow_image": np.zeros((1, 28, 28, 3), "uint8")}
    >>> draw_sample(flow, 0).shape
    (112, 336, 3)
    """
    if "apex" in modalities:
        frames = [modalities[n][i] for n in ("onset", "apex") if n in modalities]
    elif "magnified_apex" in modalities:
        frames = [modalities["magnified_apex"][i]]
    elif films := [n for n, row in rows_of(modalities).items() if row.kind == "sequence"]:
        sequence = modalities[films[0]][i]
        frames = [sequence[t] for t in sorted({0, len(sequence) // 2, len(sequence) - 1})]
    elif "onset" in modalities:
        frames = [modalities["onset"][i]]
    else:
        rows = sorted(rows_of(modalities).values(), key=lambda row: not row.is_flow)
        planes = [modalities[row.name][i] for row in rows if row.is_image and row.ranks == (3,)]
        if not planes:
            return None
        frames = [_stretched(planes[0][..., [c]]) for c in range(planes[0].shape[-1])]
    return strip(frames)


def strip(frames) -> np.ndarray:
    """(112, W, 3) uint8: pictures (H, W, 1 or 3), 0..255, side by side."""
    return np.concatenate([_thumbnail(frame) for frame in frames], axis=1)


def _stretched(plane: np.ndarray) -> np.ndarray:
    low, high = float(plane.min()), float(plane.max())
    return (plane - low) * (255 / (high - low) if high > low else 0.0)


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    import cv2

    frame = np.clip(np.asarray(frame, "float32"), 0, 255).astype("uint8")
    frame = np.repeat(frame, 3, -1) if frame.shape[-1] == 1 else frame
    width = round(frame.shape[1] * HEIGHT / frame.shape[0])
    smaller = frame.shape[0] > HEIGHT
    how = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(frame), (width, HEIGHT), interpolation=how)
