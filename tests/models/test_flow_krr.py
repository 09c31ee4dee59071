"""The yardstick: one kernel serves all folds, and what a fold finds is that of its own samples."""

import numpy as np
import pytest

from merzoo.evaluation import evaluate
from merzoo.evaluation.splits.protocols import loso
from merzoo.models import flow_krr
from merzoo.models.flow_krr import FlowKernelRidge
from tests.samples import flow_arrays


@pytest.fixture(scope="module")
def data():
    return flow_arrays()


def fitted(data, fold, images, **options):
    """A model fitted on the shared kernel of all images, and its probabilities."""
    model = FlowKernelRidge(**options)
    kernel = model.share(images)
    model.fit_shared(kernel, fold.train, data.label[fold.train], data.subject[fold.train])
    return model, model.predict_proba_shared(kernel, fold.test)


def test_a_shared_kernel_gives_what_the_training_samples_alone_give(data):
    images = data.modalities["flow_image"]
    for fold in loso(data):
        model, found = fitted(data, fold, images)
        alone = FlowKernelRidge().fit(
            images[fold.train], data.label[fold.train], data.subject[fold.train]
        )
        assert model.alpha_ == alone.alpha_
        np.testing.assert_allclose(found, alone.predict_proba(images[fold.test]), atol=1e-12)


@pytest.mark.parametrize("centres", [512, 12])
def test_no_value_of_a_test_sample_reaches_the_fit(data, centres):
    images = data.modalities["flow_image"].astype("float64")
    fold = loso(data)[1]
    model, _ = fitted(data, fold, images, centres=centres)
    others = images.copy()
    others[fold.test] = np.random.default_rng(5).uniform(0, 255, others[fold.test].shape)
    again, _ = fitted(data, fold, others, centres=centres)
    assert again.alpha_ == model.alpha_
    np.testing.assert_array_equal(again.dual_, model.dual_)


def test_an_evaluation_prepares_each_image_once(data, monkeypatch):
    seen = []
    prepare = flow_krr.prepare_flow
    monkeypatch.setattr(
        flow_krr, "prepare_flow", lambda images: seen.append(len(images)) or prepare(images)
    )
    evaluate("flow-krr", data)
    assert sum(seen) == 2 * len(data)  # once as a sample, once as a centre; not once a fold


@pytest.mark.parametrize("form", ["exact", "expanded"])
def test_the_closed_form_is_the_error_of_refits_without_a_group(form):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 2))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1))
    target, weights = np.eye(3)[rng.integers(0, 3, 30)], rng.uniform(0.5, 2, 30)
    every, some = np.arange(30), np.arange(0, 30, 3)

    def ridge(rows):
        if form == "exact":
            return flow_krr._Exact(kernel[np.ix_(rows, rows)], target[rows], weights[rows])
        parts = kernel[np.ix_(rows, some)], kernel[np.ix_(some, some)]
        return flow_krr._Expanded(*parts, target[rows], weights[rows])

    groups, error = np.split(every, 6), 0.0
    for out in groups:
        rest = np.setdiff1d(every, out)
        columns = rest if form == "exact" else some
        predicted = kernel[np.ix_(out, columns)] @ ridge(rest).solve(0.3)
        error += (weights[out, None] * (target[out] - predicted) ** 2).sum()
    assert ridge(every).left_out_error(0.3, groups) == pytest.approx(error, rel=1e-6)


def test_expanded_about_all_samples_it_is_the_exact_one():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 5))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 5)
    target, weights = np.eye(2)[rng.integers(0, 2, 20)], rng.uniform(0.5, 2, 20)
    exact = flow_krr._Exact(kernel, target, weights).solve(0.1)
    expanded = flow_krr._Expanded(kernel, kernel, target, weights).solve(0.1)
    np.testing.assert_allclose(kernel @ expanded, kernel @ exact, atol=1e-6)


def test_beyond_its_centres_the_kernel_does_not_grow_with_the_square_of_the_samples(data):
    images = np.concatenate([data.modalities["flow_image"]] * 3)
    kernel = FlowKernelRidge(centres=16).share(images)
    rows = np.arange(len(images))
    assert kernel.values.shape == (len(images), 20)  # a quarter more than are used
    mask, columns = kernel.centres(rows)
    assert mask.sum() == len(columns) == 16
    gaps = np.diff(np.flatnonzero(mask))
    assert gaps.max() <= 3 * len(images) / 16  # spread over the samples
    late, columns = kernel.centres(rows[len(rows) // 2 :])  # a fold that the quarter is too few for
    assert late.sum() == len(columns) == 16 and kernel.values.shape[1] > 20


def test_equal_samples_do_not_break_it():
    images = np.repeat(np.random.default_rng(0).uniform(0, 255, (5, 28, 28, 3)), 8, 0)
    label = np.repeat([0, 1, 0, 1, 0], 8)
    model = FlowKernelRidge(centres=20).fit(images, label)
    assert (model.predict(images) == label).all()
