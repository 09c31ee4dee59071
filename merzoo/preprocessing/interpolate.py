"""Resampling a clip in time to a fixed number of frames, by temporal interpolation or linearly.

TIM, the temporal interpolation model (Zhou, Zhao, Pietikainen, "Towards a Practical Lipreading
System", CVPR 2011), puts the frames on the nodes of a path graph and moves along the curve through
them that the eigenvectors of the graph's Laplacian give. Those eigenvectors form a complete basis,
so the model is one matrix of weights over the frames, whatever the frames show.
"""

import numpy as np

from merzoo.errors import InputError


def tim_weights(length: int, positions: np.ndarray) -> np.ndarray:
    """Weights of the frames in what TIM shows at the given positions.

    Args:
        length: frames of the clip, from 2.
        positions: (T,), in frames: 0 is the first and length - 1 the last frame.

    Returns:
        (T, length) float64; rows add up to 1.

    Source: Zhou et al., CVPR 2011, Eq. 1-3: y_k(t) = sin(pi k t + pi (n - k) / (2 n)).

    Example:

    >>> tim_weights(3, np.arange(3)).round(14) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    k = np.arange(1, length)

    def eigenvectors(frame):
        t = (np.asarray(frame, float)[:, None] + 1) / length
        return np.sin(np.pi * k * t + np.pi * (length - k) / (2 * length))

    nodes = eigenvectors(np.arange(length))  # orthogonal, each of squared norm length / 2
    return 1 / length + eigenvectors(positions) @ nodes.T * (2 / length)


def linear_weights(length: int, positions: np.ndarray) -> np.ndarray:
    """Weights of the frames in linear interpolation. Arguments and returns as for `tim_weights`."""
    positions = np.asarray(positions, float)
    return np.maximum(1 - np.abs(positions[:, None] - np.arange(length)), 0)


def tim(frames: np.ndarray, count: int) -> np.ndarray:
    """Resamples by TIM to `count` evenly spaced frames, the first and the last included.

    Args:
        frames: (T, ...), T from 2.
        count: frames wanted, from 2.

    Returns:
        (count, ...), float32 for uint8 and float32 frames and float64 otherwise. Around a jump, TIM
        leaves the range of its input a little.

    Raises:
        InputError: for fewer than 2 frames, given or wanted.

    Example:

    >>> tim(np.array([0.0, 4.0, 8.0]), 3).round(9).tolist()
    [0.0, 4.0, 8.0]
    """
    return _resample(frames, count, tim_weights)


def linear(frames: np.ndarray, count: int) -> np.ndarray:
    """Resamples linearly between neighbouring frames. Arguments, returns and raises as for `tim`.

    >>> linear(np.array([0.0, 4.0, 8.0]), 5).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    return _resample(frames, count, linear_weights)


def _resample(frames, count, weights_of) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim == 0 or len(frames) < 2:
        raise InputError(f"Interpolation needs at least 2 frames, got shape {frames.shape}.")
    if int(count) != count or count < 2:
        raise InputError(f"Interpolation makes a whole number of frames from 2, got {count}.")
    dtype = np.float32 if frames.dtype in (np.uint8, np.float32) else np.float64
    weights = weights_of(len(frames), np.linspace(0, len(frames) - 1, int(count)))
    flat = frames.reshape(len(frames), -1).astype(dtype, copy=False)
    return (weights.astype(dtype) @ flat).reshape(int(count), *frames.shape[1:])
