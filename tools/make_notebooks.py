"""Executes the notebooks of the documentation and keeps what they print, small and without machine.

    python tools/make_notebooks.py                   # all of docs/notebooks
    python tools/make_notebooks.py first-evaluation

Code and text are written in the notebooks themselves. Needs `pip install '.[docs]'`.
"""

import argparse
import os
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
LARGEST = 200_000  # bytes of a notebook with its outputs


def execute(path: Path) -> None:
    """Runs a notebook in an empty folder and writes its outputs into it."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(book, timeout=600, resources={"metadata": {"path": folder}}).execute()
        for number, cell in enumerate(book.cells, 1):
            cell["id"], cell["metadata"] = f"cell-{number}", {}
            if cell.cell_type == "code":
                cell.outputs = [tidy(out, folder) for out in cell.outputs if shown(out)]
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(book, path)
    size = path.stat().st_size
    print(f"{path.name}: {size} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST} bytes: show less in it")


def shown(output) -> bool:
    """Whether a reader is to see an output: not what libraries warn of, and no progress bar."""
    if output.output_type == "stream":
        return output.name == "stdout"
    return output.output_type == "execute_result" or "image/png" in output.get("data", {})


def tidy(output, folder: str):
    """An output without the place where it was made, and without forms that no page shows."""
    data = output.get("data", {})
    for form in ("text/plain", "text/html"):
        if form in data:
            data[form] = data[form].replace(folder, ".")
    if output.output_type == "stream":
        output.text = output.text.replace(folder, ".")
    if {"image/png", "text/html"} & set(data):
        data.pop("text/plain", None)
    return output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="without them all")
    names = parser.parse_args().names or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    os.environ |= {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in names:
        execute(FOLDER / f"{name}.ipynb")


if __name__ == "__main__":
    main()
