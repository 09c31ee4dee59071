"""Networks as spotters: trained on windows of the training people's videos, by the one `Trainer`.

A network that takes `flow_image` is trained once for each kind of expression, on the flow over
windows of a fixed length: a window is of an expression if they share a frame (Liong et al.,
"Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long Videos",
ICIP 2021, whose k is 6 frames for micro- and 18 for macro-expressions at 30 a second in CAS(ME)^2:
0.2 and 0.6 seconds). Its curve's peaks are reported with k frames on both sides. A network that
takes `region_motion` is trained once, on whether the middle frame of a window is of a micro- or a
macro-expression or of none; an expression goes as far as the curve stays above half of its peak.

A third of each fold's training people are not trained on: smoothing and threshold are chosen on
them, by a network that has never seen them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from merzoo.data.long_videos import KINDS, LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.spotting.choosing import Choice, choose
from merzoo.evaluation.spotting.features import (
    FlowWindows,
    KeptWindows,
    MotionWindows,
    Watched,
    Windows,
)
from merzoo.evaluation.spotting.intervals import Interval
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import Learner, check_classes
from merzoo.training.parts import Part
from merzoo.training.probabilities import Unlabelled
from merzoo.training.recipes import recipe_as_dict
from merzoo.training.trainer import Trainer
from merzoo.training.validation import inner_split

FLOW, MOTION = "flow_image", "region_motion"
SECONDS = {"micro": 0.2, "macro": 0.6}  # k
SMOOTHINGS = (0.5, 1.0)  # of a window of 2 k frames, whose mean is taken; 1 is the paper's
INNER = 1 / 3  # share of the training people on whom is chosen
_DULLEST = 0.02  # least peak of a curve that is a candidate at all


@dataclass(frozen=True)
class _Net:
    """One training: which windows it takes, its classes, and the class of each kind."""

    windows: str
    modality: str
    classes: tuple[str, ...]
    kinds: dict[str, int]


@dataclass
class NetworkSpotter:
    """A network as a spotter.

    Args:
        learner: of a network with the input `flow_image` or `region_motion`.
    """

    learner: Learner
    deterministic: bool = False
    motion: bool = True
    _trainers: dict[str, Trainer] = field(default_factory=dict, repr=False)

    def __post_init__(self):
        inputs = self.learner.inputs or {}
        if self.learner.kind != "network" or set(inputs) not in ({FLOW}, {MOTION}):
            taken = ", ".join(sorted(inputs)) or "other input"
            raise InputError(
                f"{self.learner.name} takes {taken}; as a spotter a network takes {FLOW} alone "
                f"(windows of flow) or {MOTION} alone (movement of the regions)."
            )
        ((self.modality, self.shape),) = inputs.items()
        if self.learner.recipe.model_arguments.get("classes"):
            raise InputError(f"recipe {self.learner.recipe.name}: a spotter's classes are its own.")

    @property
    def name(self) -> str:
        return self.learner.name

    @property
    def origin(self) -> str | None:
        return self.learner.origin

    def windows(self) -> dict[str, Windows]:
        if self.modality == FLOW:
            return {kind: FlowWindows(SECONDS[kind], self.shape) for kind in KINDS}
        return {"both": MotionWindows(self.shape)}

    def nets(self) -> list[_Net]:
        """The trainings that make the spotter."""
        if self.modality == FLOW:
            return [_Net(kind, FLOW, ("none", kind), {kind: 1}) for kind in KINDS]
        places = {kind: place for place, kind in enumerate(KINDS, 1)}
        return [_Net("both", MOTION, ("none", *KINDS), places)]

    def settle(
        self, watched: Sequence[Watched], truth: Sequence[LongVideo], seed: int, fold: str
    ) -> "SettledNetwork":
        curves: dict[str, Any] = {}
        choices: dict[str, Choice] = {}
        history: dict[str, list[float]] = {}
        shown = {kind for kind in KINDS if any(video.intervals(kind) for video in truth)}
        for net in self.nets():
            if shown and not shown & set(net.kinds):
                continue  # training people show none of this kind: none is looked for
            data = _samples(net, watched, truth)
            rows, held = inner_split(data, seed, fold, INNER)
            inner, people = data.take(rows), set(data.subject[held].tolist())
            check_classes(inner, fold)
            trainer = self._trainer(net, len(data))
            found = trainer.fit_fold(inner, seed, fold)
            history |= {f"{net.windows}_{name}": values for name, values in found.items()}
            weights = trainer.model.get_weights()
            chosen_on = [i for i, video in enumerate(truth) if video.subject in people]
            for kind, place in net.kinds.items():
                curve = _Curve(trainer, weights, net, kind, place)
                curves[kind] = curve
                choices[kind] = choose(
                    curve.candidates,
                    [watched[i] for i in chosen_on],
                    [truth[i] for i in chosen_on],
                    kind,
                    SMOOTHINGS,
                )
        return SettledNetwork(curves, choices, history)

    def _trainer(self, net: _Net, samples: int) -> Trainer:
        """The trainer of a net; folds share it, whatever their numbers of samples."""
        if net.windows not in self._trainers:
            steps = self.learner.recipe.steps(samples)
            self._trainers[net.windows] = Trainer(self.learner, net.classes, steps)
        return self._trainers[net.windows]

    def facts(self) -> dict[str, Any]:
        recipe = self.learner.recipe
        return {
            "recipe": recipe_as_dict(recipe),
            "model_arguments": recipe.model_arguments,
            "seconds": SECONDS,
            "smoothings": list(SMOOTHINGS),
            "share_chosen_on": INNER,
        }


def _samples(net: _Net, watched: Sequence[Watched], truth: Sequence[LongVideo]) -> Part:
    """The labelled windows of training people, left where they lie."""
    found = [_windows(one, net) for one in watched]
    labels, names = [], []
    for kept, video in zip(found, truth, strict=True):
        labels.append(_labels(net, kept.centres, video))
        names += [(video.subject, video.dataset, f"{video.id}#{place}") for place in kept.centres]
    subject, dataset, clip = zip(*names, strict=True) if names else ((), (), ())
    known = Arrays({}, np.concatenate(labels), subject, dataset, clip, net.classes, "long videos")
    rows = np.concatenate([kept.rows for kept in found])
    return Part(known, rows, {net.modality: found[0].shared})


def _windows(one: Watched, net: _Net) -> KeptWindows:
    assert one.windows is not None
    return one.windows[net.windows]


def _labels(net: _Net, centres: np.ndarray, video: LongVideo) -> np.ndarray:
    label = np.zeros(len(centres), np.int64)
    for kind, place in net.kinds.items():
        reach = 0
        if net.modality == FLOW:
            assert video.fps is not None
            reach = max(1, round(SECONDS[kind] * video.fps)) // 2
        for onset, offset in video.intervals(kind):
            label[(centres + reach >= onset) & (centres - reach <= offset)] = place
    return label


@dataclass
class _Curve:
    """How likely each frame of a video is of one kind of expression, by one trained network."""

    trainer: Trainer
    weights: list
    net: _Net
    kind: str
    place: int
    _kept: dict[int, tuple] = field(default_factory=dict, repr=False)

    def of(self, one: Watched) -> tuple[np.ndarray, np.ndarray]:
        """Centres (N,) of the windows, and probabilities (N,)."""
        if id(one) not in self._kept:
            kept = _windows(one, self.net)
            centres, samples = kept.centres, kept.samples
            values = np.zeros(len(centres))
            if len(centres):
                self.trainer.model.set_weights(self.weights)
                data = Unlabelled({self.net.modality: samples})
                values = np.asarray(self.trainer.predict(data))[:, self.place].astype(float)
            self._kept[id(one)] = (one, centres, values)  # kept, so that its id stays its own
        return self._kept[id(one)][1:]

    def candidates(self, one: Watched, smoothing: float) -> list[Interval]:
        """The peaks of the smoothed curve as intervals, each with its height as score."""
        from scipy.ndimage import uniform_filter1d
        from scipy.signal import find_peaks

        centres, values = self.of(one)
        if len(centres) < 3:
            return []
        frames = np.arange(one.frames)
        curve = np.interp(frames, centres, values, left=0.0, right=0.0)
        reach = max(1, round(SECONDS[self.kind] * one.fps))  # k
        curve = uniform_filter1d(curve, max(1, round(2 * smoothing * reach)), mode="nearest")
        peaks, _ = find_peaks(curve, height=_DULLEST, distance=reach)
        ends = self._around if self.net.modality == FLOW else _half_height
        found = []
        for peak in peaks.tolist():
            onset, offset = ends(curve, peak, reach)
            found.append(Interval(onset, offset, self.kind, float(curve[peak]), peak))
        return found

    @staticmethod
    def _around(curve: np.ndarray, peak: int, reach: int) -> tuple[int, int]:
        return max(0, peak - reach), min(len(curve) - 1, peak + reach)


def _half_height(curve: np.ndarray, peak: int, reach: int) -> tuple[int, int]:
    """As far as the curve stays above half of its peak.

    >>> _half_height(np.array([0, 1, 3, 4, 3, 1, 0]), 3, 1)
    (2, 4)
    """
    low = curve < curve[peak] / 2
    before, after = np.flatnonzero(low[:peak]), np.flatnonzero(low[peak:])
    onset = int(before[-1]) + 1 if len(before) else 0
    offset = peak + int(after[0]) - 1 if len(after) else len(curve) - 1
    return onset, offset


@dataclass
class SettledNetwork:
    """The trained networks of a fold, with what was chosen for each kind."""

    curves: dict[str, _Curve]
    choices: dict[str, Choice]
    history: dict[str, list[float]]

    def spot(self, watched: Watched) -> list[Interval]:
        found: list[Interval] = []
        for kind, choice in self.choices.items():
            found += choice.applied(self.curves[kind].candidates(watched, choice.smoothing))
        return sorted(found, key=lambda one: one.onset)

    def facts(self) -> dict[str, Any]:
        chosen = {kind: choice.as_dict() for kind, choice in self.choices.items()}
        return chosen | {"history": self.history}
