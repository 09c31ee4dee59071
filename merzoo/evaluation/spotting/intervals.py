"""Found and true intervals as values and as tables: the form in which they are kept and judged.

A run's folder holds `videos.csv` (one row a video), `truth.csv` (one row an expression, and one for
each disturbance where these are known) and `intervals.csv` (one row an interval that was found).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

from merzoo.data.long_videos import KINDS, LongVideo
from merzoo.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas

WHERE = ["dataset", "subject", "video"]
FOUND = ["seed", *WHERE, "kind", "onset", "apex", "offset", "score", "reported"]
TRUTH = [*WHERE, "kind", "onset", "apex", "offset", "label"]
VIDEOS = [*WHERE, "frames", "fps"]


@dataclass(frozen=True)
class Interval:
    """An expression that a spotter found.

    Args:
        onset, offset: 0-based positions of its first and last frame in the video.
        kind: `"micro"` or `"macro"`.
        score: how sure the spotter is, the more the larger; `None` where it does not say.
        apex: position of its strongest frame, or `None`.
        reported: whether it is part of the answer; candidates below the spotter's threshold are
            kept for the average precision only.
    """

    onset: int
    offset: int
    kind: str = "micro"
    score: float | None = None
    apex: int | None = None
    reported: bool = True


def as_intervals(found, frames: int, where: str) -> list[Interval]:
    """What a spotter of somebody's own returned, checked, in order of time.

    Args:
        found: a sequence of (onset, offset), (onset, offset, kind) or (onset, offset, kind, score),
            of mappings or of objects with these names (as `Interval` and `Spot`).
        frames: of the video.
        where: names spotter and video, for messages.

    Raises:
        InputError: for anything else, positions outside of the video, an unknown kind or a score
            that is no number.

    Example:

    >>> as_intervals([(8, 12), (1, 4, "macro", 0.5)], 20, "mine on a/film")
    ... # doctest: +NORMALIZE_WHITESPACE
    [Interval(onset=1, offset=4, kind='macro', score=0.5, apex=None, reported=True),
     Interval(onset=8, offset=12, kind='micro', score=None, apex=None, reported=True)]
    """
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise InputError(
            f"{where}: returned {type(found).__name__}; a spotter returns a list of (onset, offset)"
            f", (onset, offset, kind) or (onset, offset, kind, score)."
        )
    intervals = [_interval(one, frames, where) for one in found]
    return sorted(intervals, key=lambda one: (one.onset, one.offset, one.kind))


def _interval(one, frames: int, where: str) -> Interval:
    names = ("onset", "offset", "kind", "score", "apex", "reported")
    if isinstance(one, Mapping):
        said = {name: one[name] for name in names if name in one}
    elif hasattr(one, "onset"):
        said = {name: getattr(one, name) for name in names if hasattr(one, name)}
    elif isinstance(one, Sequence) and not isinstance(one, str) and 2 <= len(one) <= 4:
        said = dict(zip(names, one, strict=False))
    else:
        raise InputError(f"{where}: {one!r} is no interval; give (onset, offset, kind, score).")
    for name in ("onset", "offset", *(["apex"] if said.get("apex") is not None else [])):
        value = said.get(name)
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise InputError(f"{where}: {name} {value!r} of {one!r} is no position of a frame.")
        said[name] = int(value)
    if not 0 <= said["onset"] <= said["offset"] < frames:
        raise InputError(
            f"{where}: the interval {said['onset']}..{said['offset']} does not lie in its frames "
            f"0..{frames - 1}."
        )
    if said.get("kind", "micro") not in KINDS:
        raise unknown(f"kind of expression ({where})", str(said["kind"]), KINDS)
    score = said.get("score")
    if score is not None:
        if isinstance(score, bool) or not isinstance(score, Real) or not math.isfinite(score):
            raise InputError(f"{where}: the score {score!r} of {one!r} is no number.")
        said["score"] = float(score)
    return Interval(**said)


def found_table(rows: Iterable[tuple[int, LongVideo, Interval]]) -> "pandas.DataFrame":
    """`intervals.csv` of (seed, video, interval)."""
    import pandas as pd

    table = [
        (seed, *_where(video), i.kind, i.onset, i.apex, i.offset, i.score, i.reported)
        for seed, video, i in rows
    ]
    found = pd.DataFrame(table, columns=FOUND)
    return found.astype({"apex": "Int64", "score": "float64"})


def truth_table(videos: Iterable[LongVideo]) -> "pandas.DataFrame":
    """`truth.csv`: the expressions, and the disturbances under their own kinds."""
    import pandas as pd

    rows: list[tuple] = []
    for video in videos:
        for clip in video.expressions:
            if clip.onset is not None and clip.offset is not None:
                row = (clip.split, clip.onset, clip.apex, clip.offset, clip.label)
                rows.append((*_where(video), *row))
        for other in video.disturbances:
            rows.append((*_where(video), other.kind, other.onset, None, other.offset, None))
    return pd.DataFrame(rows, columns=TRUTH).astype({"apex": "Int64"})


def videos_table(videos: Iterable[LongVideo]) -> "pandas.DataFrame":
    """`videos.csv`."""
    import pandas as pd

    rows = [(*_where(video), len(video.frames), video.fps) for video in videos]
    return pd.DataFrame(rows, columns=VIDEOS)


def _where(video: LongVideo) -> tuple[str, str, str]:
    return video.dataset, video.subject, video.id
