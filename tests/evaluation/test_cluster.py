"""Folds on a real Dask scheduler with real worker processes, one of which is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs import cluster
from merzoo.evaluation.transfer import transfer
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays

pytest.importorskip("distributed")
ROOT = Path(__file__).parents[2]
QUICK = Recipe("quick", learning_rate=5e-3, epochs=3, batch_size=8)


class Cluster:
    """`dask scheduler` on a free port of this machine, and `dask worker` processes."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        file = folder / "scheduler.json"
        words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        self._start(*words, "--scheduler-file", str(file))
        deadline = time.monotonic() + 120
        while not file.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        import json

        self.address = json.loads(file.read_text())["address"]

    def worker(self, *options, path=()):
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--death-timeout", "120", *options]
        return self._start(*words, path=path)

    def _start(self, *words, path=()):
        environment = {n: v for n, v in os.environ.items() if n != "KERAS_BACKEND"}
        environment["PYTHONPATH"] = os.pathsep.join([*map(str, path), str(ROOT)])
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    found = Cluster(tmp_path)
    yield found
    found.stop()


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_changes_no_result(dask, tmp_path):
    workers = [dask.worker(), dask.worker()]
    out = tmp_path / "run"
    finished_at_kill = {}

    def kill_one():
        while len(list(out.glob("folds/*.npz"))) < 2:
            time.sleep(0.02)
        workers[0].send_signal(signal.SIGKILL)
        finished_at_kill.update({f: f.stat().st_mtime_ns for f in out.glob("folds/*.npz")})

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    found = evaluate("flow-krr", flow_arrays(), seeds=3, out=out, cluster=dask.address)
    killer.join(60)
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    assert len(finished_at_kill) < 18  # it died before the end
    assert {f: f.stat().st_mtime_ns for f in finished_at_kill} == finished_at_kill
    local = evaluate("flow-krr", flow_arrays(), seeds=3)
    assert found.predictions.equals(local.predictions)


@pytest.mark.slow
def test_fine_tuned_networks_give_the_result_of_one_process(dask, tmp_path):
    workers = [dask.worker(), dask.worker()]
    out = tmp_path / "run"

    def kill_one():
        while len(list(out.glob("folds/*.npz"))) < 2:
            time.sleep(0.05)
        workers[0].send_signal(signal.SIGKILL)

    threading.Thread(target=kill_one, daemon=True).start()
    what = ("ststnet", "synthetic", flow_arrays())
    found = transfer(*what, recipe=QUICK, out=out, cluster=dask.address)
    local = transfer(*what, recipe=QUICK, jobs=2)  # one thread each, too
    columns = [c for c in local.predictions if c.startswith("p_")]
    np.testing.assert_allclose(found.predictions[columns], local.predictions[columns], atol=1e-5)


def test_a_cluster_that_cannot_be_used_is_one_clear_line(dask, tmp_path, monkeypatch):
    def fails_with(address, seconds):
        monkeypatch.setattr(cluster, "TIMEOUT_S", seconds)
        with pytest.raises(InputError) as caught:
            evaluate("flow-krr", flow_arrays(), cluster=address, out=tmp_path / "run")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "write it as the scheduler prints it" in fails_with("localhost", 1)
    for closed in ("tcp://127.0.0.1:9", "tcp://no-such-host.invalid:8786"):
        assert "no scheduler answers there (" in fails_with(closed, 1)
    assert "names no host and port" in fails_with("tcp://127.0.0.1", 1)
    assert "names no host and port" in fails_with("tls://host:99999999", 1)
    assert "no worker has joined within 1 s" in fails_with(dask.address, 1)
    old = tmp_path / "old" / "merzoo-0.0.1.dist-info"  # another version, as its worker sees it
    old.mkdir(parents=True)
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: merzoo\nVersion: 0.0.1\n")
    dask.worker(path=[old.parent])
    assert "has merzoo 0.0.1, this machine" in fails_with(dask.address, 60)
    assert not (tmp_path / "run").exists()
