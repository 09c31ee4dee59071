"""`finetune` and `transfer`: networks that begin with pretrained weights.

`transfer` is `evaluate` with every fold starting from the same weights; `finetune` trains once, on
all that is given. Both refuse subjects that the weights have seen. After Gan et al.,
"Transfer-Learning Enabled Micro-Expression Recognition Using Dense Connections and Mixed
Attention", sections 3.2 and 4.2, where all layers are trained on.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.data.labels import map_labels
from merzoo.errors import InputError
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.splits.protocols import parse_protocol
from merzoo.files import check_folder
from merzoo.training.builders import named_builder
from merzoo.training.pool import read_sources
from merzoo.training.pretrain import full_learner
from merzoo.training.recipes import Recipe, change_preprocessing, change_recipe

QUICK_SUBJECTS, QUICK_CLIPS, QUICK_BATCH = 3, 4, 8


def transfer(
    model,
    pretrained: str | os.PathLike,
    data,
    *,
    labels: str | None = None,
    protocol: str | None = None,
    recipe: Recipe | str | None = None,
    arguments: dict | None = None,
    freeze: str | None = None,
    trunk_rate: float = 1.0,
    epochs: int | None = None,
    quick: bool = False,
    seeds: int = 1,
    jobs: int = 1,
    subjects: list[str] | None = None,
    selection: str = "last",
    cluster: str | None = None,
    parameters: dict | None = None,
    engine: str = "auto",
    out: str | os.PathLike | None = None,
):
    """Tests a network in every fold of a protocol, each fold fine-tuned from pretrained weights.

    Args:
        model, pretrained, recipe, arguments, freeze, trunk_rate: as for `finetune`. Where
            the weights were made with `modality="apex"`, the network takes what it takes of a clip
            by default: weights of pictures serve DenseMixedNet's magnified apex as well.
        data: as for `evaluate`.
        labels, protocol, seeds, jobs, subjects, selection, engine, out: as for `evaluate`.
        cluster: as for `evaluate`; every worker must find the weights under the same path.
        epochs: instead of the recipe's.
        quick: a thin slice, to see that it works: 3 subjects with 4 clips each, one epoch in
            batches of 8.
        parameters: choices of preprocessing, as for `evaluate`.

    Returns:
        `merzoo.evaluation.EvaluationResult`; its folder is that of `evaluate`, with the weights in
        `protocol.json`.

    Raises:
        InputError: as for `evaluate`, and if the weights do not fit, or have seen a subject of the
            data.

    Example:

    >>> result = transfer("densemixednet", "runs/pre", "synthetic:medium")  # doctest: +SKIP
    """
    from merzoo.evaluation import evaluate
    from merzoo.evaluation.runs.cluster import check_cluster
    from merzoo.training.batches import check_feed
    from merzoo.training.pretrained import find_start

    check_folder(out)
    check_feed()
    whole_number("seeds", seeds, most=MOST_SEEDS)
    whole_number("jobs", jobs, most=MOST_JOBS)
    if cluster is not None:
        check_cluster(cluster)
    start = find_start(pretrained, named_builder(model)[0], freeze, trunk_rate)
    on_error = (parameters or {}).get("on_error", "fail")
    arrays, clips = read_sources(data, on_error)
    start.check_unseen([c.subject for c in clips], ", ".join({c.dataset for c in clips}))
    learner = full_learner(model, recipe, start, arguments, clips)
    recipe = change_recipe(learner.recipe, epochs=epochs)
    learner = replace(learner, recipe=change_preprocessing(recipe, parameters))
    protocol = protocol or learner.recipe.protocol
    if quick:
        batch = min(recipe.batch_size, QUICK_BATCH)
        learner = replace(learner, recipe=replace(learner.recipe, epochs=1, batch_size=batch))
        usual = parse_protocol(protocol)[0].labels or learner.recipe.labels
        arrays, clips = _thin(arrays, clips, labels or usual, on_error)
        thin = samples_for(learner, [*arrays, *clips], labels, usual, jobs)
        data = replace(thin, source=f"{thin.source} (quick: {len(thin)} clips)")
    return evaluate(
        learner,
        data,
        labels=labels,
        protocol=protocol,
        seeds=seeds,
        jobs=jobs,
        subjects=subjects,
        selection=selection,
        cluster=cluster,
        engine=engine,
        out=out,
        start=start,
    )


def _thin(arrays, clips, labels, on_error: str) -> tuple[list, list]:
    """A few clips of each of a few subjects, such that every fold has classes to learn."""
    thin_arrays = [a.take(_thin_rows(a.label, a.subject)) for a in arrays]
    if not clips:
        return thin_arrays, []
    mapped = map_labels(clips, labels, on_error)
    rows = _thin_rows(mapped.indices, np.array([clip.subject for clip in mapped.clips]))
    return thin_arrays, [mapped.clips[i] for i in rows]


def _thin_rows(label: np.ndarray, subject: Sequence[str]) -> np.ndarray:
    """Rows of the subjects who show most classes, a few each, of different classes first.

    >>> label = np.array([0, 0, 0, 0, 0, 1, 0, 1])
    >>> _thin_rows(label, np.array(list("aaabbbcc"))).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    subject = np.asarray(subject)
    if not len(subject):
        raise InputError("no clip is left under the label map; choose another.")
    names = sorted(set(subject.tolist()))
    names.sort(key=lambda name: -len(set(label[subject == name].tolist())))
    rows = []
    for name in names[:QUICK_SUBJECTS]:
        own = np.flatnonzero(subject == name)
        rank = {k: iter(range(len(own))) for k in set(label[own].tolist())}
        order = sorted(own.tolist(), key=lambda i, rank=rank: next(rank[label[i]]))
        rows += sorted(order[:QUICK_CLIPS])
    return np.array(sorted(rows))
