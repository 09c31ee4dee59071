"""What a folder holds, without what systems leave in the folders that they show or copy.

macOS writes `.DS_Store` and, on foreign disks, a `._` file beside each file; Windows writes
`Thumbs.db` and `desktop.ini`; Office writes a `~$` file while a table is open. All that reads the
files of a folder, or asks whether one is empty, does so here.
"""

import os
from pathlib import Path

from merzoo.errors import InputError

LOCK = ".merzoo.lock"  # in a folder while a process works in it; a killed one leaves it there
_LEFT = {
    LOCK,
    *(".ds_store", "__macosx", "icon\r"),  # macOS
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "lost+found"),  # storage in the network, Linux
}


def left_by_system(name: str) -> bool:
    """Whether a file or folder of this name is nobody's data.

    >>> left_by_system("._clip.mp4"), left_by_system("Thumbs.db"), left_by_system("clip.mp4")
    (True, True, False)
    """
    return name.startswith(("._", "~$")) or name.lower() in _LEFT


def entries(folder: str | Path) -> list[os.DirEntry]:
    """What lies directly inside a folder, by name; nothing hidden, nothing that systems left there.

    Raises:
        InputError: if the folder cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            kept = [e for e in found if not (e.name.startswith(".") or left_by_system(e.name))]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}.") from None
    return sorted(kept, key=lambda entry: entry.name)


def is_empty(folder: str | Path) -> bool:
    """Whether a folder holds nothing but what systems leave there; hidden files of others count."""
    return all(left_by_system(name) for name in os.listdir(folder))
