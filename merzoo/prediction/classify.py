"""From a spotted segment to class probabilities, through the modalities that the model asks for."""

from collections.abc import Iterator, Sequence

import numpy as np

from merzoo.arguments import class_names
from merzoo.data.clip import Clip
from merzoo.data.frames import HeldFrames
from merzoo.data.labels import LABEL_MAPS
from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError, unknown
from merzoo.modalities import input_shapes
from merzoo.names import invented
from merzoo.prediction.defaults import DEFAULT_WEIGHTS, UNIT_WEIGHTS, network_of
from merzoo.prediction.spotting import Spot
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.extract import extractor
from merzoo.preprocessing.face import CROP_SIDE, Face, check_detector
from merzoo.preprocessing.finding import Box
from merzoo.preprocessing.parameters import check_parameters
from merzoo.training.confidence import Confidence
from merzoo.training.probabilities import Unlabelled, output_kind, predict
from merzoo.training.trained import load_trained
from merzoo.weights.entry import REAL
from merzoo.weights.manifest import entries

AUTO = "auto"
_LARGEST_FACE = 448  # pixels; larger faces are made smaller before they are kept
_LARGEST_WHOLE = 64e6  # bytes of a segment up to which its frames are kept as they are


class Classifier:
    """A model with its weights, and what is known of them.

    Args:
        model: a name of `merzoo.list_models()`, a builder, `"module:function"`, a built
            `keras.Model`, or the path of a `.keras` file (layers that would run code of the file's
            own are refused); `None` for the network that the weights say, else the default.
        weights: tag, run folder or `.weights.h5` path for a name or builder; `None` for
            `"synthetic"`, where the model is a name.
        classes: names of the classes in order, where the weights' entry does not say them.
        units: weights that say which action units move, beside the class: an id such as
            `"ststnet.synthetic-au"`, `"none"`, or `"auto"`: those of invented faces where the
            model's own weights are of such, else none.
        parameters: choices of preprocessing, see `merzoo.preprocessing.extract`.

    A network of action units itself (one sigmoid each) has units as its classes, and a segment's
    label is the combination of those above one half. `confidence` is what the weights' evaluation
    chose (`merzoo.training.confidence.Confidence`), or `None`: then probabilities are as the
    network says them.

    Raises:
        InputError: for a model or weights that cannot be used.
    """

    def __init__(
        self,
        model,
        weights=None,
        classes: Sequence[str] | None = None,
        units: str = AUTO,
        **parameters,
    ):
        if model is None:
            model = network_of(weights)
        if isinstance(model, str) and not model.endswith(".keras"):
            weights = weights or DEFAULT_WEIGHTS
        if classes is not None:
            classes = class_names(classes, "classes (--classes)")
        trained = load_trained(model, weights, classes)
        self.name, self.model, self.weights = trained.name, trained.model, trained.weights
        self.entry = trained.entry
        chosen = None if self.entry is None else self.entry.confidence
        self.confidence = None if chosen is None else Confidence(**chosen)
        self.shapes = input_shapes(self.model.inputs)
        self.parameters = check_parameters(
            {"action_units": "zero"} | trained.preprocessing | parameters
        )
        self.parameters["apex"] = "annotated"  # the spotter has found it
        check_detector(self.parameters["detector"])
        self.classes = self._class_names(classes)
        self.of_units = output_kind(self.model) == "yes or no"
        if self.of_units:
            self._check_units()
        self.units = self._beside(units, parameters)

    def _check_units(self) -> None:
        try:
            unit_table(self.classes)
        except InputError:
            raise InputError(
                f"{self.name} ends in a sigmoid, so its outputs are no probabilities of the "
                f"classes {', '.join(self.classes)}: end it in a softmax, or name action units "
                f"such as AU4 (classes, --classes)."
            ) from None

    def _beside(self, units: str, parameters: dict) -> "Classifier | None":
        """The network that says the action units of a segment, of which this one says the class."""
        if units == AUTO:
            if self.of_units or self.entry is None or not invented(self.entry.trained_on):
                return None
            units = UNIT_WEIGHTS
        if units == "none":
            return None
        known = [entry.id for entry in entries()]
        if units not in known:
            raise unknown("weights", units, known, "merzoo weights list shows all.")
        network, _, tag = units.rpartition(".")
        found = Classifier(network, tag, units="none", **parameters)
        if not found.of_units:
            raise InputError(f"units={units!r}: these weights say no action units.")
        return found

    def told_units(self, sample: dict[str, np.ndarray], clip, face, near) -> dict | None:
        """Unit -> probability that it moves in a clip, by the network beside; `None` without one.

        Args:
            sample: of the clip for this model, which is taken where both ask for the same.
            clip, face, near: as of `inputs`.
        """
        beside = self.units
        if beside is None:
            return None
        if (beside.shapes, beside.parameters) != (self.shapes, self.parameters):
            sample = beside.inputs(clip, face, near)
        (row,) = beside.probabilities([sample])
        return dict(zip(beside.classes, map(float, row), strict=True))

    def _class_names(self, classes) -> tuple[str, ...]:
        count = self.model.output_shape[-1]
        names = tuple(classes or (self.entry.classes if self.entry else ()))
        if not names:
            usual = LABEL_MAPS["megc3"].classes
            names = usual if len(usual) == count else tuple(f"class {k}" for k in range(count))
        if len(names) != count:
            raise InputError(f"the model has {count} classes, but {len(names)} names were given.")
        return names

    def facts(self) -> dict:
        """What a result says of its model: weights, classes, honest figures, for whom not."""
        facts: dict = {"name": self.name, "weights": self.weights, "classes": list(self.classes)}
        facts["confidence"] = None if self.confidence is None else self.confidence.as_dict()
        if self.units is not None:
            facts["units"] = self.units.facts()
        if self.entry is None:
            return facts | {
                "metrics": {},
                "note": "Nothing is known of how good these weights are.",
            }
        entry = self.entry
        return facts | {
            "id": entry.id,
            "licence": entry.licence,
            "trained_on": list(entry.trained_on),
            "protocol": entry.protocol,
            "metrics": dict(entry.metrics),
            "note": _note(entry),
        }

    def inputs(
        self, clip: Clip, face: Face | None = None, near: Box | None = None
    ) -> dict[str, np.ndarray]:
        """The modalities of one clip: name -> array of one sample.

        Args:
            clip: with its onset, apex and offset.
            face: in its onset frame, where it is known; else it is looked for.
            near: box of the face that is followed, of several.

        Raises:
            InputError: if they cannot be made, such as without a face.
        """
        aligned = AlignedClip(clip, self.parameters, face, near)
        return {
            name: extractor(name).extract(aligned, shape, self.parameters).astype(np.float32)
            for name, shape in self.shapes.items()
        }

    def probabilities(self, samples: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
        """(N, classes) of samples as `inputs` makes them; calibrated where the weights' card says
        by what.

        One at a time: films hold few expressions, and a single shape is compiled once, without
        samples that only fill a batch.
        """
        modalities = {
            name: np.stack([sample[name] for sample in samples])
            if samples
            else np.zeros((0, *shape), np.float32)
            for name, shape in self.shapes.items()
        }
        found = predict(self.model, Unlabelled(modalities), batch_size=1)
        if self.confidence is None:
            return found
        return (self.confidence.of_units if self.of_units else self.confidence.of)(found)

    def knows(self, shares: dict[str, float]) -> bool | None:
        """Whether it is sure enough of a segment: of its class, or of each unit that it says moves;
        `None` where its confidence is not calibrated."""
        if self.confidence is None:
            return None
        said = [p for p in shares.values() if p > 0.5] if self.of_units else [max(shares.values())]
        return bool(self.confidence.knows(said).all())


def _note(entry) -> str:
    """Whom weights have seen, and what that means for others."""
    if not invented(entry.trained_on):
        told = [
            f"{name}: UF1 {scores['uf1']:.3f}"
            for name, scores in entry.metrics.items()
            if "uf1" in scores
        ]
        measured = f" ({'; '.join(told)})" if told else ""
        return (
            f"Trained on {', '.join(entry.trained_on)} only{measured}; people, cameras and "
            "lighting unlike those may be judged wrongly."
        )
    told = [
        f"{scores['n']} samples of {name.removeprefix(REAL)}: UF1 {scores['uf1']:.3f}"
        for name, scores in entry.metrics.items()
        if name.startswith(REAL) and "uf1" in scores
    ]
    if not told:
        return "Trained on invented faces only: what it is worth on real faces was not measured."
    return (
        f"Trained on invented faces only. On real faces it was measured on {'; '.join(told)}; "
        "people, cameras and lighting unlike those may be judged worse."
    )


def clips_of(
    frames, spots: Sequence[Spot], faces, fps: float | None
) -> Iterator[tuple[Clip, Face | None, Box]]:
    """A clip in memory for each spot; one of many large frames is cut around its face.

    Args:
        frames: of the video, read in order.
        spots: in order of time.
        faces: (position, `Face`), not empty.
        fps: frames per second.

    Yields:
        The clip; the face in its onset frame, or `None` where it was not looked for there; and the
        box, in the clip's pixels, of the face where it was looked for nearest to its onset.
    """
    places = np.array([position for position, _ in faces])
    for number, spot in enumerate(spots):
        place, face = faces[int(np.abs(places - spot.onset).argmin())]
        held, whole, near = [], True, face.box
        for position in range(spot.onset, spot.offset + 1):
            frame = frames[position]
            whole = frame.nbytes * (spot.offset + 1 - spot.onset) <= _LARGEST_WHOLE
            if not whole:
                frame, near = _cut(frame, face)
            held.append(frame)
        clip = Clip(
            "predict",
            "predict/nobody",
            f"segment {number}",
            HeldFrames(held, "segment"),
            fps=fps,
            onset=0,
            apex=spot.apex - spot.onset,
            offset=spot.offset - spot.onset,
        )
        yield clip, face if whole and place == spot.onset else None, near


def _cut(frame: np.ndarray, face: Face) -> tuple[np.ndarray, Box]:
    """The frame around a face, half a face more on each side, of a size worth keeping; and the box.

    A small face keeps so much around it that the part is not taken for a face crop itself.
    """
    import cv2

    y1, x1, y2, x2 = face.box
    height, width = y2 - y1, x2 - x1
    above, beside = (max(n // 2, (CROP_SIDE + 2 - n) // 2) for n in (height, width))
    top, left = max(0, y1 - above), max(0, x1 - beside)
    part = frame[top : y2 + above, left : x2 + beside]
    scale = min(1.0, _LARGEST_FACE / max(height, width))
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    up, down, before, after = (
        round(scale * value) for value in (y1 - top, y2 - top, x1 - left, x2 - left)
    )
    return part.reshape(*part.shape[:2], frame.shape[-1]), (up, before, down, after)
