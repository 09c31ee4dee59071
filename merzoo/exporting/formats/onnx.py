"""ONNX, through tf2onnx; run by ONNX Runtime."""

SUFFIX = ".onnx"
PACKAGES = ("tensorflow", "tf2onnx", "onnx", "onnxruntime")
OPSET = 18


def convert(saved, serve, target, properties, representative) -> None:
    import onnx
    import tf2onnx

    signature = serve.input_signature
    model, _ = tf2onnx.convert.from_function(serve, input_signature=signature, opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def load(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(inputs))[0]
