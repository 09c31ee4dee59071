"""Two processes with one `--out`: both end well, or one is told that the other is at work."""

import pytest

from tests.faults.places import left, same
from tests.faults.verbs import VERBS

ALIKE = ("evaluate scan", "evaluate jobs", "pretrain", "tune", "prepare", "synthesize", "export")


@pytest.mark.slow
@pytest.mark.parametrize("name", ALIKE)
def test_two_processes_never_mix_their_results(name, place):
    verb, wanted = VERBS[name], place.whole(name, VERBS[name])
    out = place.folder / "two" / name.replace(" ", "-") / f"result{verb.suffix}"
    out.parent.mkdir(parents=True)
    children = [place.start(verb, out), place.start(verb, out)]
    statuses = [child.wait() for child in children]
    assert sorted(statuses) in ([0, 0], [0, 2]), [child.stderr for child in children]
    for child, status in zip(children, statuses, strict=True):
        if status:
            lines = child.stderr.splitlines()
            assert len(lines) == 1 and "another process is at work there" in lines[0], child.stderr
    same(verb.result(out), wanted, verb.exact)
    assert not left(out.parent)
