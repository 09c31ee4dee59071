"""The command line as a user types it: answers, and one clear line for bad input."""

import os
import subprocess
import sys

import numpy as np
import pytest

from merzoo.cli import _warnings_shown_once, main
from tests.samples import flow_arrays


@pytest.fixture
def samples(tmp_path):
    """A good npz file, and a function that writes it with fields replaced or (None) left out."""

    def write(**changes):
        data = flow_arrays(subjects=3)
        fields = {n: getattr(data, n) for n in ("label", "subject", "dataset", "clip")}
        fields |= {"flow_image": data.modalities["flow_image"], "classes": data.classes}
        fields = {n: v for n, v in (fields | changes).items() if v is not None}
        np.savez(tmp_path / "samples.npz", **fields)
        return f"arrays:{tmp_path / 'samples.npz'}"

    return write


def fails_with(capsys, *words) -> str:
    assert main(list(words)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("merzoo: error: ")
    return lines[0]


def test_list_and_info(capsys):
    assert main(["list", "sts*"]) == 0
    assert "1,683" in capsys.readouterr().out
    assert main(["info", "ststnet"]) == 0
    assert "flow_image (28, 28, 3)" in capsys.readouterr().out
    assert main(["list", "nothing*"]) == 1
    assert capsys.readouterr().out == "No model matches 'nothing*'; merzoo list shows all.\n"


def test_evaluate_prints_scores_and_where_the_report_is(capsys, samples, tmp_path):
    assert main(["evaluate", "flow-krr", "--data", samples(), "--out", str(tmp_path / "r")]) == 0
    out = capsys.readouterr().out
    assert "Full" in out and "5/5/5 of 15" in out and "report.html" in out


def test_help_shows_an_example_for_every_verb(capsys):
    assert main(["--help"]) == 0
    assert "evaluate" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--help"])
    assert stop.value.code == 0
    assert "example:" in capsys.readouterr().out


def test_bad_input_is_one_line_and_status_2(capsys, samples, tmp_path):
    def evaluate(data, *more, model="flow-krr"):
        return fails_with(capsys, "evaluate", model, "--data", data, *more)

    assert "no such file" in evaluate("arrays:missing.npz")
    assert "lacks the key 'label'" in evaluate(samples(label=None))
    bad = flow_arrays(subjects=3).modalities["flow_image"]
    bad[7, 3, 3, 0] = np.nan
    assert "sample 7 (clip s1_2) holds NaN" in evaluate(samples(flow_image=bad))
    assert "the 2 classes are numbered 0..1" in evaluate(samples(classes=["no", "yes"]))
    assert "It has no clips" in evaluate(samples(), "--subjects", "a/s9")
    line = evaluate(samples(), model="ststnett")
    assert "Unknown model 'ststnett'. Did you mean 'ststnet'?" in line
    out = str(tmp_path / "run")
    assert main(["evaluate", "flow-krr", "--data", samples(), "--out", out]) == 0
    capsys.readouterr()
    line = evaluate(samples(), "--protocol", "leave-one-dataset-out", "--out", out)
    assert "holds another run: its protocol" in line
    assert "Did you mean" in fails_with(capsys, "evalute")
    assert "--help shows how" in fails_with(capsys, "evaluate", "ststnet")
    (tmp_path / "text.npz").write_text("not a zip")
    assert "not a readable .npz" in evaluate(f"arrays:{tmp_path / 'text.npz'}")


@pytest.mark.parametrize("words", [["score", "x.csv", "--out="], ["report", ""]])
def test_a_value_of_no_text_is_refused(words, capsys):
    assert "is empty" in fails_with(capsys, *words)


def test_a_name_without_end_is_shortened_in_the_message(capsys):
    assert len(fails_with(capsys, "info", "n" * 5000)) < 1100


def test_info_prints_the_papers_figures_beside_ours(capsys):
    # Table 9 of the paper prints 0.456 M parameters for one stage; 456,359 counted by hand.
    assert main(["info", "dfrnet-1"]) == 0
    out = capsys.readouterr().out
    assert "parameters: 456,000, ours 456,359 (+0.08 %)" in out
    assert "multiply_adds: 1,404,000,000, ours 1,41" in out
    assert "reading     There is no 7x7 convolution" in out


def test_python_m_merzoo_is_the_command_line():
    run = subprocess.run(
        [sys.executable, "-m", "merzoo", "weigths"], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "Did you mean 'merzoo weights'?" in run.stderr


@pytest.mark.parametrize(("gpu", "backend"), [(False, "tensorflow"), (True, "jax")])
def test_networks_of_pictures_train_on_what_is_fast_here(monkeypatch, tmp_path, gpu, backend):
    from merzoo.commands._shared import choose_backend

    if gpu:
        (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    choose_backend(pictures=True)
    assert os.environ["KERAS_BACKEND"] == backend
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    choose_backend(pictures=True)
    assert os.environ["KERAS_BACKEND"] == "torch"


@pytest.mark.parametrize("name", ["no-such", "Torch", "jaxx"])
@pytest.mark.parametrize("verb", ["evaluate x", "demo", "audit x", "reproduce --list"])
def test_a_backend_that_is_none_is_one_line(monkeypatch, capsys, name, verb):
    monkeypatch.setenv("KERAS_BACKEND", name)
    data = ["--data", "arrays:x.npz"] if verb.endswith("x") else []
    line = fails_with(capsys, *verb.split(), *data)
    assert f"Unknown backend '{name}'" in line and "KERAS_BACKEND" in line


def test_a_backend_that_cannot_train_takes_no_folder(tmp_path):
    flow_arrays(subjects=3).save(tmp_path / "flow.npz")
    words = ["evaluate", "ststnet", "--data", "arrays:flow.npz", "--out", "run"]
    run = subprocess.run(
        [sys.executable, "-m", "merzoo", *words],
        env=os.environ | {"KERAS_BACKEND": "numpy"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2 and "KERAS_BACKEND=numpy" in run.stderr
    assert "shows where" not in run.stderr and not (tmp_path / "run").exists()


def test_a_file_in_the_way_of_prepared_samples_stays(capsys, tmp_path):
    (tmp_path / "mine.npz").write_text("a thesis")
    (tmp_path / "folder.npz").mkdir()
    words = ["data", "prepare", "--data", "synthetic:easy", "--input", "apex=8x8x1", "--out"]
    line = fails_with(capsys, *words, str(tmp_path / "mine.npz"))
    assert "mine.npz: is there already and no file of samples of merzoo's" in line
    assert (tmp_path / "mine.npz").read_text() == "a thesis"
    assert "is a folder" in fails_with(capsys, *words, str(tmp_path / "folder.npz"))


def test_tensorflow_prints_nothing_of_itself():
    command = [sys.executable, "-m", "merzoo", "weights", "verify", "ststnet.synthetic"]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_warning_that_repeats_is_shown_once_in_a_command(capsys):
    show = _warnings_shown_once()
    for text in ("left out: 3 clips", "left out: 3  clips", "another"):
        show(text, UserWarning, "x.py", 1)
    expected = ["merzoo: warning: left out: 3 clips", "merzoo: warning: another"]
    assert capsys.readouterr().err.splitlines() == expected
    _warnings_shown_once()("another", UserWarning, "x.py", 1)  # of the next command
    assert capsys.readouterr().err == "merzoo: warning: another\n"
