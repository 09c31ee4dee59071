"""SAMM Long Videos: 343 macro- and 159 micro-expressions in 147 videos, 200 fps (Yap et al., 2020).

The sheet codes action units and says of each movement whether it is micro or macro, but no emotion:
the label of a clip is `"micro"` or `"macro"`. The micro-expressions are those of SAMM, under the
same subjects' numbers; train on one of the two sets only.

What could not be verified, since the set was not at hand: the sheet is known from programs of
people who use it (addresses in `merzoo/data/README.md`), which agree on the order of its columns;
whether two movements of a video may have the same name, so a clip's id ends with its onset.
"""

import re
from collections.abc import Callable
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.long_videos import (
    KINDS,
    LongVideo,
    cutter,
    kind_of,
    labelled_by_kind,
    rows_of,
    with_expressions,
)
from merzoo.data.reading import Published, Reading
from merzoo.data.samm import subject_name
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, choose_folder, match_name

PUBLISHED = Published(splits={"micro": 159, "macro": 343})
FORMS = {"raw": "long", "cropped": "crop"}
SHEET = rf"samm[-_ ]?long[-_ ]?videos.*{ENDING}"
SHEET_NAME = "SAMM_LongVideos_V3_Release.xlsx"
# A macro-expression that began before the recording has an onset of 0.
USUAL = frozenset({"onset 0", "offset 0", "unusual action units"})
FPS = 200.0
_VIDEO = r"\d{3}_\d{1,2}"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path,
    split: str = "all",
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The movements of a copy of SAMM Long Videos, each cut out of its video.

    Args:
        root: the folder with `SAMM_longvideos` and `SAMM_LongVideos_V3_Release.xlsx` (or V1, V2).
        split: `"micro"`, `"macro"` or `"all"`.
        frames: `"raw"` or `"cropped"` (a folder with `crop` in its name); `None` takes the first
            that is there.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their frames.

    Returns:
        One `Clip` per row; its label and its `split` are `"micro"` or `"macro"`.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, split, frames, annotation).usable(on_error)


def read(
    root: str | Path,
    split: str | None = None,
    frames: str | None = None,
    annotation: str | Path | None = None,
) -> Reading:
    """Clips and faults of a copy of SAMM Long Videos (arguments as for `load`)."""
    return _Copy(root, frames, annotation).read(split)


def long_videos(
    root: str | Path,
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[LongVideo]:
    """The videos with all movements in them (arguments as for `load`)."""
    copy = _Copy(root, frames, annotation, whole=True)
    clips = copy.read(None).usable(on_error)
    return with_expressions(copy.recordings(), clips)


class _Copy:
    """A copy of the set: its sheet, and where the frames of each row are."""

    def __init__(self, root, form: str | None, annotation, whole: bool = False):
        self.tree = Tree(root, "SAMM Long Videos")
        base = choose_folder(self.tree, _VIDEO, FORMS, form)
        self.sheet = find_table(self.tree, SHEET, SHEET_NAME, annotation)
        self.videos = {
            name: path
            for name, path in self.tree.folders(base).items()
            if re.fullmatch(_VIDEO, name)
        }
        self.cut: Callable[[str, tuple], Frames] = cutter(self.tree, whole)

    def read(self, split: str | None) -> Reading:
        reading = Reading("samm_lv", self.tree.root, PUBLISHED, frozenset(KINDS), USUAL)
        rows = read_table(
            self.sheet,
            ("subject", "clip", "onset", "apex", "offset", "expression"),
            also={"expression": ("type",)},
        )
        form = SheetForm(
            fps=FPS,
            subject=subject_name,
            clip_id=lambda subject, name, onset: f"{name}_{onset}",
            frames=self.frames,
            long=True,
            split=kind_of,
        )
        labelled = [labelled_by_kind(row) for row in rows_of(rows, split, reading)]
        read_rows(labelled, reading, form)
        reading.finish(self.tree)
        return reading

    def frames(self, subject: str, name: str, numbers: tuple) -> Frames | None:
        """Movement 006_1_2 is in video 006_1."""
        folder = match_name(self.videos, "_".join(name.split("_")[:2]))
        return None if folder is None else self.cut(folder, numbers)

    def recordings(self) -> list[LongVideo]:
        return [
            LongVideo("samm_lv", f"samm_lv/{name.split('_')[0]}", name, self.cut(path, ()), FPS)
            for name, path in self.videos.items()
        ]
