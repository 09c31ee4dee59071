"""A network of one's own is written once and taken by everything that takes weights."""

import numpy as np
import pytest

import merzoo

FACTS = {
    "classes": ["calm", "moved"],
    "trained_on": ["lab"],
    "subjects": ["lab/*"],
    "licence": "CC BY 4.0",
}


def test_what_is_saved_is_loaded_with_its_arguments_and_gives_the_same(tmp_path):
    model = merzoo.create_model("offapexnet", classes=2, input_shape=(32, 32, 3))
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 32, 32, 3)).astype("float32")
    model.compile("sgd", "categorical_crossentropy")
    model.fit(x, np.eye(2)[[0, 1, 1, 0]], epochs=1, verbose=0)
    made = {"input_shape": [32, 32, 3]}
    entry = merzoo.save_model(
        model, tmp_path / "ours", "offapexnet", arguments=made, metrics={"uf1": 0.5}, **FACTS
    )
    assert entry.id == "offapexnet.ours" and len(entry.golden) == 2
    again = merzoo.create_model("offapexnet", weights=tmp_path / "ours")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert merzoo.decode_predictions(np.eye(2), tmp_path / "ours", top=1)[1] == [("moved", 1.0)]
    with pytest.raises(merzoo.InputError, match="holds weights already"):
        merzoo.save_model(model, tmp_path / "ours", "offapexnet", arguments=made, **FACTS)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"classes": ["a", "b", "c"]}, "the model is no ststnet with classes=3"),
        ({"subjects": []}, "subjects"),
        ({"trained_on": "casme2"}, "trained_on"),
        ({"licence": " "}, "licence"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(changed, words, tmp_path):
    model = merzoo.create_model("ststnet", classes=2)
    with pytest.raises(merzoo.InputError, match=words):
        merzoo.save_model(model, tmp_path / "w", "ststnet", **FACTS | changed)
    assert not list(tmp_path.glob("w/*"))
