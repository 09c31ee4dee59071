"""Pairs of onset and apex: those of full clips, without the frames between."""

import functools
import itertools

import cv2
import numpy as np
import pytest
from scipy.stats import ks_2samp

from merzoo.data import load
from merzoo.data.clip import Clip
from merzoo.data.frames import HeldFrames
from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.pairs import FPS, clips
from merzoo.data.synthetic.plan import Setting, plan_clips
from merzoo.data.synthetic.vary import FACTORS, varied
from merzoo.errors import InputError
from merzoo.files import encode_image
from merzoo.preprocessing import prepare
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.extract import EXTRACTORS
from merzoo.preprocessing.parameters import check_parameters

AREAS = {"brows": np.s_[3:9, 3:25], "eyes": np.s_[7:11, 3:25], "mouth": np.s_[17:24, 7:21]}
CLASSES = {"happiness": "positive", "surprise": "surprise"}


def full_clip(plan):
    """The same clip as `synthetic:` films and stores it; onset and apex."""
    _, frames = film(plan, (280, 340))
    seen = list(itertools.islice(frames, plan.annotated_apex + 1))
    kept = [seen[plan.onset], seen[-1]]
    stored = [np.frombuffer(encode_image(frame, ".jpg"), np.uint8) for frame in kept]
    seen = [cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1] for file in stored]
    return Clip("synthetic", "synthetic/s", "c", HeldFrames(seen), onset=0, apex=1, offset=1)


def flows(found, modality, detector="auto"):
    parameters = check_parameters({"detector": detector})
    extract = EXTRACTORS[modality].extract
    return np.stack([extract(AlignedClip(c, parameters), (28, 28, 3), parameters) for c in found])


@functools.cache
def both(difficulty, subjects, each, modality):
    """Flow of full clips, that of their pairs, and the classes."""
    plans = plan_clips(Setting(subjects, each, difficulty, 5, FPS))
    pairs = clips(difficulty, subjects, each, seed=5)
    full = flows([full_clip(plan) for plan in plans], modality, "haar")
    return full, flows(pairs, modality), [CLASSES.get(p.emotion, "negative") for p in plans]


def test_a_pair_is_that_of_the_clip_of_the_same_seed():
    plans = plan_clips(Setting(3, 4, "hard", 7, FPS))
    found = clips("hard", subjects=3, clips=4, seed=7)
    assert [c.label for c in found] == [p.emotion for p in plans]
    assert [c.action_units for c in found] == [p.action_units for p in plans]
    assert [c.frames.plan.clip for c in found] == plans


def test_the_same_pair_whatever_else_is_asked_for():
    (one,) = clips(subjects=1, clips=1, vary="all")
    again = clips(subjects=2, clips=2, vary="all")[0]
    assert one.frames.content_hash() == again.frames.content_hash()
    assert np.array_equal(one.frames[1], again.frames[1])
    assert not np.array_equal(one.frames[0], one.frames[1])


def test_flow_images_are_those_of_full_clips():
    """Easy clips, where the movement is well above the noise: median correlation .87 of 20."""
    full, pairs, _ = both("easy", 1, 3, "flow_image")
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(full, pairs, strict=True)]
    assert np.median(alike) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("of", ["all", "negative", "positive", "surprise"])
def test_magnitudes_are_distributed_as_those_of_full_clips(area, of):
    """By area and class: u, v and strain have the same mean within 15 % and the same distribution
    (Kolmogorov-Smirnov at 1 % over 36 tests)."""
    full, pairs, classes = both("medium", 45, 2, "flow")
    rows = [i for i, name in enumerate(classes) if of in ("all", name)]
    for channel in range(3):
        a, b = (np.abs(x[rows][:, *AREAS[area], channel]).mean((1, 2)) for x in (full, pairs))
        assert abs(b.mean() / a.mean() - 1) < 0.15
        assert ks_2samp(a, b).pvalue > 0.01 / 36


def test_truth_flow_takes_the_onset_to_the_apex():
    (clip,) = clips("easy", subjects=1, clips=1, seed=2)
    onset, apex = (cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype("float32") for f in clip.frames)
    flow = clip.frames.truth_flow()
    y, x = np.mgrid[:340, :280].astype("float32")
    seen = cv2.remap(apex, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    inside = np.s_[20:-20, 20:-20]
    moved, still = (np.abs(i - onset)[inside].mean() for i in (seen, apex))
    assert moved < 0.7 * still


def test_the_face_is_not_looked_for(tmp_path):
    found = clips("easy", subjects=1, clips=2, vary="resolution")
    data = prepare(found, {"flow_image": (28, 28, 3)}, "annotated", cache=tmp_path, jobs=1)
    assert data.preparation["detector"] == {"synthetic-pairs": "auto"}
    assert any("the frames say where the eyes are" in n for n in data.preparation["notes"])


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_switched_off_leaves_the_others_as_they_are(factor):
    setting = Setting(4, 7, "medium", 3)
    others = tuple(name for name in FACTORS if name != factor)
    differ = 0
    for plan in plan_clips(setting):
        whole, without = varied(plan, setting, tuple(FACTORS)), varied(plan, setting, others)
        fields = [
            f for f in ("blur", "flicker", "quality", "scale") if differing(whole, without, f)
        ]
        of_clip = ("units", "annotated_apex", "noise", "drift", "light")
        fields += [f for f in of_clip if differing(whole.clip, without.clip, f)]
        assert set(fields) <= CHANGED[factor]
        differ += bool(fields)
    assert differ > 4


CHANGED = {
    **{name: {"units"} for name in ("amplitude", "combinations", "sides")},
    **{"noise": {"noise"}, "blur": {"blur"}, "motion": {"drift"}, "light": {"light", "flicker"}},
    **{"compression": {"quality"}, "apex": {"annotated_apex"}, "resolution": {"scale"}},
}


def differing(one, other, field):
    return getattr(one, field) != getattr(other, field)


def test_as_text_with_options():
    found = load("synthetic-pairs", "easy", subjects="2", clips="1", seed="4", vary="noise,sides")
    assert [c.subject for c in found] == [f"synthetic-pairs/seed4-s0000{n}" for n in (1, 2)]


@pytest.mark.parametrize(
    "options, said",
    [
        ({"vary": "noise,sound"}, "'sound' is none of all, none, amplitude"),
        ({"subjects": 0}, "subjects of synthetic-pairs"),
        ({"difficulty": "medum"}, "Did you mean 'medium'"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        clips(**options)


@pytest.mark.slow
def test_two_workers_prepare_what_one_does(tmp_path):
    found = clips(subjects=3, clips=4)
    inputs = {"flow_image": (28, 28, 3)}
    one, two = (
        prepare(found, inputs, "megc3", cache=tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2)
    )
    assert np.array_equal(one.modalities["flow_image"], two.modalities["flow_image"])
