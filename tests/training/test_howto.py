"""The how-tos of the documentation are run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script(page: str, name: str) -> str:
    """The code that follows `<!-- run: name -->` on a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- run: {re.escape(name)} -->\n```python\n(.*?)```", text, re.S)
    assert found, f"{page} has no {name}"
    return found[1]


@pytest.mark.slow
def test_own_network_from_clips_to_report_in_two_processes(tmp_path):
    code = script("merzoo/training/README.md", "my_network.py")
    assert len(code.strip().splitlines()) <= 30
    (tmp_path / "my_network.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MERZOO_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "my_network.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 <= float(done.stdout.split()[0]) <= 1
    assert (tmp_path / "runs" / "mine" / "report.html").is_file()
