"""A network of one's own gets through every verb, by builder, model, text, in other processes."""

import keras
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import merzoo
from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.training.recipes import Recipe
from tests import own_networks
from tests.own_networks import small_network
from tests.samples import flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=2, batch_size=8)
TEXT = "tests.own_networks:small_network"


def _probabilities(model, **how):
    result = merzoo.evaluate(model, flow_arrays(subjects=3), recipe=QUICK, **how)
    return result.predictions["p_positive"].to_numpy()


def test_builder_text_and_model_give_the_same_predictions():
    found = [_probabilities(model) for model in (small_network, TEXT, small_network())]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize(
    "form", ["model", *(pytest.param(f, marks=pytest.mark.slow) for f in ("builder", "text"))]
)
def test_other_processes_give_the_same_predictions(form):
    model = {"builder": small_network, "text": TEXT}.get(form) or small_network()
    found = _probabilities(model, jobs=2)
    np.testing.assert_allclose(found, _probabilities(model), rtol=1e-5)  # by other threads


def test_scikit_learn_estimator_is_evaluated_on_flattened_samples():
    result = merzoo.evaluate(KNeighborsClassifier(3), flow_arrays())
    assert result.uf1 > 0.9  # the classes are easy
    with pytest.raises(InputError, match="fitted at once"):
        merzoo.evaluate(KNeighborsClassifier(3), flow_arrays(), selection="inner")


def test_another_network_or_estimator_of_the_same_name_does_not_go_on_with_a_run(tmp_path):
    data = flow_arrays(subjects=3)
    for one, same, other in (
        (KNeighborsClassifier(3), KNeighborsClassifier(3), KNeighborsClassifier(5)),
        (small_network(), small_network(), small_network(units=9)),
    ):
        out = tmp_path / type(one).__name__
        first = merzoo.evaluate(one, data, recipe=QUICK, out=out)
        again = merzoo.evaluate(same, data, recipe=QUICK, out=out)
        assert again.predictions.equals(first.predictions)
        with pytest.raises(InputError, match="model_fingerprint"):
            merzoo.evaluate(other, data, recipe=QUICK, out=out)


def test_callbacks_of_other_settings_do_not_go_on_with_a_run(tmp_path):
    data, out = flow_arrays(subjects=3), tmp_path / "run"

    def stopping(patience):
        return [keras.callbacks.EarlyStopping(monitor="loss", patience=patience)]

    for patience in (1, 1):
        merzoo.evaluate(small_network, data, recipe=QUICK, callbacks=stopping(patience), out=out)
    with pytest.raises(InputError, match="callbacks"):
        merzoo.evaluate(small_network, data, recipe=QUICK, callbacks=stopping(4), out=out)


def test_classes_that_the_network_cannot_have_are_refused_before_a_folder_is_taken(tmp_path):
    with pytest.raises(InputError, match="has 2 outputs, but there are 3 classes"):
        merzoo.evaluate(own_networks.two_classes, flow_arrays(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_command_line_takes_module_and_function(tmp_path, capsys):
    flow_arrays(subjects=3).save(tmp_path / "flow.npz")
    words = ["--data", f"arrays:{tmp_path / 'flow.npz'}", "--epochs", "1"]
    assert main(["evaluate", TEXT, *words, "--out", str(tmp_path / "run")]) == 0
    assert TEXT in capsys.readouterr().out
    assert main(["audit", TEXT, *words[:2]]) == 0


def test_predict_and_explain_take_the_weights_that_one_saved(tmp_path):
    weights = tmp_path / "mine.weights.h5"
    small_network().save_weights(weights)
    from merzoo.prediction import Classifier

    classifier = Classifier(TEXT, weights)
    found = classifier.probabilities([{"flow_image": np.zeros((28, 28, 3), "float32")}])
    assert found.shape == (1, 3) and abs(found.sum() - 1) < 1e-6
    with pytest.raises(InputError, match="name its weights"):
        Classifier(small_network)


def test_audit_sees_what_a_builder_holds():
    data = flow_arrays()
    held = np.asarray(data.modalities["flow_image"])

    def builder(classes=3):
        return small_network(classes=classes, name=f"of_{len(held)}")

    findings = merzoo.audit(data, builder)
    assert [f.kind for f in findings if f.severity == "error"] == ["code holds test samples"]


def test_a_models_configuration_is_what_is_trained_not_its_weights():
    data = flow_arrays(subjects=3)
    model = small_network()
    before = [np.array(w) for w in model.get_weights()]
    merzoo.evaluate(model, data, recipe=QUICK)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert isinstance(model, keras.Model)
