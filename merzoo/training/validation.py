"""Which samples a training is validated on: whole persons, or pictures where none is known."""

import warnings

import numpy as np

from merzoo.errors import InputError
from merzoo.training.pool import Pool


def split_validation(pool: Pool, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Parts the samples so that nobody stands on both sides.

    Groups (see `Pool.groups`) stay together; every class of every dataset is shared out as evenly
    as the groups allow (scikit-learn's `StratifiedGroupKFold`).

    Args:
        pool: the samples.
        share: of samples to validate on; 0 for none.
        seed: of the choice.

    Returns:
        Row numbers to train on and to validate on.

    Raises:
        InputError: for a share that is not possible, or fewer groups than it needs.

    Example:

    >>> from merzoo.preprocessing.arrays import Arrays
    >>> subject = [f"s{i // 4}" for i in range(40)]
    >>> data = Arrays({"apex": np.zeros((40, 1, 1, 1))}, np.arange(40) % 2, subject, ["a"] * 40,
    ...               list(map(str, range(40))), ("no", "yes"))
    >>> train, validation = split_validation(Pool((data,)), 0.2)
    >>> len(train), len(validation), set(data.subject[train]) & set(data.subject[validation])
    (32, 8, set())
    """
    from sklearn.model_selection import StratifiedGroupKFold

    everything = np.arange(len(pool))
    if share == 0:
        return everything, everything[:0]
    if not 0 < share <= 0.5:
        raise InputError(f"validation={share} must be 0 (none) or above 0 and at most 0.5.")
    groups, folds = pool.groups(), round(1 / share)
    if len(set(groups.tolist())) < folds:
        raise InputError(
            f"{pool.source}: {len(set(groups.tolist()))} persons (or pictures) are too few to "
            f"validate on {share:.0%} of them; validation=0 trains on all."
        )
    strata = np.unique(np.char.add(pool.dataset, pool.label.astype(str)), return_inverse=True)[1]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of rare strata: as even as they allow
            train, validation = next(iter(splitter.split(everything, strata, groups)))
    except ValueError as error:
        raise InputError(f"{pool.source}: cannot be parted for validation: {error}.") from None
    if len(set(pool.label[train].tolist())) < 2:
        raise InputError(
            f"{pool.source}: only one class would be left to train on; validation=0 trains on all."
        )
    return train, validation
