"""`merzoo explain MODEL`: pictures of what a network looked at."""

import dataclasses
from pathlib import Path

from merzoo.arguments import whole_number
from merzoo.commands._options import (
    MODEL,
    add_data_option,
    add_preprocessing_options,
    data_of,
    preprocessing_of,
)
from merzoo.commands._shared import (
    add_json_option,
    add_weights_option,
    choose_backend,
    print_json,
    print_table,
)
from merzoo.errors import InputError

SUMMARY = "show what a network looked at: Grad-CAM, attention, flow, action units"
EXAMPLE = "merzoo explain densemixednet --weights synthetic --data synthetic:easy --out runs/cam"


def arguments(parser):
    parser.add_argument("model", help=MODEL)
    add_weights_option(parser)
    add_data_option(parser, about="clips, such as synthetic:easy", several=False)
    parser.add_argument("--labels", default="megc3", help="label map of the clips (megc3)")
    parser.add_argument("--clips", type=int, default=3, help="number of clips, of all classes (3)")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="pictures and index.html")
    add_preprocessing_options(parser, without=("frames",))
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend()
    from merzoo.explain.page import check_page, explain_clips, pick
    from merzoo.training.trained import load_trained

    check_page(Path(options.out))
    whole_number("--clips", options.clips)
    trained = load_trained(options.model, options.weights)
    on_error = parameters.get("on_error", "fail")
    found = _clips(data_of(options), options.clips, on_error)
    clips = pick(found, options.labels, options.clips, on_error)
    out = Path(options.out)
    explained = explain_clips(
        trained.model,
        clips,
        out,
        options.labels,
        trained.units,
        **trained.preprocessing | parameters,
    )
    if options.json:
        print_json([dataclasses.asdict(row) for row in explained])
        return 0
    print_table(
        f"{options.model} on {options.data}",
        ["clip", "label", "predicted", "probability", "picture"],
        [
            [r.clip, r.label, r.predicted, f"{r.probabilities[r.predicted]:.3f}", r.picture]
            if r.predicted in r.probabilities
            else [r.clip, r.label, r.predicted, "-", r.picture]
            for r in explained
        ],
    )
    print(f"page: {out / 'index.html'}")
    return 0


def _clips(data: str, count: int, on_error: str):
    """The clips of a source; of synthetic ones no more people than are needed are invented."""
    from merzoo.data.datasets import load_named, parse_data

    usual = {"on_error": on_error}
    if parse_data(data).kind == "synthetic":
        usual |= {"subjects": -(-count // 3), "clips": 3}
    clips = load_named(data, **usual)
    if not isinstance(clips, list):
        raise InputError(f"{data}: explain needs clips, of which it shows the faces.")
    return clips
