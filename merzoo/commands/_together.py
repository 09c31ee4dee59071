"""Options that say nothing beside others: `ROWS`, the one table by which they are refused.

What was said and has no effect would leave its user believing that it had one. Options that change
the time and not the result (`--jobs`, `--engine`, `--cache`) may stand beside anything.
"""

import os
from argparse import Namespace
from collections.abc import Callable, Collection
from dataclasses import dataclass

from merzoo.errors import InputError

PREPROCESSING = "preprocessing_"  # of all options of that group


@dataclass(frozen=True)
class Row:
    """Where an option has no effect.

    Args:
        verbs: that have it, such as `"evaluate, audit"`.
        options: as they are typed, apart by blanks.
        where: it has none: `"without --nested"`, `"beside --split"`, or another end of that
            sentence.
        has_effect: of the parsed options: whether it has one here.
    """

    verbs: str
    options: str
    where: str
    has_effect: Callable[[Namespace], object]

    def refuse(self, option: str) -> InputError:
        """What to say of it."""
        advice = {
            "without": f"say both, or leave {option} out",
            "beside": "say one of the two",
        }.get(self.where.split()[0], f"leave {option} out")
        return InputError(f"{option} has no effect {self.where}: {advice}.")


def _clips(options: Namespace) -> bool:
    """Whether something else than samples as arrays is given, or nothing, which a verb fills in."""
    texts = getattr(options, "data", None) or []
    texts = [texts] if isinstance(texts, str) else texts
    texts = [*texts, *(getattr(options, "pretrain", None) or [])]
    return not texts or any(not text.startswith("arrays:") for text in texts)


def _sources(options: Namespace) -> list:
    from merzoo.prediction.sources import group_inputs

    return group_inputs(options.input)


def _webcam(options: Namespace) -> bool:
    return any(text.startswith("webcam:") for text in options.input)


def _films(options: Namespace) -> bool:
    return any(not isinstance(source, tuple) for source in _sources(options))


def _of_unknown_rate(options: Namespace) -> bool:
    from merzoo.prediction.sources import takes_rate

    return any(map(takes_rate, _sources(options)))


def _moving(options: Namespace) -> bool:
    from merzoo.data.synthetic.forms import FORMS, form_named

    return options.form not in FORMS or form_named(options.form).fps is not None


def _several(options: Namespace) -> bool:
    # A worker takes the options of its chief; KerasTuner's own variables stand for either.
    return bool(options.chief or options.worker or "KERASTUNER_ORACLE_IP" in os.environ)


ROWS = (
    Row("evaluate, audit", "--protocol", "beside --split", lambda o: not o.split),
    Row(
        "evaluate, transfer",
        "--epochs",
        "beside --selection fixed:N",
        lambda o: not (o.selection or "").startswith("fixed"),
    ),
    Row(
        "evaluate",
        "--ensemble",
        "with a single seed",
        lambda o: o.rerun or (o.seeds or 1) > 1,
    ),
    Row("evaluate", "--ensemble", "beside --json", lambda o: not o.json),
    Row("compare", "--format", "beside --json", lambda o: not o.json),
    Row("transfer", "--epochs", "beside --quick", lambda o: not o.quick),
    Row(
        "pretrain, reproduce",
        "--epochs",
        "above 2 beside --quick",
        lambda o: not o.quick or o.epochs <= 2,
    ),
    Row("pretrain", "--plateau --stop", "beside --validation 0", lambda o: o.validation),
    Row("pretrain", "--factor", "beside --validation 0", lambda o: o.validation),
    Row("pretrain", "--factor", "beside --plateau none", lambda o: o.plateau != "none"),
    Row("tune", "--outer --seeds", "without --nested", lambda o: o.nested),
    Row("tune", "--silence", "without --chief", _several),
    Row("score", "--labels", "beside --classes", lambda o: not o.classes),
    Row("report", "--no-pictures", "beside --format", lambda o: o.format == "html"),
    Row(
        "reproduce",
        "table --data --columns --follow-links --quick --rows --labels --epochs --seeds "
        "--pretrained --pretrain --out",
        "beside --list",
        lambda o: not o.list,
    ),
    Row("predict", "--seconds", "without an input webcam:0", _webcam),
    Row("predict", "--how --annotated --fps", "beside --live", lambda o: not o.live),
    Row("predict", "--fps", "for the sample and for pairs of images", _of_unknown_rate),
    Row("predict", "--how --annotated --shortest --longest", "for pairs of images", _films),
    Row("predict", "--shortest --longest", "beside --how whole", lambda o: o.how != "whole"),
    Row("data synthesize", "--fps", "for a form of still images", _moving),
    Row(
        "evaluate, audit, explain, export, pretrain, reproduce, transfer, tune",
        PREPROCESSING,
        "on samples that are arrays already",
        _clips,
    ),
)


def check_together(verb: str, said: Collection[str], options: Namespace) -> None:
    """Refuses the first option that was said and has no effect.

    Args:
        verb: such as `"data check"`.
        said: destinations of the options that stand on the command line.
        options: all of them, parsed.

    Raises:
        InputError: naming it and what it stands beside.

    >>> check_together("tune", ["outer"], Namespace(outer="loso", nested=False))
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: --outer has no effect without --nested: say both, or leave --outer \
out.
    """
    for row in ROWS:
        if verb not in row.verbs.split(", "):
            continue
        for option, name in _named(row, said):
            if name in said and not row.has_effect(options):
                raise row.refuse(option)


def _named(row: Row, said: Collection[str]) -> list[tuple[str, str]]:
    """The options of a row as they are typed, with their destinations."""
    if row.options == PREPROCESSING:
        own = [name for name in said if name.startswith(PREPROCESSING)]
        return [(f"--{n.removeprefix(PREPROCESSING).replace('_', '-')}", n) for n in own]
    return [(o, o.removeprefix("--").replace("-", "_")) for o in row.options.split()]
