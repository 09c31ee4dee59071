"""From clips to the modalities that a model's named inputs ask for, and samples as arrays."""

from merzoo.preprocessing.arrays import Arrays, read_arrays
from merzoo.preprocessing.pipeline import prepare
from merzoo.preprocessing.samples import load_samples

__all__ = ["Arrays", "load_samples", "prepare", "read_arrays"]
