"""Rows from pretrained weights beside the same rows from random ones.

Gan et al. claim that a network which has learnt full expressions recognises micro-expressions
better. `Pretrained` says which rows can be run so, and gives what they start from: weights that
were given, or weights that are trained here, once for each network that the rows ask for.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.models.registry import entry
from merzoo.preprocessing.arrays import Arrays
from merzoo.reproduction.how import How
from merzoo.reproduction.sources import Source, in_full
from merzoo.reproduction.tables import Row
from merzoo.training.pool import read_sources
from merzoo.training.pretrain import pretrain
from merzoo.training.pretrained import Start, check_people, find_start, plain_arguments
from merzoo.training.recipes import Recipe

FROM_RANDOM = "from random weights"


@dataclass
class Pretrained:
    """What rows of one network are run from, besides random weights.

    Args:
        network: its name.
        datasets: that the weights have learnt.
        start: weights that were given; `None` where they are trained here.
        data: arrays and clips to train them with.
        options: of `merzoo.pretrain`: `quick`, `epochs` and `parameters`.
        folder: where they are trained.
        made: the network's arguments -> what was trained.
    """

    network: str
    datasets: tuple[str, ...]
    start: Start | None = None
    data: Sequence = ()
    options: dict = field(default_factory=dict)
    folder: Path = Path()
    made: dict[str, Start] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """How a line is called that starts from them."""
        return f"pretrained on {', '.join(self.datasets)}"

    def differing(self, row: Row) -> dict:
        """Arguments of a row that the given weights were not made with: name -> the weights'."""
        if self.start is None:
            return {}
        found = entry(row.network)
        usual = {
            name: parameter.default
            for name, parameter in inspect.signature(found.builder).parameters.items()
        }
        own = usual | found.arguments | plain_arguments(self.start.entry)
        return {n: own.get(n) for n, v in row.arguments.items() if _plain(v) != _plain(own.get(n))}

    def serves(self, row: Row) -> bool:
        """Whether the row's network is the pretrained one."""
        return not row.reason and row.network == self.network and not self.differing(row)

    def fitted(self, recipe: Recipe, row: Row) -> Recipe:
        """The recipe of a row, for the network that given weights are of."""
        given = {} if self.start is None else plain_arguments(self.start.entry)
        given.pop("modality", None)  # of pictures or clips: layers are the same
        return replace(recipe, model_arguments=recipe.model_arguments | given | row.arguments)

    def start_of(self, recipe: Recipe, name: str) -> Start:
        """What the recipe's network starts from; trains it where it has not been.

        Args:
            recipe: of a row.
            name: of the folder to train in.

        Raises:
            InputError: as `merzoo.pretrain`.
        """
        if self.start is not None:
            return self.start
        arguments = recipe.model_arguments
        key = repr(sorted((n, _plain(v)) for n, v in arguments.items()))
        if key not in self.made:
            place = self.folder / name
            pretrain(self.network, list(self.data), arguments=arguments, out=place, **self.options)
            self.made[key] = find_start(place, self.network)
        return self.made[key]


def read_pretrained(
    pretrained,
    pretraining,
    rows: Iterable[Row],
    paper: str,
    sources: Iterable[Source],
    how: How,
    folder,
) -> Pretrained | None:
    """What `--pretrained` or `--pretrain` name, checked; `None` where neither is said.

    Args:
        pretrained: a folder, file or tag, as for `merzoo.transfer`.
        pretraining: data as for `merzoo.pretrain`.
        rows: that are to be run.
        paper: name of the paper's network, which `pretraining` is for.
        sources: the data that rows are tested on.
        how: rows are run; the weights are trained likewise.
        folder: to train in.

    Raises:
        InputError: for both at once, weights that are no row's, or people who would be seen in
            training and tested.
    """
    if pretrained is None and not pretraining:
        return None
    if pretrained is not None and pretraining:
        raise InputError(
            "--pretrained names weights and --pretrain data to make them with: say one of them."
        )
    rows = [row for row in rows if not row.reason]
    if pretrained is not None:
        found = _given(pretrained, rows, paper)
        seen, who = found.start.entry.subjects, found.start.entry.id
    else:
        if paper not in {row.network for row in rows}:
            raise InputError(f"--pretrain is for rows of {paper}, and none of these is.")
        parameters = {n: v for n, v in (how.parameters or {}).items() if n != "frames"}
        arrays, clips = read_sources(pretraining, parameters.get("on_error", "fail"))
        sets = {str(name) for part in arrays for name in part.dataset} | {c.dataset for c in clips}
        options = {"quick": how.quick, "epochs": how.epochs}
        options["parameters"] = parameters | {"jobs": how.jobs}
        places = {"data": (*arrays, *clips), "options": options, "folder": Path(folder)}
        found = Pretrained(paper, tuple(sorted(sets)), **places)
        seen = [str(name) for part in arrays for name in part.subject] + [c.subject for c in clips]
        who = f"The network that is pretrained on {', '.join(found.datasets)}"
    for source in sources:
        data = in_full(source)
        people = data.subject if isinstance(data, Arrays) else [clip.subject for clip in data]
        check_people(people, seen, who, source.text)
    return found


def _given(pretrained, rows: list[Row], paper: str) -> Pretrained:
    networks = dict.fromkeys(sorted((row.network for row in rows), key=lambda name: name != paper))
    start, reasons = None, []
    for network in networks:
        try:
            start = find_start(pretrained, network)
            break
        except InputError as error:
            reasons.append(str(error))
    if start is None:
        raise InputError(f"{reasons[0]} The rows are of {', '.join(networks)}.")
    found = Pretrained(start.entry.network, start.entry.trained_on, start)
    own = [row for row in rows if row.network == found.network]
    if not any(found.serves(row) for row in own):
        differing = found.differing(own[0])
        raise InputError(
            f"{pretrained}: no row has the network of these weights, which have "
            f"{_said(differing)}; pretrain one with the arguments of a row, such as "
            f"{_said({n: own[0].arguments[n] for n in differing})}."
        )
    return found


def pretrained_notes(found: Pretrained, rows: Iterable[Row]) -> list[str]:
    """What was run from the weights, and which rows of the network could not be."""
    notes = [
        f"Rows of {found.network} were run twice, {FROM_RANDOM} and {found.text}, and tested "
        f"against each other."
    ]
    for row in rows:
        if not row.reason and row.network == found.network and not found.serves(row):
            notes.append(
                f"{row.printed} was run {FROM_RANDOM} alone: the given ones are of a network with "
                f"{_said(found.differing(row))}."
            )
    return notes


def _said(arguments: dict) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _plain(value):
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
