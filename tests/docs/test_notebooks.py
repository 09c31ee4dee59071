"""Notebooks of the documentation: they hold what was printed, and no place of a machine."""

import importlib.util
import json
import os

import pytest

from tests.docs.pages import ROOT

BOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_executed_and_small(path):
    text = path.read_text(encoding="utf-8")
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    assert all(cell["execution_count"] == n for n, cell in enumerate(cells, 1))
    assert any(cell["outputs"] for cell in cells) and len(text) < 200_000
    assert "site-packages" not in text and "/tmp/" not in text and '"error"' not in text


def test_a_bar_in_a_notebook_is_a_bar_or_nothing(tmp_path):
    """Without ipywidgets rich would warn for each."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = (
        "from merzoo.progress import progress_bar\n"
        "with progress_bar() as bar:\n    print(sum(bar.track(range(4))))"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    client = nbclient.NotebookClient(book, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    told = json.dumps(book.cells[0].outputs)
    assert "ipywidgets" not in told
    if importlib.util.find_spec("ipywidgets") is None:
        assert [output.get("text") for output in book.cells[0].outputs] == ["6\n"]
