"""`predict`: one video, clip or pair of images in; its expressions with class probabilities out.

The frames are read in order, one at a time: for the movement, for the segments found, and for the
annotated video. Each is decoded once: frames that do not fit into 256 MiB go to a temporary file,
so memory does not grow with a film's length (but for some hundred bytes a frame).
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from merzoo.data.damage import seconds_told
from merzoo.data.videos import VideoFrames
from merzoo.errors import InputError, unknown
from merzoo.files import file_name
from merzoo.prediction.annotate import write_annotated
from merzoo.prediction.classify import AUTO, Classifier
from merzoo.prediction.given import expand
from merzoo.prediction.motion import Motion, measure_motion
from merzoo.prediction.results import (
    Failed,
    Prediction,
    check_results,
    write_results,
)
from merzoo.prediction.segments import classify_spots
from merzoo.prediction.sources import Source, check_rate, open_source
from merzoo.prediction.spotting import LOWEST_RATE, Settings, Spot, spot
from merzoo.prediction.whole import LONGEST_WHOLE, face_in, take_whole
from merzoo.progress import progress_bar

HOW = ("auto", "spot", "whole")
# Width of the annotated video over the video's.
ANNOTATED: dict[str, float | None] = {"half": 0.5, "full": 1.0, "none": None}
SHORT_CLIP = 1.5  # seconds up to which a clip is taken as one expression
_NAMED = 5  # places of jumps that a warning lists

Progress = Callable[[str, int, int], None]  # what is done, how many frames, of how many


def predict(
    source,
    model=None,
    weights: str | os.PathLike | None = None,
    *,
    how: str = "auto",
    fps: float | None = None,
    classes: Sequence[str] | None = None,
    units: str = AUTO,
    settings: Settings | None = None,
    out: str | os.PathLike | None = None,
    annotated: str = "half",
    progress: Progress | None = None,
    **parameters: str,
) -> Prediction:
    """Finds the micro-expressions of a video and classifies each.

    Args:
        source: path of a video, of a folder of frames, a pair of images (onset, apex), or
            `"sample"`, merzoo's own synthetic video; or frames in memory: a (T, H, W, 3) RGB or
            (T, H, W) grey uint8 array, a list of pictures, or whatever yields them one by one (all
            are kept).
        model: a name of `merzoo.list_models()`, a built `keras.Model`, the path of a `.keras` file,
            or a `Classifier` (which saves loading a model for each of many files); `None` for the
            network that the weights say (folder of a training run, or id), else `offapexnet`.
        weights: tag of the weights manifest, folder of a training run or path of a `.weights.h5`
            file; `None` for the tag `"synthetic"`.
        how: `"spot"` looks for expressions; `"whole"` takes the clip as one, from its first frame
            with a face to its last frame, and spots the apex; `"auto"` is `"whole"` up to 1.5
            seconds.
        fps: frames per second; needed to spot in a folder of frames, or in frames in memory.
        classes: names of the classes in order, for weights that do not say them.
        units: weights that say the action units of each segment, see `Classifier`.
        settings: of the spotter; `None` for the defaults.
        out: folder for `predictions.json`, `predictions.csv` and an annotated video; `None` writes
            nothing.
        annotated: size of the annotated video: `"half"` as wide as the video, `"full"`, or
            `"none"`, which writes none.
        progress: called with a word, frames done and frames in all; `None` shows a bar on a
            terminal.
        parameters: choices of preprocessing, such as `detector="haar"`, or `face="largest"` where
            several people are seen.

    Returns:
        A `Prediction`, which is a list of `Segment` and knows model, figures and warnings.

    Raises:
        InputError: if the source, the model or an argument cannot be used.

    Example:

    >>> found = predict("sample")  # doctest: +SKIP
    >>> [(segment.label, segment.apex_seconds) for segment in found]  # doctest: +SKIP
    [('surprise', 1.32)]
    >>> found = predict(frames, fps=100)  # doctest: +SKIP
    """
    _check(how, annotated)
    check_results(out)
    opened = open_source(source, fps)
    check_rate([opened], fps)
    if not isinstance(model, Classifier):
        model = Classifier(model, weights, classes, units, **parameters)
    with _shown(progress) as step:
        result = _predict(opened, model, how, settings or Settings(), step)
        if out is not None:
            folder = _folder(out)
            result = _annotated(opened, result, folder, annotated, step)
            write_results(folder, [result])
    return result


def predict_files(
    sources: Sequence,
    model: Classifier,
    out: str | os.PathLike,
    *,
    how: str = "auto",
    fps: float | None = None,
    settings: Settings | None = None,
    annotated: str = "half",
    done: Callable[[Prediction | Failed], None] = lambda result: None,
) -> list[Prediction | Failed]:
    """`predict` for many files: one that cannot be used is reported and the rest go on.

    Args:
        sources: each as `predict` takes it, or opened (`merzoo.prediction.sources.open_source`); of
            a folder of videos each video.
        model: loaded once.
        out: folder for one `predictions.json`, one `predictions.csv`, and the annotated videos.
        how, fps, settings, annotated: as in `predict`.
        done: called with each result as it comes.

    Returns:
        A `Prediction`, or a `Failed` with its reason, for each source in order. What was finished
        is on disk even if a later file ends the run.
    """
    _check(how, annotated)
    check_results(out)
    check_rate(sources, fps)
    folder = _folder(out)
    results: list[Prediction | Failed] = []
    for source in [one for given in sources for one in expand(given)]:
        with _shown(None) as step:
            try:
                opened = open_source(source, fps)
                result = _predict(opened, model, how, settings or Settings(), step)
                videos = [getattr(other, "annotated", None) for other in results]
                taken = [video.name for video in videos if video is not None]
                results.append(_annotated(opened, result, folder, annotated, step, taken))
            except (InputError, OSError) as error:
                name, reason = _name_of(source), " ".join(str(error).split())
                results.append(Failed(name, reason.removeprefix(f"{name}: ")))
        write_results(folder, results)
        done(results[-1])
    return results


def _name_of(source) -> str:
    """A source that could not be opened, for people."""
    if isinstance(source, str | os.PathLike):
        return str(source)
    if isinstance(source, tuple) and all(isinstance(one, str | os.PathLike) for one in source):
        return " + ".join(map(str, source))
    return getattr(source, "name", None) or f"{type(source).__name__} of frames"


def _check(how: str, annotated: str) -> None:
    if how not in HOW:
        raise unknown("how", how, HOW)
    if annotated not in ANNOTATED:
        raise unknown("annotated", annotated, ANNOTATED)


def _predict(source: Source, model: Classifier, how: str, settings: Settings, step) -> Prediction:
    if source.kind == "pair":
        how = "pair"
    elif how == "auto":
        how = _suits(source)
    warnings: list[str] = []
    if how == "spot":
        if source.film is None and source.fps is None:
            raise InputError(f"{source.name}: give its frames per second (fps, --fps) to spot.")
        motion = measure_motion(
            source.frames,
            source.given_fps,
            model.parameters["detector"],
            lambda n: step("looking for movement", n, _expected(source)),
            model.parameters["face"],
        )
        spots, curve = spot(motion, settings)
        positions, faces = motion.positions, tuple(motion.faces)
        warnings += _about_motion(motion, source)
    elif how == "pair":
        face = face_in(source.frames[0], model, "onset")
        spots, curve = [Spot(0, 1, 1, None)], np.array([np.nan, np.nan])
        positions, faces = np.arange(2), ((0, face),)
    else:
        first, face, apex = take_whole(source, model, step)
        spots = [Spot(first, first + apex.index, len(source.frames) - 1, apex.confidence)]
        curve = np.concatenate([np.full(first, np.nan), apex.curve])
        positions, faces = np.arange(len(source.frames)), ((first, face),)
        if first:
            warnings.append(f"no face in the first {first} frames: the clip starts after them.")
    if how != "pair":
        warnings += _about_times(source, settings)
    if isinstance(source.frames, VideoFrames) and source.frames.damage:
        warnings += _about_damage(source.frames)
        if how == "whole":  # what was taken as one expression is not whole
            spots = []
    if model.shapes.keys() & {"action_units"}:
        warnings.append("the model also takes action units, which are unknown: taken as none.")
    found = classify_spots(source.frames, source.fps, source.times, model, spots, faces, warnings)
    segments = []
    for number, segment in enumerate(found, 1):
        segments += [] if segment is None else [segment]
        step("classifying", number, len(spots))
    warnings = [*source.frames.notes, *warnings]
    return Prediction(
        source=source.name,
        kind=source.kind,
        segments=tuple(segments),
        frames=len(source.frames),
        fps=source.fps,
        how=how,
        model=model.facts(),
        warnings=tuple(warnings),
        positions=positions,
        curve=curve,
        faces=faces,
        times=source.times,
    )


def _expected(source: Source) -> int:
    frames = source.frames
    return frames.expected if isinstance(frames, VideoFrames) else len(frames)


def _suits(source: Source) -> str:
    if source.film is not None:
        return "spot" if source.film.lasts(SHORT_CLIP) else "whole"
    if source.fps is None:
        if len(source.frames) > LONGEST_WHOLE:
            raise InputError(
                f"{source.name}: {len(source.frames)} frames are too many for one expression; give "
                "their rate (fps, --fps) to look for expressions in them."
            )
        return "whole"
    return "whole" if len(source.frames) <= SHORT_CLIP * source.fps else "spot"


def _about_times(source: Source, settings: Settings) -> list[str]:
    warnings = []
    if source.fps is not None and source.fps < LOWEST_RATE:
        frames = settings.shortest * source.fps
        warnings.append(
            f"{source.fps:.4g} frames per second: micro-expressions cannot be resolved reliably "
            f"below {LOWEST_RATE:g} (the shortest would last {frames:.1f} frames)."
        )
    if source.film is not None and source.film.variable_rate:
        steps = np.diff(source.film.times)
        slow, fast = 1000 / steps.max(), 1000 / max(steps.min(), 0.1)
        warnings.append(
            f"its frame rate varies, from {slow:.3g} to {fast:.3g} frames per second: seconds are "
            f"those of the frames, and movement is resampled to {source.fps:.4g}."
        )
    return warnings


def _about_motion(motion: Motion, source: Source) -> list[str]:
    warnings = []
    if motion.broken_off:
        warnings.append(f"{motion.broken_off} What comes before was used.")
    if motion.missing:
        reason = motion.missing[0][1]
        share = len(motion.missing) / (len(motion.missing) + len(motion.faces))
        warnings.append(f"no usable face in {share:.0%} of the places looked at; first: {reason}")
    times = source.times
    if motion.breaks and times is not None:
        places = ", ".join(seconds_told(times, *ends) for ends in motion.breaks[:_NAMED])
        more = f" and {len(motion.breaks) - _NAMED} more places" * (len(motion.breaks) > _NAMED)
        warnings.append(
            f"the picture jumps (a cut, a zoom, a flash, a damaged frame) at {places}{more}: "
            "nothing is looked for there."
        )
    return warnings


def _about_damage(film: VideoFrames) -> list[str]:
    seconds = (film.times - film.times[0]) / 1000
    found = [f"{one.what} ({one.place(seconds)})" for one in film.damage]
    more = f", and at {len(found) - _NAMED} more places" * (len(found) > _NAMED)
    return [
        f"its file is damaged: {'; '.join(found[:_NAMED])}{more}: no expression is reported there."
    ]


def _annotated(
    source: Source, result: Prediction, folder: Path, size: str, step, taken=()
) -> Prediction:
    """Writes the annotated video, under a name not `taken`; a pair of images has none."""
    share = ANNOTATED[size]
    if source.kind == "pair" or share is None:
        return result
    stem = file_name(Path(source.name).stem)
    name, number = f"{stem}.annotated.webm", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.annotated.webm"
    path = folder / name
    write_annotated(
        path,
        source.frames,
        result,
        lambda n, of: step("writing the video", n, of),
        share=share,
    )
    return replace(result, annotated=path)


def _folder(out: str | os.PathLike) -> Path:
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _shown(progress: Progress | None) -> Iterator[Progress]:
    """The caller's own display of progress, or a bar for each step on a terminal."""
    if progress is not None:
        yield progress
        return
    with progress_bar() as bar:
        tasks = {}

        def step(what: str, number: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=number)

        yield step
