"""`merzoo tune` as a user runs it: killed and run again, and by a chief with workers, one killed.

The fast tests' workers are real processes over real gRPC whose trials are a formula, because a
process that trains takes long to start; the slow ones train.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from merzoo.cli import main
from merzoo.tuning.oracles import Searches, make_oracle
from tests.samples import flow_arrays
from tests.tuning.test_oracles import space

WORKER = """
import sys, time
from keras_tuner.engine import base_tuner
from merzoo.tuning.oracles import Searches

class Formula(base_tuner.BaseTuner):
    def run_trial(self, trial):
        time.sleep(0.3 if sys.argv[2] == "quick" else 600)
        if trial.hyperparameters.values["dropout"] == "0.3":
            raise ValueError("no such dropout")
        return {"uf1": trial.hyperparameters.values["learning_rate"]}

Formula(Searches({}, sys.argv[1]), directory=sys.argv[1], project_name="w").search()
"""


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def environment(port: str, name: str) -> dict:
    place = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    return {**os.environ, **place, "KERASTUNER_TUNER_ID": name, "KERAS_BACKEND": "numpy"}


def until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_chief_outlives_a_worker_killed_amid_a_trial(tmp_path, monkeypatch):
    from keras_tuner.engine import base_tuner

    port = free_port()
    for name, value in environment(port, "chief").items():
        monkeypatch.setenv(name, value)
    oracle = make_oracle("random", space(), trials=6, epochs=1, seed=0)
    searches = Searches({"all": oracle}, tmp_path / "searches", silence=2)
    chief = base_tuner.BaseTuner(searches, directory=str(tmp_path), project_name="chief")
    threading.Thread(target=chief.search, daemon=True).start()

    def worker(name, speed):
        command = [sys.executable, "-c", WORKER, str(tmp_path / name), speed]
        return subprocess.Popen(command, env=environment(port, name), stderr=subprocess.DEVNULL)

    stuck = worker("worker-stuck", "slow")
    until(lambda: oracle.ongoing_trials)
    lost = oracle.ongoing_trials["worker-stuck"].trial_id
    quick = worker("worker-quick", "quick")
    until(lambda: oracle.end_order)
    stuck.send_signal(signal.SIGKILL)
    stuck.wait()
    until(searches.finished)
    assert quick.wait(60) == 0
    status = {number: trial.status for number, trial in oracle.trials.items()}
    assert len(status) == 6 and set(status.values()) == {"COMPLETED", "FAILED"}
    assert lost in oracle.end_order and len(oracle.end_order) == 6


def command(data, out, *more):
    words = ["tune", "ststnet", "--data", f"arrays:{data}", "--tuner", "random", "--trials", "4"]
    words += ["--folds", "2", *more]
    return words + (["--out", str(out)] if out else [])


@pytest.fixture
def samples(tmp_path):
    flow_arrays(subjects=4, clips=3).save(tmp_path / "flow.npz")
    return tmp_path / "flow.npz"


def test_bad_options_are_one_line(capsys, samples, tmp_path):
    for words, said in (
        (["--chief", "8000"], "give HOST:PORT"),
        (["--chief", "127.0.0.1:65536"], "give HOST:PORT"),
        (["--space", str(tmp_path / "none.json")], "cannot be read"),
        (["--tuner", "gird"], "Did you mean 'grid'"),
    ):
        assert main(command(samples, None, *words)) == 2
        error = capsys.readouterr().err.strip().splitlines()
        assert len(error) == 1 and said in error[0]


@pytest.mark.slow
def test_chief_and_two_workers_train_and_one_is_killed(samples, tmp_path):
    place = f"127.0.0.1:{free_port()}"
    out = tmp_path / "tune"
    nested = ["--nested", "--outer", "kfold:2", "--silence", "5"]

    def start(*words):
        run = [sys.executable, "-m", "merzoo.cli", *words]
        return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    chief = start(*command(samples, out, *nested, "--chief", place))
    workers = [start(*command(samples, None, "--worker", place)) for _ in range(2)]
    until(lambda: len([*out.glob("searches/all/trial_*/trial.json")]) >= 2)
    workers[0].kill()
    said, _ = chief.communicate(timeout=900)
    assert chief.returncode == 0, said
    assert "12 completed" in said and "tuned" in said
    assert workers[1].wait(60) == 0
    assert (out / "nested" / "metrics.json").is_file()


@pytest.mark.slow
def test_the_budget_ends_a_search_amid_a_trial(samples, tmp_path, capsys):
    recipe = tmp_path / "long.json"
    recipe.write_text('{"epochs": 10000000}')
    space = tmp_path / "space.json"
    space.write_text('{"dropout": [0.3]}')
    words = ["--recipe", str(recipe), "--space", str(space), "--budget", "0.1"]
    assert main(command(samples, tmp_path / "tune", *words)) == 2
    assert "No trial was finished within the budget" in capsys.readouterr().err
    (trial,) = tmp_path.glob("tune/searches/all/trial_*/trial.json")
    assert '"status": "RUNNING"' in trial.read_text()  # the next call takes it up
