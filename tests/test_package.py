"""What a stranger gets: the wheel, its page, and the files that say what it is."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from merzoo.versions import VERSION

ROOT = Path(__file__).parents[1]
SETTINGS = ConfigParser()
SETTINGS.read(ROOT / "setup.cfg", encoding="utf-8")
LARGEST = 12e6  # bytes of the wheel


def page(text: str) -> str:
    spec = importlib.util.spec_from_file_location("setup_of_merzoo", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.with_addresses(text, "https://host/project")


def test_links_of_the_package_s_page_lead_out_of_it():
    text = page((ROOT / "README.md").read_text(encoding="utf-8"))
    assert not re.findall(r"\]\((?!https?:|mailto:|#)[^)]*\)", text)
    assert page("[a](b.md) ![c](d.png) [e](https://f) [g](#h)") == (
        "[a](https://host/project/blob/main/b.md) ![c](https://host/project/raw/main/d.png) "
        "[e](https://f) [g](#h)"
    )
    assert page("[![c](d.png)](e.md)") == (
        "[![c](https://host/project/raw/main/d.png)](https://host/project/blob/main/e.md)"
    )
    assert page('<img alt="x" src="a.gif">') == (
        '<img alt="x" src="https://host/project/raw/main/a.gif">'
    )


def test_what_says_a_version_says_the_same():
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", VERSION)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    cited = re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text(), flags=re.M)
    assert newest[1] == cited[1] == VERSION


def test_an_environment_gets_one_tensorflow():
    extras = SETTINGS["options.extras_require"]
    for name in ("tensorflow", "tensorflow-cpu"):
        assert re.fullmatch(rf"{name}>=[\d.]+,<[\d.]+", extras[name])
    others = " ".join(extras[name] for name in extras if not name.startswith("tensorflow"))
    assert "tensorflow" not in others + SETTINGS["options"]["install_requires"]


def test_nothing_needs_what_one_system_alone_has():
    """Inside a function, an import can do without."""
    only = re.compile(r"^(?:import|from) (fcntl|resource|pwd|grp|termios|msvcrt|winreg)\b", re.M)
    found = {p: only.findall(p.read_text()) for p in (ROOT / "merzoo").rglob("*.py")}
    assert {str(p): names for p, names in found.items() if names} == {}


def test_what_the_package_holds_is_small():
    kinds = (".py", ".json", ".h5", ".toml", ".md", ".svg", ".png", ".j2", ".html")
    files = [p for p in (ROOT / "merzoo").rglob("*") if p.suffix in kinds]
    weights = sum(p.stat().st_size for p in files if p.suffix == ".h5")
    texts = sum(p.stat().st_size for p in files if p.suffix == ".py")
    assert weights + texts / 2 < LARGEST


@pytest.mark.slow
def test_the_wheel_works_without_the_repository(tmp_path):
    """Built, put into a folder that is no environment, and used from elsewhere."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = tmp_path.glob("merzoo-*.whl")
    assert wheel.stat().st_size < LARGEST
    with zipfile.ZipFile(wheel) as archive:
        held = {Path(name).name for name in archive.namelist() if name.endswith(".h5")}
        entries = json.loads(archive.read("merzoo/weights/files/manifest.json"))
    free = {entry["file"] for entry in entries if entry["licence"] == "Apache-2.0"}
    assert held and held <= free  # of weights for research only there are the names alone
    target = tmp_path / "target"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    code = (
        "import merzoo; print(merzoo.__file__); "
        "print(merzoo.create_model('ststnet', weights='synthetic').count_params()); "
        "merzoo.create_model('ststnet', weights='megc2019')"
    )
    surroundings = {
        "PYTHONPATH": os.pathsep.join([str(target), *sys.path[1:]]),
        "MERZOO_HOME": str(tmp_path),
    }
    surroundings["MERZOO_WEIGHTS_URL"] = "http://127.0.0.1:9/nothing"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | surroundings, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(target / "merzoo" / "__init__.py"), "1715"]
    assert "ststnet.megc2019: cannot download http://127.0.0.1:9/nothing/" in done.stderr
