"""Small `apex` pictures for the tests of training: a bright band whose place is the class."""

import numpy as np

from merzoo.preprocessing.arrays import Arrays

CLASSES = ("negative", "positive", "surprise")


def picture_arrays(subjects=10, clips=4, size=8, dataset="demo", classes=CLASSES, seed=0) -> Arrays:
    rng = np.random.default_rng(seed)
    label = np.arange(subjects * clips) % len(classes)
    images = rng.uniform(0, 160, (len(label), size, size, 1)).astype("float32")
    for row, k in enumerate(label):
        images[row, 2 * k : 2 * k + 3] += 80
    return Arrays(
        {"apex": images},
        label,
        [f"s{i // clips}" for i in range(len(label))],
        [dataset] * len(label),
        [f"c{i}" for i in range(len(label))],
        classes,
        source=dataset,
    )


def train_long(build, pool, rows, recipe, training, folder):
    """One long training, as `pretrain` runs it: the model that is kept, and the logs by epoch."""
    from merzoo.training.learner import resolve
    from merzoo.training.parts import Rows
    from merzoo.training.trainer import Trainer

    steps = recipe.steps(len(rows[0]))
    trainer = Trainer(resolve(build, recipe), pool.classes, steps, options=training)
    history = trainer.fit(
        Rows(pool, rows[0], balanced=training.balance == "sampling"),
        training.seed,
        validation=Rows(pool, rows[1]) if len(rows[1]) else None,
        folder=folder,
    )
    epochs = len(history["loss"])
    return trainer.final(), [{n: v[epoch] for n, v in history.items()} for epoch in range(epochs)]
