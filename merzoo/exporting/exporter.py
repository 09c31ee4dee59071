"""`export`: a trained model as a file that other runtimes read, checked against the model itself.

Whatever the user's backend, the model is saved as `.keras` and converted in a process of its own
that runs on TensorFlow (`convert.py`). The result takes its final name only if its outputs are
those of the Keras model.
"""

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.exporting.card import class_names, model_card
from merzoo.exporting.convert import REPRESENTATIVE
from merzoo.exporting.formats import FORMATS, format_named
from merzoo.exporting.graph import default_crop_size, with_preprocessing
from merzoo.exporting.probes import REAL_DATA, face_pairs, inputs_of
from merzoo.files import check_folder, claim_file
from merzoo.listing import is_empty
from merzoo.models.random_inputs import random_inputs
from merzoo.progress import progress_bar
from merzoo.whole import alone, remove, sweep, temporary_beside

TOLERANCE = 1e-4  # of probabilities, between the export and the Keras model
_EARLIER = re.compile(  # the files of a SavedModel that merzoo wrote
    r"saved_model\.pb|fingerprint\.pb|variables/variables\..+|assets/(classes\.txt|model_card\.json)"
)


@dataclass(frozen=True)
class Parity:
    """How far two ways to the probabilities are apart.

    Args:
        inputs: what was put in.
        against: what the export is compared with.
        samples: number of them.
        difference: largest absolute difference of a probability.
        same_class: samples that get the same class.
        enforced: whether the export is refused where `difference` is above `TOLERANCE`.
    """

    inputs: str
    against: str
    samples: int
    difference: float
    same_class: int
    enforced: bool = True


@dataclass(frozen=True)
class Export:
    """What `export` has written.

    Args:
        path: of the SavedModel folder or the file.
        bytes: size of all that was written.
        inputs: name -> shape of one sample.
        parity: the checks that it passed.
        accuracy: for int8, share of right classes by `"keras"` and `"int8"` on samples that were
            not used to choose the scales; else empty.
    """

    path: Path
    bytes: int
    inputs: dict[str, list]
    parity: tuple[Parity, ...]
    accuracy: dict[str, float]


def export(
    model,
    path: str | os.PathLike,
    format: str = "saved_model",
    preprocessing: bool = False,
    *,
    int8: bool = False,
    data=None,
    labels: str | None = None,
    parameters: dict | None = None,
    crop_size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    entry=None,
) -> Export:
    """Writes a model in another runtime's format, with any batch size, and checks it.

    The export answers random and real inputs (of synthetic faces, if `data` is not given); where a
    probability differs by more than 1e-4 from the Keras model's, nothing is written.

    Args:
        model: a functional `keras.Model` whose inputs are named modalities.
        path: where to: a folder for `"saved_model"`, else a file ending in `.onnx`, `.tflite` or
            `.xml` (with its `.bin` beside). An earlier export there is replaced.
        format: `"saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        preprocessing: whether the export takes raw 8-bit face crops `onset` and `apex`; see
            `with_preprocessing`.
        int8: LiteRT only: quantises weights and activations to 8 bits, by the samples of `data`.
            The 1e-4 then cannot hold; the change of accuracy is reported instead.
        data: `Arrays`, clips or text such as `"synthetic:easy"`, for the check and for `int8`.
        labels: label map; `None` for `"megc3"` of clips, and the classes that arrays bring.
        parameters: choices of preprocessing, for clips.
        crop_size: (height, width) of the crops, with `preprocessing`; `None` for
            `default_crop_size(model)`.
        classes: names of the classes; those of `entry` by default.
        entry: `WeightsEntry` of the model's weights, for the model card.

    Returns:
        `Export`: path, size, differences, and accuracies for int8.

    Raises:
        InputError: for arguments that do not go together, a package that is missing, a model that
            cannot be converted, or an export that does not agree with its model.

    Example:

    >>> import merzoo
    >>> model = merzoo.create_model("ststnet", weights="synthetic")  # doctest: +SKIP
    >>> merzoo.export(model, "ststnet.onnx", format="onnx")  # doctest: +SKIP
    """
    path = _check(model, Path(path), format, preprocessing, int8)
    crop_size = crop_size or default_crop_size(model)
    exported = with_preprocessing(model, crop_size) if preprocessing else model
    names = class_names(model, classes, entry)
    card = model_card(model, exported, names, entry, preprocessing)
    samples, probes = _probes(model, exported, data, labels, crop_size, int8, parameters or {})
    with _workshop(path) as folder, progress_bar() as bar:
        task = bar.add_task("asking Keras", total=3)
        expected = {probe: _predict(exported, inputs) for probe, inputs in probes.items()}
        bar.update(task, advance=1, description=f"converting to {format}")
        write_job(folder, exported, format, probes, names, card)
        (answers,) = run_jobs([folder])
        bar.update(task, advance=1, description="comparing")
        parity = [
            _parity(probe, answers, expected[probe], enforced=not int8)
            for probe in probes
            if probe != REPRESENTATIVE
        ]
        if preprocessing:
            parity.append(_pipeline_parity(model, samples, answers["real"]))
        _enforce(parity, format)
        accuracy = _accuracies(samples, expected, answers) if int8 else {}
        size = _place(folder, path, format)
        bar.advance(task)
    shapes = {tensor.name: list(tensor.shape[1:]) for tensor in exported.inputs}
    return Export(path, size, shapes, tuple(parity), accuracy)


def _check(model, path: Path, format: str, preprocessing: bool, int8: bool) -> Path:
    """Refuses what cannot work before anything is computed."""
    import keras

    suffix, packages = format_named(format).SUFFIX, format_named(format).PACKAGES
    if not isinstance(model, keras.Model):
        raise InputError(f"export takes a keras.Model, got {type(model).__name__}.")
    if suffix and path.suffix != suffix:
        raise InputError(f"{path}: the path of an export to {format} must end in {suffix}.")
    check_folder(path.parent, file=None)
    for place in _moves(Path(), path, format).values() if suffix else ():
        claim_file(place, "export", lambda _: _is_export_file(path))
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: is a link to nothing; remove it, or give another --out.")
    endings = [ending for name in FORMATS if (ending := format_named(name).SUFFIX)]
    if not suffix and (path.is_file() or path.suffix in endings):
        raise InputError(f"{path}: a SavedModel is a folder; give a path without an ending.")
    if path.is_dir() and not is_empty(path) and not _is_export(path):
        raise InputError(f"{path}: is a folder with other things in it; choose another path.")
    if int8 and (format != "litert" or preprocessing):
        raise InputError(
            "int8 is for format='litert' without preprocessing: flow needs floating point."
        )
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"{format} needs {', '.join(missing)}: pip install 'merzoo[tensorflow,export]'."
        )
    return path


def _probes(model, exported, data, labels, crop_size, int8, parameters):
    """Real samples, and by name the inputs with which the export will be checked."""
    from merzoo.data.datasets import load_named
    from merzoo.modalities import input_shapes
    from merzoo.preprocessing.samples import load_samples

    probes = {"random": random_inputs(exported, batch=3)}
    if exported is not model:
        clips = data or REAL_DATA
        if isinstance(clips, str):
            clips = load_named(clips, on_error=parameters.get("on_error", "fail"))
        if not isinstance(clips, list):
            raise InputError("preprocessing is checked with clips; data holds arrays.")
        pairs = face_pairs(clips, model, crop_size, labels or "megc3", **parameters)
        probes["real"] = inputs_of(exported, pairs.data, pairs.crops)
        return pairs.data, probes
    samples = load_samples(
        data or REAL_DATA, input_shapes(model.inputs), labels=labels, **parameters
    )
    if int8:
        shown, samples = _halves(samples)
        probes[REPRESENTATIVE] = inputs_of(model, shown)
    probes["real"] = inputs_of(model, samples)
    return samples, probes


def _halves(samples):
    """Two halves with no subject in common: one to choose scales by, one to score."""
    subjects = np.unique(samples.subject)
    if len(subjects) < 2:
        raise InputError(
            f"{samples.source}: int8 needs two subjects: one to choose scales by, one to score."
        )
    first = np.isin(samples.subject, subjects[::2])
    return samples.take(np.flatnonzero(first)), samples.take(np.flatnonzero(~first))


def _predict(model, inputs) -> np.ndarray:
    return np.asarray(model.predict(inputs, batch_size=8, verbose=0))


def write_job(folder: Path, model, format: str, probes, names, card) -> None:
    """Leaves in a folder what `merzoo.exporting.convert` needs."""
    text = json.dumps(card, indent=2)
    properties = {"classes": json.dumps(names), "model_card": text}
    (folder / "job.json").write_text(json.dumps({"format": format, "properties": properties}))
    (folder / "classes.txt").write_text("\n".join(names) + "\n")
    (folder / "model_card.json").write_text(text + "\n")
    model.save(folder / "model.keras")
    arrays = {f"{probe}/{name}": x for probe, xs in probes.items() for name, x in xs.items()}
    np.savez(folder / "probes.npz", **arrays)


def run_jobs(folders: Sequence[Path]) -> list[dict[str, np.ndarray]]:
    """Converts in a process of its own; returns each export's answers to its probes.

    Raises:
        InputError: where a conversion fails, with the last line of what it printed.
    """
    home = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    alone = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "merzoo.exporting.convert", str(os.getpid()), *map(str, folders)],
        env=os.environ | alone | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        if os.environ.get("MERZOO_DEBUG") == "1":
            print(done.stderr, file=sys.stderr)
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise InputError(f"the conversion failed: {reason} (MERZOO_DEBUG=1 shows all).")
    answers = []
    for folder in folders:
        with np.load(folder / "answers.npz") as archive:
            answers.append({name: archive[name] for name in archive.files})
    return answers


def _parity(probe: str, answers, expected, enforced: bool) -> Parity:
    whole, alone = answers[probe], answers[f"{probe}, first alone"]
    difference = max(_difference(whole, expected), _difference(alone, expected[:1]))
    return Parity(probe, "keras", len(expected), difference, _same(whole, expected), enforced)


def _pipeline_parity(model, samples, answer) -> Parity:
    """The export on raw crops beside the model on what `merzoo.preprocessing` makes of them."""
    expected = _predict(model, inputs_of(model, samples))
    difference, same = _difference(answer, expected), _same(answer, expected)
    return Parity(
        "real", "keras after merzoo.preprocessing", len(expected), difference, same, False
    )


def _difference(found, expected) -> float:
    """Largest absolute difference of probabilities; outputs of other kinds count relatively."""
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _same(found, expected) -> int:
    return int((found.argmax(-1) == expected.argmax(-1)).sum()) if found.ndim == 2 else 0


def _enforce(parity, format: str) -> None:
    for row in parity:
        if row.enforced and not row.difference <= TOLERANCE:  # NaN fails too
            raise InputError(
                f"the {format} export differs from the Keras model by {row.difference:.1e} on "
                f"{row.inputs} inputs, more than {TOLERANCE:.0e}; it was removed."
            )


def _is_export(folder: Path) -> bool:
    """Whether a folder is a SavedModel that merzoo wrote, and holds nothing else."""
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()]
    return "assets/model_card.json" in files and all(map(_EARLIER.fullmatch, files))


def _is_export_file(path: Path) -> bool:
    """Whether a file and those beside it are an export that merzoo wrote."""
    if path.suffix == ".onnx":
        return path.is_file() and b"model_card" in path.read_bytes()
    return path.with_suffix(".model_card.json").is_file()


def _accuracies(samples, expected, answers) -> dict[str, float]:
    outputs = {"keras": expected["real"], "int8": answers["real"]}
    return {name: float((y.argmax(-1) == samples.label).mean()) for name, y in outputs.items()}


@contextlib.contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """A temporary folder beside the export, which no run that was killed leaves for ever."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    folder = temporary_beside(path)
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


def _moves(folder: Path, path: Path, format: str) -> dict[Path, Path]:
    """Each file or folder of a finished export -> its path; the card, by which it is known, first.

    SavedModel and ONNX hold classes and card inside.
    """
    suffix = format_named(format).SUFFIX
    names = ("model_card.json", "classes.txt") if suffix and format != "onnx" else ()
    moves = {folder / name: path.with_suffix(f".{name}") for name in names}
    made = folder / f"export{suffix}"
    moves[made] = path
    if format == "openvino":
        moves[made.with_suffix(".bin")] = path.with_suffix(".bin")
    return moves


def _place(folder: Path, path: Path, format: str) -> int:
    """Moves the finished export to its path, in place of an earlier one; returns its bytes.

    Of two processes at once the later one's files stand, all of them.
    """
    moves = _moves(folder, path, format)
    with alone(path.parent, wait=True):
        for source, target in moves.items():
            if target.is_dir():
                os.replace(target, folder / f"before-{target.name}")
            os.replace(source, target)
        files = [f for top in moves.values() for f in (top, *top.rglob("*")) if f.is_file()]
        return sum(file.stat().st_size for file in files)
