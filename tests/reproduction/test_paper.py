"""Whole papers: what they show beside their tables, and one page that leads to everything."""

import json
from dataclasses import replace

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.evaluation.evaluate import evaluate
from merzoo.preprocessing.arrays import Arrays
from merzoo.reproduction.contents import contents_of, counted, settings_beside
from merzoo.reproduction.drawings import DRAWINGS, Given
from merzoo.reproduction.figures import printed_lines
from merzoo.reproduction.how import How
from merzoo.reproduction.paper import reproduce_paper
from merzoo.reproduction.rows import Rows
from merzoo.reproduction.sources import Source, read_sources
from merzoo.reproduction.tables import get_table, list_papers, list_tables, row_recipe
from tests.samples import flow_arrays

# Read off the five papers: the numbers of their tables and figures.
SHOWN = {
    "broadbentnet": (4, 4),
    "cvanet": (7, 3),
    "densemixednet": (13, 8),
    "dfrnet": (9, 7),
    "keyregionnet": (6, 6),
}


@pytest.mark.parametrize("paper", SHOWN)
def test_every_table_and_figure_of_a_paper_has_its_place(paper):
    tables = [name.rpartition("/")[2] for name in list_tables() if name.startswith(f"{paper}/")]
    names = tables + [item.name for item in contents_of(paper)]
    count, figures = SHOWN[paper]
    expected = [f"table{i + 1}" for i in range(count)] + [f"figure{i + 1}" for i in range(figures)]
    assert sorted(names) == sorted(expected)
    for item in contents_of(paper):
        ways = (item.counts, item.settings, item.network, item.drawing, item.reason)
        assert any(ways), item.name
        assert not item.drawing or item.drawing in DRAWINGS
        assert not item.settings or settings_beside(item)[1]
    assert paper in list_papers()


def test_printed_counts_stand_beside_those_of_the_data():
    (item,) = [item for item in contents_of("dfrnet") if item.name == "table1"]
    data = flow_arrays(datasets=("SMIC", "SAMM"))
    columns, rows = counted(item, read_sources(data))
    assert columns == ["data set", "of", "paper", "ours"]
    found = {(where, what): (paper, ours) for where, what, paper, ours in rows}
    in_smic = np.asarray(data.dataset) == "SMIC"
    assert found["smic", "samples"] == ("164", str(in_smic.sum()))
    assert found["smic", "subjects"][1] == str(len(set(np.asarray(data.subject)[in_smic])))
    assert found["casme2", "negative"] == ("88", "-")  # not given


def test_a_row_that_is_not_run_shows_the_papers_figures_and_why():
    table = get_table("densemixednet/table6")
    lines = printed_lines(table, table.row("ice-gan"))
    assert [line.part for line in lines] == ["casme2", "samm", "smic"]
    assert lines[1].figures["uf1"].paper == "0.8550" and lines[1].figures["uf1"].ours is None
    assert table.row("ice-gan") in table.thin() and table.row("ststnet") not in table.thin()
    with pytest.raises(InputError, match="ICE-GAN is not in the zoo: A generator"):
        row_recipe("densemixednet/table6/ice-gan")


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(3)
    still = rng.uniform(60, 190, (72, 60, 3))
    bump = np.exp(-(((np.mgrid[:72, :60][0] - 40) / 6) ** 2))[..., None]
    frames = [still + 25 * bump * np.sin(np.pi * t / 19) for t in range(20)]
    stack = ArrayFrames(np.clip(frames, 0, 255).astype("uint8"))
    return [Clip("casme2", "casme2/s1", "a", stack, "disgust", 100, 0, 10, 19)]


@pytest.mark.parametrize(
    "name, arguments, shows",
    [
        ("magnification", {"recipe": "densemixednet"}, "frequency, Hz"),
        ("apex_curve", {"method": "pixel_ratio"}, "annotated: frame 10"),
        ("key_regions", {}, "10 regions"),
    ],
)
def test_figures_of_faces_are_drawn_from_a_clip(clips, name, arguments, shows):
    rows = Rows([Source("casme2", "casme2:x", clips)], How(parameters={"detector": "none"}))
    text = DRAWINGS[name](Given(rows, {}), **arguments)
    assert text.startswith("<svg") and shows in text
    arrays = Given(Rows(read_sources(flow_arrays())), {})
    with pytest.raises(InputError, match="arrays hold no frames"):
        DRAWINGS[name](arrays, **arguments)


def test_a_figure_of_a_run_that_was_not_made_says_so():
    with pytest.raises(InputError, match="table3/broadbent/kfold, which was not run"):
        DRAWINGS["roc"](Given(Rows([]), {}), run="table3/broadbent/kfold")


def test_matrices_of_other_classes_stand_beside_and_what_was_not_run_is_left_out(tmp_path):
    runs = {}
    for name, classes in (("table7", ("no", "yes")), ("table8", ("no", "perhaps", "yes"))):
        data = flow_arrays()
        data = replace(data, label=data.label % len(classes), classes=classes)
        runs[f"{name}/ours/set"] = evaluate("flow-krr", data, out=tmp_path / name).folder
    given = Given(Rows([]), runs, {name: f"Ours: {name[:6]}" for name in runs})
    text = DRAWINGS["confusion"](given, runs=["table7/ours", "table8/ours", "table9/ours"])
    assert text.count("<svg") == 2 and "Ours: table8" in text and "perhaps" in text
    with pytest.raises(InputError, match="table9/ours, which was not run"):
        DRAWINGS["confusion"](given, runs=["table9/ours"])


def test_bad_papers_and_data_are_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'cvanet'"):
        reproduce_paper("cvnet", flow_arrays(), out=tmp_path / "a")
    with pytest.raises(InputError, match="no row could be run: no data given"):
        reproduce_paper("cvanet", "smic:nowhere", quick=True, out=tmp_path / "b")
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


@pytest.mark.slow
def test_one_page_leads_to_everything(tmp_path):
    rng = np.random.default_rng(0)
    label = np.arange(24) % 3
    sides = {"apex": (32, 32, 3), "difference": (32, 32, 3), "flow": (32, 32, 3)}
    inputs = {
        name: rng.uniform(0, 9, (24, *shape)).astype("float32") for name, shape in sides.items()
    }
    data = Arrays(
        inputs,
        label,
        [f"s{i // 6}" for i in range(24)],
        ["mine"] * 24,
        [str(i) for i in range(24)],
        ("negative", "positive", "surprise"),
    )
    options = {"quick": True, "epochs": 1, "out": tmp_path}
    found = reproduce_paper("dfrnet", data, **options)
    content = json.loads((tmp_path / "paper.json").read_text())
    assert [one["name"] for one in content["contents"]][:2] == ["table1", "table2"]
    page = (tmp_path / "paper.html").read_text()
    for one in found.shown:
        assert f'id="{one.name}"' in page
        if one.link:
            assert (tmp_path / one.link).exists()
    # The network as proposed stands in several tables and was trained once.
    runs = {line.report for table in found.tables for line in table.lines if line.report}
    shared = [t for t in found.tables for line in t.lines if line.report.startswith("../")]
    page = (tmp_path / "table2" / "table.html").read_text()
    assert "../paper.html#figure6" in page and "Training of the paper's own row" in page
    assert shared and len(runs) < sum(1 for t in found.tables for li in t.lines if li.report)
