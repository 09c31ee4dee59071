"""DFME: 7,526 micro-expressions filmed at three rates, 200 to 500 fps (Zhao et al., TAC 2024).

The release has three annotations, `training_full_with_AU.xlsx`, `testA_full_with_AU.xlsx` and
`testB_full_with_AU.xlsx`, and the clips as `train_data/sub0003_01/00001.png` and so on.

What could not be verified, since the set itself was not at hand: the names of the columns come from
programs of people who use it (addresses in `merzoo/data/README.md`), which agree on the order
subject, filename, onset, apex, offset, emotion but not on the headers of the frames, so every
spelling of them is taken; the sheets are not known to say which clip was filmed at which rate, so
`fps` is unknown unless a column or the option says it; of the counts per class only those of the
training part are known.
"""

import re
from dataclasses import replace
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import Row, find_table, read_table
from merzoo.data.tree import Tree, name_key
from merzoo.errors import InputError, unknown

SPLITS = ("train", "testA", "testB")
PUBLISHED = Published(
    splits={"train": 1856},
    split_classes={
        "train": {
            "disgust": 548,
            "surprise": 298,
            "sadness": 278,
            "fear": 265,
            "happiness": 206,
            "anger": 161,
            "contempt": 100,
        }
    },
)
EMOTIONS = frozenset(PUBLISHED.split_classes["train"]) | {"others"}
SHEET = rf"((train(ing)?|test[-_ ]?[ab])[-_ ]?full.*|dfme.*){ENDING}"
SHEET_NAME = "training_full_with_AU.xlsx"
# The emotions are written in several ways, which users bring into one by hand.
USUAL = frozenset({"two spellings of a label"})
_CLIP = r"sub\d+_\d+"
_DEPTH = 2  # levels below the root: archives are unpacked into folders of their own names


def recognises(tree: Tree) -> bool:
    """Whether a folder holds a sheet that only this set has."""
    return bool(tree.find_files(SHEET, _DEPTH))


def load(
    root: str | Path,
    split: str | None = None,
    fps: float | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The clips of a copy of DFME.

    Args:
        root: the folder with the clips' folders (`sub0003_01`, ...) at most three levels below it,
            and with the sheets at most two.
        split: `"train"`, `"testA"` or `"testB"`; `None` for all whose sheet is there.
        fps: frames per second, where the clips are of one rate; the sheets do not say it.
        annotation: one sheet, where `root` does not hold it.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row, its `split` the part that its sheet is of.

    Raises:
        InputError: if the folders or the sheets are not there or a clip cannot be loaded.
    """
    return read(root, split, fps, annotation).usable(on_error)


def read(
    root: str | Path,
    split: str | None = None,
    fps: float | None = None,
    annotation: str | Path | None = None,
) -> Reading:
    """Clips and faults of a copy of DFME (arguments as for `load`)."""
    wanted = None if split is None else _split_named(split)
    if fps is not None and not 0 < fps < 10_000:
        raise InputError(f"fps={fps:g}: frames per second are a positive number.")
    tree = Tree(root, "DFME")
    sheets = _sheets(tree, annotation, wanted)
    if wanted is not None and wanted not in sheets:
        raise InputError(f"{root}: no sheet of {wanted}; it has those of {', '.join(sheets)}.")
    reading = Reading("dfme", tree.root, PUBLISHED, EMOTIONS, USUAL)
    form = SheetForm(
        fps=fps,
        subject=subject_name,
        clip_id=lambda subject, name, onset: name,
        frames=_frames(tree, _folders(tree, reading)),
    )
    for name, rows in sheets.items():
        if wanted in (None, name):
            first = len(reading.clips)
            read_rows(rows, reading, form)
            reading.clips[first:] = [replace(c, split=name) for c in reading.clips[first:]]
    if reading.clips and all(clip.fps is None for clip in reading.clips):
        reading.notes.append(
            "the frame rate is not annotated (the set was filmed at three, from 200 to 500 fps); "
            "give fps=RATE where these clips are of one"
        )
    reading.finish(tree)
    return reading


def _split_named(split: str) -> str:
    found = [name for name in SPLITS if name.lower() == split.lower()]
    if not found:
        raise unknown("split of DFME", split, SPLITS)
    return found[0]


def _sheets(tree: Tree, annotation: str | Path | None, wanted: str | None) -> dict[str, list[Row]]:
    """The part of each sheet, by its name or as it is said, and its rows."""
    files = tree.find_files(SHEET, _DEPTH) if annotation is None else []
    if not files:
        files = [find_table(tree, SHEET, SHEET_NAME, annotation, _DEPTH)]
    sheets: dict[str, list[Row]] = {}
    for file in files:
        said = re.search(r"test[-_ ]?([ab])", file.name, re.IGNORECASE)
        name = f"test{said[1].upper()}" if said else "train"
        if annotation is not None and wanted is not None:
            name = wanted
        if name in sheets:
            raise InputError(
                f"{tree.root}: several sheets of {name}, one of them {file}; name one with "
                "annotation=PATH."
            )
        columns = ("subject", "clip", "onset", "apex", "offset", "label")
        sheets[name] = read_table(file, columns)
    return sheets


def _folders(tree: Tree, reading: Reading) -> dict[str, str]:
    """The clips' folders by the key of their names, wherever they lie."""
    found: dict[str, str] = {}
    for parent in tree.parents_of(_CLIP):
        for name, folder in tree.folders(parent).items():
            if re.fullmatch(_CLIP, name, re.IGNORECASE):
                first = found.setdefault(name_key(name), folder)
                if first != folder:
                    message, taken = f"{tree.path(first)} is the other", "the other is read"
                    where = str(tree.path(folder))
                    reading.fault("two folders of a clip", message, where, taken=taken)
    if not found:
        raise InputError(
            f"{tree.root}: no folder like sub0003_01 within 3 levels; give the root of your copy "
            f"of DFME{tree.about_links()}."
        )
    return found


def _frames(tree: Tree, folders: dict[str, str]):
    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = folders.get(name_key(name))
        return None if folder is None else tree.frames(folder)

    return frames


def subject_name(written: str) -> str:
    """`"sub0003"`, as the clips are called, for every way of writing subject 3.

    >>> subject_name("3"), subject_name("Sub0003")
    ('sub0003', 'sub0003')
    """
    found = re.fullmatch(r"(?:sub|s)?[ _-]?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"sub{int(found[1]):04d}" if found else written.strip()
