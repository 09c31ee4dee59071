"""Invented faces that move: seeded micro-expression clips with exact ground truth.

`synthesize` writes a dataset in merzoo's own form or in that of a real set; `clips` gives the ones
that merzoo keeps for itself. See the README in this folder.
"""

from merzoo.data.synthetic.cached import clips
from merzoo.data.synthetic.generate import synthesize
from merzoo.data.synthetic.plan import DIFFICULTIES

__all__ = ["DIFFICULTIES", "clips", "synthesize"]
