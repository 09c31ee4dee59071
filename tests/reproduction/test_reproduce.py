"""A paper's table beside ours: run, resumed, and written down."""

import json
from dataclasses import replace

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.metrics import METRICS, accuracy
from merzoo.preprocessing.arrays import Arrays
from merzoo.reproduction.figures import Figure, cost_line, cost_notes, figure_rows
from merzoo.reproduction.reproduce import reproduce
from merzoo.reproduction.sources import read_sources, samples_of, take
from merzoo.reproduction.tables import Column, Row, get_table
from merzoo.surroundings import processor
from tests.samples import flow_arrays


def test_a_slice_of_a_table_runs_resumes_and_is_written_down(tmp_path):
    options = {"quick": True, "rows": ["ststnet", "bi-woof"], "out": tmp_path}
    found = reproduce("dfrnet/table2", flow_arrays(), **options)
    line = found.lines[0]
    assert (line.row, line.part, line.n, line.subjects, line.seeds) == ("ststnet", "full", 20, 4, 1)
    assert line.figures["uf1"].paper == "0.7353"  # Table 2, STSTNet, Full
    low, high = line.figures["uf1"].interval
    assert 0 <= low <= line.figures["uf1"].ours <= high <= 1
    smic = found.lines[1]
    assert (smic.part, smic.paper_n, smic.n) == ("smic", 164, None)
    assert list(found.failed) == ["bi-woof/composite"]  # it takes another modality
    assert "is missing" in found.failed["bi-woof/composite"]
    assert any("stands in for" in note for note in found.notes)

    content = json.loads((tmp_path / "table.json").read_text())
    assert content["lines"][0]["figures"]["uf1"]["paper"] == "0.7353"
    text = (tmp_path / "table.md").read_text()
    assert "| STSTNet | test (stand-in) | 20 | 442 | 4 | 1 | 0.7353 |" in text
    page = (tmp_path / "table.html").read_text()
    assert "<svg" in page and 'src="' not in page and "Not run" in page

    columns, rows = figure_rows(found.lines)
    assert [row[:4] for row in rows] == [
        ["STSTNet", "test (stand-in)", "UF1", "0.7353"],
        ["STSTNet", "test (stand-in)", "UAR", "0.7605"],
    ]
    assert len(columns) == len(rows[0])

    times = {f: f.stat().st_mtime_ns for f in tmp_path.glob("ststnet/folds/*")}
    again = reproduce("dfrnet/table2", flow_arrays(), **options)
    assert {f: f.stat().st_mtime_ns for f in times} == times and times
    assert again.lines == found.lines


def test_runs_take_the_data_that_are_theirs(tmp_path):
    # Frames are no part of this data set: the protocol over frames cannot split it, and says so.
    pixels = np.zeros((12, 16, 16, 1), "float32")
    faces = Arrays(
        {"apex": pixels},
        np.arange(12) % 3,
        [f"s{i // 3}" for i in range(12)],
        ["faces"] * 12,
        [str(i) for i in range(12)],
        ("negative", "positive", "surprise"),
    )
    with pytest.raises(InputError, match="no row could be run"):
        reproduce("broadbentnet/table3", faces, quick=True, out=tmp_path)
    with pytest.raises(InputError, match="no data given: --data casme2:FOLDER"):
        reproduce("cvanet/table3", "smic:nowhere", out=tmp_path)
    with pytest.raises(InputError, match="Did you mean 'none'"):
        reproduce("dfrnet/table6", faces, rows=["non"])


def test_costs_stand_beside_the_papers():
    # Counted by hand in the specification: 456,359 trainable parameters, 1.417 G multiply-adds.
    table = get_table("dfrnet/table9")
    timeless = replace(table, columns=tuple(c for c in table.columns if c.metric != "inference"))
    row = replace(table.rows[0], figures=table.rows[0].figures[:3] + table.rows[0].figures[4:])
    line = cost_line(timeless, row)
    assert line.figures["parameters"].text() == "0.456"
    assert line.figures["multiply-adds"].text() == "1.417"
    assert "inference" not in line.figures and cost_notes(timeless) == []


def test_inference_is_measured_where_the_paper_prints_it():
    columns = (Column("inference", "ms"), Column("parameters", "million"))
    table = replace(get_table("dfrnet/table9"), columns=columns)
    row = Row("x", "X", "ststnet", {}, "ststnet", ("40.1", "0.456"))
    figure = cost_line(table, row).figures["inference"]
    assert 0 < figure.ours < 10_000 and figure.paper == "40.1"
    (note,) = cost_notes(table)
    assert processor() in note and "median" in note


def test_weighted_metrics_by_hand():
    matrix = np.array([[3, 1], [2, 4]])
    # class 0: P 3/5, R 3/4, F1 6/9; class 1: P 4/5, R 4/6, F1 8/11; sizes 4 and 6
    precision, recall, f1 = (METRICS[n].of_matrix(matrix) for n in ("precision", "recall", "f1"))
    assert precision == pytest.approx(0.4 * 0.6 + 0.6 * 0.8)
    assert recall == accuracy(matrix) == 0.7
    assert f1 == pytest.approx(0.4 * 6 / 9 + 0.6 * 8 / 11)
    percent = Figure("99.7", "%", 98.123, (97.0, 99.0))
    assert (percent.text(), percent.interval_text()) == ("98.1", "97.0-99.0")
    assert replace(percent, ours=None).text() == "-"


def test_command_line(capsys):
    assert main(["reproduce", "--list"]) == 0
    assert "keyregionnet/table5" in capsys.readouterr().out
    assert main(["reproduce", "--list", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["dfrnet/table6"]["rows"] == ["none", "sa", "ca", "all"]
    for words in (["reproduce"], ["reproduce", "dfrnet/table66", "--data", "synthetic:easy"]):
        assert main(words) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_arrays_of_the_real_sets_count_as_these_sets():
    run = get_table("dfrnet/table6").runs["composite"]  # smic, casme2, samm
    arrays = flow_arrays(datasets=("CASME2", "SAMM", "mine"))
    taken = take(read_sources(arrays), run)
    assert taken.own and taken.datasets == ("casme2", "samm") and taken.text == "test"
    assert taken.note == "The run composite lacks smic, which were not given."
    samples = samples_of(taken, quick=False, on_error="fail")
    assert set(samples.dataset) == {"CASME2", "SAMM"}  # the rest is no part of the run

    everything = flow_arrays(datasets=("CASME2", "SAMM", "SMIC"))
    taken = take(read_sources(everything), run)
    assert taken.own and not taken.note
    assert samples_of(taken, quick=False, on_error="fail") is everything

    # Of the three sets in one file, a run on CASME II takes its part; in five classes it cannot.
    casme2 = get_table("keyregionnet/table6").runs["casme2"]
    part = samples_of(take(read_sources(everything), casme2), quick=True, on_error="fail")
    assert set(part.dataset) == {"CASME2"}
    five = take(read_sources(everything), get_table("densemixednet/table7").runs["casme2"])
    assert not five.own and "different classes and must not be compared" in five.note


def test_arrays_of_other_sets_stand_in():
    run = get_table("dfrnet/table6").runs["composite"]
    taken = take(read_sources(flow_arrays()), run)
    assert not taken.own and taken.text == "test (stand-in)" and "stands in for" in taken.note
    assert take(read_sources("mmew:nowhere"), run).text == "mmew:nowhere (stand-in)"
    assert (
        take(read_sources("samm:nowhere"), get_table("densemixednet/table9").runs["smic"]) is None
    )


def test_figures_by_set_are_found_however_arrays_spell_it(tmp_path):
    arrays = flow_arrays(datasets=("CASME2", "SAMM", "SMIC"))
    found = reproduce("dfrnet/table2", arrays, quick=True, rows=["ststnet"], out=tmp_path)
    assert [(line.part, line.n) for line in found.lines] == [
        ("full", 30),
        ("smic", 10),
        ("casme2", 10),
        ("samm", 10),
    ]
    assert not any("stands in" in note or "lacks" in note for note in found.notes)
