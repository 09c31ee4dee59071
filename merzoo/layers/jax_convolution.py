"""Convolutions for XLA: as products of patches, or with gradients written as convolutions.

XLA's compiler for CPUs hands a convolution to a fast routine if its axes come in one order. It
puts gradients, whose axes come in another, into that order only outside of loops: in a
`jax.lax.scan` over steps of training they are many times slower. Here they are written in that
order. Under `jax.vmap`, where every replica has a kernel of its own, all become products of
patches.

The three functions (the convolution, its gradient for the inputs and that for the kernel) are each
linear in both arguments, and the derivatives of each are the other two, so reverse mode works to
any order. Forward mode (`jax.jvp`) does not work through them.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

_AXES = ("NHWC", "HWIO", "NHWC")


@dataclass(frozen=True)
class Geometry:
    """What a convolution does along height and width: a pair each.

    Args:
        sides: of the inputs, cells.
        kernel: its sides, cells.
        strides: cells from one window to the next.
        dilation: cells from one number of the kernel to the next.
        padding: zeros before and behind the inputs.
    """

    sides: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]

    @classmethod
    def of(cls, sides, kernel, strides, dilation, padding: str) -> "Geometry":
        """With Keras' name of the padding, `"valid"` or `"same"`.

        >>> Geometry.of((5, 6), (3, 3), (2, 2), (1, 1), "same").padding
        ((1, 1), (0, 1))
        """
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        zeros = lax.padtype_to_pads(sides, reach, strides, padding.upper())
        return cls(*map(tuple, (sides, kernel, strides, dilation, zeros)))

    @property
    def axes(self):
        """Side, kernel, stride, dilation and padding of the height, and of the width."""
        facts = (self.sides, self.kernel, self.strides, self.dilation, self.padding)
        return zip(*facts, strict=True)


def patch_product(geometry: Geometry, inputs, kernel):
    """The convolution as one product of patches and kernel: (B, H, W, C), (h, w, C, F)."""
    zero = jnp.zeros((), inputs.dtype)
    x = lax.pad(inputs, zero, ((0, 0, 0), *((*p, 0) for p in geometry.padding), (0, 0, 0)))
    rows, columns = (
        [slice(i * d, i * d + n + low + high - (k - 1) * d, s) for i in range(k)]
        for n, k, s, d, (low, high) in geometry.axes
    )
    parts = [x[:, row, column] for row in rows for column in columns]
    patches = jnp.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    flat = patches.reshape(-1, patches.shape[-1])  # two axes: XLA's products with more are slower
    product = flat @ kernel.reshape(-1, kernel.shape[-1])
    return product.reshape(*patches.shape[:-1], -1)


def _by_library(geometry, inputs, kernel):
    return lax.conv_general_dilated(
        inputs,
        kernel,
        geometry.strides,
        geometry.padding,
        rhs_dilation=geometry.dilation,
        dimension_numbers=_AXES,
    )


def _to_inputs(function, geometry, gradient, kernel):
    """The gradient for the inputs of `function`, a form of the convolution."""
    shape = (gradient.shape[0], *geometry.sides, kernel.shape[2])
    inputs = jax.ShapeDtypeStruct(shape, kernel.dtype)
    return jax.linear_transpose(lambda x: function(geometry, x, kernel), inputs)(gradient)[0]


def _to_kernel(function, geometry, inputs, gradient):
    """The gradient for the kernel of `function`, a form of the convolution."""
    shape = (*geometry.kernel, inputs.shape[-1], gradient.shape[-1])
    kernel = jax.ShapeDtypeStruct(shape, inputs.dtype)
    return jax.linear_transpose(lambda k: function(geometry, inputs, k), kernel)(gradient)[0]


def _inputs_ordered(geometry, gradient, kernel):
    padding = [
        ((k - 1) * d - low, n + low - (m - 1) * s - 1)
        for (n, k, s, d, (low, _)), m in zip(geometry.axes, gradient.shape[1:3], strict=True)
    ]
    return lax.conv_general_dilated(
        gradient,
        kernel[::-1, ::-1].transpose(0, 1, 3, 2),
        (1, 1),
        padding,
        lhs_dilation=geometry.strides,
        rhs_dilation=geometry.dilation,
        dimension_numbers=_AXES,
    )


def _kernel_ordered(geometry, inputs, gradient):
    padding = [
        (low, (k - 1) * d + (m - 1) * s + 1 - n - low)
        for (n, k, s, d, (low, _)), m in zip(geometry.axes, gradient.shape[1:3], strict=True)
    ]
    kernel = lax.conv_general_dilated(
        inputs.transpose(3, 1, 2, 0),
        gradient.transpose(1, 2, 0, 3),
        geometry.dilation,
        padding,
        rhs_dilation=geometry.strides,
        dimension_numbers=_AXES,
    )
    return kernel.transpose(1, 2, 0, 3)


def _batching(alone, together, kernel_second: bool):
    """`alone(geometry, a, b)`, which under `vmap` becomes `together`.

    But where only the first argument is of many replicas and the second is a kernel, the replicas
    are more samples.
    """

    @functools.cache
    def of(geometry):
        @custom_vmap
        def function(a, b):
            return alone(geometry, a, b)

        @function.def_vmap
        def of_replicas(count, batched, a, b):
            if kernel_second and not batched[1]:
                out = function(a.reshape(-1, *a.shape[2:]), b)
                return out.reshape(count, -1, *out.shape[1:]), True
            axes = tuple(0 if each else None for each in batched)
            return jax.vmap(functools.partial(together, geometry), axes)(a, b), True

        return function

    return lambda geometry, a, b: of(geometry)(a, b)


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _inputs_alone(geometry, gradient, kernel):
    if _on_cpu():
        return _inputs_ordered(geometry, gradient, kernel)
    return _to_inputs(_by_library, geometry, gradient, kernel)


def _kernel_alone(geometry, inputs, gradient):
    if _on_cpu():
        return _kernel_ordered(geometry, inputs, gradient)
    return _to_kernel(_by_library, geometry, inputs, gradient)


_forward = _batching(_by_library, patch_product, True)
_inputs = _batching(_inputs_alone, functools.partial(_to_inputs, patch_product), True)
_kernel = _batching(_kernel_alone, functools.partial(_to_kernel, patch_product), False)


def _linear(function, first, second):
    """`function(geometry, a, b)` with its derivatives, from `(a, b, gradient)` each."""
    outer = jax.custom_vjp(function, nondiff_argnums=(0,))
    outer.defvjp(
        lambda geometry, a, b: (outer(geometry, a, b), (a, b)),
        lambda geometry, ab, gradient: (
            first(geometry, *ab, gradient),
            second(geometry, *ab, gradient),
        ),
    )
    return outer


convolution: Callable = _linear(
    _forward,
    lambda geometry, x, kernel, g: gradient_for_inputs(geometry, g, kernel),
    lambda geometry, x, kernel, g: gradient_for_kernel(geometry, x, g),
)
gradient_for_inputs: Callable = _linear(
    _inputs,
    lambda geometry, gradient, kernel, g: convolution(geometry, g, kernel),
    lambda geometry, gradient, kernel, g: gradient_for_kernel(geometry, g, gradient),
)
gradient_for_kernel: Callable = _linear(
    _kernel,
    lambda geometry, x, gradient, g: gradient_for_inputs(geometry, gradient, g),
    lambda geometry, x, gradient, g: convolution(geometry, x, g),
)
