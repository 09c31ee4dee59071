"""LiteRT (once TensorFlow Lite), for telephones; the one format that takes 8 bits."""

import numpy as np

SUFFIX = ".tflite"
PACKAGES = ("tensorflow", "ai_edge_litert")


def convert(saved, serve, target, properties, representative) -> None:
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


def load(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner("serving_default")

    def run(inputs, keep=interpreter):
        (output,) = runner(**inputs).values()
        return np.array(output)  # the interpreter's own memory is used again

    return run
