"""The report of a spotting run: figures beside their floor, timelines, the surest false alarms."""

from collections.abc import Sequence
from pathlib import Path

from merzoo.data.long_videos import KINDS, LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.pages.hardest_clips import FOLDER, read_pictures, strip
from merzoo.evaluation.pages.paper_tables import as_score
from merzoo.evaluation.spotting.intervals import WHERE
from merzoo.evaluation.spotting.runs import SpottingRun, read_spotting_run
from merzoo.evaluation.spotting.scores import PARTS, Tables, false_alarms
from merzoo.files import encode_image, write_bytes, write_text
from merzoo.pages.render import render

HARDEST = 12  # false alarms that are shown
_UNIT = 1000.0  # width of a timeline


def spotting_tables(metrics: dict) -> list[tuple[str, list[str], list[list[str]]]]:
    """(title, columns, rows) of a run's figures, for the terminal and for papers."""
    found = [("Spotting, all videos pooled", *_table(metrics["full"]))]
    if len(metrics["by_dataset"]) > 1:
        found += [(name, *_table(part)) for name, part in sorted(metrics["by_dataset"].items())]
    if metrics.get("recognition"):
        found.append(recognition_table(metrics["recognition"]))
    return found


def _table(parts: dict) -> tuple[list[str], list[list[str]]]:
    columns = ["", "F1", "95 %", "at random", "precision", "recall", "AP", "hits/found/true"]
    columns += ["false alarms/min", "onset ms", "offset ms"]
    rows = []
    for name in PARTS:
        part = parts[name]
        low, high = part["interval"]["f1"]
        counts = f"{part['hits']:g}/{part['found']:g}/{part['truth']}"
        row = [name, as_score(part["f1"]), f"{low:.3f}–{high:.3f}", as_score(part["floor"]["f1"])]
        row += [as_score(part[n]) for n in ("precision", "recall", "ap")]
        row += [counts, f"{part['false_alarms_per_minute']:.2f}"]
        rows.append([*row, *(_late(part[f"{end}_error_ms"]) for end in ("onset", "offset"))])
    return columns, rows


def _late(error: dict | None) -> str:
    """Median size and mean of an end's error."""
    return "-" if error is None else f"{error['median_absolute']:.0f} ({error['mean']:+.0f})"


def recognition_table(found: dict) -> tuple[str, list[str], list[list[str]]]:
    """(title, columns, rows) of spot-then-recognise."""
    names = ("strs", "spotting_f1", "recognition_f1", "recognition_uf1", "recognition_uar")
    labels = ("STRS", "spotting F1", "recognition F1", "UF1", "UAR")
    floor = found["floor"]
    rows = [
        [label, as_score(found[name]), as_score(floor.get(name))]
        for name, label in zip(names, labels, strict=True)
    ]
    title = (
        f"Spot, then recognise: {found['kind']}-expressions, {found['recognised']:g} of "
        f"{found['truth']} spotted and recognised"
    )
    return title, ["", "score", "most frequent class"], rows


def write_spotting_report(
    folder: str | Path, videos: Sequence[LongVideo] | None = None, *, pictures: bool = True
) -> Path:
    """Writes `report.html` into a run's folder, from its other files.

    Args:
        folder: of the run.
        videos: that were tested, to draw the surest false alarms; `None` uses the pictures that an
            earlier report kept, if any.
        pictures: show pictures.

    Returns:
        The path of the page.
    """
    run = read_spotting_run(folder)
    alarms = false_alarms(run.tables.of_seed(0))[:HARDEST]
    if videos is not None:
        _write_pictures(run.folder, alarms, videos)
    text = render(
        "spotting.html",
        run=run,
        card=run.card,
        metrics=run.metrics,
        parts=PARTS,
        tables=spotting_tables(run.metrics),
        timelines=timelines(run.tables.of_seed(0)),
        alarms=[_told(alarm) for alarm in alarms],
        pictures=read_pictures(run.folder) if pictures else {},
        chosen=_chosen(run),
    )
    path = run.folder / "report.html"
    write_text(path, text)
    return path


def timelines(tables: Tables) -> list[dict]:
    """For each video its name and the bars to draw, in parts of a thousand of its length."""
    found = []
    for video in tables.videos.itertuples():
        rows = {
            name: table[(table[WHERE] == [video.dataset, video.subject, video.video]).all(axis=1)]
            for name, table in (("truth", tables.truth), ("found", tables.found))
        }
        bars = []
        for name, table in rows.items():
            for row in table.itertuples():
                expression = row.kind in KINDS
                if name == "found" and not row.reported:
                    continue
                bars.append(
                    {
                        "row": name if expression else "other",
                        "kind": row.kind,
                        "x": _UNIT * row.onset / video.frames,
                        "width": max(2.0, _UNIT * (row.offset - row.onset + 1) / video.frames),
                        "label": f"{row.kind} {row.onset}..{row.offset}"
                        + (f", score {row.score:.3g}" if name == "found" else ""),
                    }
                )
        name = f"{video.subject}: {video.video}"
        seconds = video.frames / video.fps
        ticks = [_UNIT * t / seconds for t in range(0, int(seconds) + 1, _step(seconds))]
        found.append({"name": name, "seconds": seconds, "bars": bars, "ticks": ticks})
    return found


def _step(seconds: float) -> int:
    """Whole seconds from tick to tick."""
    return next((step for step in (1, 5, 10, 30, 60, 300) if seconds / step <= 24), 600)


def _told(alarm: tuple) -> dict:
    video, row, near = alarm
    fps = video[4]
    ends = f"{row.onset / fps:.2f}–{row.offset / fps:.2f} s"
    score = "" if row.score != row.score else f", score {row.score:.3g}"
    own = row.kind in near
    why = f"overlaps a true {row.kind}-expression too little, or again" if own else ""
    others = [kind for kind in near if kind != row.kind]
    return {
        "title": f"{video[1]}: {video[2]}",
        "what": f"{row.kind}, {ends}{score}",
        "near": "; ".join(filter(None, [why, ", ".join(others)])) or "nothing known there",
    }


def _write_pictures(folder: Path, alarms: list[tuple], videos: Sequence[LongVideo]) -> None:
    """First, middle and last frame of each false alarm, into `pictures/`."""
    by_name = {(video.dataset, video.id): video for video in videos}
    target = folder / FOLDER
    for old in target.glob("[0-9][0-9].png"):
        old.unlink()
    for number, (where, row, _) in enumerate(alarms):
        video = by_name.get((where[0], where[2]))
        if video is None:
            continue
        places = (row.onset, (row.onset + row.offset) // 2, row.offset)
        try:
            picture = strip([video.frames[place] for place in places])
        except InputError:
            continue  # a damaged frame: the alarm is listed without a picture
        write_bytes(target / f"{number:02d}.png", encode_image(picture, ".png"))


def _chosen(run: SpottingRun) -> list[list[str]]:
    """Rows of what was chosen in each fold: fold, kind, threshold, smoothing, F1 there, people."""
    from merzoo.schema import read_json

    path = run.folder / "chosen.json"
    if not path.is_file():
        return []
    rows = []
    for job, facts in read_json(path, dict).items():
        for kind in KINDS:
            if isinstance(facts, dict) and kind in facts:
                one = facts[kind]
                numbers = [f"{one[n]:.3g}" for n in ("threshold", "smoothing", "f1")]
                rows.append([job, kind, *numbers, ", ".join(one["people"])])
    return rows
