"""Spotters that look: the motion spotter and networks, on textures that twitch at known times."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

import merzoo
from merzoo.cli import main
from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.spotting.evaluate import evaluate_spots
from merzoo.evaluation.spotting.features import FlowWindows, MotionWindows, watch
from merzoo.evaluation.spotting.foreign import score_intervals
from merzoo.evaluation.spotting.learnt import NetworkSpotter, _half_height, _labels, _samples
from merzoo.evaluation.spotting.movement import movement
from merzoo.evaluation.spotting.recognise import evaluate_recognised
from merzoo.evaluation.spotting.recognition import strs
from merzoo.evaluation.spotting.spotters import MOTION, MotionSpotter, resolve_spotter
from merzoo.evaluation.tasks import task_function
from merzoo.prediction.spotting_scores import SpottingScores
from merzoo.preprocessing.cache import Cache
from merzoo.training.learner import resolve
from tests.evaluation.test_spotting import marked
from tests.evaluation.test_spotting import video as marked_video

CROPS = {"detector": "none"}
SIDE, FRAMES, FPS = 64, 75, 25.0
EMOTIONS = ("happiness", "disgust", "surprise")


def twitching(person, twitches, emotion="happiness"):
    """A smooth texture whose lower left part moves by two pixels and back, `twitches` long each."""
    rng = np.random.default_rng(sum(map(ord, person)))
    still = cv2.GaussianBlur(rng.uniform(0, 255, (SIDE, SIDE)).astype("float32"), (0, 0), 2)
    still = cv2.normalize(still, None, 0, 255, cv2.NORM_MINMAX)
    y, x = np.mgrid[:SIDE, :SIDE].astype("float32")
    bump = np.exp(-((x - 22) ** 2 + (y - 46) ** 2) / (2 * 6**2)).astype("float32")
    level = np.zeros(FRAMES, "float32")
    for a, b in twitches:
        level[a : b + 1] = np.sin(np.linspace(0, np.pi, b - a + 1))
    frames = [cv2.remap(still, x - 2 * s * bump, y, cv2.INTER_CUBIC) for s in level]
    held = ArrayFrames(np.clip(frames, 0, 255).astype("uint8")[..., None], person)
    clips = tuple(
        Clip(
            "d",
            f"d/{person}",
            f"{person}/{a}",
            held,
            label=emotion,
            fps=FPS,
            onset=a,
            apex=(a + b) // 2,
            offset=b,
            split="micro",
        )
        for a, b in twitches
    )
    return LongVideo("d", f"d/{person}", f"{person}/film", held, FPS, clips)


@pytest.fixture(scope="module")
def videos():
    return [twitching(f"s{n}", [(15 + n, 23 + n), (48 - n, 56 - n)]) for n in range(4)]


@pytest.fixture(scope="module")
def watched(videos):
    windows = {"both": MotionWindows((9, 14, 2)), "micro": FlowWindows(0.2, (12, 12, 3))}
    return watch(videos, windows=windows, detector="none")


def test_what_spotters_see_has_no_truth_and_windows_know_their_frames(videos, watched):
    assert all(one.video.expressions == () for one in watched)
    centres, samples = watched[0].windows["both"].centres, watched[0].windows["both"].samples
    assert samples.shape == (FRAMES, 9, 14, 2) and centres.tolist() == list(range(FRAMES))
    np.testing.assert_allclose(np.median(samples, axis=1), 0, atol=1e-6)
    strongest = centres[np.abs(samples).max((1, 2, 3)).argmax()]
    assert any(a - 5 <= strongest <= b + 5 for a, b in videos[0].intervals())
    kept = [one.windows["micro"] for one in watched]  # all in one file
    assert all(one.shared is kept[0].shared and one.samples.base is not None for one in kept)
    assert [one.start for one in kept] == [(FRAMES - 5) * n for n in range(4)]
    centres, samples = kept[0].centres, kept[0].samples  # 5 frames on: the middle is 2 behind
    assert samples.shape == (FRAMES - 5, 12, 12, 3) and centres[0] == 2
    assert samples.min() == 0 and samples.max() == 255


def test_movement_is_measured_once_and_remembered_to_the_bit(tmp_path):
    video, store = twitching("s0", [(15, 23)]), Cache(tmp_path)
    first = movement(video, "none", store=store)
    kept = store.size()
    again = movement(replace(video, expressions=()), "none", store=store)  # its truth is no part
    assert store.size() == kept
    assert first.moves.dtype == again.moves.dtype
    np.testing.assert_array_equal(first.moves, again.moves)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert vars(first).keys() == vars(again).keys() and repr(first.faces) == repr(again.faces)
    assert (first.breaks, first.missing, first.fps) == (again.breaks, again.missing, again.fps)
    movement(replace(video, fps=50.0), "none", store=store)  # another rate is another movement
    assert store.size()[0] == kept[0] + 2


def test_the_motion_spotter_chooses_its_threshold_on_training_people_only(videos, watched):
    settled = MotionSpotter().settle(watched[1:], videos[1:], 0, "d/s0")
    choice = settled.facts()["micro"]
    assert choice["people"] == ("d/s1", "d/s2", "d/s3") and choice["f1"] == 1
    found = [one for one in settled.spot(watched[0]) if one.reported and one.kind == "micro"]
    assert len(found) == 2
    for one, (onset, _) in zip(found, videos[0].intervals(), strict=True):
        assert abs(one.onset - onset) <= 4


def test_labels_of_windows_are_those_of_the_papers(videos):
    softnet = NetworkSpotter(resolve("softnet"))
    micro, macro = softnet.nets()
    (a, b), _ = videos[0].intervals()
    centres = np.arange(FRAMES)
    reach = 5 // 2  # k = 0.2 s at 25 a second
    labels = _labels(micro, centres, videos[0])  # of an expression: one frame in common
    assert labels[: a - reach].sum() == 0 and labels[a - reach : b + reach + 1].all()
    assert _labels(macro, centres, videos[0]).sum() == 0
    (net,) = NetworkSpotter(resolve("abpn")).nets()
    labels = _labels(net, centres, videos[0])  # of the middle frame
    assert labels.sum() == sum(b - a + 1 for a, b in videos[0].intervals())
    assert _half_height(np.array([0.0, 0.1, 0.6, 0.9, 0.5, 0.1]), 3, 1) == (2, 4)


def test_a_learnt_spotter_chooses_on_people_whom_it_is_not_trained_on(videos, watched):
    arguments = {"frames": 9, "filters": 8}
    spotter = resolve_spotter("abpn", epochs=3, arguments=arguments)
    (net,) = spotter.nets()
    data = _samples(net, watched[:3], videos[:3])
    assert set(data.subject) == {"d/s0", "d/s1", "d/s2"} and data.known.counts()["micro"] == 6 * 9
    settled = spotter.settle(watched[:3], videos[:3], 0, "d/s3")
    (person,) = settled.facts()["micro"]["people"]
    assert person in ("d/s0", "d/s1", "d/s2")
    found = settled.spot(watched[3])
    assert all(0 <= one.onset <= one.offset < FRAMES and 0 <= one.score <= 1 for one in found)
    again = spotter.settle(watched[:3], videos[:3], 0, "d/s3").spot(watched[3])
    assert found == again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softnet", "abpn"])
def test_learnt_spotters_beat_chance_on_twitches(name, tmp_path):
    people = [twitching(f"s{n}", [(15 + n, 23 + n), (48 - n, 56 - n)]) for n in range(8)]
    result = evaluate_spots(name, people, epochs=15, parameters=CROPS, out=tmp_path, jobs=1)
    micro = result.metrics["full"]["micro"]
    assert micro["f1"] > micro["floor"]["f1_95th_percentile"]
    chosen = (tmp_path / "chosen.json").read_text()
    assert ('"people"' in chosen and "micro_loss" in chosen) or "both_loss" in chosen


def test_what_is_no_spotter_is_refused_in_one_line(videos):
    with pytest.raises(InputError, match="Did you mean 'softnet'"):
        resolve_spotter("softnt")
    with pytest.raises(InputError, match="as a spotter a network takes flow_image alone"):
        resolve_spotter("mmnet")
    with pytest.raises(InputError, match="spotter is not trained: leave out --epochs"):
        resolve_spotter("spotter", epochs=3)
    with pytest.raises(InputError, match="1 training people are too few for softnet, "):
        evaluate_spots("softnet", videos[:2])
    with pytest.raises(InputError, match="long videos are parted by subject"):
        evaluate_spots(marked, videos, protocol="kfold-clips:2")
    with pytest.raises(InputError, match="--apex: spotting has windows of its own"):
        evaluate_spots("spotter", videos, parameters={"apex": "flow"})


@pytest.mark.parametrize(
    ("name", "task", "function"),
    [
        (MOTION, "spot", "evaluate.evaluate_spots"),
        ("softnet+ststnet", "spot-recognise", "recognise.evaluate_recognised"),
    ],
)
def test_a_spotter_without_its_task_is_told_of_the_task(name, task, function, capsys):
    for verb in ("evaluate", "audit"):
        assert main([verb, name, "--data", "synthetic:easy"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"give --task {task} (merzoo.evaluation.spotting.{function})" in line
    module, _, call = function.partition(".")
    assert task_function(task).__name__ == call
    assert task_function(task).__module__ == f"merzoo.evaluation.spotting.{module}"
    with pytest.raises(InputError, match=f"--task {task} "):
        merzoo.evaluate(name, [])


@pytest.mark.parametrize(
    ("hits", "wrong", "missed", "label", "predicted", "spotting", "score"),
    [
        (6, 217, 202, [0, 0, 0, 0, 0, 1], [1, 2, 2, 2, 2, 1], 0.0278, 0.0062),  # SAMM
        (3, 115, 34, [0, 0, 1], [0, 1, 2], 0.0387, 0.0086),  # CAS(ME)3
    ],
)
def test_strs_of_the_challenges_own_table(hits, wrong, missed, label, predicted, spotting, score):
    """The baseline's rows of MEGC 2025 (Fan et al., arXiv 2506.15298): counts of spotting as
    printed, and answers whose mean precision and recall are the printed 1/6 and 1/3."""
    spots = SpottingScores(hits, hits + wrong, hits + missed)
    assert spots.f1 == pytest.approx(spotting, abs=5e-5)
    found = strs(spots, label, predicted, classes=3)
    assert found["recognition_f1"] == pytest.approx(0.2222, abs=5e-5)
    assert found["strs"] == pytest.approx(score, abs=5e-5)


def test_strs_by_hand():
    """Three hits of 4 found and 6 true: 2 * 3 / (4 + 6). Classes 0 0 1 taken for 0 1 1: mean
    precision (1 + 1/2) / 2, mean recall (1/2 + 1) / 2, both 3/4."""
    found = strs(SpottingScores(3, 4, 6), [0, 0, 1], [0, 1, 1], classes=2)
    assert found["recognition_f1"] == pytest.approx(2 * 0.75 * 0.75 / 1.5)
    assert found["recognition_uf1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["strs"] == pytest.approx(0.6 * 0.75)
    nothing = strs(SpottingScores(0, 4, 6), [], [], classes=3)
    assert set(nothing.values()) == {0.0}


def test_a_network_names_what_was_spotted_and_learns_from_training_people_only(tmp_path):
    people = []
    for n, emotion in enumerate(EMOTIONS * 2):
        one = twitching(f"s{n}", [(15, 23), (48, 56)], emotion)
        people.append(one)
    truth = {one.id: one.intervals() for one in people}  # by person: the audit must say so
    with pytest.raises(InputError, match="leak"):
        evaluate_recognised((lambda video: truth[video.id], "flow-krr"), people, parameters=CROPS)
    result = evaluate_recognised((starts_at_14, "flow-krr"), people, parameters=CROPS, out=tmp_path)
    found = result.metrics["recognition"]
    assert found["spotting_f1"] == pytest.approx(2 * 6 / (6 + 12)) and found["recognised"] == 6
    assert found["strs"] == pytest.approx(found["spotting_f1"] * found["recognition_f1"])
    assert found["floor"]["recognition_f1"] == pytest.approx(2 * (1 / 9) * (1 / 3) / (4 / 9))
    assert (tmp_path / "recognised.csv").read_text().count("\n") == 7
    assert "STRS" in (tmp_path / "report.html").read_text()
    theirs = tmp_path / "recognised.csv"
    again = score_intervals(theirs, tmp_path, labels="megc3", out=tmp_path / "judged")
    assert again.metrics["recognition"] == found
    assert "STRS" in (tmp_path / "judged" / "report.html").read_text()
    truth = tmp_path / "truth.csv"
    kept = truth.read_text()
    truth.write_text(kept.replace("disgust", "others", 1))
    (without,) = score_intervals(theirs, tmp_path, labels="megc3").warnings[1:2]
    assert "1 of 12 true micro-expressions have no class by 'megc3'" in without
    truth.write_text(kept)
    with pytest.raises(InputError, match="Unknown predicted class 'negative'"):
        score_intervals(theirs, tmp_path)
    theirs.write_text("dataset,subject,video,onset,offset\n")
    with pytest.raises(InputError, match="has no column 'predicted' whose classes it names"):
        score_intervals(theirs, tmp_path, labels="megc3")


def starts_at_14(video):
    return [(14, 23, "micro", 1.0)]


def test_recordings_without_emotions_can_only_be_spotted_in():
    plain = [marked_video(f"s{n}", [(10, 19, "micro")]) for n in range(3)]
    for one in plain:
        for clip in one.expressions:
            object.__setattr__(clip, "label", "micro")
    with pytest.raises(InputError, match="none of which has an emotion"):
        evaluate_recognised((marked, "flow-krr"), plain)
