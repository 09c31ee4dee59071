"""Explains clips: a row of pictures for each, and a page that shows them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.arguments import whole_number
from merzoo.data.action_units import parse_action_units
from merzoo.data.clip import Clip
from merzoo.data.unit_labels import combination
from merzoo.errors import InputError
from merzoo.explain.action_units import action_unit_boxes
from merzoo.explain.attention import attention_maps
from merzoo.explain.cam import grad_cam
from merzoo.explain.draw import draw_flow, draw_regions, overlay
from merzoo.explain.figure import panels
from merzoo.explain.split import split
from merzoo.files import check_folder, claim_file, write_text
from merzoo.pages.render import render
from merzoo.progress import progress_bar
from merzoo.training.probabilities import Unlabelled, predict
from merzoo.whole import whole

SIDE = 224  # of the face in the pictures, pixels
ATTENTION_MAPS = 2  # the deepest ones of a network that has more
PAGE, MARK = "index.html", b": what it looked at</h1>"  # by which it is known


@dataclass(frozen=True)
class Explanation:
    """One clip explained.

    Args:
        clip: its name.
        label, predicted: names of classes.
        probabilities: by class.
        picture: file name.
    """

    clip: str
    label: str
    predicted: str
    probabilities: dict[str, float]
    picture: str


def check_page(out: Path) -> None:
    """Refuses, before any work, a folder that cannot be written to, or another's page there.

    Raises:
        InputError: saying why.
    """
    check_folder(out, file=None)
    claim_file(out / PAGE, "page of explanations", lambda path: MARK in path.read_bytes())


def pick(clips: list[Clip], labels: str, count: int, on_error: str = "fail") -> list[Clip]:
    """The first clips of every class in turn, so that few of them show all classes."""
    from merzoo.data.labels import map_labels

    whole_number("clips", count)
    mapped = map_labels(clips, labels, on_error)
    order = np.argsort(mapped.indices, kind="stable")
    seen: dict[int, int] = {}
    ranks = []
    for i in order:
        label = int(mapped.indices[i])
        ranks.append((seen.get(label, 0), label, int(i)))
        seen[label] = seen.get(label, 0) + 1
    return [mapped.clips[i] for _, _, i in sorted(ranks)[:count]]


def explain_clips(
    model,
    clips: list[Clip],
    out: Path,
    labels: str = "megc3",
    units: Sequence[str] | None = None,
    **parameters,
) -> list[Explanation]:
    """Writes a picture for each clip, and `index.html`.

    A picture shows the face with the action units annotated, the flow from onset to apex, Grad-CAM
    of the predicted class, and the network's own attention where it has any. Of a network of action
    units it shows one Grad-CAM a unit, and a clip's label is what it is annotated with.

    Args:
        model: a network with its weights.
        clips: to explain, with onset, apex and a label.
        out: folder, made if it is not there.
        labels: label map, by which clips are taken.
        units: names of the outputs of a network of action units, such as `("AU4", "AU12")`; `None`
            for one of classes.
        parameters: of `merzoo.preprocessing.prepare`.

    Returns:
        One `Explanation` a clip; with `on_error="skip"` without those that failed.

    Raises:
        InputError: for clips that cannot be prepared, or classes that are not the model's.
    """
    from merzoo.preprocessing.parameters import check_parameters
    from merzoo.preprocessing.pipeline import prepare

    check_page(out)
    chosen: dict = check_parameters(parameters)
    data = prepare(clips, model.inputs, labels, **chosen)
    outputs = tuple(units or data.classes)
    if model.output_shape[-1] != len(outputs):
        raise InputError(
            f"{model.name} has {model.output_shape[-1]} classes, the label map {labels} has "
            f"{len(data.classes)} ({', '.join(data.classes)}); name the map it was trained with."
        )
    shown = prepare(clips, {"apex": (SIDE, SIDE, 3), "flow": (SIDE, SIDE, 3)}, labels, **chosen)
    out.mkdir(parents=True, exist_ok=True)
    explained: list[Explanation] = []
    by_name = {f"{clip.dataset}/{clip.id}": clip for clip in clips}
    row_shown = {name: row for row, name in enumerate(shown.ids().tolist())}
    both = [(i, name) for i, name in enumerate(data.ids().tolist()) if name in row_shown]
    with progress_bar() as bar:
        for i, name in bar.track(both, description="explaining"):
            clip = by_name[name]
            inputs = {name: np.array(x[i : i + 1]) for name, x in data.modalities.items()}
            probabilities = predict(model, Unlabelled(inputs), batch_size=1)[0]
            names = dict(zip(outputs, probabilities.astype(float).tolist(), strict=True))
            label, predicted = data.classes[data.label[i]], outputs[int(probabilities.argmax())]
            maps: list[tuple[str, int | None]] = [(predicted, None)]
            if units:
                shown_there = parse_action_units(clip.action_units).numbers
                label = combination(shown_there & {int(name[2:]) for name in units})
                predicted = combination(int(name[2:]) for name, p in names.items() if p > 0.5)
                maps = [
                    (f"{name}: {p:.2f}", place) for place, (name, p) in enumerate(names.items())
                ]
            found = Explanation(
                clip=f"{clip.dataset} {clip.id}",
                label=label,
                predicted=predicted,
                probabilities=names,
                picture=f"clip_{len(explained) + 1}.png",
            )
            row = row_shown[name]
            face, flow = (shown.modalities[kind][row] for kind in ("apex", "flow"))
            way = chosen | {"detector": data.preparation["detector"].get(clip.dataset, "none")}
            pictures = _pictures(model, inputs, face, flow, _units(clip, way), maps)
            title = f"{found.clip}: {found.label}, predicted {found.predicted}"
            with whole(out / found.picture, ".png") as temporary:
                panels(pictures, title).savefig(temporary, dpi=110)
            explained.append(found)
    _write_page(model, explained, out)
    return explained


def _pictures(model, inputs, face, flow, units, evidence) -> list[tuple[str, np.ndarray]]:
    """Titles and pictures; `evidence` names the outputs whose Grad-CAM is drawn, with their places
    (`None`: of the predicted class)."""
    names, boxes = [name for name, _ in units], [box for _, box in units]
    pictures = [
        ("apex, annotated action units" if names else "apex", draw_regions(face, boxes, names)),
        (
            f"flow, up to {np.linalg.norm(flow[..., :2], axis=-1).max():.1f} px",
            draw_flow(face, flow),
        ),
    ]
    for name, place in evidence:
        pictures.append((f"Grad-CAM, {name}", overlay(face, grad_cam(model, inputs, place)[0])))
    maps = list(attention_maps(model, inputs).items())[-ATTENTION_MAPS:]
    for name, one in maps:
        low, high = float(one.min()), float(one.max())
        scaled = (one[0] - low) / (high - low) if high > low else np.zeros_like(one[0])
        pictures.append((f"{name}, {low:.2g} to {high:.2g}", overlay(face, scaled)))
    return pictures


def _units(clip: Clip, parameters) -> list[tuple[str, np.ndarray]]:
    """Boxes of the annotated action units, by the clip's landmarks or those of any aligned face."""
    from merzoo.preprocessing.aligned_clip import AlignedClip
    from merzoo.preprocessing.face import has_landmarks
    from merzoo.preprocessing.landmarks import reference_face

    units = sorted(parse_action_units(clip.action_units).numbers)
    if not units:
        return []
    if has_landmarks() and parameters["detector"] != "none":
        aligned = AlignedClip(clip, parameters)
        points = aligned.landmarks(aligned.apex, SIDE, SIDE)
    else:
        points = reference_face(SIDE, SIDE)
    return action_unit_boxes(units, points, SIDE, SIDE)


def _write_page(model, explained, out: Path) -> None:
    page = render("explain.html", model=model.name, layer=split(model).layer, explained=explained)
    write_text(out / PAGE, page)
