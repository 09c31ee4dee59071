"""Scores of spotting, worked out by hand."""

import pytest

from merzoo.prediction import SpottingScores, spotting_scores


def test_an_interval_that_shares_half_of_the_union_is_a_hit():
    """0..9 and 5..9 share 5 of 10 frames; 0..9 and 6..9 share 4 of 10."""
    assert spotting_scores([(5, 9)], [(0, 9)]).true_positives == 1
    assert spotting_scores([(6, 9)], [(0, 9)]).true_positives == 0


def test_precision_recall_and_f1_of_three_found_of_four():
    """Two hits of three found and four true: 2/3, 1/2 and 4/7."""
    truth = [(0, 9), (100, 119), (200, 219), (300, 319)]
    scores = spotting_scores([(1, 10), (104, 119), (400, 410)], truth)
    assert scores == SpottingScores(true_positives=2, found=3, truth=4)
    assert scores.precision == pytest.approx(2 / 3) and scores.recall == pytest.approx(1 / 2)
    assert scores.f1 == pytest.approx(4 / 7)


def test_two_found_on_one_true_interval_count_once():
    scores = spotting_scores([(0, 9), (1, 10)], [(0, 9)])
    assert (scores.true_positives, scores.found) == (1, 2)


def test_the_larger_overlap_is_matched_first():
    """Taken in order, 2..11 would take 0..9 and leave 0..7 without a partner."""
    assert spotting_scores([(2, 11), (0, 7)], [(0, 9), (4, 13)]).true_positives == 2


def test_videos_are_added_before_the_scores_are_taken():
    both = spotting_scores([(0, 9)], [(0, 9)]) + spotting_scores([], [(0, 9), (20, 29)])
    assert both.f1 == pytest.approx(2 / 4)


def test_nothing_found_and_nothing_true_give_zero_and_no_error():
    assert spotting_scores([], []).f1 == 0.0
    assert spotting_scores([], [(0, 5)]).precision == 0.0
    assert spotting_scores([(0, 5)], []).recall == 0.0
