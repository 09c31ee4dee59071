"""The movement of long videos, measured once and kept in the cache: the next spotter on the same
videos, and a run that goes on, read it instead of measuring for minutes again."""

import json
from dataclasses import replace

import numpy as np

from merzoo.data.long_videos import LongVideo
from merzoo.prediction.motion import VERSION, Motion, measure_motion
from merzoo.preprocessing.cache import Cache, content_of, key
from merzoo.preprocessing.face import Face, detector_files


def movement(
    video: LongVideo, detector: str, face: str = "only", store: Cache | None = None
) -> Motion:
    """`measure_motion` of a video, which the cache remembers.

    Args:
        video: to be measured.
        detector, face: as in `measure_motion`.
        store: the cache; `None` for the usual one.

    Returns:
        A `Motion`, the same to the bit whether it was measured or remembered.

    Raises:
        InputError: as `measure_motion`, and where the cache cannot be written.

    Example:

    >>> import tempfile
    >>> from merzoo.data.frames import ArrayFrames
    >>> frames = np.random.default_rng(0).integers(0, 255, (9, 64, 64, 1), "uint8")
    >>> video, store = LongVideo("d", "d/a", "film", ArrayFrames(frames), 30.0), Cache(
    ...     tempfile.mkdtemp())
    >>> first, again = (movement(video, "none", store=store) for _ in range(2))
    >>> first.moves.shape, np.array_equal(first.moves, again.moves, equal_nan=True)
    ((9, 14, 2), True)
    """
    store = Cache() if store is None else store
    decides = {
        "content": content_of(video.frames, store),
        "movement": VERSION,
        "fps": video.fps,
        "detector": detector,
        "face": face,
        "files": sorted({detector_files(detector), detector_files("dlib")}),
    }
    names = [key(part=part, **decides) for part in ("moves", "about")]
    held = store.found(names)
    if len(held) == 2:
        moves, about = (np.array(held[name]) for name in names)
        return _read(moves, json.loads(bytes(about)))
    motion = measure_motion(video.frames, video.fps, detector, which=face)
    store.put(names[0], motion.moves)
    store.put(names[1], np.frombuffer(json.dumps(_about(motion)).encode(), np.uint8))
    return motion


def _about(motion: Motion) -> dict:
    """All but the moves, as plain JSON types, which give every float back as it was."""
    plain = vars(replace(motion, moves=np.zeros(0))) | {"positions": motion.positions.tolist()}
    faces = [(place, vars(face) | _arrays(face)) for place, face in motion.faces]
    return {name: plain[name] for name in plain if name != "moves"} | {"faces": faces}


def _arrays(face: Face) -> dict:
    found = {"eyes": face.eyes, "landmarks": face.landmarks}
    return {
        name: None if array is None else (array.dtype.str, array.tolist())
        for name, array in found.items()
    } | {"box": [int(edge) for edge in face.box]}


def _read(moves: np.ndarray, about: dict) -> Motion:
    faces = [
        (
            place,
            Face(
                tuple(face["box"]),
                *(face[n] and np.array(face[n][1], face[n][0]) for n in ("eyes", "landmarks")),
                dim=face["dim"],
            ),
        )
        for place, face in about["faces"]
    ]
    pairs = {name: [tuple(pair) for pair in about[name]] for name in ("missing", "breaks")}
    positions = np.array(about["positions"])
    return Motion(positions, about["fps"], moves, faces, **pairs, broken_off=about["broken_off"])
