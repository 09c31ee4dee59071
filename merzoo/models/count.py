"""The counts that the five papers' networks have to have, and what the papers print.

Trainable and total parameters are of a build of the specification, layer by layer, and exact;
multiply-adds are rounded as they were written down.

`python -m merzoo.models.count --check` prints the table and exits 1 where a count is wrong.
"""

import argparse
import math
import sys
from typing import NamedTuple

from merzoo.models.multiply_adds import multiply_adds
from merzoo.models.registry import create_model, list_models

TOLERANCE = 0.005  # relative, of multiply-adds; parameters have to be equal


class Row(NamedTuple):
    model: str
    arguments: dict
    trainable: int | None
    total: int
    multiply_adds: float
    paper: str = "-"  # parameters and "FLOPs" as printed


ROWS = (
    Row("broadbentnet", {}, 37592, 37816, 10.37e6),
    Row("broadbentnet", {"pool": False}, 37592, 37816, 644.4e6),
    Row("cvanet", {}, 24830850, 24837690, 19.24e9),
    Row("cvanet", {"direction": "horizontal"}, 24830850, 24837690, 19.24e9),
    Row("cvanet", {"direction": "both"}, 25037690, 25044610, 19.25e9),
    Row("cvanet", {"direction": None}, 24624010, 24630770, 19.24e9),
    Row("cvanet", {"continuous": False}, 24649730, 24656570, 19.24e9),
    Row("cvanet", {"fpf": "vit"}, 9662410, 9669250, 8.73e9),
    Row("cvanet", {"fpf": None}, 3254218, 3261058, 6.11e9),
    Row("cvanet", {"frames": "onset"}, 24830850, 24837690, 12.68e9),
    Row("cvanet", {"frames": "apex"}, 24830850, 24837690, 12.68e9),
    Row("cvanet", {"au": False}, 24830745, 24837585, 19.24e9),
    Row("cvanet", {"mlp_units": (256,)}, 50026009, 50032849, 19.27e9),
    Row("densemixednet", {}, 3115378, 3116402, 4.03e9, "3.115 M / -"),
    Row(
        "densemixednet",
        {"reduction": 8, "attention_at": "each"},
        3108340,
        3109364,
        4.03e9,
        "3.115 M / -",
    ),
    Row("densemixednet", {"attention": None}, 2982844, 2983868, 4.03e9),
    Row("densemixednet", {"attention": "channel"}, 3115327, 3116351, 4.03e9),
    Row("densemixednet", {"attention": "spatial"}, 2982895, 2983919, 4.03e9),
    Row("densemixednet", {"block": "residual"}, 3370838, 3372758, 1.82e9),
    Row("dfrnet-1", {}, 456359, 456871, 1.417e9, "0.456 M / 1.404 G"),
    Row("dfrnet-2", {}, 1050219, 1052011, 1.828e9, "1.046 M / 1.817 G"),
    Row("dfrnet", {}, 3294511, 3298863, 2.239e9, "3.296 M / 2.231 G"),
    Row("dfrnet-4", {}, 12009971, 12019443, 2.651e9, "11.412 M / 2.640 G"),
    Row("dfrnet", {"attention": ()}, 3272419, 3276771, 2.239e9, "3.273 M / 2.229 G"),
    Row("dfrnet", {"attention": ("ca",)}, 3293923, 3298275, 2.239e9),
    Row("dfrnet", {"attention": ("sa",)}, 3273007, 3277359, 2.239e9),
    Row("dfrnet", {"features": "SD"}, 3280303, 3284655, 2.153e9),
    Row("dfrnet", {"features": "TD"}, 3071343, 3075695, 1.459e9),
    Row("dfrnet", {"features": "TS"}, 3071343, 3075695, 1.459e9),
    Row("dfrnet", {"fusion": "add"}, 3060719, 3065071, 1.546e9),
    Row("dfrnet", {"fusion": "mul"}, 3060719, 3065071, 1.546e9),
    Row("dfrnet", {"fusion": "cat"}, 3073071, 3077423, 1.584e9),
    Row("dfrnet", {"backbone": "vgg"}, 7103939, 7108291, 2.688e9, "7.104 M / 2.672 G"),
    Row("keyregionnet-0", {}, None, 64507844, 149.4e9),
    Row("keyregionnet", {}, None, 77705294, 149.6e9),
    Row("keyregionnet-24", {}, None, 96181724, 149.8e9),
)


def count_row(row) -> dict:
    """Our counts of one row of the table: `trainable`, `total` and `multiply_adds`."""
    model = create_model(row.model, **row.arguments)
    return {
        "trainable": sum(math.prod(w.shape) for w in model.trainable_weights),
        "total": model.count_params(),
        "multiply_adds": multiply_adds(model),
    }


def wrong_counts(row, ours: dict) -> list[str]:
    """Names of the counts that differ from the row by more than they may."""
    wrong = [
        name
        for name in ("trainable", "total")
        if getattr(row, name) is not None and getattr(row, name) != ours[name]
    ]
    expected = row.multiply_adds
    if expected and abs(ours["multiply_adds"] / expected - 1) > TOLERANCE:
        wrong.append("multiply_adds")
    return wrong


def _line(row, ours, verdict) -> str:
    arguments = " ".join(f"{k}={v}" for k, v in row.arguments.items()) or "default"
    trainable = f"{ours['trainable']:>11,}" if ours else f"{'-':>11}"
    total = f"{ours['total']:>11,}" if ours else f"{'-':>11}"
    macs = f"{ours['multiply_adds'] / 1e6:>11,.2f}" if ours else f"{'-':>11}"
    stated = f"{row.multiply_adds / 1e6:>11,.2f}" if row.multiply_adds else f"{'-':>11}"
    paper = f"{row.paper:<20}"
    return f"{row.model:<16} {arguments:<34} {trainable} {total} {macs} {stated}  {paper} {verdict}"


def main(arguments=None) -> int:
    """Prints the table; returns 1 with `--check` if a count is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m merzoo.models.count", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="exit 1 where a count is wrong")
    options = parser.parse_args(arguments)
    print(
        f"{'model':<16} {'arguments':<34} {'trainable':>11} {'total':>11} {'MACs (M)':>11} "
        f"{'specified':>11}  {'paper':<20} verdict"
    )
    failures = 0
    for row in ROWS:
        ours, wrong = None, ["no such model"]
        if row.model in list_models():
            ours = count_row(row)
            wrong = wrong_counts(row, ours)
        failures += bool(wrong)
        verdict = f"WRONG: {', '.join(wrong)}" if wrong else "ok"
        print(_line(row, ours, verdict), flush=True)
    print(f"{len(ROWS) - failures} of {len(ROWS)} rows agree.")
    return 1 if options.check and failures else 0


if __name__ == "__main__":
    sys.exit(main())
