"""Figures of faces: magnification, Grad-CAM of several networks, the apex curve, key regions.

They show the first clip of the paper's sets among the data given that can be prepared.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.evaluation.runs.samples import samples_for
from merzoo.explain.cam import grad_cam
from merzoo.explain.draw import draw_regions, overlay
from merzoo.pages.figures import COLOURS, INK, as_svg, close, new_figure
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.extract import magnification_of
from merzoo.preprocessing.magnify import magnify
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.regions import regions_10, regions_24
from merzoo.reproduction.drawings.given import Given
from merzoo.reproduction.sources import in_full, samples_of
from merzoo.reproduction.tables import get_table
from merzoo.training.learner import resolve
from merzoo.training.recipes import change_preprocessing, get_recipe
from merzoo.training.trainer import Trainer

SIDE = 224  # pixels of a face that is shown
LONGEST = 400  # frames of the clip that is magnified
TRIED = 20  # clips of each source, for one that can be shown


def magnification(given: Given, recipe: str) -> str:
    """The apex before and after magnification, and what it does to the clip's spectrum.

    Args:
        given: with clips.
        recipe: by which it is magnified.
    """
    aligned, ways = _first_clip(given, get_recipe(recipe).preprocessing)
    first, last = aligned.range
    last = min(last, first + LONGEST)
    apex = min(aligned.apex, last) - first
    fps = aligned.clip.fps
    if fps is None:
        raise InputError("the frames per second of the clip are unknown.")
    crops = np.stack([aligned.crop(i, SIDE, SIDE, 3) for i in range(first, last + 1)])
    kind, low, high = magnification_of(aligned.clip, ways | {"magnification_at": "crop"})
    gain, order = ways["magnification_gain"], ways["magnification_order"]
    after = magnify(crops, fps, temporal_filter=kind, low=low, high=high, order=order, alpha=gain)
    pictures = [("onset", crops[0]), ("apex", crops[apex])]
    pictures.append((f"apex, magnified {gain:g} times", after[apex]))
    figure, axes = new_figure(1, 4, (11, 2.9), width_ratios=[1, 1, 1, 1.4], layout="constrained")
    for axis, (title, picture) in zip(axes, pictures, strict=False):
        _picture(axis, title, picture)
    _spectrum(axes[3], crops, after, fps, (low, high))
    axes[3].set_title(f"{kind}, {low:g}-{high:g} Hz", fontsize=9, color=INK)
    return _svg(figure)


def _spectrum(axis, before, after, fps: float, band: tuple[float, float]) -> None:
    """Mean over pixels of each frequency's amplitude, of the clip before and after."""
    frequencies = np.fft.rfftfreq(len(before), 1 / fps)
    for name, frames, colour in (("before", before, 0), ("after", after, 1)):
        small = frames[:, ::4, ::4].mean(-1).astype(np.float32)
        amplitude = np.abs(np.fft.rfft(small, axis=0)).mean((1, 2)) * 2 / len(before)
        axis.plot(frequencies[1:], amplitude[1:], color=COLOURS[colour], lw=1.6, label=name)
    axis.axvspan(*band, color=COLOURS[2], alpha=0.15, lw=0)
    axis.set_xlabel("frequency, Hz")
    axis.set_ylabel("amplitude, grey levels")
    axis.set_yscale("log")
    axis.legend(frameon=False, labelcolor=INK, fontsize=9)


def apex_curve(given: Given, method: str) -> str:
    """The curve of an apex spotter over a clip, its peak, and the annotated apex.

    Args:
        given: with clips.
        method: of `merzoo.preprocessing.apex.SPOTTERS`.
    """
    aligned, _ = _first_clip(given, {"apex": method})
    found = aligned.spot(method)
    figure, (axis,) = new_figure(1, 1, (6.6, 2.8))
    frames = aligned.onset + np.arange(len(found.curve))
    axis.plot(frames, found.curve, color=COLOURS[0], lw=1.4)
    style = {"color": COLOURS[4], "label": f"{method}: frame {aligned.onset + found.index}"}
    axis.axvline(aligned.onset + found.index, **style)
    if aligned.clip.apex is not None:
        label = f"annotated: frame {aligned.clip.apex}"
        axis.axvline(aligned.clip.apex, color=INK, ls="--", lw=1, label=label)
    axis.set_xlabel(f"frame of {aligned.clip.dataset} {aligned.clip.id}")
    axis.set_ylabel("difference")
    axis.legend(frameon=False, labelcolor=INK, fontsize=9)
    return _svg(figure)


def key_regions(given: Given) -> str:
    """A face with the regions around 24 and around 10 of its key points."""
    from merzoo.preprocessing.face import has_landmarks
    from merzoo.preprocessing.landmarks import reference_face

    aligned, ways = _first_clip(given, {})
    face = aligned.crop(aligned.onset, SIDE, SIDE, 3)
    points, whose = reference_face(SIDE, SIDE), "points of a reference face"
    if has_landmarks() and ways["detector"] != "none":
        points, whose = aligned.landmarks(aligned.onset, SIDE, SIDE), "landmarks found by dlib"
    dots = face.copy()
    for x, y in np.rint(points).astype(int):
        dots[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = (111, 177, 238)
    figure, axes = new_figure(1, 3, (9.6, 3.5), layout="constrained")
    _picture(axes[0], f"68 {whose}", dots)
    _picture(axes[1], "24 regions", draw_regions(face, regions_24(points, SIDE, SIDE)))
    _picture(axes[2], "10 regions", draw_regions(face, regions_10(points, SIDE, SIDE)))
    return _svg(figure)


def grad_cam_beside(given: Given, table: str, rows: Sequence[str]) -> str:
    """Grad-CAM of several rows' networks on one person's clips, whom none of them has seen.

    Each network is trained once, as its row says, without the first person of the data; the maps
    are those of that person's clips, one of each class.

    Args:
        given: with clips.
        table: such as `"densemixednet/table11"`.
        rows: of it.
    """
    found = get_table(table)
    columns: list[tuple[str, list[np.ndarray]]] = []
    for name in rows:
        faces, maps = _cams(given, found, name)
        columns = columns or [("face", [overlay(face, np.zeros((2, 2))) for face in faces])]
        pictures = [overlay(face, one) for face, one in zip(faces, maps, strict=True)]
        columns.append((found.row(name).printed, pictures))
    deep = len(columns[0][1])
    size = (2.1 * len(columns), 2.2 * deep + 0.3)
    figure, axes = new_figure(deep, len(columns), size, layout="constrained")
    for place, axis in enumerate(axes):
        row, column = divmod(place, len(columns))
        title, pictures = columns[column]
        _picture(axis, title if row == 0 else "", pictures[row])
    return _svg(figure)


def _cams(given: Given, table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, H, W, C) faces of the person left out, and (n, h, w) maps of the class of each."""
    row, run = table.row(name), next(iter(table.runs.values()))
    taken = given.rows.take(run)
    if taken is None:
        raise InputError(f"{table.name} has no data.")
    parameters = given.rows.how.parameters or {}
    recipe = given.rows.recipe(table, row, run, taken)
    learner = resolve(row.network, change_preprocessing(recipe, given.rows.how.parameters))
    samples = samples_of(taken, given.rows.how.quick, parameters.get("on_error", "fail"))
    data = learner.take(samples_for(learner, samples, recipe.labels, given.rows.how.jobs))
    person = data.subject[0]
    rows = np.flatnonzero(data.subject == person)
    _, firsts = np.unique(data.label[rows], return_index=True)
    shown = data.take(rows[np.sort(firsts)])
    train = data.take(np.flatnonzero(data.subject != person))
    trainer = Trainer(learner, data.classes, recipe.steps(len(data)))
    trainer.fit_fold(train, 0, str(person))
    inputs = {n: np.asarray(x) for n, x in shown.modalities.items()}
    maps = [
        grad_cam(trainer.model, {n: x[i : i + 1] for n, x in inputs.items()}, int(label))[0]
        for i, label in enumerate(shown.label)
    ]
    return next(iter(inputs.values())), np.stack(maps)


def _first_clip(given: Given, ways: Mapping) -> tuple[AlignedClip, dict]:
    """The first clip that has a face, an onset and an apex, and the choices of preprocessing."""
    chosen = check_parameters(dict(ways) | (given.rows.how.parameters or {}))
    reasons: list[str] = []
    for source in given.rows.sources:
        clips = in_full(source) if source.kind != "arrays" else ()
        for clip in filter(_is_clip, clips[:TRIED]):
            aligned = AlignedClip(clip, chosen)
            try:
                aligned.moving()
                aligned.crop(aligned.onset, SIDE, SIDE, 3)
                return aligned, chosen
            except InputError as error:
                reasons.append(str(error))
    why = reasons[0] if reasons else "arrays hold no frames"
    raise InputError(f"it needs a clip, and none could be shown: {why}")


def _is_clip(one: object) -> bool:
    return isinstance(one, Clip)


def _picture(axis, title: str, picture: np.ndarray) -> None:
    axis.imshow(np.clip(picture, 0, 255).astype(np.uint8), interpolation="antialiased")
    axis.set_axis_off()
    axis.set_title(title, fontsize=9, color=INK)


def _svg(figure) -> str:
    text = as_svg(figure)
    close([figure])
    return text
