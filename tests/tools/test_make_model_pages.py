"""The generated pages of the models say what the code says."""

import importlib.util
import re
import sys
from pathlib import Path

import keras
import pytest
from keras import layers

import merzoo
from merzoo.models.registry import entry

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def pages():
    """`tools/make_model_pages.py` as a module."""
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("pages", TOOLS / "make_model_pages.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(TOOLS))


def test_cheap_pages_are_up_to_date(pages, capsys):
    status = pages.main(["--check", "ststnet", "broadbentnet"])
    assert status == 0, capsys.readouterr().out


@pytest.mark.slow
def test_all_pages_and_the_index_are_up_to_date(pages, capsys):
    status = pages.main(["--check"])
    assert status == 0, capsys.readouterr().out


def test_check_fails_where_a_page_is_out_of_date(pages, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pages, "MODELS", tmp_path)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert pages.main(["--check", "flow-krr"]) == 1
    assert "out of date: pages/flow-krr.md" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_every_variant_stands_in_the_index_and_has_a_page(pages):
    index = (pages.MODELS / "README.md").read_text()
    for name in merzoo.list_models():
        page = re.search(rf"\[`{re.escape(name)}`\]\((pages/[\w-]+\.md)\)", index)
        assert page, name
        text = (pages.MODELS / page[1]).read_text()
        assert entry(name).reference in text and f"`{name}`" in text
        if entry(name).trainable:
            assert f"{entry(name).trainable:,}" in text and f"{entry(name).trainable:,}" in index


def test_pictures_are_small(pages):
    sizes = {file.name: file.stat().st_size for file in pages.MODELS.glob("pages/*")}
    assert max(sizes.values()) < 60_000, sizes


def test_a_stage_ends_at_a_new_resolution_and_a_joint(pages):
    """Two branches from one picture, one pooled, and their sum: by hand, six stages."""
    apex = keras.Input((8, 8, 3), name="apex")
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(apex)
    half = layers.ReLU(name="relu")(layers.MaxPooling2D(2, name="half")(stem))
    double = layers.UpSampling2D(2, name="double")(half)
    both = layers.Add(name="both")([stem, double])
    model = keras.Model(apex, layers.Flatten(name="flat")(both))
    found = [(s.title, s.output) for s in pages.stages(model)]
    assert found == [
        ("apex", (8, 8, 3)),
        ("stem", (8, 8, 4)),
        ("half ... relu", (4, 4, 4)),
        ("double", (8, 8, 4)),
        ("both", (8, 8, 4)),
        ("flat", (256,)),
    ]
    assert pages.svg(model).count("<rect") == 1 + len(found)  # the ground, and one box a stage
