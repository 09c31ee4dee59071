"""The checklists of CONTRIBUTING.md name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:merzoo|tests|tools)/[\w./<>-]*)`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_a_file_of_a_checklist_is_there(path):
    """Of a file that is to be written, the folder."""
    known = path.partition("<")[0]
    assert (ROOT / known).exists(), path


def test_the_checklists_are_those_of_the_things_that_are_added():
    headings = re.findall(r"^## (.*)$", TEXT, flags=re.M)
    assert {"A network", "A dataset", "A verb", "An export format", "A modality"} <= set(headings)
