"""Which of the data that were given a run of a paper's table takes, and what stands in for them.

A run names the data sets of the paper. Copies of these are theirs, and so are samples as arrays
whose `dataset` column names them, in whatever case. Anything else stands in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from merzoo.data.datasets import load_named, parse_data
from merzoo.data.labels import label_map
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.reproduction.tables import Run, get_table, list_tables

QUICK_SUBJECTS = 4  # of each data set, in a thin slice
COMPOSITE = "megc2019"  # a kind of its own, which holds three sets


@dataclass(frozen=True)
class Source:
    """Data that were given.

    Args:
        kind: of `merzoo.data`.
        text: how they are named to the user.
        data: the text, or `Arrays`.
        datasets: names of the sets in it, in small letters, where they are known beforehand.
        classes: of samples that are arrays.
    """

    kind: str
    text: str
    data: object = field(repr=False)
    datasets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What a run takes.

    Args:
        sources: all of its own, or all that stand in.
        own: whether they are the paper's sets, in the paper's classes.
        datasets: names of the run's sets that are among them.
        note: what a reader must know, or `""`.
    """

    sources: tuple[Source, ...]
    own: bool
    datasets: tuple[str, ...]
    note: str = ""

    @property
    def text(self) -> str:
        """How it is named beside its figures."""
        text = " + ".join(source.text for source in self.sources)
        return text if self.own else f"{text} (stand-in)"


def read_sources(data) -> list[Source]:
    """What `reproduce` was given, as sources."""
    found = []
    for item in [data] if isinstance(data, str | Arrays) else list(data):
        kind = "arrays" if isinstance(item, Arrays) else parse_data(item).kind
        if kind != "arrays":
            sets = ("casme2", "samm", "smic") if kind == COMPOSITE else (kind,)
            found.append(Source(kind, item, item, sets))
            continue
        arrays = item if isinstance(item, Arrays) else load_named(item)
        text = arrays.source if isinstance(item, Arrays) else item
        names = tuple(sorted({str(name).lower() for name in arrays.dataset}))
        found.append(Source(kind, text, item, names, arrays.classes))
    if not found:
        raise InputError("No data given: use --data KIND:PLACE, such as synthetic:easy.")
    return found


def take(sources: Sequence[Source], run: Run) -> Taken | None:
    """What a run takes of the sources; `None` if they hold nothing for it."""
    own = tuple(source for source in sources if _serves(source, run))
    if not own:
        others = tuple(source for source in sources if not set(source.datasets) & _paper_sets())
        if not others:
            return None
        note = (
            f"{' + '.join(source.text for source in others)} stands in for {', '.join(run.data)}: "
            "our figures and the paper's are of different data and must not be compared."
        )
        return Taken(others, False, (), note)
    there = {name for source in own for name in source.datasets}
    datasets = tuple(name for name in run.data if name in there)
    lacking = [name for name in run.data if name not in there]
    for source in own:
        if source.classes and not _same_classes(source.classes, label_map(run.labels).classes):
            note = (
                f"{source.text} has the classes {', '.join(source.classes)}, the paper's run "
                f"{run.name} {', '.join(label_map(run.labels).classes)}: our figures and the "
                "paper's are of different classes and must not be compared."
            )
            return Taken(own, False, datasets, note)
    note = f"The run {run.name} lacks {', '.join(lacking)}, which were not given."
    return Taken(own, True, datasets, note if lacking else "")


def _serves(source: Source, run: Run) -> bool:
    if source.kind == COMPOSITE and len(run.data) == 1:
        return False  # its labels are those of three classes
    return bool(set(source.datasets) & set(run.data))


def _paper_sets() -> set[str]:
    """The data sets that some table asks for."""
    runs = (run for name in list_tables() for run in get_table(name).runs.values())
    return {kind for run in runs for kind in run.data}


def _same_classes(ours: Sequence[str], papers: Sequence[str]) -> bool:
    nameless = all(name == f"class {k}" for k, name in enumerate(ours))
    return len(ours) == len(papers) if nameless else set(ours) == set(papers)


def in_full(source: Source):
    """All clips that can be loaded, or all samples, of a source; no picture is read."""
    found = source.data
    return load_named(found, on_error="skip") if isinstance(found, str) else found


def samples_of(taken: Taken, quick: bool, on_error: str):
    """What `merzoo.evaluate` is given: texts and arrays as they came, or a part of them.

    Args:
        taken: by a run.
        quick: take the first few subjects of each data set.
        on_error: of clips that cannot be loaded.
    """
    parts = [_part(source, taken, quick, on_error) for source in taken.sources]
    arrays = [part for part in parts if isinstance(part, Arrays)]
    if arrays and len(arrays) < len(parts):
        raise InputError("give arrays or clips, not both at a time.")
    if arrays:
        return join_arrays(arrays) if len(arrays) > 1 else arrays[0]
    if all(isinstance(part, str) for part in parts):
        return parts
    return [clip for part in parts for clip in part]


def _part(source: Source, taken: Taken, quick: bool, on_error: str):
    """The samples of a source that are the run's; of a slice, those of the first subjects."""
    found = source.data
    only = set(taken.datasets) if source.kind == "arrays" else set()
    if only >= set(source.datasets):
        only = set()
    if isinstance(found, str) and (quick or only):
        usual: dict = {"on_error": on_error}
        if source.kind == "synthetic":  # no need to film the others
            usual["subjects"] = QUICK_SUBJECTS
        found = load_named(found, **usual)
    if only:
        found = found.take([i for i, name in enumerate(found.dataset) if name.lower() in only])
    if not quick:
        return found
    if isinstance(found, Arrays):
        kept = _first_subjects(found.subject.tolist())
        return found.take([i for i, subject in enumerate(found.subject) if subject in kept])
    kept = _first_subjects([clip.subject for clip in found])
    return [clip for clip in found if clip.subject in kept]


def _first_subjects(subjects: list[str]) -> set[str]:
    by_dataset: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        by_dataset.setdefault(subject.split("/")[0], []).append(subject)
    return {subject for names in by_dataset.values() for subject in names[:QUICK_SUBJECTS]}
