"""merzoo's folder on machines as they are: no home, one that cannot be written, a temporary one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from merzoo.home import home, homes

ROOT = Path(__file__).parents[1]
WHERE = "from merzoo.home import homes; print(*homes('weights'), sep=chr(10))"


def as_nobody(code: str, **surroundings: str) -> subprocess.CompletedProcess:
    """Runs Python as a user whom the system does not know, in a name space of its own."""
    words = ["unshare", "--user", "--map-user=65532", "--map-group=65532"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*words, "true"], capture_output=True).returncode
    ):
        pytest.skip("this system lets nobody take another user's number")
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | surroundings
    return subprocess.run(
        [*words, sys.executable, "-c", code], env=variables, capture_output=True, text=True
    )


def test_the_variable_goes_before_all(monkeypatch, tmp_path):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    assert homes("a") == (tmp_path / "a",)


def test_a_home_that_can_be_written_is_used_and_not_made(monkeypatch, tmp_path):
    monkeypatch.delenv("MERZOO_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home("weights") == tmp_path / ".cache" / "merzoo" / "weights"
    assert not list(tmp_path.iterdir())


def test_no_home_and_no_entry_among_the_users(tmp_path):
    temporary = tmp_path / "scratch ü"
    temporary.mkdir()
    done = as_nobody(WHERE, TMPDIR=str(temporary))
    assert done.stdout == f"{temporary}/merzoo-65532/weights\n", done.stderr
    assert done.stderr.count("there is no home folder: downloads,") == 1
    assert (temporary / "merzoo-65532").stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_only_read_still_gives_what_it_holds(tmp_path):
    (own := tmp_path / "me" / ".cache" / "merzoo").mkdir(parents=True)
    own.chmod(0o555)
    try:
        done = as_nobody(WHERE, HOME=str(tmp_path / "me"), TMPDIR=str(tmp_path))
    finally:
        own.chmod(0o755)
    assert done.stdout.splitlines() == [f"{tmp_path}/merzoo-65532/weights", f"{own}/weights"]
    assert f"{own} cannot be written" in done.stderr


def test_a_temporary_folder_that_others_may_write_to_is_not_taken(tmp_path):
    (tmp_path / "merzoo-65532").mkdir()
    (tmp_path / "merzoo-65532").chmod(0o777)
    done = as_nobody(WHERE, TMPDIR=str(tmp_path))
    (found,) = done.stdout.splitlines()
    assert Path(found).parent.parent == tmp_path and "merzoo-65532" not in found
