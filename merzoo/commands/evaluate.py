"""`merzoo evaluate MODEL`: train and test in every fold, and report honestly."""

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
from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table
from merzoo.commands._together import check_together
from merzoo.errors import InputError

SUMMARY = "train and test a model with subjects held out, and report"
EXAMPLE = "merzoo evaluate ststnet --data arrays:flow.npz --seeds 3 --jobs 2 --out runs/ststnet"


def arguments(parser):
    parser.add_argument("model", nargs="?", help=MODEL)
    add_data_option(parser, required=False)
    parser.add_argument("--task", help=task_help())
    parser.add_argument(
        "--from",
        dest="rerun",
        metavar="protocol.json",
        help="run an evaluation again as its card says; other options are said over it",
    )
    parser.add_argument("--labels", help="label map (of clips: the protocol's, else the recipe's)")
    parser.add_argument("--protocol", help=protocol_help())
    add_recipe_options(parser)
    parser.add_argument("--seeds", type=int, help="number of seeds (1)")
    parser.add_argument(
        "--ensemble",
        action="store_true",
        help="also print the score of the seeds' averaged probabilities",
    )
    parser.add_argument("--jobs", type=int, help="folds at a time, in worker processes (1)")
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help=CLUSTER)
    parser.add_argument(
        "--cache-backbone",
        action="store_true",
        default=None,
        help="run keyregionnet's frozen trunk once a clip (--recipe keyregionnet-cached)",
    )
    add_engine_option(parser)
    parser.add_argument(
        "--fold-chunk", type=int, metavar="N", help="folds at a time, with --engine together"
    )
    parser.add_argument(
        "--subjects", nargs="+", metavar="DATASET/SUBJECT", help="hold out only these subjects"
    )
    parser.add_argument(
        "--audit-epochs",
        action="store_true",
        help="also show what choosing the epoch on test subjects would claim (not a result)",
    )
    parser.add_argument("--split", metavar="FILE", help="a split.json instead of a protocol")
    parser.add_argument(
        "--selection",
        help="weights that are scored: last (default), fixed:N (after N epochs), or inner (best "
        "epoch on subjects drawn from the training subjects)",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        default=None,
        help="draw inner people in every fold whatever recipe and selection say: their answers "
        "give a temperature, and the least confidence to answer with",
    )
    parser.add_argument(
        "--allow-leaks", action="store_true", help="run in spite of leaks, and mark the result"
    )
    add_preprocessing_options(parser)
    add_out_option(parser)
    add_json_option(parser)


def task_help() -> str:
    """The tasks, for `--help`."""
    from merzoo.evaluation.tasks import TASKS

    rows = (f"{name} ({task.about})" for name, task in TASKS.items())
    return f"classify (default), or another of: {'; '.join(rows)}"


def protocol_help() -> str:
    """The protocols, for `--help`."""
    from merzoo.evaluation.splits.protocols import PROTOCOLS

    rows = (f"{n}{':K' if p.numbered else ''} ({p.about})" for n, p in PROTOCOLS.items())
    return f"the recipe's (default; loso where it names none), or another of: {'; '.join(rows)}"


def run(options) -> int:
    said = _said(options)
    parameters = preprocessing_of(options)
    choose_backend()
    from merzoo.evaluation.evaluate import evaluate
    from merzoo.evaluation.tasks import CLASSIFY
    from merzoo.training.learner import resolve
    from merzoo.training.recipes import change_recipe

    start = time.perf_counter()
    card = _of_card(options.rerun) if options.rerun else {}
    if "protocol" in said or "split" in said:  # either stands for both of the card's
        card = {name: value for name, value in card.items() if name not in ("protocol", "split")}
    settings = card | said
    for name, option in (("model", "a model"), ("data", "--data KIND:PLACE")):
        if not settings.get(name):
            where = (
                f"{options.rerun} does not say it (it was an object of Python's): "
                if (options.rerun)
                else ""
            )
            raise InputError(f"{where}give {option}. merzoo evaluate --help shows how.")
    options.data = settings["data"]  # a card's own: its options were checked without
    check_together("evaluate", [f"preprocessing_{name}" for name in parameters], options)
    task = settings.pop("task", CLASSIFY)
    if task != CLASSIFY:
        return _run_task(task, settings, parameters, options)
    learner = resolve(
        settings.pop("model"), settings.pop("recipe", None), arguments=model_arguments(options)
    )
    if learner.kind == "estimator" and options.epochs is not None:
        raise InputError(
            f"--epochs has no effect on {learner.name}, which is fitted at once: leave it out."
        )
    learner = learner.with_recipe(change_recipe(learner.recipe, epochs=options.epochs))
    result = evaluate(
        learner,
        settings.pop("data"),
        parameters=parameters,
        jobs=1 if options.jobs is None else options.jobs,
        out=out_of(options, learner.name),
        audit_epochs=options.audit_epochs,
        allow_leaks=options.allow_leaks,
        cluster=options.cluster,
        fold_chunk=options.fold_chunk,
        **settings,
    )
    if options.json:
        print_json(result.metrics | ({"oracle": result.oracle} if result.oracle else {}))
        return 0
    protocol = settings.get("split") or settings.get("protocol") or learner.recipe.protocol
    print_result(f"{learner.name}, {protocol}", result, options.ensemble)
    if result.oracle:
        _print_oracle(result.oracle)
    print(f"{time.perf_counter() - start:.0f} s; report: {result.folder / 'report.html'}")
    return 0


def _run_task(name: str, settings: dict, parameters: dict, options) -> int:
    """Another task than the usual one: its own function, figures and tables."""
    from merzoo.evaluation.tasks import run_task

    model, data = settings.pop("model"), settings.pop("data")
    beside = {
        "parameters": settings.get("parameters", {}) | parameters,
        "epochs": options.epochs,
        "arguments": model_arguments(options),
        "jobs": options.jobs,
        "out": options.out,
        "audit_epochs": options.audit_epochs,
        "allow_leaks": options.allow_leaks,
        "cluster": options.cluster,
        "fold_chunk": options.fold_chunk,
        "ensemble": options.ensemble,
    }
    settings |= {key: value for key, value in beside.items() if value}
    start = time.perf_counter()
    result = run_task(name, model, data, settings)
    if options.json:
        print_json(result.metrics)
        return 0
    print_result("", result)
    print(f"{time.perf_counter() - start:.0f} s; report: {result.folder / 'report.html'}")
    return 0


def _said(options) -> dict:
    """The options that were said, by the names that `merzoo.evaluate` gives them."""
    names = ("model", "data", "task", "recipe", "labels", "protocol", "seeds", "engine", "subjects")
    names += ("split", "selection", "cache_backbone", "calibrate")
    said = {name: getattr(options, name) for name in names} | {"data": data_of(options)}
    return {name: value for name, value in said.items() if value is not None}


def _of_card(file: str) -> dict:
    """What the card of an earlier run says, for `merzoo.evaluate`."""
    from pathlib import Path

    from merzoo.evaluation.runs.card import rerun_options
    from merzoo.schema import read_json

    path = Path(file)
    path = path / "protocol.json" if path.is_dir() else path
    options = rerun_options(read_json(path), str(path))
    return {name: value for name, value in options.items() if value is not None}


def print_result(title: str, result, ensemble: bool = False) -> None:
    """Scores of an evaluation as a table, with its warnings; one of another task than classes has
    tables of its own."""
    if hasattr(result, "tables"):
        for table in result.tables():
            print_table(*table)
        for warning in result.warnings:
            print(f"warning: {warning}")
        return
    from merzoo.evaluation.pages.paper_tables import (
        beside_told,
        score_cells,
        score_columns,
        seeds_told,
    )
    from merzoo.metrics import UF1

    metrics = result.metrics
    seeds = seeds_told({"deterministic": result.deterministic}, metrics)
    parts = [("Full", metrics["full"]), *sorted(metrics["by_dataset"].items())]
    if ensemble and metrics["ensemble"]:
        parts.append((f"Full, ensemble of {metrics['seeds']}", metrics["ensemble"]))
    print_table(
        f"{title}, {seeds}",
        ["", *score_columns(), "N " + "/".join(metrics["classes"]), "subjects"],
        [[name, *score_cells(part), *_counts(part)] for name, part in parts],
    )
    for line in beside_told(metrics):
        print(line)
    if metrics["seeds"] > 1:
        spread = metrics["full"]["uf1_spread"]
        print(
            f"{UF1.label} {result.uf1:.3f} is the mean of {metrics['seeds']} seeds "
            f"(spread {spread:.3f})."
        )
    if metrics.get("calibration"):
        from merzoo.evaluation.scores.confidence import calibration_row

        print_table(
            "confidence, calibrated on inner people", *calibration_row(metrics["calibration"])
        )
    for line in result.preparation:
        print(line)
    if result.engine and result.engine["name"] != "fit":
        print("engine {name}: {why}".format(**result.engine))
    for warning in result.warnings:
        print(f"warning: {warning}")


def _print_oracle(oracle) -> None:
    print(oracle["about"])
    print_table(
        f"Oracle gap over {oracle['epochs']} epochs: not a result",
        ["epoch chosen", "UF1", "above honest", "random predictions, same rule (5-95 %)"],
        [
            ["by the protocol, honest", f"{oracle['honest']['uf1']:.3f}", "", ""],
            *(
                [
                    f"on the test subjects, {rule}",
                    f"{found['uf1']:.3f}",
                    f"{found['gap']:+.3f}",
                    "{uf1:.3f} ({low:.3f}-{high:.3f})".format(**found["floor"]),
                ]
                for rule, found in oracle["rules"].items()
            ),
        ],
    )


def _counts(part) -> list[str]:
    counts = "/".join(map(str, part["n_per_class"]))
    return [f"{counts} of {part['n']}", str(part["subjects"])]
