"""Weights load whole or not at all, into the model that they were trained in."""

import hashlib
import json

import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.weights import WeightsEntry, load
from merzoo.weights.load import locate
from tests.weights.server import serving_files


def test_weights_survive_a_round_trip(tmp_path):
    model = merzoo.create_model("ststnet")
    model.save_weights(tmp_path / "x.weights.h5")
    again = merzoo.create_model("ststnet", weights=str(tmp_path / "x.weights.h5"))
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_loaded_is_an_error_never_random_weights(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        merzoo.create_model("ststnet", weights="nothing.weights.h5")
    path = tmp_path / "x.weights.h5"
    merzoo.create_model("ststnet", classes=5).save_weights(path)
    with pytest.raises(InputError, match="cannot be loaded into ststnet"):
        merzoo.create_model("ststnet", weights=str(path))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be loaded"):
        merzoo.create_model("ststnet", weights=str(path))


def test_a_tag_brings_the_arguments_it_was_trained_with():
    model = merzoo.create_model("ststnet", weights="megc2019")
    assert model.get_layer("flow_preparation")  # of model_arguments
    assert model.output_shape == (None, 3)
    whole = merzoo.create_model("ststnet", weights="ststnet.megc2019")
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    headless = merzoo.create_model("ststnet", weights="megc2019", include_top=False, classes=7)
    for one, other in zip(headless.get_weights(), model.get_weights(), strict=False):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("network", "arguments", "message"),
    [
        ("ststnet", {"weights": "megc2018"}, "Did you mean 'ststnet.megc2019'"),
        ("ststnet", {"weights": "megc2019", "classes": 5}, "classes=5.*negative, positive, surp"),
        ("ststnet", {"weights": "megc2019", "preparation": None}, "leave preparation out"),
        ("dssn", {"weights": "megc2019"}, "no trained weights for dssn"),
        ("dssn", {"weights": "ststnet.megc2019"}, r"create_model\('ststnet', weights="),
        ("flow-krr", {"weights": "megc2019"}, "has none to load"),
    ],
)
def test_what_does_not_fit_is_one_line_that_says_what_to_type(network, arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        merzoo.create_model(network, **arguments)
    assert "\n" not in str(caught.value)


def test_a_builder_takes_the_tags_of_the_variant_that_it_builds():
    assert merzoo.models.STSTNet(weights="megc2019").get_layer("flow_preparation")
    assert merzoo.models.RCN(variant="s", weights="megc2019").output_shape == (None, 3)
    with pytest.raises(InputError, match=r"Did you mean 'ststnet\.megc2019'"):
        merzoo.models.STSTNet(weights="megc2018")
    with pytest.raises(InputError, match=r"classes=5.*negative, positive, surprise"):
        merzoo.models.STSTNet(classes=5, weights="megc2019")


def test_the_folder_of_a_run_is_loaded_from_the_web_too(run, tmp_path, monkeypatch):
    """From a real server; later from the copy, also where nothing answers any more."""
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path / "home"))
    files = {f"/o/r/resolve/main/{p.name}": p.read_bytes() for p in run.iterdir() if p.is_file()}
    with serving_files(files) as (url, asked):
        monkeypatch.setenv("HF_ENDPOINT", url)
        model = merzoo.load_model("hf://o/r")
        assert model.input_shape == (None, 14, 14, 3)
        again = merzoo.create_model("ststnet", weights=f"{url}/o/r/resolve/main")
        with pytest.raises(InputError, match=r"no model can be had from there.*404|Not Found"):
            merzoo.load_model(f"{url}/elsewhere")
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    merzoo.load_model("hf://o/r")
    assert sum(path.endswith(".weights.h5") for path in asked) == 2


def test_a_model_is_loaded_from_whatever_holds_it(run):
    assert merzoo.load_model(run).output_shape == (None, 5)
    assert merzoo.load_model("ststnet.synthetic").output_shape == (None, 3)
    merzoo.load_model(run).save(run / "mine.keras")
    assert merzoo.load_model(run / "mine.keras").output_shape == (None, 5)
    with pytest.raises(InputError, match=r"no model: give a \.keras file"):
        merzoo.load_model("nothing")


@pytest.fixture
def run(tmp_path):
    """The folder of a training run, of a five-class network on 14 x 14 pictures."""
    model = merzoo.create_model("ststnet", classes=5, input_shape=(14, 14, 3))
    model.save_weights(tmp_path / "model.weights.h5")
    content = (tmp_path / "model.weights.h5").read_bytes()
    entry = WeightsEntry(
        id="ststnet.pretrained",
        file="model.weights.h5",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="Apache-2.0",
        trained_on=("synthetic",),
        subjects=("synthetic/s01",),
        classes=tuple("abcde"),
        labels="annotated",
        model_arguments={"input_shape": [14, 14, 3]},
    )
    (tmp_path / "weights.json").write_text(json.dumps(entry.as_dict()))
    return tmp_path


def test_a_record_speaks_for_its_own_file_only(run):
    for named in (run, run / "weights.json", run / "model.weights.h5"):
        file, entry = locate(named, "ststnet")
        assert file == run / "model.weights.h5" and entry.id == "ststnet.pretrained"
    other = run / "other.weights.h5"
    assert locate(other, "dssn") == (other, None)
    with pytest.raises(InputError, match="holds weights of ststnet, not of dssn"):
        locate(run, "dssn")


def test_the_folder_of_a_run_brings_its_arguments(run):
    model = merzoo.create_model("ststnet", weights=run)
    assert model.input_shape == (None, 14, 14, 3)
    assert model.output_shape == (None, 5)
    load(merzoo.create_model("ststnet", classes=5, input_shape=(14, 14, 3)), run)


def test_a_run_of_another_network_or_with_another_file_is_refused(run):
    with pytest.raises(InputError, match="weights of ststnet, not of dssn"):
        merzoo.create_model("dssn", weights=str(run))
    content = bytearray((run / "model.weights.h5").read_bytes())
    content[-1] ^= 1
    (run / "model.weights.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"not what weights\.json says: SHA-256"):
        merzoo.create_model("ststnet", weights=run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"bytes": "many"}, "'bytes' is 'many'; it must be a whole number at least 0"),
        ({"file": "../../model.weights.h5"}, "must be a plain name"),
        ({"sha256": None}, "'sha256' is null; it must be 64 hex"),
    ],
)
def test_a_damaged_entry_is_one_line(run, change, message):
    content = json.loads((run / "weights.json").read_text())
    (run / "weights.json").write_text(json.dumps(content | change))
    with pytest.raises(InputError, match=message):
        merzoo.create_model("ststnet", weights=run)
    (run / "weights.json").write_text("{")
    with pytest.raises(InputError, match="damaged: not JSON"):
        merzoo.create_model("ststnet", weights=run)


@pytest.mark.parametrize("missing", ["layers/dense", "layers/dense/vars/1"])
def test_a_file_that_lacks_a_part_is_an_error(tmp_path, missing):
    """A whole layer, which Keras itself only warns of, or one array of it."""
    import h5py

    path = tmp_path / "x.weights.h5"
    merzoo.create_model("ststnet").save_weights(path)
    with h5py.File(path, "a") as file:
        del file[missing]
    with pytest.raises(InputError, match=r"x\.weights\.h5"):
        merzoo.create_model("ststnet", weights=path)
    with pytest.raises(InputError, match=r"x\.weights\.h5"):
        merzoo.models.STSTNet(weights=path)


def test_every_value_is_the_files_whatever_builds_the_network(tmp_path):
    """The file's arrays, read by h5py, are the network's: nothing else was put in their place."""
    import h5py

    path = tmp_path / "x.weights.h5"
    merzoo.create_model("ststnet").save_weights(path)
    held = []
    with h5py.File(path) as file:
        file.visititems(lambda _, x: held.append(x[()]) if isinstance(x, h5py.Dataset) else None)
    for model in (
        merzoo.create_model("ststnet", weights=path),
        merzoo.models.STSTNet(weights=path),
        merzoo.models.STSTNet((28, 28, 3), 3, str(path)),
    ):
        ours = model.get_weights()
        assert sorted(x.tobytes() for x in ours) == sorted(x.tobytes() for x in held)


def test_a_builder_that_leaves_a_weight_without_value_is_an_error(tmp_path):
    """Whatever a builder does with its argument: a network is never half of a file."""
    import keras

    from merzoo.models.building import economical

    def builder(weights=None, dropout=0.5):
        x = keras.Input((4,))
        first = keras.layers.Dense(3, name="first")
        last = keras.layers.Dense(2, name="last")
        y = last(keras.layers.Dropout(dropout)(first(x)))
        if weights:
            first.set_weights([np.ones((4, 3)), np.zeros(3)])
        return keras.Model(x, y, name="half")

    with pytest.raises(InputError, match="does not hold all of half: last/kernel"):
        economical(builder)(weights=tmp_path / "x.weights.h5")
    assert economical(builder)().get_weights()[0].std() > 0


def test_a_folder_without_its_entry_is_told_from_an_unknown_tag(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pre").mkdir()
    with pytest.raises(InputError, match=r"pre: this folder lacks weights\.json"):
        locate("pre", "ststnet")
    with pytest.raises(InputError, match="no-such"):
        locate("no-such", "ststnet")
