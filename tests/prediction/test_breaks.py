"""A jump of the picture is no expression, and expressions before and after it are found."""

import itertools

import cv2
import numpy as np
import pytest

from merzoo.data.frames import ArrayFrames
from merzoo.data.synthetic.long import film_long, plan_long
from merzoo.data.videos import VideoFrames
from merzoo.prediction import predict
from merzoo.prediction.motion import measure_motion
from merzoo.prediction.spotting import spot
from tests.data.test_videos import write_matroska
from tests.prediction.made import write_video

FPS, LENGTH, AT, SIZE = 100.0, 280, 140, (180, 218)


def stills(seed, length):
    """One frame of a person, again and again, with a little noise."""
    frame = next(iter(film_long(plan_long(seed, 2.0, "easy", FPS), SIZE)[1]))
    noise = np.random.default_rng(seed).normal(0, 1.5, (length, *frame.shape))
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def one():
    return stills(3, LENGTH)


@pytest.fixture(scope="module")
def other():
    return stills(8, LENGTH)


def black(film, other):
    film[AT] = 0


def displaced(film, other):
    film[AT] = np.roll(film[AT], (9, 6), (0, 1))


def grey_below(film, other):
    film[AT, 90:] = 128


def cut_to_the_same(film, other):
    film[AT:] = np.roll(film[AT:], -12, 2)


def cut_to_another(film, other):
    film[AT:] = other[AT:]


def zoom(film, other, frames=1, factor=1.25):
    height, width = film.shape[1:3]
    for place in range(AT, len(film)):
        by = 1 + (factor - 1) * min(1, (place - AT + 1) / frames)
        matrix = np.array([[by, 0, (1 - by) * width / 2], [0, by, (1 - by) * height / 2]])
        film[place] = cv2.warpAffine(
            film[place], matrix, (width, height), borderMode=cv2.BORDER_REFLECT
        )


def fade(film, other, frames):
    for place in range(AT, len(film)):
        share = min(1, (place - AT + 1) / frames)
        film[place] = cv2.addWeighted(film[place], 1 - share, other[place], share, 0)


def flash(film, other, height=45):
    """80 ms of light from the left."""
    side = np.linspace(1, 0, film.shape[2])[:, None]
    for step in range(8):
        light = height * np.sin(np.pi * (step + 0.5) / 8) * side
        film[AT + step] = np.clip(film[AT + step] + light, 0, 255)


EDITS = {
    "black": black,
    "displaced": displaced,
    "grey below": grey_below,
    "cut to the same": cut_to_the_same,
    "cut to another": cut_to_another,
    "zoom": zoom,
    "zoom in 4 frames": lambda film, other: zoom(film, other, 4),
    "fade of 3": lambda film, other: fade(film, other, 3),
    "fade of 10": lambda film, other: fade(film, other, 10),
    "flash": flash,
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_jump_is_no_expression_and_its_place_is_known(edit, one, other):
    film = one.copy()
    EDITS[edit](film, other)
    motion = measure_motion(ArrayFrames(film), FPS)
    assert spot(motion)[0] == []
    assert motion.breaks and all(AT - 2 <= a <= b <= AT + 14 for a, b in motion.breaks)


def test_a_film_without_jumps_has_none(one):
    motion = measure_motion(ArrayFrames(one), FPS)
    assert motion.breaks == [] and np.isfinite(motion.moves).all()


@pytest.fixture(scope="module")
def lively():
    """A person with two expressions far apart, and the place halfway between."""
    plans = (plan_long(seed, 3.0, "easy", FPS) for seed in itertools.count())
    for plan in plans:
        events = plan.of_kind("micro")
        if len(events) == 2 and events[1].onset - events[0].offset > 60 and plan.length <= 320:
            place = (events[0].offset + events[1].onset) // 2
            return np.array(list(film_long(plan, SIZE)[1])), events, place


@pytest.mark.parametrize("edit", ["black", "cut", "flash"])
def test_expressions_before_and_after_a_jump_are_found(edit, lively):
    film, events, place = lively[0].copy(), *lively[1:]
    if edit == "black":
        film[place] = 0
    elif edit == "cut":
        film[place:] = np.roll(film[place:], 14, 2)
    else:
        film[place : place + 8, :, :90] = np.clip(film[place : place + 8, :, :90] + 40.0, 0, 255)
    spots, _ = spot(measure_motion(ArrayFrames(film), FPS))
    for event in events:
        assert [s for s in spots if s.onset <= event.apex <= s.offset], event
    assert not [s for s in spots if s.onset <= place <= s.offset]


def test_over_damaged_frames_no_expression_is_found(tmp_path, lively):
    """The bytes of some frames within the first expression of an MP4 film are destroyed."""
    film, events, _ = lively
    path = write_video(tmp_path / "film.mp4", film[:, :216, :176], FPS, "mp4v")
    first = events[0]
    assert [s for s in spot(measure_motion(VideoFrames(path), None))[0] if s.onset < first.offset]
    data = bytearray(path.read_bytes())
    start = int(len(data) * first.onset / len(film))
    data[start : start + 8000] = bytes(8000)
    path.write_bytes(data)
    result = predict(path, how="spot")
    (told,) = [text for text in result.warnings if "its file is damaged" in text]
    assert "cannot be decoded" in told
    (damage,) = VideoFrames(path).damage
    assert all(s.offset < damage.first or s.onset > damage.last for s in result)


def test_uneven_times_are_resampled(tmp_path, lively):
    """Every third frame is dropped: 66.8 a second on average, at steps of 10 and 20 ms."""
    film, events, _ = lively
    kept = [i for i in range(len(film)) if i % 3]
    path = write_matroska(tmp_path / "film.mkv", [10 * i for i in kept], frames=film[kept])
    motion = measure_motion(VideoFrames(path), None)
    assert motion.fps == pytest.approx(66.7, abs=0.5) and len(motion.positions) == len(kept)
    spots, _ = spot(motion)
    for event in events:
        near = [s for s in spots if kept[s.onset] <= event.apex <= kept[s.offset]]
        assert len(near) == 1, event
