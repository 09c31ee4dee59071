"""A frozen trunk run once a clip gives the scores of a trunk run in every epoch and fold."""

from dataclasses import replace

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.backbone import backbone_features, without_backbone
from merzoo.models import create_model
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.cache import Cache
from merzoo.training.recipes import RECIPES

SMALL = {
    "input_shape": (32, 32, 1),
    "frames": 2,
    "global_units": 8,
    "ib_units": 4,
    "lstm_units": 4,
    "fc_units": (8,),
}
TINY = replace(
    RECIPES["keyregionnet-cached"], name="tiny", epochs=1, batch_size=4, model_arguments=SMALL
)


def sequences(subjects=2, clips=4):
    rng = np.random.default_rng(0)
    size = subjects * clips
    label = np.arange(size) % 2
    frames = rng.uniform(0, 60, (size, 2, 32, 32, 1)) + 150 * label[:, None, None, None, None]
    return Arrays(
        {"sequence": frames},
        label,
        [f"s{i // clips}" for i in range(size)],
        ["demo"] * size,
        [str(i) for i in range(size)],
        ("negative", "positive"),
    )


@pytest.mark.slow
def test_results_are_those_without_the_cache_and_features_are_computed_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    data = sequences()
    plain = evaluate("keyregionnet-0", data, recipe=TINY, subjects=["demo/s1"])
    options = {"recipe": TINY, "subjects": ["demo/s1"], "cache_backbone": True}
    cached = evaluate("keyregionnet-0", data, **options)
    columns = [c for c in plain.predictions if c.startswith("p_")]
    np.testing.assert_allclose(
        cached.predictions[columns], plain.predictions[columns], rtol=1e-3, atol=1e-5
    )
    files, _ = Cache().size()
    assert files == len(data) + 1  # a file a clip, and all of them in order
    stamps = {f: f.stat().st_mtime_ns for f in Cache().folder.rglob("*.npy")}
    part = data.take([0, 1, 4, 5]).modalities  # another choice of the same clips needs no trunk
    (found,) = backbone_features(
        lambda: create_model("keyregionnet-0", **SMALL | {"classes": 2}), part, seeds=1
    )
    assert found["sequence"].shape == (4, 2, 4, 4, 512)
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps
    assert Cache().size()[0] == files + 1


def test_the_rest_of_the_network_takes_features_and_regions():
    model = create_model("keyregionnet", **SMALL)
    rest = without_backbone(model)
    shapes = {x.name: x.shape[1:] for x in rest.inputs}
    assert shapes == {"sequence": (2, 4, 4, 512), "regions": (2, 10, 4)}
    assert {id(w) for w in rest.trainable_weights} == {id(w) for w in model.trainable_weights}


def test_what_cannot_be_cached_is_refused():
    with pytest.raises(InputError, match=r"ststnet has no frozen backbone; .* keyregionnet, "):
        evaluate("ststnet", sequences(), cache_backbone=True)
    with pytest.raises(InputError, match=r"changes the frames \(rotate-8, crop-15\).*-cached"):
        evaluate("keyregionnet", sequences(), cache_backbone=True)
    thawed = replace(TINY, model_arguments=SMALL | {"freeze_vgg": False})
    with pytest.raises(InputError, match="leave out freeze_vgg=False"):
        evaluate("keyregionnet", sequences(), recipe=thawed, cache_backbone=True)
