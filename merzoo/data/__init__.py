"""From files to clips and arrays: adapters, label maps, synthetic clips. No Keras here."""

from typing import TYPE_CHECKING

from merzoo.data.clip import Clip
from merzoo.data.datasets import load, load_long, parse_data
from merzoo.moved import moved_names

if TYPE_CHECKING:
    from merzoo.data.synthetic import synthesize

__all__ = ["Clip", "load", "load_long", "parse_data", "synthesize"]


def __getattr__(name):
    if name == "synthesize":  # loaded when used: the generator needs SciPy
        from merzoo.data.synthetic import synthesize

        return synthesize
    return moved_names(__name__, above=1)(name)
