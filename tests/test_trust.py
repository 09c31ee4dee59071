"""What comes from strangers is data: no call in the tree loads it in a way that runs code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = {"load_model": ("safe_mode", True), "torch.load": ("weights_only", True)}
FORBIDDEN = ("enable_unsafe_deserialization", "joblib.load")
# Folds that the user's own process sends to the user's own cluster.
OWN = {"merzoo/evaluation/runs/cluster.py": "cloudpickle.loads"}


def unsafe(source: str) -> list[str]:
    """The calls of a source text that would run code from a file."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        said = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
        for end, (argument, value) in NEEDED.items():
            if f".{name}".endswith(f".{end}") and said.get(argument) is not value:
                found.append(name)
        unpickles = name.rpartition(".")[0].endswith("pickle") and "load" in name
        ends = any(f".{name}".endswith(f".{end}") for end in FORBIDDEN)
        if unpickles or ends or (said.get("allow_pickle") and "load" in name):
            found.append(name)
    return found


@pytest.mark.parametrize("folder", ["merzoo", "benchmarks", "tools"])
def test_nothing_is_loaded_in_a_way_that_runs_code(folder):
    for path in sorted(ROOT.glob(f"{folder}/**/*.py")):
        where = path.relative_to(ROOT).as_posix()
        assert [x for x in unsafe(path.read_text()) if OWN.get(where) != x] == [], where


@pytest.mark.parametrize(
    "line",
    [
        "keras.models.load_model(p)",
        "load_model(p, safe_mode=False)",
        "torch.load(p)",
        "x.load_model(p)",
    ]
    + ["np.load(p, allow_pickle=True)", "pickle.loads(b)", "cloudpickle.load(f)", "joblib.load(p)"]
    + ["keras.config.enable_unsafe_deserialization()"],
)
def test_such_a_call_would_be_found(line):
    assert unsafe(line) and not unsafe("load_model(p, safe_mode=True); np.load(p)")


def test_what_is_trusted_is_written_where_it_is_used():
    for place in ("README.md", "merzoo/tuning/README.md", "merzoo/prediction/README.md"):
        assert "SECURITY.md" in (ROOT / place).read_text(encoding="utf-8"), place
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for word in ("Dask", "chief", "safe mode", "Weights are data", "--allow-host"):
        assert word in text
