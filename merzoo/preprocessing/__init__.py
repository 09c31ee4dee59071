"""From clips to the modalities that a model's named inputs ask for."""

from merzoo.preprocessing.pipeline import prepare
from merzoo.preprocessing.samples import load_samples

__all__ = ["load_samples", "prepare"]
