"""Running the rows of papers' tables: each an evaluation, and none of them twice.

Tables of one paper share rows: the network as proposed stands in nearly all of them. Rows that ask
for the same network, recipe and data are one run, whose result every table shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.evaluate import evaluate
from merzoo.evaluation.result import EvaluationResult
from merzoo.reproduction.how import How
from merzoo.reproduction.pretrained import FROM_RANDOM, Pretrained
from merzoo.reproduction.sources import Source, Taken, samples_of, take
from merzoo.reproduction.tables import PaperTable, Row, Run, recipe_of
from merzoo.training.pretrain import full_learner
from merzoo.training.recipes import Recipe, change_recipe, recipe_settings

QUICK_EPOCHS = 2
QUICK_BATCH = 8
QUICK_FOLDS = 2  # of each data set
QUICK_FRAMES = 4  # of a clip, where frames are split


@dataclass
class Rows:
    """The data that were given and what has been run on them.

    Args:
        sources: see `merzoo.reproduction.sources.read_sources`.
        how: they are run.
        pretrained: what rows of its network are run from, besides random weights.
        done: what was run -> its result, or the reason why it could not be run.
    """

    sources: Sequence[Source]
    how: How = field(default_factory=How)
    pretrained: Pretrained | None = None
    done: dict[str, EvaluationResult | str] = field(default_factory=dict)

    def take(self, run: Run) -> Taken | None:
        """What a run takes of the data."""
        return take(self.sources, run)

    def recipe(self, table: PaperTable, row: Row, run: Run, taken: Taken) -> Recipe:
        """By which a row is run on what its run takes."""
        recipe = change_recipe(recipe_of(table, row, run), epochs=self.how.epochs)
        if row.network in self.how.trunks:
            trunk = {"weights_backbone": self.how.trunks[row.network]}
            recipe = replace(recipe, model_arguments=recipe.model_arguments | trunk)
        if self.how.quick:
            recipe = _thin(recipe, row)
        if self.pretrained is not None and self.pretrained.serves(row):
            recipe = self.pretrained.fitted(recipe, row)
        if not taken.own:
            recipe = replace(recipe, labels=self.how.labels or Recipe("default").labels)
        return recipe

    def weights(self, row: Row) -> list[str]:
        """What a row is run from, in words: `[""]` for random weights alone."""
        if self.pretrained is None or not self.pretrained.serves(row):
            return [""]
        return [FROM_RANDOM, self.pretrained.text]

    def run(
        self, row: Row, recipe: Recipe, taken: Taken, place: Path, pretrain_as: str = ""
    ) -> EvaluationResult | str:
        """The result of a row on its data, or why there is none.

        Args:
            row, recipe, taken: of the row.
            place: folder of its result, where nobody asked for the same before.
            pretrain_as: name of the folder of the weights that it starts from, where these are
                trained for it; `""` for random weights.
        """
        key = _identity(row, recipe, taken) + (self.pretrained.text if pretrain_as else "")
        if key not in self.done:
            parameters = self.how.parameters or {}
            try:
                start, model = None, row.network
                if pretrain_as:
                    start = self.pretrained.start_of(recipe, pretrain_as)
                    model = full_learner(row.network, recipe, start, None, ())
                self.done[key] = evaluate(
                    model,
                    samples_of(taken, self.how.quick, parameters.get("on_error", "fail")),
                    labels=None if taken.own else self.how.labels,
                    recipe=None if start else recipe,
                    parameters=self.how.parameters,
                    start=start,
                    seeds=self.how.seeds,
                    jobs=self.how.jobs,
                    subjects=QUICK_FOLDS if self.how.quick else None,
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
        preprocessing=recipe.preprocessing | {"frames": QUICK_FRAMES},
    )


def _identity(row: Row, recipe: Recipe, taken: Taken) -> str:
    """Equal for rows that ask for the same: the recipe's name and words decide no result."""
    settings = recipe_settings(recipe)
    settings["model_arguments"] = sorted(settings["model_arguments"].items())
    return repr((row.network, settings, taken.text, taken.datasets))
