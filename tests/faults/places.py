"""Where the runs of a test module lie, and what an undisturbed run of each row leaves."""

import importlib.util
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from merzoo.whole import unfinished
from tests.faults.child import Child, run
from tests.faults.verbs import Verb, make_data, make_trained


class Place:
    """A folder with the rows' data, and the results of undisturbed runs.

    Attributes:
        seconds: verb -> how long its work takes, undisturbed, from its first file on.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self._whole: dict[str, dict] = {}
        make_data(folder, run)
        make_trained(folder, run)

    def start(self, verb: Verb, out: Path | str, **options) -> Child:
        return Child(verb.said(out), self.folder, **options)

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
            child = self.start(verb, out)
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
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
