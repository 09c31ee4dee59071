"""What a process loads before it does anything: told by modules, which no busy machine changes.

`benchmarks/startup.py` has the seconds.
"""

import json
import os
import subprocess
import sys

import pytest

from merzoo.commands._verbs import verbs_of

FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
HEAVY = FRAMEWORKS | {"cv2", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "skimage"}
VERBS = [
    verb if deeper is None else f"{verb} {deeper}"
    for verb in verbs_of("merzoo.commands")
    for deeper in (verbs_of(f"merzoo.commands.{verb}") if verb in ("data", "weights") else [None])
]


def loaded(code: str, **environment) -> set[str]:
    """Top-level modules that a new process has loaded once it has run `code`."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def of_command(line: str) -> set[str]:
    words = line.split()
    return loaded(f"from merzoo.cli import main\ntry:\n    main({words})\nexcept SystemExit: pass")


def test_help_loads_nothing_but_python():
    assert of_command("--help") & (HEAVY | {"rich"}) == set()


@pytest.mark.parametrize("line", ["list", "list --json dfr*", "info dfrnet", "info flow-krr"])
def test_a_question_about_models_loads_no_framework(line):
    assert of_command(line) & HEAVY == set()


def test_a_question_about_weights_loads_no_framework():
    assert of_command("weights list") & HEAVY == set()


def test_the_help_of_every_verb_loads_no_framework():
    lines = "".join(
        f"try:\n    main({[*verb.split(), '--help']})\nexcept SystemExit: pass\n" for verb in VERBS
    )
    found = loaded(f"from merzoo.cli import main\n{lines}")
    assert found & (FRAMEWORKS | {"pandas", "sklearn", "matplotlib"}) == set()


def test_python_asks_about_models_as_cheaply():
    code = "import merzoo; merzoo.list_models('dfr*'); merzoo.model_info('dfrnet')"
    assert loaded(code) & HEAVY == set()


def test_prediction_loads_what_it_uses():
    found = loaded("from merzoo.prediction import Classifier, predict_files")
    assert found & (FRAMEWORKS | {"pandas", "sklearn", "matplotlib", "openpyxl"}) == set()


def test_one_network_loads_one_file():
    code = (
        "import merzoo, sys; merzoo.models.STSTNet; assert 'merzoo.models.rcn' not in sys.modules"
    )
    loaded(code, KERAS_BACKEND="numpy")


def test_layers_may_be_imported_first():
    # Keras, which they import, is followed by what saved models name: the layers themselves.
    program = "import merzoo.layers, sys; print('merzoo.models.capsulenet' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr
