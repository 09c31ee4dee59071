"""Mixed sets as one pool, parted by person; the authors' test parts and motion models kept out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.batches import epoch_rows, training_graph, validation_graph
from merzoo.training.parts import Rows
from merzoo.training.pool import Pool, check_still, make_pool, without_tests
from merzoo.training.validation import split_validation
from tests.preprocessing.made import pictures
from tests.training.pictures import picture_arrays


def picture(i, split="Training", label="happy", size=48, subject=None):
    frames = ArrayFrames(np.full((1, size, size, 1), i, "uint8"))
    return Clip("fer2013", subject or f"fer2013/p{i}", f"p{i}", frames, label, split=split)


def test_test_parts_are_never_taken():
    clips = [picture(0), picture(1, "PublicTest"), picture(2, "PrivateTest"), picture(3, "test")]
    kept, left_out = without_tests(clips)
    assert [clip.id for clip in kept] == ["p0"] and sum(left_out.values()) == 3
    with pytest.raises(InputError, match="'PrivateTest' was given, which is kept for testing"):
        without_tests(clips[2:3])
    kept, _ = without_tests([picture(0, "train"), picture(1, "testA"), picture(2, "testB")])
    assert [clip.id for clip in kept] == ["p0"]  # the parts of DFME


def test_small_frames_need_no_face_detector_and_neutral_is_left_out(tmp_path):
    labels = ["happy", "sad", "surprise", "neutral"]
    clips = [picture(i, label=labels[i % 4]) for i in range(8)]
    pool = make_pool([], clips, {"apex": (16, 16, 3)}, "macro3", cache=tmp_path, jobs=1)
    assert len(pool) == 6 and pool.left_out == {"fer2013/neutral, by the label map": 2}
    assert pool.unnamed() == ["fer2013"] and pool.seen() == ("fer2013/*",)
    few = make_pool([], clips, {"apex": (16, 16, 3)}, "macro3", limit=3, cache=tmp_path, jobs=1)
    assert few.counts() == {"fer2013": {"negative": 1, "positive": 1, "surprise": 1}}


def test_single_pictures_are_refused_for_models_that_need_motion():
    with pytest.raises(InputError, match="ststnet takes flow_image, but fer2013 holds single pic"):
        check_still("ststnet", ["flow_image"], [picture(0)])
    check_still("broadbentnet", ["apex"], [picture(0)])


def test_nobody_is_on_both_sides_and_equal_pictures_stay_together(tmp_path):
    clips = [picture(i // 2, label=("happy", "sad")[i % 4 > 1]) for i in range(40)]
    clips = [replace(c, id=f"q{i}", subject=f"fer2013/q{i}") for i, c in enumerate(clips)]
    fer = make_pool([], clips, {"apex": (8, 8, 1)}, "macro3", cache=tmp_path, jobs=1).parts[0]
    pool = Pool((fer, picture_arrays()))
    train, validation = split_validation(pool, 0.2, seed=1)
    groups = pool.groups()
    assert not set(groups[train]) & set(groups[validation])
    assert sorted([*train, *validation]) == list(range(len(pool)))
    assert len(set(groups[:40])) == 20  # each picture stands twice
    assert 0.15 < len(validation) / len(pool) < 0.25
    shares = [pool.counts(validation)[d]["negative"] / pool.counts()[d]["negative"] for d in
              ("demo", "fer2013")]  # fmt: skip
    assert min(shares) > 0.05
    with pytest.raises(InputError, match="too few to validate on 20%"):
        split_validation(Pool((picture_arrays(subjects=3),)), 0.2)


def test_a_person_in_two_parts_is_one_however_written():
    parts = []
    for dataset, people in (("demo", ("s1", "s2")), ("Demo", ("S01", "subject 3"))):
        images = {"apex": np.zeros((4, 8, 8, 1), "float32")}
        clips = [f"{person}_{i}" for person in people for i in range(2)]
        subject = np.repeat(people, 2)
        parts.append(Arrays(images, [0, 1] * 2, subject, [dataset] * 4, clips, ("no", "yes")))
    pool = Pool(tuple(parts))
    people = ["demo/s1", "demo/s1", "demo/s2", "demo/s2", "demo/s1", "demo/s1"]
    assert pool.groups().tolist() == [*people, "demo/subject 3", "demo/subject 3"]
    assert pool.seen() == ("demo/s1", "demo/s2", "demo/subject 3") and pool.unnamed() == []


def test_parts_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match="different classes"):
        Pool((picture_arrays(), picture_arrays(classes=("no", "yes"))))
    with pytest.raises(InputError, match="different shapes"):
        Pool((picture_arrays(), picture_arrays(size=16)))
    with pytest.raises(InputError, match=r"holds 'apex' of shape \(8, 8, 1\), but the model takes"):
        make_pool([picture_arrays()], [], {"apex": (16, 16, 1)}, "macro3")
    with pytest.raises(InputError, match="demo holds apex; 'flow' is needed"):
        make_pool([picture_arrays()], [], {"flow": (8, 8, 3)}, "macro3")


def test_an_epoch_is_the_same_whenever_it_is_reached():
    pool = Pool((picture_arrays(), picture_arrays(dataset="other", seed=1)))
    rows = np.arange(5, 70)
    options = dict(batch_size=8, steps=3, seed=2, augment=("flip", "brightness"))
    start = [b for b, _ in zip(training_graph(Rows(pool, rows), **options), range(9), strict=False)]
    late = training_graph(Rows(pool, rows), **options, first_epoch=2)
    for (x, y, _), (x2, y2, _), _ in zip(start[6:], late, range(3), strict=False):
        np.testing.assert_array_equal(x["apex"], x2["apex"])
        np.testing.assert_array_equal(y, y2)
    assert np.abs(start[0][0]["apex"] - start[3][0]["apex"]).max() > 1


def test_an_epoch_sees_each_sample_once_and_balanced_draws_classes_alike():
    label = np.array([0] * 30 + [1] * 8 + [2] * 2)
    rows = np.arange(40)
    assert sorted(epoch_rows(label, rows, 40, 0, 0, balanced=False)) == list(range(40))
    found = epoch_rows(label, rows, 30, 0, 0, balanced=True)
    assert np.bincount(label[found]).tolist() == [10, 10, 10]
    assert len(set(found[label[found] == 0])) == 10


def test_ordered_batches_weigh_their_mean_right_though_the_last_is_filled_up():
    pool = Pool((picture_arrays(subjects=5, clips=2),))
    weight = np.linspace(1, 2, 10)
    batches = list(validation_graph(Rows(pool, np.arange(10)), 4, weight))
    assert len(batches) == 3
    w = np.concatenate([b[2] for b in batches])
    assert (w[10:] == 0).all()
    losses = np.resize(np.arange(10.0), 12)
    mean = np.mean([(losses * w)[i : i + 4].mean() for i in (0, 4, 8)])
    assert mean == pytest.approx((np.arange(10) * weight).sum() / weight.sum())


def test_gathering_reads_only_the_rows_asked_for(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(60, dtype="float32").reshape(15, 2, 2, 1))
    disk = np.load(path, mmap_mode="r")
    data = Arrays({}, [0, 1, 2] * 5, ["s"] * 15, ["d"] * 15, list("abcdefghijklmno"), tuple("xyz"))
    data.modalities["apex"] = disk
    pool = Pool((data, replace(data, dataset=["e"] * 15, subject=["s"] * 15)))
    assert pool.gather([16, 1])["apex"][:, 0, 0, 0].tolist() == [4, 4]
    assert isinstance(pool.parts[0].modalities["apex"], np.memmap)


def test_a_thin_slice_of_a_set_reads_its_pictures_and_no_others(tmp_path, monkeypatch):
    """What `pretrain --quick` touches: a file is opened to be hashed and to be decoded."""
    clips = pictures(tmp_path / "pictures", 300)
    labels = [("happiness", "anger", "surprise")[i % 3] for i in range(300)]
    clips = [replace(clip, label=name) for clip, name in zip(clips, labels, strict=True)]
    read = []
    opened = Path.open

    def counted(path, *arguments, **options):
        if path.parent == tmp_path / "pictures":
            read.append(path.name)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", counted)
    cache, inputs = tmp_path / "cache", {"apex": (16, 16, 1)}
    pool = make_pool([], clips, inputs, "macro3", limit=30, cache=cache, jobs=1)
    assert len(pool) == 30 and len(read) == 2 * 30 + 1  # to see that it is a crop
    assert {name.removesuffix(".png") for name in read} == set(pool.parts[0].clip.tolist())
    # The whole set afterwards: the thirty are neither hashed nor decoded again.
    make_pool([], clips, inputs, "macro3", cache=cache, jobs=1)
    assert len(read) <= 2 * 300 + 2 and len(set(read)) == 300


def test_groups_of_pictures_follow_every_modality():
    rng = np.random.default_rng(0)
    apex = rng.integers(0, 2, (40, 1, 1, 1)).astype("float32")
    onset = rng.integers(0, 2, (40, 1, 1, 1)).astype("float32")
    names = [f"p{i}" for i in range(40)]
    data = Arrays(
        {"apex": apex, "onset": onset}, [0, 1] * 20, names, ["d"] * 40, names, ("no", "yes")
    )
    groups = Pool((data,)).groups()
    same = (apex[:, None] == apex[None]) & (onset[:, None] == onset[None])
    np.testing.assert_array_equal(groups[:, None] == groups[None], same.reshape(40, 40))
