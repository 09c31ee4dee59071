"""The MEGC 2019 composite: 442 clips, 68 subjects, three classes (See et al., FG 2019).

SMIC-HS, CASME II and SAMM joined by the official list `combined_3class_gt.csv` (rows of dataset,
subject, clip, class 0-2; no header). The list cannot be derived from the CASME II sheet (about
eight clips differ), so merzoo uses the list that you supply and derives one only when told to.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from merzoo.data import casme2, samm, smic
from merzoo.data.cells import read_cells
from merzoo.data.clip import Clip
from merzoo.data.labels import emotion, label_map, map_labels
from merzoo.data.reading import LINK, Published, Reading
from merzoo.data.tables import cell_text
from merzoo.data.tree import Tree, escapes, name_key
from merzoo.errors import InputError

LIST = "combined_3class_gt.csv"
CLASSES = label_map("megc3").classes
PUBLISHED = Published(
    clips=442,
    subjects=68,
    classes={"negative": 250, "positive": 109, "surprise": 83},
    splits={"smic": 164, "casme2": 145, "samm": 133},
    split_classes={
        "smic": {"negative": 70, "positive": 51, "surprise": 43},
        "casme2": {"negative": 88, "positive": 32, "surprise": 25},
        "samm": {"negative": 92, "positive": 26, "surprise": 15},
    },
)
_PARTS = {"casme2": casme2, "samm": samm, "smic": smic}
_FOLDERS = {"casme2": ("casme2", "casmeii"), "samm": ("samm",), "smic": ("smic",)}


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the official list."""
    return LIST in tree.files()


def load(
    root: str | Path,
    official: str | Path | None = None,
    casme2: str | Path | None = None,
    samm: str | Path | None = None,
    smic: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The clips of the composite, labelled negative, positive or surprise.

    Args:
        root: a folder with the three datasets in folders named after them, and with the list.
        official: the list `combined_3class_gt.csv` where `root` does not hold it, or `"derived"`
            to apply the label map `megc3` to the sheets instead.
        casme2, samm, smic: roots of the three copies, where they are not inside `root`.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that are not there.

    Returns:
        Clips whose `dataset` is `"casme2"`, `"samm"` or `"smic"`.

    Raises:
        InputError: if a dataset or the list is missing, or a clip of the list is not there.
    """
    return read(root, official, casme2, samm, smic).usable(on_error)


def read(
    root: str | Path,
    official: str | Path | None = None,
    casme2: str | Path | None = None,
    samm: str | Path | None = None,
    smic: str | Path | None = None,
) -> Reading:
    """Clips and faults of the composite (arguments as for `load`)."""
    tree = Tree(root, "the MEGC 2019 composite")
    given = {"casme2": casme2, "samm": samm, "smic": smic}
    parts = {name: _PARTS[name].read(given[name] or _find_part(tree, name)) for name in _PARTS}
    reading = Reading("megc2019", tree.root, PUBLISHED, frozenset(CLASSES))
    if str(official) == "derived":
        _derive(parts, reading)
    else:
        _join(parts, _find_list(tree, official), reading)
    reading.notes += tree.notes
    used = {clip.source for clip in reading.clips}
    for part in parts.values():
        told = [f for f in part.faults if f.where in used or f.message.startswith(LINK)]
        reading.faults += [f for f in told if not f.lost]
        reading.notes += [note for note in part.notes if note not in reading.notes]
    return reading


def _find_part(tree: Tree, name: str) -> Path:
    found = [path for folder, path in tree.folders().items() if _dataset(folder) == name]
    if found:
        return tree.path(tree.first(found, f"give its root as {name}=PATH"))
    raise InputError(
        f"{tree.root}: no folder of {name}; give its root as {name}=PATH{tree.about_links()}."
    )


def _find_list(tree: Tree, official: str | Path | None) -> Path:
    path = tree.path("", LIST) if official is None else Path(official)
    if not path.is_file():
        raise InputError(
            f"{path}: the official list is not there; give official=PATH, or official=derived to "
            f"apply the label map to the sheets (about eight clips of CASME II then differ)."
        )
    return path


def _key(dataset: str, subject: str, clip: str) -> tuple[str, str, str]:
    name = clip.replace("\\", "/").rsplit("/", 1)[-1]
    return dataset, name_key(_PARTS[dataset].subject_name(subject)), name_key(name)


def _by_key(parts: dict[str, Reading]) -> dict[tuple, Clip]:
    return {
        _key(name, clip.subject.partition("/")[2], clip.id): clip
        for name, part in parts.items()
        for clip in part.clips
    }


def _join(parts: dict[str, Reading], path: Path, reading: Reading) -> None:
    """Takes the clips of the list, with its classes; notes where the sheets say otherwise."""
    clips = _by_key(parts)
    derived = {clip: name for part in parts.values() for clip, name in _classes(part).items()}
    differing: Counter = Counter()
    for number, cells in enumerate(read_cells(path), 1):
        texts, where = list(map(cell_text, cells)), f"{path.name}, row {number}"
        if not any(texts) or (number == 1 and texts[-1].isalpha()):
            continue
        if len(texts) < 4 or texts[3] not in ("0", "1", "2"):
            message = f"{texts} is not dataset, subject, clip, class 0-2"
            reading.fault("unreadable row", message, where, clip=texts[0], lost=True)
            continue
        dataset = _dataset(texts[0])
        clip = clips.pop(_key(dataset, texts[1], texts[2]), None) if dataset else None
        name = "/".join(texts[:3])
        if any(map(escapes, texts[:3])):
            reading.fault("path outside the root", f"{name!r}", where, clip=name, lost=True)
        elif clip is None:
            message = f"{name} is not among the clips (or stands twice in the list)"
            reading.fault("missing clip", message, where, clip=name, lost=True)
        else:
            label = CLASSES[int(texts[3])]
            if derived.get(clip) != label:
                differing[f"{dataset}: {clip.label} listed as {label}"] += 1
            _add(clip, label, reading)
    reading.notes += [f"{n} clips of {what}" for what, n in sorted(differing.items())]
    left = Counter(key[0] for key, clip in clips.items() if derived.get(clip))
    reading.notes += [
        f"{count} clips of {dataset} have one of the three classes by the sheet, but are not in "
        f"the list"
        for dataset, count in sorted(left.items())
    ]


def _derive(parts: dict[str, Reading], reading: Reading) -> None:
    for part in parts.values():
        reading.faults += [fault for fault in part.faults if fault.lost]
        for clip, label in _classes(part).items():
            _add(clip, label, reading)
    reading.notes.append(
        "derived by the label map megc3, not by the official list: the counts differ from it, and "
        "results are not comparable with published ones"
    )


def _classes(part: Reading) -> dict[Clip, str]:
    """Class of each clip that the label map keeps; unknown labels are among the part's faults."""
    known = [c for c in part.clips if c.label is not None and emotion(c.label) in part.emotions]
    mapped = map_labels(known, "megc3")
    return {
        clip: mapped.classes[index]
        for clip, index in zip(mapped.clips, mapped.indices.tolist(), strict=True)
    }


def _add(clip: Clip, label: str, reading: Reading) -> None:
    reading.add(replace(clip, label=label, split=clip.dataset))


def _dataset(name: str) -> str | None:
    """The part that a folder or a cell names; CAS(ME)^2 is another set than CASME II.

    >>> [_dataset(name) for name in ("CASME2", "casme-ii", "SMIC_all", "CAS(ME)^2")]
    ['casme2', 'casme2', 'smic', None]
    """
    if "(me)" in name.lower():
        return None
    plain = "".join(c for c in name.lower() if c.isalnum())
    return next((part for part, starts in _FOLDERS.items() if plain.startswith(starts)), None)
