"""What can be chosen on the page, by the words that it shows."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.errors import InputError, unknown
from merzoo.models.registry import list_models
from merzoo.names import invented
from merzoo.prediction.classify import Classifier
from merzoo.prediction.defaults import DEFAULT_WEIGHTS
from merzoo.preprocessing.face import DETECTORS, check_detector
from merzoo.weights.manifest import entries, find

HOW = {
    "auto": "decide by length",
    "spot": "spot expressions",
    "whole": "the clip is one expression",
}
FACE = {
    "only": "there is only one",
    "largest": "the largest",
    "left": "the one at the left",
    "right": "the one at the right",
}
_DETECTOR = {
    "auto": "automatic",
    "dlib": "dlib",
    "haar": "haar",
    "yunet": "yunet",
    "none": "none: the pictures are face crops",
}
LABELS = {
    "model": "Model",
    "how": "How to read a video",
    "detector": "Face detector",
    "face": "Which face",
    "fps": "Frames per second",
}


@dataclass(frozen=True)
class Chosen:
    """What one user has chosen.

    Args:
        model: as `merzoo.prediction.Classifier` takes it.
        weights: likewise.
        how: `"auto"`, `"spot"` or `"whole"`.
        fps: frames per second in place of the file's own, or `None`.
        parameters: choices of preprocessing.
    """

    model: str
    weights: str | None = None
    how: str = "auto"
    fps: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


class Choices:
    """The choices of one page.

    Args:
        model: that is chosen at first; a name of `merzoo.list_models()`, `"module:function"` or a
            `.keras` file.
        weights: of it, as `merzoo.prediction.Classifier` takes them.

    Raises:
        InputError: for a model or weights that do not exist or cannot be used.

    Example:

    >>> choices = Choices("ststnet")
    >>> choices.first, choices.models["ststnet.synthetic"]
    ('ststnet.synthetic', 'ststnet.synthetic: invented faces')
    >>> choices.read("dfrnet.synthetic", "auto", "none", "only", None).parameters
    {'detector': 'none'}
    """

    def __init__(self, model: str, weights: str | None = None):
        networks = list_models(kind="network", weights=True)
        known = {entry.id: entry for entry in entries() if entry.id in networks}
        self._named = {name: (entry.network, name) for name, entry in known.items()}
        self.models = {name: f"{name}: {_trained_on(entry)}" for name, entry in known.items()}
        self.first = _name_of(model, weights)
        if self.first not in known:
            Classifier(model, weights)  # of one's own: loaded once, to be refused here if at all
            self._named = {self.first: (model, weights)} | self._named
            self.models = {self.first: self.first} | self.models
        self.detectors = {name: _DETECTOR[name] for name in ("auto", *filter(_usable, DETECTORS))}

    def read(self, model, how, detector, face, fps) -> Chosen:
        """What a browser has sent, checked.

        Raises:
            InputError: for something that the page does not offer.
        """
        offered = {"model": self.models, "how": HOW, "detector": self.detectors, "face": FACE}
        for name, value in (("model", model), ("how", how), ("detector", detector), ("face", face)):
            if not isinstance(value, str) or value not in offered[name]:
                raise unknown(LABELS[name], str(value)[:80], list(offered[name]))
        usual = {"detector": "auto", "face": "only"}
        parameters = {"detector": detector, "face": face}
        own = {name: value for name, value in parameters.items() if value != usual[name]}
        return Chosen(*self._named[model], how, _rate(fps), own)

    def worded(self, message: str) -> str:
        """A message in the page's words: where it names an option of the command line.

        >>> choices = Choices("ststnet")
        >>> choices.worded("no face; choose the detector 'none' (--detector none).")
        "no face; choose the detector 'none' (Face detector: none: the pictures are face crops)."
        >>> choices.worded("its frame rate cannot be right; give fps (--fps).")
        'its frame rate cannot be right; give fps (Frames per second).'
        >>> choices.worded("name its weights (--weights): a tag")
        'name its weights: a tag'
        >>> choices.detectors.pop("dlib", None) and None
        >>> choices.worded("not both eyes; choose the detector 'dlib'.")
        "not both eyes; the detector 'dlib' would help, which this page lacks."
        """
        words = {"how": HOW, "detector": _DETECTOR, "face": FACE}

        def said(found: re.Match) -> str:
            name, value = found["name"], found["value"]
            before, after = found["open"] or "", found["close"] or ""
            if name not in LABELS:
                return "" if before and after else before + after
            choice = f": {words[name].get(value, value)}" if value and name in words else ""
            return f"{before}{LABELS[name]}{choice}{after}"

        def lacking(found: re.Match) -> str:
            if found["name"] in self.detectors:
                return found[0]
            return f"the detector {found['name']!r} would help, which this page lacks"

        message = re.sub(r"choose the detector '(?P<name>\w+)'", lacking, message)
        return _OPTION.sub(said, message)


_OPTION = re.compile(
    r"(?P<open> ?\()?(?:fps, )?--(?P<name>[a-z][a-z-]*)(?: (?P<value>[a-z]+)(?=\)))?(?P<close>\))?"
)


def _rate(text) -> float | None:
    """Frames per second from what was typed, or `None` for nothing.

    >>> _rate(" 29,97 "), _rate("")
    (29.97, None)
    """
    try:
        rate = float(str(text or "").strip().replace(",", ".") or "nan")
    except ValueError:
        rate = 0.0
    if math.isnan(rate):
        return None
    if not 1 <= rate <= 10_000:
        raise InputError(f"{LABELS['fps']}: give a number from 1 to 10000, or nothing.")
    return rate


def _usable(detector: str) -> bool:
    try:
        check_detector(detector)
    except InputError:
        return False
    return True


def _trained_on(entry) -> str:
    return "invented faces" if invented(entry.trained_on) else ", ".join(entry.trained_on)


def _name_of(model: str, weights: str | None) -> str:
    """What the page calls the model that it was started with; checked to exist."""
    if model.endswith(".keras"):
        if not Path(model).is_file():
            raise InputError(f"{model}: no such file.")
        return os.path.basename(model)
    weights = str(weights or DEFAULT_WEIGHTS)
    if ":" not in model and model not in list_models(kind="network"):
        raise unknown("model", model, list_models(kind="network"))
    if Path(weights).exists():
        return f"{model} with {weights}"
    if weights.endswith(".weights.h5") or os.sep in weights:
        raise InputError(f"{weights}: no such file or folder of weights.")
    return find(weights, model).id if ":" not in model else f"{model} with {weights}"
