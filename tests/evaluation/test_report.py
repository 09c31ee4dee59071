"""The report: made again from files alone, what it shows, and its tables for papers."""

import json
import shutil

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.evaluation import evaluate
from merzoo.evaluation.pages.hardest_clips import draw_sample, hardest_clips
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.scores.calibration import (
    FALSE_POSITIVE_RATES,
    expected_calibration_error,
    reliability,
    roc_auc,
    roc_curve,
)
from tests.samples import flow_arrays


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evaluate("flow-krr", flow_arrays(), out=tmp_path_factory.mktemp("run") / "krr")


def test_the_page_is_made_again_from_the_folder_alone(run, capsys):
    page = run.folder / "report.html"
    first = page.read_text()
    page.unlink()
    assert main(["report", str(run.folder)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_text() == first
    for heading in ("By class", "Probabilities", "Hardest clips", "Subjects", "Confusion"):
        assert heading in first
    assert first.count('src="data:image/png') == 12 and 'src="http' not in first
    assert main(["report", str(run.folder), "--no-pictures"]) == 0
    assert "data:image/png" not in page.read_text()
    names = {file.name for file in (run.folder / "plots").iterdir()}
    drawn = ("roc", "calibration", "confusion", "subjects")
    assert names == {f"{name}.{kind}" for name in drawn for kind in ("png", "pdf")}


@pytest.mark.parametrize("lacking", [("ece",), ("roc_auc",), ("ece", "roc_auc")])
def test_a_run_of_before_there_was_a_metric_is_read_with_it(run, lacking, tmp_path):
    older = tmp_path / "older"
    (older / "folds").mkdir(parents=True)
    for name in ("protocol.json", "predictions.csv"):
        shutil.copy(run.folder / name, older)
    metrics = {name: value for name, value in run.metrics.items() if name not in lacking}
    (older / "metrics.json").write_text(json.dumps(metrics))
    assert read_run(older).metrics == json.loads(json.dumps(run.metrics))


def test_tables_for_papers(run, capsys):
    assert main(["report", str(run.folder), "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| data | UF1 | 95 % |")
    assert lines[2].startswith(f"| all | {run.uf1:.3f} |")
    assert main(["report", str(run.folder), "--format", "latex"]) == 0
    text = capsys.readouterr().out
    assert text.count(r"\begin{table}") == 2 and r"95 \%" in text and "--" in text


def test_bad_folders_and_formats(run, tmp_path, capsys):
    for words, says in (
        ([str(tmp_path / "none")], "no such folder"),
        ([str(tmp_path)], "holds no protocol.json"),
        ([str(run.folder), "--format", "word"], "Unknown format 'word'"),
    ):
        assert main(["report", *words]) == 2
        error = capsys.readouterr().err
        assert says in error and len(error.strip().splitlines()) == 1


def test_hardest_clips_are_those_with_least_probability_for_the_truth(run):
    classes = run.metrics["classes"]
    table = run.predictions
    given = [table[f"p_{label}"][i] for i, label in enumerate(table["label"])]
    found = hardest_clips(table, classes, 5)
    assert [clip["probability"] for clip in found] == sorted(given)[:5]
    no_probabilities = table.drop(columns=[f"p_{name}" for name in classes])
    assert hardest_clips(no_probabilities, classes) == []


@pytest.mark.parametrize(
    ("modalities", "width"),
    [
        ({"apex": (64, 64, 1)}, 112),
        ({"apex": (224, 112, 3), "onset": (224, 112, 3)}, 112),
        ({"sequence": (8, 32, 32, 1)}, 336),
        ({"flow_image": (28, 28, 3)}, 336),
        ({"difference": (28, 28, 1)}, 112),
        ({"action_units": (21,)}, None),
    ],
)
def test_pictures_of_what_is_at_hand(modalities, width):
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(0, 255, (2, *shape)) for name, shape in modalities.items()}
    picture = draw_sample(arrays, 1)
    if width is None:
        assert picture is None
    else:
        assert picture.shape == (112, width, 3) and picture.dtype == "uint8"


def test_calibration_worked_by_hand():
    """Four predictions at .95, three right; two at .55, both wrong: (4 * .2 + 2 * .55) / 6."""
    p = [[0.95, 0.05]] * 4 + [[0.45, 0.55]] * 2
    label = [0, 0, 0, 1, 0, 0]
    assert expected_calibration_error(label, [p]) == pytest.approx((4 * 0.2 + 2 * 0.55) / 6)
    bins = reliability(label, [p])
    assert bins["share"].tolist() == [0, 0, 0, 0, 0, 2 / 6, 0, 0, 0, 4 / 6]
    assert bins["accuracy"][9] == 0.75 and bins["accuracy"][5] == 0


def test_roc_curve_has_the_area_that_is_printed():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 400)
    p = rng.dirichlet([1, 1, 1], 400) + np.eye(3)[label] * 0.3
    p = (p / p.sum(1, keepdims=True))[None]
    area = np.trapezoid(roc_curve(label, p, 1), FALSE_POSITIVE_RATES)
    assert area == pytest.approx(roc_auc(label, p)[1], abs=0.005)
    assert roc_auc([0, 0], [[[1.0, 0.0], [0.5, 0.5]]]) == [None, None]
