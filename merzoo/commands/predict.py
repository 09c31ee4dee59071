"""`merzoo predict INPUT...`: the micro-expressions of videos, clips and pairs of images."""

import sys
import time
from pathlib import Path

from merzoo.commands._options import MODEL, add_preprocessing_options, preprocessing_of
from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table
from merzoo.errors import InputError

SUMMARY = "find and classify the micro-expressions of a video"
EXAMPLE = "merzoo predict sample --out runs/predicted"
_NOT_CHOSEN = ("apex", "on_error", "frames")  # the spotter finds the apex; clips are no data set


def arguments(parser) -> None:
    from merzoo.prediction.defaults import DEFAULT_MODEL, DEFAULT_WEIGHTS, UNIT_WEIGHTS
    from merzoo.prediction.spotting import LONGEST, SHORTEST

    parser.add_argument(
        "input",
        nargs="+",
        metavar="INPUT",
        help="a video, a folder of frames or of videos, two images in a row (onset and apex), "
        "webcam:0 or webcam:http://ADDRESS, or sample (merzoo's own synthetic video); several are "
        "taken one after another",
    )
    parser.add_argument("--model", help=f"{MODEL} (that of the weights, else {DEFAULT_MODEL})")
    parser.add_argument(
        "--weights",
        metavar="TAG_OR_PATH",
        help="tag of the weights manifest, folder of a training run or .weights.h5 "
        f"({DEFAULT_WEIGHTS})",
    )
    parser.add_argument(
        "--units",
        default="auto",
        metavar="ID",
        help="weights that say the action units of each segment: an id of merzoo weights list, "
        f"none, or auto: {UNIT_WEIGHTS} beside weights of invented faces (auto)",
    )
    parser.add_argument("--classes", metavar="A,B,C", help="names, for weights that say none")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--how",
        default="auto",
        help="spot (look for expressions), whole (the clip is one), or auto: whole up to 1.5 s",
    )
    parser.add_argument("--fps", type=float, help="frames per second, for folders of frames")
    parser.add_argument(
        "--seconds", type=float, default=10, help="how long to record or watch a webcam (10)"
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="answer while webcam:0, or a video played in real time, goes on: each expression with "
        "the time from its apex to its answer; frames that cannot be kept up with are counted",
    )
    parser.add_argument(
        "--shortest", type=float, default=SHORTEST, help=f"seconds of a segment ({SHORTEST})"
    )
    parser.add_argument(
        "--longest", type=float, default=LONGEST, help=f"seconds of a segment ({LONGEST})"
    )
    parser.add_argument(
        "--annotated",
        default="half",
        metavar="SIZE",
        help="size of the annotated video: half (as wide as the video; at least 360 pixels), full, "
        "or none, which writes none (half)",
    )
    add_preprocessing_options(parser, without=_NOT_CHOSEN)
    add_json_option(parser)


def run(options) -> int:
    from merzoo.prediction.given import expand
    from merzoo.prediction.predicting import ANNOTATED, HOW
    from merzoo.prediction.results import check_results
    from merzoo.prediction.sources import camera_of, check_seconds, group_inputs, open_source

    start = time.perf_counter()
    check_results(options.out)
    groups = [one for group in group_inputs(options.input) for one in expand(group)]
    if options.how not in HOW:
        raise InputError(f"--how {options.how}: choose auto, spot or whole.")
    if options.annotated not in ANNOTATED:
        raise InputError(f"--annotated {options.annotated}: choose half, full or none.")
    parameters = preprocessing_of(options)
    check_seconds(options.seconds)
    if len(groups) == 1 and camera_of(groups[0]) is None:  # before a model is loaded for it
        groups = [open_source(groups[0], options.fps)]
    if options.live:
        from merzoo.prediction.live import check_live

        check_live(groups)
    choose_backend()
    from merzoo.prediction import Classifier, Settings, predict_files

    settings = Settings(shortest=options.shortest, longest=options.longest)
    classes = options.classes.split(",") if options.classes else None
    model = Classifier(options.model, options.weights, classes, options.units, **parameters)
    out = Path(options.out)
    if options.live:
        return _live(options, groups[0], model, settings)
    sources = [_recorded(group, out, options.seconds) for group in groups]
    results = predict_files(
        sources,
        model,
        out,
        how=options.how,
        fps=options.fps,
        settings=settings,
        annotated=options.annotated,
        done=(lambda result: None) if options.json else _print,
    )
    failed = [result for result in results if not hasattr(result, "segments")]
    lines = [f"{result.source}: {result.reason}" for result in failed]
    if lines and len(results) == 1:
        raise InputError(lines[0])
    for line in lines:
        print(f"merzoo: failed: {line}", file=sys.stderr)
    if options.json:
        print_json({"files": [result.as_dict() for result in results]})
    else:
        _print_model(model.facts())
        print(f"{time.perf_counter() - start:.0f} s; results: {out / 'predictions.json'}")
    return int(bool(failed))


def _live(options, source, model, settings) -> int:
    """Watches one source and answers as it goes on."""
    from merzoo.prediction.live import watch
    from merzoo.prediction.results import write_results
    from merzoo.prediction.sources import camera_of

    facts = model.facts()
    camera = isinstance(source, str) and camera_of(source) is not None

    def answer(segment, latency: float) -> None:
        label, share, units, *_ = _row(segment, facts)
        at = f"{segment.apex_seconds:.2f} s: {label} {share}; action units {units}"
        print(f"{at}; answered {latency:.2f} s after its apex", flush=True)

    result = watch(
        source,
        model,
        seconds=options.seconds if camera else None,
        settings=settings,
        answer=(lambda segment, latency: None) if options.json else answer,
    )
    write_results(Path(options.out), [result])
    if options.json:
        print_json({"files": [result.as_dict()]})
        return 0
    _print(result)
    live = result.live
    told = f"{live['dropped']} of {live['came']} frames dropped"
    if live["latency"]:
        late = sorted(live["latency"])
        told += f"; from apex to answer {late[len(late) // 2]:.2f} s (median), "
        told += f"{late[-1]:.2f} s (most)"
    print(told)
    _print_model(model.facts())
    return 0


def _recorded(group, out: Path, seconds: float):
    """A webcam's recording in place of its name."""
    from urllib.parse import urlsplit

    from merzoo.files import file_name
    from merzoo.prediction.sources import camera_of, record
    from merzoo.progress import progress_bar

    camera = None if isinstance(group, tuple) else camera_of(group)
    if camera is None:
        return group
    name = urlsplit(camera).hostname if isinstance(camera, str) else camera  # no password in it
    with progress_bar() as bar:
        task = bar.add_task("recording, s", total=round(seconds))
        return record(
            camera,
            out / f"webcam-{file_name(str(name))}.avi",
            seconds,
            lambda s: bar.update(task, completed=s),
        )


def _print(result) -> None:
    if not hasattr(result, "segments"):
        return  # said at the end, on standard error
    rate = f" at {result.fps:g} fps" if result.fps else ""
    title = f"{result.source}: {len(result)} found in {result.frames} frames{rate}"
    if result.segments:
        print_table(
            title,
            ["label", "probability", "action units", "onset", "apex", "offset", "seconds", "score"],
            [_row(segment, result.model) for segment in result],
        )
    else:
        print(title)
    for warning in result.warnings:
        print(f"warning: {warning}")


def _row(segment, model: dict) -> list[str]:
    from merzoo.prediction.results import least_of_units

    known = segment.onset_seconds is not None
    seconds = f"{segment.onset_seconds:.2f}-{segment.offset_seconds:.2f}" if known else "-"
    score = "-" if segment.score is None else f"{segment.score:.2f}"
    share = segment.probabilities.get(segment.label)
    share = "-" if share is None else f"{share:.3f}"
    told = {name: p for name, p in (segment.units or {}).items() if p > 0.5}
    least = least_of_units(model)
    words = (f"{name}{'?' if p < least else ''} {p:.2f}" for name, p in told.items())
    units = " ".join(words) or "none"
    frames = [segment.onset, segment.apex, segment.offset]
    return [
        f"{segment.shown} ({segment.label}?)" if segment.known is False else segment.label,
        share,
        units if segment.units else "-",
        *map(str, frames),
        seconds,
        score,
    ]


def _print_model(facts: dict) -> None:
    from merzoo.prediction.results import NOT_FOR, confidence_told, figures

    known = "; ".join(["", *figures(facts)])
    print(f"model: {facts['name']}, weights {facts['weights']}{known}")
    print(confidence_told(facts))
    if "units" in facts:
        beside = facts["units"]
        known = "; ".join(["", *figures(beside)])
        print(f"action units: {beside['name']}, weights {beside['weights']}{known}")
        print(confidence_told(beside))
    print(f"{facts['note']} {NOT_FOR}")
