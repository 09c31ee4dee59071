"""Two processes with one `--out`: both end well, or one is told that the other is at work."""

import pytest

from tests.faults.places import Place, left, same
from tests.faults.verbs import THIN, VERBS

ALIKE = ("evaluate scan", "evaluate jobs", "pretrain", "tune", "prepare", "synthesize", "export")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("two"), trained=False)


@pytest.fixture(scope="module")
def trained_place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("two-trained"), trained=True)


def two_at_once(place: Place, name: str, verb) -> None:
    wanted = place.whole(name, verb)
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ALIKE)
def test_two_processes_never_mix_their_results(name, trained_place):
    two_at_once(trained_place, name, VERBS[name])


def test_two_evaluations_never_mix_their_results(place):
    [(name, verb)] = THIN.items()
    two_at_once(place, name, verb)
