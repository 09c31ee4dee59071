"""The papers' tables: complete, buildable, and recipes by name."""

import inspect
import json

import pytest

import merzoo
from merzoo.data.datasets import KINDS
from merzoo.data.labels import LABEL_MAPS
from merzoo.errors import InputError
from merzoo.models.registry import entry
from merzoo.reproduction.tables import get_table, list_tables
from merzoo.training.recipes import RECIPES, Recipe, get_recipe, recipe_as_dict

# The tables of the five papers that compare networks or their switches.
EXPECTED = {
    "broadbentnet": [3, 4],
    "cvanet": [1, 2, 3, 4, 5, 6, 7],
    "densemixednet": [5, 6, 7, 8, 9, 10, 11, 12, 13],
    "dfrnet": [2, 3, 4, 5, 6, 7, 8, 9],
    "keyregionnet": [5, 6],
}
TABLES = [f"{paper}/table{number}" for paper, numbers in EXPECTED.items() for number in numbers]


def test_all_tables_are_there():
    assert list_tables() == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_rows_name_what_exists_and_figures_are_numbers(name):
    table = get_table(name)
    assert len({row.name for row in table.rows}) == len(table.rows)
    assert set(table.quick) <= {row.name for row in table.rows}
    for run in table.runs.values():
        assert set(run.data) <= set(KINDS) and run.labels in LABEL_MAPS
        for dataset in run.data:
            LABEL_MAPS[run.labels].table(dataset)  # the label map serves the data set
    for row in table.rows:
        assert len(row.figures) == len(table.columns)
        if row.reason:
            continue
        found = entry(row.network)
        assert set(row.arguments) <= set(inspect.signature(found.builder).parameters)
        assert row.recipe in RECIPES
        assert len(row.figures) == len(table.columns)
        for figure, column in zip(row.figures, table.columns, strict=True):
            limit = {"": 1, "%": 100}.get(column.unit, 1000)
            assert figure == "-" or 0 < float(figure) <= limit


def test_figures_stand_where_the_papers_have_them():
    # Read off the papers: DFR-Net Table 6 (CA, SAMM UF1), CVA Table 3 (both, SAMM accuracy), key
    # regions Table 5 (10 IBs, MEGC UAR), dense Table 11 (channel, SMIC-HS UF1), Broadbent Table IV.
    def figure(table, row, **column):
        table = get_table(table)
        (place,) = [
            i
            for i, c in enumerate(table.columns)
            if all(getattr(c, k) == v for k, v in column.items())
        ]
        return table.row(row).figures[place]

    assert figure("dfrnet/table6", "ca", part="samm", metric="uf1") == "0.7949"
    assert figure("cvanet/table3", "both", run="samm", metric="accuracy") == "85.71"
    assert figure("keyregionnet/table5", "10", run="composite", metric="uar") == "0.7337"
    assert figure("densemixednet/table11", "channel", part="smic", metric="uf1") == "0.9256"
    assert figure("broadbentnet/table4", "broadbent", run="kfold", metric="f1") == "99.66"
    assert figure("dfrnet/table9", "4", metric="parameters") == "11.412"


def test_a_row_is_a_recipe_by_name(tmp_path):
    recipe = get_recipe("dfrnet/table6/none")
    paper = RECIPES["dfrnet"]
    assert recipe.model_arguments == {"attention": []}
    assert (recipe.learning_rate, recipe.epochs) == (paper.learning_rate, paper.epochs)
    assert "Table 6, row 'None'" in recipe.about
    by_frame = get_recipe("broadbentnet/table3/broadbent/kfold")
    assert (by_frame.protocol, by_frame.labels) == ("kfold-frames:8:42", "samm-8")
    file = tmp_path / "row.json"
    file.write_text(json.dumps(recipe_as_dict(recipe)))
    assert get_recipe(file) == recipe
    for name, message in {
        "dfrnet/table66/none": "Did you mean 'dfrnet/table6'",
        "dfrnet/table6/non": "Did you mean 'none'",
        "cvanet/table3/both/sam": "Did you mean 'samm'",
        "dfrnet/table6": "NETWORK/TABLE/ROW",
    }.items():
        with pytest.raises(InputError, match=message):
            get_recipe(name)


def test_a_recipe_says_its_protocol_and_label_map():
    assert (Recipe("x").protocol, Recipe("x").labels) == ("loso", "megc3")
    with pytest.raises(InputError, match="loss='margn'"):
        Recipe("x", loss="margn")
    with pytest.raises(InputError, match="l2=-1"):
        Recipe("x", l2=-1)


@pytest.mark.slow
def test_every_row_can_be_built_with_its_switches():
    built = set()
    for table in map(get_table, TABLES):
        for row in table.rows:
            if row.reason:
                continue
            arguments = entry(row.network).small | row.arguments
            arguments.pop("weights_backbone", None)
            if (row.network, repr(arguments)) not in built:
                merzoo.create_model(row.network, **arguments)
                built.add((row.network, repr(arguments)))
    assert len(built) > 30
