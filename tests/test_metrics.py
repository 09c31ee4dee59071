"""Metrics against a hand-worked example and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from merzoo.evaluation.scores.bootstrap import subject_bootstrap, subject_matrices, summarise
from merzoo.metrics import accuracy, confusion_matrix, f1_per_class, uar, uf1


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
