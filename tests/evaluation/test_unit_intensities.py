"""Intensities of action units: kept beside presence, a least one of it, and what they say."""

from dataclasses import replace

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.data.clip import Clip
from merzoo.data.datasets import load_named
from merzoo.data.labels import map_labels
from merzoo.data.synthetic.generate import setting_of
from merzoo.data.synthetic.plan import plan_clips
from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError
from merzoo.evaluation.pages.unit_tables import unit_rows
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.score import score
from merzoo.evaluation.scores.units import metrics_of
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.relabel import relabel
from tests.evaluation.test_units import run, samples


def test_weaker_units_count_as_absent_where_a_least_intensity_is_asked_for():
    texts = ["4A+L12C", "12B", "4C", None, "R12+1A", "7A", "4"]
    clips = [
        Clip("a", f"a/s{i % 3}", str(i), (), action_units=text) for i, text in enumerate(texts)
    ]
    mapped = map_labels(clips, "action_units:at-least-2")
    assert mapped.classes == ("none", "AU4", "AU4C", "AU4A+AU12C", "AU12", "AU12B")
    assert unit_table(mapped.classes)[0] == ("AU4", "AU12")
    assert "intensity" not in mapped.note
    strong = map_labels(clips, "action_units:at-least-2:from-b")
    assert [strong.classes[k] for k in strong.indices] == [
        *("AU12C", "AU12B", "AU4C", "AU12", "none", "AU4")
    ]
    assert "AU4 2, AU12 3 (at least 2" in strong.note
    assert "absent for being weaker AU1 1, AU4 1, AU7 1" in strong.note
    assert "without intensity AU4 1, AU12 1" in strong.note
    arrays = Arrays(
        {"flow_image": np.zeros((len(mapped.clips), 4, 4, 3))},
        mapped.indices,
        [clip.subject for clip in mapped.clips],
        ["a"] * len(mapped.clips),
        [clip.id for clip in mapped.clips],
        mapped.classes,
    )
    again = relabel(arrays, "action_units:4,12:from-B")  # arrays carry intensities by their classes
    assert again.classes == strong.classes and again.label.tolist() == strong.indices.tolist()
    for labels, said in (
        ("action_units:from-F", "cannot be read: write .*from-B"),
        ("action_units:from-", "cannot be read"),
        ("action_units:from-B:4", "cannot be read"),
        ("action_units:4:from-E", "every annotated unit is weaker than E .AU4 2, AU12 2"),
    ):
        with pytest.raises(InputError, match=said):
            map_labels(clips[:4], labels)
    with pytest.raises(InputError, match="no intensity is coded in any clip"):
        map_labels([replace(clip, action_units="4") for clip in clips], "action_units:from-B")


def test_how_the_probability_goes_with_the_intensity_is_spearmans():
    import pandas as pd
    from scipy.stats import spearmanr

    label = ["AU4A", "AU4C", "AU4B", "AU4E", "AU4", "none", "none", "AU12"]
    found = [0.2, 0.6, 0.7, 0.9, 0.1, 0.8, 0.3, 0.2]
    table = pd.DataFrame({"label": label, "p_AU4": found, "p_AU12": found})
    table = table.assign(seed=0, dataset="a", clip=list("stuvwxyz"), predicted="AU4")
    table["subject"] = ["a/s1", "a/s2"] * 4
    four, twelve = metrics_of(table)["full"]["units"]
    # .2 .6 .7 .9 of A C B E: one pair of four changed places, 1 - 6 (1 + 1) / (4 * 15).
    assert (four["present"], four["graded"]) == (5, 4)
    assert four["intensity_correlation"] == pytest.approx(0.8)
    assert spearmanr([1, 3, 2, 5], found[:4]).statistic == pytest.approx(0.8)
    assert (twelve["graded"], twelve["intensity_correlation"]) == (0, None)
    columns, rows = unit_rows(metrics_of(table)["full"])
    assert columns[-2:] == ["clips with intensity", "rank correlation with it"]
    assert [row[-2:] for row in rows] == [["4", "0.800"], ["0", "-"]]


def graded() -> Arrays:
    """`samples` whose AU12 is coded in every second clip that shows it, as A, C or E."""
    data = samples()
    names = np.array(data.classes)[data.label].tolist()
    for place in np.flatnonzero(np.isin(data.label, (2, 3)))[::2]:
        names[place] += "ACE"[place % 3]
    classes = tuple(sorted(set(names)))
    return replace(data, label=np.array([classes.index(n) for n in names]), classes=classes)


@pytest.mark.slow
def test_a_run_keeps_the_intensities_and_trains_on_presence_alone(tmp_path):
    result, plain = run(tmp_path / "run", graded()), run(tmp_path / "plain", samples())
    columns = ["p_AU4", "p_AU12"]
    np.testing.assert_array_equal(result.predictions[columns], plain.predictions[columns])
    twelve = result.metrics["full"]["units"][1]
    assert (twelve["name"], twelve["graded"], twelve["present"]) == ("AU12", 6, 12)
    assert -1 <= twelve["intensity_correlation"] <= 1
    back = read_run(result.folder)
    for name in ("graded", "intensity_correlation"):
        assert back.metrics["full"]["units"][1][name] == twelve[name]
    assert {"AU12A", "AU12C"} & set(back.predictions["label"])
    assert "rank correlation with it" in (result.folder / "report.html").read_text()
    judged = score(result.folder / "predictions.csv", out=tmp_path / "judged")
    assert judged.metrics["full"]["units"][1] == twelve
    assert plain.metrics["full"]["units"][1]["graded"] == 0
    assert "rank correlation with it" not in (plain.folder / "report.html").read_text()


def test_a_least_intensity_is_counted_in_the_card(tmp_path):
    result = run(tmp_path / "run", graded(), labels="action_units:4,12:from-B")
    told = " ".join(result.preparation)
    assert "there from intensity B on: absent for being weaker AU12 1" in told
    assert read_run(result.folder).card["recipe"]["labels"] == "action_units:4,12:from-B"
    twelve = result.metrics["full"]["units"][1]
    assert (twelve["present"], twelve["graded"]) == (11, 5)
    assert {"AU12C", "AU12E"} & set(read_run(result.folder).predictions["label"])


def test_synthetic_units_are_annotated_with_intensities_by_their_amplitudes(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    clips = load_named("synthetic:easy?subjects=1&clips=2&fps=20&jobs=1&intensities=yes")
    plans = plan_clips(setting_of("native", 1, 2, "easy", 0, 20.0))
    for clip, plan in zip(clips, plans, strict=True):
        expected = {unit.number: "ABCDE".index(unit.intensity) + 1 for unit in plan.units}
        assert clip.unit_intensities == expected
    bare = load_named("synthetic:easy?subjects=1&clips=2&fps=20&jobs=1")
    assert all(np.isnan(level) for clip in bare for level in clip.unit_intensities.values())
    with pytest.raises(InputError, match="option intensities of synthetic is yes or no, got '3'"):
        load_named("synthetic:easy?intensities=3")


def test_an_impossible_least_intensity_is_one_line(capsys):
    words = "evaluate offapexnet --task au --data synthetic:easy --labels action_units:from-G"
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("merzoo: error: labels 'action_units:from-G' cannot be read: write")
    assert said.count("\n") == 1
