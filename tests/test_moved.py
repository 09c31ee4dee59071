"""Old import paths work for one release: the same objects, and a warning that names the new one."""

import importlib
import pickle
import subprocess
import sys
import warnings

import pytest

import merzoo
from merzoo.moved import MODULES, NAMES


@pytest.fixture
def forgetful():
    """Old modules are imported anew, as in a new process."""
    for name in [name for name in sys.modules if name in MODULES]:
        package, _, last = name.rpartition(".")
        delattr(sys.modules[package], last)
        del sys.modules[name]


@pytest.mark.parametrize("old, new", MODULES.items())
def test_an_old_module_is_the_new_one(forgetful, old, new):
    if old.startswith("merzoo.app."):
        pytest.importorskip("gradio")
    with pytest.warns(FutureWarning) as noted:
        found = importlib.import_module(old)
    said = [str(warning.message) for warning in noted if old in str(warning.message)]
    assert said == [f"{old} is now {new}; the old path goes next release."]
    assert {w.filename for w in noted} == {importlib.__file__}  # the caller, not the finder
    names = [name for name in vars(importlib.import_module(new)) if not name.startswith("__")]
    assert all(getattr(found, n) is getattr(importlib.import_module(new), n) for n in names)
    if not any(name.startswith(f"{old}.") for name in NAMES):
        assert found is importlib.import_module(new)


@pytest.mark.parametrize("old, new", NAMES.items())
def test_an_old_name_is_the_new_one(forgetful, old, new):
    home, _, name = new.rpartition(".")
    past, _, old_name = old.rpartition(".")
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        found = getattr(importlib.import_module(past), old_name)
    assert found is getattr(importlib.import_module(home), name)
    assert any(new in str(w.message) or past in str(w.message) for w in noted)


LINES = """
import merzoo.training.fit as fit
from merzoo.evaluation.metrics import uf1
from merzoo.data.arrays import Arrays
from merzoo.data import Arrays as same
from merzoo.evaluation.splits import read_split
from merzoo.evaluation.runs import read_run
from merzoo.training.tuning.search_spaces import ARCHITECTURES
from merzoo.training import hypermodel
import merzoo.training, merzoo.evaluation
merzoo.training.tune, merzoo.evaluation.reproduce
from merzoo.pages import render
"""


def test_lines_that_users_wrote_run_and_each_warns_at_its_own_line(tmp_path):
    script = tmp_path / "old.py"
    script.write_text(LINES + "assert Arrays is same and callable(render)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for number, line in enumerate(LINES.splitlines(), start=1):
        old = line and line != "import merzoo.training, merzoo.evaluation" and "pages" not in line
        assert (f"old.py:{number}: FutureWarning" in done.stderr) == bool(old), (line, done.stderr)


def test_a_pickle_of_an_old_path_loads():
    from merzoo.preprocessing import Arrays

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert pickle.loads(b"cmerzoo.data.arrays\nArrays\n.") is Arrays


def test_what_never_was_is_still_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"merzoo\.training\.fitting"):
        importlib.import_module("merzoo.training.fitting")
    for package in (merzoo.data, merzoo.evaluation, merzoo.training):
        with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'sets'"):
            _ = package.sets


def test_importing_merzoo_loads_no_framework_and_no_numpy():
    code = "import merzoo, sys; print([m for m in ('numpy', 'keras', 'jax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
