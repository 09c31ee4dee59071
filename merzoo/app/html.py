"""The result as HTML that follows the page's light or dark colours and fits a phone."""

import base64
from html import escape

from merzoo.prediction.annotate import class_colour
from merzoo.prediction.results import (
    UNKNOWN,
    confidence_told,
    figures,
    least_of_units,
    shown_units,
)

_WIDTH, _HEIGHT = 640, 130  # units of the curve's picture, which is stretched; its text is beside

NOT_FOR = """
<p><b>What this is not for.</b> Not for lie detection, hiring, school, or medical decisions.
A movement of the face does not show what somebody thinks or feels, and these models are often
wrong. In the European Union the AI Act (Regulation 2024/1689, Article 5(1)(f)) forbids systems that
infer emotions of people at work and in education, but for medical or safety reasons; elsewhere such
systems count as high-risk (Annex III) and people must be told (Article 50). Use it for research, on
recordings of people who agreed.</p>
"""

CSS = """
.dark [role="tab"][aria-selected="true"] {color: #93c5fd !important}
.mz-cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr));
  gap: 12px}
.mz-card {border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 12px}
.mz-card h3 {margin: 0 0 6px}
.mz-pictures {display: grid; grid-template-columns: repeat(2, 1fr); gap: 6px; margin-top: 8px}
.mz-pictures figure {margin: 0}
.mz-pictures img, .mz-face img {width: 100%; height: auto; border-radius: 4px; display: block}
.mz-pictures figcaption, .mz-small {font-size: 0.85em; color: var(--body-text-color); opacity: 0.8}
.mz-bar {display: grid; grid-template-columns: 5.5em 1fr 3.2em; gap: 8px; align-items: center}
.mz-bar div {height: 10px; border-radius: 5px; background: var(--border-color-primary);
  overflow: hidden}
.mz-bar i {display: block; height: 100%}
.mz-top {display: grid; grid-template-columns: minmax(120px, 200px) 1fr; gap: 16px}
@media (max-width: 640px) {.mz-top {grid-template-columns: 1fr} .mz-face {max-width: 200px}}
.mz-curve {display: block; width: 100%; height: 8.5rem; color: var(--body-text-color)}
.mz-curve * {vector-effect: non-scaling-stroke}
.mz-axis {display: flex; justify-content: space-between}
.mz-note {border-left: 4px solid #d97706; padding: 2px 0 2px 10px; margin: 8px 0}
.mz-problem {border-left: 4px solid #c2453d; padding: 2px 0 2px 10px; margin: 8px 0}
"""


def progress_html(what: str, done: int, total: int) -> str:
    """One line and a bar."""
    share = 100 * done / max(total, 1)
    return (
        f'<p class="mz-status">{escape(what)}: {done} of {total}</p>'
        f'<progress value="{share:.1f}" max="100" style="width:100%"></progress>'
    )


def problem_html(message: str) -> str:
    """What went wrong, in one line."""
    return f'<div class="mz-problem" role="alert">{escape(message)}</div>'


def report_html(result: dict) -> str:
    """Everything that is shown of a result (as `merzoo.app.pictures` returns it)."""
    found = result["prediction"]
    count = len(found["segments"])
    seconds = f", {found['frames'] / found['fps']:.1f} s" if found["fps"] else ""
    rate = f" at {found['fps']:g} frames per second" if found["fps"] else ""
    head = f"<h2>{count} segment{'' if count == 1 else 's'} found</h2>"
    size = f'<p class="mz-small">{found["frames"]} frames{rate}{seconds}</p>'
    notes = "".join(f'<div class="mz-note">{escape(text)}</div>' for text in found["warnings"])
    face = (
        f'<div class="mz-face">{_image(result["face"], "face, box and landmarks")}'
        '<span class="mz-small">face, box and landmarks</span></div>'
    )
    curve = curve_svg(result)
    cards = "".join(
        _card(segment, pictures, found["model"])
        for segment, pictures in zip(found["segments"], result["segments"], strict=False)
    )
    more = count - len(result["segments"])
    left = f"<p>{more} more are in the files below.</p>" if more > 0 else ""
    return (
        f'{head}{size}{notes}<div class="mz-top">{face}<div>{curve}</div></div>'
        f'{_model(found["model"])}<div class="mz-cards">{cards}</div>{left}'
    )


def _model(model: dict) -> str:
    known = "; ".join(figures(model)) or "no figures are known"
    name = f"{model['name']} ({model['weights']})" if model["weights"] else model["name"]
    beside = ""
    if "units" in model:
        units = model["units"]
        told = escape("; ".join(figures(units)) or "no figures are known")
        beside = (
            f" <b>Action units:</b> {escape(units['name'])} ({escape(units['weights'])}), said to "
            f"move above a probability of 0.5; {told}. {escape(confidence_told(units))}"
        )
    return (
        f'<p class="mz-model"><b>Model:</b> {escape(name)}. <b>Measured:</b> {escape(known)}.'
        f" {escape(confidence_told(model))}{beside} {escape(model['note'])}</p>"
    )


def _card(segment: dict, pictures: dict, model: dict) -> str:
    classes = model["classes"]
    when = f"frames {segment['onset']} to {segment['offset']}, apex {segment['apex']}"
    if segment["onset_seconds"] is not None:
        when = (
            f"{segment['onset_seconds']:.2f} to {segment['offset_seconds']:.2f} s, apex "
            f"{segment['apex_seconds']:.2f} s ({when})"
        )
    bars = "".join(
        f'<div class="mz-bar"><span>{escape(name)}</span><div><i style="width:{100 * share:.1f}%;'
        f'background:rgb{class_colour(classes, name)}"></i></div><span>{share:.3f}</span></div>'
        for name, share in segment["probabilities"].items()
    )
    captions = {
        "onset": "onset",
        "apex": "apex",
        "flow": "movement (hue: direction)",
        "evidence": "where the model looked (Grad-CAM)",
    }
    shown = "".join(
        f"<figure>{_image(data, name)}<figcaption>{captions[name]}</figcaption></figure>"
        for name, data in pictures.items()
    )
    return (
        f'<div class="mz-card"><h3>{escape(_title(segment))}</h3>'
        f'<p class="mz-small">{when}</p>{bars}{_units(segment, model)}'
        f'<div class="mz-pictures">{shown}</div></div>'
    )


def _title(segment: dict) -> str:
    """The class, or that it is not known, and what it might be."""
    if segment.get("known") is False:
        return f"{UNKNOWN} ({segment['label']}?)"
    return segment["label"]


def _units(segment: dict, model: dict) -> str:
    """Which action units move by a network beside, those above one half in bold; where it does not
    know whether one moves, a question mark."""
    told = segment.get("units") or {}
    if not told or set(told) == set(model["classes"]):  # its classes are the units: shown above
        return ""
    least = least_of_units(model)
    words, moving, asked = [], {}, []
    for name, share in told.items():
        unsure = "?" if 0.5 < share < least else ""
        text = f"{escape(name)}{unsure} {share:.2f}"
        words.append(f"<b>{text}</b>" if share > 0.5 and not unsure else text)
        if unsure:
            asked.append(name)
        else:
            moving[name] = share
    title = f"Action units: {escape(shown_units(moving))}"
    if asked:
        title += f"; {UNKNOWN} whether {escape(', '.join(asked))}"
    return f'<p class="mz-units">{title}<br><span class="mz-small">{", ".join(words)}</span></p>'


def _image(data: bytes, name: str) -> str:
    text = base64.b64encode(data).decode()
    return f'<img alt="{escape(name)}" src="data:image/png;base64,{text}">'


def curve_svg(result: dict) -> str:
    """The movement of the face over the video, with onset, apex and offset of each segment."""
    found, positions = result["prediction"], result["positions"]
    top, bottom = 4, _HEIGHT - 2
    last = max(positions[-1], 1)

    def x(position) -> float:
        return _WIDTH * position / last

    highest = max((v for v in result["curve"] if v is not None), default=0) or 1
    parts = []
    for segment in found["segments"]:
        classes, known = found["model"]["classes"], segment.get("known")
        colour = f"rgb{class_colour(classes, segment['label'], known)}"
        a, b, c = (x(segment[name]) for name in ("onset", "apex", "offset"))
        parts.append(
            f'<rect x="{a:.1f}" y="{top}" width="{max(c - a, 1):.1f}" height="{bottom - top}" '
            f'fill="{colour}" fill-opacity="0.35"/><line x1="{b:.1f}" x2="{b:.1f}" y1="{top}" '
            f'y2="{bottom}" stroke="{colour}" stroke-width="2"/>'
        )
    for run in _runs(positions, result["curve"]):
        points = " ".join(f"{x(p):.1f},{bottom - (bottom - top) * v / highest:.1f}" for p, v in run)
        parts.append(f'<polyline points="{points}" fill="none" stroke="currentColor"/>')
    parts.append(f'<line x1="0" x2="{_WIDTH}" y1="{bottom}" y2="{bottom}" stroke="currentColor"/>')
    fps, shares = found["fps"], (0, 0.5, 1)
    ticks = [f"{s * last / fps:.1f} s" if fps else f"frame {s * last:.0f}" for s in shares]
    axis = "".join(f"<span>{tick}</span>" for tick in ticks)
    about = "movement of the face; shaded from onset to offset, a line at the apex"
    return (
        f'<svg class="mz-curve" role="img" aria-label="{about}" preserveAspectRatio="none" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>'
        f'<div class="mz-axis mz-small">{axis}</div><div class="mz-small">{about}</div>'
    )


def _runs(positions, curve) -> list[list[tuple[int, float]]]:
    """The known stretches of the curve, thinned to what can be seen."""
    step = max(1, len(curve) // (2 * _WIDTH))
    runs: list[list[tuple[int, float]]] = [[]]
    for start in range(0, len(curve), step):
        values = [v for v in curve[start : start + step] if v is not None]
        if values:
            runs[-1].append((positions[start], max(values)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]
