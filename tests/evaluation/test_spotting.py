"""Spotting as a task: its definitions by hand, its honesty, and leaks that are planted in it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.data.long_videos import Disturbance, LongVideo
from merzoo.errors import InputError
from merzoo.evaluation import audit, compare, score
from merzoo.evaluation.splits.protocols import Fold
from merzoo.evaluation.spotting.evaluate import evaluate_spots
from merzoo.evaluation.spotting.foreign import score_intervals
from merzoo.evaluation.spotting.intervals import as_intervals
from merzoo.evaluation.spotting.leaks import settled_on, videos_as_rows
from merzoo.evaluation.spotting.scores import average_precision
from merzoo.prediction.spotting_scores import intersection_over_union, spotting_scores

RNG = np.random.default_rng(0)


def video(person, truth, found=(), number=1, frames=300):
    """A video of 10 s at 30 a second: `truth` is annotated, `found` is to be seen in its pictures,
    (onset, offset, kind, score) each: a corner that says the kind and how sure."""
    name = f"{person}/{number}"
    array = RNG.integers(0, 200, (frames, 8, 8, 1), dtype="uint8")
    for a, b, kind, sure in found:
        array[a : b + 1, 0, 0, 0] = MARK[kind]
        array[a : b + 1, 0, 1, 0] = round(100 * sure)
    held = ArrayFrames(array, name)
    clips = tuple(
        Clip("d", f"d/{person}", f"{name}/{a}", held, label="x", onset=a, offset=b, split=kind)
        for a, b, kind in truth
    )
    others = (Disturbance("blink", 200, 208),)
    return LongVideo("d", f"d/{person}", name, held, 30.0, clips, others)


MARK = {"micro": 250, "macro": 251}
VIDEOS = [
    video(
        "s1",
        [(10, 19, "micro"), (50, 89, "macro"), (120, 131, "micro")],
        [(12, 21, "micro", 0.9), (52, 91, "macro", 0.8), (202, 211, "micro", 0.3)],
    ),
    video(
        "s2",
        [(30, 39, "micro"), (100, 149, "macro")],
        [(30, 49, "micro", 0.7), (160, 199, "macro", 0.6)],
    ),
    video("s3", [(70, 79, "micro"), (250, 261, "micro")], [(40, 49, "micro", 0.5)]),
]


def marked(video):
    """What the corners of a video's pictures say."""
    corner = video.frames[:][:, 0, :2, 0]  # (T, 2)
    found = []
    for kind, mark in MARK.items():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], corner[:, 0] == mark, [0]])))
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            found.append((a, b - 1, kind, corner[a, 1] / 100))
    return found


def test_intersection_over_union_counts_both_ends():
    assert intersection_over_union((10, 19), (10, 19)) == 1
    assert intersection_over_union((10, 19), (15, 24)) == 5 / 15
    assert intersection_over_union((10, 19), (20, 29)) == 0
    assert intersection_over_union((30, 49), (30, 39)) == 0.5  # a hit: at least half


def test_one_true_interval_is_hit_once():
    """Two found intervals over one true one: one hit, one false alarm (precision 1/2, recall 1)."""
    scores = spotting_scores([(10, 19), (11, 20)], [(10, 19)])
    assert (scores.true_positives, scores.precision, scores.recall) == (1, 0.5, 1.0)
    assert scores.f1 == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_f1_is_pooled_over_videos(tmp_path):
    """Micro: hits in s1 (8 of 12 frames) and s2 (10 of 20), of 4 found and 5 true: F1 4 / 9, not
    the mean of the videos' 0.5, 1 and 0. Macro: 1 hit of 2 found and 2 true. Together 3 of 6, 7."""
    result = evaluate_spots(marked, VIDEOS, out=tmp_path / "run")
    full = result.metrics["full"]
    assert full["micro"]["f1"] == pytest.approx(2 * 2 / (4 + 5))
    assert full["macro"]["f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert result.f1 == full["overall"]["f1"] == pytest.approx(2 * 3 / (6 + 7))
    assert (full["micro"]["precision"], full["micro"]["recall"]) == (0.5, 0.4)
    assert full["micro"]["false_alarms_per_minute"] == pytest.approx(2 / 0.5)  # three times 10 s
    late = full["micro"]["onset_error_ms"]  # 2 frames and none
    assert late == {"mean": pytest.approx(1000 / 30), "median_absolute": pytest.approx(1000 / 30)}
    assert result.metrics["false_alarms_in"] == {"blink": 1, "nothing known": 2}
    assert 0 <= full["micro"]["floor"]["f1"] < full["micro"]["f1"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("<svg") == 3 and "blink" in page


def test_average_precision_by_hand():
    """Ranked: hit, miss, hit, of three true: (1/1 + 2/3 + 0) / 3; a second hit counts as a miss."""
    found = {"a": [(0, 9, 0.9), (1, 10, 0.8)], "b": [(5, 14, 0.7)]}
    truth = {"a": [(0, 9), (100, 109)], "b": [(5, 14)]}
    assert average_precision(found, truth, total=3) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(found, {}, total=0) is None


def test_scores_that_are_not_said_have_no_average_precision():
    result = evaluate_spots(lambda video: [(0, 9)], VIDEOS)
    assert result.metrics["full"]["micro"]["ap"] is None
    assert result.metrics["full"]["macro"]["f1"] == 0


def test_a_spotter_never_sees_the_truth():
    seen = []

    def curious(video):
        seen.append((video.expressions, video.disturbances, video.intervals(None)))
        return []

    evaluate_spots(curious, VIDEOS)
    assert seen == [((), (), [])] * 3


@pytest.mark.parametrize(
    "found",
    [
        7,
        [(5,)],
        [(9, 3)],
        [(0, 300)],
        [(0.5, 3)],
        [(1, 2, "tiny")],
        [(1, 2, "micro", float("nan"))],
    ],
)
def test_what_is_no_interval_is_refused_in_one_line(found):
    with pytest.raises(InputError) as told:
        as_intervals(found, 300, "mine on s1/1")
    assert "mine on s1/1" in str(told.value) and "\n" not in str(told.value)


KNOWN = [(10, 19), (50, 89), (120, 131)]  # the truth of s1


def knows_the_truth(video):
    return [(a, b) for a, b in KNOWN if b < len(video.frames)]


def test_a_test_videos_intervals_in_the_spotter_stop_the_run(tmp_path):
    with pytest.raises(InputError, match="holds the true intervals of 1 videos that"):
        evaluate_spots(knows_the_truth, VIDEOS)
    (found,) = audit(VIDEOS, knows_the_truth, task="spot")
    assert (found.kind, found.severity) == ("intervals of test videos", "error")
    result = evaluate_spots(knows_the_truth, VIDEOS, allow_leaks=True)
    assert any("LEAK" in warning for warning in result.warnings)


def test_a_test_videos_intervals_in_a_file_that_the_spotter_names(tmp_path):
    table = tmp_path / "known.csv"
    rows = "".join(f"s1,{a},{(a + b) // 2},{b}\n" for a, b in KNOWN)
    table.write_text("who,onset,apex,offset\n" + rows)

    def reads(video, where=str(table)):
        return []

    assert [f.kind for f in audit(VIDEOS, reads, task="spot")] == ["intervals of test videos"]


class ChosenOnAll:
    """A spotter whose threshold was chosen on everybody, as it says itself."""

    name, origin, deterministic, motion = "chosen on all", None, True, False

    def windows(self):
        return {}

    def settle(self, watched, truth, seed, fold):
        return self

    def spot(self, watched):
        return as_intervals(marked(watched.video), 300, self.name)

    def facts(self):
        people = ["d/s1", "d/s2", "d/s3"]
        one = {"threshold": 0.5, "smoothing": 1.0, "f1": 1.0, "people": people}
        return {"micro": one}


def test_thresholds_chosen_on_test_people_are_caught():
    with pytest.raises(InputError, match="micro, fold d/s1: its threshold was chosen on 1 subject"):
        evaluate_spots(ChosenOnAll(), VIDEOS)
    marked.chosen_on = ("d/s2",)
    try:
        (found,) = audit(VIDEOS, marked, task="spot")
    finally:
        del marked.chosen_on
    assert found.kind == "settings chosen on test subjects" and found.samples == ("d/s2/1",)
    rows = videos_as_rows(VIDEOS)
    folds = [Fold("d/s1", np.array([1, 2]), np.array([0]))]
    honest = {"seed0/d/s1": {"micro": {"people": ["d/s2", "d/s3"]}}}
    assert settled_on(honest, rows, folds) == []


def test_one_persons_videos_on_both_sides_are_caught(tmp_path):
    both = [*VIDEOS, video("s1", [(40, 49, "micro")], number=2)]
    split = tmp_path / "split.json"
    sides = {"train": ["d/s2/1", "d/s1/2"], "test": ["d/s1/1"]}
    split.write_text(json.dumps({"folds": {"by video": sides}}))
    (found,) = audit(both, marked, task="spot", split=split)
    assert (found.kind, found.severity) == ("subject on both sides", "error")
    again = replace(VIDEOS[0], subject="d/s9", id="s9/1")
    (found,) = audit([*VIDEOS, again], marked, task="spot")
    assert (found.kind, found.severity) == ("identical samples", "error")
    assert audit(both, marked, task="spot") == []  # loso keeps both videos on one side


def test_runs_are_compared_on_the_same_videos(tmp_path):
    runs = [tmp_path / name for name in ("one", "two", "other")]
    evaluate_spots(marked, VIDEOS, out=runs[0])
    evaluate_spots(lambda video: marked(video)[:1], VIDEOS, out=runs[1])
    evaluate_spots(marked, VIDEOS[:2], out=runs[2])
    found = compare(runs[:2], out=tmp_path / "both")
    micro = found["comparisons"][0]["micro"]
    assert micro["difference"] == pytest.approx(2 * 2 / (3 + 5) - 4 / 9)
    assert (tmp_path / "both" / "comparison.html").is_file()
    with pytest.raises(InputError, match="judged on different videos"):
        compare([runs[0], runs[2]])


def test_anybodys_list_is_scored_as_our_own(tmp_path):
    ours = evaluate_spots(marked, VIDEOS, out=tmp_path / "run")
    theirs = tmp_path / "theirs.csv"
    rows = [f"d,{v.id[:2]},{v.id},{a},{b},{k},{s}" for v in VIDEOS for a, b, k, s in marked(v)]
    theirs.write_text("dataset,subject,video,onset,offset,kind,score\n" + "\n".join(rows) + "\n")
    result = score_intervals(theirs, tmp_path / "run")
    assert result.metrics["full"] == ours.metrics["full"]
    assert "come from elsewhere" in result.warnings[0]
    with pytest.raises(InputError, match="say what is true with --truth"):
        score(theirs)
    theirs.write_text("dataset,subject,video,onset,offset\nd,s1,s1/1,5,x\n")
    with pytest.raises(InputError, match="line 2: offset 'x' is no number"):
        score_intervals(theirs, tmp_path / "run")


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    asked = []

    def counted(video):
        asked.append(video.id)
        return marked(video)

    first = evaluate_spots(counted, VIDEOS, out=tmp_path / "run")
    for name in ("metrics.json", "intervals.csv", "folds/seed0-d_s2.json"):
        found = tmp_path / "run" / name
        if not found.exists():
            (found,) = (tmp_path / "run" / "folds").glob("*s2*")
        found.unlink()
    asked.clear()
    again = evaluate_spots(counted, VIDEOS, out=tmp_path / "run")
    assert asked == ["s2/1"] and again.metrics["full"] == first.metrics["full"]
