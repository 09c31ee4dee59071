"""Building a network for weights that a file has: no initial value is worked out to be replaced.

On JAX every shape of random initial values is a program of its own to compile, which takes ten
times as long as all else. Keras puts off the values of variables that are made inside its
`StatelessScope` until the scope ends, and what is assigned inside stays in the scope. So a network
is built and loaded inside; then each variable takes what the file assigned, and only those that no
file holds (the states of random generators) their own initial value. No variable ever has a
placeholder: one that the file should have had, and has not, is an error.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from merzoo.errors import InputError

Builder = TypeVar("Builder", bound=Callable)


def filled_by_file(builder: Builder) -> Builder:
    """A builder that, where it is called with `weights`, works out no value that these replace.

    Args:
        builder: its argument `weights` is the path of a file, or `None`. The network that it gives
            is not compiled, and its layers make their variables by `add_weight`, as Keras' do.

    Raises:
        InputError: of the returned builder, if the file left a weight of the network without value.

    Example:

    >>> from merzoo.models import STSTNet
    >>> from merzoo.weights.manifest import find, weights_folder
    >>> file = weights_folder() / find("synthetic", "ststnet").file
    >>> STSTNet(weights=file).count_params()
    1715
    """

    @functools.wraps(builder)
    def build(*positional: Any, **arguments: Any) -> Any:
        weights = arguments.get("weights")
        if weights is None:
            return builder(*positional, **arguments)
        import keras

        with keras.StatelessScope() as scope:
            network = builder(*positional, **arguments)
            empty = [v.path for v in network.weights if scope.get_current_value(v) is None]
            if empty:
                raise InputError(f"{weights}: does not hold all of {network.name}: {empty[0]}")
            for variable in network.variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    variable._initializer = functools.partial(_given, value)
        return network  # the end of the scope gave the variables their values

    return build  # type: ignore[return-value]


def _given(value: Any, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """An initializer of Keras' form that gives one value."""
    return value
