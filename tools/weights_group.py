"""All weights of one data set, trained at once on one device, as long as some minutes allow.

A graphics card is not filled by one small network, so each network is a process of its own beside
the others. Weights that start from others of the same network wait for these, and get the rest of
the time.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import keras
from weights_runs import RUNS

from merzoo.errors import InputError, unknown
from merzoo.training.recipes import change_recipe

FIRST = 0.7  # of the minutes, for weights from which others start
TESTS = 30  # seconds that are left for the test parts
FEWEST = 3  # epochs


def train_group(
    group: str, networks: Sequence[str], data: str, out: Path, minutes: float | None
) -> int:
    """Trains what `RUNS` has of a data set, and says what each reached; returns the exit status."""
    chains = chains_of(group, networks)
    out.mkdir(parents=True, exist_ok=True)
    end = None if minutes is None else time.time() + 60 * minutes
    failed: list[str] = []
    threads = [
        threading.Thread(target=_train_chain, args=(chain, data, out, end, len(chains), failed))
        for chain in chains
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in (name for chain in chains for name in chain):
        log = out / f"{name}.json"
        if log.is_file():
            tests = json.loads(log.read_text())["tests"]
            reached = ", ".join(f"{part} {found['accuracy']:.3f}" for part, found in tests.items())
            print(f"{name}: accuracy {reached}")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


def chains_of(group: str, networks: Sequence[str]) -> list[list[str]]:
    """The ids of a data set by network, those that others start from first.

    Raises:
        InputError: for a network of which there are none.
    """
    chains: dict[str, list[str]] = {}
    for name, run in RUNS.items():
        if run.data == group:
            chains.setdefault(name.rpartition(".")[0], []).append(name)
    for network in networks:
        if network not in chains:
            raise unknown(f"network with weights of {group}", network, chains)
    return [
        sorted(names, key=lambda name: RUNS[name].start is not None)
        for network, names in chains.items()
        if not networks or network in networks
    ]


def _train_chain(chain, data: str, out: Path, end: float | None, beside: int, failed: list) -> None:
    share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / beside:.2f}"}  # of the device's memory
    for place, name in enumerate(chain):
        tool = Path(__file__).with_name("train_weights.py")
        command = [sys.executable, str(tool), name, "--data", data, "--out", str(out)]
        if end is not None:
            left = (end - time.time()) * (FIRST if place < len(chain) - 1 else 1)
            command += ["--minutes", f"{left / 60:.3f}"]
        process = subprocess.Popen(
            command,
            env=share | os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        last = ""
        for line in process.stdout or ():
            last = line.rstrip() or last
            print(f"{name}: {line}", end="", flush=True)
        if process.wait():
            failed.append(f"{name} failed: {last}")
            return


def fitting(trainer, data, validation, end: float) -> int:
    """How many epochs end in time; two are trained to see how long one takes.

    Args:
        trainer: adjustable; it then is to be told how many (`use`).
        data, validation: what `Trainer.fit` takes.
        end: of the time, in seconds as `time.time` has them.

    Raises:
        InputError: where there is time for less than `FEWEST`.
    """
    clock = _Clock()
    trainer.use(change_recipe(trainer.recipe, epochs=2), trainer.steps_per_epoch)
    trainer.fit(data, 0, [clock], validation, by_uf1=True)
    each = clock.ends[1] - clock.ends[0]
    epochs = int((end - TESTS - time.time()) / each)
    if epochs < FEWEST:
        raise InputError(
            f"An epoch takes {each:.1f} s, so fewer than {FEWEST} end in time: give more --minutes."
        )
    return epochs


class _Clock(keras.callbacks.Callback):
    """When each epoch ended."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.time())
