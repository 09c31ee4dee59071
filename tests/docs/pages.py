"""What the pages of the project tell a reader to type: found, parsed, and run as it is written.

A block after `<!-- run: NAME -->` is run: all of a page in their order, in one folder. A block of
Python is a program; where NAME ends in `.py` it is written to that file first. `<!-- run: NAME,
needs PACKAGE -->` asks for a package that no extra has. Of a notebook everything is run.
"""

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PLACES = ("*.md", "docs/**/*.md", "docs/**/*.ipynb", "merzoo/**/*.md", "weights/**/*.md")
_BLOCK = re.compile(
    r"(?:<!-- run: (?P<name>[^,\n]+?)(?:, needs (?P<needs>[\w-]+))? -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.S | re.M,
)
_PROGRAMS = ("merzoo", "tools/", "python", "benchmarks/", "pip", "dask")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        language: the word after the fence; none for commands.
        text: what stands in it.
        name: of its mark; empty where it is not run.
        needs: a package without which it is not run; empty for none.
    """

    language: str
    text: str
    name: str = ""
    needs: str = ""

    def commands(self) -> list[list[str]]:
        """The words of each command in it, without comments and what a shell puts before them."""
        if self.language not in ("", "sh", "bash", "console"):
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := _words(line.strip()))]


def _words(line: str) -> list[str]:
    """The words of a line that is a command of a program that the pages use, else none."""
    bare = re.sub(r"^([A-Z_]+=\S+ +)+", "", line)
    if not bare.startswith(_PROGRAMS) or not re.match(r"[\w./-]+( |$)", bare):
        return []
    return [word for word in shlex.split(line, comments=True) if word]


def pages() -> list[str]:
    """All pages, as paths from the root; those of the site that was built are not among them."""
    found = {path for place in _PLACES for path in ROOT.glob(place)}
    found.add(ROOT / "benchmarks" / "README.md")
    return sorted(str(path.relative_to(ROOT)) for path in found)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page; of a notebook, its cells of code, all to be run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".ipynb"):
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return [Block("python", "\n\n".join("".join(c["source"]) for c in cells), Path(page).stem)]
    return [
        Block(
            found["language"],
            re.sub(f"^{found['indent']}", "", found["text"], flags=re.M),
            found["name"] or "",
            found["needs"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def marked(page: str) -> list[Block]:
    """The blocks of a page that are run."""
    return [block for block in blocks(page) if block.name]


def inline_commands(page: str) -> list[str]:
    """What stands between single backticks and begins with a program of ours, or with an option."""
    ours = r"(?<!`)`((?:merzoo |(?:python )?tools/|--)[^`]*)`(?!`| of github)"
    text = re.sub(_BLOCK, "", (ROOT / page).read_text(encoding="utf-8"))
    return [" ".join(line.split()) for line in re.findall(ours, re.sub(r" *\n *", " ", text))]


def lacks(block: Block) -> bool:
    """Whether a package that it needs is not there."""
    return bool(block.needs) and importlib.util.find_spec(block.needs) is None


def run(block: Block, folder: Path, home: Path) -> str:
    """Runs a block in a folder, as a reader would; returns what it printed.

    Raises:
        AssertionError: with the end of its errors, where a command of it fails.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MERZOO_HOME": str(home)}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg"}
    printed = []
    for words, more in _programs(block, folder):
        done = subprocess.run(
            words, cwd=folder, env=environment | more, capture_output=True, text=True
        )
        told = f"{block.name}: {shlex.join(words)}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, told
        printed.append(done.stdout)
    return "".join(printed)


def _programs(block: Block, folder: Path):
    """The words of each program of a block, and the variables that are set for it."""
    if block.language == "python":
        name = block.name if block.name.endswith(".py") else f"{len(block.text)}_block.py"
        (folder / name).write_text(block.text, encoding="utf-8")
        yield [sys.executable, name], {}
        return
    for words in block.commands():
        sets = [w for w in words if re.match(r"[A-Z_]+=", w)]
        program, *rest = words[len(sets) :]
        begin = {"merzoo": ["-m", "merzoo.cli"], "python": []}[program]
        yield [sys.executable, *begin, *rest], dict(word.split("=", 1) for word in sets)


def missing_names(code: str) -> list[str]:
    """What a program imports from merzoo, or takes of it, that is not there; nothing is imported.

    >>> missing_names("from merzoo.files import no_such_thing")
    ['merzoo.files.no_such_thing']
    """
    wanted = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "merzoo":
            wanted += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "merzoo":
            wanted.append(("merzoo", node.attr))
    return [f"{module}.{name}" for module, name in wanted if not _has(module, name)]


def _has(module: str, name: str) -> bool:
    """Whether a module's source names it, or it is a module of that package."""
    place = ROOT.joinpath(*module.split("."))
    if (place / name).is_dir() or (place / f"{name}.py").is_file():
        return True
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not source.is_file():
        return False
    known = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        known |= {
            alias.asname or alias.name
            for alias in getattr(node, "names", [])
            if isinstance(alias, ast.alias)
        }
        known |= {
            target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)
        }
        known.add(getattr(node, "name", ""))
    return name in known
