"""Numbers and texts that callers say: what is meant is taken, what is malformed is refused."""

import math

import numpy as np
import pytest

import merzoo
from merzoo.arguments import class_names, number_after, real_number, whole_number
from merzoo.commands._options import model_arguments
from merzoo.data.datasets import parse_data
from merzoo.data.tables import parse_columns
from merzoo.errors import InputError
from merzoo.evaluation.splits.protocols import PROTOCOLS, parse_protocol
from merzoo.evaluation.splits.selection import parse_selection
from merzoo.prediction.spotting import Settings
from merzoo.tuning.search import outer_folds
from tests.samples import flow_arrays


class Options:
    def __init__(self, *argument):
        self.argument = list(argument)


def arguments(text):
    return model_arguments(Options(*text.split(" ")))


def outer(text):
    return outer_folds(text, flow_arrays(subjects=4, clips=3))


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (
            parse_protocol,
            ["kfold:", "kfold:x", "kfold:0", "kfold:1", "kfold:-3", "kfold:2.5", "kfold:08"]
            + [
                "kfold:\u0663",
                "kfold: 5",
                "kfold:5:",
                "kfold:5:x",
                "kfold:5:6:7",
                "kfold:5:-1",
                "kfold:9999999999",
                " kfold",
            ]
            + ["kfold ", ":5", "", "loso:", "loso:3", "Loso", "megc2018-cde:2", None, 5, ["loso"]],
        ),
        (
            parse_selection,
            ["fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:1.5", "fixed:07", "last:", "last:3"]
            + ["inner:", "inner:2", "", ":", None, 3],
        ),
        (outer, ["kfold", "kfold:", "kfold:1", "kfold5", "kfold:x", "loso:", "loso:2", "", None]),
        (
            parse_data,
            ["arrays:", "synthetic:", "casme2:?part=vis", "smic:DIR?", "smic:DIR?part"]
            + ["smic:DIR?part=", "smic:DIR?=vis", "smic:DIR?part=vis&", "smic:DIR?part=vis&&a=b"]
            + ["smic:DIR?part=vis&part=nir", "", ":", "?part=vis", None, 7],
        ),
        (
            parse_columns,
            ["path", "path=", "=file", "path=file,", ",path=file", "path=a,,label=b"]
            + ["path=a,path=b", "paht=a", ""],
        ),
        (arguments, ["classes", "=3", "classes=", "classes=3 classes=4"]),
    ],
)
def test_a_malformed_text_is_refused_in_one_line(read, texts):
    for text in texts:
        with pytest.raises(InputError) as error:
            read(text)
        assert "\n" not in str(error.value) and len(str(error.value)) < 400, text


def test_what_is_well_formed_is_read():
    assert parse_protocol("stratified-kfold-clips:3")[1] == 3
    assert {parse_protocol(name)[1] for name in PROTOCOLS} == {5}
    assert parse_selection("fixed:100").text == "fixed:100"
    assert len(outer("kfold:3")) == 3 and len(outer("loso")) == 4
    source = parse_data("synthetic?subjects=2&clips=3")
    assert source == ("synthetic", "", {"subjects": "2", "clips": "3"})
    assert parse_data("manifest:a b?columns=path=x,label=y").options == {
        "columns": "path=x,label=y"
    }
    assert parse_columns("path = my file, label=x") == {"path": "my file", "label": "x"}
    assert arguments("shape=[2,3] name=a=b") == {"shape": (2, 3), "name": "a=b"}


BAD = [
    True,
    False,
    None,
    "3",
    1.5,
    3.0,
    -1,
    0,
    math.nan,
    math.inf,
    1j,
    [2],
    np.float32(2),
    np.True_,
]


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(InputError, match=r"^seeds must be a whole number from 1 to 9, got "):
        whole_number("seeds", value, most=9)


@pytest.mark.parametrize("value", [True, None, "0.5", -0.1, 1.01, math.nan, math.inf, 1j])
def test_what_is_no_share_is_refused_by_name(value):
    with pytest.raises(InputError, match=r"^share must be a number from 0 to 1, got "):
        real_number("share", value, least=0, most=1)


def test_numbers_of_numpy_are_numbers():
    assert whole_number("n", np.int16(4)) == 4 and type(whole_number("n", np.int64(4))) is int
    assert real_number("x", np.float32(0.5)) == real_number("x", 0.5) == 0.5
    assert number_after("protocol", "kfold:12", "12", "kfold:8") == 12
    with pytest.raises(InputError, match=r"above 0 and up to 1, got 0\.$"):
        real_number("x", 0, least=0, most=1, above=True)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a", "b", "a"], "0 and 2 are 'a' and 'a', one name"),
        (["Others", "others "], "'Others' and 'others ', one name"),
        (["a  b", "a b"], "one name; give each class"),
        (["a", ""], "class 1 has no name"),
        ([" ", "b"], "class 0 has no name"),
        ([1, 2], "class 0 has no name, but 1"),
        ("abc", "is one text"),
        ([], "names no classes"),
    ],
)
def test_every_class_has_a_name_of_its_own(names, says):
    with pytest.raises(InputError, match=says):
        class_names(names, "--classes")


WRONG = [-1, 0, 1.5, True, "3", math.nan, math.inf]
SEEDS = [-1, 1.5, True, "3", math.nan, 2**32]


@pytest.mark.parametrize(
    ("verb", "name", "values"),
    [
        (lambda **k: merzoo.evaluate("flow-krr", "nowhere.npz", **k), "seeds", WRONG),
        (lambda **k: merzoo.evaluate("flow-krr", "nowhere.npz", **k), "jobs", WRONG),
        (lambda **k: merzoo.evaluate("flow-krr", "nowhere.npz", **k), "fold_chunk", WRONG),
        (lambda **k: merzoo.transfer("ststnet", "no", "nowhere.npz", **k), "seeds", WRONG),
        (lambda **k: merzoo.audit("nowhere.npz", **k), "jobs", WRONG),
        (lambda **k: merzoo.compare(["a", "b"], **k), "permutations", WRONG),
        (lambda **k: merzoo.compare(["a", "b"], **k), "seed", [-1, 1.5, True, "3", math.nan]),
        (lambda **k: merzoo.reproduce("no/table", "nowhere.npz", **k), "seeds", WRONG),
        (lambda **k: merzoo.tune("ststnet", "nowhere.npz", **k), "trials", WRONG),
        (lambda **k: merzoo.tune("ststnet", "nowhere.npz", **k), "seeds", WRONG),
        (lambda **k: merzoo.tune("ststnet", "nowhere.npz", **k), "folds", [*WRONG, 1]),
        (lambda **k: merzoo.tune("ststnet", "nowhere.npz", **k), "seed", SEEDS),
        (
            lambda **k: merzoo.tune("ststnet", "nowhere.npz", **k),
            "budget",
            [-1, 0, True, "3", math.nan, math.inf],
        ),
        (lambda **k: Settings(**k), "factor", [-1, True, "3", math.nan, math.inf]),
        (lambda **k: Settings(**k), "longest", [-1, True, "3", math.nan, math.inf]),
    ],
)
def test_a_number_that_cannot_be_is_refused_before_any_work(verb, name, values):
    for value in values:
        with pytest.raises(InputError, match=f"^{name} must be a") as error:
            verb(**{name: value})
        assert str(error.value).endswith(f", got {value!r}.")
