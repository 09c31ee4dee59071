"""Separable image filters as products with constant banded matrices.

A blur, a resize and a derivative along one axis are each a matrix with a narrow band; so is any
chain of them, borders included, which makes a filter exact to the last convention of the library
that it copies and cheap on every backend. Matrices are made in NumPy once, when a layer is built.
"""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

# Sides above twice this are filtered in blocks of about this many outputs, each from the inputs
# that it needs: the zeros outside of the band then cost nothing.
BLOCK = 64


def convolution_matrix(taps: np.ndarray, size: int, border: str) -> np.ndarray:
    """The (size, size) matrix that correlates a line with an odd number of taps.

    Args:
        taps: weights, the middle one for the pixel itself.
        size: pixels of the line.
        border: `"replicate"` (a a|a b c|c c) or `"reflect"` (c b|a b c|b a).

    Example:

    >>> convolution_matrix(np.array([1, 2, 1]) / 4, 3, "replicate")
    array([[0.75, 0.25, 0.  ],
           [0.25, 0.5 , 0.25],
           [0.  , 0.25, 0.75]])
    """
    matrix = np.zeros((size, size))
    lines = np.arange(size)
    for offset, weight in enumerate(taps, start=-(len(taps) // 2)):
        source = lines + offset
        if border == "reflect":
            period = max(2 * (size - 1), 1)
            source = np.abs((source + size - 1) % period - (size - 1))
        np.add.at(matrix, (lines, np.clip(source, 0, size - 1)), weight)
    return matrix


def resize_matrix(new: int, old: int) -> np.ndarray:
    """The (new, old) matrix of a bilinear resize: half-pixel centres, two taps, clamped.

    As `cv2.resize(..., interpolation=cv2.INTER_LINEAR)`, without antialiasing.

    >>> resize_matrix(2, 4)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    position = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    first = np.minimum(position.astype(int), max(old - 2, 0))
    share = position - first
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new), first), 1 - share)
    np.add.at(matrix, (np.arange(new), np.minimum(first + 1, old - 1)), share)
    return matrix


def constant(array: np.ndarray) -> Any:
    """A float32 constant for use inside `call`.

    Torch needs it as a tensor from the start (copying at every call would be slow on a GPU);
    TensorFlow and JAX need it as an array (a tensor made inside one trace is unusable in the next).
    """
    array = np.ascontiguousarray(array, dtype=np.float32)
    return ops.convert_to_tensor(array) if keras.backend.backend() == "torch" else array


@dataclass
class BandedFilter:
    """One banded matrix, applied to the first or to the last axis of a tensor.

    Args:
        matrix: (outputs, inputs).

    Example:

    >>> pair = BandedFilter(resize_matrix(2, 4))
    >>> np.asarray(pair.along_last(np.array([[0.0, 2.0, 4.0, 6.0]], "float32"))).tolist()
    [[1.0, 5.0]]
    """

    matrix: np.ndarray
    blocks: list = field(init=False)  # (first input, last input + 1, left factor, right factor)

    def __post_init__(self):
        outputs = len(self.matrix)
        count = outputs // BLOCK if outputs > 2 * BLOCK else 1
        self.blocks = []
        for rows in np.array_split(self.matrix, count):
            used = np.flatnonzero(rows.any(axis=0))
            start, stop = int(used[0]), int(used[-1]) + 1
            part = rows[:, start:stop]
            self.blocks.append((start, stop, constant(part), constant(part.T)))

    def along_first(self, x):
        """(inputs, ..., B, W) -> (outputs, ..., B, W), where only B may be unknown."""
        lines = ops.reshape(x, (x.shape[0], -1))
        parts = [ops.matmul(left, lines[i:j]) for i, j, left, _ in self.blocks]
        result = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=0)
        return ops.reshape(result, (len(self.matrix), *x.shape[1:-2], -1, x.shape[-1]))

    def along_last(self, x):
        """(..., B, inputs) -> (..., B, outputs), where only B may be unknown."""
        lines = ops.reshape(x, (-1, x.shape[-1]))
        parts = [ops.matmul(lines[:, i:j], right) for i, j, _, right in self.blocks]
        result = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
        return ops.reshape(result, (*x.shape[:-2], -1, len(self.matrix)))
