"""`merzoo doctor`: what this installation has, what it lacks, and what to type to have it."""

import os
import sys

from merzoo.commands._shared import BACKENDS, add_json_option, choose_backend, print_json

SUMMARY = "show backends, devices, detectors, cache and weights, and what to install for more"
EXAMPLE = "merzoo doctor"

# Extra of the package -> a module that it brings, and what that is for.
EXTRAS = {
    "faces": ("dlib", "faces with 68 landmarks"),
    "tune": ("keras_tuner", "merzoo tune"),
    "export": ("onnxruntime", "merzoo export to ONNX, LiteRT and OpenVINO"),
    "app": ("gradio", "merzoo demo"),
    "distributed": ("distributed", "evaluate --cluster"),
    "xls": ("xlrd", "old .xls workbooks"),
}
_OK, _MISSING, _WRONG = "ok", "missing", "wrong"


def arguments(parser) -> None:
    add_json_option(parser)


def run(options) -> int:
    rows = [*_program(), *_backends(), *_extras(), *_files()]
    if options.json:
        print_json(
            [dict(zip(("what", "state", "found", "todo"), row, strict=True)) for row in rows]
        )
    else:
        width = max(len(row[0]) for row in rows)
        for what, state, found, todo in rows:
            print(f"{state:<8}{what:<{width}}  {found}" + (f": {todo}" if todo else ""))
    return int(any(state == _WRONG for _, state, _, _ in rows))


def _program() -> list[tuple]:
    """merzoo and Python."""
    import platform
    from pathlib import Path

    import merzoo

    here = Path(merzoo.__file__).parent
    return [
        ("merzoo", _OK, f"{merzoo.__version__} in {here}", ""),
        (
            "Python",
            _OK,
            f"{platform.python_version()}, {platform.platform()}, {sys.executable}",
            "",
        ),
    ]


def _backends() -> list[tuple]:
    """Keras' backends, which of them is used, and its devices."""
    import importlib.util

    rows, said = [], os.environ.get("KERAS_BACKEND")
    versions = _versions()
    there = [name for name in BACKENDS if importlib.util.find_spec(name)]
    for name in BACKENDS:
        found = [f"{n} {v}" for n, v in versions.items() if n in (name, f"{name}-cpu")]
        state = _OK if name in there else _MISSING
        rows.append((name, state, ", ".join(found) or "-", "" if found else _install(name)))
    both = [name for name in ("tensorflow", "tensorflow-cpu") if name in versions]
    if len(both) == 2:
        todo = "pip uninstall tensorflow tensorflow-cpu, then install one"
        rows.append(("TensorFlow", _WRONG, "installed twice, into one folder", todo))
    if "tensorflow" not in there:
        rows.append(("training", _WRONG, "needs TensorFlow's tf.data", _install("tensorflow")))
    if not there:
        return rows
    choose_backend()
    chosen, usual = os.environ["KERAS_BACKEND"], said or _of_python()
    same = "the command line and Python" if chosen == usual else "the command line"
    todo = (
        "" if chosen == usual else f"Python takes {usual}; KERAS_BACKEND={chosen} makes it the same"
    )
    rows.append(("backend", _OK, f"{chosen}, for {same}", todo))
    return [*rows, _devices(chosen)]


def _of_python() -> str:
    """The backend of `import keras` where `KERAS_BACKEND` does not say it."""
    import json
    from pathlib import Path

    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def _devices(backend: str) -> tuple:
    try:
        import keras

        found = ", ".join(keras.distribution.list_devices())
        return ("devices", _OK, found or "cpu", "")
    except Exception as error:  # whatever a broken installation of a framework raises
        line = (str(error).splitlines() or [type(error).__name__])[0]
        return ("devices", _WRONG, f"{backend} cannot be loaded", line)


def _extras() -> list[tuple]:
    """What the extras bring, and the files that no package of ours brings."""
    import importlib.util

    from merzoo.errors import InputError
    from merzoo.preprocessing.face import landmark_file
    from merzoo.preprocessing.yunet import yunet_file

    rows = []
    for extra, (module, about) in EXTRAS.items():
        here = importlib.util.find_spec(module) is not None
        state = _OK if here else _MISSING
        rows.append((extra, state, about, "" if here else _install(extra)))
    for name, find in (("landmarks", landmark_file), ("yunet", yunet_file)):
        try:
            rows.append((name, _OK, str(find()), ""))
        except InputError as error:
            rows.append((name, _MISSING, "-", str(error)))
    return rows


def _files() -> list[tuple]:
    """merzoo's home, its cache, and the weights that are here."""
    import shutil

    from merzoo.home import home
    from merzoo.preprocessing.cache import Cache
    from merzoo.weights.manifest import entries, places

    folder = home()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    writable, free = os.access(there, os.W_OK), shutil.disk_usage(there).free / 1e9
    todo = "" if writable else "set MERZOO_HOME to a folder that you may write to"
    arrays, size = Cache().size()[:2]
    known = entries()
    here = [entry for entry in known if any(path.is_file() for path in places(entry))]
    rest = "" if len(here) == len(known) else "the others are downloaded when they are used"
    return [
        ("home", _OK if writable else _WRONG, f"{folder}, {free:.1f} GB free", todo),
        ("cache", _OK, f"{arrays} arrays, {size / 1e6:.1f} MB", ""),
        ("weights", _OK, f"{len(here)} of {len(known)} here", rest),
    ]


def _versions() -> dict[str, str]:
    from merzoo.versions import package_versions

    return package_versions()


def _install(extra: str) -> str:
    return f"pip install 'merzoo[{extra}]'"
