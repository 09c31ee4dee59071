"""`finetune`: pretrained weights trained on, once, with all the data given.

After Gan et al., "Transfer-Learning Enabled Micro-Expression Recognition Using Dense Connections
and Mixed Attention", sections 3.2 and 4.2, where all layers are trained on.
"""

import os

from merzoo.training.pretrain import TrainedWeights, run_training
from merzoo.training.recipes import Recipe


def finetune(
    model,
    pretrained: str | os.PathLike,
    data,
    *,
    labels: str | None = None,
    recipe: Recipe | str | None = None,
    arguments: dict | None = None,
    freeze: str | None = None,
    trunk_rate: float = 1.0,
    epochs: int | None = None,
    quick: bool = False,
    parameters: dict | None = None,
    out: str | os.PathLike | None = None,
    **training,
) -> TrainedWeights:
    """Trains pretrained weights on, once, with all the data given, and saves like `pretrain`.

    Nothing is held out unless `validation` says so: the last epoch's weights are kept. What it is
    worth on new people is `transfer`'s to say.

    Args:
        model: as for `pretrain`.
        pretrained: folder of a training run, its `.weights.h5` file, or a tag of the manifest.
        data: as for `pretrain`.
        labels: label map, as for `pretrain`; `None` for `"megc3"` of clips. Where the
            classes are not those of the weights, the class head starts afresh; everything else must
            load exactly.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for the network's own.
        arguments: of the builder, over those that the weights were made with.
        freeze: the last layer that is not trained, or `None` to train all.
        trunk_rate: factor of the learning rate for all layers but the class head.
        epochs, quick, parameters, out: as for `pretrain`.
        training: fields of `merzoo.training.options.Training`; `validation=0` and
            `balance=None` (the recipe's class weights) unless said.

    Returns:
        `TrainedWeights`, whose entry names the subjects of both trainings.

    Raises:
        InputError: as for `pretrain`, and if the weights do not fit, or have seen the subjects.

    Example:

    >>> found = finetune("broadbentnet", "runs/pre", "casme2:/data/CASME2")  # doctest: +SKIP
    """
    from merzoo.training.pretrained import find_start

    def start(network: str):
        return find_start(pretrained, network, freeze, trunk_rate)

    training = {"validation": 0.0, "balance": None} | training
    how = (recipe, arguments, epochs, quick, parameters, out, training, start)
    return run_training(model, data, labels, "megc3", *how)
