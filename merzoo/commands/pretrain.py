"""`merzoo pretrain MODEL`: train a network once on pictures of full expressions."""

import time

from merzoo.commands._options import (
    MODEL,
    add_data_option,
    add_out_option,
    add_preprocessing_options,
    add_recipe_options,
    data_of,
    model_arguments,
    out_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table

SUMMARY = "train a network once on full expressions, validated on other people"
EXAMPLE = (
    "merzoo pretrain densemixednet --data fer2013:FER --data ck_plus:CK --labels macro3 --out pre"
)


def arguments(parser):
    parser.add_argument("model", help=MODEL)
    add_data_option(parser, about="such as fer2013:ROOT or synthetic:easy; repeat to join")
    add_recipe_options(parser)
    parser.add_argument("--labels", help="label map (of clips: macro3)")
    parser.add_argument("--quick", action="store_true", help="a thin slice, to see that it works")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes that prepare (1)")
    parser.add_argument("--validation", type=float, default=0.2, help="share, by person (0.2)")
    parser.add_argument(
        "--balance", default="weights", help="classes: weights (default), sampling or none"
    )
    parser.add_argument(
        "--plateau", default="10", help="epochs without improvement until the rate falls, or none"
    )
    parser.add_argument("--factor", type=float, default=0.1, help="by which it falls (0.1)")
    parser.add_argument(
        "--stop", default="20", help="epochs without improvement until training ends, or none"
    )
    parser.add_argument("--ema", type=float, help="momentum of a moving average of the weights")
    parser.add_argument(
        "--precision", default="float32", help="float32, mixed_bfloat16 or mixed_float16"
    )
    parser.add_argument("--accumulate", type=int, default=1, help="steps a gradient update (1)")
    parser.add_argument("--no-xla", action="store_true", help="do not compile with XLA")
    parser.add_argument("--seed", type=int, default=0, help="of weights, split and order (0)")
    parser.add_argument(
        "--devices", metavar="all|NAME,NAME", help="several devices, such as gpu:0,gpu:1"
    )
    add_preprocessing_options(parser, without=("frames",))
    add_out_option(parser)
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend(pictures=True)
    from merzoo.training.pretrain import pretrain

    start = time.perf_counter()
    found = pretrain(
        options.model,
        data_of(options),
        labels=options.labels,
        recipe=options.recipe,
        arguments=model_arguments(options),
        epochs=options.epochs,
        quick=options.quick,
        parameters=parameters | {"jobs": options.jobs},
        out=out_of(options, options.model),
        validation=options.validation,
        balance=None if options.balance == "none" else options.balance,
        plateau=_patience("--plateau", options.plateau),
        factor=options.factor,
        stop=_patience("--stop", options.stop),
        ema=options.ema,
        precision=options.precision,
        accumulate=options.accumulate,
        xla=not options.no_xla,
        seed=options.seed,
        devices=_devices(options.devices),
    )
    if options.json:
        print_json(found.entry.as_dict() | {"folder": str(found.folder)})
        return 0
    _print(options, found)
    print(f"{time.perf_counter() - start:.0f} s; weights: {found.weights}")
    return 0


def _print(options, found) -> None:
    if options.quick:
        print("quick: a thin slice, to see that it works; its weights are worth nothing.")
    data = found.card["data"]
    rows = [
        [f"{dataset}, {what}", *counts.values(), sum(counts.values())]
        for what, key in (("training", "trained_on"), ("validation", "validated_on"))
        for dataset, counts in data[key].items()
    ]
    print_table(f"{found.entry.id}: samples", ["", *data["classes"], "all"], rows)
    for name, count in data["left_out"].items():
        print(f"left out: {count} {name}")
    for dataset in data["unknown_persons"]:
        print(f"{dataset} names no persons: it is parted by picture, equal pictures together.")
    metrics = dict(found.entry.metrics)
    if metrics:
        about = metrics.pop("data", "unknown data")
        line = ", ".join(f"{n.removeprefix('validation_')} {v:.3f}" for n, v in metrics.items())
        print(f"{line} on {about}")
    print(f"{len(found.history)} epochs; kept: {found.card['selection']}")


def _patience(name: str, text: str) -> int | None:
    from merzoo.errors import InputError

    if text == "none":
        return None
    if not text.isdigit():
        raise InputError(f"{name} {text}: give a number of epochs, or none.")
    return int(text)


def _devices(text: str | None) -> str | tuple[str, ...] | None:
    return text if text in (None, "all") else tuple(text.split(","))
