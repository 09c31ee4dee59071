"""What a worker of the page does with one upload: predict, and draw what the page shows of it."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.app.choices import Chosen
from merzoo.errors import InputError
from merzoo.prediction import Classifier, Prediction, predict
from merzoo.prediction.classify import clips_of
from merzoo.prediction.sources import open_source
from merzoo.prediction.spotting import Spot
from merzoo.preprocessing.aligned_clip import AlignedClip

_SHOWN = 12  # segments that are drawn
_FACE = 224  # pixels of the drawn faces
_LARGEST_FRAME = 4096 * 2304  # pixels
_MODELS = 4  # that a worker keeps loaded


@dataclass(frozen=True)
class Job:
    """One upload.

    Args:
        source: as `merzoo.prediction.predict` takes it.
        folder: for the results.
        chosen: the model, and how to read the source.
        seconds: longest video that is taken.
    """

    source: str | tuple[str, str]
    folder: str
    chosen: Chosen
    seconds: float = 60.0


def make_work():
    """Returns the function that does one `Job`; it keeps the models that it has loaded."""
    import cv2

    cv2.setNumThreads(1)

    @functools.lru_cache(_MODELS)
    def loaded(model: str, weights: str | None, parameters: tuple) -> Classifier:
        return Classifier(model, weights, **dict(parameters))

    def work(job: Job, progress) -> dict:
        chosen, folder = job.chosen, Path(job.folder)
        source = open_source(job.source, chosen.fps)
        _check(source, job.seconds)
        progress("loading the model", 0, 1)
        classifier = loaded(chosen.model, chosen.weights, tuple(chosen.parameters.items()))
        result = predict(
            job.source,
            classifier,
            how=chosen.how,
            fps=chosen.fps,
            out=folder,
            progress=progress,
        )
        files = [folder / "predictions.json", folder / "predictions.csv"]
        files += [result.annotated] if result.annotated else []
        return {
            "prediction": result.as_dict(),
            "positions": result.positions.tolist(),
            "curve": [None if math.isnan(v) else float(v) for v in result.curve],
            "face": _png(_face_picture(source, result)),
            "segments": _segments(source, result, classifier, progress),
            "files": [str(path) for path in files],
            "video": str(result.annotated) if result.annotated else None,
        }

    return work


def _check(source, seconds: float) -> None:
    """Refuses what would keep a worker busy for too long."""
    if source.fps is not None and len(source.frames) > seconds * source.fps:
        lasts = len(source.frames) / source.fps
        raise InputError(
            f"the video lasts {lasts:.0f} seconds; this page takes up to {seconds:g}. Cut it, or "
            "use merzoo predict on the command line, which has no limit."
        )
    height, width = source.frames[0].shape[:2]
    if height * width > _LARGEST_FRAME:
        raise InputError(f"its pictures are {width}x{height} pixels; give smaller ones.")


def _face_picture(source, result: Prediction) -> np.ndarray:
    """The first frame in which a face was found, with its box and landmarks, cut around it."""
    import cv2

    position, face = result.faces[0]
    frame = source.frames[position]
    frame = np.repeat(frame, 3 // frame.shape[-1], axis=-1)  # a copy, with colours to draw in
    y1, x1, y2, x2 = face.box
    thick = max(1, round((x2 - x1) / 150))
    cv2.rectangle(frame, (x1, y1), (x2 - 1, y2 - 1), (60, 150, 220), 2 * thick, cv2.LINE_AA)
    points = face.landmarks if face.landmarks is not None else face.eyes
    for x, y in points if points is not None else ():
        cv2.circle(frame, (round(x), round(y)), thick, (235, 185, 50), -1, cv2.LINE_AA)
    room = (y2 - y1) // 4
    part = frame[max(0, y1 - room) : y2 + room, max(0, x1 - room) : x2 + room]
    return _sized(part, 320)


def _segments(source, result: Prediction, classifier: Classifier, progress) -> list[dict]:
    """Pictures of each segment: onset, apex, flow, and where the model looked."""
    spots = [Spot(s.onset, s.apex, s.offset, None) for s in result[:_SHOWN]]
    drawn = []
    clips = clips_of(source.frames, spots, result.faces, source.fps)
    for number, (clip, face, near) in enumerate(clips):
        aligned = AlignedClip(clip, classifier.parameters, face, near)
        faces = [aligned.crop(i, _FACE, _FACE, 3) for i in (aligned.onset, aligned.apex)]
        pictures = {"onset": faces[0], "apex": faces[1], "flow": flow_picture(*faces)}
        cam = _evidence(classifier, classifier.inputs(clip, aligned.face), faces[1])
        if cam is not None:
            pictures["evidence"] = cam
        drawn.append({name: _png(picture) for name, picture in pictures.items()})
        progress("drawing", number + 1, len(spots))
    return drawn


def _evidence(classifier: Classifier, sample: dict, face: np.ndarray) -> np.ndarray | None:
    """Grad-CAM of the predicted class over the face, where the model has a map to explain."""
    from merzoo.explain import grad_cam, overlay

    try:
        cam = grad_cam(classifier.model, {name: x[None] for name, x in sample.items()})[0]
    except InputError:
        return None
    return overlay(face, cam)


def flow_picture(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """The flow between two faces less the head's, as colours: hue its direction, light its length.

    Args:
        onset, apex: (H, W, 3) uint8.

    Returns:
        (H, W, 3) uint8 RGB; black where nothing moves.
    """
    import cv2

    from merzoo.preprocessing.apex import without_head_motion
    from merzoo.preprocessing.flow import farneback_flow

    u, v = np.moveaxis(without_head_motion(farneback_flow(onset, apex)), -1, 0)
    length, angle = cv2.cartToPolar(u, v, angleInDegrees=True)
    light = 255 * length / max(float(np.quantile(length, 0.999)), 0.5)
    hsv = np.stack([angle / 2, np.full_like(angle, 255), np.clip(light, 0, 255)], -1)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def _sized(picture: np.ndarray, side: int) -> np.ndarray:
    import cv2

    scale = side / max(picture.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)


def _png(picture: np.ndarray) -> bytes:
    from merzoo.files import encode_image

    return encode_image(picture, ".png")
