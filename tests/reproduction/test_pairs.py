"""Tests between the rows of a table, and rows from pretrained weights beside random ones."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation.compare import compare
from merzoo.evaluation.scores.paired_tests import holm
from merzoo.preprocessing.arrays import Arrays
from merzoo.reproduction.figures import markdown
from merzoo.reproduction.how import How
from merzoo.reproduction.pairs import Ran, paired_rows
from merzoo.reproduction.pretrained import Pretrained, pretrained_notes, read_pretrained
from merzoo.reproduction.reproduce import Reproduction, reproduce
from merzoo.reproduction.sources import read_sources
from merzoo.reproduction.tables import get_table, list_tables

CLASSES = ("negative", "positive", "surprise")


def magnified(name: str, subjects: int = 4, clips: int = 6) -> Arrays:
    """Apex frames whose bright third is the class."""
    count = subjects * clips
    label = np.arange(count) % 3
    pixels = np.random.default_rng(1).uniform(0, 60, (count, 32, 32, 3)).astype("float32")
    for k, image in zip(label, pixels, strict=True):
        image[10 * k : 10 * k + 10] += 150
    people = [f"s{i // clips}" for i in range(count)]
    clip = [str(i) for i in range(count)]
    return Arrays({"magnified_apex": pixels}, label, people, [name] * count, clip, CLASSES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Scored predictions of three rows, the last on other clips."""
    place, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(5)
    found = {}
    for name, right, first in (("weak", 0.5, 0), ("ours", 0.9, 0), ("other", 0.5, 7)):
        lines = []
        for subject in range(8):
            lines.append(f"casme2 s{subject}")
            for clip in range(first, first + 6):
                k = clip % 3
                guess = k if rng.uniform() < right else (k + 1) % 3
                lines.append(f"c{clip} {k} {guess}")
        file = place / f"{name}.txt"
        file.write_text("\n".join(lines))
        assert main(["score", str(file), "--out", str(place / name)]) == 0
        found[name] = place / name
    return found


def ran(row: str, folder, pretrained: bool = False) -> Ran:
    label = f"{row}, pretrained" if pretrained else row
    return Ran(row, label, "composite", pretrained, folder)


def test_each_row_is_tested_against_the_papers_own(folders):
    table = get_table("dfrnet/table2")
    assert table.ours == "ours"
    rows = [ran("weak", folders["weak"]), ran("ours", folders["ours"])]
    (test,), notes = paired_rows(table, [*rows, ran("other", folders["other"])])
    (found,) = test["comparisons"]
    assert (test["run"], found["first"], found["second"]) == ("composite", "weak", "ours")
    (same,) = compare([folders["weak"], folders["ours"]])["comparisons"]  # one engine
    assert found == same | {"first": "weak", "second": "ours"}
    low, high = found["uf1"]["interval"]
    assert low <= found["uf1"]["difference"] <= high and found["uf1"]["difference"] > 0
    assert any("other is not tested against ours" in note for note in notes)

    shown = Reproduction(table, [], {}, notes, folders["ours"], [test])
    assert "| ours \u2212 weak | UF1 |" in markdown(shown)
    assert paired_rows(table, rows[:1]) == ([], [])
    _, (note,) = paired_rows(table, [ran("weak", folders["weak"]), ran("x", folders["ours"])])
    assert "own row, ours, was not run" in note
    _, (note,) = paired_rows(table, [ran("again", folders["ours"]), rows[1]])
    assert "the same run" in note


def test_pretrained_rows_are_tested_against_themselves_and_corrected_together(folders):
    table = get_table("dfrnet/table2")
    rows = [ran("weak", folders["weak"]), ran("ours", folders["weak"].parent / "ours")]
    extra = folders["weak"].parent / "extra"
    text = (folders["weak"].parent / "weak.txt").read_text().replace("c0 0 1", "c0 0 0")
    (folders["weak"].parent / "extra.txt").write_text(text)
    assert main(["score", f"{extra}.txt", "--out", str(extra)]) == 0
    (test,), _ = paired_rows(table, [*rows, ran("ours", extra, pretrained=True)])
    pairs = [(found["first"], found["second"]) for found in test["comparisons"]]
    assert pairs == [("weak", "ours, pretrained"), ("ours", "ours, pretrained")]
    p = [found["uar"]["p"] for found in test["comparisons"]]
    assert [found["uar"]["p_holm"] for found in test["comparisons"]] == holm(p)


def test_every_table_names_the_papers_own_row():
    for name in list_tables():
        table = get_table(name)
        assert not table.row(table.ours).reason
        labels = [row.printed for row in table.rows]
        assert len(set(labels)) == len(labels), name
        assert table.ours in table.quick, name
    assert get_table("densemixednet/table10").ours == "ours"
    assert get_table("dfrnet/table8").ours == "3"


def given(arguments: dict) -> Pretrained:
    facts = {"network": "densemixednet", "model_arguments": arguments, "trained_on": ("ck_plus",)}
    start = SimpleNamespace(entry=SimpleNamespace(**facts))
    return Pretrained("densemixednet", ("ck_plus",), start)


def test_weights_serve_the_rows_of_their_own_network():
    table = get_table("densemixednet/table10")
    found = given({"input_shape": [48, 48, 3], "modality": "apex"})
    with_attention, without = table.rows
    assert found.serves(with_attention) and found.differing(without) == {"attention": "mixed"}
    recipe = found.fitted(replace(recipe_of_row(table), model_arguments={}), with_attention)
    assert recipe.model_arguments == {"input_shape": (48, 48, 3), "attention": "mixed"}
    notes = pretrained_notes(found, table.rows)
    assert "run twice" in notes[0] and "w/o Attention was run from random weights" in notes[1]
    assert Pretrained("densemixednet", ()).serves(without)  # weights are made for it


def recipe_of_row(table):
    from merzoo.reproduction.tables import row_recipe

    return row_recipe(f"{table.name}/{table.ours}")


def test_bad_weights_and_data_are_refused_before_any_work(tmp_path):
    data, rows = magnified("mine"), get_table("densemixednet/table5").rows
    sources, place = read_sources(data), tmp_path / "pretrained"

    def ask(weights, sets, rows=rows):
        return read_pretrained(weights, sets, rows, "densemixednet", sources, How(), place)

    assert ask(None, None) is None
    with pytest.raises(InputError, match="say one of them"):
        ask("runs/pre", ["synthetic:easy"])
    with pytest.raises(InputError, match=r"trained on 4 of the subjects of .*measure memory"):
        ask(None, magnified("mine"))
    with pytest.raises(InputError, match="is for rows of densemixednet"):
        ask(None, magnified("other"), [row for row in rows if row.name == "ststnet"])
    with pytest.raises(InputError, match=r"The rows are of densemixednet, bi-woof"):
        ask(str(tmp_path / "nowhere.weights.h5"), None)
    assert ask(None, magnified("other")).text == "pretrained on other"
    assert not place.exists()


def test_the_reading_says_what_was_run_in_one_line(capsys, tmp_path):
    words = ["reproduce", "densemixednet/table5", "--data", "synthetic:easy", "--quick"]
    words += ["--pretrained", "a", "--pretrain", "b:c", "--out", str(tmp_path / "x")]
    assert main(words) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert "Table 3" in get_table("densemixednet/table5").from_random


@pytest.mark.slow
def test_rows_run_from_random_and_from_pretrained_weights(tmp_path):
    how = {"quick": True, "rows": ["without", "ours"], "epochs": 1}
    options = how | {"pretrain": magnified("faces", 10, 3), "out": tmp_path / "a"}
    found = reproduce("densemixednet/table10", magnified("mine"), **options)
    assert not found.failed
    full = [line for line in found.lines if line.part == "full"]
    assert [line.row for line in full] == ["without", "without-pretrained", "ours"] + [
        "ours-pretrained"
    ]
    assert full[3].label == "Ours, pretrained on faces"
    pairs = [(c["first"], c["second"]) for c in found.tests[0]["comparisons"]]
    assert ("Ours, from random weights", "Ours, pretrained on faces") in pairs and len(pairs) == 3
    assert any("run twice" in note for note in found.notes)
    assert not any("Rows are trained from random" in note for note in found.notes)
    content = json.loads((tmp_path / "a" / "table.json").read_text())
    assert content["tests"] and content["ours"] == "ours"
    weights = tmp_path / "a" / "pretrained" / "table10-ours"
    times = {f: f.stat().st_mtime_ns for f in tmp_path.glob("a/**/*.h5")}
    assert len(times) == 2 and (weights / "weights.json").is_file()

    # Given weights: the same figures for the row that they are of, and the other runs once.
    options = how | {"pretrained": weights, "out": tmp_path / "b"}
    again = reproduce("densemixednet/table10", magnified("mine"), **options)
    assert [line.row for line in again.lines if line.part == "full"] == [
        *("without", "ours", "ours-pretrained")
    ]
    mine = [line for line in again.lines if line.part == "full"][2]
    assert mine.figures == full[3].figures
    with pytest.raises(InputError, match="have attention='mixed'"):
        reproduce("densemixednet/table10", magnified("mine"), **options | {"rows": ["without"]})
    with pytest.raises(InputError, match="measure memory"):
        reproduce("densemixednet/table10", magnified("faces", 10, 3), **options)
    assert {f: f.stat().st_mtime_ns for f in times} == times
