"""One place for the version, and every package that decides a result is named with its own."""

import configparser
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import merzoo
from merzoo.versions import DISTRIBUTIONS, VERSION, package_versions

ROOT = Path(__file__).parents[1]


def test_the_version_stands_in_one_place():
    assert merzoo.__version__ == VERSION == package_versions()["merzoo"]
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert settings["metadata"]["version"] == "attr: merzoo.versions.VERSION"
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text()).get("project", {})


def test_the_build_reads_the_version_and_imports_nothing_of_merzoo():
    pytest.importorskip("setuptools")
    code = (
        "import sys; from setuptools.config.setupcfg import read_configuration as read; "
        "print(read('setup.cfg')['metadata']['version'], 'merzoo' in sys.modules)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == [VERSION, "False"], done.stderr


def test_versions_are_those_of_what_is_imported():
    import cv2
    import numpy
    import scipy
    import sklearn

    found = package_versions()
    assert found["numpy"] == numpy.__version__
    assert found["scipy"] == scipy.__version__
    assert found["scikit-learn"] == sklearn.__version__
    opencv = next(name for name in found if name.startswith("opencv"))
    assert found[opencv].startswith(cv2.__version__)
    assert set(found) == {"python", "merzoo"} | set(filter(_installed, DISTRIBUTIONS))


def _installed(name: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=name))


def test_tensorflow_is_named_as_it_is_installed():
    names = [name for name in ("tensorflow", "tensorflow-cpu") if _installed(name)]
    if not names:
        pytest.skip("TensorFlow is not installed")
    assert [name for name in package_versions() if name.startswith("tensorflow")] == names


def test_the_hooks_and_the_tests_lint_with_the_same_ruff():
    pinned = dict(line.split("==") for line in (ROOT / "tools/constraints.txt").read_text().split())
    (hook,) = [
        part
        for part in (ROOT / ".pre-commit-config.yaml").read_text().split("- repo:")
        if "ruff-pre-commit" in part
    ]
    assert f"rev: v{pinned['ruff']}\n" in hook
