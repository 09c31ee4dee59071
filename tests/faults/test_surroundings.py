"""Every verb where something is missing: room, memory, an output, letters, a folder to write to.

It works, or says in one line what is wrong and exits with 2; nothing that was there is lost.
"""

import shutil
import sys

import pytest

from merzoo.processes import ADDRESS_SPACE
from tests.faults.child import ON_THE_WAY, ROOT, finished
from tests.faults.places import left, mounted, remount, same, skip_without
from tests.faults.verbs import FLOW, NAMED, VERBS

# One engine stands for those that differ in how folds are trained, which no surroundings reach.
MANY = pytest.mark.parametrize(
    "name", [name for name in VERBS if name not in ("evaluate scan", "evaluate reuse")]
)
pytestmark = pytest.mark.slow


@pytest.fixture
def out(place, request):
    name, verb = request.node.callspec.params["name"], VERBS[request.node.callspec.params["name"]]
    kind = request.node.originalname.removeprefix("test_")[:40]
    folder = place.folder / kind / name.replace(" ", "-")
    folder.mkdir(parents=True)
    return folder / f"result{verb.suffix}"


def one_line(child) -> str:
    """What a run says that could not be."""
    lines = [n for n in child.stderr.splitlines() if not n.startswith(ON_THE_WAY)]
    assert len(lines) == 1 and lines[0].startswith("merzoo: error: "), child.stderr
    assert "shows where" not in lines[0], child.stderr
    return lines[0]


@MANY
def test_closed_output_and_no_temporary_folder(name, place, out):
    verb, wanted = VERBS[name], place.whole(name, VERBS[name])
    with mounted(place.folder / "read-only", "ro,size=1m") as read_only:
        variables = {"TMPDIR": str(read_only)}
        child = place.start(verb, out, fault={"stdout": "closed"}, variables=variables)
        status = child.wait()
    if status:
        assert status == 2
        one_line(child)
    else:
        same(verb.result(out), wanted, verb.exact)


@MANY
def test_nobody_reads_and_letters_are_missing(name, place, out):
    """Standard output is a pipe that nobody reads, in ASCII; names are not."""
    verb, wanted = VERBS[name], place.whole(name, VERBS[name])
    other = out.with_name(f"résultat 結果{verb.suffix}")
    child = place.start(verb, other, fault={"stdout": "broken", "encoding": "ascii"})
    assert child.wait() == 0, child.stderr
    same(renamed(verb.result(other)), renamed(wanted), verb.exact)


def renamed(result: dict) -> dict:
    """Without the names of files that are called after the result."""
    return {name.replace("résultat 結果", "result"): value for name, value in result.items()}


@MANY
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(name, place, out):
    verb, wanted = VERBS[name], place.whole(name, VERBS[name])
    made = place.folder / "whole" / name.replace(" ", "-")
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    with mounted(out.parent / "disk", f"size={max(16, size // 2048)}k") as disk:
        inside = disk / f"result{verb.suffix}"
        child = place.start(verb, inside)
        assert child.wait() == 2, child.stdout + child.stderr
        one_line(child)
        remount(disk, "size=64m")
        child = place.start(verb, inside)
        assert child.wait() == 0, child.stderr
        same(verb.result(inside), wanted, verb.exact)
        assert not left(disk)


@MANY
def test_a_folder_that_may_not_be_written_is_one_line(name, place, out):
    verb = VERBS[name]
    skip_without(verb)
    with mounted(out.parent / "disk", "size=64m") as disk:
        remount(disk, "ro")
        child = place.start(verb, disk / f"result{verb.suffix}")
        assert child.wait() == 2, child.stdout + child.stderr
        assert str(disk) in one_line(child)


@MANY
@pytest.mark.parametrize("spare", [64 << 20, 512 << 20, None])
def test_too_little_memory_is_one_line(name, spare, place, tmp_path):
    """An address space that ends `spare` bytes above what loading takes, or as soon as it may."""
    verb = VERBS[name]
    skip_without(verb)
    out = tmp_path / f"result{verb.suffix}"
    limit = {"space": ADDRESS_SPACE} if spare is None else {"spare": spare}
    child = place.start_cold(verb, out, limit)
    status = child.wait()
    assert status in (0, 2), (status, child.stderr)
    if status:
        one_line(child)
    assert not left(tmp_path)


@pytest.mark.parametrize("name", ["evaluate together"])
def test_subjects_and_data_of_any_letters(name, place, out):
    words = [word.replace(FLOW, NAMED) for word in VERBS[name].said(out)]
    child = place.start(
        type(VERBS[name])(tuple(words), VERBS[name].result), out, fault={"encoding": "ascii"}
    )
    assert child.wait() == 0, child.stderr
    assert child.stdout.isascii() and "\\u540d" in child.stdout


@pytest.mark.parametrize("name", ["evaluate jobs", "synthesize"])  # printing is the same for all
def test_output_that_is_full_is_one_line(name, place, out):
    verb = VERBS[name]
    child = place.start(verb, out, fault={"stdout": "full"})
    assert child.wait() == 2 and "No space left" in one_line(child)


def test_streams_of_a_shell():
    """As a shell gives them to a process of its own: the forked ones are imitated."""
    run = f"{shutil.which('env')} PYTHONIOENCODING=ascii {sys.executable} -m merzoo list"
    for end, status in ((">&-", 0), ("| true; exit ${PIPESTATUS[0]}", 0), (">/dev/full", 2)):
        done = finished(["bash", "-c", f"{run} {end}"], cwd=ROOT)
        assert done.returncode == status, (end, done.stderr)
        assert len(done.stderr.splitlines()) == (1 if status else 0), done.stderr
