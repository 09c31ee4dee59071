"""The page's HTML: what it says, and that names cannot become markup."""

import re

from merzoo.app.html import NOT_FOR, curve_svg, problem_html, progress_html, report_html

EVIL = "<script>alert(1)</script>"


def result(**changes):
    segment = {
        **{"onset": 20, "apex": 30, "offset": 45, "label": "surprise", "score": 9.0},
        **{"onset_seconds": 0.2, "apex_seconds": 0.3, "offset_seconds": 0.45},
        "probabilities": {"negative": 0.1, "surprise": 0.9},
    }
    model = {
        **{"name": "ststnet", "weights": EVIL, "classes": ["negative", "surprise"]},
        **{"metrics": {"synthetic:easy": {"uf1": 0.9512, "n": 140}}, "note": EVIL},
    }
    found = {
        **{"frames": 100, "fps": 100.0, "segments": [segment], "warnings": [EVIL]},
        "model": model,
    }
    curve = [0.1] * 100
    curve[60:70] = [None] * 10
    base = {"prediction": found, "positions": list(range(100)), "curve": curve, "face": b"x"}
    return base | {"segments": [{"onset": b"a", "flow": b"b"}]} | changes


def test_the_report_says_when_what_and_how_well_measured():
    html = report_html(result())
    assert "1 segment found" in html and "0.20 to 0.45 s, apex 0.30 s" in html
    assert "UF1 0.951 on synthetic:easy, 140 samples" in html and ">0.900<" in html


def test_action_units_stand_with_the_class_and_what_they_were_measured_at():
    found = result()
    measured = {"macro_f1": 0.6, "always_present_macro_f1": 0.3, "n": 70}
    units = {"name": "ststnet", "weights": "synthetic-au", "note": "", "classes": ["AU1", "AU2"]}
    found["prediction"]["model"]["units"] = units | {"metrics": {"synthetic:easy": measured}}
    found["prediction"]["segments"][0]["units"] = {"AU1": 0.91, "AU2": 0.2}
    html = report_html(found)
    assert "Action units: AU1<" in html and "<b>AU1 0.91</b>, AU2 0.20" in html
    assert "macro F1 of action units 0.600 (always present: 0.300)" in html


def test_nothing_given_becomes_markup():
    for html in (report_html(result()), problem_html(EVIL), progress_html(EVIL, 1, 2)):
        assert EVIL not in html and "&lt;script&gt;" in html


def test_the_curve_breaks_where_there_was_no_face_and_marks_the_segment():
    svg = curve_svg(result())
    assert len(re.findall("<polyline", svg)) == 2 and len(re.findall("<rect", svg)) == 1
    assert "1.0 s" in svg and "currentColor" in svg
    assert "<text" not in svg  # which would shrink with the picture on a phone


def test_a_pair_has_no_curve_and_no_seconds():
    found = result(curve=[None, None], positions=[0, 1])
    found["prediction"] |= {"frames": 2, "fps": None}
    for name in ("onset_seconds", "apex_seconds", "offset_seconds"):
        found["prediction"]["segments"][0][name] = None
    html = report_html(found)
    assert "<polyline" not in html and "frames 20 to 45" in html and "None" not in html


def test_what_it_is_not_for_names_the_uses_and_the_law():
    for words in ("lie detection", "hiring", "school", "medical", "5(1)(f)", "at work"):
        assert words in NOT_FOR
