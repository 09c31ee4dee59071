"""All that is made of a network: its recorded outputs, its page, and its lines in the indexes.

    python tools/make_model.py dfrnet rcn   # of these alone: no other network is built
    python tools/make_model.py              # of all; outputs are recorded where there are none
    python tools/make_model.py --check      # exit 1 if something is out of date; writes nothing
    python tools/make_model.py --cam        # records the Grad-CAM maps of tests/explain instead

A page comes from the register, the built model, the docstrings of its layers, the recipe and the
result files of `benchmarks`: no figure there is typed by hand. The facts of the register stand in
`index.json` too, from which `merzoo info` tells them without building anything. Recorded outputs,
in tests/golden, are those of a small variant with weights and inputs from NumPy; they stay as they
are while the network gives them.
"""

import argparse
import dataclasses
import inspect
import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import keras  # noqa: E402
import model_results  # noqa: E402
import numpy as np  # noqa: E402
from model_graph import shape_text, stages, svg  # noqa: E402

import merzoo  # noqa: E402
from merzoo.models.building import leave_without_values  # noqa: E402
from merzoo.models.catalogue import as_text, catalogue  # noqa: E402
from merzoo.models.count import ROWS  # noqa: E402
from merzoo.models.registry import (  # noqa: E402
    compared_figures,
    counted_info,
    create_model,
    entry,
    load_all,
)
from merzoo.training.recipes import get_recipe  # noqa: E402
from tests.battery import (  # noqa: E402
    CAM_NETWORKS,
    GOLDEN,
    agree,
    golden_cam,
    golden_outputs,
)

MODELS = ROOT / "merzoo" / "models"
NOTE = "<!-- Written by tools/make_model.py; change the code, not this page. -->"


def families() -> dict[str, list[str]]:
    """Page name -> its variants: those of one builder, the plain one first."""
    load_all()
    found: dict = {}
    for name in merzoo.list_models():
        found.setdefault(entry(name).builder, []).append(name)
    pages = {}
    for names in found.values():
        stem = names[0].partition("-")[0] if len(names) > 1 else names[0]
        names.sort(key=lambda name: (name != stem, name))
        pages[stem] = names
    return dict(sorted(pages.items()))


def page(family: str, names: list[str]) -> dict[str, str]:
    """File name -> content: the page, and for a network its picture."""
    found, facts = entry(names[0]), _info(names[0])
    parts = [NOTE, f"# {found.title or family}", _introduction(found.builder), _source_of(names)]
    parts += ["## Variants", _variants(names)]
    files = {}
    if found.kind == "network":
        keras.utils.clear_session()  # the names of unnamed operations count from one again
        with keras.StatelessScope():
            model = create_model(names[0])
            leave_without_values(model)
            files[f"{family}.svg"] = svg(model)
            parts += [
                "## Graph",
                f"![Stages of {names[0]}]({family}.svg)",
                "## Stages",
                _stage_table(model),
                *_section("## From the paper to the code", _equations(found.builder, model)),
            ]
    parts += _section("## The paper's figures beside ours", _figures(names))
    parts += ["## Scores", _scores(names), "## Cost", _cost(names)]
    parts += _section("## Switches, counted", _switches(names))
    parts += _section("## Readings of unclear passages", _bullets(found.readings))
    parts += ["## How to train it", _training(names[0], found, facts)]
    files[f"{family}.md"] = "\n\n".join(parts) + "\n"
    return files


def _section(heading: str, body: str) -> list[str]:
    return [heading, body] if body else []


def _table(columns: list[str], rows: list[list]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: list) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def _bullets(lines) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _introduction(builder) -> str:
    return inspect.getdoc(sys.modules[builder.__module__])


def _source_of(names) -> str:
    found = entry(names[0])
    file = f"{_file_of(found)}.py"
    references = dict.fromkeys(entry(name).reference for name in names)
    lines = [f"Reference: {reference}" for reference in references]
    if found.url:
        lines.append(f"Authors' code: {found.url}")
    lines.append(f"Licence of this implementation: {found.licence}")
    lines.append(f"Code: [`{file}`](../{file}), builder `merzoo.models.{found.builder.__name__}`")
    return _bullets(lines)


def _file_of(found) -> str:
    return found.builder.__module__.rpartition(".")[2]


def _inputs(facts) -> str:
    return ", ".join(f"`{name}` {shape_text(s)}" for name, s in facts["inputs"].items())


def _counts(facts) -> list[str]:
    if not facts["parameters"]:
        return ["-", "-", "-"]
    trainable, total = facts["parameters"]["trainable"], facts["parameters"]["total"]
    return [f"{trainable:,}", f"{total:,}", f"{facts['multiply_adds'] / 1e6:,.2f} M"]


_INFO: dict[str, dict] = {}


def _info(name) -> dict:
    if name not in _INFO:
        _INFO[name] = counted_info(name)
    return _INFO[name]


def _variants(names) -> str:
    rows = []
    for name in names:
        arguments = ", ".join(f"{k}={v!r}" for k, v in entry(name).arguments.items())
        rows.append([f"`{name}`", arguments and f"`{arguments}`", _inputs(_info(name))])
        rows[-1] += _counts(_info(name))
    columns = ["variant", "arguments", "inputs", "trainable", "parameters in all", "MACs"]
    return _table(columns, rows)


def _stage_table(model) -> str:
    boxes = [box for box in stages(model) if not box.is_input]
    rows = [[f"`{b.title}`", ", ".join(b.content) or "-", shape_text(b.output)] for b in boxes]
    text = (
        "A stage ends where the resolution changes, where branches meet, or where the names of "
        "the layers say so; the shape is that which leaves it."
    )
    return text + "\n\n" + _table(["stage", "layers", "output"], rows)


def _equations(builder, model) -> str:
    """What the layers' docstrings name as their source, and the functions that name equations."""
    rows = []
    for kind, where in _own_layers(model).items():
        doc = inspect.getdoc(kind) or ""
        source = re.search(r"^Source:\s*(.*?)(?:\n\s*\n|\Z)", doc, flags=re.S | re.M)
        if source:
            names = ", ".join(f"`{name}`" for name in where[:3]) + (" ..." if where[3:] else "")
            rows.append([f"`{kind.__name__}`", " ".join(source[1].split()), names])
    for name, function in inspect.getmembers(sys.modules[builder.__module__], inspect.isfunction):
        doc = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        here = function.__module__ == builder.__module__ and function is not builder
        if here and re.search(r"\bEqs?\.|\b[Ss]ection|\b[Tt]able", doc):
            rows.append([f"`{name}()`", doc, "the builder's file"])
    return _table(["code", "in the paper", "where"], rows) if rows else ""


def _own_layers(model) -> dict[type, list[str]]:
    """merzoo's layers in a model, nested models too: class -> names."""
    found: dict[type, list[str]] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            for kind, names in _own_layers(layer).items():
                found.setdefault(kind, []).extend(f"{layer.name}/{name}" for name in names)
        elif type(layer).__module__.startswith("merzoo."):
            found.setdefault(type(layer), []).append(layer.name)
    return found


def _figures(names) -> str:
    rows = []
    notes = []
    for name in names:
        for figure in compared_figures(_info(name)):
            if figure["ours"] is None and isinstance(figure["paper"], str):
                notes.append(figure["paper"])
                continue
            ours, difference = "-", "-"
            if figure["ours"] is not None:
                ours = f"{figure['ours']:,}"
                difference = f"{100 * figure['difference']:+.2f} %"
            paper = figure["paper"]
            paper = f"{paper:,.0f}" if paper >= 10 else f"{paper:.3f}"
            rows.append([f"`{name}`", figure["figure"], paper, ours, difference])
    columns = ["variant", "figure", "the paper", "ours", "difference"]
    text = [_table(columns, rows)] if rows else []
    return "\n\n".join(text + list(dict.fromkeys(notes)))


def _scores(names) -> str:
    """What papers print for it, and what this project measured."""
    columns, rows = model_results.measured(names)
    text = "No result file has it: its scores were not measured here."
    if rows:
        text = "Measured here, one person left out at a time, the final weights scored; the "
        text += f"intervals are over people.\n\n{_table(columns, rows)}"
    columns, rows = model_results.printed(names)
    if rows:
        text += "\n\nPrinted for it by the papers whose tables `merzoo reproduce` runs:\n\n"
        text += _table(columns, rows)
    return text


def _cost(names) -> str:
    """Times, besides the parameters and multiply-adds among the variants."""
    columns, rows = model_results.times(names)
    text = "Parameters and multiply-adds stand above; times were not measured."
    if rows:
        text = _table(columns, rows)
    columns, rows = model_results.training_cost(names)
    if rows:
        text += f"\n\nA whole evaluation, timed:\n\n{_table(columns, rows)}"
    return text


def _switches(names) -> str:
    rows = [
        [
            f"`{row.model}`",
            "`" + ", ".join(f"{k}={v!r}" for k, v in row.arguments.items()) + "`",
            f"{row.trainable:,}" if row.trainable else "-",
            f"{row.total:,}",
            row.paper,
        ]
        for row in ROWS
        if row.model in names and row.arguments
    ]
    if not rows:
        return ""
    text = "Our counts with the switches of the paper's ablations; "
    text += "`python -m merzoo.models.count --check` builds each and compares."
    columns = ["variant", "arguments", "trainable", "parameters in all", "the paper"]
    return text + "\n\n" + _table(columns, rows)


def _training(name, found, facts) -> str:
    modalities = ", ".join(f"`{modality}`" for modality in facts["inputs"])
    command = f"```\nmerzoo evaluate {name} --data arrays:samples.npz --out runs/{name}\n```"
    text = f"It takes {modalities}. Leave-one-subject-out, from samples or from clips:"
    if found.kind == "estimator":
        return f"{text}\n\n{command}\n\nAn estimator has no recipe: it is fitted in one go."
    recipe = dataclasses.asdict(get_recipe(None, default=found.recipe))
    about = recipe.pop("about")
    changed = {
        field.name: recipe[field.name]
        for field in dataclasses.fields(type(get_recipe("default")))
        if field.name in recipe and recipe[field.name] not in ({}, (), None)
    }
    data = json.dumps(changed, indent=2)
    text += f"\n\n{command}\n\nIts recipe, `{recipe['name']}`: {about}"
    if not model_results.reached(name, recipe["name"]):  # else the recipe's words say it
        text += " What it reaches and costs by it was not measured here."
    return f"{text}\n\n```json\n{data}\n```"


def index(pages, families) -> str:
    """The table of all variants; the lines of those that are not of `families` stay."""
    path, there = MODELS / "README.md", {}
    if path.is_file():
        lines = re.findall(r"^(\| \[`([\w-]+)`\]\(.*)$", path.read_text(), flags=re.M)
        there = {name: line for line, name in lines}
    rows = []
    for family, names in pages.items():
        for name in names:
            if family in families:
                facts = _info(name)
                trainable, _, multiply_adds = _counts(facts)
                link = f"[`{name}`](pages/{family}.md)"
                row = [link, _inputs(facts), trainable, multiply_adds, facts["reference"]]
                rows.append(_row(row))
            elif name in there:
                rows.append(there[name])
    text = (
        "Each network is one file of this folder and one page: its graph, its stages, where the "
        "paper's equations are, the paper's figures beside ours, and how to train it. `merzoo info "
        "NAME` prints the same in short. MACs are multiply-adds of one sample."
    )
    columns = ["variant", "inputs", "trainable parameters", "MACs", "reference"]
    table = "\n".join([_table(columns, []), *rows])
    return "\n\n".join([NOTE, "# The models", text, table]) + "\n"


def catalogue_rows(pages, families) -> dict[str, dict]:
    """The rows of `index.json`; those of variants that are not of `families` stay."""
    rows = {}
    for family, names in pages.items():
        for name in names:
            if family in families:
                rows[name] = {"file": _file_of(entry(name)), "info": _info(name)}
            elif name in catalogue():
                rows[name] = catalogue()[name]
    return rows


def outputs_to_record(names) -> dict[Path, np.ndarray]:
    """File -> outputs, of the networks among `names` that do not give what is recorded."""
    found = {}
    for name in names:
        path = GOLDEN / f"{name}.npz"
        if entry(name).kind == "network":
            outputs = golden_outputs(name)
            if not path.is_file() or not agree(outputs, np.load(path)["logits"]):
                found[path] = outputs
    return found


def record_cam() -> None:
    (GOLDEN / "cam").mkdir(exist_ok=True)
    maps = {name: golden_cam(name) for name in CAM_NETWORKS}
    np.savez_compressed(GOLDEN / "cam" / "maps.npz", **maps)
    print(f"recorded {', '.join(maps)}")


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="*", help="such as dfrnet; default: all")
    parser.add_argument("--check", action="store_true", help="exit 1 if something is out of date")
    parser.add_argument("--cam", action="store_true", help="record Grad-CAM maps instead")
    options = parser.parse_args(arguments)
    if options.cam:
        record_cam()
        return 0
    pages = families()
    family_of = {name: family for family, names in pages.items() for name in (family, *names)}
    unknown = [name for name in options.network if name not in family_of]
    if unknown:
        parser.error(f"no network is called {unknown[0]!r}: use {', '.join(pages)}")
    chosen = list(dict.fromkeys(family_of[name] for name in options.network)) or list(pages)
    files = {}
    for family in chosen:
        for name, text in page(family, pages[family]).items():
            files[MODELS / "pages" / name] = text
    files[MODELS / "README.md"] = index(pages, chosen)
    files[MODELS / "index.json"] = as_text(catalogue_rows(pages, chosen))
    stale = {path: text for path, text in files.items() if _content(path) != text}
    variants = [name for family in chosen for name in pages[family]]
    if not (options.network or options.check):  # outputs stand until their network is named
        variants = [name for name in variants if not (GOLDEN / f"{name}.npz").is_file()]
    outputs = outputs_to_record(variants)
    for path in (*stale, *outputs):
        print(f"{'out of date' if options.check else 'written'}: {path.relative_to(ROOT)}")
    if options.check:
        return 1 if stale or outputs else 0
    for path, text in stale.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for path, values in outputs.items():
        np.savez_compressed(path, logits=values)
    return 0


def _content(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
