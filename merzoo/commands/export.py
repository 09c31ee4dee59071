"""`merzoo export MODEL`: a trained model in a format that other runtimes read."""

import dataclasses
import pkgutil
from pathlib import Path

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

SUMMARY = "write a model in a format that other runtimes read, and check it"
EXAMPLE = (
    "merzoo export dfrnet --weights synthetic --format onnx --preprocessing --out runs/dfrnet.onnx"
)


def arguments(parser):
    parser.add_argument("model", help=MODEL)
    add_weights_option(parser)
    parser.add_argument(
        "--format", default="saved_model", help=f"{', '.join(_formats())} (saved_model)"
    )
    parser.add_argument(
        "--preprocessing",
        action="store_true",
        help="take raw 8-bit face crops and work out flow and the like inside",
    )
    parser.add_argument("--int8", action="store_true", help="litert: 8-bit weights and activations")
    about = "samples for the check and for --int8"
    add_data_option(parser, required=False, about=about, several=False)
    parser.add_argument("--labels", help="label map (of clips: megc3)")
    parser.add_argument("--out", required=True, metavar="PATH", help="a folder, or a file")
    add_preprocessing_options(parser, without=("frames",))
    add_json_option(parser)


def _formats() -> list[str]:
    """Their names, without importing what exports need."""
    folder = Path(__file__).parents[1] / "exporting" / "formats"
    return [module.name for module in pkgutil.iter_modules([str(folder)])]


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend()
    from merzoo.exporting import export
    from merzoo.training.trained import load_trained

    trained = load_trained(options.model, options.weights)
    done = export(
        trained.model,
        options.out,
        options.format,
        options.preprocessing,
        int8=options.int8,
        data=data_of(options),
        labels=options.labels,
        parameters=trained.preprocessing | parameters,
        entry=trained.entry,
    )
    if options.json:
        print_json(dataclasses.asdict(done) | {"path": str(done.path)})
        return 0
    print_table(
        f"{options.model} as {options.format}",
        ["inputs", "against", "same class", "largest difference", "allowed"],
        [_row(parity) for parity in done.parity],
    )
    if done.accuracy:
        before, after = done.accuracy["keras"], done.accuracy["int8"]
        print(f"accuracy {before:.3f} in Keras, {after:.3f} in int8 ({after - before:+.3f})")
    print(f"{done.path}, {done.bytes / 1e6:.2f} MB; inputs {_inputs(done)}")
    return 0


def _row(parity) -> list[str]:
    from merzoo.exporting.exporter import TOLERANCE

    same = f"{parity.same_class} of {parity.samples}"
    allowed = f"{TOLERANCE:.0e}" if parity.enforced else "reported only"
    return [parity.inputs, parity.against, same, f"{parity.difference:.1e}", allowed]


def _inputs(done) -> str:
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in done.inputs.items())
