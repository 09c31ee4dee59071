"""Trained weights: the manifest of what there is, downloading, checking, and loading into a model.

Never random weights in place of missing ones: whatever cannot be loaded is an error.
"""

from merzoo.weights.entry import WeightsEntry
from merzoo.weights.load import load

__all__ = ["WeightsEntry", "load"]
