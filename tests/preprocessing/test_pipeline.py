"""`prepare`: what comes out has the values that the frames were made to have."""

import os

import cv2
import numpy as np
import pytest

from merzoo.data import load
from merzoo.data.frames import ArrayFrames, VideoFrames
from merzoo.errors import InputError
from merzoo.preprocessing import extract, pipeline
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.cache import Cache
from merzoo.preprocessing.face import has_landmarks
from merzoo.preprocessing.landmarks import reference_face
from merzoo.preprocessing.pipeline import PrepareError, prepare
from merzoo.preprocessing.regions import four_areas
from merzoo.preprocessing.samples import load_samples
from tests.data.test_videos import EVEN, write_matroska
from tests.data.trees import write_csv
from tests.preprocessing import made


def run(clips, inputs, tmp_path, **options):
    options = {"detector": "none", "jobs": 1, "cache": tmp_path / "cache"} | options
    return prepare(clips, inputs, "megc3", **options)


def one(name, shape, tmp_path, clip=None, **options):
    clips = [made.clip(0) if clip is None else clip]
    return run(clips, {name: shape}, tmp_path, **options).modalities[name][0]


SIDE = made.SIDE


def test_the_arrays_carry_labels_subjects_and_clips(tmp_path):
    data = run([made.clip(i) for i in range(6)], {"apex": (32, 32, 1)}, tmp_path)
    assert isinstance(data, Arrays) and data.modalities["apex"].shape == (6, 32, 32, 1)
    assert data.classes == ("negative", "positive", "surprise")
    assert data.label.tolist() == [1, 0, 2, 1, 0, 2]  # happiness, disgust, surprise
    assert data.subject[3] == "made/s01" and data.clip[3] == "s01/c3"


def test_onset_and_apex_are_those_frames(tmp_path):
    frames = made.film(0)
    shape = (SIDE, SIDE, 3)
    np.testing.assert_array_equal(one("onset", shape, tmp_path), frames[0])
    np.testing.assert_array_equal(one("apex", shape, tmp_path), frames[made.APEX])


def test_one_channel_is_the_grey_level(tmp_path):
    frames = np.zeros((9, 40, 40, 3), np.uint8)
    frames[:] = (200, 100, 50)
    grey = one("onset", (40, 40, 1), tmp_path, made.clip(0, ArrayFrames(frames)))
    # ITU-R BT.601: .299 * 200 + .587 * 100 + .114 * 50 = 124.2
    np.testing.assert_allclose(grey, 124, atol=1)


def test_differences_are_apex_minus_onset(tmp_path):
    frames = made.film(0).astype(float)
    expected = frames[made.APEX] - frames[0]
    shape = (SIDE, SIDE, 3)
    np.testing.assert_array_equal(one("signed_difference", shape, tmp_path), expected)
    np.testing.assert_array_equal(one("difference", shape, tmp_path), np.abs(expected))


def test_flow_is_in_pixels_of_the_crop(tmp_path):
    """Everything moves 2 pixels right on 96: 2 on a crop of 96, 1 on one of 48."""
    for side, expected in ((96, 2.0), (48, 1.0)):
        flow = one("flow", (side, side, 3), tmp_path)
        middle = flow[side // 4 : -side // 4, side // 4 : -side // 4]
        assert middle[..., 0].mean() == pytest.approx(expected, rel=0.1)
        assert np.abs(middle[..., 1]).mean() < 0.1 * expected


def test_every_channel_of_a_flow_image_reaches_0_and_255(tmp_path):
    image = one("flow_image", (28, 28, 3), tmp_path)
    np.testing.assert_allclose(image.min((0, 1)), 0)
    np.testing.assert_allclose(image.max((0, 1)), 255, rtol=1e-6)


def test_the_four_areas_are_those_of_the_flow_image(tmp_path):
    shape = (28, 28, 3)
    image, areas = (one(name, shape, tmp_path) for name in ("flow_image", "flow_regions"))
    boxes = four_areas(reference_face(28, 28), 28, 28)
    places = [(0, 0), (14, 0), (0, 14), (14, 14)]  # left eye and corner, right eye and corner
    for (y1, x1, y2, x2), (y, x) in zip(boxes, places, strict=True):
        np.testing.assert_array_equal(areas[y : y + 14, x : x + 14], image[y1:y2, x1:x2])
    centres = (boxes[:, 1] + boxes[:, 3]) / 2
    assert centres[0] < 14 < centres[2] and boxes[0][0] < boxes[1][0]
    with pytest.raises(InputError, match="even sides"):
        one("flow_regions", (29, 29, 3), tmp_path)


def test_a_sequence_of_the_whole_clip_needs_no_apex(tmp_path):
    film = made.film(0)
    shape = (len(film), SIDE, SIDE, 1)
    got = one("clip_sequence", shape, tmp_path, made.clip(0, apex=None), apex="annotated")
    np.testing.assert_allclose(got[..., 0], film[..., 0], atol=1e-3)


@pytest.mark.parametrize("method", ["tim", "linear"])
def test_a_sequence_of_its_own_length_is_unchanged(method, tmp_path):
    shape = (made.APEX + 1, SIDE, SIDE, 1)
    got = one("sequence", shape, tmp_path, interpolation=method)
    np.testing.assert_allclose(got[..., 0], made.film(0)[: made.APEX + 1, ..., 0], atol=1e-3)


def test_the_magnified_apex_moves_further(tmp_path):
    """A pulse of 2 pixels, magnified: its middle differs more from the onset than the apex does."""
    clip = made.clip(0, ArrayFrames(made.local_film()))
    shape = (SIDE, SIDE, 3)
    onset, apex, magnified = (
        one(name, shape, tmp_path, clip) for name in ("onset", "apex", "magnified_apex")
    )
    assert magnified.min() >= 0 and magnified.max() <= 255
    assert np.abs(magnified - onset).mean() > 1.2 * np.abs(apex - onset).mean()


def test_region_motion_is_that_of_parts_of_the_face_and_not_of_the_head(tmp_path):
    """Everything moves 2 pixels of 96, which is the head; a part that pulses by 2 is the face."""
    shape = (5, 14, 2)
    head = one("region_motion", shape, tmp_path)
    face = one("region_motion", shape, tmp_path, made.clip(0, ArrayFrames(made.local_film())))
    assert 4 * np.abs(head).max() < np.abs(face).max()
    np.testing.assert_allclose(np.median(face, axis=0), 0, atol=1e-6)


def test_action_units_are_flags_of_21(tmp_path):
    units = one("action_units", (21,), tmp_path, made.clip(0, action_units="4+L10"))
    assert units.sum() == 2 and units[2] == units[7] == 1  # 1 2 4 5 6 7 9 10
    none = one("action_units", (21,), tmp_path, made.clip(0), action_units="zero")
    assert none.sum() == 0


@pytest.mark.parametrize("choice", ["flow", "annotated+flow", "annotated+pixel_ratio"])
def test_a_missing_apex_can_be_spotted(choice, tmp_path):
    shape = (SIDE, SIDE, 3)
    frames = made.local_film()
    got = one("apex", shape, tmp_path, made.clip(0, ArrayFrames(frames), apex=None), apex=choice)
    nearest = np.abs(frames.astype(float) - got).mean((1, 2, 3)).argmin()
    assert abs(nearest - made.APEX) <= 1


def test_a_varying_frame_rate_is_warned_of(tmp_path):
    class Uneven(ArrayFrames):
        variable_rate = True

    with pytest.warns(UserWarning, match="made s00/c0: its frame rate varies"):
        one("apex", (32, 32, 1), tmp_path, made.clip(0, Uneven(made.film(0))))


@pytest.mark.skipif(not has_landmarks(), reason="dlib or its landmark file is not installed")
@pytest.mark.parametrize("frames", [None, 2])
def test_guessed_bits_of_16_bit_pictures_are_told_once_for_all_clips(tmp_path, frames):
    rows = [("path", "subject", "label", "onset", "apex", "offset")]
    for i, largest in enumerate((3000, 900, 3000, 4095)):  # all of 12 bits are no guess
        folder = tmp_path / f"c{i}"
        folder.mkdir()
        for k in range(4):
            image = np.random.default_rng(k).integers(0, largest, (32, 32)).astype(np.uint16)
            image[0, 0] = largest
            cv2.imwrite(str(folder / f"{k}.png"), image)
        rows.append((folder.name, f"s{i}", "fear", 0, 1, 3))
    write_csv(tmp_path / "manifest.csv", rows)
    options = {"detector": "none", "cache": tmp_path / "cache", "jobs": 1, "frames": frames}
    words = r"10 bits in 1 and 12 bits in 2 clips, a guess .* column 'bits'"
    for _ in range(2):  # worked out, and out of the cache
        clips = load("manifest", tmp_path)
        with pytest.warns(UserWarning, match=words) as told:
            data = load_samples(clips, {"onset": (32, 32, 1)}, labels="annotated", **options)
        assert len(told) == 1
        assert str(told[0].message) in data.preparation["notes"]
    said = [(*row, bits) for row, bits in zip(rows, ("bits", 12, 12, 12, 12), strict=True)]
    write_csv(tmp_path / "manifest.csv", said)
    clips = load("manifest", tmp_path)
    data = load_samples(clips, {"onset": (32, 32, 1)}, labels="annotated", **options)
    assert not any("16-bit" in note for note in data.preparation["notes"])


def test_a_film_that_holds_several_clips_is_read_for_all_of_them(tmp_path, decoded, monkeypatch):
    write_matroska(tmp_path / "film.mkv", EVEN)  # of 45 frames
    os.utime(tmp_path / "film.mkv", (1, 1))  # not just written, so that its hash is kept
    rows = [("path", "subject", "label", "clip", "onset", "apex")]
    rows += [("film.mkv", f"s{n}", "joy", f"c{n}", 8 * n, 8 * n + 6) for n in range(5)]
    write_csv(tmp_path / "manifest.csv", rows)
    hashed = []
    monkeypatch.setattr(VideoFrames, "_feed", lambda frames, digest: hashed.append(frames.name))
    clips = load("manifest", tmp_path)
    prepare(clips, {"difference": (16, 16, 1)}, detector="none", cache=tmp_path / "c", jobs=1)
    assert len(hashed) == 1
    assert decoded.count <= 2 * 45  # for its length, and for the frames, in their order


def test_regions_follow_the_face_in_every_frame(tmp_path):
    """On a real face that stays still: the same blocks in each frame, around eyes and mouth."""
    photograph = pytest.importorskip("skimage.data").astronaut()
    clip = made.clip(0, ArrayFrames(np.repeat(photograph[None], 5, 0)), apex=3, offset=4)
    boxes = one("regions", (4, 24, 4), tmp_path, clip, detector="dlib")
    np.testing.assert_array_equal(boxes, boxes[:1].repeat(4, 0))
    middle = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2  # y x
    # The reference face has the eyes' outer corners (blocks 6 and 8) at .29, and .23 and .77.
    np.testing.assert_allclose(middle[[5, 7]], [[0.29, 0.23], [0.29, 0.77]], atol=0.02)
    literal = one("regions", (4, 24, 4), tmp_path, clip, detector="dlib", regions="literal")
    assert np.abs(literal - boxes)[:, :23].max() == 0
    np.testing.assert_allclose(literal[:, 23, 0] - boxes[:, 23, 0], 32 / 224, atol=1e-6)


def test_a_single_image_has_an_apex(tmp_path):
    frames = ArrayFrames(made.film(0)[:1])
    clip = made.clip(0, frames, onset=None, apex=None, offset=None)
    np.testing.assert_array_equal(one("apex", (SIDE, SIDE, 3), tmp_path, clip), frames[0])


def test_only_what_lacks_is_worked_out(tmp_path, monkeypatch):
    clips = [made.clip(i) for i in range(4)]
    first = run(clips[:3], {"onset": (32, 32, 1)}, tmp_path)
    calls = []
    work = pipeline._work
    monkeypatch.setattr(pipeline, "_work", lambda *a, **k: calls.append(a[0]) or work(*a, **k))
    again = run(clips, {"onset": (32, 32, 1)}, tmp_path)
    assert calls == [3]
    np.testing.assert_array_equal(again.modalities["onset"][:3], first.modalities["onset"])


@pytest.mark.parametrize(
    "change",
    [
        {"frames": ArrayFrames(made.film(1))},
        {"onset": 1},
        {"apex": 3},
        {"offset": 6},
    ],
)
def test_a_changed_clip_is_worked_out_again(change, tmp_path, monkeypatch):
    shape = {"signed_difference": (32, 32, 1)}
    run([made.clip(0)], shape, tmp_path)
    calls = []
    work = pipeline._work
    monkeypatch.setattr(pipeline, "_work", lambda *a, **k: calls.append(a[0]) or work(*a, **k))
    run([made.clip(0, **change)], shape, tmp_path)
    assert calls == [0]


def test_a_parameter_counts_only_where_it_matters(tmp_path, monkeypatch):
    calls = []
    work = pipeline._work
    monkeypatch.setattr(pipeline, "_work", lambda *a, **k: calls.append(a[2]) or work(*a, **k))
    both = {"onset": (64, 64, 1), "flow": (64, 64, 3)}
    run([made.clip(0)], both, tmp_path)
    run([made.clip(0)], both, tmp_path, flow="dis")
    assert [sorted(names) for names in calls] == [["flow", "onset"], ["flow"]]


def test_a_new_version_of_an_extractor_forgets_the_old_values(tmp_path, monkeypatch):
    from dataclasses import replace

    run([made.clip(0)], {"onset": (32, 32, 1)}, tmp_path)
    row = extract.EXTRACTORS["onset"]
    newer = replace(row, version=row.version + 1, extract=lambda *_: np.ones((32, 32, 1), "f4"))
    monkeypatch.setitem(extract.EXTRACTORS, "onset", newer)
    assert run([made.clip(0)], {"onset": (32, 32, 1)}, tmp_path).modalities["onset"].max() == 1


def test_an_edited_file_is_noticed(tmp_path):
    clip = made.folder_clip(tmp_path / "frames")
    before = one("onset", (SIDE, SIDE, 3), tmp_path, clip)
    cv2.imwrite(str(tmp_path / "frames" / "img0.png"), 255 - made.film(0)[0])
    after = one("onset", (SIDE, SIDE, 3), tmp_path, clip)
    np.testing.assert_array_equal(after, 255 - before)


def test_worker_processes_give_the_same_arrays(tmp_path):
    clips = [made.folder_clip(tmp_path / f"clip{i}", i) for i in range(5)]
    inputs = {"flow": (32, 32, 3), "difference": (32, 32, 1)}
    here = run(clips, inputs, tmp_path, cache=tmp_path / "a")
    there = run(clips, inputs, tmp_path, cache=tmp_path / "b", jobs=2)
    assert here.fingerprint() == there.fingerprint()


def test_the_result_lies_on_disk(tmp_path):
    data = run([made.clip(i) for i in range(3)], {"apex": (32, 32, 3)}, tmp_path)
    array = data.modalities["apex"]
    assert isinstance(array, np.memmap) and not array.flags.writeable


def test_all_modalities_of_a_models_inputs_come_in_one_go(tmp_path):
    class Tensor:
        def __init__(self, name, *shape):
            self.name, self.shape = name, (None, *shape)

    inputs = [Tensor("apex", 64, 64, 3), Tensor("difference", 64, 64, 3), Tensor("flow", 64, 64, 3)]
    data = run([made.clip(0), made.clip(1)], inputs, tmp_path)
    assert {n: a.shape for n, a in data.modalities.items()} == {
        name: (2, 64, 64, 3) for name in ("apex", "difference", "flow")
    }


def broken_clips(tmp_path):
    """Five clips, of which numbers 1 and 3 cannot be used, for different reasons."""
    clips = [made.folder_clip(tmp_path / f"clip{i}", i) for i in range(5)]
    (tmp_path / "clip1" / "img0.png").write_bytes(b"")
    clips[3] = made.clip(3, onset=5)  # after the apex
    return clips


@pytest.mark.parametrize("jobs", [1, 2])
def test_failures_are_collected_and_reported_together(jobs, tmp_path):
    with pytest.raises(PrepareError) as caught:
        run(
            broken_clips(tmp_path),
            {"difference": (32, 32, 1)},
            tmp_path,
            jobs=jobs,
            apex="annotated",
        )
    error = caught.value
    assert [f.clip for f in error.failures] == ["made s00/c1", "made s01/c3"]
    assert "img0.png" in error.failures[0].reason and "outside onset" in error.failures[1].reason
    assert str(error).startswith("2 of 5 clips failed: made s00/c1: frame 0 of 9: ")
    assert "\n" not in str(error) and "on_error='skip'" in str(error)


def test_what_did_not_fail_is_kept_for_the_next_run(tmp_path, monkeypatch):
    clips = broken_clips(tmp_path)
    calls = []
    work = pipeline._work
    monkeypatch.setattr(pipeline, "_work", lambda *a, **k: calls.append(a[0]) or work(*a, **k))
    for _ in range(2):
        with pytest.raises(PrepareError):
            run(clips, {"difference": (32, 32, 1)}, tmp_path, apex="annotated")
    assert calls == [0, 1, 2, 3, 4, 1, 3]


def files(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_skip_leaves_out_what_fails_and_warns_of_each(tmp_path):
    clips = broken_clips(tmp_path)
    with pytest.warns(UserWarning) as caught:
        data = run(clips, {"difference": (32, 32, 1)}, tmp_path, on_error="skip", apex="annotated")
    assert data.clip.tolist() == ["s00/c0", "s01/c2", "s02/c4"]
    assert data.label.tolist() == [1, 2, 0]
    words = [str(w.message) for w in caught]
    assert len(words) == 2 and words[0].startswith("left out made s00/c1: frame 0 of 9")


def test_skip_does_not_hide_that_all_failed(tmp_path):
    with pytest.raises(PrepareError, match="1 of 1 clips failed"):
        run(
            [made.clip(0, apex=None)],
            {"apex": (32, 32, 1)},
            tmp_path,
            on_error="skip",
            apex="annotated",
        )


def test_a_killed_worker_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_work_in_worker", kill_self)
    with pytest.raises(InputError, match=r"a worker process was killed.*fewer than 2 jobs"):
        run([made.clip(i) for i in range(3)], {"apex": (32, 32, 1)}, tmp_path, jobs=2)


def kill_self(tasks, store):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cache_may_be_given_as_an_object(tmp_path):
    cache = Cache(tmp_path / "mine")
    run([made.clip(0)], {"apex": (32, 32, 1)}, tmp_path, cache=cache)
    assert cache.size()[0] == 2  # the clip's, and that of the list of clips


def test_a_thousand_pictures_make_a_few_files_and_are_read_once(tmp_path, monkeypatch):
    """Their arrays, their hashes, and the list of them: three files, each written once."""
    clips = made.pictures(tmp_path / "pictures", 1000)
    hashed = []
    content = type(clips[0].frames).content_hash
    monkeypatch.setattr(
        type(clips[0].frames), "content_hash", lambda f: hashed.append(f.name) or content(f)
    )
    data = run(clips, {"apex": (16, 16, 1)}, tmp_path)
    assert len(files(tmp_path)) == 3 and len(hashed) == len(set(hashed)) == 1000
    again = run(clips[::-7], {"apex": (16, 16, 1)}, tmp_path)  # others, in another order
    assert len(hashed) == 1000 and len(files(tmp_path)) == 4
    np.testing.assert_array_equal(again.modalities["apex"], data.modalities["apex"][::-7])


def test_workers_are_started_for_as_much_as_there_is_to_do(tmp_path, monkeypatch):
    """A process costs more to start than 96 pictures do."""
    import joblib

    monkeypatch.setattr(joblib, "Parallel", None)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 16)
    clips = made.pictures(tmp_path / "pictures", 96)
    assert len(run(clips, {"apex": (16, 16, 1)}, tmp_path, jobs=None)) == 96


def test_arrays_that_an_earlier_version_cached_one_a_file_are_found(tmp_path, monkeypatch):
    clips = [made.clip(i) for i in range(3)]
    first = run(clips, {"apex": (32, 32, 1)}, tmp_path)
    cache = Cache(tmp_path / "cache")
    cache._look()
    packed = {key.hex(): np.array(pack.rows[row]) for key, (pack, row) in cache._places.items()}
    cache.clear()
    for name, array in packed.items():
        cache.put(name, array)
    monkeypatch.setattr(pipeline, "_work", None)
    again = run(clips, {"apex": (32, 32, 1)}, tmp_path)
    assert again.fingerprint() == first.fingerprint()
