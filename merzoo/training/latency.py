"""How long a network takes on this machine: medians of calls whose first ones are not counted."""

import time
from collections.abc import Callable, Mapping

import numpy as np

from merzoo.models.random_inputs import random_inputs


def seconds(
    functions: Mapping[str, Callable[[], object]], budget: float, block: int = 5
) -> dict[str, float]:
    """Median seconds a call of each function, in turn by blocks whose first call is not counted.

    Args:
        functions: name -> what is called.
        budget: seconds to spend on each at least.
        block: calls counted in a turn.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
        function()
    end = time.perf_counter() + budget * len(functions)
    while min(map(len, times.values())) < block or time.perf_counter() < end:
        for name, function in functions.items():
            for turn in range(block + 1):
                start = time.perf_counter()
                function()
                if turn or len(functions) == 1:
                    times[name].append(time.perf_counter() - start)
    return {name: float(np.median(found)) for name, found in times.items()}


def compiled(model, jit: bool | None = None):
    """The model compiled as merzoo trains it, or with XLA or without."""
    from merzoo.training.devices import xla_pays

    jit = xla_pays() if jit is None else jit
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit)
    return model


def latency(model, budget: float = 0.3) -> float:
    """Median seconds in which a compiled network predicts one sample (of random values).

    Args:
        model: see `compiled`.
        budget: seconds to spend at least; six calls are made in any case.

    Example:

    >>> from merzoo.models import create_model
    >>> 0 < latency(compiled(create_model("ststnet")), budget=0.0) < 60
    True
    """
    one = random_inputs(model, 1)
    return seconds({"it": lambda: model.predict_on_batch(one)}, budget)["it"]
