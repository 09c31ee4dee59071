"""SavedModel, of TensorFlow: a folder."""

SUFFIX = ""
PACKAGES = ("tensorflow",)


def convert(saved, serve, target, properties, representative) -> None:
    saved.rename(target)


def load(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(inputs, keep=loaded):  # the loaded object must outlive its functions
        (output,) = serve(**{name: tf.constant(x) for name, x in inputs.items()}).values()
        return output.numpy()

    return run
