"""Every page that merzoo writes can be read by everybody: axe-core, two widths, light and dark."""

import subprocess
import sys
from pathlib import Path

import pytest

from merzoo.cli import main

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

EASY, MORE = "synthetic:easy?subjects=3", "synthetic:easy?subjects=8"
LONG = "synthetic-long:easy?subjects=2"
PAGES = {
    "report.html": [f"evaluate offapexnet --data {EASY} --epochs 1 --seeds 2"],
    "comparison.html": [
        f"evaluate flow-krr --data {EASY}",
        f"evaluate ststnet --data {EASY} --epochs 1",
        "compare flow-krr ststnet",
    ],
    "tune.html": [f"tune ststnet --data {EASY} --trials 2 --folds 2"],
    "explanation.html": [f"explain ststnet --weights synthetic --data {EASY} --clips 2"],
    "units": [f"evaluate ststnet --task au --data {MORE} --epochs 1"],
    "spotting": [f"evaluate spotter --task spot --data {LONG}"],
    "table.html": [f"reproduce cvanet/table3 --data {EASY} --quick"],
}


@pytest.fixture
def check_pages(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "tools"))
    import check_pages

    if check_pages.chromium() is None:
        pytest.skip("no chromium on the path")
    yield check_pages
    sys.modules.pop("check_pages")


@pytest.fixture
def browser(check_pages):
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(
            executable_path=check_pages.chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


def test_what_cannot_be_read_is_found(check_pages, browser, tmp_path):
    page = tmp_path / "grey.html"
    page.write_text(
        "<!doctype html><html lang=en><title>t</title><main><h1>t</h1>"
        "<p style='color:#aaa;background:#fff;width:500px'>grey on white</p></main>"
    )
    found = list(check_pages.looked_at(browser, page.as_uri()))
    assert sum("color-contrast" in finding for _, finding in found) == 4
    assert sum("wider than the window" in finding for _, finding in found) == 2  # the narrow ones


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAGES)
def test_pages_can_be_read_by_everybody(kind, check_pages, browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in PAGES[kind]:
        name = words.split()[1]
        out = ["--out", name if kind == "comparison.html" and " --data" in words else "shown"]
        assert main([*words.split(), *out]) == 0
    pages = sorted(tmp_path.glob("shown/*.html"))
    assert pages
    for page in pages:
        assert list(check_pages.looked_at(browser, page.as_uri())) == []


@pytest.mark.slow
def test_the_page_of_the_demo_can_be_read_by_everybody(check_pages, browser):
    pytest.importorskip("gradio", reason="the page needs gradio: pip install 'merzoo[app]'")
    from merzoo.app import Demo

    demo = Demo(port=0, megabytes=4, seconds=10)
    try:
        assert list(check_pages.looked_at(browser, demo.url)) == []
    finally:
        demo.close()


@pytest.mark.slow
def test_the_documentation_can_be_read_by_everybody(check_pages, browser, tmp_path):
    pytest.importorskip("mkdocs")
    config = Path(__file__).parents[2] / "tools" / "mkdocs.yml"
    words = ["mkdocs", "build", "--quiet", "--site-dir", str(tmp_path), "--config-file"]
    subprocess.run([sys.executable, "-m", *words, str(config)], check=True, timeout=300)
    for page in ("index.html", "claims.html", "guides/evaluation.html"):
        assert list(check_pages.looked_at(browser, (tmp_path / page).as_uri())) == []
