"""What is generated of a model says what the code says, and is made by building it alone."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import merzoo
from merzoo.models.registry import entry

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def pages():
    """`tools/make_model.py` as a module."""
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("pages", TOOLS / "make_model.py")
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


@pytest.fixture
def copy(pages, monkeypatch, tmp_path):
    """The tool at work on a copy of the pages, the index and the recorded outputs."""
    shutil.copytree(pages.MODELS / "pages", tmp_path / "models" / "pages")
    for index in ("README.md", "index.json"):
        shutil.copy(pages.MODELS / index, tmp_path / "models")
    shutil.copytree(pages.GOLDEN, tmp_path / "golden")
    monkeypatch.setattr(pages, "MODELS", tmp_path / "models")
    monkeypatch.setattr(pages, "GOLDEN", tmp_path / "golden")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.glob("**/*") if path.is_file()}


def test_a_network_is_made_alone_and_a_clean_tree_stays_as_it_is(pages, copy, monkeypatch, capsys):
    from merzoo.models import registry

    built, build = [], registry.create_model
    spy = lambda name, **arguments: (built.append(name), build(name, **arguments))[1]  # noqa: E731
    monkeypatch.setattr(registry, "create_model", spy)
    monkeypatch.setattr(pages, "create_model", spy)
    pages._INFO.clear()
    before = contents(copy)
    assert pages.main(["ststnet"]) == 0
    assert set(built) == {"ststnet"}
    assert contents(copy) == before and capsys.readouterr().out == ""


def test_what_is_missing_of_a_network_is_made_again(pages, copy, capsys):
    index, page, golden = (
        copy / "models/README.md",
        copy / "models/pages/ststnet.md",
        copy / "golden/ststnet.npz",
    )
    before, recorded = contents(copy), np.load(golden)["logits"]
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(line for line in lines if "`ststnet`" not in line))
    page.unlink()
    golden.unlink()
    assert pages.main(["--check", "ststnet"]) == 1 and not golden.exists()
    capsys.readouterr()
    assert pages.main(["ststnet"]) == 0
    said = capsys.readouterr().out
    for path in ("models/README.md", "models/pages/ststnet.md", "golden/ststnet.npz"):
        assert f"written: {path}\n" in said
    np.testing.assert_allclose(np.load(golden)["logits"], recorded, rtol=1e-4, atol=1e-6)
    assert {p: c for p, c in contents(copy).items() if p != golden} == {
        p: c for p, c in before.items() if p != golden
    }


def test_outputs_that_a_network_no_longer_gives_are_recorded_where_it_is_named(pages, copy):
    golden = copy / "golden/ststnet.npz"
    recorded = np.load(golden)["logits"]
    np.savez_compressed(golden, logits=1.01 * recorded)
    assert pages.main(["--check", "ststnet"]) == 1
    assert pages.main(["ststnet"]) == 0
    np.testing.assert_allclose(np.load(golden)["logits"], recorded, rtol=1e-4, atol=1e-6)


def test_a_name_that_is_no_network_is_refused(pages, capsys):
    with pytest.raises(SystemExit) as ended:
        pages.main(["stsnet"])
    assert ended.value.code == 2
    assert "no network is called 'stsnet'" in capsys.readouterr().err


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
