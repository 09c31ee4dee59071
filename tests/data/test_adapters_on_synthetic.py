"""The adapters on synthetic trees: right counts, each planted fault found, none on a clean tree."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from merzoo.data.checks import check as check_copy
from merzoo.data.datasets import LONG, load_long, load_named, parse_data

pytest.importorskip("merzoo.data.synthetic.forms.casme2")
from merzoo.data.synthetic import synthesize

# The adapter that reads a form, and how its faults are called where the planter has another word.
ADAPTERS = {
    "native": "manifest",
    "casme2": "casme2",
    "samm": "samm",
    "samm_lv": "samm_lv",
    "smic": "smic",
    "dfme": "dfme",
    "casme_sq": "casme_sq?split=all",
    "casme3": "casme3",
    "casme3_c": "casme3?part=c",
    "4dme": "4dme",
    "mmew": "mmew",
    "ck_plus": "ck_plus",
    "raf_db": "raf_db",
    "fer2013": "fer2013",
}
KINDS = {
    "missing frame": "missing frames",
    "no frames": "missing frames",
    "label spelt otherwise": "two spellings of a label",
    "unreadable line": "unreadable row",
    "unknown usage": "unknown split",
}
# What is read as it should be, without a word.
SILENT = (
    *("stray file", "blanks around a cell", "units spelt otherwise"),
    *("apex 0", "folder of another person", "clip spelt otherwise", "dropped frame"),
    "several emotions",
    "others called repression",
)
# Their quirks are the published annotation's own, and no fault of a copy.
AS_PUBLISHED = ("dfme", "casme_sq", "casme3", "samm_lv", "4dme", "mmew")
SUBJECTS, CLIPS = 4, 5


# A macro-expression form draws a new face for every image, which takes longer.
SLOW = ("ck_plus", "raf_db", "fer2013")
FORMS = [pytest.param(f, marks=[pytest.mark.slow] if f in SLOW else []) for f in ADAPTERS]


@pytest.fixture(scope="module", params=FORMS)
def trees(request, tmp_path_factory):
    """(adapter, clean tree, tree with planted faults, the faults)."""
    folder = tmp_path_factory.mktemp(request.param)
    common = {"subjects": SUBJECTS, "clips": CLIPS, "form": request.param, "size": (48, 48)}
    common |= {"seed": 3, "jobs": 1}
    if request.param not in SLOW:
        common["fps"] = 50
    clean = synthesize(folder / "clean", **common)
    faulty = synthesize(folder / "faulty", quirks=True, **common)
    planted = json.loads((folder / "faulty.quirks.json").read_text())
    return ADAPTERS[request.param], clean, faulty, planted


def load(named, root):
    kind, _, query = named.partition("?")
    return load_named(f"{kind}:{root}" + (f"?{query}" if query else ""))


def check(named, root):
    source = parse_data(named.replace("?", f":{root}?") if "?" in named else f"{named}:{root}")
    options = {name: value for name, value in source.options.items() if name != "split"}
    return check_copy(source.kind, root, **options)


def test_a_clean_tree_loads_whole(trees):
    kind, clean, _, _ = trees
    clips = load(kind, clean)
    assert len(clips) == SUBJECTS * CLIPS
    if kind not in ("raf_db", "fer2013"):
        assert Counter(Counter(clip.subject for clip in clips).values()) == {CLIPS: SUBJECTS}
    report = check(kind, clean)
    assert (report.faults, report.differences) == ([], [])


def test_every_planted_fault_is_found_at_its_place(trees):
    kind, _, faulty, planted = trees
    found = check(kind, faulty).faults
    for fault in planted:
        if fault["fault"] in SILENT:
            assert not any(fault["where"] in str(f) for f in found)
            continue
        wanted = KINDS.get(fault["fault"], fault["fault"])
        assert any(f.kind == wanted for f in found), fault
        assert any(f.kind == wanted and _names(f, fault) for f in found), (fault, found)


def test_quirks_that_are_published_so_leave_nothing_to_mend(trees):
    kind, _, faulty, planted = trees
    if kind.partition("?")[0] in AS_PUBLISHED:
        assert len(planted) >= 3
        assert len(load(kind, faulty)) == SUBJECTS * CLIPS
        assert check(kind, faulty).open_faults() == []


def test_long_recordings_hold_the_true_intervals(trees):
    kind, clean, _, _ = trees
    if kind.partition("?")[0] in LONG and kind != "casme3?part=c":
        videos = load_long(kind.partition("?")[0], clean)
        assert len(videos) == SUBJECTS * CLIPS
        truth = [np.load(path) for path in clean.with_name("clean.truth").glob("s*/c*.npz")]
        wanted = sorted((int(one["onset"]), int(one["offset"])) for one in truth)
        assert sorted(i for video in videos for i in video.intervals(None)) == wanted


def _names(found, planted) -> bool:
    """Whether a fault names the row, the folder or the file of a planted one."""
    row = re.search(r"(?:row|line) (\d+)", planted["where"])
    if row:
        return f"row {row[1]}" in found.where
    row = re.search(r"(?:row|line) (\d+)", planted["detail"])
    if row:
        return found.where.endswith(f"row {row[1]}")
    parts = planted["where"].split("/")
    text = f"{found.where} {found.message} {found.clip}"
    digits = re.search(r"(\d+)\D*$", parts[-1])
    folder, number = parts[-2], digits and int(digits[1])
    return parts[-1] in text or folder in text or (number is not None and str(number) in text)
