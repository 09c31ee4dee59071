"""What a search leaves: the trials as a table, the best recipe, scores of outer folds."""

import json
from dataclasses import replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.evaluate import judged
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.runs.card import protocol_card
from merzoo.evaluation.runs.fold import FoldData, FoldJob
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.runs.workers import run_unfinished
from merzoo.evaluation.runs.yardstick import yardstick
from merzoo.files import write_json
from merzoo.metrics import UF1, headline
from merzoo.training.learner import Learner
from merzoo.training.recipes import Recipe, recipe_as_dict, recipe_settings
from merzoo.tuning.oracles import report_of
from merzoo.tuning.search import Plan
from merzoo.tuning.search_spaces import recipe_of


def trials_table(searches: dict, plan: Plan):
    """All trials of all searches, as a pandas DataFrame.

    Columns: `search`, `trial`, `status` (`completed`, `failed` or `open`: not finished), the
    headline metrics (`uf1`, `uar`, `accuracy`; pooled over the inner folds), `epochs_run`,
    `seconds`, `compiled` (models), `worker`, `cause` of a failure, and one column for each searched
    parameter.
    """
    import pandas as pd

    measured = [metric.name for metric in headline() if metric.of_matrix is not None]
    status = {"COMPLETED": "completed", "FAILED": "failed"}
    rows = []
    for search, oracle in searches.items():
        for trial in sorted(oracle.trials.values(), key=lambda t: t.trial_id):
            report = report_of(trial)
            row = {"search": search, "trial": trial.trial_id}
            row |= {"status": status.get(trial.status, "open")}
            row |= {name: report.get(name) for name in measured}
            row |= {"epochs_run": len(report.get("loss", ())) or None}
            row |= {name: report.get(name) for name in ("seconds", "compiled", "worker", "cause")}
            values = trial.hyperparameters.values
            rows.append(row | {name: _shown(values.get(name)) for name in plan.space})
    fixed = ("search", "trial", "status", *measured, "epochs_run", "seconds")
    return pd.DataFrame(rows, columns=[*fixed, "compiled", "worker", "cause", *plan.space])


def losses(searches: dict) -> dict[str, list[float]]:
    """Training loss by epoch (median over the inner folds) of each completed trial of `all`."""
    trials = searches["all"].trials.values()
    reports = {t.trial_id: report_of(t) for t in trials}
    return {number: report["loss"] for number, report in reports.items() if "loss" in report}


def best_recipe(search: str, oracle, plan: Plan) -> Recipe | None:
    """The recipe of the best completed trial of a search; `None` if there is none."""
    best = [t for t in oracle.get_best_trials(1) if t.status == "COMPLETED"]
    if not best:
        return None
    values, uf1 = best[0].hyperparameters.values, report_of(best[0])[UF1.name]
    finished = sum(t.status == "COMPLETED" for t in oracle.trials.values())
    recipe = recipe_of(plan.space, values, plan.recipe, name=f"{plan.model}-tuned")
    if "tuner/epochs" in values:
        recipe = replace(recipe, epochs=values["tuner/epochs"])
    return replace(
        recipe,
        about=f"Found by merzoo tune ({plan.tuner}, {finished} trials, search {search!r}): "
        f"{UF1.label} {uf1:.3f} over {plan.folds} groups of the subjects it was chosen on, which "
        f"is optimistic; see the nested figure.",
    )


def first_failure(oracle) -> InputError:
    """The error of a search without a single completed trial."""
    causes = [report_of(t).get("cause") for t in oracle.trials.values() if t.message]
    if not causes:
        return InputError("No trial was finished within the budget: raise it (--budget).")
    return InputError(f"None of {len(causes)} trials could be finished. The first: {causes[0]}")


def evaluate_outer(
    plan: Plan, protocol: str, folds: list, recipes: list[Recipe], seeds: int, folder: Path
) -> dict:
    """Trains each outer fold's recipe on its training subjects and tests it on the others.

    Leaves a folder in the form of `merzoo evaluate`: predictions, metrics, protocol, report.

    Args:
        plan: of the search.
        protocol: name of the outer folds.
        folds: the outer folds.
        recipes: one for each fold.
        seeds: how many seeds 0, 1, ... to train under.
        folder: to write to; folds that are finished there are only read.

    Returns:
        The content of `metrics.json`.
    """
    pairs = list(zip(folds, recipes, strict=True))
    learner = plan.learner.with_recipe(recipes[0])
    engine = plan.engine(watched=any(recipe.validation for recipe in recipes))
    how = {"labels": plan.labels, "seeds": seeds, "used": engine}
    card = protocol_card(learner, plan.data, protocol, folds, **how)
    if len({_numbers(recipe) for recipe in recipes}) > 1:
        card["recipe"] = {"name": "tuned in each fold", "about": "One recipe for each outer fold."}
        card["model_arguments"] = {}
        card["recipes"] = {fold.name: recipe_as_dict(recipe) for fold, recipe in pairs}
    todo = [
        _job(plan, learner, fold, recipe, seed, engine.name)
        for seed in range(seeds)
        for fold, recipe in pairs
    ]
    with RunFolder.held(folder, card) as place:
        metrics, predictions = judged(place, plan.data, run_unfinished(todo, place, 1))
        found = yardstick(learner, plan.data, folds, predictions)
        metrics |= {} if found is None else {"yardstick": found}
        metrics = json.loads(json.dumps(metrics))
        write_json(folder / "metrics.json", metrics)
        write_report(folder)
    return metrics


def _job(plan: Plan, learner: Learner, fold, recipe: Recipe, seed: int, engine: str) -> FoldJob:
    recipe = replace(recipe, name="outer", about="")  # equal ones then share a compiled model
    learner = learner.with_recipe(recipe)
    return FoldJob(FoldData.of(learner.take(plan.data), fold), fold, seed, learner, engine)


def _shown(value):
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _numbers(recipe: Recipe) -> str:
    return json.dumps(recipe_settings(recipe), sort_keys=True)
