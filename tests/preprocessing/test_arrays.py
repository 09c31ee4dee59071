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
        ({"clip": ["a", "b", "a"]}, "stands twice, in samples 0 and 2"),
        ({"subject": ["s1", "S1", "s2"]}, "differ only in case"),
        ({"subject": ["s1", " ", "s2"]}, "empty 'subject'"),
        ({"modalities": {"flow_image": np.zeros((3, 28, 28))}}, "3 axes"),
        ({"modalities": {"flow_image": np.full((3, 2, 2, 3), np.inf)}}, "NaN or infinity"),
        ({"modalities": {"floow": np.zeros((3, 2, 2, 3))}}, "no modality"),
        ({"modalities": {"flow_image": np.array([[[["x"]]]] * 3)}}, "numeric"),
    ],
)
def test_wrong_samples_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)


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
