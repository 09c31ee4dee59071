"""The samples that a learner is evaluated on, from whatever names them."""

from merzoo.data.labels import LabelMap
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.samples import load_samples
from merzoo.training.learner import Learner


def samples_for(
    learner: Learner,
    data,
    labels: str | LabelMap | None,
    usual: str | None = None,
    jobs: int = 1,
    frames: bool = False,
) -> Arrays:
    """Samples as `Arrays`; clips are prepared as the learner's recipe says.

    Args:
        learner: whose inputs are worked out.
        data: `Arrays`, clips, or text as `merzoo.preprocessing.load_samples` takes it.
        labels: label map that is asked for, or `None`.
        usual: label map of clips where none is asked for; `None` for the recipe's.
        jobs: worker processes that prepare clips.
        frames: make each clip into several samples of one frame each.

    Raises:
        InputError: for data that cannot be used.
    """
    parameters = check_parameters(learner.recipe.preprocessing)
    count = parameters.pop("frames")
    return load_samples(
        data,
        learner.inputs or {},
        labels=labels,
        usual=usual or learner.recipe.labels,
        jobs=jobs,
        frames=count if frames else None,
        **parameters,
    )
