"""The half of an export that needs TensorFlow: `python -m merzoo.exporting.convert PID FOLDER ...`.

`merzoo.export` runs this in a process with `KERAS_BACKEND=tensorflow`, whatever the user's backend.
PID is of the process that waits, without which this one ends. In each folder lie `model.keras`,
`job.json` and `probes.npz` (arrays named `probe/input`); it leaves the export as `export` plus the
format's ending, and its answers in `answers.npz`.
"""

import json
import sys
from pathlib import Path

import numpy as np

from merzoo.exporting.formats import format_named
from merzoo.processes import end_with_parent

REPRESENTATIVE = "representative"  # the probe that int8 quantisation is calibrated with


def convert(folder: Path) -> None:
    """Converts the model and runs the result on every probe, whole and one sample alone."""
    import keras

    import merzoo.layers  # noqa: F401 - known to Keras once imported

    job = json.loads((folder / "job.json").read_text())
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    probes = _read_probes(folder / "probes.npz")
    format, saved = format_named(job["format"]), folder / "saved_model"
    target = folder / f"export{format.SUFFIX}"
    representative = probes.pop(REPRESENTATIVE, None)
    format.convert(saved, _save(model, saved), target, job["properties"], representative)
    run = format.load(target)
    answers: dict = {}
    for name, inputs in probes.items():
        answers[name] = run(inputs)
        answers[f"{name}, first alone"] = run({key: x[:1] for key, x in inputs.items()})
    np.savez(folder / "answers.npz", **answers)


def _read_probes(path: Path) -> dict[str, dict[str, np.ndarray]]:
    probes: dict[str, dict[str, np.ndarray]] = {}
    with np.load(path) as archive:
        for key in archive.files:
            probe, name = key.split("/")
            probes.setdefault(probe, {})[name] = archive[key]
    return probes


def _save(model, folder: Path):
    """Writes the SavedModel and returns its function, whose arguments are the named inputs."""
    import keras
    import tensorflow as tf

    for layer in model._flatten_layers():  # tensors made outside of the trace would be inputs
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.array(layer.mean), np.array(layer.variance)
    specs = [tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in model.inputs]

    @tf.function(input_signature=specs)
    def serve(*inputs):
        values = list(inputs) if len(inputs) > 1 else inputs[0]
        return {"probabilities": model(values, training=False)}

    @tf.function(input_signature=[{spec.name: spec for spec in specs}])
    def serve_by_name(inputs):  # as keras.layers.TFSMLayer calls it
        return serve(*(inputs[spec.name] for spec in specs))

    module = tf.Module()
    module.model_variables = [variable.value for variable in model.variables]
    module.serve = serve_by_name
    module.class_names = tf.saved_model.Asset(str(folder.parent / "classes.txt"))
    module.model_card = tf.saved_model.Asset(str(folder.parent / "model_card.json"))
    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
    return serve


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    for name in sys.argv[2:]:
        convert(Path(name))
