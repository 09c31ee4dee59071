"""Writing files and folders that a kill cannot spoil, and the one rule for whose a folder is."""

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from merzoo.errors import InputError
from merzoo.limits import regular_file
from merzoo.listing import left_by_system
from merzoo.schema import read_json
from merzoo.whole import sweep, temporary_beside, unfinished, whole

if TYPE_CHECKING:
    import pandas

_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAMED = 8192  # bytes, at most, that HDF5 takes for a variable's name and place


def file_name(text: str) -> str:
    """The name of a file or folder that belongs to a subject, a clip, a model or another file.

    A short text of letters, digits and `-_.` stays as it is. Anything else is cut to 48 characters,
    with `_` in place of the others, and ends with a hash of the whole, so that two texts never
    share a name.

    >>> file_name("sub01"), file_name("casme2/sub01")
    ('sub01', 'casme2_sub01-f8f2a281')
    """
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in text[:48]).lstrip(".")
    if safe == text and safe:
        return safe
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe or 'unnamed'}-{digest}"


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; makes its folder."""
    with whole(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text with plain newlines on every system."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: object) -> None:
    """Writes JSON, indented by two; its text is never in memory as a whole."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def write_table(path: Path, table: "pandas.DataFrame") -> None:
    """Writes a table as CSV, without its index."""
    with whole(path) as temporary:
        table.to_csv(temporary, index=False)


def write_arrays(path: Path, **arrays: Any) -> None:
    """Writes a compressed `.npz` whose bytes depend on its content only."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def write_weights(path: Path, model: Any) -> None:
    """Writes the weights of a `keras.Model` as `.weights.h5`, whole or not at all.

    Room for them is looked for first: of a full disk HDF5 would tell at length, and again for each
    part that it lets go of.

    Raises:
        OSError: if the disk is full.
    """
    room = sum(
        math.prod(v.shape) * (8 if v.dtype.endswith("64") else 4) + _NAMED for v in model.variables
    )
    with whole(path, ".weights.h5") as temporary:
        if shutil.disk_usage(path.parent).free < room + _NAMED:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        model.save_weights(temporary)


@contextlib.contextmanager
def new_folder(target: Path, workshop: Path) -> Iterator[Path]:
    """A temporary folder inside `workshop` that becomes `target` when the block ends well.

    `workshop` lies on the same file system as `target` and outside the tree that is written.
    """
    temporary = temporary_beside(workshop / target.name)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(temporary, target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clean_workshop(workshop: Path) -> None:
    """Removes what killed runs left in `workshop`, and the folder itself once it is empty."""
    sweep(workshop)
    with contextlib.suppress(OSError):
        workshop.rmdir()


def write_workbook(
    path: Path, sheet: str, rows: list[list], more: dict[str, list[list]] | None = None
) -> None:
    """Writes an `.xlsx` whose bytes depend on its content only: one sheet, and `more` after it.

    openpyxl stamps the time of writing into the document and into the zip; both are fixed here.
    """
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    for name, further in (more or {}).items():
        page = book.create_sheet(name)
        for row in further:
            page.append(row)
    written = io.BytesIO()
    book.save(written)
    buffer = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z?", b"2000-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    write_bytes(path, buffer.getvalue())


def encode_image(image: np.ndarray, suffix: str) -> bytes:
    """The file content of an RGB (H, W, 3) or grey (H, W) uint8 image, `.jpg` or `.png`."""
    import cv2

    options = (
        [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 2]
    )
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(suffix, image, options)
    if not ok:
        raise OSError(f"OpenCV could not encode an image of shape {image.shape} as {suffix}.")
    return data.tobytes()


def check_folder(
    folder: str | os.PathLike | None, *, file: str | None = "protocol.json", kind: str = "run"
) -> None:
    """Refuses, before any work, a folder that cannot be written to or holds something else.

    Args:
        folder: to write to; `None` for a temporary one, which is always right.
        file: name of the card by which `claim_folder` will know it; `None` where other things may
            lie in it.
        kind: what is run, for the message.

    Raises:
        InputError: saying why.

    >>> check_folder(os.devnull)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: /dev/null: cannot be written: a file is in the way; give another \
--out.
    """
    if folder is None:
        return
    reason, place = "", Path(folder)
    try:
        there = next(p for p in (place, *place.absolute().parents) if _is_there(p))
        if not stat.S_ISDIR(there.stat().st_mode):
            reason = "a file is in the way"
        elif not os.access(there, os.W_OK | os.X_OK):
            reason = f"no right to write to {there}"
        elif file and (place / file).exists():
            regular_file(place / file)
        elif file and (place / file).is_symlink():
            raise InputError(f"{place / file}: a link to nothing; remove it or give another --out.")
        elif file and there == place and not _is_free(place):
            raise InputError(
                f"{place}: not empty and not the folder of a {kind}; give another --out."
            )
    except FileNotFoundError:
        reason = "a link to nothing is in the way"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise InputError(f"{place}: cannot be written: {reason}; give another --out.")


def _is_there(path: Path) -> bool:
    """Whether something is at a path, if only a link; raises `OSError` for what is no path."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_free(folder: Path) -> bool:
    """Whether nothing but what systems and killed processes leave lies in a folder."""
    return all(left_by_system(name) or unfinished(Path(name)) for name in os.listdir(folder))


def claim_folder(
    folder: Path,
    card: dict,
    *,
    file: str = "protocol.json",
    may_differ: Collection[str] = (),
    kind: str = "run",
) -> dict | None:
    """The one rule for "is this folder mine": new, empty, or of the same settings.

    Args:
        folder: to write to; made, with its card, if nothing speaks against it.
        card: the settings, plain JSON types.
        file: name of the card in the folder.
        may_differ: top-level fields of the card that need not be the same.
        kind: what is run, for messages.

    Returns:
        The card that was there before, or `None` in a new folder.

    Raises:
        InputError: if the folder holds something else; the message names the first field that
            differs, with both values.
    """
    place = folder / file
    before = None
    if place.exists():
        before = read_json(place, dict, "remove the folder or give another --out")
        _check_same(folder, before, card, may_differ, kind)
    else:
        check_folder(folder, file=file, kind=kind)
    write_json(place, card)
    return before


def claim_file(path: Path, kind: str, is_ours: Callable[[Path], bool]) -> Path:
    """The same rule for a file: new, or an earlier one of the same kind, which is replaced.

    Args:
        path: to write to.
        kind: what is written, for the message.
        is_ours: whether a file that is there was written by merzoo as such.

    Returns:
        The path.

    Raises:
        InputError: if something else is there.

    >>> claim_file(Path(os.devnull), "export", lambda path: False)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: /dev/null: is there already and no export of merzoo's; remove it, \
or give another --out.
    """
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: is a link to nothing; remove it, or give another --out.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give another --out.")
    if path.exists() and not (path.is_file() and is_ours(path)):
        raise InputError(
            f"{path}: is there already and no {kind} of merzoo's; remove it, or give another --out."
        )
    return path


def _check_same(
    folder: Path, before: dict, card: dict, may_differ: Collection[str], kind: str
) -> None:
    for key in card | before:
        if key in may_differ or before.get(key) == card.get(key):
            continue
        where, there, here = first_difference(before.get(key), card.get(key), key)
        raise InputError(
            f"{folder} holds another {kind}: its {where} is {there}, here it is {here}. Give "
            f"another --out, or remove that folder."
        )


def first_difference(before: Any, now: Any, where: str = "") -> tuple[str, str, str]:
    """The path of the first place where two JSON values differ, and both values there, short.

    >>> first_difference({"a": {"epochs": 5, "b": 1}}, {"a": {"epochs": 6, "b": 1}}, "recipe")
    ('recipe.a.epochs', '5', '6')
    >>> first_difference([1, 2, 3], [1, 2], "subjects")
    ('subjects[2]', '3', '(none)')
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before | now:
            if before.get(key, _NOTHING) != now.get(key, _NOTHING):
                steps = before.get(key, _NOTHING), now.get(key, _NOTHING)
                return first_difference(*steps, f"{where}.{key}" if where else key)
    if isinstance(before, list) and isinstance(now, list):
        for i in range(max(len(before), len(now))):
            one = before[i] if i < len(before) else _NOTHING
            other = now[i] if i < len(now) else _NOTHING
            if one != other:
                return first_difference(one, other, f"{where}[{i}]")
    return where, _short(before), _short(now)


_NOTHING = object()


def _short(value: object, length: int = 80) -> str:
    if value is _NOTHING:
        return "(none)"
    text = json.dumps(value)
    return text if len(text) <= length else text[: length - 3] + "..."
