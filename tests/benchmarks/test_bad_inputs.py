"""Bad inputs are refused or said in one line, and harm nothing; the whole is a benchmark."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_thin_slice_of_bad_inputs():
    """Some of those of `merzoo score`, which needs no Keras: tables with a wrong cell or column."""
    script = ROOT / "benchmarks" / "bad_inputs.py"
    done = subprocess.run(
        [sys.executable, str(script), "--light", "--only", "score", "--about", "scores: "],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    name, tried, *counts = done.stdout.splitlines()[-2].split()
    assert name == "all" and int(tried) >= 5 and not any(map(int, counts)), done.stdout
