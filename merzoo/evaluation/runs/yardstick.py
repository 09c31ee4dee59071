"""The yardstick beside the scores of a run: `flow-krr`, trained and tested in the run's own folds.

Kernel ridge regression on flow images takes no device and no seed. It is trained by what trains
every estimator, on the training samples of a fold, so what it reaches is what `merzoo.evaluate`
reaches with it. It follows from the samples and the folds alone: a run that was killed works it out
when it ends.
"""

from collections.abc import Sequence

import numpy as np

from merzoo.evaluation.runs.fold import FoldData, FoldJob, run_fold
from merzoo.evaluation.scores.bootstrap import subject_matrices, summarise
from merzoo.evaluation.scores.paired_tests import paired_scores
from merzoo.evaluation.scores.predictions import predictions_table, runs_of
from merzoo.evaluation.splits.protocols import Fold
from merzoo.metrics import headline
from merzoo.preprocessing.arrays import Arrays
from merzoo.progress import progress_bar
from merzoo.training.learner import Learner, resolve

YARDSTICK = "flow-krr"
MOST = 5000  # samples; these in 68 folds take about 40 s of one core, the MEGC composite about 3 s


def yardstick(learner: Learner, samples: Arrays, folds: Sequence[Fold], predictions) -> dict | None:
    """What the yardstick reaches in the folds of a run, and the run less it.

    Args:
        learner: that was evaluated.
        samples: with all the modalities that the data hold.
        folds: that were run.
        predictions: content of the run's `predictions.csv`, of one seed or several.

    Returns:
        The content of `metrics["yardstick"]`: `model`, the headline metrics of `merzoo.metrics`,
        `interval`, `n`, and as `difference` the run less the yardstick, as of
        `merzoo.evaluation.scores.paired_tests.paired_scores`. Where the samples do not allow it,
        `model` and `absent`, the reason. `None` for the yardstick itself and for action units.
    """
    if learner.multilabel or learner.name == YARDSTICK:
        return None
    own = resolve(YARDSTICK)
    absent = _absent(own, samples)
    if absent is not None:
        return {"model": YARDSTICK, "absent": absent}
    data, results = own.take(samples), []
    with progress_bar() as bar:
        for fold in bar.track(folds, description=YARDSTICK):
            job = FoldJob(FoldData.of(data, fold), fold, 0, own)
            results.append((job, run_fold(job)))
    first, label, predicted, given = runs_of(predictions_table(data, results), data.classes)
    subject, classes = first["subject"].to_numpy(), len(data.classes)
    found = summarise(label, subject, list(predicted), classes, given)
    runs = runs_of(predictions, data.classes)[2]  # (R, N)
    return {
        "model": YARDSTICK,
        **{metric.name: found[metric.name] for metric in headline()},
        "interval": found["interval"],
        "n": found["n"],
        "difference": paired_scores(
            *(
                [subject_matrices(label, seed, subject, classes) for seed in one]
                for one in (np.repeat(predicted, len(runs), 0), runs)
            )
        ),
    }


def _absent(own: Learner, samples: Arrays) -> str | None:
    """Why there is no yardstick for some samples, or `None`."""
    if len(samples) > MOST:
        return f"{len(samples):,} samples, and it is worked out for up to {MOST:,}"
    for name, shape in (own.inputs or {}).items():
        if name not in samples.modalities:
            return f"the data hold no {name}"
        held = samples.modalities[name].shape[1:]
        if held != tuple(shape):
            return f"the data hold {name} of shape {held}, {own.name} takes {tuple(shape)}"
    return None
