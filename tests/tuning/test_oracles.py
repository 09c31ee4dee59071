"""Oracles: they start from the defaults, resume exactly, and outlive their workers."""

import time

import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus

from merzoo.errors import InputError
from merzoo.tuning.oracles import REPORT, TUNERS, Searches, make_oracle


def space():
    found = keras_tuner.HyperParameters()
    found.Choice("dropout", ["0.3", "0.5"], default="0.5")
    found.Choice("schedule", ["constant", "cosine"])
    found.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    return found


def searches(folder, tuner="random", names=("all",), trials=6, **options):
    if tuner == "grid":
        made = {n: make_oracle(tuner, grid(), trials=trials, epochs=9, seed=0) for n in names}
    else:
        made = {n: make_oracle(tuner, space(), trials=trials, epochs=9, seed=0) for n in names}
    return Searches(made, folder, **options)


def grid():
    found = keras_tuner.HyperParameters()
    found.Choice("dropout", ["0.3", "0.5"], default="0.5")
    found.Choice("schedule", ["constant", "cosine", "exponential"])
    return found


def run(oracle, worker="w", most=100):
    """Runs trials by a formula; returns what was run, as (trial, dropout, schedule, rate)."""
    ran = []
    while len(ran) < most:
        trial = oracle.create_trial(worker)
        if trial.status != TrialStatus.RUNNING:
            break
        values = trial.hyperparameters.values
        ran.append((trial.trial_id, values["dropout"], values["schedule"]))
        score = float(values["dropout"]) + values.get("learning_rate", 0)
        oracle.update_trial(trial.trial_id, {"uf1": score})
        values[REPORT] = f'{{"uf1": {score}}}'
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return ran


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_search_stopped_at_any_moment_repeats_no_finished_trial(tuner, tmp_path):
    whole = run(searches(tmp_path / "whole", tuner))
    first = searches(tmp_path / "parts", tuner)
    done = run(first, most=2)
    cut = first.create_trial("w")  # killed while it runs
    resumed = searches(tmp_path / "parts", tuner)
    rest = run(resumed)
    assert rest[0][0] == cut.trial_id
    assert sorted(r[0] for r in done + rest) == [r[0] for r in whole]
    if tuner != "bayesian":  # whose draws start anew
        assert done + rest == whole
    assert run(searches(tmp_path / "parts", tuner)) == []


def test_a_grid_is_walked_whole_and_once(tmp_path):
    ran = run(searches(tmp_path, "grid"))
    assert ran[0][1:] == ("0.5", "constant")  # the defaults
    assert len({r[1:] for r in ran}) == len(ran) == 6


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_first_trial_has_the_settings_that_the_search_starts_from(tuner, tmp_path):
    trial = searches(tmp_path, tuner).create_trial("w")
    values = trial.hyperparameters.values
    assert (values["dropout"], values["schedule"]) == ("0.5", "constant")
    assert values.get("learning_rate", 1e-3) == 1e-3


def test_files_are_whole_and_only_whole(tmp_path):
    run(searches(tmp_path))
    assert not list(tmp_path.rglob("*.part"))


def test_the_trial_of_a_dead_worker_goes_to_another(tmp_path):
    oracle = searches(tmp_path, trials=3, silence=0.2)
    lost = oracle.create_trial("dead")
    assert run(oracle, "alive")[-1][0] != lost.trial_id
    assert not oracle.finished()
    assert oracle.create_trial("alive").status == TrialStatus.IDLE  # it may be needed yet
    time.sleep(0.3)
    assert [r[0] for r in run(oracle, "alive")] == [lost.trial_id]
    assert oracle.finished()


def test_a_sign_of_life_keeps_a_trial(tmp_path):
    oracle = searches(tmp_path, trials=1, silence=0.3)
    trial = oracle.create_trial("slow")
    for _ in range(4):
        time.sleep(0.15)
        oracle.get_trial(trial.trial_id)
    assert oracle.create_trial("other").status == TrialStatus.IDLE


def test_the_budget_is_shared_and_a_cut_off_trial_stays_open(tmp_path):
    oracle = searches(tmp_path, names=("all", "kfold2_1"), budget=0.6)
    trial = oracle.create_trial("w")
    assert trial.trial_id == "all-0"
    time.sleep(0.4)
    cut = oracle.get_trial(trial.trial_id)
    assert cut.status == TrialStatus.STOPPED
    oracle.end_trial(cut)
    assert oracle.create_trial("w").trial_id == "kfold2_1-0"
    time.sleep(0.3)
    assert oracle.create_trial("w").status == TrialStatus.STOPPED
    assert searches(tmp_path).create_trial("w").trial_id == "all-0"


def test_an_unknown_tuner_is_named():
    with pytest.raises(InputError, match="Did you mean 'bayesian'"):
        make_oracle("baysian", space(), trials=1, epochs=1, seed=0)
