"""`merzoo.tune`: searches a network's settings with KerasTuner, without touching test subjects.

Each trial is judged by UF1 pooled over inner folds of whole subjects. The winner's own score is
optimistic, since it was chosen as the largest of many: `nested=True` repeats the whole search
inside the training subjects of outer folds and tests each winner on the subjects that its search
never saw (Cawley and Talbot, "On Over-fitting in Model Selection", JMLR 2010).
"""

import contextlib
import importlib.util
import io
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.arguments import LARGEST_SEED, MOST_JOBS, MOST_SEEDS, real_number, whole_number
from merzoo.data.unit_labels import is_unit_labels
from merzoo.errors import InputError, unknown
from merzoo.files import check_folder, claim_folder, write_json, write_table
from merzoo.metrics import compared
from merzoo.names import known_people
from merzoo.progress import name_folder
from merzoo.training.recipes import Recipe, change_preprocessing, recipe_as_dict
from merzoo.whole import alone, sweep


@dataclass(frozen=True)
class TuningResult:
    """What a search found, and what it is worth.

    Args:
        recipe: the best recipe, as in `best_recipe.json`.
        uf1: its score on the inner folds that it was chosen by: optimistic.
        default_uf1: the score of the recipe that the search started from, on the same folds;
            `None` where it was not tried in full.
        nested: `metrics` of the search itself on outer subjects, in the form of an evaluation's
            `metrics.json`; `None` without `nested=True`.
        default: the same of the recipe that the search started from.
        difference: `nested` less `default`, as `merzoo.compare` gives it: for each metric
            (`uf1`, `uar`) the `difference`, its 95 % `interval` and `p`.
        trials: pandas DataFrame, one row a trial.
        warnings: what a reader must know.
        folder: where everything was written.
    """

    recipe: Recipe
    uf1: float
    default_uf1: float | None
    nested: dict | None = field(repr=False)
    default: dict | None = field(repr=False)
    difference: dict | None
    trials: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path


def tune(
    model,
    data,
    *,
    labels: str | None = None,
    recipe: Recipe | str | None = None,
    parameters: dict | None = None,
    space: dict | None = None,
    tuner: str = "bayesian",
    trials: int = 20,
    budget: float | None = None,
    folds: int = 4,
    nested: bool = False,
    outer: str = "kfold:5",
    seeds: int = 1,
    seed: int = 0,
    silence: float = 30.0,
    jobs: int = 1,
    out: str | os.PathLike | None = None,
) -> TuningResult | None:
    """Searches the settings of a network.

    Where KerasTuner's variables `KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and
    `KERASTUNER_ORACLE_PORT` are set, this process is the chief (an id with "chief" in it), which
    hands out trials and writes the results, or a worker, which runs them. The chief's port is open
    to whoever reaches it: keep it on a network that you trust.

    Args:
        model: a network, as in `merzoo.evaluate`.
        data: as in `merzoo.evaluate`.
        labels: label map, as in `merzoo.evaluate`; `None` for the recipe's.
        recipe: to start from, in any form that `evaluate` takes; `None` for the network's own.
        parameters: choices of preprocessing, as for `evaluate`.
        space: name -> values, see `merzoo.tuning.search_spaces`; `None` for the network's.
        tuner: `"random"`, `"bayesian"`, `"hyperband"` or `"grid"`.
        trials: the most trials of each search.
        budget: minutes of this call for all searches, in equal shares; `None` for no end. A trial
            that it cuts off is taken up by the next call.
        folds: inner folds, of whole subjects.
        nested: whether to repeat the search in outer folds and so find what it is worth.
        outer: the outer folds: `"kfold:5"` (groups of subjects), or `"loso"`, which takes a search
            for every subject.
        seeds: seeds under which outer folds are trained.
        seed: of the search, the folds and the trials' weights.
        silence: seconds after which a silent worker's trial is given to another.
        jobs: worker processes that prepare clips.
        out: folder for the results; `None` makes a temporary one. A search that was stopped
            continues when called again with the same folder; finished trials are not repeated.

    Returns:
        A `TuningResult`; `None` in a worker.

    Raises:
        InputError: for bad arguments, data that the model cannot take, a folder that holds another
            search, or a search in which no trial could be finished.

    Example:

    >>> import merzoo
    >>> merzoo.tune("htnett", "arrays:flow.npz", trials=12, budget=10, nested=True)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: Unknown model 'htnett'. Did you mean 'htnet'? merzoo list shows all.
    """
    if _role() != "worker":
        check_folder(out, file="settings.json", kind="search")
    counts = {"trials": trials, "seeds": seeds, "jobs": jobs}
    for name, value in counts.items():
        most = {"jobs": MOST_JOBS, "seeds": MOST_SEEDS}.get(name)
        whole_number(name, value, most=most)
    whole_number("folds", folds, least=2)
    whole_number("seed", seed, least=0, most=LARGEST_SEED)
    real_number("silence", silence, least=0, above=True)
    if budget is not None:
        real_number("budget", budget, least=0, above=True)
    if importlib.util.find_spec("keras_tuner") is None:
        raise InputError("A search needs KerasTuner: pip install 'merzoo[tune]'.")
    plan = _make_plan(model, data, labels, recipe, parameters, space, tuner, folds, seed, jobs)
    from merzoo.tuning.search import outer_folds, outer_name

    role = _role()
    if role == "worker":
        return _work(plan)
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-tune-"))
    outer_parts = outer_folds(outer, plan.data, seed) if nested else []
    names = ["all", *(outer_name(outer, i + 1) for i in range(len(outer_parts)))]
    with alone(folder):
        sweep(folder, deep=True)
        claim_folder(folder, plan.settings(), file="settings.json", kind="search")
        name_folder(folder)
        searches = _search(plan, names, trials, budget, silence, folder, role)
        return _conclude(plan, searches, outer, outer_parts, seeds, folder)


def _make_plan(model, data, labels, recipe, parameters, space, tuner, folds, seed, jobs):
    from merzoo.evaluation.runs.samples import samples_for
    from merzoo.training.batches import check_feed
    from merzoo.training.learner import resolve
    from merzoo.tuning.oracles import TUNERS
    from merzoo.tuning.search import Plan, grouped_folds
    from merzoo.tuning.search_spaces import network, search_space, with_defaults

    if tuner not in TUNERS:
        raise unknown("tuner", tuner, TUNERS)
    check_feed()
    learner = resolve(model, recipe)
    network(learner)  # and no estimator
    if learner.multilabel or is_unit_labels(labels):
        raise InputError(
            "action units are not searched for: trials are judged by the UF1 of classes; tune a "
            "recipe of classes, then evaluate what was found with --task au."
        )
    recipe = change_preprocessing(learner.recipe, parameters)
    learner = replace(learner, recipe=recipe)
    data = learner.take(samples_for(learner, data, labels, jobs=jobs))
    space = (
        search_space(learner, recipe) if space is None else with_defaults(space, learner, recipe)
    )
    if tuner == "hyperband":  # which decides on the epochs itself
        epochs = space.pop("epochs", [recipe.epochs])
        recipe = replace(recipe, epochs=max(epochs) if isinstance(epochs, list) else epochs["high"])
    grouped_folds(data, folds, seed)  # fails early where the subjects are too few
    return Plan(learner, data, recipe, space, tuner, folds, seed, labels)


def _role() -> str:
    """`"chief"`, `"worker"` or `"alone"`, by KerasTuner's variables."""
    if "KERASTUNER_ORACLE_IP" not in os.environ:
        return "alone"
    for name in ("KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID"):
        if name not in os.environ:
            raise InputError(f"KERASTUNER_ORACLE_IP is set, but {name} is not.")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def _search(plan, names, trials, budget, silence, folder, role) -> dict:
    """Runs all searches, here or by workers; returns name -> oracle."""
    from rich.progress import TextColumn

    from merzoo.progress import progress_bar
    from merzoo.tuning.oracles import Searches, make_oracle
    from merzoo.tuning.search import SearchTuner
    from merzoo.tuning.search_spaces import hyperparameters

    def oracle():
        space = hyperparameters(plan.space, plan.learner, plan.recipe, grid=plan.tuner == "grid")
        return make_oracle(
            plan.tuner, space, trials=trials, epochs=plan.recipe.epochs, seed=plan.seed
        )

    oracles = {name: oracle() for name in names}
    searches = Searches(
        oracles,
        folder / "searches",
        plan.fingerprint(),
        None if budget is None else budget * 60,
        silence if role == "chief" else None,
    )

    def ended():
        return sum(len(oracle.end_order) for oracle in oracles.values())

    with progress_bar(TextColumn("{task.fields[best]}")) as bar:
        task = bar.add_task("trials", total=trials * len(names), completed=ended(), best="")

        def on_epoch(trial, recipe, fold, epoch, loss):
            text = f"{trial.trial_id}: {fold.name}, epoch {epoch + 1}/{recipe.epochs}"
            bar.update(task, best=f"{text}, loss {loss:.3f}")

        tuner = _quietly(SearchTuner, searches, plan, folder, on_epoch, lambda _: bar.advance(task))
        if role == "chief":
            # KerasTuner's own loop would wait for ever for a worker that died.
            threading.Thread(target=tuner.search, daemon=True).start()
            while not searches.finished():
                bar.update(task, completed=ended())
                time.sleep(0.5)
        else:
            tuner.search()
    return oracles


def _work(plan) -> None:
    import keras_tuner

    from merzoo.tuning.oracles import Searches
    from merzoo.tuning.search import SearchTuner

    with tempfile.TemporaryDirectory(prefix="merzoo-worker-") as folder:
        tuner = _quietly(SearchTuner, Searches({}, folder), plan, folder)
        try:
            tuner.search()
        except keras_tuner.errors.FatalRuntimeError as error:
            raise InputError(str(error)) from None


def _quietly(function, *arguments):
    """Calls a function whose prints nobody needs."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


def _conclude(plan, searches, outer, outer_parts, seeds, folder) -> TuningResult:
    """Writes what was found: the table, the recipe, the outer scores, the page."""
    from merzoo.evaluation.pages.paper_tables import beside_told
    from merzoo.tuning import results
    from merzoo.tuning.page import write_page

    table = results.trials_table(searches, plan)
    write_table(folder / "trials.csv", table)
    recipe = results.best_recipe("all", searches["all"], plan)
    if recipe is None:
        raise results.first_failure(searches["all"])
    judges = sorted({*recipe.chosen_on, *plan.data.subject.tolist()})
    recipe = replace(recipe, chosen_on=judges)
    write_json(folder / "best_recipe.json", recipe_as_dict(recipe))
    nested, default, difference, warnings = _judge(
        plan, searches, outer, outer_parts, seeds, folder
    )
    done = table[(table["search"] == "all") & (table["status"] == "completed")]
    # Hyperband trains the first trial for a few epochs only, which says nothing of its settings.
    first = done[(done["trial"].astype(int) == 0) & (done["epochs_run"] == plan.recipe.epochs)]
    result = TuningResult(
        recipe=recipe,
        uf1=float(done["uf1"].max()),
        default_uf1=float(first["uf1"].iloc[0]) if len(first) else None,
        nested=nested,
        default=default,
        difference=difference,
        trials=table,
        warnings=warnings,
        folder=folder,
    )
    counts = table.groupby("search")["status"].value_counts().unstack(fill_value=0)
    summary = {
        "model": plan.model,
        "tuner": plan.tuner,
        "data": plan.data.source,
        "trials": counts.to_dict("index"),
        "inner_folds": plan.folds,
        "uf1": result.uf1,
        "default_uf1": result.default_uf1,
        "outer": outer if outer_parts else None,
        "nested": nested and nested["full"],
        "default": default and default["full"],
        "difference": difference,
        "beside": beside_told(nested) if nested else [],
        "warnings": list(warnings),
    }
    write_json(folder / "tuning.json", summary)
    write_page(folder, summary, plan, table, results.losses(searches))
    return result


def _judge(plan, searches, outer, outer_parts, seeds, folder):
    """Metrics of the search and of its start on outer subjects, their difference, warnings."""

    from merzoo.evaluation.compare import compare
    from merzoo.tuning import results

    if not outer_parts:
        warning = (
            "Not nested: the best score is the largest of many on the same subjects, so it is "
            "optimistic. --nested finds what the search is worth."
        )
        return None, None, None, (warning,)
    found = [results.best_recipe(n, o, plan) for n, o in searches.items() if n != "all"]
    chosen = [recipe or plan.recipe for recipe in found]
    default, nested = (
        results.evaluate_outer(plan, outer, outer_parts, recipes, seeds, folder / name)
        for name, recipes in (("default", [plan.recipe] * len(found)), ("nested", chosen))
    )
    without = sum(recipe is None for recipe in found)
    warnings = ()
    known = known_people(plan.data.subject.tolist(), plan.recipe.chosen_on)
    if known:
        warnings += (
            f"The recipe to start from was itself chosen on {len(known)} of these subjects: the "
            f"outer scores are optimistic too.",
        )
    if without:
        warnings += (
            f"{without} of {len(found)} outer searches finished no trial: the recipe that they "
            f"started from was tested instead. Raise the budget.",
        )
    tests = compare([folder / "default", folder / "nested"])["comparisons"][0]
    return nested, default, {metric.name: tests[metric.name] for metric in compared()}, warnings
