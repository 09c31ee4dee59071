"""RAF-DB, basic emotions: 15,339 face images from the web (Li, Deng and Du, CVPR 2017).

Two forms are read: the authors' (`EmoLabel/list_patition_label.txt`, in that spelling, with
`Image/aligned`) and the common folder form `DATASET/{train,test}/{1..7}`.
"""

import re
from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.images import chosen_splits, image_clip
from merzoo.data.reading import Published, Reading
from merzoo.data.tree import GIVE_ALONE, Tree, escapes
from merzoo.errors import InputError
from merzoo.limits import read_bytes

CODES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
SPLITS = ("train", "test")
PUBLISHED = Published(
    clips=15339,
    splits={"train": 12271, "test": 3068},
    split_classes={
        "train": dict(zip(CODES, (1290, 281, 717, 4772, 1982, 705, 2524), strict=True)),
        "test": dict(zip(CODES, (329, 74, 160, 1185, 478, 162, 680), strict=True)),
    },
)
LIST = r"list_part?ition_label\.txt|list_patition_label\.txt"
_LINE = re.compile(r"(\S+)\s+(\S+)")
_LARGEST_LIST = 20 << 20


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the list of labels, or `train` with the folders 1 to 7 only."""
    trains = [
        tree.folders(f)["train"] for f in tree.parents_of("train") if "train" in tree.folders(f)
    ]
    coded = any(set(tree.folders(folder)) == set("1234567") for folder in trains)
    return coded or bool(tree.find_files(LIST, depth=2))


def load(
    root: str | Path, split: str | None = None, images: str = "aligned", on_error: str = "fail"
) -> list[Clip]:
    """The images of a copy of RAF-DB, basic emotions.

    Args:
        root: the folder with `EmoLabel` and `Image`, or the one with `train` and `test`.
        split: `"train"`, `"test"` or `None` for both.
        images: `"aligned"` (100x100) or `"original"`; the folder form holds aligned ones.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) images that are not there.

    Returns:
        One `Clip` per image; its `split` says which part it belongs to.

    Raises:
        InputError: if neither form is there or an image is missing.
    """
    return read(root, split, images).usable(on_error)


def read(root: str | Path, split: str | None = None, images: str = "aligned") -> Reading:
    """Clips and faults of a copy of RAF-DB (arguments as for `load`)."""
    tree = Tree(root, "RAF-DB")
    wanted = chosen_splits(split, SPLITS)
    if images not in ("aligned", "original"):
        raise InputError(f"images={images!r}: choose 'aligned' or 'original'.")
    reading = Reading("raf_db", tree.root, PUBLISHED, frozenset(CODES))
    lists = tree.find_files(LIST, depth=2)
    if lists:
        _read_list(tree, lists[0], wanted, images, reading)
    else:
        _read_folders(tree, wanted, reading)
    reading.finish(tree)
    return reading


def _read_list(
    tree: Tree, path: Path, wanted: tuple[str, ...], images: str, reading: Reading
) -> None:
    """Lines `train_00001.jpg 5`, the files `train_00001_aligned.jpg`."""
    text = read_bytes(path, _LARGEST_LIST).decode("utf-8-sig", "replace")
    bases = tree.find_folders(lambda f: f.rsplit("/", 1)[-1].lower() == images)
    if not bases:
        raise InputError(
            f"{tree.root}: no folder Image/{images} beside {path.name}{tree.about_links()}."
        )
    base = tree.first(bases, GIVE_ALONE)
    files = {name.replace("_aligned", ""): name for name in tree.images(base)}
    for number, line in enumerate(text.splitlines(), 1):
        found, where = _LINE.fullmatch(line.strip()), f"{path.name}, row {number}"
        if not line.strip():
            continue
        name = found[1] if found else line.strip()[:40]
        part = name.split("_")[0].lower()
        if part in SPLITS and part not in wanted:
            continue
        if escapes(name):
            reading.fault("path outside the root", f"{name!r}", where, clip=name, lost=True)
        elif not found or part not in SPLITS:
            message = f"{line.strip()[:40]!r} is not like 'train_00001.jpg 5'"
            reading.fault("unreadable row", message, where, clip=name, lost=True)
        elif found[2] not in "1234567" or len(found[2]) != 1:
            message = f"{found[2]!r} is not 1..7"
            reading.fault("unknown label", message, where, clip=name, lost=True)
        elif name not in files:
            message = f"no file for {name} in {tree.path(base)}"
            reading.fault("missing image", message, where, clip=name, lost=True)
        else:
            label = CODES[int(found[2]) - 1]
            file = tree.path(base, files[name])
            reading.add(image_clip("raf_db", Path(name).stem, file, label, part, where))


def _read_folders(tree: Tree, wanted: tuple[str, ...], reading: Reading) -> None:
    """`{train,test}/{1..7}/`."""
    bases = [f for f in tree.parents_of("train") if set(SPLITS) <= set(tree.folders(f))]
    if not bases:
        raise InputError(
            f"{tree.root}: neither EmoLabel/list_patition_label.txt nor train/1 and test/1 is "
            f"there; give the root of your copy of RAF-DB{tree.about_links()}."
        )
    base = tree.first(bases, GIVE_ALONE)
    for part in wanted:
        for code, folder in tree.folders(tree.folders(base)[part]).items():
            if not re.fullmatch("[1-7]", code):
                message, taken = f"{code!r} is not 1..7", "its images are left out"
                reading.fault("unknown label", message, str(tree.path(folder)), taken=taken)
                continue
            for name in tree.images(folder):
                stem = Path(name).stem.replace("_aligned", "")
                file = tree.path(folder, name)
                reading.add(image_clip("raf_db", stem, file, CODES[int(code) - 1], part))
