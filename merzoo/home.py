"""The folder for downloads, generated data and caches: `MERZOO_HOME`, else `~/.cache/merzoo`.

Containers and clusters run programs as users without a home, or with one that nobody may write to:
then it is a folder of the user's own in the system's temporary folder (`TMPDIR`), with a warning.
"""

import functools
import os
import stat
import warnings
from pathlib import Path


def home(*parts: str) -> Path:
    """The path of `parts` inside merzoo's home folder (not created).

    >>> home("cache", "flow").name
    'flow'
    """
    return homes(*parts)[0]


def homes(*parts: str) -> tuple[Path, ...]:
    """`home`, and after it where the same may lie already, in a home that is only read."""
    return tuple(root.joinpath(*parts) for root in _roots())


def _roots() -> tuple[Path, ...]:
    said = os.environ.get("MERZOO_HOME")
    if said:
        return (Path(said),)
    return _usual_roots(*(os.environ.get(name) for name in ("HOME", "USERPROFILE", "TMPDIR")))


@functools.cache  # the warning once; the arguments are what the answer hangs on
def _usual_roots(*_surroundings: str | None) -> tuple[Path, ...]:
    try:
        own = Path.home() / ".cache" / "merzoo"
    except RuntimeError:  # neither HOME nor an entry among the system's users
        own = None
    if own is not None and _writable(own):
        return (own,)
    instead = _temporary()
    why = "there is no home folder" if own is None else f"{own} cannot be written"
    warnings.warn(
        f"{why}: downloads, invented faces and the cache go to {instead}; MERZOO_HOME names "
        "another folder.",
        stacklevel=5,
    )
    return (instead,) if own is None else (instead, own)


def _writable(folder: Path) -> bool:
    """Whether a folder, or the nearest one above it that there is, may be written to."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _temporary() -> Path:
    """A folder of the user's own among the temporary ones, the same at every call if it can be."""
    import tempfile  # slow to load, and seldom needed

    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"merzoo-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="merzoo-"))
    # Somebody else's folder of this name could hold anything.
    own = not hasattr(os, "getuid") or (
        found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )
    return (
        folder if stat.S_ISDIR(found.st_mode) and own else Path(tempfile.mkdtemp(prefix="merzoo-"))
    )
