"""Running the rows of papers' tables: each an evaluation, and none of them twice.

Tables of one paper share rows: the network as proposed stands in nearly all of them. Rows that ask
for the same network, recipe and data are one run, whose result every table shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.evaluate import EvaluationResult, evaluate
from merzoo.reproduction.sources import Source, Taken, samples_of, take
from merzoo.reproduction.tables import PaperTable, Row, Run, recipe_of
from merzoo.training.recipes import Recipe, change_recipe, recipe_settings

QUICK_EPOCHS = 2
QUICK_BATCH = 8


@dataclass(frozen=True)
class How:
    """How rows are run, whatever they are of; see `merzoo.reproduction.reproduce`."""

    quick: bool = False
    labels: str | None = None
    epochs: int | None = None
    parameters: dict | None = None
    seeds: int = 1
    jobs: int = 1
    cluster: str | None = None


@dataclass
class Rows:
    """The data that were given and what has been run on them.

    Args:
        sources: see `merzoo.reproduction.sources.read_sources`.
        how: they are run.
        done: what was run -> its result, or the reason why it could not be run.
    """

    sources: Sequence[Source]
    how: How = How()
    done: dict[str, EvaluationResult | str] = field(default_factory=dict)

    def take(self, run: Run) -> Taken | None:
        """What a run takes of the data."""
        return take(self.sources, run)

    def recipe(self, table: PaperTable, row: Row, run: Run, taken: Taken) -> Recipe:
        """By which a row is run on what its run takes."""
        recipe = change_recipe(recipe_of(table, row, run), epochs=self.how.epochs)
        if self.how.quick:
            recipe = _thin(recipe, row)
        if not taken.own:
            recipe = replace(recipe, labels=self.how.labels or Recipe("default").labels)
        return recipe

    def run(self, row: Row, recipe: Recipe, taken: Taken, place: Path) -> EvaluationResult | str:
        """The result of a row on its data, or why there is none.

        Args:
            row, recipe, taken: of the row.
            place: folder of its result, where nobody asked for the same before.
        """
        key = _identity(row, recipe, taken)
        if key not in self.done:
            parameters = self.how.parameters or {}
            try:
                self.done[key] = evaluate(
                    row.network,
                    samples_of(taken, self.how.quick, parameters.get("on_error", "fail")),
                    labels=None if taken.own else self.how.labels,
                    recipe=recipe,
                    parameters=self.how.parameters,
                    seeds=self.how.seeds,
                    jobs=self.how.jobs,
                    out=place,
                    cluster=self.how.cluster,
                )
            except InputError as error:
                self.done[key] = str(error)
        return self.done[key]


def _thin(recipe: Recipe, row: Row) -> Recipe:
    from merzoo.models.registry import entry

    arguments = recipe.model_arguments | entry(row.network).small | row.arguments
    arguments.pop("weights_backbone", None)  # half a gigabyte from the network
    return replace(
        recipe,
        epochs=min(recipe.epochs, QUICK_EPOCHS),
        batch_size=min(recipe.batch_size, QUICK_BATCH),
        model_arguments=arguments,
    )


def _identity(row: Row, recipe: Recipe, taken: Taken) -> str:
    """Equal for rows that ask for the same: the recipe's name and words decide no result."""
    settings = recipe_settings(recipe)
    settings["model_arguments"] = sorted(settings["model_arguments"].items())
    return repr((row.network, settings, taken.text, taken.datasets))
