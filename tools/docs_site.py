"""What MkDocs is told beyond `tools/mkdocs.yml`: pages that stand elsewhere in the tree.

The READMEs beside the code, the pages of networks, the cards of weights and the docstrings are the
one place of what they say. Here they are given addresses on the site, without a copy in `docs`:

- `SOURCES` and `_sources` say which file of the tree is which page;
- a link of any page to a file of the tree leads to its page, or to the repository;
- `<!-- include: FILE#heading -->` on a page is the section of another one;
- sections of data sets, the public names of a package and notebooks become pages.
"""

import ast
import logging
import os
import re
from functools import cache
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/merzoo/merzoo"
LOG = logging.getLogger("mkdocs.hooks.docs_site")

SOURCES = {  # file of the tree -> page of the site
    "merzoo/data/README.md": "datasets/index.md",
    "merzoo/data/synthetic/README.md": "datasets/synthetic.md",
    "merzoo/models/README.md": "networks/index.md",
    "weights/README.md": "weights/index.md",
    "weights/LICENSE.md": "weights/licence.md",
    "merzoo/preprocessing/README.md": "guides/preprocessing.md",
    "merzoo/training/README.md": "guides/training.md",
    "merzoo/evaluation/README.md": "guides/evaluation.md",
    "merzoo/tuning/README.md": "guides/tuning.md",
    "merzoo/reproduction/tables/README.md": "guides/tables.md",
    "merzoo/prediction/README.md": "guides/prediction.md",
    "merzoo/explain/README.md": "guides/explain.md",
    "merzoo/exporting/README.md": "guides/exporting.md",
    "benchmarks/README.md": "guides/benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changes.md",
}
# Page -> what it documents: a package's `__all__`, and names of modules beside it.
API = {
    "index": ("merzoo", ()),
    "data": ("merzoo.data", ("merzoo.modalities.Modality", "merzoo.modalities.register_modality")),
    "preprocessing": ("merzoo.preprocessing", ("merzoo.preprocessing.extract.register_extractor",)),
    "models": ("merzoo.models", ()),
    "layers": ("merzoo.layers", ()),
    "training": (
        "",
        (
            "merzoo.training.recipes.Recipe",
            "merzoo.training.recipes.get_recipe",
            "merzoo.training.recipes.change_recipe",
            "merzoo.training.trainer.Trainer",
            "merzoo.training.devices.distributed",
        ),
    ),
    "evaluation": (
        "merzoo.evaluation",
        ("merzoo.metrics.Metric", "merzoo.metrics.register_metric"),
    ),
    "tuning": ("merzoo.tuning", ()),
    "reproduction": ("merzoo.reproduction", ()),
    "prediction": ("merzoo.prediction", ()),
    "explain": ("merzoo.explain", ()),
    "exporting": ("merzoo.exporting", ()),
    "weights": ("merzoo.weights", ()),
}
_FENCE = re.compile(r"^ *```.*?^ *```$", re.S | re.M)
_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()(?!\w+:|#)([^)\s#]+)((?:#[^)]*)?\))")
_MARK = re.compile(r"^<!-- (?:run|table|end|Written)\b.*?-->\n", re.M)
_INCLUDE = re.compile(r"^<!-- include: (\S+?)#(\S+) -->$", re.M)


@cache
def _sources() -> dict[str, str]:
    """Every file of the tree that is a page or a picture of the site -> its address there."""
    found = dict(SOURCES) | {"README.md": "index.md"}
    folders = {"merzoo/models/pages": "networks", "weights/cards": "weights"}
    for folder, place in folders.items():
        for path in sorted((ROOT / folder).iterdir()):
            found[f"{folder}/{path.name}"] = f"{place}/{path.name}"
    for folder in ("merzoo", "benchmarks/results", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix in (".png", ".gif", ".svg") and name not in found:
                found[name] = f"pictures/{path.parent.name}-{path.name}"
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.is_file():
            inside = path.relative_to(ROOT / "docs")
            page = inside.with_suffix(".md") if path.suffix == ".ipynb" else inside
            found[str(path.relative_to(ROOT))] = page.as_posix()
    return found


def _read(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")


# Sections ------------------------------------------------------------------------------------


def _sections(text: str) -> list[tuple[int, str, str]]:
    """(level, heading, body up to the next heading) of a page; headings in fences are none."""
    hidden = _FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    heads = list(re.finditer(r"^(#+) (.*)$", hidden, re.M))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        (len(head[1]), text[head.start(2) : head.end(2)], text[head.end() : end].strip("\n"))
        for head, end in zip(heads, ends, strict=True)
    ]


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _included(found: re.Match, page: str) -> str:
    """The body of a section, with those below it; its links are followed from where it stands."""
    source, wanted = found[1], found[2]
    parts = _sections(_read(source))
    for number, (level, heading, body) in enumerate(parts):
        if _slug(heading) != wanted:
            continue
        text = [body]
        for below, name, more in parts[number + 1 :]:
            if below <= level:
                break
            text.append(f"{'#' * (below - level + 1)} {name}\n\n{more}")
        return _addressed("\n\n".join(text), source, page)
    LOG.warning(f"{page}: {source} has no section {wanted}")
    return ""


# Links ---------------------------------------------------------------------------------------


def _addressed(text: str, source: str, page: str) -> str:
    """The text of a file of the tree as it stands on a page: its links lead where they should."""

    def target(found: re.Match) -> str:
        path = os.path.normpath(os.path.join(os.path.dirname(source), found[2]))
        address = _sources().get(path)
        if address is None and not (ROOT / path).exists():
            LOG.warning(f"{source}: links to {found[2]}, which is not there")
        if address is None:
            kind = "tree" if (ROOT / path).is_dir() else "blob"
            return f"{found[1]}{REPOSITORY}/{kind}/main/{path}{found[3]}"
        return f"{found[1]}{os.path.relpath(address, os.path.dirname(page) or '.')}{found[3]}"

    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(target, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(target, text[end:])])


# Pages that are made --------------------------------------------------------------------------


def _datasets(text: str) -> tuple[str, dict[str, str]]:
    """The page of all data without the sections of single sets, and a page for each of those."""
    kept, pages = [], {}
    for level, heading, body in _sections(text):
        kind = re.search(r": `(\w+)`$", heading)
        if kind and level == 3:
            name = heading.partition(":")[0]
            pages[kind[1]] = f"# {name}\n\n`--data {kind[1]}:FOLDER`\n\n{body}\n"
            kept.append(f"- [{name}]({kind[1]}.md): `{kind[1]}`")
        else:
            kept.append(f"\n{'#' * level} {heading}\n\n{body}\n")
    return "\n".join(kept), pages


@cache
def _names(module: str) -> dict[str, str]:
    """What a module imports or defines -> where it is defined, read from its source."""
    place = ROOT.joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    found = {}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = f"{module}.{node.name}"
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            found["__all__"] = " ".join(name.value for name in node.value.elts)
    return found


def _public(package: str) -> list[tuple[str, str]]:
    """(name, where it is defined) of the functions and classes that a package offers."""
    rows = []
    for name in _names(package)["__all__"].split():
        place = _names(package).get(name)
        while place and not _is_module(place):
            module, _, last = place.rpartition(".")
            further = _names(module).get(last) if module.startswith("merzoo") else None
            if further == place:
                rows.append((name, place))
            place = further if further != place else None
    return rows


def _is_module(place: str) -> bool:
    path = ROOT.joinpath(*place.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _api(page: str) -> str:
    package, others = API[page]
    first = {place for _, place in _public("merzoo")} if page != "index" else set()
    rows = [(f"{package}.{name}", place) for name, place in (_public(package) if package else [])]
    rows = [row for row in rows if row[1] not in first] + [(place, place) for place in others]
    parts = [f"# {package or f'merzoo.{page}'}"]
    for name, place in rows:
        parts.append(f"::: {place}\n    options:\n      heading: {name}")
        parts[-1] += f"\n      toc_label: {name.rpartition('.')[2]}"
    return "\n\n".join(parts) + "\n"


def _notebook(path: Path, config) -> list[File]:
    """A notebook as it was executed: its page, and the pictures among its outputs."""
    from nbconvert import MarkdownExporter

    text, more = MarkdownExporter().from_filename(str(path))
    text = re.sub(r"<style scoped>.*?</style>\n*", "", text, flags=re.S)
    text = text.replace(' border="1" class="dataframe"', "")
    name = path.stem
    for picture in more["outputs"]:
        text = text.replace(f"]({picture})", f"]({name}-{picture})")
    note = f"*A notebook: [{path.name}]({REPOSITORY}/blob/main/docs/notebooks/{path.name}).*"
    head, _, rest = text.lstrip().partition("\n")
    text = f"{head}\n\n{note}\n{rest}"
    made = [File.generated(config, f"notebooks/{name}.md", content=text)]
    for picture, content in more["outputs"].items():
        made.append(File.generated(config, f"notebooks/{name}-{picture}", content=content))
    return made


# What MkDocs calls ----------------------------------------------------------------------------


def on_config(config):
    """Writes out what `/*` stands for in the navigation."""
    pages = sorted(_made(config) | {p for p in _sources().values() if p.endswith(".md")})
    used: set[str] = set()

    def spelled(items):
        found = []
        for item in items:
            if isinstance(item, dict):
                (title, below), *_ = item.items()
                found.append({title: spelled(below) if isinstance(below, list) else below})
            elif item.endswith("/*"):
                found += [p for p in pages if p.startswith(item[:-1]) and p not in used]
            else:
                found.append(item)
            used.update(p for p in found if isinstance(p, str))
        return found

    config.nav = spelled(config.nav)
    return config


def _made(config) -> set[str]:
    sets = {f"datasets/{kind}.md" for kind in _datasets(_read("merzoo/data/README.md"))[1]}
    return sets | {f"api/{name}.md" for name in API}


def on_files(files, config):
    """Adds the pages and pictures that stand elsewhere in the tree."""
    for path in sorted((ROOT / "docs").glob("notebooks/*.ipynb")):
        files.remove(files.get_file_from_path(f"notebooks/{path.name}"))
        for file in _notebook(path, config):
            files.append(file)
    made = {f"api/{name}.md": _api(name) for name in API}
    for source, page in _sources().items():
        if source == "README.md" or source.startswith("docs/"):
            continue
        if page.endswith(".md"):
            made[page] = _addressed(_read(source), source, page)
        else:
            files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    made["datasets/index.md"], sets = _datasets(made["datasets/index.md"])
    made |= {f"datasets/{kind}.md": text for kind, text in sets.items()}
    for page, text in made.items():
        files.append(File.generated(config, page, content=_MARK.sub("", text)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Of the pages in `docs`: follows links, includes sections, takes away marks for tools."""
    name = page.file.src_uri
    if page.file.generated_by is None:
        markdown = _addressed(markdown, f"docs/{name}", name)
    markdown = _INCLUDE.sub(lambda found: _included(found, name), markdown)
    return _MARK.sub("", markdown)
