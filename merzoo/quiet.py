"""Keeps off the terminal what libraries of C and C++ print of themselves: decoders, TensorFlow.

What is wrong with a file is said once, by merzoo. `MERZOO_DEBUG=1` lets all of it through.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

# Read by OpenCV when it is loaded, and by its FFmpeg, which prints from threads of its own.
if os.environ.get("MERZOO_DEBUG") != "1":
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET

_LOCK = threading.Lock()
_depth, _stderr = 0, -1  # blocks that run now, of all threads; a copy of standard error


@contextlib.contextmanager
def quiet(said: int | None = None) -> Iterator[None]:
    """Standard error of the process goes elsewhere, or nowhere, while a library is called.

    Several threads may be inside; the last that leaves brings standard error back.

    Args:
        said: file descriptor of an open file that gets what is printed; `None` for nowhere.

    >>> with quiet():
    ...     _ = os.write(2, b"libpng warning: nobody sees this")
    """
    if os.environ.get("MERZOO_DEBUG") == "1" or not _enter(said):
        yield
        return
    try:
        yield
    finally:
        _leave()


def _enter(said: int | None) -> bool:
    """Whether standard error was there to be put away."""
    global _depth, _stderr
    with _LOCK:
        if not _depth:
            try:
                if sys.stderr is not None:
                    sys.stderr.flush()
                _stderr = os.dup(2)
                target = os.open(os.devnull, os.O_WRONLY) if said is None else said
                os.dup2(target, 2)
                if said is None:
                    os.close(target)
            except (OSError, ValueError):  # closed, or no descriptor is left
                return False
        _depth += 1
        return True


def _leave() -> None:
    global _depth
    with _LOCK:
        _depth -= 1
        if not _depth:
            os.dup2(_stderr, 2)
            os.close(_stderr)
