"""The leak audit: what of the test samples could reach training, said before training.

Each file looks for kinds of leak and returns `Finding`s; `find_leaks` asks them all. What is
certain is an error and stops an evaluation; what is likely, or a matter of honest reporting, is a
warning.
"""

from merzoo.evaluation.leakage.find import find_leaks, stop_at_leaks
from merzoo.evaluation.leakage.findings import KINDS, UNSEEN, Finding

__all__ = ["KINDS", "UNSEEN", "Finding", "find_leaks", "stop_at_leaks"]
