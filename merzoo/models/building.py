"""Building a network without working out what nobody sees.

On JAX every shape of random initial values is a program of its own to compile: half a CPU second
each, and ten seconds for the twenty of a middling network. Keras puts off the values of variables
that are made inside its `StatelessScope` until the scope ends, and what is assigned inside stays in
the scope. So a network is built inside; when the scope ends,

- a variable to which a file of weights gave a value takes that one. It never has a placeholder: a
  weight that the file should have given, and has not, is an error;
- a random initial value is the start of a longer row of numbers, of one of few lengths. JAX draws
  the number at a place from the place and the seed alone, so the values are those of Keras'
  initializers to the last bit, and networks share the few programs.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

from merzoo.errors import InputError
from merzoo.limits import check_size

Builder = TypeVar("Builder", bound=Callable)

LARGEST_NETWORK = 1 << 28  # weights, or values that a layer gives for one sample: 1 GiB
LARGEST_ARGUMENT = 1 << 16  # a count of classes, filters, units, ...
# What is above is counted before it is built.
_USUAL_SAMPLE, _USUAL_ARGUMENT = 1 << 19, 1 << 12

ROWS = (1 << 16, 1 << 20, 1 << 22)  # lengths of rows; what is longer is drawn in its own shape


def economical(
    builder: Builder, fitting: Callable[[Callable, dict], dict] | None = None
) -> Builder:
    """A builder that works out no initial value that weights replace, and others with less effort.

    It takes an `input_tensor` more, as `keras.applications` do: what `keras.Input` gave, a list of
    one for each input, or a dictionary by their names. The network is built on these.

    Args:
        builder: its argument `weights` is the path of a file, or `None`. The network that it gives
            is not compiled, and its layers make their variables by `add_weight`, as Keras' do.
        fitting: the arguments for `builder`, from the returned one and what it was called with:
            `weights` may be a tag or folder, which brings other arguments. `None` takes paths only.

    Raises:
        InputError: of the returned builder, if the file left a weight of the network without value,
            or for arguments that make a larger network than `refuse_large` lets pass.

    Example:

    >>> import keras
    >>> from merzoo.models import STSTNet
    >>> STSTNet.__wrapped__ is not None, STSTNet().count_params()
    (True, 1715)
    >>> shared = keras.Input((28, 28, 3), name="flow_image")
    >>> STSTNet(input_tensor=shared).inputs[0] is shared
    True
    """
    signature = inspect.signature(builder)

    @functools.wraps(builder)
    def build(*positional: Any, input_tensor: Any = None, **arguments: Any) -> Any:
        import keras

        if input_tensor is not None:
            if "input_shape" in signature.parameters and not positional:
                arguments = _shape_of(input_tensor) | arguments
            return on_inputs(build(*positional, **arguments), input_tensor)
        if fitting is not None and arguments.get("weights") is not None:
            given = signature.bind_partial(*positional, **arguments).arguments
            positional, arguments = (), fitting(build, given)
        refuse_large(builder, positional, arguments)
        weights, shared = arguments.get("weights"), _same_numbers_in_a_row()
        if weights is None and not shared:
            return builder(*positional, **arguments)
        with keras.StatelessScope() as scope:
            network = builder(*positional, **arguments)
            given = {v.path: scope.get_current_value(v) for v in network.weights}
            empty = [path for path, value in given.items() if value is None]
            if weights is not None and empty:
                raise InputError(f"{weights}: does not hold all of {network.name}: {empty[0]}")
            for variable in network.variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    variable._initializer = functools.partial(_given, value)
                elif shared:
                    variable._initializer = in_a_row(variable._initializer)
        return network  # the end of the scope gave the variables their values

    added = inspect.Parameter("input_tensor", inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters = [*signature.parameters.values(), added]
    build.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return build  # type: ignore[return-value]


def on_inputs(network: Any, tensors: Any) -> Any:
    """The same layers on other inputs.

    Args:
        network: a `keras.Model` of the Functional API.
        tensors: what `keras.Input` gave; a list of one for each input, or a dictionary by name.

    Raises:
        InputError: for another number, other names, shapes that do not fit, or what is no input.
    """
    import keras

    names = [tensor.name for tensor in network.inputs]
    if isinstance(tensors, dict) and sorted(tensors) == sorted(names):
        tensors = [tensors[name] for name in names]
    tensors = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
    if len(tensors) != len(names) or isinstance(tensors[0], dict):
        raise InputError(f"input_tensor: {network.name} takes a tensor for each of {names}.")
    for own, other in zip(network.inputs, tensors, strict=True):
        if not keras.utils.is_keras_tensor(other) or not _is_input(other):
            raise InputError(
                f"input_tensor for {own.name!r} is not what keras.Input gave; to put a network on "
                "other layers, call it on their tensor."
            )
        if other.shape[1:] != own.shape[1:]:
            raise InputError(
                f"input_tensor of {other.shape[1:]} for {own.name!r}: {network.name} takes "
                f"{own.shape[1:]}."
            )
    tensors = keras.tree.pack_sequence_as(network.input, tensors)
    return keras.models.clone_model(network, input_tensors=tensors, clone_function=_itself)


def _is_input(tensor: Any) -> bool:
    import keras

    return keras.utils.get_source_inputs(tensor)[0] is tensor


def _itself(layer: Any) -> Any:
    return layer


def _shape_of(tensors: Any) -> dict:
    """`input_shape` of the one tensor that is given, if its sides are known; nothing of several."""
    several = list(tensors.values()) if isinstance(tensors, dict) else tensors
    several = several if isinstance(several, list | tuple) else [several]
    shape = tuple(getattr(several[0], "shape", ()))[1:] if len(several) == 1 else ()
    return {"input_shape": shape} if shape and None not in shape else {}


def refuse_large(builder: Callable, positional: tuple, arguments: dict) -> None:
    """Refuses arguments that make a network no memory holds, before any of it is made.

    Unusual arguments are tried with variables that have a shape and no values.

    Args:
        builder: of a network.
        positional, arguments: of the builder.

    Raises:
        InputError: for an argument above `LARGEST_ARGUMENT`, a shape above `LARGEST_SAMPLE`, more
            than `LARGEST_NETWORK` weights, or a layer that gives more values for one sample.

    Example:

    >>> from merzoo.models import OffApexNet
    >>> OffApexNet(input_shape=(9000, 9000, 3))
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: input_shape of 9000 x 9000 x 3 is 243000000 values; 33554432 are \
the most: give smaller sides.
    """
    large = False
    for place, value in [*enumerate(positional), *arguments.items()]:
        name = place if isinstance(place, str) else f"argument {place}"
        if isinstance(value, list | tuple) and value and all(type(v) is int for v in value):
            check_size(name, value)
            large |= math.prod(value) > _USUAL_SAMPLE
        elif type(value) is int:
            if value > LARGEST_ARGUMENT:
                raise InputError(f"{name}={value} is too large; {LARGEST_ARGUMENT} is the most.")
            large |= value > _USUAL_ARGUMENT
    if large:
        _count_without_values(builder, positional, arguments | {"weights": None})


def _count_without_values(builder: Callable, positional: tuple, arguments: dict) -> None:
    import keras

    with keras.StatelessScope():
        network = builder(*positional, **arguments)
        leave_without_values(network)
        weights = sum(math.prod(variable.shape) for variable in network.weights)
        outputs = [keras.tree.flatten(layer.output) for layer in network.layers]
        sizes = [math.prod(tensor.shape[1:]) for of in outputs for tensor in of]
    for what, size in (("weights", weights), ("values in one layer", max(sizes))):
        if size > LARGEST_NETWORK:
            raise InputError(
                f"{network.name} would have {size} {what}; {LARGEST_NETWORK} are the most: give a "
                "smaller input_shape, or smaller arguments."
            )


def leave_without_values(network: Any) -> None:
    """Keeps a network from making its initial values, which a large one takes seconds for.

    Its layers, and the shapes of its weights, can be asked for as long as the scope is open.

    Args:
        network: built inside of the `keras.StatelessScope` that this is called in.

    Example:

    >>> import keras
    >>> from merzoo.models import STSTNet
    >>> with keras.StatelessScope():
    ...     network = STSTNet()
    ...     leave_without_values(network)
    ...     network.count_params()
    1715
    """
    import numpy as np

    for variable in network.variables:  # the end of the scope would make the values
        variable._initializer = functools.partial(_given, np.zeros(()))


def _given(value: Any, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """An initializer of Keras' form that gives one value."""
    return value


def _same_numbers_in_a_row() -> bool:
    """Whether a random number depends on its place and the seed alone: so does JAX's default."""
    import keras

    if keras.backend.backend() != "jax" or keras.distribution.distribution() is not None:
        return False
    import jax

    settings: Any = jax.config  # whose attributes type checkers do not know
    threefry = settings.jax_default_prng_impl == "threefry2x32"
    return threefry and settings.jax_threefry_partitionable


def in_a_row(initializer: Callable) -> Callable:
    """An initializer that gives the same values by drawing a longer row of numbers.

    Args:
        initializer: of Keras' form; one that is not random, or of an unknown kind, is returned.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> glorot = keras.initializers.GlorotUniform(seed=1)
    >>> np.array_equal(in_a_row(glorot)((3, 3, 8, 5)), glorot((3, 3, 8, 5)))
    True
    """
    import keras
    import numpy as np

    known = keras.initializers
    kinds = (known.RandomUniform, known.RandomNormal, known.TruncatedNormal, known.VarianceScaling)
    own = type(initializer).__module__.startswith("keras.")
    if not (own and isinstance(initializer, kinds) and isinstance(initializer.seed, int)):
        return initializer

    def draw(shape: tuple[int, ...], dtype: Any = None) -> Any:
        size = math.prod(shape)
        row = next((length for length in ROWS if length >= size), None)
        if row is None:
            return initializer(shape, dtype=dtype)
        drawn, settings = _distribution(initializer, shape)
        values = drawn((row,), dtype=dtype, seed=initializer.seed, **settings)
        return keras.ops.convert_to_tensor(np.asarray(values)[:size].reshape(shape))

    return draw


def _distribution(initializer: Any, shape: tuple[int, ...]) -> tuple[Callable, dict]:
    """What one of Keras' initializers draws from, and the settings for a shape."""
    import keras

    known, draw = keras.initializers, keras.random
    if isinstance(initializer, known.RandomUniform):
        return draw.uniform, {"minval": initializer.minval, "maxval": initializer.maxval}
    if isinstance(initializer, known.RandomNormal | known.TruncatedNormal):
        truncated = isinstance(initializer, known.TruncatedNormal)
        settings = {"mean": initializer.mean, "stddev": initializer.stddev}
        return (draw.truncated_normal if truncated else draw.normal), settings
    fan_in, fan_out = _fans(initializer, shape)
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
    scale = initializer.scale / max(1.0, fans[initializer.mode])
    if initializer.distribution == "uniform":
        limit = math.sqrt(3.0 * scale)
        return draw.uniform, {"minval": -limit, "maxval": limit}
    if initializer.distribution == "untruncated_normal":
        return draw.normal, {"mean": 0.0, "stddev": math.sqrt(scale)}
    # A normal distribution that is cut off at two deviations has this deviation itself.
    return draw.truncated_normal, {"mean": 0.0, "stddev": math.sqrt(scale) / 0.87962566103423978}


def _fans(initializer: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers of inputs and outputs that share a weight, as Keras counts them."""
    axes = initializer.input_axes, initializer.output_axes
    if None not in axes:
        return math.prod(shape[a] for a in axes[0]), math.prod(shape[a] for a in axes[1])
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    places = math.prod(shape[:-2])
    return shape[-2] * places, shape[-1] * places
