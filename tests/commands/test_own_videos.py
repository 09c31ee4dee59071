"""The README's way from one's own videos to a prediction, run as it is written."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pandas as pd
import pytest

from merzoo.cli import main
from merzoo.data import load

ROOT = Path(__file__).parents[2]


def commands(page: str, name: str) -> list[list[str]]:
    """The commands that follow `<!-- run: name -->` on a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- run: {re.escape(name)} -->\n```\n(.*?)```", text, re.S)
    assert found, f"{page} has no {name}"
    return [shlex.split(line) for line in found[1].strip().splitlines()]


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


@pytest.mark.slow  # a minute
def test_from_ones_own_videos_to_a_prediction_in_four_commands(tmp_path):
    write_videos(tmp_path / "my-videos", tmp_path / "made")
    shutil.copy(tmp_path / "my-videos" / "0.avi", tmp_path / "new.avi")
    words = commands("README.md", "own videos")
    assert len(words) == 4
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MERZOO_HOME": str(tmp_path / "home")}
    for _, *rest in words:
        done = subprocess.run(
            [sys.executable, "-m", "merzoo.cli", *rest],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    tested = pd.read_csv(tmp_path / "runs" / "mine" / "predictions.csv")
    assert len(tested) == 12 and tested["fold"].nunique() == 3
    assert (tmp_path / "runs" / "mine" / "report.html").is_file()
    assert (tmp_path / "runs" / "predicted" / "predictions.json").is_file()
