"""Where the runs of a test module lie, and what an undisturbed run of each row leaves."""

import importlib.util
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from merzoo.whole import unfinished
from tests.faults.child import Child, finished, run
from tests.faults.verbs import MADE, Verb, make_data

# JAX keeps what the undisturbed runs compile; the others read it, and never write to it.
_KEPT, _NEVER = "0", "1e9"  # seconds of compiling from which on it is kept


class Place:
    """A folder with the rows' data, and the results of undisturbed runs.

    Attributes:
        seconds: verb -> how long its work takes, undisturbed, from its first file on.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self._whole: dict[str, dict] = {}
        make_data(folder)

    def start(self, verb: Verb, out: Path | str, variables=None, fault=None) -> Child:
        """Starts a row's run; what the undisturbed run has compiled is not compiled again."""
        return self._start(verb, out, self._compiled(_NEVER) | (variables or {}), fault)

    def start_cold(self, verb: Verb, out: Path | str, fault: dict) -> Child:
        """The same, but everything is compiled."""
        return self._start(verb, out, {}, fault)

    def _start(self, verb: Verb, out: Path | str, variables: dict, fault=None) -> Child:
        if verb.reads and not (self.folder / verb.reads).exists():
            words, loads = MADE[verb.reads]
            run(words, self.folder, loads=loads)
        return Child(verb.said(out), self.folder, fault, variables, verb.loads)

    def _compiled(self, least: str) -> dict[str, str]:
        return {
            "JAX_COMPILATION_CACHE_DIR": str(self.folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": least,
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }

    def begun(self, verb: Verb, out: Path) -> bool:
        root, pattern = out, verb.begun
        while pattern.startswith("../"):
            root, pattern = root.parent, pattern.removeprefix("../")
        return root.is_dir() and next(root.glob(pattern), None) is not None

    def whole(self, name: str, verb: Verb) -> dict:
        """The result of an undisturbed run, which is made once."""
        skip_without(verb)
        if name not in self._whole:
            out = self.folder / "whole" / name.replace(" ", "-") / f"result{verb.suffix}"
            out.parent.mkdir(parents=True)
            child = self._start(verb, out, self._compiled(_KEPT))
            child.until(lambda: self.begun(verb, out))
            begun = time.monotonic()
            assert child.wait() == 0, child.stderr
            self.seconds[name] = time.monotonic() - begun
            self._whole[name] = verb.result(out)
            if verb.suffix:  # what lies beside it
                assert not left(out.parent)
        return self._whole[name]


def skip_without(verb: Verb) -> None:
    if importlib.util.find_spec(verb.needs) is None:
        pytest.skip(f"needs {verb.needs}")


def left(folder: Path) -> list[str]:
    """What is lying about that a run did not finish."""
    return [str(path) for path in folder.rglob("*") if unfinished(path)]


def same(found: dict, wanted: dict, exact: bool = True) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "f":
            assert np.array_equal(found[name], value), name
        elif exact:
            np.testing.assert_array_equal(found[name], value, name)
        else:
            np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


@contextmanager
def mounted(folder: Path, options: str):
    """A small file system in memory at a folder; a skip where nobody lets us mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = finished(words, 30)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        assert finished(["umount", "-l", str(folder)], 30).returncode == 0


def remount(folder: Path, options: str) -> None:
    done = finished(["mount", "-o", f"remount,{options}", str(folder)], 30)
    assert done.returncode == 0, done.stderr
