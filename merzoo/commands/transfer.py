"""`merzoo transfer MODEL --pretrained RUN`: evaluate, each fold from pretrained weights."""

import json
import time

from merzoo.commands._options import (
    CLUSTER,
    MODEL,
    add_data_option,
    add_engine_option,
    add_out_option,
    add_preprocessing_options,
    add_recipe_options,
    data_of,
    model_arguments,
    out_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json

SUMMARY = "fine-tune pretrained weights in every fold, test, and report"
EXAMPLE = (
    "merzoo transfer densemixednet --pretrained runs/pre --data casme2:ROOT "
    "--freeze until:block_2_pool --trunk-rate 0.1 --out runs/transfer"
)


def arguments(parser):
    parser.add_argument("model", help=MODEL)
    parser.add_argument(
        "--pretrained",
        required=True,
        metavar="FOLDER|FILE|TAG",
        help="folder of merzoo pretrain, its .weights.h5 file, or a tag of merzoo weights list",
    )
    add_data_option(parser)
    add_recipe_options(parser)
    parser.add_argument("--labels", help="label map (of clips: the protocol's, else the recipe's)")
    parser.add_argument("--quick", action="store_true", help="a thin slice, to see that it works")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (1)")
    parser.add_argument("--protocol", help="as for merzoo evaluate (default: the recipe's)")
    parser.add_argument(
        "--freeze",
        default="none",
        metavar="until:LAYER|none",
        help="last layer to keep",
    )
    parser.add_argument(
        "--trunk-rate",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="of the learning rate, for all layers but the class head (1)",
    )
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (1)")
    parser.add_argument(
        "--subjects", nargs="+", metavar="DATASET/SUBJECT", help="hold out only these subjects"
    )
    parser.add_argument("--selection", default="last", help="as for merzoo evaluate (last)")
    add_engine_option(parser)
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help=CLUSTER)
    add_preprocessing_options(parser)
    add_out_option(parser)
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend(pictures=True)
    from merzoo.commands.evaluate import print_result
    from merzoo.evaluation.transfer import transfer

    start = time.perf_counter()
    result = transfer(
        options.model,
        options.pretrained,
        data_of(options),
        labels=options.labels,
        protocol=options.protocol,
        recipe=options.recipe,
        arguments=model_arguments(options),
        freeze=_freeze(options.freeze),
        trunk_rate=options.trunk_rate,
        epochs=options.epochs,
        quick=options.quick,
        engine=options.engine or "auto",
        seeds=options.seeds,
        jobs=options.jobs,
        subjects=options.subjects,
        selection=options.selection,
        cluster=options.cluster,
        parameters=parameters,
        out=out_of(options, options.model),
    )
    if options.json:
        print_json(result.metrics)
        return 0
    if options.quick:
        print("quick: a thin slice, to see that it works; its scores mean nothing.")
    protocol = json.loads((result.folder / "protocol.json").read_text())["protocol"]
    print_result(f"{options.model} from {options.pretrained}, {protocol}", result)
    print(f"{time.perf_counter() - start:.0f} s; report: {result.folder / 'report.html'}")
    return 0


def _freeze(text: str) -> str | None:
    from merzoo.errors import InputError

    if text == "none":
        return None
    if not text.startswith("until:") or text == "until:":
        raise InputError(f"--freeze {text}: write until:LAYER, or none.")
    return text.removeprefix("until:")
