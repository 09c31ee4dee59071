"""What may stand behind DFR-Net's fusion instead of its ResNet: the rows of the paper's Table 5.

The paper names the families and prints their parameters and FLOPs; the layouts here are those that
meet the prints, and how closely is said at each. Every body takes the fused map (56, 56, 64 at 224
pixels) and returns the map before global pooling; `vit` returns its class token.
"""

from keras import layers

from merzoo.layers import Conv2D, MaxPooling2D
from merzoo.models.transformer import vit_encoder


def vgg(x):
    """3x3 convolutions with BN, 128 | 256 256 | 512 512 | 512, max-pooled between.

    With a class layer on the pooled map: 7,103,939 parameters (the paper: 7.104 M).
    """
    for stage, widths in enumerate(((128,), (256, 256), (512, 512), (512,)), start=1):
        if stage > 1:
            x = MaxPooling2D(2, name=f"vgg_{stage}_pool")(x)
        for number, filters in enumerate(widths, start=1):
            name = f"vgg_{stage}_{number}"
            x = Conv2D(filters, 3, padding="same", name=f"{name}_conv")(x)
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
    return x  # (7, 7, 512)


def alexnet(x):
    """Pool 4, then 192, pool 2, then 384, 256, 256, all 3x3.

    With a class layer on the pooled map: 2.490 M parameters, 1.080 G (the paper: 2.384 M, 1.093 G).
    """
    x = MaxPooling2D(4, name="alexnet_pool_1")(x)
    for number, filters in enumerate((192, 384, 256, 256), start=1):
        if number == 2:
            x = MaxPooling2D(2, name="alexnet_pool_2")(x)
        name = f"alexnet_conv_{number}"
        x = Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    return x  # (7, 7, 256)


# GoogLeNet's modules 3a, 3b and 4a to 4d: filters of 1x1 | 3x3 reduce, 3x3 | 5x5 reduce, 5x5 | pool
INCEPTION_MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
}


def inception(x):
    """Pool 4, GoogLeNet's modules 3a and 3b at 14x14, pool 2, modules 4a to 4d at 7x7.

    With the 1000-wide layer of the ResNet's head this meets the paper's 3.218 M to 1 %.
    """
    x = MaxPooling2D(4, name="inception_pool_1")(x)
    for module, filters in INCEPTION_MODULES.items():
        if module == "4a":
            x = MaxPooling2D(2, name="inception_pool_2")(x)
        x = inception_module(x, filters, f"inception_{module}")
    return x  # (7, 7, 528)


def inception_module(x, filters, name):
    """GoogLeNet's module: 1x1, 3x3, 5x5 and pooled branches side by side, each with its ReLU."""
    one, three_reduce, three, five_reduce, five, pool = filters

    def convolution(y, count, size, part):
        label = f"{name}_{part}"
        return Conv2D(count, size, padding="same", activation="relu", name=label)(y)

    branches = [
        convolution(x, one, 1, "1x1"),
        convolution(convolution(x, three_reduce, 1, "3x3_reduce"), three, 3, "3x3"),
        convolution(convolution(x, five_reduce, 1, "5x5_reduce"), five, 5, "5x5"),
        convolution(
            MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x),
            pool,
            1,
            "pool_1x1",
        ),
    ]
    return layers.Concatenate(name=f"{name}_concat")(branches)


def vit(x, depth=12, dim=768, heads=12):
    """ViT-B behind a 3x3 convolution of stride 4 as patch embedding; the class token.

    With a class layer on the token: 85,892,675 parameters (the paper: 85.892 M).
    """
    x = Conv2D(dim, 3, strides=4, name="vit_patches")(x)  # (14, 14, 768)
    return vit_encoder(x, depth, heads)  # (768,)
