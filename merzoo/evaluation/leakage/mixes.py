"""Samples that are a mean of two others, one of them on the other side of a split.

Of each sample the nearest are tried with every other one: a mixed sample lies on the line between
two, as near as rounding allows. Numbers of two things only lie on lines by nature, so a sample that
lies on several is left out.
"""

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.evaluation.leakage.pictures import pictures_of
from merzoo.modalities import modality

_SIDE = 32  # pixels; a mean of pictures is one of smaller ones too
_NEAREST = 8  # samples that are tried as one of the two
_SHARE = 0.15  # least share of either
_REST = 5e-4  # of the squared distance of the two, that may be left beside the line
_LINES = 4  # that a sample may lie on; more are no mixture


def mixed_samples(sides: Sides) -> list[Finding]:
    """Findings of samples that are means of two others, the three not on one side."""
    found: dict[int, tuple[int, int]] = {}
    for name, array in sides.data.modalities.items():
        if modality(name).is_image and len(array) > 3:
            for mixed, first, second in _mixtures(
                pictures_of(array, name, _SIDE).reshape(len(array), -1)
            ):
                pair = np.array([first, second])
                if sides.across(np.array([mixed, mixed]), pair).any():
                    found.setdefault(mixed, (first, second))
    if not found:
        return []
    named = [
        f"{sides.ids[c]} of {sides.ids[a]} and {sides.ids[b]}"
        for c, (a, b) in sorted(found.items())[:3]
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    message = (
        f"{len(found)} samples are means of two others that are not on their side: "
        f"{'; '.join(named)}{more}. Leave them out; mix training samples inside each fold."
    )
    rows = sorted({i for c, pair in found.items() for i in (c, *pair)})
    return [Finding("mixed samples", "warning", message, sides.names(rows))]


def _mixtures(pictures: np.ndarray) -> list[tuple[int, int, int]]:
    """(mixed, first, second) of rows of (N, D) that lie between two others."""
    x = pictures - pictures.mean(0)
    products = (x @ x.T).astype("float64")
    norms = np.diag(products)
    distance = np.maximum(norms[:, None] + norms[None] - 2 * products, 0)
    tiny = 1e-6 * max(float(norms.mean()), 1e-12)
    nearness = products / np.sqrt(np.maximum(norms[:, None] * norms[None], 1e-12))
    np.fill_diagonal(nearness, -np.inf)
    found = []
    for c in range(len(x)):
        near = np.argsort(-nearness[c])[:_NEAREST]
        lines = set()
        for a in near.tolist():
            between = distance[a]  # of a and every b
            # <c - b, a - b> by the law of cosines
            along = (distance[c] + between - distance[c, a]) / 2
            good = (between > tiny) & (distance[c] > tiny) & (distance[c, a] > tiny)
            share = np.divide(along, between, out=np.zeros_like(along), where=good)
            rest = distance[c] - share * along
            good &= (share > _SHARE) & (share < 1 - _SHARE) & (rest < _REST * between)
            lines |= {(min(a, b), max(a, b)) for b in np.flatnonzero(good).tolist() if b != c}
        if 0 < len(lines) <= _LINES:
            found += [(c, a, b) for a, b in sorted(lines)]
    return found
