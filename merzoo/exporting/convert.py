"""The half of an export that needs TensorFlow: `python -m merzoo.exporting.convert FOLDER ...`.

`merzoo.export` runs this in a process with `KERAS_BACKEND=tensorflow`, whatever the user's backend.
In each folder lie `model.keras`, `job.json` and `probes.npz` (arrays named `probe/input`); it
leaves the export as `export` plus the format's ending, and its answers in `answers.npz`.
"""

import json
import sys
from pathlib import Path

import numpy as np

ONNX_OPSET = 18
REPRESENTATIVE = "representative"  # the probe that int8 quantisation is calibrated with


def convert(folder: Path) -> None:
    """Converts the model and runs the result on every probe, whole and one sample alone."""
    import keras

    import merzoo.layers
    import merzoo.models  # noqa: F401 - registers what models are made of

    job = json.loads((folder / "job.json").read_text())
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    probes = _read_probes(folder / "probes.npz")
    target = folder / f"export{job['suffix']}"
    saved = target if job["format"] == "saved_model" else folder / "saved_model"
    serve = _save(model, saved, job)
    if job["format"] != "saved_model":
        _CONVERTERS[job["format"]](saved, serve, target, job, probes.pop(REPRESENTATIVE, None))

    from merzoo.exporting.run import load_export

    run = load_export(target)
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


def _save(model, folder: Path, job: dict):
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

    module = tf.Module()
    module.model_variables = [variable.value for variable in model.variables]
    module.serve = serve
    module.class_names = tf.saved_model.Asset(str(folder.parent / "classes.txt"))
    module.model_card = tf.saved_model.Asset(str(folder.parent / "model_card.json"))
    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
    return serve


def _onnx(saved, serve, target, job, representative) -> None:
    import onnx
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(
        serve, input_signature=serve.input_signature, opset=ONNX_OPSET
    )
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(model, job["properties"])
    onnx.checker.check_model(model)
    onnx.save(model, target)


def _litert(saved, serve, target, job, representative) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if representative is not None:
        count = len(next(iter(representative.values())))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            {name: x[i : i + 1] for name, x in representative.items()} for i in range(count)
        )
    target.write_bytes(converter.convert())


def _openvino(saved, serve, target, job, representative) -> None:
    import openvino

    model = openvino.Core().read_model(saved)
    for name, text in job["properties"].items():
        model.set_rt_info(text, ["merzoo", name])
    openvino.save_model(model, target, compress_to_fp16=False)


_CONVERTERS = {"onnx": _onnx, "litert": _litert, "openvino": _openvino}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        convert(Path(name))
