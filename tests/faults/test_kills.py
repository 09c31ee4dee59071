"""Kills at random moments: what was finished stays, and the next run ends as an undisturbed one.

The moments follow from `FAULTS_SEED` (0), which is printed.
"""

import hashlib
import os
import random
import shutil
import signal
import time

import pytest

from tests.faults.child import ON_THE_WAY, Child, run
from tests.faults.places import left, same
from tests.faults.verbs import DOWNLOADED, THIN, VERBS
from tests.weights.server import Served, serving

SEED = int(os.environ.get("FAULTS_SEED", "0"))
ENDS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
SAID = {signal.SIGKILL: "", signal.SIGTERM: "merzoo: terminated", signal.SIGINT: "merzoo: stopped"}
ROWS = VERBS | THIN
pytestmark = pytest.mark.slow


def finished(verb, out) -> dict:
    files = [file for pattern in verb.keeps for file in out.glob(pattern)]
    return {file: file.stat().st_mtime_ns for file in files}


def stop(child: Child, number: int) -> None:
    """As `kill` does; Ctrl-C goes to the workers, too."""
    if child.poll() is None:
        (os.killpg if number == signal.SIGINT else os.kill)(child.pid, number)


def check_ended(child: Child, number: int) -> None:
    status = child.wait()
    assert status in (ENDS[number], 0), child.stderr
    if status and SAID[number]:
        lines = [n for n in child.stderr.splitlines() if not n.startswith(ON_THE_WAY)]
        assert len(lines) == 1 and lines[0].startswith(SAID[number]), child.stderr
    deadline = time.monotonic() + 30
    while (alive := child.family()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive, f"{len(alive)} workers outlive their parent"


def at_work(place, name: str, out, share: float, anew: bool) -> Child:
    """A run that has done a share of the work since its first file, or since its start.

    Where it was done before that, `anew`, the work takes less long than the undisturbed run told
    (which compiles); the run is made again.
    """
    verb = ROWS[name]
    while True:
        if anew:
            shutil.rmtree(out.parent, ignore_errors=True)
            out.parent.mkdir(parents=True)
        child = place.start(verb, out)
        child.until(lambda child=child: child.listens() and place.begun(verb, out))
        begun = time.monotonic()
        late = begun + share * place.seconds[name]
        if child.until(lambda late=late: time.monotonic() > late, 0.02) or not anew:
            return child
        assert child.wait() == 0, child.stderr
        place.seconds[name] = 0.9 * (time.monotonic() - begun)


@pytest.mark.parametrize("name", ROWS)
def test_a_run_that_was_killed_ends_as_an_undisturbed_one(name, place):
    verb = ROWS[name]
    wanted = place.whole(name, verb)
    drawn = random.Random(f"{SEED} {name}")
    signals = drawn.sample(list(ENDS), len(ENDS))
    moments = sorted(drawn.random() for _ in signals)
    out = place.folder / "killed" / name.replace(" ", "-") / f"result{verb.suffix}"
    kept = {}
    for number, before, moment in zip(signals, [0, *moments[:-1]], moments, strict=True):
        child = at_work(place, name, out, moment - before, anew=not before)
        print(f"FAULTS_SEED={SEED}: {name}, {number.name} after {moment:.2f} of its work")
        stop(child, number)
        check_ended(child, number)
        now = finished(verb, out)
        assert now.items() >= kept.items(), "a finished part was lost, or made again"
        kept = now
    child = place.start(verb, out)
    assert child.wait() == 0, child.stderr
    assert finished(verb, out).items() >= kept.items(), "a finished part was made again"
    same(verb.result(out), wanted, verb.exact)
    assert not left(out.parent)
    if verb.then:
        run([word.replace("{out}", str(out)) for word in verb.then], place.folder)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_killed_goes_on(tmp_path, ranges):
    """From a server that is slow and breaks off; what came in is asked for once."""
    content = random.Random(SEED).randbytes(200_000)
    digest, drawn = hashlib.sha256(content).hexdigest(), random.Random(f"{SEED} {ranges}")
    part = tmp_path / "home" / "weights" / f"{DOWNLOADED}.part"

    def start(url):
        words = ["call:tests.faults.verbs:download", f"{url}/file", str(len(content)), digest]
        return Child(words, tmp_path)

    drops = [drawn.randrange(1, 60_000) for _ in range(3)]
    with serving(Served(content, drops, ranges=ranges, pause=0.005)) as served:
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            child = start(served.url)
            child.until(lambda: part.is_file() and part.stat().st_size > 0)
            time.sleep(drawn.uniform(0, 0.5))
            child.send(number)
            child.wait()
            assert not part.with_name(DOWNLOADED).exists()
            if ranges and part.is_file():
                assert content.startswith(part.read_bytes())
        served.pause = 0
        assert start(served.url).wait() == 0
    assert part.with_name(DOWNLOADED).read_bytes() == content
    assert not part.exists()
