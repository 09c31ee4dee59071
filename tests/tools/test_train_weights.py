"""Weights that come with merzoo: the split of FER-2013 and the short storage of kernels."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from merzoo.models import create_model
from merzoo.weights import load
from tests.data.trees import write_csv

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module", autouse=True)
def tools():
    """`tools/` as a place to import from, as where `python tools/train_weights.py` runs."""
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """`fer2013.csv`: 84 pictures of Training, of which 4 stand in a test part too."""
    root = tmp_path_factory.mktemp("fer")
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (100, 48 * 48))
    usages = ["Training"] * 84 + ["PublicTest"] * 8 + ["PrivateTest"] * 8
    pictures[:2], pictures[2:4] = pictures[84:86], pictures[92:94]
    rows = [
        (i % 7, " ".join(map(str, picture)), usage)
        for i, (picture, usage) in enumerate(zip(pictures, usages, strict=True))
    ]
    write_csv(root / "fer2013.csv", [("emotion", "pixels", "Usage"), *rows])
    return root


def test_both_label_maps_hold_out_the_same_pictures(faces):
    from weights_data import fer2013

    seven, three = (fer2013(faces, {"apex": (48, 48, 1)}, m) for m in ("macro7", "macro3"))
    assert len(seven.train) + len(seven.validation) == 80 and len(seven.validation) == 8
    assert len(seven.tests["PublicTest"]) == len(seven.tests["PrivateTest"]) == 8
    assert len(three.validation) > 0
    assert set(three.validation.clip) <= set(seven.validation.clip)
    assert set(three.train.clip) <= set(seven.train.clip)
    assert "neutral" not in three.train.classes and len(three.train) < len(seven.train)


def test_no_picture_of_a_test_part_is_trained_on(faces):
    from weights_data import fer2013

    split = fer2013(faces, {"apex": (48, 48, 1)}, "macro7")
    assert split.notes == ("4 pictures of Training that a test part repeats were left out",)
    tested = {p.tobytes() for test in split.tests.values() for p in test.modalities["apex"]}
    for part in (split.train, split.validation):
        assert not tested & {p.tobytes() for p in part.modalities["apex"]}


def test_short_kernels_load_within_their_rounding(tmp_path):
    from train_weights import shrink

    arguments = {"input_shape": (32, 32, 1), "classes": 3}
    model, path = create_model("resnet18", **arguments), tmp_path / "resnet18.weights.h5"
    model.save_weights(path)
    written, before = path.stat().st_size, model.get_weights()
    shrink(path)
    assert path.stat().st_size < 0.4 * written
    loaded = create_model("resnet18", **arguments)
    load(loaded, path)
    for old, new in zip(before, loaded.get_weights(), strict=True):
        if old.ndim > 1:
            np.testing.assert_allclose(new, old, rtol=0.016, atol=2e-6)
        else:
            np.testing.assert_array_equal(new, old)


def test_the_state_of_an_optimizer_is_not_stored(tmp_path):
    from train_weights import shrink

    path = tmp_path / "model.weights.h5"
    model = create_model("broadbentnet", input_shape=(16, 16, 1), classes=3)
    model.compile("adam", "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(path)
    shrink(path)
    with h5py.File(path) as file:
        assert "optimizer" not in file
    load(create_model("broadbentnet", input_shape=(16, 16, 1), classes=3), path)
