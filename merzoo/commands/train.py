"""`merzoo train`: the model to use, trained once on everybody; its card has its run's figure."""

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
from merzoo.commands._shared import add_json_option, choose_backend, print_json

SUMMARY = "train one model on all data, with the figure of its evaluation on its card"
EXAMPLE = "merzoo train --run runs/ststnet --out runs/model"


def arguments(parser):
    parser.add_argument("model", nargs="?", help=MODEL)
    add_data_option(parser, required=False)
    parser.add_argument(
        "--run",
        "--from",
        metavar="FOLDER",
        help="of a finished merzoo evaluate: model, data and recipe are its own, and its score "
        "goes on the card",
    )
    add_recipe_options(parser)
    parser.add_argument("--labels", help="label map (of clips: the recipe's)")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes that prepare (1)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (0)")
    add_preprocessing_options(parser)
    add_out_option(parser)
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend()
    from merzoo.evaluation.train import train

    start = time.perf_counter()
    found = train(
        options.model,
        data_of(options),
        run=options.run,
        labels=options.labels,
        recipe=options.recipe,
        arguments=model_arguments(options),
        epochs=options.epochs,
        parameters=parameters,
        jobs=options.jobs,
        seed=options.seed,
        out=out_of(options, options.model or options.run or "model"),
    )
    if options.json:
        print_json(found.entry.as_dict() | {"folder": str(found.folder)})
        return 0
    from merzoo.prediction.results import figures

    entry = found.entry
    people = f"{len(entry.subjects)} subjects of {', '.join(entry.trained_on)}"
    print(f"{entry.network}: {entry.protocol}; {people}")
    for line in figures({"metrics": entry.metrics}):
        print(f"  {line}, each left out of training")
    if not entry.metrics:
        print(
            "  how good it is on new people is not known: give --run, a folder of merzoo evaluate"
        )
    print(f"{time.perf_counter() - start:.0f} s; weights: {found.weights}")
    print(f"merzoo predict VIDEO --model {entry.network} --weights {found.folder} --out predicted")
    return 0
