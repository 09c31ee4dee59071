"""The AU parser on every form that the datasets write, and on forms made at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merzoo.data.action_units import (
    ACTION_UNITS,
    ActionUnit,
    action_unit_vector,
    parse_action_units,
)
from merzoo.errors import InputError


@pytest.mark.parametrize(
    ("text", "units", "ambiguous", "remarks"),
    [
        ("4+L10", ["4", "L10"], False, ()),
        ("12A", ["12A"], False, ()),
        ("A12", ["12A"], False, ()),
        ("R14A or 17A or 24A", ["R14A", "17A", "24A"], True, ()),
        ("(R6 or R12)+R15", ["R6", "R12", "R15"], True, ()),
        ("ref(7B)+43", ["7B", "43"], False, ("ref",)),
        ("10A/B", ["10A/B"], True, ()),
        ("A/L12", ["L12A"], False, ()),
        ("T18", ["T18"], False, ()),
        ("B18", ["B18"], False, ()),
        ("R14+17+soft focus", ["R14", "17"], False, ("soft focus",)),
        ("1，2", ["1", "2"], False, ()),
        ("4 + 7", ["4", "7"], False, ()),
        ("4,7", ["4", "7"], False, ()),
        ("AU12+AU 6", ["12", "6"], False, ()),
        ("4+AD19", ["4", "19"], False, ()),  # an action descriptor, not intensity A or D
        ("l4", ["L4"], False, ()),
        ("4?", ["4"], True, ()),
        (12, ["12"], False, ()),
        (12.0, ["12"], False, ()),
    ],
)
def test_every_annotated_form(text, units, ambiguous, remarks):
    coding = parse_action_units(text)
    assert [str(unit) for unit in coding.units] == units
    assert coding.ambiguous is ambiguous
    assert coding.remarks == remarks


@pytest.mark.parametrize("text", [None, "", " ", "/", "nan", float("nan"), "?"])
def test_no_units(text):
    assert parse_action_units(text).units == ()
    assert not action_unit_vector(text).any()


@pytest.mark.parametrize("text", ["4 12", "4+X12", "120", "0", "4-12", "4L5R", "1" * 600])
def test_what_is_no_unit_is_an_error_that_names_the_row(text):
    with pytest.raises(InputError, match="sheet, row 3"):
        parse_action_units(text, "sheet, row 3")


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("4C+7B", {4: 3, 7: 2}),
        ("AU12A+E25", {12: 1, 25: 5}),
        ("R14D", {14: 4}),
        ("L4B+R4C", {4: 3}),  # the stronger side
        ("L4B+R4", {4: 2}),  # of the other side it is not known
        ("10A/B", {10: 1}),  # what the coder was sure of
        ("6+12C", {6: np.nan, 12: 3}),
        ("R14A or 17C", {14: 1, 17: 3}),
        (None, {}),
    ],
)
def test_intensities_stand_beside_presence(text, levels):
    found = parse_action_units(text).intensities
    assert found.keys() == levels.keys() == parse_action_units(text).numbers
    np.testing.assert_equal(found, {number: float(level) for number, level in levels.items()})


def test_alternatives_stay_in_one_group():
    coding = parse_action_units("(R6 or R12)+R15")
    assert coding.groups == (
        (ActionUnit(6, "R"), ActionUnit(12, "R")),
        (ActionUnit(15, "R"),),
    )


def test_the_vector_has_21_units_and_ignores_rarer_ones():
    vector = action_unit_vector("4+R14A or 17+45")
    assert vector.shape == (21,)
    assert vector.dtype == np.float32
    assert [ACTION_UNITS[i] for i in np.flatnonzero(vector)] == [4, 14, 17]


units = st.builds(
    ActionUnit,
    st.integers(1, 98),
    st.sampled_from([None, "L", "R", "T", "B"]),
    st.sampled_from([None, *"ABCDE", "A/B"]),
)
groups = st.lists(st.lists(units, min_size=1, max_size=3), min_size=1, max_size=6)


@given(groups, st.sampled_from(["+", ", ", "，", " + "]), st.booleans())
def test_what_is_written_is_read_back(wanted, joint, brackets):
    parts = [" or ".join(map(str, group)) for group in wanted]
    text = joint.join(f"({part})" if brackets else part for part in parts)
    coding = parse_action_units(text)
    assert coding.groups == tuple(map(tuple, wanted))
    open_ended = any(u.intensity == "A/B" for group in wanted for u in group)
    assert coding.ambiguous == (open_ended or any(len(group) > 1 for group in wanted))


@given(st.lists(st.sampled_from(ACTION_UNITS), unique=True).flatmap(st.permutations))
def test_the_vector_does_not_depend_on_the_order(numbers):
    vector = action_unit_vector("+".join(map(str, numbers)))
    assert {ACTION_UNITS[i] for i in np.flatnonzero(vector)} == set(numbers)


@given(st.text(max_size=30) | st.text("0123456789ABLRTor+,/()? ", max_size=30))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        coding = parse_action_units(text, "row 1")
    except InputError as error:
        assert str(error).startswith("row 1: ")
    else:
        assert coding.numbers <= set(range(1, 99))
