"""The features of a frozen backbone, worked out once for every clip instead of in every epoch.

KeyRegionNet's VGG16 trunk is most of its cost and never changes, so leave-one-subject-out would
repeat it for each fold, epoch and clip. Here it runs once; what it gives is kept in merzoo's cache
under the hash of its weights and of the clip, and the folds train the rest of the network on it.
That holds for frames that do not change either: a recipe must not augment them.
"""

import hashlib

import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.cache import Cache, key
from merzoo.progress import progress_bar
from merzoo.training.learner import Learner

FEATURES = 11  # times as large as the frames, at most: (H/8, W/8, 512) in the place of (H, W, 3)
_VERSION = 1  # raised when the same weights give other features


def check_cacheable(learner: Learner) -> None:
    """Raises `InputError` unless the network has a frozen backbone whose input never changes."""
    from merzoo.models import KeyRegionNet
    from merzoo.models.registry import REGISTRY

    if learner.entry is None or learner.entry.builder is not KeyRegionNet:
        names = [name for name, found in REGISTRY.items() if found.builder is KeyRegionNet]
        raise InputError(
            f"{learner.name} has no frozen backbone; cache_backbone is for "
            f"{', '.join(sorted(names))}."
        )
    recipe = learner.recipe
    if not recipe.model_arguments.get("freeze_vgg", True):
        raise InputError("cache_backbone needs a frozen trunk: leave out freeze_vgg=False.")
    changes = [*recipe.augment, *([f"test_time={recipe.test_time}"] if recipe.test_time else [])]
    if changes:
        raise InputError(
            f"cache_backbone: recipe {recipe.name} changes the frames ({', '.join(changes)}), so "
            f"their features are never the same; use the recipe keyregionnet-cached."
        )


def without_backbone(model):
    """The part of a network behind its backbone, whose input `sequence` is the features.

    It shares the layers of `model`: training it trains the model.
    """
    import keras

    from merzoo.models.keyregionnet import split_trunk

    trunk, rest = split_trunk(model)
    features = keras.Input(trunk.output_shape[1:], name="sequence")
    others = [keras.Input(x.shape[1:], name=x.name) for x in model.inputs[1:]]
    return keras.Model([features, *others], rest([features, *others]), name=model.name)


def backbone_features(
    build, modalities: dict[str, np.ndarray], seeds: int, cache: Cache | None = None
) -> list[dict[str, np.ndarray]]:
    """The arrays of samples with features in the place of their frames, for each seed.

    Args:
        build: called without arguments, builds the whole model; its backbone may depend on the seed
            (where its weights are random) or not (where they are loaded).
        modalities: name -> array of all samples; `sequence` is what the backbone sees.
        seeds: how many seeds 0, 1, ...
        cache: where features are kept; `None` for merzoo's own.

    Returns:
        The same for each seed, `sequence` being a memory map of features (N, T, H/8, W/8, 512);
        seeds of equal backbones share one.
    """
    from merzoo.models.keyregionnet import split_trunk
    from merzoo.training.seeds import seeded

    cache = Cache() if cache is None else cache
    frames = modalities["sequence"]
    clips = [hashlib.sha256(np.ascontiguousarray(x)).hexdigest() for x in frames]
    found: dict[str, dict[str, np.ndarray]] = {}
    by_seed = []
    for seed in range(seeds):
        with seeded(seed):
            trunk, _ = split_trunk(build())
        weights = hashlib.sha256(b"".join(w.tobytes() for w in trunk.get_weights())).hexdigest()
        if weights not in found:
            features = _features(trunk, weights, frames, clips, cache)
            found[weights] = modalities | {"sequence": features}
        by_seed.append(found[weights])
    return by_seed


def _features(trunk, weights: str, frames, clips: list[str], cache: Cache) -> np.ndarray:
    facts = {"weights": weights, "frames": frames.shape[1:]}
    keys = [key(backbone=facts, clip=clip, version=_VERSION) for clip in clips]
    whole = key(samples=keys)
    if whole not in cache:
        with progress_bar() as bar:
            for row, name in enumerate(bar.track(keys, description="backbone")):
                if name not in cache:
                    one = np.asarray(frames[row : row + 1], "float32")
                    cache.put(name, np.asarray(trunk.predict_on_batch(one))[0])
        shape = (len(keys), *trunk.output_shape[1:])
        cache.put_rows(whole, (cache.get(name) for name in keys), shape, np.float32)
    return cache.get(whole)
