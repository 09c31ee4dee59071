"""An option that says nothing beside the others is refused, in one line that names both."""

import argparse
import importlib

import numpy as np
import pytest

from merzoo.cli import _parse, main
from merzoo.commands._together import PREPROCESSING, ROWS

DATA = "--data arrays:flow.npz"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (f"evaluate htnet {DATA} --split s.json --protocol kfold:3", "--protocol --split"),
        (f"evaluate htnet {DATA} --selection fixed:4 --epochs 9", "--epochs --selection"),
        (f"evaluate htnet {DATA} --ensemble", "--ensemble seed"),
        (f"evaluate htnet {DATA} --seeds 2 --ensemble --json", "--ensemble --json"),
        (f"evaluate htnet {DATA} --magnification-gain 3", "--magnification-gain arrays"),
        (f"audit {DATA} --split s.json --protocol loso", "--protocol --split"),
        (f"transfer rcn --pretrained p {DATA} --quick --epochs 3", "--epochs --quick"),
        (f"transfer rcn --pretrained p {DATA} --detector none", "--detector arrays"),
        (f"pretrain rcn {DATA} --validation 0 --plateau 4", "--plateau --validation"),
        (f"pretrain rcn {DATA} --stop none --plateau none --factor 0.3", "--factor --plateau"),
        (f"pretrain rcn {DATA} --quick --epochs 30", "--epochs --quick"),
        (f"tune rcn {DATA} --outer kfold:3", "--outer --nested"),
        (f"tune rcn {DATA} --seeds 4", "--seeds --nested"),
        (f"tune rcn {DATA} --silence 9", "--silence --chief"),
        ("score log.txt --classes yes no --labels megc3", "--labels --classes"),
        ("report run --format markdown --no-pictures", "--no-pictures --format"),
        ("compare a b --json --format latex", "--format --json"),
        ("reproduce htnet --list", "table --list"),
        ("reproduce --list --epochs 3", "--epochs --list"),
        ("predict clips/a.mp4 --out o --seconds 4", "--seconds webcam"),
        ("predict a.mp4 b.mp4 --out o --how whole --shortest 0.1", "--shortest whole"),
        ("predict on.png ap.png --out o --annotated full", "--annotated pairs"),
        ("predict sample --out o --fps 60", "--fps sample"),
        ("data synthesize o --form raf_db --fps 60", "--fps still"),
    ],
)
def test_what_has_no_effect_is_refused(words, names, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no effect" in line and all(name in line for name in names.split()), line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        "evaluate --from run/protocol.json --split s.json --ensemble",
        f"evaluate rcn {DATA} --split s.json --seeds 2 --ensemble",
        f"transfer rcn --pretrained p {DATA} --data manifest:mine --detector none",
        f"tune rcn {DATA} --worker 127.0.0.1:8000 --silence 3",
        "export rcn --out o --flow dis",
        "predict a.mp4 on.png ap.png --out o --fps 60 --how spot",
        "predict webcam:7 --out o --seconds 3",
        "report run --no-pictures",
        "data synthesize o --form smic --fps 60",
    ],
)
def test_what_has_one_is_let_through(words):
    _, options = _parse("merzoo.commands", words.split(), "merzoo")
    assert options is not None


def test_every_row_is_of_options_that_there_are():
    for row in ROWS:
        for verb in row.verbs.split(", "):
            parser = argparse.ArgumentParser()
            importlib.import_module(f"merzoo.commands.{verb.replace(' ', '.')}").arguments(parser)
            known = {name for action in parser._actions for name in action.option_strings}
            known |= {action.dest for action in parser._actions if not action.option_strings}
            if row.options == PREPROCESSING:
                assert any(action.dest.startswith(PREPROCESSING) for action in parser._actions)
            else:
                assert set(row.options.split()) <= known, (verb, row.options)


def test_a_rerun_of_arrays_refuses_choices_of_preprocessing(tmp_path, capsys):
    y = np.arange(12) % 2
    content = {"flow_image": np.ones((12, 28, 28, 3), np.float32) * y[:, None, None, None]}
    content |= {
        "label": y,
        "dataset": ["mine"] * 12,
        "clip": [str(i) for i in range(12)],
        "subject": [f"p{i // 4}" for i in range(12)],
    }
    np.savez(tmp_path / "flow.npz", **content, classes=["negative", "positive"])
    first = ["evaluate", "flow-krr", "--data", f"arrays:{tmp_path / 'flow.npz'}"]
    assert main([*first, "--out", str(tmp_path / "run")]) == 0
    again = ["evaluate", "--from", str(tmp_path / "run"), "--out", str(tmp_path / "again")]
    assert main([*again, "--flow", "dis"]) == 2
    assert "--flow has no effect on samples that are arrays" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()
