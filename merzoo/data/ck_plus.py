"""CK+: posed expressions of 123 subjects (Lucey et al., CVPR Workshops 2010).

Two forms are read: the original sequences, from neutral to the peak (`cohn-kanade-images` with
`Emotion` and `FACS`), and the common folder form `CK+48` of single 48x48 images, three per
sequence. Those three are near copies of each other: split by subject, or they leak.
"""

import math
import re
from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.frames import ImageFrames
from merzoo.data.labels import emotion
from merzoo.data.reading import LEFT_OUT, Published, Reading, gaps_told
from merzoo.data.tree import GIVE_ALONE, Tree, match_name
from merzoo.errors import InputError, unknown

CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
EMOTIONS = frozenset({*map(emotion, CODES)})
_LABELLED = {
    "anger": 45,
    "contempt": 18,
    "disgust": 59,
    "fear": 25,
    "happiness": 69,
    "sadness": 28,
    "surprise": 83,
}
PUBLISHED = Published(clips=593, subjects=123, classes=_LABELLED)  # 327 are labelled
PUBLISHED_48 = Published(clips=981, classes={k: 3 * n for k, n in _LABELLED.items()})
_SUBJECT, _SEQUENCE = r"S\d{3}", r"\d{3}"
_IMAGE = re.compile(r"(S\d{3})_(\d{3})_\d+\.png", re.IGNORECASE)


def recognises(tree: Tree) -> bool:
    """Whether a folder holds sequences beside `Emotion`, or pictures named as in `CK+48`."""
    folders = {folder.rsplit("/", 1)[-1].lower() for folder in tree.parents_of(_SUBJECT)}
    if any(name.startswith("emotion") for name in folders):
        return True
    happy = [
        tree.folders(f)[n] for f in tree.parents_of("happy|happiness") for n in tree.folders(f)
    ]
    names = [name for folder in happy for name in tree.images(folder)[:1]]
    return any(_IMAGE.fullmatch(name) for name in names)


def load(root: str | Path, on_error: str = "fail") -> list[Clip]:
    """The sequences of CK+, or the images of `CK+48`, whichever `root` holds.

    Args:
        root: the folder with `cohn-kanade-images`, `Emotion` and `FACS`, or `CK+48`.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) what cannot be loaded.

    Returns:
        Sequences: one `Clip` each, onset first, apex (the peak) last; label `None` where the
        authors give none. `CK+48`: one `Clip` per image.

    Raises:
        InputError: if neither form is there or a sequence cannot be loaded.
    """
    return read(root).usable(on_error)


def read(root: str | Path) -> Reading:
    """Clips and faults of a copy of CK+ (argument as for `load`)."""
    tree = Tree(root, "CK+")
    sequences = [f for f in tree.parents_of(_SUBJECT) if _is_images(tree, f)]
    if sequences:
        reading = _read_sequences(tree, tree.first(sequences, GIVE_ALONE))
    else:
        reading = _read_folders(tree)
    reading.finish(tree)
    return reading


def _is_images(tree: Tree, folder: str) -> bool:
    name = (folder or tree.root.resolve().name).rsplit("/", 1)[-1].lower()
    return not name.startswith(("emotion", "facs", "landmark"))


def _read_sequences(tree: Tree, base: str) -> Reading:
    reading = Reading("ck_plus", tree.root, PUBLISHED, EMOTIONS)
    parents = tree.parents_of(_SUBJECT)
    texts: dict[str, str | None] = {}
    for kind in ("emotion", "facs"):
        found = [f for f in parents if f.rsplit("/", 1)[-1].lower().startswith(kind)]
        texts[kind] = tree.first(found, GIVE_ALONE) if found else None
    if texts["emotion"] is None:
        raise InputError(
            f"{tree.root}: no folder 'Emotion' beside the images of CK+{tree.about_links()}."
        )
    for subject, folder in tree.folders(base).items():
        if not re.fullmatch(_SUBJECT, subject, re.IGNORECASE):
            continue
        for sequence, path in tree.folders(folder).items():
            if re.fullmatch(_SEQUENCE, sequence):
                _add_sequence(tree, reading, texts, subject.upper(), sequence, path)
    _note_missing_sequences(tree, base, texts["emotion"], reading)
    return reading


def _note_missing_sequences(tree: Tree, base: str, emotions: str, reading: Reading) -> None:
    """An emotion file whose sequence has no folder of images."""
    for subject, folder in tree.folders(emotions).items():
        of_subject = match_name(tree.folders(base), subject)
        images = {} if of_subject is None else tree.folders(of_subject)
        for sequence, path in tree.folders(folder).items():
            files = [n for n in tree.files(path) if n.lower().endswith("_emotion.txt")]
            if files and sequence not in images:
                where, name = str(tree.path(path, files[0])), f"{subject}/{sequence}"
                message = f"no folder {name} of images"
                reading.fault("missing folder", message, where, clip=name, lost=True)


def _add_sequence(
    tree: Tree, reading: Reading, texts: dict, subject: str, sequence: str, folder: str
) -> None:
    name, where = f"{subject}/{sequence}", str(tree.path(folder))
    try:
        frames = tree.frames(folder)
    except InputError as error:
        reading.fault("missing frames", str(error), where, clip=name, lost=True)
        return
    flags: tuple[str, ...] = ()
    if frames.gaps:
        message = gaps_told(frames.gaps)
        reading.fault("missing frames", message, where, clip=name)
        flags = ("missing frames",)
    reading.add(
        Clip(
            "ck_plus",
            f"ck_plus/{subject}",
            name,
            frames,
            label=_emotion_of(tree, texts["emotion"], name, reading),
            onset=0,
            apex=len(frames) - 1,
            offset=len(frames) - 1,
            action_units=_units_of(tree, texts["facs"], name, reading),
            flags=flags,
            source=where,
        )
    )


def _text_of(tree: Tree, base: str | None, name: str, ending: str) -> tuple[str, str]:
    """Path and content of a sequence's text file; `("", "")` where there is none."""
    subject, sequence = name.split("/")
    folder = match_name(tree.folders(base), subject) if base is not None else None
    folder = tree.folders(folder).get(sequence) if folder else None
    found = [n for n in tree.files(folder) if n.lower().endswith(ending)] if folder else []
    if not folder or not found:
        return "", ""
    return str(tree.path(folder, found[0])), tree.read_text(folder, found[0])


def _emotion_of(tree: Tree, base: str, name: str, reading: Reading) -> str | None:
    where, text = _text_of(tree, base, name, "_emotion.txt")
    if not where:
        return None
    code = _numbers(text)
    if len(code) != 1 or code[0] not in range(len(CODES)):
        message = f"{text.strip()[:40]!r} is not 0..7"
        reading.fault("unknown label", message, where, clip=name, taken=LEFT_OUT)
        return None
    return CODES[int(code[0])]


def _units_of(tree: Tree, base: str | None, name: str, reading: Reading) -> str | None:
    """`"1B+2B+5C"` from lines of a unit and its intensity 0..5 (0: not given)."""
    where, text = _text_of(tree, base, name, "_facs.txt")
    units = []
    for line, content in enumerate(text.splitlines(), 1):
        pair = _numbers(content)
        if not content.strip():
            continue
        if len(pair) != 2 or not (1 <= pair[0] <= 98 and pair[1] in range(6)):
            message = f"{content.strip()[:40]!r} is no unit with its intensity"
            place = f"{where}, row {line}"
            taken = "the unit is left out"
            reading.fault("unreadable action units", message, place, clip=name, taken=taken)
            continue
        units.append(f"{int(pair[0])}{' ABCDE'[int(pair[1])].strip()}")
    return "+".join(units) or None


def _numbers(text: str) -> list[float]:
    try:
        return [value for value in map(float, text.split()) if math.isfinite(value)]
    except ValueError:
        return []


def _read_folders(tree: Tree) -> Reading:
    """`CK+48/<emotion>/S010_004_00000017.png`."""
    reading = Reading("ck_plus", tree.root, PUBLISHED_48, EMOTIONS)
    bases = tree.parents_of("happy|happiness")
    if not bases:
        raise InputError(
            f"{tree.root}: neither cohn-kanade-images/S005/001 nor CK+48/happy is there; give "
            f"the root of your copy of CK+{tree.about_links()}."
        )
    for label, folder in tree.folders(tree.first(bases, GIVE_ALONE)).items():
        if emotion(label) not in EMOTIONS:
            message = str(unknown("label", label, EMOTIONS))
            reading.fault("unknown label", message, str(tree.path(folder)))
        for name in tree.images(folder):
            path = tree.path(folder, name)
            found = _IMAGE.fullmatch(name)
            if not found:
                message = f"{name!r} is not like S010_004_00000017.png: no subject is known"
                reading.fault("unknown subject", message, str(path), clip=name, lost=True)
                continue
            reading.add(
                Clip(
                    "ck_plus",
                    f"ck_plus/{found[1].upper()}",
                    path.stem,
                    ImageFrames([path], [0], name=str(path)),
                    label=label,
                    onset=0,
                    apex=0,
                    offset=0,
                    source=str(path),
                )
            )
    return reading
