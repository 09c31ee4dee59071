"""What a search leaves: the trials as a table, the best recipe, scores of outer folds."""

import json
from dataclasses import replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.runs.card import protocol_card
from merzoo.evaluation.runs.fold import FoldJob
from merzoo.evaluation.runs.fold_data import FoldData
from merzoo.evaluation.runs.workers import run_folds
from merzoo.evaluation.scores.predictions import metrics_of, predictions_table, read_predictions
from merzoo.evaluation.settings import fit_together, settings_of
from merzoo.files import write_json
from merzoo.metrics import UF1, headline
from merzoo.training.recipes import Recipe, recipe_as_dict
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
            report = json.loads(trial.message or "{}")
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
    reports = {t.trial_id: json.loads(t.message or "{}") for t in trials}
    return {number: report["loss"] for number, report in reports.items() if "loss" in report}


def best_recipe(search: str, oracle, plan: Plan) -> Recipe | None:
    """The recipe of the best completed trial of a search; `None` if there is none."""
    best = [t for t in oracle.get_best_trials(1) if t.status == "COMPLETED"]
    if not best:
        return None
    values, uf1 = best[0].hyperparameters.values, json.loads(best[0].message)[UF1.name]
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
    causes = [json.loads(t.message).get("cause") for t in oracle.trials.values() if t.message]
    if not causes:
        return InputError("No trial was finished within the budget: raise it (--budget).")
    return InputError(f"None of {len(causes)} trials could be finished. The first: {causes[0]}")


def evaluate_outer(
    plan: Plan, protocol: str, folds: list, recipes: list[Recipe], seeds: int, folder: Path, bar
) -> dict:
    """Trains each outer fold's recipe on its training subjects and tests it on the others.

    Leaves a folder in the form of `merzoo evaluate`: predictions, metrics, protocol, report.

    Args:
        plan: of the search.
        protocol: name of the outer folds.
        folds: the outer folds.
        recipes: one for each fold.
        seeds: how many seeds 0, 1, ... to train under.
        folder: to write to; a finished evaluation of the same recipes is only read.
        bar: a progress bar, or `None`.

    Returns:
        The content of `metrics.json`.
    """
    pairs = list(zip(folds, recipes, strict=True))
    card = protocol_card(
        plan.model,
        plan.data,
        protocol,
        folds,
        recipes[0],
        recipes[0].model_arguments,
        seeds=seeds,
    )
    if len({_numbers(recipe) for recipe in recipes}) > 1:
        card["recipe"] = {"name": "tuned in each fold", "about": "One recipe for each outer fold."}
        card["model_arguments"] = {}
        card["recipes"] = {fold.name: recipe_as_dict(recipe) for fold, recipe in pairs}
    card = json.loads(json.dumps(card))
    done = _finished(folder, card)
    if done is not None:
        return done
    todo = [_job(plan, fold, recipe, seed) for seed in range(seeds) for fold, recipe in pairs]
    results = []
    task = bar.add_task(folder.name, total=len(todo), best="")
    for pair in run_folds(todo, 1):
        results.append(pair)
        bar.advance(task)
    folder.mkdir(parents=True, exist_ok=True)
    predictions_table(plan.data, results).to_csv(folder / "predictions.csv", index=False)
    predictions = read_predictions(folder / "predictions.csv")
    metrics = json.loads(json.dumps(metrics_of(predictions)))
    write_json(folder / "metrics.json", metrics)
    write_json(folder / "protocol.json", card)
    write_report(folder)
    return metrics


def _job(plan: Plan, fold, recipe: Recipe, seed: int) -> FoldJob:
    recipe = replace(recipe, name="outer", about="")  # equal ones then share a compiled model
    _, arguments, inputs = settings_of(plan.model, recipe)
    data = fit_together(plan.model, plan.data, recipe, inputs)
    return FoldJob(FoldData.of(data, fold), fold, seed, plan.model, arguments, recipe)


def _shown(value):
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _numbers(recipe: Recipe) -> str:
    return json.dumps(recipe_as_dict(replace(recipe, name="", about="")), sort_keys=True)


def _finished(folder: Path, card: dict) -> dict | None:
    try:
        same = json.loads((folder / "protocol.json").read_text()) == card
        if same and (folder / "report.html").is_file():
            return json.loads((folder / "metrics.json").read_text())
    except (OSError, ValueError):
        pass
    return None
