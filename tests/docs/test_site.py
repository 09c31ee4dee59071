"""The documentation site: links lead where they should, nothing comes from a network."""

import re
import subprocess
import sys

import pytest

from merzoo.data.datasets import KINDS
from tests.docs.pages import ROOT

pytest.importorskip("mkdocs")


@pytest.fixture(scope="module")
def site_code():
    """`tools/docs_site.py` as a module."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import docs_site

        yield docs_site
    finally:
        sys.path.remove(str(ROOT / "tools"))


def test_a_link_to_a_file_of_the_tree_leads_to_its_page_or_to_the_repository(site_code):
    text = "[a](../preprocessing/README.md#faces) ![b](transfer.png) [c](trainer.py) [d](https://e)"
    found = site_code._addressed(text, "merzoo/training/README.md", "guides/training.md")
    assert found == (
        "[a](preprocessing.md#faces) ![b](../pictures/training-transfer.png) "
        f"[c]({site_code.REPOSITORY}/blob/main/merzoo/training/trainer.py) [d](https://e)"
    )
    kept = "```\n[a](b.md)\n```"
    assert site_code._addressed(kept, "README.md", "index.md") == kept


def test_a_section_is_included_with_those_below_it(site_code):
    mark = "<!-- include: merzoo/training/README.md#pretraining-on-full-expressions -->"
    text = site_code._INCLUDE.sub(lambda m: site_code._included(m, "howto/x.md"), mark)
    assert "merzoo pretrain" in text and "Fine-tuning in every fold" not in text


def test_every_kind_of_data_that_has_a_section_has_a_page(site_code):
    _, pages = site_code._datasets((ROOT / "merzoo/data/README.md").read_text(encoding="utf-8"))
    assert set(pages) <= set(KINDS) and {"casme2", "samm", "smic", "manifest"} <= set(pages)


def test_the_public_names_are_found_in_the_source(site_code):
    import merzoo

    names = {name for name, _ in site_code._public("merzoo")}
    assert set(merzoo._NAMES) == names


@pytest.mark.slow  # ten seconds
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path):
    words = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    words += ["--config-file", str(ROOT / "tools" / "mkdocs.yml")]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    fetched = re.compile(r"<(?:script|img|iframe)[^>]*src=\"?https?:|<link[^>]*href=\"?https?:")
    pages = sorted(tmp_path.rglob("*.html"))
    assert [p.name for p in pages if fetched.search(p.read_text(encoding="utf-8"))] == []
    built = {str(p.relative_to(tmp_path)) for p in pages}
    networks = {f"networks/{p.stem}.html" for p in (ROOT / "merzoo/models/pages").glob("*.md")}
    books = {f"notebooks/{p.stem}.html" for p in (ROOT / "docs/notebooks").glob("*.ipynb")}
    assert networks | books | {"index.html", "datasets/casme2.html", "api/index.html"} <= built
