"""The page's folder: every upload has its own place, and nothing stays longer than it must."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from merzoo.app.folder import Folder, plain_name, remove_left_behind
from merzoo.errors import InputError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Folder()
    yield made
    made.close()
    assert list(tmp_path.glob("merzoo-demo-*")) == []


def save(folder, name="me.mp4", content=b"equal"):
    return str(folder.save(name, io.BytesIO(content)))


def test_equal_uploads_of_two_users_are_two_files(folder):
    mine, yours = save(folder), save(folder)
    with folder.job() as job:
        assert folder.take(mine, job).read_bytes() == b"equal"
    assert not Path(mine).exists() and Path(yours).read_bytes() == b"equal"
    with folder.job() as job, pytest.raises(InputError, match="choose the file again"):
        folder.take(mine, job)
    with pytest.raises(RuntimeError), folder.job() as job:
        taken = folder.take(yours, job)
        raise RuntimeError
    assert not taken.exists() and os.listdir(folder.files) == os.listdir(folder.jobs) == []


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{files}/../merzoo-demo.lock", "{files}/x/../../y", "", "http://a/b/c"]
)
def test_what_is_no_upload_cannot_be_taken(folder, path):
    with folder.job() as job, pytest.raises(InputError, match="choose the file again"):
        folder.take(path.format(files=folder.files), job)
    assert (folder.path / "merzoo-demo.lock").exists()


def test_what_nobody_has_touched_for_a_quarter_of_an_hour_goes(folder):
    old, new = save(folder), save(folder)
    with folder.job() as job:
        (job / "film.webm").write_text("")
        for path in (Path(old), Path(old).parent, job / "film.webm", job):
            os.utime(path, (time.time() - 901,) * 2)
        assert folder.drop_old() == 2 and not job.exists()
        assert not Path(old).exists() and Path(new).exists()


def test_a_save_that_fails_leaves_nothing(folder):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        folder.save("me.mp4", Broken())
    assert os.listdir(folder.files) == []


def test_a_running_page_is_left_alone_and_a_killed_one_is_removed(folder, tmp_path):
    """The other page is a process that really is killed; a third folder is no page's at all."""
    code = """
import io, os, signal
from merzoo.app.folder import Folder
folder = Folder()
folder.save("me.mp4", io.BytesIO(b"private"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    where = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    assert subprocess.run([sys.executable, "-c", code], env=where).returncode == -signal.SIGKILL
    foreign = tmp_path / "merzoo-demo-thesis"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    mine = save(folder)
    [killed] = [p for p in tmp_path.glob("merzoo-demo-*/files/*/me.mp4") if str(p) != mine]
    (killed.parents[2] / "notes.txt").write_text("of somebody else")
    assert remove_left_behind() == 1 and not killed.exists() and Path(mine).exists()
    assert (killed.parents[2] / "notes.txt").exists() and (foreign / "notes.txt").exists()
    (killed.parents[2] / "notes.txt").unlink()
    (foreign / "notes.txt").unlink()
    foreign.rmdir()
    killed.parents[2].rmdir()


@pytest.mark.parametrize(
    "name", ["a" * 400 + ".mp4", "a." + "b" * 400, "\n\0\x1b[0m.avi", "..", ""]
)
def test_names_of_uploads_become_plain(folder, name):
    plain = plain_name(name)
    assert 0 < len(plain) <= 160 and plain.isprintable() and "/" not in plain
    assert Path(save(folder, name)).name == plain
