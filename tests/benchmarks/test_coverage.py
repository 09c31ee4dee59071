"""The intervals hold the true score about as often as they say; the whole is a benchmark."""

import csv
import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _script():
    path = ROOT / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_thin_slice_of_the_simulation():
    """150 data sets of 16 people: 95 % give or take 4.5 (two and a half standard errors)."""
    script = _script()
    found = {
        (statistic, method): share
        for statistic, method, share, _ in script.coverage("SMIC", script.POPULATIONS[0], 150, 200)
    }
    for statistic in ("uf1", "uar", "uf1 difference", "uar difference"):
        assert 0.905 <= found[statistic, "merzoo"] <= 0.995
        assert found[statistic, "percentile"] <= found[statistic, "merzoo"]


def test_the_kept_results_cover_95_percent():
    with (ROOT / "benchmarks" / "results" / "coverage.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["method"] == "merzoo"]
    shares = [float(row["coverage"]) for row in rows]
    assert 0.94 <= sum(shares) / len(shares) <= 0.96
    composite = [float(r["coverage"]) for r in rows if r["layout"] == "composite"]
    assert all(0.93 <= share <= 0.97 for share in composite)
