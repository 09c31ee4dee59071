"""The weights in the tree are whole, small, described, and give what was recorded."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import merzoo
from merzoo.cli import main
from merzoo.data.unit_labels import is_unit_labels
from merzoo.weights.download import address, fault
from merzoo.weights.manifest import entries, files_folder, places
from merzoo.weights.verify import verify

ROOT = Path(__file__).parents[2]
SHIPPED = entries()
QUICK = ("ststnet", "broadbentnet", "offapexnet", "rcn-s")  # built and run in a second or two


def test_every_file_in_the_tree_is_that_of_its_entry():
    held = {e.file: [p for p in places(e) if p.is_file() and ROOT in p.parents] for e in SHIPPED}
    there = [
        p.name
        for folder in ("weights", "merzoo/weights/files")
        for p in (ROOT / folder).glob("*.h5")
    ]
    assert sorted(held) == sorted(there)
    for entry in SHIPPED:
        (path,) = held[entry.file]
        assert fault(path, entry) is None, entry.id
    assert sum(entry.bytes for entry in SHIPPED) < 60e6


def test_what_comes_with_the_package_is_small_and_has_its_licence():
    """The rest is downloaded, under terms of its own."""
    packaged = [e for e in SHIPPED if (files_folder() / e.file).is_file()]
    assert {e.licence for e in packaged} == {"Apache-2.0"}
    assert 0 < sum(e.bytes for e in packaged) < 11e6
    assert {e.id for e in SHIPPED if e.url is None} == {e.id for e in packaged}
    for entry in SHIPPED:
        if entry.url:
            assert address(entry.url).endswith(f"/{entry.file}")


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.id)
def test_every_entry_says_what_a_user_must_know(entry):
    assert entry.licence and entry.protocol and entry.merzoo_version
    assert entry.subjects and entry.trained_on and entry.golden
    for data, scores in entry.metrics.items():
        score = "macro_f1" if is_unit_labels(entry.labels) else "uf1"
        assert data and 0 <= scores[score] <= 1 and scores["n"] > 0
    assert (ROOT / "weights" / "logs" / f"{entry.id}.json").is_file()


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(e, id=e.id, marks=() if e.network in QUICK else pytest.mark.slow)
        for e in SHIPPED
    ],
)
def test_weights_give_the_recorded_outputs(entry):
    assert verify(entry, merzoo.create_model) is None


def test_cards_are_up_to_date():
    command = [sys.executable, "tools/make_weight_cards.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_weights_are_listed():
    known = ["ststnet.megc2019", "ststnet.synthetic", "ststnet.synthetic-au"]
    assert merzoo.list_models("sts*", weights=True) == known
    assert merzoo.list_models("htnet", weights=True) == []


def test_the_verbs(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    assert main(["weights", "list", "ststnet*", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["here"]) for row in rows] == [
        ("ststnet.megc2019", True),
        ("ststnet.synthetic", True),
        ("ststnet.synthetic-au", True),
    ]
    assert main(["weights", "list"]) == 0
    assert "ststnet.synthetic" in capsys.readouterr().out
    assert main(["weights", "list", "nothing"]) == 1
    line = "No weights match 'nothing'; merzoo weights list shows all.\n"
    assert capsys.readouterr().out == line
    assert main(["weights", "download", "ststnet.synthetic"]) == 0
    assert "ststnet.synthetic.weights.h5" in capsys.readouterr().out
    assert main(["weights", "download", "ststnet.synthetik"]) == 2
    assert "Did you mean 'ststnet.synthetic'" in capsys.readouterr().err
    assert main(["weights", "verify", "ststnet.synthetic"]) == 0
    assert "All are fine" in capsys.readouterr().out
    assert main(["weights", "verify", "ststnet.synthetik"]) == 2
    assert "Did you mean 'ststnet.synthetic'" in capsys.readouterr().err


def test_verify_says_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    (entry,) = entries("ststnet.synthetic")
    assert "SHA-256" in verify(replace(entry, sha256="0" * 64), merzoo.create_model)
    assert "merzoo weights download" in verify(
        replace(entry, file="absent.weights.h5"), merzoo.create_model
    )
    assert "recorded were" in verify(replace(entry, golden=(0.2, 0.3, 0.5)), merzoo.create_model)


def test_a_damaged_copy_of_the_project_fails_verification(tmp_path):
    """One bit of a file changed: exit status 1. No network is built for it."""
    ignored = shutil.ignore_patterns("__pycache__", "*.png", "*.gif", "*.svg")
    shutil.copytree(ROOT / "merzoo", tmp_path / "merzoo", ignore=ignored)
    (entry,) = entries("ststnet.synthetic")
    copy = tmp_path / "merzoo" / "weights" / "files"
    (copy / "manifest.json").write_text(json.dumps([entry.as_dict()]))
    content = bytearray((copy / entry.file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / entry.file).write_bytes(content)
    command = [sys.executable, "-m", "merzoo.cli", "weights", "verify", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=_own(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "SHA-256" in json.loads(done.stdout)[entry.id]


def _own(folder: Path) -> dict:
    """An environment in which the copy in `folder` is the package that is found."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
        "MERZOO_HOME": str(folder / "home"),
    }
