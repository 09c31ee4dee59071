"""The cache under faults: kills, full disks, too many open files; only damage is ever removed."""

import contextlib
import errno
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from merzoo.data.synthetic.generate import synthesize
from merzoo.data.synthetic.long import plan_long, write_long
from merzoo.errors import InputError
from merzoo.preprocessing.cache import Batch, Cache, CacheError, key
from merzoo.preprocessing.pipeline import prepare
from merzoo.whole import alone, exhausted, sweep, temporary_beside, unfinished, whole
from tests.faults.child import finished
from tests.preprocessing import made

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def files(folder) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


@contextlib.contextmanager
def limit(name: str, value: int):
    """A limit of this process, for a while."""
    before = resource.getrlimit(getattr(resource, name))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(getattr(resource, name), (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(getattr(resource, name), before)
        signal.signal(signal.SIGXFSZ, handler)


def no_more_files():
    """No file can be opened any more."""
    return limit("RLIMIT_NOFILE", 0)


def filled(cache) -> list[str]:
    """A pack of twenty arrays, and one in a file of its own."""
    with Batch(cache) as batch:
        for i in range(20):
            batch.add(key(clip=i), np.full((4, 4), i, np.float32))
    cache.put(key(alone=1), np.ones(5))
    return [*(key(clip=i) for i in range(20)), key(alone=1)]


def test_too_many_open_files_remove_nothing_and_make_nothing_anew(cache):
    names = filled(cache)
    before = files(cache.folder)
    for ask in (Cache.found, Cache.held, lambda c, n: c.get(n[-1])):
        with no_more_files(), pytest.raises(OSError, match="Too many open files"):
            ask(Cache(cache.folder), names)
        assert files(cache.folder) == before
    assert len(Cache(cache.folder).found(names)) == 21


def test_a_clip_is_not_left_out_because_no_file_can_be_opened(cache, tmp_path):
    clips = made.pictures(tmp_path / "pictures", 3)
    wanted = {"apex": (16, 16, 1)}
    how = {"detector": "none", "jobs": 1, "on_error": "skip", "cache": cache.folder}
    with no_more_files(), pytest.raises((OSError, CacheError)) as caught:
        prepare(clips, wanted, **how)
    assert exhausted(caught.value)
    assert len(prepare(clips, wanted, **how)) == 3


def test_no_memory_removes_nothing(cache):
    """In a process of its own, which may not map the file of one array."""
    cache.put(key(large=1), np.zeros(1 << 26, np.uint8))
    before = files(cache.folder)
    code = f"""
import resource
from merzoo.preprocessing.cache import Cache, key
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 24),) * 2)
try:
    Cache({str(cache.folder)!r}).get(key(large=1))
except (OSError, MemoryError) as error:
    print(type(error).__name__)
"""
    assert child(code).stdout.strip() in ("OSError", "MemoryError")
    assert files(cache.folder) == before


def child(code: str):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return finished([sys.executable, "-c", code], env=environment)


def test_a_full_disk_is_one_clear_error_and_leaves_no_file(cache):
    """A limit on the size of files stands for the full disk."""
    error = pytest.raises(CacheError, match=r"cannot be written: .*; free some space")
    with limit("RLIMIT_FSIZE", 100_000), error:
        cache.put(key(a=1), np.zeros(1_000_000, np.float32))
    assert files(cache.folder) == []


def test_a_full_disk_stops_the_preparation_with_one_line(tmp_path):
    clips = [made.clip(i) for i in range(3)]
    how = {"detector": "none", "jobs": 1, "on_error": "skip", "cache": tmp_path / "cache"}
    with limit("RLIMIT_FSIZE", 50_000), pytest.raises(CacheError, match="cannot be written"):
        prepare(clips, {"apex": (200, 200, 1)}, **how)
    assert files(tmp_path / "cache") == []


def test_a_full_disk_leaves_no_video_that_was_cut(tmp_path):
    """OpenCV's writers say nothing: Motion JPEG of a long film, FFV1 of a clip."""
    size, error = (64, 80), pytest.raises(InputError, match="cannot be written: frames are missing")
    with limit("RLIMIT_FSIZE", 30_000), error:
        write_long(tmp_path / "long.avi", plan_long(2, 2, fps=25), size)
    with limit("RLIMIT_FSIZE", 100_000), error:
        synthesize(tmp_path / "faces", subjects=1, clips=1, size=size, media="video", jobs=1)
    assert not [name for name in files(tmp_path) if name.endswith(".avi")]


def test_a_kill_amid_a_write_leaves_no_half_array_and_is_swept(cache):
    """The child writes one pack, and is killed in the middle of two others."""
    code = f"""
import os, signal
import numpy as np
from merzoo.preprocessing.cache import Batch, Cache, key
cache = Cache({str(cache.folder)!r})
with Batch(cache) as batch:
    for i in range(10):
        batch.add(key(clip=i), np.zeros(1000))
def rows(inner):
    yield np.zeros(1_000_000)
    if inner:
        os.kill(os.getpid(), signal.SIGKILL)
    cache.put_rows("cd" * 32, rows(True), (2, 1_000_000), "float64")
cache.put_rows("ab" * 32, rows(False), (2, 1_000_000), "float64")
"""
    assert child(code).returncode == -signal.SIGKILL
    assert cache.held([*(key(clip=i) for i in range(10)), "ab" * 32, "cd" * 32]) == {
        key(clip=i) for i in range(10)
    }
    assert cache.sweep() == 2 and len(files(cache.folder)) == 1


def test_only_what_nobody_writes_is_swept(tmp_path):
    """A living process's file stays; a dead one's goes; another machine's goes after an hour."""
    with whole(tmp_path / "mine.txt") as mine:
        mine.write_text("half")
        name = temporary_beside(tmp_path / "x.npz").name
        number = str(os.getpid())
        ended = child("import os; print(os.getpid())").stdout.strip()
        dead = tmp_path / name.replace(number, ended)
        living = tmp_path / name.replace(number, str(os.getppid()))
        foreign, old = (tmp_path / f".{mark * 8}-7-01234567.part" for mark in "ab")
        for path in (dead, living, foreign, old):
            path.write_text("half")
        (tmp_path / "download.h5.part").write_text("resumed later")
        os.utime(old, (time.time() - 7200,) * 2)
        assert all(map(unfinished, (dead, living, foreign, old)))
        assert sweep(tmp_path) == 2
        assert {mine, living, foreign} <= set(tmp_path.iterdir())
    kept = {living.name, foreign.name, "mine.txt", "download.h5.part"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_lock_ends_with_its_process(tmp_path):
    code = f"""
import os, signal
from merzoo.whole import alone
with alone({str(tmp_path / "run")!r}):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert child(code).returncode == -signal.SIGKILL
    refused = pytest.raises(InputError, match="another process is at work")
    with alone(tmp_path / "run"), refused, alone(tmp_path / "run"):
        pass
    with alone(tmp_path / "run"):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_that_still_start_end_with_their_parent(number):
    """It is killed once the first loads Python, and has not got a task yet.

    Ctrl-C goes to all of them: those that still load do not print where they were.
    """
    kill = "os.killpg" if number == signal.SIGINT else "os.kill"
    code = f"""
import os, threading, time
from pathlib import Path
from joblib import Parallel, delayed
from merzoo.processes import workers
children = Path("/proc/self/task", str(os.getpid()), "children")
def loads(pid):  # Python, which listens to Ctrl-C by now
    worker = b"Loky" + b"Process" in Path("/proc", pid, "cmdline").read_bytes()
    caught = Path("/proc", pid, "status").read_text().partition("SigCgt:")[2].split()[0]
    return worker and int(caught, 16) & 2
def end():
    while not any(map(loads, children.read_text().split())):
        time.sleep(0.001)
    {kill}(os.getpid(), {int(number)})
threading.Thread(target=end).start()
try:
    with workers(2):
        Parallel()(delayed(divmod)(i, 3) for i in range(1 << 30))
except KeyboardInterrupt:
    print("stopped")
"""
    done = child(code)  # which waits for all that hold its output open
    if number == signal.SIGINT:
        assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")
    else:
        assert done.returncode == -number


def test_errors_of_the_machine_are_told_from_those_of_a_file():
    assert exhausted(OSError(errno.ENOSPC, "")) and exhausted(MemoryError())
    try:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError:
            raise ValueError("cannot be read") from None
    except ValueError as error:
        assert exhausted(error)
    assert not exhausted(PermissionError(errno.EACCES, "")) and not exhausted(ValueError())
