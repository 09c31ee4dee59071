"""Predictions from elsewhere: both forms, the same figures, and one clear line for a bad file."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.score import score
from merzoo.evaluation.scores.foreign import read_foreign
from merzoo.evaluation.scores.predictions import metrics_of
from tests.samples import flow_arrays

# The twelve clips of tests/evaluation/test_metrics.py, whose scores are worked out there by hand.
LABEL = [0] * 6 + [1] * 4 + [2] * 2
PREDICTED = [0, 0, 0, 0, 1, 2, 1, 1, 0, 0, 2, 0]
UF1, UAR = (8 / 13 + 4 / 7 + 1 / 2) / 3, (4 / 6 + 2 / 4 + 1 / 2) / 3


def twelve(**changes) -> pd.DataFrame:
    columns = {
        "dataset": ["casme2"] * 8 + ["smic"] * 4,
        "subject": ["s1"] * 4 + ["s2"] * 4 + ["s1"] * 4,
        "clip": [f"c{i}" for i in range(12)],
        "label": LABEL,
        "predicted": PREDICTED,
    }
    return pd.DataFrame(columns | changes)


def written(tmp_path, table):
    table.to_csv(tmp_path / "predictions.csv", index=False)
    return tmp_path / "predictions.csv"


def test_a_table_scores_as_worked_by_hand(tmp_path):
    result = score(written(tmp_path, twelve()), out=tmp_path / "run")
    assert result.uf1 == pytest.approx(UF1, abs=1e-12)
    assert result.uar == pytest.approx(UAR, abs=1e-12)
    assert result.accuracy == pytest.approx(7 / 12, abs=1e-12)
    assert result.metrics["classes"] == ["negative", "positive", "surprise"]
    assert result.by_dataset["smic"]["n_per_class"] == [0, 2, 2]
    assert any("come from elsewhere" in w for w in result.warnings)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "unknown: how they were made" in page and "Probabilities" not in page


def test_megc_logs_of_several_files_score_the_same(tmp_path):
    table, logs = twelve(), []
    for dataset, part in table.groupby("dataset"):
        lines = []
        for subject, clips in part.groupby("subject"):
            lines.append(f"{dataset} {subject}")
            lines += [f"{c.clip} {c.label} {c.predicted}" for c in clips.itertuples()]
        logs.append(tmp_path / f"{dataset}.txt")
        logs[-1].write_text("\n\n".join(lines))
    result = score(logs, out=tmp_path / "run")
    assert result.uf1 == pytest.approx(UF1, abs=1e-12) and len(result.predictions) == 12
    assert set(result.predictions["subject"]) == {"casme2/s1", "casme2/s2", "smic/s1"}


def test_probabilities_and_seeds_give_curves_and_an_ensemble(tmp_path):
    run = evaluate("flow-krr", flow_arrays(), out=tmp_path / "own")
    own = tmp_path / "own" / "predictions.csv"
    again = json.loads(json.dumps(metrics_of(*read_foreign([own]), deterministic=True)))
    assert again == json.loads((tmp_path / "own" / "metrics.json").read_text())
    table = pd.read_csv(own)
    truth = table["label"]
    options = {"average": "macro", "labels": sorted(set(truth))}
    assert run.uf1 == pytest.approx(f1_score(truth, table["predicted"], **options), abs=1e-12)
    assert run.uar == pytest.approx(recall_score(truth, table["predicted"], **options), abs=1e-12)
    area = roc_auc_score(truth == "positive", table["p_positive"])
    assert run.metrics["roc_auc"][1] == pytest.approx(area, abs=1e-12)

    numbers = {f"p_{name}": f"p_{k}" for k, name in enumerate(run.metrics["classes"])}
    numbered = table.rename(columns=numbers)
    two = pd.concat([numbered, numbered.assign(seed=1)])
    two.loc[two.index[0], "predicted"] = "surprise" if truth[0] != "surprise" else "negative"
    result = score(written(tmp_path, two), out=tmp_path / "two")
    assert result.metrics["seeds"] == 2 and result.metrics["ensemble"]["n"] == len(table)
    assert any("not the class of the highest probability" in w for w in result.warnings)


def test_a_person_written_in_two_ways_is_one_subject(tmp_path):
    plain = score(written(tmp_path, twelve()), out=tmp_path / "plain")
    ways = ["s1", "S01", "sub 1", "Subject_1", *["s2"] * 4, *["1"] * 2, *["1.0"] * 2]
    table = twelve(subject=ways, dataset=["casme2"] * 7 + ["CASME2"] + ["smic"] * 4)
    with pytest.warns(UserWarning, match="one person: casme2/s1 = casme2/S01 = casme2/sub 1 ="):
        result = score(written(tmp_path, table), out=tmp_path / "run")
    assert result.metrics["full"]["interval"] == plain.metrics["full"]["interval"]
    assert result.metrics["full"]["subjects"] == 3
    assert set(result.predictions["subject"]) == {"casme2/s1", "casme2/s2", "smic/1"}
    two = twelve(subject=["F01"] * 4 + ["M01"] * 4 + ["s1"] * 4)
    assert score(written(tmp_path, two), out=tmp_path / "two").metrics["full"]["subjects"] == 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"label": ["joy", *LABEL[1:]]}, "line 2: 'label' is 'joy', which is no class"),
        ({"predicted": [*PREDICTED[:-1], 7]}, "line 13: 'predicted' is '7', which is no class"),
        (
            {"clip": ["c1", *[f"c{i}" for i in range(1, 12)]]},
            "line 3: clip 'c1' of casme2/s1 stands",
        ),
        ({"subject": [None] + ["s1"] * 11}, "line 2: 'subject' is empty or NaN"),
        ({"p_a": 0.5, "p_b": "x"}, "line 2: 'p_b' is 'x', not a number"),
        ({"p_a": 0.5, "p_b": float("nan")}, "'p_b' is empty or NaN"),
        (
            {"p_negative": 2.0, "p_positive": 0.5, "p_surprise": -1.5},
            "line 2: 2, 0.5, -1.5 are no probabilities",
        ),
        ({"note": "hm"}, "unknown column 'note'"),
        ({"seed": [0] * 11 + [1]}, "is missing in some of the 2 seeds"),
        ({"seed": [0] * 11 + [-1]}, "line 13: 'seed' must be a whole number from 0, got -1."),
        ({"seed": [0] * 11 + [1.5]}, "line 13: 'seed' must be a whole number from 0, got 1.5."),
        ({"p_joy": 0.5, "p_Joy": 0.5}, "the column 'p_Joy' stands twice"),
        ({"Label": 1}, "the column 'Label' stands twice"),
        ({"p_": 0.5, "p_b": 0.5}, "probability columns: class 0 has no name"),
        ({"p_a": 0.5, "p_b": 0.5}, "line 12: 'label' is '2', which is no class"),
        ({"p_0": 0.5, "p_1": 0.5}, "columns are of 0, 1, but the classes are negative, positive"),
        ({"p_1": 0.5, "p_2": 0.25, "p_3": 0.25}, "'0', which is no class; the classes are 1, 2, 3"),
        (
            {"p_negative": 0.5, "p_positive": 0.4, "p_surprise": 0.05},
            "line 2: 0.5, 0.4, 0.05 are no probabilities of the 3 classes",
        ),
    ],
)
def test_a_bad_table_is_one_clear_line(tmp_path, changes, says):
    with pytest.raises(InputError) as error:
        score(written(tmp_path, twelve(**changes)))
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"classes": ["no", "yes", "No"]}, "'no' and 'No', one name"),
        ({"classes": ["no", " ", "yes"]}, "class 1 has no name"),
        ({"classes": "abc"}, "is one text; give a list"),
        ({"classes": ["1", "2", "3"]}, "'0', which is no class; the classes are 1, 2, 3"),
        ({"labels": "samm-5"}, "columns are of negative, positive, surprise, but the classes are"),
    ],
)
def test_classes_that_merge_or_are_not_those_of_the_file_are_refused(tmp_path, options, says):
    shares = {f"p_{name}": 1 / 3 for name in ("negative", "positive", "surprise")}
    table = twelve(**(shares if "labels" in options else {}))
    with pytest.raises(InputError, match=says):
        score(written(tmp_path, table), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_doubled_column_of_a_file_is_refused(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("dataset,subject,clip,label,predicted,p_a,p_b,p_a\nd,s,c,a,a,.5,.5,.5\n")
    with pytest.raises(InputError, match="the column 'p_a' stands twice"):
        score(path)


def test_uar_is_told_from_macro_precision_and_stated_figures_from_one_another(tmp_path, capsys):
    rng = np.random.default_rng(7)
    truth = rng.choice(3, 200, p=[0.6, 0.25, 0.15])
    said = np.where(rng.random(200) < 0.6, truth, rng.choice(3, 200, p=[0.2, 0.3, 0.5]))
    recall = recall_score(truth, said, average="macro")
    precision = precision_score(truth, said, average="macro")
    f1 = f1_score(truth, said, average="macro")
    assert abs(recall - precision) > 0.01
    lines = [f"casme2 s{i // 20}\nc{i} {truth[i]} {said[i]}" for i in range(200)]
    lines += ["# final", f"UF1: {f1:.4f} | UAR: {precision:.4f}", f"recall = {100 * recall:.2f} %"]
    (tmp_path / "log.txt").write_text("\n".join([f"UF1: {f1:.3f}, UAR: .1234", *lines]))
    assert main(["score", str(tmp_path / "log.txt"), "--out", str(tmp_path / "run")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "macro precision" in out and f"{precision:.3f}" in out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["full"]["n"] == 200
    for part in (metrics["full"], metrics["by_dataset"]["casme2"]):
        assert part["uar"] == pytest.approx(recall, abs=1e-12)
        assert part["macro_precision"] == pytest.approx(precision, abs=1e-12)
    told = [line for line in metrics["warnings"] if line.startswith("The file states")]
    assert told == [
        f"The file states UF1 {f1:.3f}: that is its UF1.",
        f"The file states UAR .1234: none of the figures that follow from its clips; its UAR is "
        f"{recall:.4f}.",
        f"The file states UF1 {f1:.4f}: that is its UF1.",
        f"The file states UAR {precision:.4f}: that is its macro precision; its UAR is "
        f"{recall:.4f}.",
        f"The file states recall {100 * recall:.2f} %: that is its UAR.",
    ]
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"<td>mean</td><td>200</td><td>{precision:.3f}</td><td>{recall:.3f}</td>" in page


def test_a_table_as_european_excel_saves_it_scores_the_same(tmp_path):
    shares = {"p_negative": 0.5, "p_positive": 0.25, "p_surprise": 0.25}
    plain, _ = read_foreign([written(tmp_path, twelve(**shares))])
    path = tmp_path / "theirs.csv"
    twelve(**shares).to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16")
    pd.testing.assert_frame_equal(read_foreign([path])[0], plain)
    twelve(**shares).to_excel(tmp_path / "theirs.xlsx", index=False)
    pd.testing.assert_frame_equal(read_foreign([tmp_path / "theirs.xlsx"])[0], plain)


def test_bad_files_and_classes(tmp_path):
    def fails(text, says, **options):
        path = tmp_path / "file.txt"
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            read_foreign([path], **options)

    fails("", "empty")
    fails("clip1 0 1\n", "line 1: a clip before any line of dataset and subject")
    fails("smic s1\nclip1 0 1 1\n", "line 2: 4 words")
    fails("smic s1\n", "holds no line")
    fails("dataset,subject,clip,label\n", "lacks the column 'predicted'")
    fails(",".join(twelve().columns) + "\n", "holds no rows")
    fails("smic s1\nx 0 1\n", "Unknown label map", labels="megc33")
    table, classes = read_foreign([tmp_path / "file.txt"], classes=["no", "yes"])
    assert classes == ["no", "yes"] and table["predicted"].tolist() == ["yes"]
    with pytest.raises(InputError, match="no such file"):
        read_foreign([tmp_path / "missing.csv"])
    with pytest.raises(InputError, match="no file of predictions given"):
        score([])


def test_a_binary_file_is_no_table_and_is_told_what_to_give(tmp_path, capsys):
    flow_arrays(subjects=3, clips=3).save(tmp_path / "samples.npz")
    np.save(tmp_path / "zeros.npy", np.zeros(1000))
    for name in ("samples.npz", "zeros.npy"):
        assert main(["score", str(tmp_path / name)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{name}: a binary file, no table of predictions; give a .csv or .xlsx" in line
        assert "dataset, subject, clip, label, predicted, or a log" in line
        assert main(["score", str(tmp_path / name), "--truth", str(tmp_path / name)]) == 2
        assert f"{name}: a binary file, no list of intervals; give" in capsys.readouterr().err
    text = written(tmp_path, twelve()).read_text(encoding="utf-8")
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16-le")
    assert main(["score", str(tmp_path / "wide.csv"), "--out", str(tmp_path / "run")]) == 0


def test_command(tmp_path, capsys):
    path = str(written(tmp_path, twelve()))
    assert main(["score", path, "--name", "theirs", "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "theirs, predictions from elsewhere" in out and f"{UF1:.3f}" in out
    assert main(["score", path, "--json", "--out", str(tmp_path / "run")]) == 2  # another name
    assert "another run: its model" in capsys.readouterr().err
    assert main(["score", path, "--classes", "a", "b"]) == 2
    assert "0 to 1" in capsys.readouterr().err
