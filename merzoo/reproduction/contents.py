"""What a paper shows beside its tables of results: tables of data and settings, and its figures.

Each is an entry `[[contents]]` of the paper's file, with its name (`"table1"`, `"figure5"`), the
paper's title of it, and one way to show it:

- `labels` and `counts`: samples, people and classes of data sets as printed, which are counted in
  the data that are given;
- `recipe` and `settings`: settings as printed, which stand beside the recipe's;
- `network`: a drawing of a network, whose own graph the model's page shows;
- `drawing` and its `arguments`: a picture of what was run here, `merzoo.reproduction.drawings`;
- `reason`: why there is nothing of ours.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from merzoo.data.labels import map_labels
from merzoo.preprocessing.arrays import Arrays
from merzoo.reproduction.sources import Source, in_full
from merzoo.reproduction.tables import FOLDER, PaperFile, number_of
from merzoo.schema import read_toml
from merzoo.training.recipes import get_recipe, recipe_as_dict


@dataclass(frozen=True)
class Item:
    """One table or figure of a paper that is no table of results.

    Args:
        name: such as `"figure5"`.
        title: what it shows.
        labels, counts: label map, and data set -> what -> number, as printed.
        recipe, settings: name of the recipe, and its fields as the paper prints them.
        network: name of a model.
        drawing, arguments: a name of `merzoo.reproduction.drawings.DRAWINGS`, and for it.
        reason: why nothing of ours stands beside it.
        readings: what a reader must know.
    """

    name: str
    title: str
    labels: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    recipe: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    network: str = ""
    drawing: str = ""
    arguments: dict = field(default_factory=dict)
    reason: str = ""
    readings: Sequence[str] = ()

    @property
    def number(self) -> str:
        """As the paper calls it, such as `"Figure 5"`."""
        return number_of(self.name)


@functools.cache
def contents_of(paper: str) -> tuple[Item, ...]:
    """What a paper shows beside its tables of results, in its order.

    >>> [item.name for item in contents_of("cvanet")]
    ['figure1', 'figure2', 'figure3']
    """
    content = read_toml(FOLDER / f"{paper}.toml", PaperFile)
    return tuple(Item(**fields) for fields in content["contents"])


def counted(item: Item, sources: Iterable[Source]) -> tuple[list[str], list[list[str]]]:
    """Column names and cells of printed numbers of samples beside those of the data given.

    Args:
        item: one with `counts`.
        sources: the data; a set that was not given has no number of ours.
    """
    own = [source for source in sources if set(source.datasets) & set(item.counts)]
    ours = _counts(item.labels, own)
    rows = []
    for name, numbers in item.counts.items():
        for what, printed in numbers.items():
            found = ours.get(name)
            rows.append([name, what, str(printed), "-" if found is None else str(found[what])])
    return ["data set", "of", "paper", "ours"], rows


def _counts(labels: str, sources: Iterable[Source]) -> dict[str, Counter]:
    """Data set, and `"all"` -> what -> number, of the samples that the label map keeps."""
    found: dict[str, Counter] = {}
    people: dict[str, set[str]] = {}
    for source in sources:
        for dataset, subject, name, frames in _samples(source, labels):
            counts = found.setdefault(dataset, Counter())
            counts.update({"samples": 1, name: 1, "frames": frames})
            people.setdefault(dataset, set()).add(subject)
    for dataset, counts in found.items():
        counts["subjects"] = len(people[dataset])
    return found | {"all": sum(found.values(), Counter())} if found else {}


def _samples(source: Source, labels: str) -> Iterator[tuple[str, str, str, int]]:
    data = in_full(source)
    if isinstance(data, Arrays):
        for dataset, subject, k in zip(data.dataset, data.subject, data.label, strict=True):
            yield str(dataset).lower(), str(subject), data.classes[k], 0
        return
    mapped = map_labels(data, labels, on_error="skip")
    for clip, index in zip(mapped.clips, mapped.indices, strict=True):
        yield clip.dataset.lower(), clip.subject, mapped.classes[index], len(clip.frames)


def settings_beside(item: Item) -> tuple[list[str], list[list[str]]]:
    """Column names and cells of printed settings beside those of the recipe."""
    recipe = recipe_as_dict(get_recipe(item.recipe))
    rows = [
        [name.replace("_", " "), printed, str(recipe[name])]
        for name, printed in item.settings.items()
    ]
    return ["setting", "paper", f"recipe {item.recipe}"], rows
