"""Networks of somebody's own, as a lab would write them in a file beside its clips."""

import keras
from keras import layers


def small_network(input_shape=(28, 28, 3), classes=3, units=8, name="small_network"):
    """Two layers on a flow image."""
    flow = keras.Input(input_shape, name="flow_image")
    x = layers.Rescaling(1 / 255)(flow)
    x = layers.Conv2D(units, 5, strides=3, activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(flow, layers.Dense(classes, activation="softmax")(x), name=name)


def logits_network(classes=3):
    """The same end without a softmax."""
    flow = keras.Input((28, 28, 3), name="flow_image")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(flow))
    return keras.Model(flow, layers.Dense(classes)(x))


def wrong_input(classes=3):
    """Its input is named after no modality."""
    picture = keras.Input((28, 28, 3), name="picture")
    return keras.Model(
        picture, layers.Dense(classes, activation="softmax")(layers.Flatten()(picture))
    )


def two_classes():
    """Always of two classes, whatever is asked for."""
    return small_network(classes=2)
