"""Arrays: what is checked when samples come in."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays, join_arrays, read_arrays
from tests.samples import flow_arrays


def make(**changes):
    fields = {
        "modalities": {"flow_image": np.zeros((3, 28, 28, 3), "float32")},
        "label": [0, 1, 1],
        "subject": ["s1", "s1", "s2"],
        "dataset": ["d", "d", "d"],
        "clip": ["a", "b", "c"],
        "classes": ("no", "yes"),
    }
    return Arrays(**(fields | changes))


def test_subjects_are_named_after_their_dataset():
    assert make().subject.tolist() == ["d/s1", "d/s1", "d/s2"]
    assert make(subject=["d/s1", "s1", "d/s2"]).subject.tolist() == ["d/s1", "d/s1", "d/s2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": [0, 1]}, "there are 2 labels"),
        ({"label": [0, 1, 2]}, "numbered 0..1"),
        ({"label": [0.0, 1.0, 1.0]}, "whole number"),
        ({"label": []}, "no samples"),
        ({"clip": ["a", "a", "b"]}, "stands twice, in samples 0 and 1"),
        ({"clip": ["a", "b", "a"], "subject": ["s1", "s2", "S01"]}, "stands twice, in samples 0"),
        ({"subject": ["s1", " ", "s2"]}, "empty 'subject'"),
        ({"modalities": {"flow_image": np.zeros((3, 28, 28))}}, "3 axes"),
        ({"modalities": {"flow_image": np.full((3, 2, 2, 3), np.inf)}}, "NaN or infinity"),
        ({"modalities": {"flow": np.full((3, 8, 8, 3), 33.0)}}, "holds 33; values from -32 to 32"),
        ({"modalities": {"apex": np.full((3, 8, 8, 1), 4000, "uint16")}}, "-255 to 510"),
        ({"modalities": {"flow_image": np.full((3, 2, 2, 3), -3e38, "float32")}}, "-3e[+]38"),
        ({"modalities": {"flow_image": np.zeros((3, 0, 2, 3))}}, "3 axes"),
        ({"modalities": {"flow_image": [[1], [1, 2], [3]]}}, "no array of numbers"),
        ({"classes": ("yes", " Yes")}, "0 and 1 are 'yes' and ' Yes', one name"),
        ({"classes": ("\uff11", "1.0")}, "one name"),
        ({"classes": ("no", " \u200b")}, "class 1 has no name"),
        ({"classes": ("no", "y" * 1001)}, r"classes 'y{20}[.]+' has 1001 characters"),
        ({"classes": ()}, "names no classes"),
        ({"classes": tuple(map(str, range(1001)))}, "1001 classes; 1000 are the most"),
        ({"label": 1}, r"got int64 \(\)"),
        ({"label": np.array(["no", "yes", "no"])}, "whole number"),
        ({"label": np.array([0, 1, 1], object)}, "whole number"),
        ({"label": np.array([0, 1, 2**63], "uint64")}, "numbers no class"),
        ({"subject": ["s1", None, "s2"]}, "'subject' of sample 1 is None"),
        ({"subject": np.array([1.0, np.nan, 2.0])}, "'subject' of sample 1 is nan"),
        ({"subject": [["s1"], ["s2"], ["s3"]]}, "not one name"),
        ({"clip": "a"}, "shape"),
        ({"clip": [b"a", b"\xff", b"c"]}, "sample 1 is not UTF-8"),
        ({"dataset": ["d" * 200_000, "e", "f"]}, "200000 characters"),
        ({"modalities": {"floow": np.zeros((3, 2, 2, 3))}}, "no modality"),
        ({"modalities": {"flow_image": np.array([[[["x"]]]] * 3)}}, "numeric"),
    ],
)
def test_wrong_samples_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)


# Each row is one way in which a name is written twice; the last name of a row is another person.
SPELLINGS = [
    ("s1", "S1", "s11"),
    ("P1", "P01", "P10"),
    ("1", "1.0", "1.5"),
    ("Jos\u00e9", "Jose\u0301", "Jose"),
    ("s1", "s1\u200b", "s2"),
    ("\uff33\uff11", "s1", "s2"),
    ("Li  Na", " li na ", "Lina"),
    ("sub01", "Subject 1", "s_2"),
]


@pytest.mark.parametrize("names", SPELLINGS, ids=ascii)
def test_a_person_is_one_subject_under_the_first_spelling(names):
    with pytest.warns(UserWarning, match="taken as one person: ") as told:
        data = make(subject=list(names))
    assert data.subject.tolist() == [f"d/{names[0]}"] * 2 + [f"d/{names[2]}"]
    assert len(told) == 1 and f"d/{names[0]} = " in str(told[0].message)
    again = Arrays(**vars(data))  # names that are settled stay, and nothing is said
    assert again.subject.tolist() == data.subject.tolist()


@pytest.mark.parametrize("names", [("F01", "M01", "01"), ("s1", "1", "2"), ("s1", "s11", "s111")])
def test_two_people_stay_two(names):
    assert make(subject=list(names)).subject.tolist() == [f"d/{name}" for name in names]


def test_a_dataset_in_two_spellings_is_one_and_pictures_without_persons_stay_apart():
    with pytest.warns(UserWarning, match="d/s1 = D/s1"):
        data = make(dataset=["d", "D", "d"])
    assert data.dataset.tolist() == ["d"] * 3 and data.subject.tolist() == ["d/s1", "d/s1", "d/s2"]
    pictures = ["im1", "im01", "im001"]
    assert make(subject=pictures, clip=pictures).subject.tolist() == ["d/im1", "d/im01", "d/im001"]


def test_clips_of_two_people_may_have_the_same_name():
    assert make(clip=["a", "b", "a"]).clip.tolist() == ["s1/a", "s1/b", "s2/a"]
    joined = join_arrays([make(), make(subject=["s3", "s3", "s4"])])
    assert joined.ids().tolist() == ["d/s1/a", "d/s1/b", "d/s2/c", "d/s3/a", "d/s3/b", "d/s4/c"]
    two = make(dataset=["d", "d", "e"], clip=["a", "b", "a"])  # two sets: nothing to tell apart
    assert two.clip.tolist() == ["a", "b", "a"]


def test_labels_that_are_ids_name_no_classes(tmp_path):
    columns = {n: np.array(list("abc")) for n in ("subject", "dataset", "clip")}
    samples = columns | {"flow_image": np.zeros((3, 2, 2, 3), "float32")}
    np.savez(tmp_path / "ids.npz", **samples, label=np.array([7, 1 << 40, 9]))
    with pytest.raises(InputError, match="goes up to 1099511627776; without 'classes'"):
        read_arrays(tmp_path / "ids.npz")
    np.savez(tmp_path / "key.npz", **samples, label=np.array([0, 1, 1]), floow=np.zeros(3))
    with pytest.warns(UserWarning, match=r"\['floow'\] are no modalities, and are not read"):
        assert read_arrays(tmp_path / "key.npz").classes == ("class 0", "class 1")


def test_a_subject_of_four_hundred_characters_is_a_name(tmp_path):
    data = make(subject=["s" * 400, "s" * 400, "t" * 400])
    data.save(tmp_path / "x.npz")
    assert read_arrays(tmp_path / "x.npz").subject.tolist() == data.subject.tolist()


def test_names_of_one_spelling_give_the_fingerprint_that_they_always_gave():
    # SHA-256 as it was before names had a normal form.
    assert make().fingerprint().startswith("842489da8331946f")


def test_what_is_saved_is_read_back(tmp_path):
    data = flow_arrays()
    data.save(tmp_path / "x.npz")
    assert read_arrays(tmp_path / "x.npz").fingerprint() == data.fingerprint()


def test_joined_sources_keep_their_subjects_apart():
    first, second = flow_arrays(datasets=("a",)), flow_arrays(datasets=("b",))
    joined = join_arrays([first, second])
    assert len(joined) == 60 and len(set(joined.subject)) == 12
    with pytest.raises(InputError, match="one label map"):
        join_arrays([first, make()])
