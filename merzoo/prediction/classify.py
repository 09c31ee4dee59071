"""From a spotted segment to class probabilities, through the modalities that the model asks for."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.data.labels import LABEL_MAPS
from merzoo.errors import InputError
from merzoo.prediction.spotting import Spot
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.extract import MODALITIES, check_parameters, input_shapes
from merzoo.preprocessing.face import Face
from merzoo.weights.entry import WeightsEntry
from merzoo.weights.keras_file import load_keras

DEFAULT_MODEL, DEFAULT_WEIGHTS = "ststnet", "synthetic"
BATCH = 8  # segments at a time, padded to one shape: nothing is compiled twice
_LARGEST_FACE = 448  # pixels; larger faces are made smaller before they are kept
_LARGEST_WHOLE = 64e6  # bytes of a segment up to which its frames are kept as they are


class Classifier:
    """A model with its weights, and what is known of them.

    Args:
        model: a name of `merzoo.list_models()`, a built `keras.Model`, or the path of a `.keras`
            file (layers that would run code of the file's own are refused).
        weights: tag, run folder or `.weights.h5` path for a name; `None` for `"synthetic"`.
        classes: names of the classes in order, where the weights' entry does not say them.
        parameters: choices of preprocessing, see `merzoo.preprocessing.extract`.

    Raises:
        InputError: for a model or weights that cannot be used.
    """

    def __init__(self, model, weights=None, classes: Sequence[str] | None = None, **parameters):
        self.entry: WeightsEntry | None = None
        self.name, self.weights = model, weights
        file = isinstance(model, str | os.PathLike) and str(model).endswith(".keras")
        if isinstance(model, str) and not file:
            self.model = self._build(model, weights or DEFAULT_WEIGHTS, classes)
        elif weights is not None:
            raise InputError("weights are for a model given by name; load them into yours first.")
        elif file:
            self.model, self.name = load_keras(model), Path(model).name
        else:
            self.model, self.name = model, model.name
        self.shapes = input_shapes(self.model.inputs)
        self.parameters = check_parameters({"action_units": "zero"} | parameters)
        self.parameters["apex"] = "annotated"  # the spotter has found it
        self.classes = self._class_names(classes)

    def _build(self, name: str, weights, classes):
        from merzoo.models import create_model
        from merzoo.weights.load import locate

        self.weights = str(weights)
        _, self.entry = locate(weights, name)
        arguments = {} if self.entry or not classes else {"classes": len(classes)}
        return create_model(name, weights=weights, **arguments)

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
        facts = {"name": self.name, "weights": self.weights, "classes": list(self.classes)}
        if self.entry is None:
            return facts | {
                "metrics": {},
                "note": "Nothing is known of how good these weights are.",
            }
        entry = self.entry
        invented = all(str(name).startswith("synthetic") for name in entry.trained_on)
        note = (
            "Trained on invented faces only: on real faces its answers mean nothing."
            if invented
            else f"Trained on {', '.join(entry.trained_on)} only; people, cameras and lighting "
            "unlike those may be judged wrongly."
        )
        return facts | {
            "id": entry.id,
            "licence": entry.licence,
            "trained_on": list(entry.trained_on),
            "protocol": entry.protocol,
            "metrics": dict(entry.metrics),
            "note": note,
        }

    def inputs(self, clip: Clip) -> dict[str, np.ndarray]:
        """The modalities of one clip: name -> array of one sample.

        Raises:
            InputError: if they cannot be made, such as without a face.
        """
        aligned = AlignedClip(clip, self.parameters)
        return {
            name: MODALITIES[name].extract(aligned, shape, self.parameters).astype(np.float32)
            for name, shape in self.shapes.items()
        }

    def probabilities(self, samples: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
        """(N, classes) of samples as `inputs` makes them."""
        rows = []
        for start in range(0, len(samples), BATCH):
            part = samples[start : start + BATCH]
            padded = [*part, *[part[0]] * (BATCH - len(part))]
            batch = {name: np.stack([sample[name] for sample in padded]) for name in self.shapes}
            rows.append(np.asarray(self.model.predict_on_batch(batch))[: len(part)])
        return np.concatenate(rows) if rows else np.zeros((0, len(self.classes)))


def clips_of(frames, spots: Sequence[Spot], faces, fps: float | None) -> Iterator[Clip]:
    """A clip in memory for each spot; one of many large frames is cut around its face.

    Args:
        frames: of the video, read in order.
        spots: in order of time.
        faces: (position, `Face`), not empty.
        fps: frames per second.
    """
    places = np.array([position for position, _ in faces])
    for number, spot in enumerate(spots):
        face = faces[int(np.abs(places - spot.onset).argmin())][1]
        cut = []
        for position in range(spot.onset, spot.offset + 1):
            frame = frames[position]
            whole = frame.nbytes * (spot.offset + 1 - spot.onset) <= _LARGEST_WHOLE
            cut.append(frame if whole else _cut(frame, face))
        yield Clip(
            "predict",
            "predict/nobody",
            f"segment {number}",
            ArrayFrames(np.stack(cut)),
            fps=fps,
            onset=0,
            apex=spot.apex - spot.onset,
            offset=spot.offset - spot.onset,
        )


def _cut(frame: np.ndarray, face: Face) -> np.ndarray:
    """The frame around a face, half a face more on each side, of a size worth keeping."""
    import cv2

    y1, x1, y2, x2 = face.box
    height, width = y2 - y1, x2 - x1
    top, left = max(0, y1 - height // 2), max(0, x1 - width // 2)
    part = frame[top : y2 + height // 2, left : x2 + width // 2]
    scale = _LARGEST_FACE / max(height, width)
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return part.reshape(*part.shape[:2], frame.shape[-1])
