"""Farneback's optical flow inside a model, equal to OpenCV's on every backend.

Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003, with the
conventions of OpenCV's `calcOpticalFlowFarneback` (pyramid from the full-size image, borders, the
table of border weights, the 1e-3 regulariser), so that an exported model can take raw frames and
flow can run on a GPU. Everything is float32.

Tensors are held as (h, ..., B, w): filters along either axis are then plain matrix products.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.banded import BandedFilter, constant, convolution_matrix, resize_matrix

# Smallest side of a pyramid level, and how far the equations of the outermost pixels are trusted:
# both as in OpenCV.
SMALLEST_SIDE = 32
BORDER_WEIGHTS = (0.14, 0.14, 0.4472, 0.4472, 0.4472)

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as OpenCV's RGB2GRAY


@dataclass
class Expansion:
    """Filters that take a full-size image to the polynomial coefficients of one pyramid level.

    Each coefficient is a filter along y followed by one along x; blur and resize are folded in.
    """

    smooth_y: BandedFilter
    slope_y: BandedFilter
    curve_y: BandedFilter
    smooth_x: BandedFilter
    smooth_x_scaled: BandedFilter
    slope_x: BandedFilter
    slope_x_cross: BandedFilter
    curve_x: BandedFilter

    def __call__(self, images):
        """(H, 2, B, W) -> five of (h, 2, B, w): linear y, x; quadratic yy, xx, xy."""
        smooth = self.smooth_y.along_first(images)
        slope = self.slope_y.along_first(images)
        curve = self.curve_y.along_first(images)
        return (
            self.smooth_x_scaled.along_last(slope),
            self.slope_x.along_last(smooth),
            self.smooth_x.along_last(curve),
            self.curve_x.along_last(smooth),
            self.slope_x_cross.along_last(slope),
        )


@dataclass
class PyramidLevel:
    """All constants of one level of h x w pixels."""

    height: int
    width: int
    expansion: Expansion
    mean_y: BandedFilter
    mean_x: BandedFilter
    grow_y: BandedFilter | None  # from the next smaller level; None at the smallest
    grow_x: BandedFilter | None
    trust: object  # (h, 1, w)
    grid_y: object  # (h, 1, 1)
    grid_x: object  # (1, 1, w)


def pyramid_scales(height: int, width: int, pyr_scale: float, levels: int) -> list[float]:
    """Scales of the pyramid, smallest first.

    >>> pyramid_scales(112, 112, 0.5, 3), pyramid_scales(280, 340, 0.5, 3)
    ([0.5, 1.0], [0.125, 0.25, 0.5, 1.0])
    """
    scales = [1.0]
    while len(scales) <= levels and min(height, width) * scales[-1] * pyr_scale >= SMALLEST_SIDE:
        scales.append(scales[-1] * pyr_scale)
    return scales[::-1]


def _polynomial_taps(radius: int, sigma: float) -> dict[str, np.ndarray]:
    """1-D filters of the polynomial expansion: Gaussian moments times the inverse Gram matrix."""
    x = np.arange(-radius, radius + 1)
    weight = np.exp(-(x**2) / (2 * sigma**2))
    weight = (weight / weight.sum()).astype(np.float32).astype(np.float64)  # as OpenCV holds it
    gram = np.empty((3, 3))  # of 1, x^2, y^2
    second, fourth = (weight * x**2).sum(), (weight * x**4).sum()
    total = weight.sum()
    gram[0] = total**2, second * total, second * total
    gram[1] = second * total, fourth * total, second**2
    gram[2] = second * total, second**2, fourth * total
    inverse = np.linalg.inv(gram)
    slope = weight * x
    return {
        "smooth": weight,
        "slope": slope,
        "curve": weight * inverse[0, 1] + weight * x**2 * inverse[1, 1],
        "smooth_scaled": weight / (second * total),
        "slope_scaled": slope / (second * total),
        "slope_cross": slope / second**2,
    }


def _blur_taps(scale: float) -> np.ndarray:
    """Gaussian taps with which OpenCV blurs the full-size image before it makes a level."""
    if scale == 1:
        return np.array([0.25, 0.5, 0.25])
    sigma = (1 / scale - 1) / 2
    size = max(round(5 * sigma) | 1, 3)  # round() is half to even, as OpenCV's
    x = np.arange(size) - size // 2
    taps = np.exp(-(x**2) / (2 * sigma**2))
    return (taps / taps.sum()).astype(np.float32).astype(np.float64)


def _border_trust(size: int) -> np.ndarray:
    trust = np.ones(size)
    count = min(size, len(BORDER_WEIGHTS))
    trust[:count] *= BORDER_WEIGHTS[:count]
    trust[::-1][:count] *= BORDER_WEIGHTS[:count]
    return trust


@keras.saving.register_keras_serializable("merzoo")
class FarnebackFlow(layers.Layer):
    """Dense optical flow between two frames, equal to OpenCV's Farneback over the whole image.

    Float32 on a CPU differs from `cv2.calcOpticalFlowFarneback` by under 1e-5 px in the mean and
    1e-4 px at the 99th percentile. Flat areas are ill-conditioned, so the largest difference has no
    such bound; on a GPU that rounds products to TF32, expect 0.05 px and 0.2 px at most. Height
    and width are fixed when the layer is built; the batch is not. Has no weights.

    Args:
        pyr_scale: size of a pyramid level over that of the next larger one, 0..1.
        levels: pyramid levels above the full size, at most; none has a side below 32 pixels.
        winsize: side of the window over which motion is taken as constant, pixels, from 2.
        iterations: at each pyramid level, from 1.
        poly_n: radius of the neighbourhood of the polynomial expansion, pixels, from 1.
        poly_sigma: standard deviation of its Gaussian weight, pixels.

    Call arguments:
        inputs: a list of the onset and the apex, each (B, H, W, 1) grey or (B, H, W, 3) RGB,
            0..255 (not 0..1: the method's regulariser is absolute). Sides from 8.

    Returns:
        (B, H, W, 2): u (to the right) and v (down), in pixels.

    Raises:
        InputError: for impossible arguments, or inputs that are not two images of one fixed size.

    Example:

    >>> y, x = np.mgrid[:64, :64].astype("float32")
    >>> onset = 128 + 50 * np.sin(x / 5) * np.sin(y / 6)
    >>> apex = 128 + 50 * np.sin((x - 1) / 5) * np.sin(y / 6)  # moved one pixel to the right
    >>> flow = FarnebackFlow()([onset[None, ..., None], apex[None, ..., None]])
    >>> bool(abs(float(ops.mean(flow[0, 16:48, 16:48, 0])) - 1) < 0.05)
    True
    """

    def __init__(
        self,
        pyr_scale: float = 0.5,
        levels: int = 3,
        winsize: int = 15,
        iterations: int = 3,
        poly_n: int = 5,
        poly_sigma: float = 1.2,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # bfloat16 images would lose the motion
        if not 0 < pyr_scale < 1:
            raise InputError(f"FarnebackFlow: pyr_scale must lie in 0..1, got {pyr_scale}.")
        for name, value, least in (
            ("levels", levels, 0),
            ("winsize", winsize, 2),
            ("iterations", iterations, 1),
            ("poly_n", poly_n, 1),
        ):
            if int(value) != value or value < least:
                raise InputError(f"FarnebackFlow: {name} must be whole, from {least}; got {value}.")
        if poly_sigma <= 0:
            raise InputError(f"FarnebackFlow: poly_sigma must be above 0, got {poly_sigma}.")
        self.pyr_scale, self.levels, self.winsize = pyr_scale, levels, winsize
        self.iterations, self.poly_n, self.poly_sigma = iterations, poly_n, poly_sigma

    def build(self, input_shape):
        height, width = _check_pair("FarnebackFlow", input_shape)
        taps = _polynomial_taps(self.poly_n, self.poly_sigma)
        self._pyramid = []
        smaller = None
        for scale in pyramid_scales(height, width, self.pyr_scale, self.levels):
            level = self._level(scale, height, width, taps, smaller)
            self._pyramid.append(level)
            smaller = (level.height, level.width)
        self.built = True

    def _level(self, scale, height, width, taps, smaller) -> PyramidLevel:
        h, w = round(height * scale), round(width * scale)

        def reduced(full, side):  # blur, then resize
            blur = convolution_matrix(_blur_taps(scale), full, "reflect")
            return resize_matrix(side, full) @ blur

        reduce_y, reduce_x = reduced(height, h), reduced(width, w)

        def along_y(name):
            return BandedFilter(convolution_matrix(taps[name], h, "replicate") @ reduce_y)

        def along_x(name):
            return BandedFilter(convolution_matrix(taps[name], w, "replicate") @ reduce_x)

        def mean(side):  # an even winsize has one tap more than it divides by, as in OpenCV
            window = np.full(2 * (self.winsize // 2) + 1, 1 / self.winsize)
            return BandedFilter(convolution_matrix(window, side, "replicate"))

        return PyramidLevel(
            h,
            w,
            Expansion(
                smooth_y=along_y("smooth"),
                slope_y=along_y("slope"),
                curve_y=along_y("curve"),
                smooth_x=along_x("smooth"),
                smooth_x_scaled=along_x("smooth_scaled"),
                slope_x=along_x("slope_scaled"),
                slope_x_cross=along_x("slope_cross"),
                curve_x=along_x("curve"),
            ),
            mean_y=mean(h),
            mean_x=mean(w),
            # Flow grows by 1 / pyr_scale, whatever the rounded sizes of the levels.
            grow_y=smaller and BandedFilter(resize_matrix(h, smaller[0]) / self.pyr_scale),
            grow_x=smaller and BandedFilter(resize_matrix(w, smaller[1])),
            trust=constant(np.outer(_border_trust(h), _border_trust(w))[:, None, :]),
            grid_y=constant(np.arange(h)[:, None, None]),
            grid_x=constant(np.arange(w)[None, None, :]),
        )

    def call(self, inputs):
        onset, apex = (_grey(ops.cast(image, "float32")) for image in inputs)
        # Grey levels about zero keep float32 exact in the products; every filter ignores the mean.
        images = ops.transpose(ops.stack([onset, apex]) - 128.0, (2, 0, 1, 3))  # (H, 2, B, W)
        one = ops.ones_like(images[:1, 0, :, :1], dtype="int32")  # (1, B, 1)
        place, batch = ops.cumsum(one, axis=1) - 1, ops.sum(one)  # traced: the batch stays free

        flow = None
        for level in self._pyramid:
            coefficients = level.expansion(images)
            first = [plane[:, 0] for plane in coefficients]  # (h, B, w) each
            table = ops.stack([plane[:, 1] for plane in coefficients], axis=-1)
            table = ops.reshape(table, (-1, len(coefficients)))  # (h B w, 5)
            if flow is None:
                u = v = ops.zeros_like(first[0])
            else:
                flow = level.grow_x.along_last(level.grow_y.along_first(flow))
                u, v = flow[:, 0], flow[:, 1]
            for _ in range(self.iterations):
                u, v = self._iterate(level, first, table, u, v, place, batch)
            flow = ops.stack([u, v], axis=1)  # (h, 2, B, w)
        return ops.cast(ops.transpose(flow, (2, 0, 3, 1)), self.compute_dtype)

    def _iterate(self, level, first, table, u, v, place, batch):
        """One refinement of the flow (h, B, w): equations of each pixel, their mean, solved."""
        sampled, inside = _sample(level, table, u, v, place, batch)
        b_y0, b_x0, a_yy0, a_xx0, a_xy0 = first
        b_y1, b_x1, a_yy1, a_xx1, a_xy1 = sampled
        # Outside of the second frame, the first frame's polynomial stands alone.
        a_yy = ops.where(inside, (a_yy0 + a_yy1) * 0.5, a_yy0)
        a_xx = ops.where(inside, (a_xx0 + a_xx1) * 0.5, a_xx0)
        a_xy = ops.where(inside, (a_xy0 + a_xy1) * 0.25, a_xy0 * 0.5)
        b_y = (b_y0 - ops.where(inside, b_y1, 0.0)) * 0.5 + a_yy * v + a_xy * u
        b_x = (b_x0 - ops.where(inside, b_x1, 0.0)) * 0.5 + a_xy * v + a_xx * u
        a_yy, a_xx, a_xy, b_y, b_x = (x * level.trust for x in (a_yy, a_xx, a_xy, b_y, b_x))

        products = ops.stack(
            [
                a_yy * a_yy + a_xy * a_xy,
                (a_yy + a_xx) * a_xy,
                a_xx * a_xx + a_xy * a_xy,
                a_yy * b_y + a_xy * b_x,
                a_xy * b_y + a_xx * b_x,
            ],
            axis=1,
        )  # (h, 5, B, w)
        means = level.mean_x.along_last(level.mean_y.along_first(products))
        g_yy, g_xy, g_xx, h_y, h_x = (means[:, i] for i in range(5))
        scale = 1.0 / (g_yy * g_xx - g_xy * g_xy + 1e-3)
        return (g_yy * h_x - g_xy * h_y) * scale, (g_xx * h_y - g_xy * h_x) * scale

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape[0]
        return (batch, height, width, 2)

    def get_config(self):
        return super().get_config() | {
            "pyr_scale": self.pyr_scale,
            "levels": self.levels,
            "winsize": self.winsize,
            "iterations": self.iterations,
            "poly_n": self.poly_n,
            "poly_sigma": self.poly_sigma,
        }


def _sample(level, table, u, v, place, batch):
    """Bilinear samples of the second frame's coefficients at (x + u, y + v).

    Returns the five planes (h, B, w), and where the sample lay inside of the frame. Four row
    gathers from one table: several times faster than `ops.image.map_coordinates`.
    """
    h, w = level.height, level.width
    x, y = level.grid_x + u, level.grid_y + v
    left, upper = ops.floor(x), ops.floor(y)
    share_x, share_y = x - left, y - upper
    inside = (left >= 0) & (left <= w - 2) & (upper >= 0) & (upper <= h - 2)
    row = ops.cast(ops.clip(upper, 0, h - 2), "int32")
    column = ops.cast(ops.clip(left, 0, w - 2), "int32")
    below = batch * w  # from a pixel to the one below it
    index = ops.reshape(row * below + place * w + column, (-1,))

    def share(weight):
        return ops.reshape(weight, (-1, 1))

    sampled = (
        share((1 - share_x) * (1 - share_y)) * ops.take(table, index, axis=0)
        + share(share_x * (1 - share_y)) * ops.take(table, index + 1, axis=0)
        + share((1 - share_x) * share_y) * ops.take(table, index + below, axis=0)
        + share(share_x * share_y) * ops.take(table, index + below + 1, axis=0)
    )  # (h B w, 5)
    sampled = ops.reshape(sampled, (h, -1, w, table.shape[-1]))
    return [sampled[..., i] for i in range(table.shape[-1])], inside


def _grey(image):
    """(B, H, W, 1 or 3) -> (B, H, W)."""
    if image.shape[-1] == 1:
        return image[..., 0]
    red, green, blue = GREY_WEIGHTS
    return red * image[..., 0] + green * image[..., 1] + blue * image[..., 2]


def _check_pair(name: str, input_shape) -> tuple[int, int]:
    """Height and width of two images of one size; `InputError` for anything else."""
    shapes = [tuple(shape) for shape in input_shape if not isinstance(shape, (int, type(None)))]
    if len(shapes) != 2 or shapes[0][1:] != shapes[1][1:] or len(shapes[0]) != 4:
        raise InputError(
            f"{name} takes a list of two images (B, H, W, 1 or 3) of one size, got {input_shape}."
        )
    _, height, width, channels = shapes[0]
    if height is None or width is None or min(height, width) < 8 or channels not in (1, 3):
        raise InputError(
            f"{name} needs fixed sides from 8 and 1 or 3 channels, got {shapes[0][1:]}."
        )
    return int(height), int(width)
