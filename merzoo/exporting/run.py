"""Runs an exported model, whatever its format: for checks, benchmarks and as an example."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from merzoo.errors import InputError

Run = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def load_export(path: str | Path) -> Run:
    """Opens an export in the runtime of its format, on the CPU.

    Args:
        path: a SavedModel folder, or a file `.onnx`, `.tflite` or `.xml` (OpenVINO).

    Returns:
        A function from named inputs (B, ...) to the output (B, classes). Any batch size will do.

    Raises:
        InputError: for a path that is none of these.
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        return _saved_model(path)
    if path.suffix in _OPENERS and path.is_file():
        return _OPENERS[path.suffix](path)
    raise InputError(
        f"{path}: no export; give a SavedModel folder or a file {', '.join(_OPENERS)}."
    )


def _saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(inputs, keep=loaded):  # the loaded object must outlive its functions
        (output,) = serve(**{name: tf.constant(x) for name, x in inputs.items()}).values()
        return output.numpy()

    return run


def _onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(inputs))[0]


def _litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner("serving_default")

    def run(inputs, keep=interpreter):
        (output,) = runner(**inputs).values()
        return np.array(output)  # the interpreter's own memory is used again

    return run


def _openvino(path):
    import openvino

    # Without the hint, OpenVINO computes in bfloat16 on processors that have it.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    return lambda inputs: np.array(next(iter(compiled(dict(inputs)).values())))


_OPENERS = {".onnx": _onnx, ".tflite": _litert, ".xml": _openvino}
