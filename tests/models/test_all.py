"""Every listed network passes the battery; a new model is tested by being registered."""

import keras
import pytest

import merzoo
from merzoo.models.building import leave_without_values
from merzoo.models.registry import entry
from tests.battery import run_model_test, trainable_count

# Weights that cannot get a gradient, with the reason in the model's readings.
NO_GRADIENT = {"htnet": ("query", "key", "level_3_position")}

NETWORKS = merzoo.list_models(kind="network")
# Larger or smaller forms of networks that are tested anyway: the battery takes half a minute each.
FORMS = ("dfrnet-1", "dfrnet-4", "keyregionnet-0", "keyregionnet-24", "rcn-f", "rcn-w")
FORMS += ("slstt-mean",)
if keras.backend.backend() == "jax":  # compiles for half a minute what other backends test always
    FORMS += ("capsulenet", "emr", "googlenet", "htnet", "mmnet", "p3d", "resnet3d18", "slstt")
    FORMS += ("cvanet", "densemixednet", "dfrnet", "dssn", "keyregionnet", "resnet18", "tscnn")
    FORMS += ("convnext-tiny", "efficientnetv2-b0", "elrcn", "fgrl-auf", "micron-bert")
    FORMS += ("videomae-s", "alexnet", "dfrnet-2", "dualinception", "rcn-a", "sssn")
SOME = [pytest.param(n, marks=pytest.mark.slow) if n in FORMS else n for n in NETWORKS]


@pytest.mark.parametrize("name", SOME)
def test_model(name, tmp_path):
    run_model_test(
        lambda **arguments: merzoo.create_model(name, **entry(name).small | arguments),
        tmp_path=tmp_path,
        no_gradient=NO_GRADIENT.get(name, ()),
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_trainable_parameters_at_default_arguments(name):
    with keras.StatelessScope():  # the values of all these weights would take a minute
        network = merzoo.create_model(name)
        leave_without_values(network)
        assert trainable_count(network) == entry(name).trainable
