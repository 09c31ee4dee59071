"""SMIC: spontaneous micro-expressions by three cameras (Li et al., FG 2013).

Parts: `hs` (high speed, 100 fps, 164 clips of 16 subjects), `vis` and `nir` (25 fps, 71 clips
each), and `e-hs`, the extended high-speed set with frames around each expression (157 clips). In
the first three the class is the folder and the folder's frames run from onset to offset; no apex
and no action units are annotated.
"""

import re
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.reading import Published, Reading, gaps_told
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, choose_folder, name_key
from merzoo.errors import InputError, unknown

PARTS = ("hs", "vis", "nir", "e-hs")
PUBLISHED = {
    "hs": Published(164, 16, {"negative": 70, "positive": 51, "surprise": 43}),
    "vis": Published(71),
    "nir": Published(71),
    "e-hs": Published(157),
}
FORMS = {"cropped": "crop", "raw": "raw"}
EMOTIONS = frozenset({"negative", "positive", "surprise"})
SHEET = rf"smic-?hs-?e_annotation.*{ENDING}"
SHEET_NAME = "SMIC-HS-E_annotation_2019.xlsx"
_SUBJECT = r"s\d+"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds `HS`, `VIS` or `NIR` with `s1/micro`, or the extended set's sheet."""
    parts = [tree.folders(f)[n] for f in tree.parents_of("hs|vis|nir") for n in tree.folders(f)]
    people = [
        tree.folders(f)[n] for f in parts for n in tree.folders(f) if n.lower() in ("s1", "s01")
    ]
    inside = any("micro" in map(str.lower, tree.folders(folder)) for folder in people)
    return inside or bool(tree.find_files(SHEET, depth=2))


def load(
    root: str | Path,
    part: str = "hs",
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The clips of a copy of SMIC.

    Args:
        root: the folder with `SMIC_all_cropped` or `SMIC_all_raw` (for `e-hs`: `SMIC-E_raw image`
            and its sheet).
        part: `"hs"`, `"vis"`, `"nir"` or `"e-hs"`.
        frames: `"cropped"` or `"raw"`; `None` takes the first of them that is there.
        annotation: the sheet of `e-hs`, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their frames.

    Returns:
        One `Clip` per folder (per row of the sheet for `e-hs`).

    Raises:
        InputError: if the folders are not there or a clip cannot be loaded.
    """
    return read(root, part, frames, annotation).usable(on_error)


def read(
    root: str | Path,
    part: str = "hs",
    frames: str | None = None,
    annotation: str | Path | None = None,
) -> Reading:
    """Clips and faults of a copy of SMIC (arguments as for `load`)."""
    part = part.lower()
    if part not in PARTS:
        raise unknown("part of SMIC", part, PARTS)
    tree = Tree(root, "SMIC")
    reading = Reading("smic", tree.root, PUBLISHED[part], EMOTIONS)
    if part == "e-hs":
        _read_extended(tree, frames, annotation, reading)
    else:
        _read_part(tree, part, frames, reading)
    reading.finish(tree)
    return reading


def _read_part(tree: Tree, part: str, frames: str | None, reading: Reading) -> None:
    """`.../HS/s1/micro/negative/s1_ne_01/`."""
    if frames is None and tree.root.resolve().name.lower() == part and not tree.parents_of(part):
        folder = ""
    else:
        base = choose_folder(tree, part, FORMS, frames)
        folder = next(p for n, p in tree.folders(base).items() if n.lower() == part)
    for name, path in tree.folders(folder).items():
        if not re.fullmatch(_SUBJECT, name, re.IGNORECASE):
            continue
        subject = subject_name(name)
        reading.spelt("subject", subject, name, str(tree.path(path)))
        classes = _child(tree, path, "micro")
        if classes is None:
            taken = "nothing of it is loaded"
            message = "no folder 'micro' in it"
            reading.fault("missing folder", message, str(tree.path(path)), taken=taken)
            continue
        for label, folder_of_class in tree.folders(classes).items():
            if label.lower() not in EMOTIONS:
                message = str(unknown("label", label, EMOTIONS))
                reading.fault("unknown label", message, str(tree.path(folder_of_class)))
            for clip, clip_folder in tree.folders(folder_of_class).items():
                _add(tree, reading, part, subject, label, clip, clip_folder)


def _add(
    tree: Tree, reading: Reading, part: str, subject: str, label: str, clip: str, folder: str
) -> None:
    where, name = str(tree.path(folder)), clip_name(clip)
    try:
        frames = tree.frames(folder)
    except InputError as error:
        reading.fault("missing frames", str(error), where, clip=name, lost=True)
        return
    flags = ["no apex"]
    if frames.gaps:
        flags.append("missing frames")
        message = gaps_told(frames.gaps)
        reading.fault("missing frames", message, where, clip=name)
    if subject_name(clip.split("_")[0]) != subject:
        message = f"{clip!r} stands in the folder of {subject}"
        taken = "the folder's subject is taken"
        reading.fault("clip of another subject", message, where, clip=name, taken=taken)
    reading.add(
        Clip(
            "smic",
            f"smic/{subject}",
            f"{part}/{name}",
            frames,
            label=label.lower(),
            fps=100.0 if part == "hs" else 25.0,
            onset=0,
            offset=len(frames) - 1,
            flags=tuple(flags),
            source=where,
        )
    )


def _read_extended(
    tree: Tree, form: str | None, annotation: str | Path | None, reading: Reading
) -> None:
    """`SMIC-E_raw image/HS_long/SMIC-HS-E/...` with `SMIC-HS-E_annotation(_2019).xlsx`."""
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation, depth=2),
        ("subject", "clip", "onset", "offset", "label"),
    )
    base = choose_folder(tree, _SUBJECT, {"raw": "raw|hs-e", "cropped": "crop"}, form, depth=5)
    leaves: dict = {}
    for path in tree.find_folders(lambda f: f != "" and bool(tree.images(f)), depth=8):
        if path.startswith(base):
            leaves.setdefault(name_key(path.rsplit("/", 1)[-1]), []).append(path)

    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        found = leaves.get(name_key(name), [])
        return tree.frames(found[0]) if len(found) == 1 else None

    sheet = SheetForm(
        fps=100.0,
        subject=subject_name,
        clip_id=lambda subject, name, onset: f"e-hs/{clip_name(name)}",
        frames=frames,
    )
    read_rows(rows, reading, sheet)


def _child(tree: Tree, folder: str, name: str) -> str | None:
    return next((p for n, p in tree.folders(folder).items() if n.lower() == name), None)


def subject_name(written: str) -> str:
    """`"s3"`, as the folders are called, where the composite's list writes `s03`.

    >>> subject_name("s03"), subject_name("3"), subject_name("S20")
    ('s3', 's3', 's20')
    """
    found = re.fullmatch(r"(?:sub|s)?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"s{int(found[1])}" if found else written.strip()


def clip_name(written: str) -> str:
    """`"s3_ne_04"`, as the folders are called, where the composite's list writes `s03_ne_04`.

    >>> clip_name("s03_ne_04")
    's3_ne_04'
    """
    first, mark, rest = written.strip().partition("_")
    return f"{subject_name(first)}{mark}{rest.lower()}"
