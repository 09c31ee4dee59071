"""Interpolation in time: exact at its own frames, and known curves in between."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing.interpolate import linear, tim, tim_weights


@pytest.mark.parametrize("length", [2, 3, 11, 68])
def test_tim_reproduces_its_input_at_its_own_positions(length):
    frames = np.random.default_rng(0).uniform(0, 1, (length, 6))
    np.testing.assert_allclose(tim(frames, length), frames, atol=1e-14)


def test_tim_nodes_are_the_eigenvectors_of_the_path_graph():
    n = 9
    laplacian = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1
    values, vectors = np.linalg.eigh(laplacian)
    # Projecting a frame pattern on eigenvector k and reading it at the nodes returns it.
    for k in range(n):
        np.testing.assert_allclose(
            tim_weights(n, np.arange(n)) @ vectors[:, k], vectors[:, k], atol=1e-13
        )
    # Between the nodes TIM follows cos(pi k (i + 1/2) / n), the eigenvectors' own curve.
    between = np.linspace(0, n - 1, 31)
    nodes = np.cos(np.pi * 2 * (np.arange(n) + 0.5) / n)
    curve = np.cos(np.pi * 2 * (between + 0.5) / n)
    np.testing.assert_allclose(tim_weights(n, between) @ nodes, curve, atol=1e-13)
    assert np.allclose(laplacian @ nodes, values[2] * nodes)


@pytest.mark.parametrize("method", [tim, linear])
def test_ends_and_constants_are_kept(method):
    frames = np.random.default_rng(0).uniform(0, 255, (23, 4, 5, 3))
    result = method(frames, 10)
    assert result.shape == (10, 4, 5, 3)
    np.testing.assert_allclose(result[[0, -1]], frames[[0, -1]], atol=1e-10)
    np.testing.assert_allclose(method(np.full((23, 2), 7.0), 10), 7, atol=1e-12)


def test_tim_follows_a_smooth_motion_closer_than_linear():
    def frames(t):
        return np.sin(np.pi * t)[:, None]

    few, many = np.linspace(0, 1, 8), np.linspace(0, 1, 29)
    error = {m: np.abs(m(frames(few), 29) - frames(many))[8:-8].max() for m in (tim, linear)}
    assert error[tim] < error[linear]


@pytest.mark.parametrize("method", [tim, linear])
def test_frames_of_a_video_become_float32(method):
    frames = np.zeros((6, 4, 4, 1), np.uint8)
    frames[3:] = 255
    result = method(frames, 40)
    assert result.dtype == np.float32 and result.shape == (40, 4, 4, 1)
    overshoot = np.ptp(result) - 255  # TIM rings around the jump, linear interpolation does not
    assert overshoot < 100 and (overshoot < 1) == (method is linear)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tim(np.zeros((1, 3)), 5), "at least 2 frames"),
        (lambda: linear(np.zeros((4, 3)), 1), "whole number of frames from 2"),
    ],
)
def test_impossible_requests_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
