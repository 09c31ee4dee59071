"""What `merzoo data check` reports: counts against the published ones, and every fault."""

import importlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.datasets import KINDS, call
from merzoo.data.labels import NO_LABEL, emotion
from merzoo.data.reading import Fault, Published
from merzoo.errors import InputError, unknown

# `merzoo data synthesize` leaves this in the tree or, where the form has no place for it, beside.
_SYNTHESIS = "synthesis.json"


@dataclass
class Report:
    """The outcome of a check.

    Args:
        kind, root: what was checked.
        clips, subjects: how many were found.
        classes: emotion -> number of samples.
        by_subject: subject -> {emotion: number}; empty where every sample is its own subject.
        by_split: split -> {emotion: number}; empty where the dataset has no splits.
        published: the figures compared with; `None` where they do not apply.
        differences: one line per figure that differs.
        faults: every fault.
        notes: remarks that are no faults.
    """

    kind: str
    root: str
    clips: int
    subjects: int
    classes: dict[str, int]
    by_subject: dict[str, dict[str, int]]
    by_split: dict[str, dict[str, int]]
    published: Published | None
    differences: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def open_faults(self, fix_known: bool = False) -> list[Fault]:
        """The faults that remain: all, or those without a known correction.

        What the authors published so is none.
        """
        return [
            fault
            for fault in self.faults
            if not fault.published and not (fix_known and fault.correction)
        ]

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


def check(kind: str, root: str | Path, images: bool = True, **options) -> Report:
    """Reads a dataset and compares it with what its authors publish.

    Args:
        kind: a key of `merzoo.data.datasets.KINDS` that reads clips.
        root: of the copy.
        images: whether every image is decoded, to find damaged ones.
        **options: of the kind, as for `merzoo.data.load`.

    Raises:
        InputError: for an unknown kind, or a root that is no copy of the dataset at all.
    """
    if kind not in KINDS:
        raise unknown("kind of data", kind, KINDS)
    module = importlib.import_module(KINDS[kind].module)
    if not hasattr(module, "read"):
        raise InputError(f"{kind} ({KINDS[kind].about}) is no copy that can be checked.")
    reading = call(kind, module.read, root, options)
    synthetic = _is_synthetic(Path(root))
    published = None if synthetic or reading.published == Published() else reading.published
    report = Report(
        kind,
        str(root),
        len(reading.clips),
        len({clip.subject for clip in reading.clips}),
        _count(reading.clips),
        _grouped(reading.clips, "subject"),
        _grouped([clip for clip in reading.clips if clip.split], "split"),
        published,
        faults=reading.faults,
        notes=reading.notes,
    )
    if report.subjects == report.clips:
        report.by_subject = {}
    if synthetic:
        report.notes.append("synthetic: its size is its own, no published figures apply")
    if published is not None:
        report.differences = list(_differences(report, published, options.get("split")))
    if images:
        report.faults += unreadable_images(reading.clips)
        found = {note for clip in reading.clips for note in clip.frames.notes}
        report.notes += sorted(found.difference(report.notes))
    return report


def _is_synthetic(root: Path) -> bool:
    """Whether merzoo made the tree: its size is its own, published figures do not apply."""
    root = root.resolve()
    root = root.parent if root.is_file() else root
    beside = root.with_name(f"{root.name}.truth")
    return any((folder / _SYNTHESIS).is_file() for folder in (root, beside))


def _count(clips: Sequence[Clip]) -> dict[str, int]:
    found = Counter(NO_LABEL if clip.label is None else emotion(clip.label) for clip in clips)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _grouped(clips: Sequence[Clip], name: str) -> dict[str, dict[str, int]]:
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(getattr(clip, name), []).append(clip)
    return {key: _count(groups[key]) for key in sorted(groups)}


def _differences(report: Report, published: Published, split: str | None) -> Iterator[str]:
    whole = split in (None, "all")  # of one split only its own figures are compared
    chosen = (split or "").lower()
    pairs: list[tuple[str, int, int | None]] = [
        ("clips", report.clips, published.clips if whole else None),
        ("subjects", report.subjects, published.subjects if whole else None),
    ]
    if whole:
        pairs += [(name, report.classes.get(name, 0), n) for name, n in published.classes.items()]
    splits = {s: sum(counts.values()) for s, counts in report.by_split.items()}
    for name, n in published.splits.items():
        if whole or name.lower() == chosen:
            pairs.append((name, splits.get(name, 0), n))
            for label, n in published.split_classes.get(name, {}).items():
                pairs.append((f"{name} {label}", report.by_split.get(name, {}).get(label, 0), n))
    for name, found, wanted in pairs:
        if wanted is not None and found != wanted:
            yield f"{name}: {found} found, {wanted} published"


def unreadable_images(clips: Sequence[Clip]) -> list[Fault]:
    """Decodes every frame once, also where several clips share it; a fault for each that cannot be
    read.

    Of a film also for each place where it is damaged, for an end that is missing, and for an
    annotated frame after it.
    """
    from joblib import Parallel, delayed

    from merzoo.progress import progress_bar

    shared: dict[int, list[Clip]] = {}
    for clip in clips:
        shared.setdefault(id(clip.frames), []).append(clip)
    groups = list(shared.values())
    blocks = [groups[i : i + 32] for i in range(0, len(groups), 32)]
    # Threads: reading and decoding leave Python's lock alone.
    results = Parallel(n_jobs=-1, backend="threading", return_as="generator")(
        delayed(_unreadable)(block) for block in blocks
    )
    with progress_bar() as bar:
        tracked = bar.track(results, total=len(blocks), description="images, blocks of 32 clips")
        return [fault for faults in tracked for fault in faults]


def _unreadable(groups: Sequence[Sequence[Clip]]) -> list[Fault]:
    faults = []
    for first, *others in groups:  # of the same frames
        for kind, message in first.frames.faults():
            faults.append(Fault(kind, message, first.source, first.id))
        for clip in (first, *others):
            faults += _beyond(clip)
    return faults


def _beyond(clip: Clip) -> Iterator[Fault]:
    """Annotated frames after the end of a film, whose length is known once it was read."""
    try:
        last = len(clip.frames) - 1
    except InputError:  # no video at all, which is a fault already
        return
    for column in ("onset", "apex", "offset"):
        place = getattr(clip, column)
        if place is not None and place > last:
            message = f"the {column} frame {place} is not among the film's (0..{last})"
            yield Fault("missing frames", message, clip.source, clip.id)
