"""The oracle gap: what choosing the epoch on the test subjects would have claimed. NOT A RESULT.

Two such rules are met in published code. *One epoch for all folds*: the test scores of all folds
are pooled after every epoch, and the best epoch is reported. *Best epoch per fold*: every fold
keeps the epoch with the most right test clips. Both read the test labels; with single subjects of a
few clips the second lifts even random predictions to scores that look like learning, which the
*random floor* shows: predictions drawn from the class priors, put through the same rule.
"""

from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.files import write_json
from merzoo.metrics import UF1, confusion_matrix, scores
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import Learner

ORACLE_FILE = "oracle.json"
NOT_A_RESULT = (
    "NOT A RESULT: what choosing the epoch on the test subjects would have claimed. The test "
    "labels were read to choose; only the honest figure may be reported."
)
ONE_EPOCH, PER_FOLD = "one epoch for all folds", "best epoch per fold"


def oracle_gap(results, data: Arrays, *, draws: int = 50, seed: int = 0) -> dict | None:
    """Honest score, what both rules would have claimed, and the random floor under each.

    Args:
        results: (job, result) pairs of an evaluation with `audit_epochs=True`.
        data: the samples that were tested, with their labels.
        draws: simulations of the random floor.
        seed: of the simulations.

    Returns:
        A dict with `about`, `epochs`, `honest` (mean scores over seeds), `rules` (rule -> scores,
        `gap` in UF1 over the honest score, the chosen `epochs_chosen`, and `floor`) and
        `uf1_by_epoch` (one list a seed), or `None` where a fold kept no epochs.
    """
    if any(result.epochs is None for _, result in results):
        return None
    classes = len(data.classes)
    runs: dict[int, list] = {}
    for job, result in results:
        label = data.label[job.fold.test]
        final = confusion_matrix(label, result.probabilities.argmax(-1), classes)
        by_epoch = np.stack([confusion_matrix(label, e.argmax(-1), classes) for e in result.epochs])
        runs.setdefault(job.seed, []).append((final, by_epoch))

    honest = _mean([scores(sum(final for final, _ in folds)) for folds in runs.values()])
    counts = [by_epoch[0].sum(1) for _, by_epoch in next(iter(runs.values()))]
    epochs = len(results[0][1].epochs)
    rules = {}
    for rule, choose in _RULES.items():
        chosen = [choose(np.stack([e for _, e in folds])) for folds in runs.values()]
        claimed = _mean([scores(matrix) for matrix, _ in chosen])
        rules[rule] = claimed | {
            "gap": claimed[UF1.name] - honest[UF1.name],
            "epochs_chosen": [which for _, which in chosen],
            "floor": random_floor(counts, epochs, rule, draws=draws, seed=seed),
        }
    pooled = [sum(by_epoch for _, by_epoch in folds) for folds in runs.values()]
    return {
        "about": NOT_A_RESULT,
        "epochs": epochs,
        "seeds": len(runs),
        "honest": honest,
        "rules": rules,
        "uf1_by_epoch": [UF1.of_matrix(matrices).tolist() for matrices in pooled],
    }


def check_has_epochs(learner: Learner) -> None:
    """Raises `InputError` for an estimator, which is not trained in epochs."""
    if learner.kind == "estimator":
        raise InputError(
            f"{learner.name} is fitted in one step, without epochs: leave out audit_epochs "
            f"(--audit-epochs)."
        )


def write_oracle(folder: Path, results, data: Arrays) -> dict | None:
    """`oracle_gap` of a run, kept in its folder as `oracle.json` where all folds have epochs."""
    oracle = oracle_gap(results, data)
    if oracle is None:
        (folder / ORACLE_FILE).unlink(missing_ok=True)
    else:
        write_json(folder / ORACLE_FILE, oracle)
    return oracle


def random_floor(
    counts, epochs: int, rule: str = PER_FOLD, *, draws: int = 50, seed: int = 0
) -> dict[str, float]:
    """UF1 of random predictions from the class priors when a rule may choose among epochs.

    Args:
        counts: (F, K) test clips of each class in each fold.
        epochs: how many epochs the rule chooses from.
        rule: `ONE_EPOCH` or `PER_FOLD`.
        draws: simulations.
        seed: of the draws.

    Returns:
        `{"uf1": mean, "low": 5 % quantile, "high": 95 % quantile}` over the draws.

    Example:

    >>> folds = [[4, 0, 0], [2, 1, 0], [0, 1, 2], [1, 2, 2]]
    >>> alone = random_floor(folds, epochs=1)["uf1"]
    >>> chosen = random_floor(folds, epochs=100)["uf1"]
    >>> alone < 0.4 < 0.9 < chosen
    True
    """
    counts = np.asarray(counts)
    priors = counts.sum(0) / counts.sum()
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = [[rng.multinomial(n, priors, size=epochs) for n in fold] for fold in counts]
        matrices = np.moveaxis(np.array(rows), 2, 1)  # (F, K, E, K) -> (F, E, K, K)
        found.append(float(UF1.of_matrix(_RULES[rule](matrices)[0])))
    low, high = np.quantile(found, [0.05, 0.95])
    return {UF1.name: float(np.mean(found)), "low": float(low), "high": float(high)}


def _one_epoch(matrices: np.ndarray) -> tuple[np.ndarray, int]:
    """The pooled matrix of the epoch with the best pooled UF1, and that epoch, from 1."""
    pooled = matrices.sum(0)  # (F, E, K, K) -> (E, K, K)
    best = UF1.best(UF1.of_matrix(pooled))
    return pooled[best], best + 1


def _best_per_fold(matrices: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Every fold's matrix at its first epoch with the most right clips, pooled; those epochs."""
    best = np.trace(matrices, axis1=-2, axis2=-1).argmax(1)  # (F, E) -> (F,)
    return matrices[np.arange(len(best)), best].sum(0), (best + 1).tolist()


_RULES = {ONE_EPOCH: _one_epoch, PER_FOLD: _best_per_fold}


def _mean(parts: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
