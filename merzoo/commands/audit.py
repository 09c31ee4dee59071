"""`merzoo audit`: what of the test samples could reach training?"""

from merzoo.commands._options import (
    MODEL,
    add_data_option,
    add_preprocessing_options,
    data_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json

SUMMARY = "look for leaks in what evaluate would run, without training"
EXAMPLE = "merzoo audit ststnet --data arrays:flow.npz --protocol kfold:8"
_SHOWN = 12  # samples printed for a finding


def arguments(parser):
    from merzoo.commands.evaluate import protocol_help, task_help

    parser.add_argument("model", nargs="?", help=f"{MODEL}; not needed for arrays")
    add_data_option(parser)
    parser.add_argument("--task", default="classify", help=task_help())
    parser.add_argument("--labels", help="label map (of clips: the protocol's, else the recipe's)")
    parser.add_argument("--protocol", help=protocol_help())
    parser.add_argument("--split", metavar="FILE", help="a split.json instead of a protocol")
    parser.add_argument("--recipe", help="name or .json file; default: the model's own")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes that prepare clips")
    add_preprocessing_options(parser)
    add_json_option(parser)


def run(options) -> int:
    parameters = preprocessing_of(options)
    choose_backend(training=False)
    from merzoo.evaluation.audit import audit
    from merzoo.evaluation.leakage import UNSEEN

    findings = audit(
        data_of(options),
        options.model,
        labels=options.labels,
        protocol=options.protocol,
        split=options.split,
        recipe=options.recipe,
        parameters=parameters,
        jobs=options.jobs,
        task=options.task,
    )
    errors = sum(finding.severity == "error" for finding in findings)
    if options.json:
        print_json([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.severity}: {finding.message}")
            more = len(finding.samples) - _SHOWN
            tail = f" ... and {more} more (--json lists all)" if more > 0 else ""
            print(f"  {len(finding.samples)} samples: {' '.join(finding.samples[:_SHOWN])}{tail}")
        told = f"{errors} errors, {len(findings) - errors} warnings."
        print(told if findings else "No leak that we know how to look for.")
        print("What the audit cannot see:")
        print("\n".join(f"- {line}" for line in UNSEEN))
    return 1 if errors else 0
