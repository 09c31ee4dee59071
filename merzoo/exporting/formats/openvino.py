"""OpenVINO, for Intel's processors: an `.xml` file and a `.bin` beside it."""

import numpy as np

SUFFIX = ".xml"
PACKAGES = ("tensorflow", "openvino")


def convert(saved, serve, target, properties, representative) -> None:
    import openvino

    model = openvino.Core().read_model(saved)
    for name, text in properties.items():
        model.set_rt_info(text, ["merzoo", name])
    openvino.save_model(model, target, compress_to_fp16=False)


def load(path):
    import openvino

    # Without the hint, OpenVINO computes in bfloat16 on processors that have it.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    return lambda inputs: np.array(next(iter(compiled(dict(inputs)).values())))
