"""The folders of a dataset: each is listed once, and nothing outside the root is reached unasked.

An annotation cell is looked up among the names that the folder really holds; it never becomes a
path. Links that lead out of the root are not followed but noted, unless `following_links` says so.
Listing reads names only: no image is opened, and no file is asked for its size.
"""

import contextlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path

from merzoo.data.frames import (
    IMAGE_SUFFIXES,
    ImageFrames,
    no_images,
    pictures_left,
)
from merzoo.errors import InputError
from merzoo.limits import read_bytes
from merzoo.listing import entries
from merzoo.names import plain as name_key

_FOLLOW_LINKS: ContextVar[bool] = ContextVar("follow_links", default=False)
_GIVE_ROOT = "give that folder as the root, and the sheet with annotation=PATH"
GIVE_ALONE = "give a root that holds that folder alone"  # where there is no option annotation
_LARGEST_TEXT = 1 << 20  # bytes of a small annotation file; the real ones stay below 1 kB


def escapes(cell: str) -> bool:
    """Whether a cell is written like a path that leads elsewhere.

    >>> escapes("../secret"), escapes("/etc"), escapes("C:/x"), escapes("sub01/EP02_01f")
    (True, True, True, False)
    """
    parts = re.split(r"[/\\]", cell)
    drive = re.match(r"[A-Za-z]:[/\\]", cell)
    return ".." in parts or cell.startswith(("/", "\\", "~")) or bool(drive) or "\0" in cell


@contextlib.contextmanager
def following_links(follow: bool = True) -> Iterator[None]:
    """Trees made within follow links that lead out of their root (`--follow-links`)."""
    token = _FOLLOW_LINKS.set(follow)
    try:
        yield
    finally:
        _FOLLOW_LINKS.reset(token)


class Tree:
    """A dataset's root folder. Folders inside it are named by relative paths (`""` is the root).

    Args:
        root: the folder that the user points at.
        dataset: its name, for messages.

    Raises:
        InputError: if `root` is no folder or cannot be listed.
    """

    def __init__(self, root: str | Path, dataset: str):
        self.root, self.dataset = Path(root), dataset
        self.follow_links = _FOLLOW_LINKS.get()
        if not self.root.is_dir():
            what = "is a file, not a folder" if self.root.exists() else "no such folder"
            raise InputError(f"{root}: {what}; give the root of your copy of {dataset}.")
        self._real = os.path.realpath(self.root)
        self._listings: dict[str, tuple[dict[str, str], list[str]]] = {}
        self._folded: dict[str, tuple[Counter[str], dict[str, str]]] = {}
        self.links_out: list[str] = []  # met, and not followed
        self.notes: list[str] = []  # what a reader must know

    def folders(self, folder: str = "") -> dict[str, str]:
        """Name -> relative path of the folders directly inside `folder`."""
        return self._list(folder)[0]

    def files(self, folder: str = "") -> list[str]:
        """Names of the files directly inside `folder`, sorted."""
        return self._list(folder)[1]

    def images(self, folder: str = "") -> list[str]:
        """Names of the image files directly inside `folder`, sorted."""
        return [n for n in self.files(folder) if os.path.splitext(n)[1].lower() in IMAGE_SUFFIXES]

    def path(self, folder: str, name: str = "") -> Path:
        """The path of a listed folder or of a file in it."""
        return self.root / folder / name

    def frames(self, folder: str, names: Iterable[str] | None = None) -> ImageFrames:
        """The images of `folder` as lazy frames numbered by the last digits of their names."""
        base, chosen = self.path(folder), self.images(folder) if names is None else list(names)
        if not chosen:
            raise no_images(base, self.files(folder))
        frames = ImageFrames([Path(base, name) for name in chosen], name=str(base))
        files = self.files(folder)
        if names is None and len(files) > len(chosen):
            frames.notes = pictures_left(base, files)
        return frames

    def find_folders(self, accepts: Callable[[str], bool], depth: int = 3) -> list[str]:
        """The folders that `accepts` (given a relative path) says yes to, nearest first.

        Looks at most `depth` levels below the root, and not inside a folder that is accepted.
        """
        found, level = [], [""]
        for below in range(depth + 1):
            deeper: list[str] = []
            for folder in level:
                if accepts(folder):
                    found.append(folder)
                elif below < depth:
                    deeper += self.folders(folder).values()
            level = deeper
        return found

    def parents_of(self, child: str, depth: int = 3) -> list[str]:
        """The folders with a subfolder whose whole name matches the pattern `child`."""
        pattern = re.compile(child, re.IGNORECASE)
        return self.find_folders(lambda f: any(map(pattern.fullmatch, self.folders(f))), depth)

    def first(self, folders: list[str], advice: str = _GIVE_ROOT) -> str:
        """The first of some folders that could all be meant; a note names those at its depth, and
        says what to do where another is."""
        first = folders[0]
        others = [f for f in folders[1:] if f.count("/") == first.count("/")]
        if others:
            named = " and ".join(str(self.path(folder)) for folder in others)
            self.notes.append(
                f"{self.path(first)} is read, and not {named}, which could be meant as well: if "
                f"so, {advice}."
            )
        return first

    def find_files(self, pattern: str, depth: int = 1) -> list[Path]:
        """Files whose whole name matches `pattern`, in the root and `depth` levels below it."""
        regex, found, level = re.compile(pattern, re.IGNORECASE), [], [""]
        for below in range(depth + 1):
            for folder in level:
                found += [self.path(folder, n) for n in self.files(folder) if regex.fullmatch(n)]
            level = [f for up in level for f in self.folders(up).values()] if below < depth else []
        return found

    def read_text(self, folder: str, name: str) -> str:
        """A small text file of the dataset; raises `InputError` above 1 MB."""
        data = read_bytes(self.path(folder, name), _LARGEST_TEXT)
        return data.decode("utf-8-sig", errors="replace")

    def resolve(self, cell: str) -> Path:
        """The path that a manifest's cell names, inside the root.

        Windows' separators are read too, and what differs in case or in its Unicode form only is
        found, as on the systems that take such names for the same.

        Raises:
            InputError: if it leads out of the root.
        """
        within = self._within(cell)
        if not escapes(within) and not self._allowed(self.root / within):
            raise InputError(
                f"{cell!r} is a link that leads out of {self.root}, to "
                f"{os.path.realpath(self.root / within)}; --follow-links follows it."
            )
        if escapes(within):
            tail = self._tail(cell)
            such = f", such as {tail}" if tail else ""
            raise InputError(
                f"{cell!r} leads out of {self.root}; write paths relative to that folder{such}."
            )
        path = self.root / self._spelt(within)
        return path if self._allowed(path) else self.resolve(str(path))

    def _within(self, cell: str) -> str:
        """A full path of a file below the root as a relative one; others as they are."""
        for base in (self.root.absolute(), Path(self._real)):
            with contextlib.suppress(ValueError):
                return str(Path(cell).relative_to(base))
        return cell

    def _spelt(self, cell: str) -> str:
        """A relative path as the folders spell it; as written where there is no such file."""
        if (self.root / cell).exists():
            return cell
        parts = [part for part in re.split(r"[/\\]", cell) if part not in ("", ".")]
        folder = ""
        for depth, part in enumerate(parts):
            if folder not in self._folded:
                names = [*self.folders(folder), *self.files(folder)]
                self._folded[folder] = (
                    Counter(map(_same_name, names)),
                    {_same_name(name): name for name in names},
                )
            counts, spelt = self._folded[folder]
            name = part if counts[_same_name(part)] != 1 else spelt[_same_name(part)]
            folder = f"{folder}/{name}" if folder else name
            if not (self.root / folder).is_dir():
                return "/".join([folder, *parts[depth + 1 :]])
        return folder

    def _tail(self, cell: str) -> str:
        """The longest end of a path of elsewhere that is a file here; empty if none is."""
        parts = [part for part in re.split(r"[/\\]", cell) if part]
        if ".." in parts or "\0" in cell:
            return ""
        tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
        return next((tail for tail in tails if (self.root / self._spelt(tail)).exists()), "")

    def about_links(self) -> str:
        """What to say of links that were met and not followed; empty where there are none."""
        if not self.links_out:
            return ""
        first = self.path(self.links_out[0])
        more = f" and {len(self.links_out) - 1} more" if len(self.links_out) > 1 else ""
        verb = "are links that lead" if more else "is a link that leads"
        return f"; {first}{more} {verb} out of it and not followed: --follow-links follows them"

    def _allowed(self, path: str | Path) -> bool:
        """Whether a path may be read: inside the root, or links were said to be followed."""
        return self.follow_links or self._inside(os.path.realpath(path))

    def _inside(self, real: str) -> bool:
        return real == self._real or real.startswith(self._real.rstrip(os.sep) + os.sep)

    def _list(self, folder: str) -> tuple[dict[str, str], list[str]]:
        if folder not in self._listings:
            folders: dict[str, str] = {}
            files: list[str] = []
            for entry in entries(self.root / folder):
                self._sort_in(entry, folder, folders, files)
            self._listings[folder] = folders, files
        return self._listings[folder]

    def _sort_in(self, entry: os.DirEntry, folder: str, folders: dict, files: list) -> None:
        relative = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_symlink() and not self._allowed(entry.path):
            self.links_out.append(relative)
        elif entry.is_dir():
            folders[entry.name] = relative
        else:
            files.append(entry.name)


def _same_name(name: str) -> str:
    """What Windows and macOS take for the same name: case and Unicode form left out."""
    return unicodedata.normalize("NFC", name).casefold()


def match_name(names: dict[str, str], wanted: str) -> str | None:
    """The value of the name that equals `wanted`, exactly or else by `name_key`, if only one does.

    >>> match_name({"s3_ne_04": "a", "s3_ne_14": "b"}, "s03_ne_04")
    'a'
    """
    if wanted in names:
        return names[wanted]
    key = name_key(wanted)
    near = [value for name, value in names.items() if name_key(name) == key]
    return near[0] if len(near) == 1 else None


def choose_folder(
    tree: Tree, child: str, forms: dict[str, str], frames: str | None, depth: int = 3
) -> str:
    """The folder that holds the subjects' folders, in the form of frames asked for.

    Args:
        tree: of the dataset.
        child: pattern of a subject's folder name.
        forms: form -> pattern searched in the path, such as `{"raw": "raw", "cropped": "crop"}`;
            the first that is present is taken where `frames` is `None`.
        frames: one of the forms, or `None`.
        depth: levels below the root that are searched.

    Raises:
        InputError: if no such folder or no such form is there.
    """
    if frames is not None and frames not in forms:
        raise InputError(f"frames={frames!r}: choose one of {', '.join(forms)}.")
    found: dict[str, list[str]] = {}
    candidates = tree.parents_of(child, depth)
    for folder in candidates:
        words = f"{tree.root.resolve().name}/{folder}".lower()
        # The name nearest to the frames decides, as in CASME2_RAW/Cropped.
        place = {form: [m.end() for m in re.finditer(p, words)] for form, p in forms.items()}
        named = [form for form in forms if place[form]]
        if named:
            nearest = max(named, key=lambda form: place[form][-1])
            found.setdefault(nearest, []).append(folder)
    if frames is not None and frames not in found:
        there = f"it holds {', '.join(found)}" if found else "none was found"
        raise InputError(
            f"{tree.root}: no {frames} frames of {tree.dataset}; {there}{tree.about_links()}."
        )
    for form in [frames] if frames else forms:
        if form in found:
            return tree.first(found[form])
    if not candidates:
        raise InputError(
            f"{tree.root}: no folder like {child!r} within {depth} levels; give the root of your "
            f"copy of {tree.dataset}{tree.about_links()}."
        )
    return tree.first(candidates)
