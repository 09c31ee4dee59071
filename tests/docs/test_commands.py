"""Every command and program of README, documentation and cards is one that merzoo understands."""

import argparse
import re
from pathlib import Path

import pytest

from merzoo.cli import _parse
from merzoo.commands._verbs import whole_parser
from merzoo.models import list_models
from merzoo.preprocessing.parameters import PARAMETERS
from merzoo.training.recipes import RECIPES
from tests.docs.pages import ROOT, blocks, inline_commands, missing_names, pages

PAGES = pages()
WHOLE = whole_parser()
SPOTTERS = ("spotter", "softnet", "abpn")


def wrong(words: list[str]) -> str:
    """Why a command is none that can be typed; empty where it can."""
    while re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    program, *rest = words
    if program == "merzoo":
        return wrong_verb(rest)
    if program == "python":
        program, rest = rest[0], rest[1:]
        if program == "-m":  # another program, or merzoo itself
            return wrong_verb(rest[1:]) if rest[0] == "merzoo" else ""
    if program.startswith(("tools/", "benchmarks/")):
        return wrong_script(program, rest)
    return ""


def wrong_script(program: str, words: list[str]) -> str:
    path = ROOT / program
    if not path.is_file():
        return f"no {program}"
    text = path.read_text(encoding="utf-8")
    unknown = [w for w in words if w.startswith("--") and w.partition("=")[0] not in text]
    return f"{program} has no {unknown}" if unknown else ""


def wrong_verb(words: list[str]) -> str:
    try:
        _, options = _parse("merzoo.commands", words, "merzoo")
    except SystemExit as end:  # of --help
        return "" if end.code == 0 else str(end)
    except Exception as error:
        return f"merzoo {' '.join(words)}: {error}"
    model, recipe = (getattr(options, name, None) for name in ("model", "recipe"))
    if isinstance(model, str) and re.fullmatch(r"[\w+-]+", model):
        unknown = [m for m in model.split("+") if not list_models(m) and m not in SPOTTERS]
        if unknown and words[0] not in ("recipes", "list"):
            return f"no model {unknown}"
    if isinstance(recipe, str) and re.fullmatch(r"[\w-]+", recipe) and recipe not in RECIPES:
        return f"no recipe {recipe}"
    return ""


def wrong_mention(line: str) -> str:
    """Why words in a sentence name no verb, option or script of ours; `...` and NAMES may stand."""
    words = [w for w in re.sub(r"[{}\[\],]", " ", line.partition("#")[0]).split() if w != "..."]
    if words[0] == "python":
        words = words[1:]
    if words[0].startswith("--"):
        return wrong_option(words)
    if words[0].startswith("tools/"):
        if re.search(r"[A-Z<*]", Path(words[0]).stem):
            return ""
        folder = (ROOT / words[0]).is_dir() or words[0].endswith((".png", ".txt", ".gif"))
        return "" if folder else wrong_script(words[0], words[1:])
    parser, rest = WHOLE, words[1:]
    while (below := subparsers(parser)) and rest and rest[0] in below:
        parser, rest = below[rest[0]], rest[1:]
    if parser is WHOLE and rest and re.match(r"[a-z]", rest[0]):
        return f"no verb {rest[0]}"
    known = {option for p in every(parser) for a in p._actions for option in a.option_strings}
    unknown = [w for w in rest if w.startswith("--") and w.partition("=")[0] not in known]
    return f"no option {unknown}" if unknown else ""


def wrong_option(words: list[str]) -> str:
    """Why an option alone in a sentence is none of any verb, or its word none that it takes."""
    name = words[0].partition("=")[0]
    if name not in OPTIONS:
        return f"no verb has {name}"
    row = PARAMETERS.get(name[2:].replace("-", "_"))
    values = [w for w in words[1:2] if re.fullmatch(r"[a-z_+]+", w)]
    unknown = [v for v in values if row and row.choices and v not in row.choices]
    return f"{name} takes no {unknown}" if unknown else ""


def subparsers(parser) -> dict:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def every(parser) -> list:
    return [parser, *(p for below in subparsers(parser).values() for p in every(below))]


OPTIONS = {o for p in every(WHOLE) for a in p._actions for o in a.option_strings}
for _script in (p for folder in ("tools", "benchmarks") for p in (ROOT / folder).glob("*.*")):
    if _script.suffix in (".py", ".sh"):
        OPTIONS |= set(re.findall(r"--[a-z][\w-]+", _script.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_commands_are_understood(page):
    faults = [wrong(words) for block in blocks(page) for words in block.commands()]
    faults += [f"`{line}`: {why}" for line in inline_commands(page) if (why := wrong_mention(line))]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("page", [p for p in PAGES if "/pages/" not in p and "/cards/" not in p])
def test_a_page_s_programs_import_what_is_there(page):
    faults = []
    for block in blocks(page):
        if block.language == "python":
            faults += missing_names(block.text)
    assert faults == []


def test_what_nobody_can_type_is_found():
    assert "no model" in wrong(["merzoo", "evaluate", "ststnett", "--data", "synthetic:easy"])
    assert "no recipe" in wrong(["merzoo", "evaluate", "ststnet", "--recipe", "x", "--data", "a:b"])
    assert "--nothing" in wrong(["merzoo", "evaluate", "ststnet", "--data", "a:b", "--nothing"])
    assert "--nothing" in wrong(["tools/train_weights.py", "--nothing"])
    assert wrong(["tools/nothing.sh"]) == "no tools/nothing.sh"
    assert wrong_mention("merzoo evalute") == "no verb evalute"
    assert "no option" in wrong_mention("merzoo data check --sead")
    assert wrong_mention("--sead 3") == "no verb has --sead"
    assert wrong_mention("--apex spotted") == "--apex takes no ['spotted']"
    assert wrong(["KERAS_BACKEND=jax", "merzoo", "list", "'dfr*'"]) == ""
    assert missing_names("import merzoo; merzoo.evalute()") == ["merzoo.evalute"]


def test_the_readme_is_one_screen():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_pages_of_the_project_are_found():
    assert {"README.md", "merzoo/data/README.md", "weights/README.md"} <= set(PAGES)
