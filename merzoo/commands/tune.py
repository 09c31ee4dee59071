"""`merzoo tune MODEL`: search a network's settings, and find out what the search is worth."""

import os
import socket

from merzoo.commands._options import (
    MODEL,
    add_data_option,
    add_out_option,
    add_preprocessing_options,
    data_of,
    out_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table
from merzoo.errors import InputError

SUMMARY = "search a network's settings with KerasTuner, subject-wise"
EXAMPLE = (
    "merzoo tune ststnet --data arrays:flow.npz --tuner bayesian --trials 12 --budget 10 --nested "
    "--out runs/tune"
)


def arguments(parser):
    parser.add_argument("model", help=MODEL)
    add_data_option(parser)
    parser.add_argument("--labels", help="label map (of clips: the recipe's)")
    parser.add_argument("--recipe", help="to start from; default: the model's own")
    parser.add_argument("--space", metavar="FILE.json", help="own search space: name -> values")
    parser.add_argument(
        "--tuner", default="bayesian", help="random, bayesian, hyperband or grid (bayesian)"
    )
    parser.add_argument("--trials", type=int, default=20, help="at most, in each search (20)")
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="for all searches together")
    parser.add_argument("--folds", type=int, default=4, help="inner folds of whole subjects (4)")
    parser.add_argument(
        "--nested", action="store_true", help="also repeat the search in outer folds and test it"
    )
    parser.add_argument("--outer", default="kfold:5", help="outer folds: kfold:5 or loso (kfold:5)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the outer tests (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the search (0)")
    roles = parser.add_mutually_exclusive_group()
    roles.add_argument(
        "--chief",
        metavar="HOST:PORT",
        help="hand out trials to workers; write the results. Who reaches the port can read and "
        "hand in trials: use a network that only you reach (SECURITY.md)",
    )
    roles.add_argument("--worker", metavar="HOST:PORT", help="run trials of the chief there")
    parser.add_argument(
        "--silence",
        type=float,
        default=30,
        metavar="SECONDS",
        help="after which a worker's trial is given to another (30)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="worker processes that prepare clips")
    add_preprocessing_options(parser)
    add_out_option(parser)
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend()
    _take_role(options)
    from merzoo.tuning.search_spaces import read_space
    from merzoo.tuning.tune import tune

    result = tune(
        options.model,
        data_of(options),
        labels=options.labels,
        recipe=options.recipe,
        parameters=parameters,
        jobs=options.jobs,
        space=read_space(options.space) if options.space else None,
        tuner=options.tuner,
        trials=options.trials,
        budget=options.budget,
        folds=options.folds,
        nested=options.nested,
        outer=options.outer,
        seeds=options.seeds,
        seed=options.seed,
        silence=options.silence,
        out=out_of(options, options.model),
    )
    if result is None:
        print("The chief has no more trials.")
    elif options.json:
        print_json(
            {"uf1": result.uf1, "default_uf1": result.default_uf1}
            | {"nested": result.nested, "default": result.default}
            | {"difference": result.difference}
            | {"warnings": list(result.warnings), "folder": str(result.folder)}
        )
    else:
        _print(options, result)
    return 0


def _take_role(options) -> None:
    """`--chief` and `--worker` are KerasTuner's own variables."""
    place = options.chief or options.worker
    if place is None:
        return
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise InputError(
            f"{place!r}: give HOST:PORT, such as 127.0.0.1:8000; ports are 1 to 65535."
        )
    worker = f"worker-{socket.gethostname()}-{os.getpid()}"
    os.environ["KERASTUNER_ORACLE_IP"], os.environ["KERASTUNER_ORACLE_PORT"] = host, port
    os.environ["KERASTUNER_TUNER_ID"] = "chief" if options.chief else worker


def _print(options, result) -> None:
    from merzoo.evaluation.pages.paper_tables import beside_told

    rows = [
        ["started from", "inner", _score(result.default_uf1), "-"],
        ["best found (optimistic)", "inner", _score(result.uf1), "-"],
    ]
    if result.nested is not None:
        for name, metrics in (("started from", result.default), ("tuned", result.nested)):
            low, high = metrics["full"]["interval"]["uf1"]
            score = _score(metrics["full"]["uf1"])
            rows.append([name, f"outer, {options.outer}", score, f"{low:.3f}-{high:.3f}"])
    counts = result.trials["status"].value_counts()
    title = ", ".join(f"{number} {status}" for status, number in counts.items())
    print_table(f"{options.model}: trials: {title}", ["", "subjects", "UF1", "95 %"], rows)
    for warning in result.warnings:
        print(f"warning: {warning}")
    folder = result.folder
    print(f"recipe: {folder / 'best_recipe.json'}; page: {folder / 'tune.html'}")
    if result.nested is not None:
        found = result.difference["uf1"]
        low, high = found["interval"]
        print(
            f"Tuned less not tuned: UF1 {found['difference']:+.3f} (95 % {low:+.3f} to "
            f"{high:+.3f}, p {found['p']:.3f}); more by merzoo compare {folder / 'default'} "
            f"{folder / 'nested'}."
        )
        for line in beside_told(result.nested):
            print(line)


def _score(value) -> str:
    return "-" if value is None else f"{value:.3f}"
