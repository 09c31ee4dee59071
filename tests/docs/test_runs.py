"""The marked commands and programs of the pages are run as they are written."""

import os
import shutil
from pathlib import Path

import cv2
import pandas as pd
import pytest

from merzoo.cli import main
from merzoo.data import load
from tests.docs.pages import Block, lacks, marked, pages, run

PAGES = [page for page in pages() if marked(page)]


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Where all pages keep synthetic clips and prepared modalities: each is made once."""
    base = tmp_path_factory.getbasetemp()  # with several workers, of each one
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "home"
    home.mkdir(exist_ok=True)
    return home


def write_videos(folder: Path, made: Path) -> None:
    """Twelve videos of three people, and a table with semicolons and columns of other names."""
    assert main(["data", "synthesize", str(made), "--subjects", "3", "--clips", "4"]) == 0
    folder.mkdir()
    lines = ["file;person;emotion"]
    for number, clip in enumerate(load("manifest", made)):
        frames = [clip.frames[i] for i in range(len(clip.frames))]
        size, name = frames[0].shape[1::-1], f"{number}.avi"
        code = cv2.VideoWriter_fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(folder / name), code, clip.fps, size)
        for frame in frames:
            writer.write(frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
        writer.release()
        lines.append(f"{name};{clip.subject.rpartition('/')[2]};{clip.label}")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    shutil.copy(folder / "0.avi", folder.parent / "new.avi")


def run_page(page: str, folder: Path, home: Path) -> dict[str, str]:
    """Runs a page's marked blocks in their order; returns what each printed, by its name."""
    return {block.name: run(block, folder, home) for block in marked(page) if not lacks(block)}


def test_a_block_runs_in_its_folder_and_a_failure_is_told(tmp_path):
    text = "merzoo list 'sts*'  # one\npython written.py\nnot a command\n"
    (tmp_path / "written.py").write_text("print('here')")
    printed = run(Block("", text, "two"), tmp_path, tmp_path)
    assert "ststnet" in printed and printed.endswith("here\n")
    with pytest.raises(AssertionError, match=r"(?s)nine: .*info no-such.*Unknown model"):
        run(Block("", "merzoo info no-such", "nine"), tmp_path, tmp_path)
    assert lacks(Block("", "", needs="no_such_package")) and not lacks(Block("", ""))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_it_is_written(page, tmp_path, home):
    if any("my-videos" in block.text for block in marked(page)):
        write_videos(tmp_path / "my-videos", tmp_path / "made")
    run_page(page, tmp_path, home)
    needed = {block.needs for block in marked(page) if lacks(block)}
    for check in CHECKS.get(page, []):
        check(tmp_path)
    if needed:
        pytest.skip(f"not run without {', '.join(sorted(needed))}; the rest of the page ran")


def _own_videos(folder: Path) -> None:
    tested = pd.read_csv(folder / "runs" / "mine" / "predictions.csv")
    assert len(tested) == 12 and tested["fold"].nunique() == 3
    assert (folder / "runs" / "mine" / "report.html").is_file()
    assert (folder / "runs" / "predicted" / "predictions.json").is_file()


def _own_network(folder: Path) -> None:
    assert len((folder / "my_network.py").read_text().strip().splitlines()) <= 30
    assert (folder / "runs" / "mine" / "report.html").is_file()


CHECKS = {
    "docs/howto/own-videos.md": [_own_videos],
    "merzoo/training/README.md": [_own_network],
}
