"""Metrics against hand-worked examples and scikit-learn, and a row more in their table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import (
    cohen_kappa_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
)

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import compare, evaluate, score
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.scores.bootstrap import subject_bootstrap, subject_matrices, summarise
from merzoo.evaluation.scores.paired_tests import difference_intervals, swap_test
from merzoo.metrics import (
    METRICS,
    UF1,
    Metric,
    accuracy,
    compared,
    confusion_matrix,
    f1_per_class,
    headline,
    precision_per_class,
    register_metric,
    registered,
    uar,
    uf1,
)
from merzoo.reproduction.tables import get_table, list_tables
from tests.samples import flow_arrays

WEIGHTED_F1 = replace(METRICS["f1"], name="weighted_f1", label="weighted F1", headline=True)


def kappa(matrix):
    """Cohen's kappa of (..., K, K) matrices, -1..1: a metric that can be below zero."""
    matrix = np.asarray(matrix, float)
    n = matrix.sum((-2, -1))
    by_chance = (matrix.sum(-1) * matrix.sum(-2)).sum(-1) / n**2
    return (np.trace(matrix, axis1=-2, axis2=-1) / n - by_chance) / (1 - by_chance)


KAPPA = Metric("kappa", "kappa", kappa, lowest=-1)


def test_twelve_clips_worked_by_hand():
    label = [0] * 6 + [1] * 4 + [2] * 2
    predicted = [0, 0, 0, 0, 1, 2, 1, 1, 0, 0, 2, 0]
    matrix = confusion_matrix(label, predicted, 3)
    assert matrix.tolist() == [[4, 1, 1], [2, 2, 0], [1, 0, 1]]
    # class 0: TP 4, FP 3, FN 2 -> 8/13; class 1: TP 2, FP 1, FN 2 -> 4/7; class 2: 1, 1, 1 -> 1/2
    np.testing.assert_allclose(f1_per_class(matrix), [8 / 13, 4 / 7, 1 / 2])
    assert uf1(matrix) == pytest.approx((8 / 13 + 4 / 7 + 1 / 2) / 3)
    assert uar(matrix) == pytest.approx((4 / 6 + 2 / 4 + 1 / 2) / 3)
    assert accuracy(matrix) == pytest.approx(7 / 12)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_also_when_classes_are_missing(seed):
    rng = np.random.default_rng(seed)
    label, predicted = rng.integers(0, 3 - seed % 2, 50), rng.integers(0, 4 - seed % 3, 50)
    matrix = confusion_matrix(label, predicted, 4)
    options = {"labels": range(4), "average": "macro", "zero_division": 0}
    assert uf1(matrix) == pytest.approx(f1_score(label, predicted, **options), abs=1e-12)
    assert uar(matrix) == pytest.approx(recall_score(label, predicted, **options), abs=1e-12)


def test_floor_of_the_megc_composite():
    """All-negative on 250/109/83: UF1 .241, UAR .333, accuracy .566."""
    matrix = np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])
    assert [round(float(f(matrix)), 3) for f in (uf1, uar, accuracy)] == [0.241, 0.333, 0.566]
    floors = [metric.floor([250, 109, 83]) for metric in headline()]
    assert [round(floor, 3) for floor in floors] == [0.241, 0.333, 0.566]
    assert METRICS["loss"].floor([250, 109, 83]) is None


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("precision", precision_score),
        ("recall", recall_score),
        ("f1", f1_score),
    ],
)
def test_metrics_of_papers_are_weighted_by_class_size(name, function):
    rng = np.random.default_rng(0)
    label, predicted = rng.integers(0, 3, 80), rng.integers(0, 3, 80)
    expected = function(label, predicted, average="weighted")
    found = METRICS[name].of_matrix(confusion_matrix(label, predicted, 3))
    assert found == pytest.approx(expected, abs=1e-12)


def test_uar_is_not_macro_precision():
    rng = np.random.default_rng(0)
    label, predicted = np.sort(rng.integers(0, 3, 80)), rng.choice(3, 80, p=[0.7, 0.2, 0.1])
    matrix = confusion_matrix(label, predicted, 3)
    precision = precision_score(label, predicted, average="macro")
    assert precision_per_class(matrix).mean() == pytest.approx(precision, abs=1e-12)
    assert uar(confusion_matrix(predicted, label, 3)) == pytest.approx(precision, abs=1e-12)
    assert abs(uar(matrix) - precision) > 0.01


def test_loss_is_the_cross_entropy_of_scikit_learn():
    rng = np.random.default_rng(0)
    label, p = rng.integers(0, 3, 40), rng.dirichlet([1, 1, 1], (2, 40))
    loss = METRICS["loss"]
    expected = [log_loss(label, run, labels=[0, 1, 2]) for run in p]
    np.testing.assert_allclose(loss.of_probabilities(label, p), expected)
    assert loss.best(expected) == int(np.argmin(expected)) and not loss.larger_is_better


def test_the_papers_tables_use_metrics_of_the_table():
    costs = {"parameters", "multiply-adds", "inference"}
    used = {column.metric for name in list_tables() for column in get_table(name).columns}
    assert used - costs <= METRICS.keys() and {"uf1", "precision", "loss"} <= used


def test_interval_covers_the_score_and_is_stratified_by_dataset():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    predicted = np.where(rng.random(300) < 0.7, label, rng.integers(0, 3, 300))
    subject = np.array([f"{'ab'[i % 2]}/s{i % 30}" for i in range(300)])
    found = summarise(label, subject, [predicted], 3)
    low, high = found["interval"]["uf1"]
    assert low < found["uf1"] < high
    assert found["subjects"] == 30 and sum(found["n_per_class"]) == 300

    # One subject a dataset: every draw is the data itself, so the interval has no width.
    alone = np.array([f"{'ab'[i % 2]}/s" for i in range(300)])
    low, high = subject_bootstrap([subject_matrices(label, predicted, alone, 3)])["uf1"]
    assert low == high == pytest.approx(found["uf1"])


def test_one_row_more_stands_everywhere(tmp_path, capsys):
    """Weighted F1 in the files, both pages, both terminal tables, and a run made before it."""
    data = tmp_path / "flow.npz"
    flow_arrays().save(data)
    words = ["evaluate", "flow-krr", "--data", f"arrays:{data}", "--out"]
    assert main([*words, str(tmp_path / "before")]) == 0
    assert "weighted F1" not in capsys.readouterr().out
    before = json.loads((tmp_path / "before" / "metrics.json").read_text())
    with registered(WEIGHTED_F1):
        assert main([*words, str(tmp_path / "run")]) == 0
        assert "weighted F1" in capsys.readouterr().out
        metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
        run = read_run(tmp_path / "run").predictions
        expected = f1_score(run["label"], run["predicted"], average="weighted")
        for part in (metrics["full"], metrics["full"]["per_seed"][0]):
            assert part["weighted_f1"] == pytest.approx(expected, abs=1e-12)
        low, high = metrics["full"]["interval"]["weighted_f1"]
        assert low <= expected <= high and "weighted_f1" in metrics["by_dataset"]["a"]
        same = [name for name in before["full"] if name not in ("per_seed", "interval")]
        assert all(metrics["full"][name] == before["full"][name] for name in same)
        page = (tmp_path / "run" / "report.html").read_text()
        assert page.count("eighted F1") == 2  # above, and by dataset

        assert main([*words, str(tmp_path / "run"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["full"]["weighted_f1"] == pytest.approx(expected)
        table = tmp_path / "run" / "predictions.csv"
        assert "weighted_f1" in score(table, out=tmp_path / "score").metrics["full"]
        assert main(["report", str(tmp_path / "before"), "--format", "markdown"]) == 0
        assert "| weighted F1 | 95 % |" in capsys.readouterr().out

        out = tmp_path / "compared"
        runs = [str(tmp_path / name) for name in ("before", "run")]
        assert main(["compare", *runs, "--permutations", "50", "--out", str(out)]) == 0
        assert capsys.readouterr().out.count("weighted F1") == 2  # of the runs, of the difference
        found = json.loads((out / "comparison.json").read_text())
        assert [run["weighted_f1"] for run in found["runs"]] == pytest.approx([expected] * 2)
        assert found["comparisons"][0]["weighted_f1"]["p_holm"] == 1.0  # the same run twice
        assert (out / "comparison.html").read_text().count("weighted F1") == 2
    assert "weighted F1" not in [metric.label for metric in headline()]
    assert read_run(tmp_path / "before").metrics == before


def test_a_metric_of_probabilities_stands_beside_the_others(tmp_path):
    """Loss as a headline: no interval, less is better, and "-" where there are no probabilities."""
    row = replace(METRICS["loss"], name="cross_entropy", label="cross-entropy", headline=True)
    with registered(row):
        run = evaluate("flow-krr", flow_arrays(), seeds=2, out=tmp_path / "run")
        for part, rows in (
            ("full", slice(None)),
            ("by_dataset", run.predictions["dataset"] == "a"),
        ):
            found = run.metrics[part]["a"] if part == "by_dataset" else run.metrics[part]
            table = run.predictions[rows]
            p = [row[f"p_{row['label']}"] for _, row in table.iterrows()]
            assert found["cross_entropy"] == pytest.approx(-np.log(p).mean())
            assert "cross_entropy" not in found["interval"]
        assert "ross-entropy (less is better)" in (tmp_path / "run" / "report.html").read_text()
        table = run.predictions[["seed", "dataset", "subject", "clip", "label", "predicted"]]
        table.to_csv(tmp_path / "bare.csv", index=False)
        assert score(tmp_path / "bare.csv").metrics["full"]["cross_entropy"] is None
        compare([tmp_path / "run", tmp_path / "bare.csv"], permutations=50, out=tmp_path / "pages")
        assert "<td>-</td>" in (tmp_path / "pages" / "comparison.html").read_text()


def test_a_range_from_minus_one_has_its_own_intervals():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    predicted = np.where(rng.random(300) < 0.15, label, rng.integers(0, 3, 300))
    subject = np.array([f"a/s{i % 30}" for i in range(300)])
    counts = subject_matrices(label, predicted, subject, 3)
    low, high = subject_bootstrap([counts], metrics=[KAPPA])["kappa"]
    assert -1 < low < cohen_kappa_score(label, predicted) < high < 1
    stacked = np.stack(list(counts.values()))[None]
    with registered(KAPPA):
        found = swap_test(stacked, stacked, permutations=50)["kappa"]
        assert found == {"difference": 0.0, "p": 1.0}
        ends = difference_intervals(stacked, stacked.swapaxes(2, 3), list(counts))
        assert ends.keys() == {"uf1", "uar", "kappa"} and ends["kappa"][2] < 1e-12  # symmetric


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (lambda: Metric("uf1", "other", uf1), "the name 'uf1' is taken by uf1"),
        (lambda: Metric("other", "UAR", uar), "the label 'UAR' is taken by uar"),
        (lambda: Metric("interval", "width", uar), "isn't a field of metrics.json"),
        (lambda: Metric("weighted F1", "weighted F1", uar), "take one like 'weighted_f1'"),
        (lambda: Metric("other", "other"), "either of_matrix or of_probabilities"),
        (lambda: replace(METRICS["loss"], compared=True), "say compared=False"),
        (lambda: Metric("first", "first", lambda m: m[0, 0]), "isn't a field"),
        (lambda: Metric("corner", "corner", lambda m: m[0, 0]), r"gives shape \(3,\)"),
    ],
)
def test_a_row_that_cannot_be_is_refused(row, says):
    before = dict(METRICS)
    with pytest.raises(InputError, match=says) as error:
        register_metric(row())
    assert "\n" not in str(error.value) and before == METRICS


def test_headline_and_compared_metrics():
    assert [metric.name for metric in headline()] == ["uf1", "uar", "accuracy"]
    assert [metric.name for metric in compared()] == ["uf1", "uar"] and compared()[0] is UF1
