"""Pictures on a face: colours, arrows and frames are where they should be."""

import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.explain import compare_models, draw_flow, draw_regions, overlay
from merzoo.explain.action_units import UNIT_LANDMARKS, action_unit_boxes
from merzoo.models.random_inputs import random_inputs
from merzoo.preprocessing.landmarks import MIRROR, reference_face

GREY = np.full((60, 60, 3), 100.0)


def test_overlay_leaves_the_face_where_the_map_is_zero():
    half = np.zeros((6, 6))
    half[:, 4:] = 1
    found = overlay(GREY, half).astype(int)
    assert found.shape == (60, 60, 3) and (found[:, :30] == 100).all()
    assert (found[:, 55, 0] > found[:, 55, 2] + 20).all()  # red
    assert overlay(GREY[..., 0], half).shape == (60, 60, 3)
    with pytest.raises(InputError, match="the map must be"):
        overlay(GREY, half[None])


def test_arrows_go_where_the_flow_goes():
    flow = np.zeros((60, 60, 3), "float32")
    flow[20:40, 20:40, 0] = 0.5  # to the right, in the middle only
    found = draw_flow(GREY, flow).astype(int)
    line = np.abs(found - np.array([64, 255, 220])).sum(-1) < 60
    rows, columns = np.nonzero(line)
    assert len(rows) > 50 and rows.min() >= 38 and rows.max() < 82
    assert columns.max() < 90  # the last arrow reaches on by one step
    assert not (draw_flow(GREY, flow * 0) != draw_flow(GREY, flow * 0 + 1e-9)).any()
    with pytest.raises(InputError, match="the flow must be"):
        draw_flow(GREY, flow[:30])


def test_frames_go_around_the_regions():
    found = draw_regions(GREY, np.array([[0.25, 0.5, 0.75, 1.0]])).astype(int)
    assert found.shape == (120, 120, 3)
    changed = np.abs(found - 100).sum(-1) > 50
    assert changed[30, 80] and changed[60, 60] and not changed[60, 80]


def test_places_of_action_units_are_mirror_symmetric():
    points = reference_face(100, 100)
    for unit, groups in UNIT_LANDMARKS.items():
        mirrored = {frozenset(MIRROR[i - 1] for i in group) for group in groups}
        assert mirrored == {frozenset(group) for group in groups}, unit
    boxes = np.array([box for _, box in action_unit_boxes(UNIT_LANDMARKS, points, 100, 100)])
    assert (boxes[:, :2] < boxes[:, 2:]).all() and boxes.min() >= 0 and boxes.max() <= 1
    assert action_unit_boxes([98], points, 100, 100) == []


def test_models_stand_beside_each_other():
    kinds = (None, "channel", "spatial", "mixed")
    small = {"input_shape": (32, 32, 3), "growth": 8, "blocks": 2}
    models = [(str(k), merzoo.create_model("densemixednet", attention=k, **small)) for k in kinds]
    inputs = random_inputs(models[0][1])
    figure = compare_models(models, inputs, inputs["magnified_apex"], class_index=1)
    assert len(figure.axes) == 2 * 5  # two faces; the face itself and four models
    assert [axis.get_title() for axis in figure.axes[:5]] == ["face", *map(str, kinds)]
    with pytest.raises(InputError, match="no models"):
        compare_models([], inputs, inputs["magnified_apex"])
