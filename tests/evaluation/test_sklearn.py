"""merzoo's protocols and networks in scikit-learn's forms."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_predict, cross_val_score

import merzoo
from merzoo.errors import InputError
from tests.samples import flow_arrays


def test_a_splitter_makes_the_folds_of_evaluate():
    data = flow_arrays(subjects=4, clips=3)
    from merzoo.evaluation.splits.protocols import make_folds

    ours = make_folds("loso", data)
    for splitter, groups in ((merzoo.splits("loso", data), None), (merzoo.splits(), data.subject)):
        found = list(splitter.split(data.label, data.label, groups))
        assert len(found) == splitter.get_n_splits(data.label, data.label, groups) == 4
        for fold, (train, test) in zip(ours, found, strict=True):
            np.testing.assert_array_equal(fold.train, train)
            np.testing.assert_array_equal(fold.test, test)
    scores = cross_val_score(
        DummyClassifier(), data.label[:, None], data.label, cv=merzoo.splits("kfold:2", data)
    )
    assert len(scores) == 2


def test_a_splitter_without_people_is_one_line():
    with pytest.raises(InputError, match="give groups="):
        list(merzoo.splits().split(np.zeros(3)))
    with pytest.raises(InputError, match="3 samples, but 2 groups"):
        list(merzoo.splits().split(np.zeros(3), None, ["a", "b"]))
    with pytest.raises(InputError, match="Did you mean 'loso'"):
        merzoo.splits("losso")


def test_an_estimator_is_cloned_and_refuses_what_one_array_cannot_be():
    made = clone(merzoo.estimator("ststnet", epochs=2))
    assert made.get_params()["epochs"] == 2
    with pytest.raises(InputError, match="takes apex, difference, flow"):
        merzoo.estimator("dfrnet").fit(np.zeros((4, 8, 8, 3)), [0, 1, 0, 1])
    with pytest.raises(InputError, match="takes 'flow_image' of shape"):
        merzoo.estimator("ststnet").fit(np.zeros((4, 8, 8, 3)), [0, 1, 0, 1])


@pytest.mark.slow
def test_a_network_is_cross_validated_by_scikit_learn():
    data = flow_arrays(subjects=2, clips=3)
    names = np.array(data.classes)[data.label]
    made = merzoo.estimator("ststnet", epochs=1)
    X = data.modalities["flow_image"]
    found = cross_val_predict(made, X, names, groups=data.subject, cv=merzoo.splits())
    assert set(found) <= set(data.classes) and len(found) == len(data)


def test_results_are_tables_in_notebooks():
    html = flow_arrays(subjects=3)._repr_html_()
    assert html.count("<tr>") == 1 + len(set(flow_arrays(subjects=3).dataset.tolist()))
    assert "flow_image 28x28x3" in html
