"""Comparing runs: known answers of the tests, the page, and refusals."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.compare import compare
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.scores.paired_tests import (
    difference_intervals,
    holm,
    student,
    swap_test,
    wilcoxon,
)
from merzoo.evaluation.spotting.compare import compare_spotting
from merzoo.training.learner import resolve
from tests.samples import flow_arrays

CLASSES = ("negative", "positive", "surprise")


def people(subjects=30, clips=8, seed=0):
    """Dataset, subject, clip and label of invented clips."""
    rng = np.random.default_rng(seed)
    rows = [(f"{'ab'[s % 2]}", f"s{s}", f"c{c}") for s in range(subjects) for c in range(clips)]
    table = pd.DataFrame(rows, columns=["dataset", "subject", "clip"])
    return table.assign(label=np.array(CLASSES)[rng.integers(0, 3, len(table))])


def predictions(path, table, right: float, seed: int, seeds=1):
    """A file of predictions that are right with a given chance."""
    rng, parts = np.random.default_rng(seed), []
    for number in range(seeds):
        guess = np.array(CLASSES)[rng.integers(0, 3, len(table))]
        said = np.where(rng.random(len(table)) < right, table["label"], guess)
        parts.append(table.assign(predicted=said, seed=number))
    pd.concat(parts).to_csv(path, index=False)
    return path


@pytest.fixture
def three(tmp_path):
    table = people()
    return [
        predictions(tmp_path / f"{name}.csv", table, right, seed, seeds)
        for name, right, seed, seeds in (
            ("weak", 0.3, 1, 2),
            ("same", 0.3, 2, 1),
            ("good", 0.9, 3, 2),
        )
    ]


def test_a_better_model_is_found_and_an_equal_one_is_not(three):
    found = compare(three, permutations=500)
    same, good = found["comparisons"]
    assert good["uf1"]["difference"] > 0.2 and good["uf1"]["p"] == pytest.approx(1 / 501)
    assert good["uf1"]["p_holm"] == pytest.approx(2 / 501)
    low, high = good["uf1"]["interval"]
    assert 0 < low < good["uf1"]["difference"] < high
    assert good["note"] is None and good["seeds"] == 2
    assert same["uf1"]["p"] > 0.05 and "which is not the same as none" in same["note"]
    assert same["seeds"] == 2 and "Different numbers of seeds" in found["notes"][0]
    assert len(compare(three, permutations=99, all_pairs=True)["comparisons"]) == 3


def shown_difference(found):
    """Of the figures in the table of runs, second less first."""
    first, second = found["runs"]
    return {name: second[name] - first[name] for name in ("uf1", "uar")}


@pytest.mark.parametrize("seeds", [(1, 3), (3, 1), (2, 3), (4, 2), (3, 3)])
def test_a_difference_is_that_of_the_shown_figures(tmp_path, seeds):
    table = people(8, 6)
    files = [
        predictions(tmp_path / f"{name}.csv", table, right, 5 + number, seeds[number])
        for number, (name, right) in enumerate((("one", 0.4), ("two", 0.6)))
    ]
    found = compare(files, permutations=50)
    comparison = found["comparisons"][0]
    for name, difference in shown_difference(found).items():
        assert comparison[name]["difference"] == pytest.approx(difference, abs=1e-12)
    assert comparison["seeds"] == np.lcm(*seeds)


def test_a_deterministic_run_is_paired_with_every_seed(tmp_path, capsys):
    data = flow_arrays()
    fixed = evaluate("flow-krr", data, out=tmp_path / "krr")
    assert fixed.deterministic and not any("single seed" in text for text in fixed.warnings)
    rng, parts = np.random.default_rng(1), []
    for seed in range(3):
        said = np.where(rng.random(30) < 0.3 + 0.2 * seed, data.label, rng.integers(0, 3, 30))
        names = np.array(CLASSES)
        columns = {"dataset": data.dataset, "subject": data.subject, "clip": data.clip}
        columns |= {"label": names[data.label], "predicted": names[said], "seed": seed}
        parts.append(pd.DataFrame(columns))
    pd.concat(parts).to_csv(tmp_path / "three.csv", index=False)
    found = compare([tmp_path / "krr", tmp_path / "three.csv"], permutations=50)
    assert found["notes"][1:] == ["Deterministic, paired with every seed of the others: krr."]
    assert found["comparisons"][0]["seeds"] == 3
    for name, difference in shown_difference(found).items():
        assert found["comparisons"][0][name]["difference"] == pytest.approx(difference, abs=1e-12)
    assert [run["deterministic"] for run in found["runs"]] == [True, False]
    assert main(["compare", str(tmp_path / "krr"), str(tmp_path / "three.csv")]) == 0
    assert capsys.readouterr().out.count("deterministic") == 1
    page = (tmp_path / "krr" / "report.html").read_text()
    assert "A single seed" not in page and "deterministic. Scores" in " ".join(page.split())
    (tmp_path / "krr" / "metrics.json").unlink()
    assert not any("single seed" in text for text in read_run(tmp_path / "krr").metrics["warnings"])


def test_an_estimator_with_a_random_state_is_not_deterministic():
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(5, min_samples_leaf=2))
    assert not resolve(forest).deterministic and resolve(KNeighborsClassifier()).deterministic
    assert resolve("flow-krr").deterministic and not resolve("ststnet").deterministic
    data = flow_arrays(size=4)
    runs = [evaluate(forest, data, subjects=["a/s0"], seeds=2).predictions for _ in range(2)]
    assert runs[0].equals(runs[1])  # each seed sets the forest inside the pipeline
    one, two = (run.filter(like="p_").to_numpy() for _, run in runs[0].groupby("seed"))
    assert not np.array_equal(one, two)


def test_secondary_tests_agree_with_scipy(three):
    found = compare([three[0], three[2]], permutations=99)["comparisons"][0]["secondary"]
    tables = [pd.read_csv(three[i]) for i in (0, 2)]
    accuracy = [
        (t["label"] == t["predicted"]).groupby(t["dataset"] + "/" + t["subject"]).mean()
        for t in tables
    ]
    expected = stats.ttest_rel(accuracy[1], accuracy[0])
    assert found["student"]["p"] == pytest.approx(expected.pvalue)
    assert found["student"]["pairs"] == 30
    signed = stats.wilcoxon((accuracy[1] - accuracy[0]).round(12))
    assert found["wilcoxon"]["p"] == pytest.approx(signed.pvalue)
    assert holm([0.01, 0.5]) == [0.02, 0.5]
    assert wilcoxon([0, 0])["p"] == student([0.0, 0.0])["p"] == 1.0


def test_few_subjects_are_enumerated():
    """Two subjects, both better under the second model: of 4 swaps 2 are as far from zero."""
    wrong, right = np.array([[0, 2], [2, 0]]), np.array([[2, 0], [0, 2]])
    found = swap_test([[wrong, wrong]], [[right, right]])
    assert found["uf1"] == {"difference": 1.0, "p": 0.5}
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 1, 10, 3, 3))
    exact = swap_test(first, second)["uar"]["p"]
    drawn = swap_test(first, second, permutations=1000)["uar"]["p"]
    assert drawn == pytest.approx(exact, abs=0.05)


def test_no_difference_has_an_interval_around_nothing():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, (1, 20, 3, 3))
    names = [f"a/{i}" for i in range(20)]
    assert difference_intervals(counts, counts, names)["uf1"] == (0, 0, 0)


def test_the_test_holds_its_level():
    """Two equally good models on 15 people: p < .05 in about 5 % of 200 draws (sd 1.5 %)."""
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(200):
        skill = rng.beta(4, 2, 15)
        counts = np.zeros((2, 15, 2, 2))
        for model in range(2):
            for k in range(2):
                counts[model, :, k, k] = rng.binomial(5, skill)
                counts[model, :, k, 1 - k] = 5 - counts[model, :, k, k]
        below += swap_test(counts[:1], counts[1:], permutations=400)["uf1"]["p"] < 0.05
    assert 0.01 <= below / 200 <= 0.10


def test_other_clips_labels_or_classes_are_refused(tmp_path, three):
    table = people()
    fewer = predictions(tmp_path / "fewer.csv", table.iloc[:-5], 0.5, 1)
    with pytest.raises(InputError, match="240 and 235, 235 in common"):
        compare([three[0], fewer])
    elsewhere = predictions(tmp_path / "else.csv", table.assign(dataset="c"), 0.5, 1)
    with pytest.raises(InputError, match=r"0 in common .*a/a/s0/c0 in one, c/c/s0/c0"):
        compare([three[0], elsewhere])
    other = table.assign(label=[CLASSES[0], *table["label"][1:]])
    if other["label"].equals(table["label"]):
        other.loc[0, "label"] = CLASSES[1]
    with pytest.raises(InputError, match="different labels for 1 clips"):
        compare([three[0], predictions(tmp_path / "other.csv", other, 0.5, 1)])
    with pytest.raises(InputError, match="two or more"):
        compare(three[:1])
    with pytest.raises(InputError, match="1 run given; comparing takes two or more"):
        compare("runs/a")
    for compared in (compare, compare_spotting):
        with pytest.raises(InputError, match="no run given; comparing takes two or more"):
            compared([])
    with pytest.raises(InputError, match="given twice"):
        compare([three[0], three[0]])


def test_clips_are_matched_however_the_runs_name_them(tmp_path):
    table = people(6, 4).assign(dataset="casme2")
    table["subject"] = [f"sub{int(name[1:]) + 1:02d}" for name in table["subject"]]
    table["clip"] = [f"EP{int(name[1:]) + 2:02d}_01f" for name in table["clip"]]
    one = predictions(tmp_path / "one.csv", table, 0.4, 1)
    same = predictions(tmp_path / "same.csv", table, 0.8, 2)
    asked = compare([one, same], permutations=200)
    assert asked["notes"] == []
    other = pd.read_csv(same)
    other["clip"] = other["subject"] + "/" + other["subject"] + "_" + other["clip"].str.lower()
    other["subject"] = [str(float(name[3:])) for name in other["subject"]]  # a spreadsheet's
    other = other.assign(dataset="CASME-II").sample(frac=1, random_state=0)
    other.to_csv(tmp_path / "other.csv", index=False)
    found = compare([one, tmp_path / "other.csv"], permutations=200)
    for name in ("difference", "p", "interval"):
        assert found["comparisons"][0]["uf1"][name] == asked["comparisons"][0]["uf1"][name]
    assert found["subjects"] == 6 and found["clips"] == 24
    assert found["notes"] == [
        "other names clips otherwise than one: CASME-II/1.0/sub01/sub01_ep02_01f is taken as "
        "casme2/sub01/EP02_01f."
    ]
    other.loc[other["subject"] == "1.0", "subject"] = "F01"  # another person
    other.to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(InputError, match="24 and 24, 20 in common"):
        compare([one, tmp_path / "other.csv"])


def test_command_prints_tables_and_writes_a_page(tmp_path, three, capsys):
    words = ["compare", *map(str, three), "--permutations", "200"]
    out = tmp_path / "compared"
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "McNemar" in printed and "subject's accuracy" in printed and "detectable" in printed
    page = (out / "comparison.html").read_text()
    assert "good less weak" in page and 'src="' not in page and 'href="http' not in page
    assert (out / "plots" / "differences.png").is_file()
    assert main([*words, "--out", str(out)]) == 0  # replaced
    assert main([*words, "--out", str(tmp_path)]) == 2
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["name"] for run in found["runs"]] == ["weak", "same", "good"]
    assert main([*words, "--format", "latex"]) == 0
    latex = capsys.readouterr().out
    assert latex.count(r"\toprule") == 3 and r"$\Delta$ UF1" in latex
    assert main([*words, "--format", "word"]) == 2
    assert main(["compare", str(tmp_path / "nowhere"), str(three[0])]) == 2
