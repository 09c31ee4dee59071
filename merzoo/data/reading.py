"""`Reading`: what an adapter found in a dataset, the clips and every fault with its file and row.

A fault that has a known correction is corrected and flagged on the clip; a fault that leaves a clip
usable is flagged on it; a fault that makes the clip impossible (no folder) stops `load`, unless the
caller chose to skip such clips. What stands in every copy, since the authors published it so, is
known and no fault of this copy.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.tree import Tree
from merzoo.errors import InputError

LEFT_OUT = "label maps leave the clip out"
LINK = "a link that leads out of the root, and is not followed"


@dataclass(frozen=True)
class Fault:
    """Something in a dataset that is not as it should be.

    Args:
        kind: `"missing folder"`, `"apex outside onset..offset"`, `"unknown label"`, ...
        message: what exactly, in one line.
        where: file and row, or folder.
        clip: id of the clip that is concerned, if one is.
        correction: what merzoo does about it, where the right value is known.
        taken: what stands for an annotated value that cannot be used, where the right one is not
            known: `"the first frame is taken"`.
        lost: whether the clip cannot be loaded.
        published: whether it stands so in the published set: listed as known, and not counted.
    """

    kind: str
    message: str
    where: str
    clip: str = ""
    correction: str = ""
    taken: str = ""
    lost: bool = False
    published: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}: {self.message}"


def gaps_told(gaps: Sequence[range]) -> str:
    """The message of frames that a folder lacks, by `Frames.gaps`.

    >>> gaps_told([range(3, 9), range(12, 13)])
    '7 of the folder, the first is number 3'
    """
    return f"{sum(map(len, gaps))} of the folder, the first is number {gaps[0].start}"


@dataclass(frozen=True)
class Published:
    """The figures that a dataset's authors publish, as far as they are known.

    Args:
        clips: number of samples; labelled ones only where `labelled` is set.
        subjects: number of subjects, or `None`.
        classes: emotion -> number of samples, or empty.
        splits: split -> number of samples, or empty.
        split_classes: split -> {emotion: number}, or empty.
    """

    clips: int | None = None
    subjects: int | None = None
    classes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    split_classes: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class Reading:
    """Clips and faults of one dataset.

    Args:
        dataset: its name.
        root: as the user gave it.
        published: the figures to compare with.
        emotions: labels that the dataset is known to use; any label is accepted if empty.
        usual: kinds of faults that the authors' own annotation has, each with its correction.
    """

    dataset: str
    root: Path
    published: Published = field(default_factory=Published)
    emotions: frozenset[str] = frozenset()
    usual: frozenset[str] = frozenset()
    clips: list[Clip] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _seen: dict[tuple[str, str], Clip] = field(default_factory=dict)
    _written: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)

    def fault(self, kind: str, message: str, where: str, **more) -> None:
        """Notes a fault (see `Fault` for `clip`, `correction`, `taken` and `lost`)."""
        known = kind in self.usual and not more.get("lost")
        self.faults.append(Fault(kind, message, where, published=known, **more))

    def spelt(self, what: str, name: str, written: str, where: str) -> None:
        """Remembers how a subject or a label (`what`) is written at `where`."""
        self._written.setdefault((what, name), []).append((written, where))

    def finish(self, tree: Tree) -> None:
        """Notes what shows at the end: rarer spellings, links that lead out, what was chosen."""
        self.notes += tree.notes
        for (what, name), places in self._written.items():
            usual = Counter(written for written, _ in places).most_common(1)[0][0]
            for written, where in places:
                if written != usual:
                    message = f"{written!r} here, {usual!r} elsewhere"
                    self.fault(
                        f"two spellings of a {what}", message, where, correction=f"read as {name}"
                    )
        for link in tree.links_out:
            self.fault(
                "path outside the root",
                f"{LINK}; --follow-links follows it",
                str(tree.path(link)),
            )

    def add(self, clip: Clip, advice: str = "") -> None:
        """Adds a clip, unless its id is taken: then the fault is noted instead.

        `advice` says what to do where the two are not the same.
        """
        first = self._seen.setdefault((clip.dataset, clip.id), clip)
        if first is clip:
            self.clips.append(clip)
            self.notes += clip.frames.notes
            return
        same = (first.onset, first.apex, first.offset, first.label, first.subject) == (
            *(clip.onset, clip.apex, clip.offset, clip.label, clip.subject),
        )
        self.fault(
            "duplicated clip",
            f"{clip.id} stands at {first.source or 'another place'} too"
            + ("" if same else f", with other values{advice}"),
            clip.source,
            clip=clip.id,
            correction="the second row is left out" if same else "",
            lost=not same,
        )

    def replace(self, index: int, **fields) -> None:
        """Changes fields of clip `index`."""
        self.clips[index] = replace(self.clips[index], **fields)

    def replacements(self) -> list[str]:
        """What stands for annotation that cannot be used as it is: a line for each kind.

        What stands so in every copy of the set is left out: `Clip.replaced` counts it.
        """
        kinds: dict[tuple[str, str], list[Fault]] = {}
        for fault in self.faults:
            instead = fault.taken or fault.correction
            if instead and not (fault.lost or fault.published):
                kinds.setdefault((fault.kind, instead), []).append(fault)
        return [
            f"{found[0]}: {instead}" + (f" ({len(found) - 1} more such)" if found[1:] else "")
            for (_, instead), found in kinds.items()
        ]

    def usable(self, on_error: str = "fail") -> list[Clip]:
        """The clips; a warning says of each kind of annotation what was put in its place.

        Args:
            on_error: `"fail"` raises if a clip could not be loaded, `"skip"` leaves it out with
                a warning.
        """
        if on_error not in ("fail", "skip"):
            raise InputError(f"on_error={on_error!r}: choose 'fail' or 'skip'.")
        lost = [fault for fault in self.faults if fault.lost]
        if lost:
            text = (
                f"{self.dataset}: {len(lost)} of {len(lost) + len(self.clips)} clips cannot be "
                f"loaded; the first: {str(lost[0]).rstrip('.')}."
            )
            links = [fault for fault in self.faults if fault.message.startswith(LINK)]
            if links:
                text = f"{text} {links[0].where} is {links[0].message} ({len(links)} such)."
            if on_error == "fail":
                raise InputError(
                    f"{text} 'merzoo data check {self.dataset} {self.root}' lists all; "
                    f"on_error='skip' leaves them out."
                )
            warnings.warn(f"{text} They are left out.", stacklevel=3)
        if not self.clips:
            raise InputError(f"{self.root}: no clip of {self.dataset} found.")
        for line in [*self.notes, *self.replacements()]:
            warnings.warn(line, stacklevel=3)
        return self.clips
