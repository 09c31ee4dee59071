"""`Conv2D` in the form that trains fastest: the same weights, arguments, outputs."""

import keras
from keras import layers

from merzoo.layers.forms import form_of


@keras.saving.register_keras_serializable("merzoo")
class Conv2D(layers.Conv2D):
    """`keras.layers.Conv2D`, computed in the form that was measured to train fastest.

    The form is that of `merzoo.layers.forms`: on JAX a product of patches and kernel, or a
    convolution whose gradients XLA does fast inside of loops too; under `jax.vmap`, with a kernel
    for each replica, products of patches. Elsewhere, and for `groups` or `channels_first`, it is
    Keras' own. Weights, arguments and outputs are those of Keras' layer, and so is the name: files
    of weights are filed by names of classes, and load into either.

    On JAX gradients work in reverse mode, to any order; forward mode (`jax.jvp`) only through
    products of patches.

    Example:

    >>> import numpy as np
    >>> x = np.ones((1, 28, 28, 3), "float32")
    >>> Conv2D(16, 3, strides=2, padding="same")(x).shape == (1, 14, 14, 16)
    True
    """

    def convolution_op(self, inputs, kernel):
        covered = self.groups == 1 and self.data_format == "channels_last"
        form = form_of("convolution", self.kernel_size, *kernel.shape[2:])
        written = keras.backend.backend() == "jax" and form in ("patches", "ordered")
        if not (covered and written):
            return super().convolution_op(inputs, kernel)
        import jax.numpy as jnp

        from merzoo.layers.jax_convolution import Geometry, convolution, patch_product

        kernel = jnp.asarray(keras.ops.convert_to_tensor(kernel))
        inputs = jnp.asarray(keras.ops.convert_to_tensor(inputs), kernel.dtype)
        sides = inputs.shape[1:3]
        geometry = Geometry.of(
            sides, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        return {"patches": patch_product, "ordered": convolution}[form](geometry, inputs, kernel)


@keras.saving.register_keras_serializable("merzoo")
class PatchConv2D(Conv2D):
    """`merzoo.layers.Conv2D` under the name by which the files of STSTNet's weights know it.

    Example:

    >>> import numpy as np
    >>> PatchConv2D(16, 3)(np.ones((1, 28, 28, 3), "float32")).shape[1:] == (26, 26, 16)
    True
    """
