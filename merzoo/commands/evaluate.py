"""`merzoo evaluate MODEL`: train and test in every fold, and report honestly."""

import time

from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table

SUMMARY = "train and test a model with subjects held out, and report"
EXAMPLE = "merzoo evaluate ststnet --data arrays:flow.npz --seeds 3 --jobs 2 --out runs/ststnet"


def arguments(parser):
    parser.add_argument("model", help="a name from merzoo list")
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="KIND:PLACE",
        help="such as arrays:file.npz or synthetic:easy; repeat to join data sets",
    )
    parser.add_argument("--labels", help="label map of clips (the protocol's, else the recipe's)")
    parser.add_argument("--protocol", help=protocol_help())
    parser.add_argument("--recipe", help="name or .json file; default: the model's own")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (default 1)")
    parser.add_argument(
        "--ensemble",
        action="store_true",
        help="also print the score of the seeds' averaged probabilities",
    )
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time, in worker processes")
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help="a Dask scheduler, for folds")
    parser.add_argument(
        "--cache-backbone",
        action="store_true",
        help="run keyregionnet's frozen trunk once a clip (--recipe keyregionnet-cached)",
    )
    parser.add_argument("--engine", default="auto", help="auto, reuse or fresh (see evaluate)")
    parser.add_argument(
        "--subjects", nargs="+", metavar="DATASET/SUBJECT", help="hold out only these subjects"
    )
    parser.add_argument("--out", metavar="FOLDER", help="where to write; a stopped run continues")
    parser.add_argument(
        "--audit-epochs",
        action="store_true",
        help="also show what choosing the epoch on test subjects would claim (not a result)",
    )
    parser.add_argument("--split", metavar="FILE", help="a split.json instead of a protocol")
    parser.add_argument(
        "--selection",
        default="last",
        help="weights that are scored: last (default), fixed:N (after N epochs), or inner (best "
        "epoch on subjects drawn from the training subjects)",
    )
    parser.add_argument(
        "--allow-leaks", action="store_true", help="run in spite of leaks, and mark the result"
    )
    add_json_option(parser)


def protocol_help() -> str:
    """The protocols, for `--help`."""
    from merzoo.evaluation.splits.protocols import PROTOCOLS

    rows = (f"{n}{':K' if p.numbered else ''} ({p.about})" for n, p in PROTOCOLS.items())
    return f"loso (default), or another of: {'; '.join(rows)}"


def run(options) -> int:
    choose_backend()
    from merzoo.evaluation.evaluate import evaluate
    from merzoo.models.registry import entry
    from merzoo.training.recipes import change_recipe, get_recipe

    start = time.perf_counter()
    import merzoo.models  # noqa: F401 - fills the register

    recipe = get_recipe(options.recipe, default=entry(options.model).recipe)
    result = evaluate(
        options.model,
        options.data,
        labels=options.labels,
        protocol=options.protocol,
        recipe=change_recipe(recipe, epochs=options.epochs),
        engine=options.engine,
        seeds=options.seeds,
        jobs=options.jobs,
        subjects=options.subjects,
        out=options.out,
        audit_epochs=options.audit_epochs,
        split=options.split,
        selection=options.selection,
        allow_leaks=options.allow_leaks,
        cluster=options.cluster,
        cache_backbone=options.cache_backbone,
    )
    if options.json:
        print_json(result.metrics | ({"oracle": result.oracle} if result.oracle else {}))
        return 0
    protocol = options.split or options.protocol or recipe.protocol
    print_result(f"{options.model}, {protocol}", result, options.ensemble)
    if result.oracle:
        _print_oracle(result.oracle)
    print(f"{time.perf_counter() - start:.0f} s; report: {result.folder / 'report.html'}")
    return 0


def print_result(title: str, result, ensemble: bool = False) -> None:
    """Scores of an evaluation as a table, with its warnings."""
    from merzoo.evaluation.pages.paper_tables import score_cells, score_columns
    from merzoo.metrics import UF1

    metrics = result.metrics
    parts = [("Full", metrics["full"]), *sorted(metrics["by_dataset"].items())]
    if ensemble and metrics["ensemble"]:
        parts.append((f"Full, ensemble of {metrics['seeds']}", metrics["ensemble"]))
    print_table(
        f"{title}, {metrics['seeds']} seed(s)",
        ["", *score_columns(), "N " + "/".join(metrics["classes"]), "subjects"],
        [[name, *score_cells(part), *_counts(part)] for name, part in parts],
    )
    if metrics["seeds"] > 1:
        spread = metrics["full"]["uf1_spread"]
        print(
            f"{UF1.label} {result.uf1:.3f} is the mean of {metrics['seeds']} seeds "
            f"(spread {spread:.3f})."
        )
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
