"""The benchmark of face detectors counts what is found, at which look, and what is no face."""

import numpy as np
import pytest

from tests.benchmarks.test_speed import load

faces = load("faces")


def rows(name="haar", first=1, both=2, skin="dark", light=0.3, width=60, error=0.04):
    """Four faces of one kind."""
    return {
        "detector": name,
        "skin": skin,
        "light": light,
        "width": width,
        "faces": 4,
        "first": first,
        "both": both,
        "false": 1,
        "error": error,
    }


def test_one_frame_is_looked_at_by_hand():
    """The middle of the eyes of a face of 140 pixels in a bright room; and of nobody."""
    from merzoo.data.synthetic.scene import Placed, person_of_skin, scene

    frame, points = scene([Placed(person_of_skin("light"), 140, (300, 200))], (640, 480))
    eyes = np.array([points[0, 36:42].mean(0), points[0, 42:48].mean(0)])
    found = faces.looked(frame, eyes, "haar")
    assert (found["first"], found["both"], found["false"]) == (1, 1, 0) and found["error"] < 0.1
    elsewhere = faces.looked(frame, eyes + 100, "haar")
    assert (elsewhere["both"], elsewhere["false"]) == (0, 1) and np.isnan(elsewhere["error"])
    nobody = faces.looked(scene([], (640, 480))[0], eyes, "haar")
    assert (nobody["both"], nobody["false"]) == (0, 0)


def test_counts_are_summed_and_errors_averaged_over_faces_that_were_found():
    one = {"detector": "haar", "skin": "dark", "light": 0.3, "width": 60}
    measured = [
        one | {"first": 1, "both": 1, "false": 0, "error": 0.02, "cpu_s": 0.1},
        one | {"first": 0, "both": 1, "false": 0, "error": 0.06, "cpu_s": 0.5},
        one | {"first": 0, "both": 0, "false": 1, "error": np.nan, "cpu_s": 0.6},
    ]
    (row,) = faces.summed(measured)
    assert (row["faces"], row["first"], row["both"], row["false"]) == (3, 1, 2, 1)
    assert row["error"] == pytest.approx(0.04) and row["cpu_s"] == pytest.approx(0.4)


def test_the_table_tells_both_looks_and_weighs_errors_by_faces():
    found = [rows(), rows(width=90, first=4, both=4, error=0.01)]
    lines = faces.table([*found, rows(skin="light", first=0, both=0, error="")]).splitlines()
    # (2 x 0.04 + 4 x 0.01) / 6 = 0.02
    assert lines[2] == "| haar, 0.3 | 12 → 25 % | 100 % | 2.0 % |"
    assert "| haar, light | 0 % | - |" in lines and "| haar, dark | 62 → 75 % | 2.0 % |" in lines
    assert lines[-1] == "Of 12 faces; 3 times something else was found. YuNet was not measured."


def test_the_goal_is_of_the_brighter_half():
    found = [rows(first=0, both=4), rows(light=0.05, both=0), rows("dlib", both=3)]
    assert [fact["met"] for fact in faces.facts(found)] == [False, True]
