"""Optical flow from onset to apex, optical strain, and the forms in which networks take them.

Flow is in pixels of the given images: `flow[y, x] = (u, v)` says that what stands at (x, y) in the
onset stands at (x + u, y + v) in the apex; x runs right and y runs down. Farneback (SCIA 2003), DIS
(Kroeger et al., ECCV 2016) and TV-L1 (Zach, Pock, Bischof, DAGM 2007) come from OpenCV and
scikit-image; strain follows Shreve et al. (FG 2011).
"""

import numpy as np

from merzoo.errors import InputError, unknown


def grey(image: np.ndarray, name: str = "image") -> np.ndarray:
    """An image as (H, W) float32 grey levels, 0..255; colour by the ITU-R BT.601 weights.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3) RGB, uint8 or float, 0..255.
        name: of the image, for messages.

    Raises:
        InputError: for another shape, NaN or infinity, or floats that lie in 0..1.

    Example:

    >>> grey(np.full((2, 2, 3), 100, "uint8")).tolist()
    [[100.0, 100.0], [100.0, 100.0]]
    """
    import cv2

    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] not in (1, 3)):
        raise InputError(f"{name}: must be (H, W), (H, W, 1) or (H, W, 3), got {image.shape}.")
    if image.dtype.kind not in "uif" or image.size == 0:
        raise InputError(f"{name}: must hold numbers 0..255, got {image.dtype} {image.shape}.")
    plain = np.ascontiguousarray(image, dtype=np.float32)
    if image.dtype.kind == "f":
        low, high = plain.min(), plain.max()
        if not np.isfinite([low, high]).all():  # NaN goes through both
            raise InputError(f"{name}: holds NaN or infinity.")
        if low >= 0 and 0 < high <= 1:
            raise InputError(f"{name}: intensities lie in 0..1; multiply them by 255.")
    if image.ndim == 3 and image.shape[-1] == 3:
        return cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY)
    return plain.reshape(image.shape[:2])


def _grey_pair(onset, apex) -> tuple[np.ndarray, np.ndarray]:
    onset, apex = grey(onset, "onset"), grey(apex, "apex")
    if onset.shape != apex.shape:
        raise InputError(
            f"onset is {onset.shape[0]}x{onset.shape[1]} and apex is "
            f"{apex.shape[0]}x{apex.shape[1]}: crop both frames with the same box."
        )
    return onset, apex


def farneback_flow(
    onset: np.ndarray,
    apex: np.ndarray,
    *,
    pyr_scale: float = 0.5,
    levels: int = 3,
    winsize: int = 15,
    iterations: int = 3,
    poly_n: int = 5,
    poly_sigma: float = 1.2,
) -> np.ndarray:
    """Farneback's flow by polynomial expansion, as OpenCV computes it.

    `merzoo.layers.FarnebackFlow` computes the same inside a model.

    Args:
        onset, apex: (H, W), (H, W, 1) or (H, W, 3) RGB, 0..255. Grey levels are not rounded.
        pyr_scale: size of a pyramid level over that of the next larger one, below 1.
        levels: pyramid levels above the full size, at most; none has a side below 32 pixels.
        winsize: side of the window over which motion is taken as constant, pixels.
        iterations: at each pyramid level.
        poly_n: radius of the neighbourhood of the polynomial expansion, pixels.
        poly_sigma: standard deviation of its Gaussian weight, pixels.

    Returns:
        (H, W, 2) float32: u, v in pixels.

    Raises:
        InputError: for images that are not of one size, or not 0..255.

    Source: Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003.

    Example:

    >>> y, x = np.mgrid[:64, :64]
    >>> onset = 128 + 50 * np.sin(x / 5) * np.sin(y / 6)
    >>> apex = 128 + 50 * np.sin((x - 1) / 5) * np.sin(y / 6)  # moved one pixel to the right
    >>> farneback_flow(onset, apex)[16:48, 16:48].mean((0, 1)).round(1).tolist()
    [1.0, 0.0]
    """
    import cv2

    onset, apex = _grey_pair(onset, apex)
    return cv2.calcOpticalFlowFarneback(
        onset, apex, None, pyr_scale, levels, winsize, iterations, poly_n, poly_sigma, 0
    )


def dis_flow(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Dense inverse search flow with OpenCV's medium preset, on grey levels rounded to 8 bits.

    Faster than Farneback, but it moves static areas of a noisy face more. Arguments, returns and
    raises as for `farneback_flow`; sides from 32 pixels.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    """
    import cv2

    onset, apex = (np.rint(np.clip(i, 0, 255)).astype(np.uint8) for i in _grey_pair(onset, apex))
    if min(onset.shape) < 32:
        raise InputError(f"DIS flow needs sides from 32 pixels, got {onset.shape}.")
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return method.calc(onset, apex, None)


def tvl1_flow(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """TV-L1 flow by scikit-image with its own defaults. Seconds per pair at 280 x 340.

    Arguments, returns and raises as for `farneback_flow`; `InputError` too where scikit-image is
    not installed.

    Source: Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", 2007.
    """
    try:
        from skimage.registration import optical_flow_tvl1
    except ImportError:
        raise InputError(
            "TV-L1 flow needs scikit-image: pip install scikit-image, or use 'farneback'."
        ) from None

    onset, apex = _grey_pair(onset, apex)
    v, u = optical_flow_tvl1(onset / 255, apex / 255, dtype=np.float32)
    return np.stack([u, v], axis=-1)


FLOW_METHODS = {"farneback": farneback_flow, "dis": dis_flow, "tvl1": tvl1_flow}


def optical_flow(onset: np.ndarray, apex: np.ndarray, method: str = "farneback") -> np.ndarray:
    """Flow from onset to apex by the named method with its defaults.

    Args:
        onset, apex: (H, W), (H, W, 1) or (H, W, 3) RGB, 0..255.
        method: `"farneback"`, `"dis"` or `"tvl1"`.

    Returns:
        (H, W, 2) float32: u, v in pixels.

    Raises:
        InputError: for an unknown method or unusable images.
    """
    if method not in FLOW_METHODS:
        raise unknown("flow method", method, FLOW_METHODS)
    return FLOW_METHODS[method](onset, apex)


def optical_strain(flow: np.ndarray) -> np.ndarray:
    """Optical strain: the Frobenius norm of the symmetric gradient of the flow.

    sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2), by central differences (one-sided at the border). Zero
    for a translation and, to first order, for a rotation of the head: only deformation counts.

    Args:
        flow: (..., H, W, 2 or more), u and v first, in pixels; sides from 2.

    Returns:
        (..., H, W), the dtype of the flow, no unit.

    Raises:
        InputError: for another shape.

    Source: Shreve et al., "Macro- and micro-expression spotting in long videos using
    spatio-temporal strain", FG 2011, Eq. 3-5.

    Example:

    >>> y, x = np.mgrid[:8, :8]
    >>> stretch = np.stack([0.03 * x, 0.05 * y], axis=-1)
    >>> float(optical_strain(stretch)[4, 4].round(4))
    0.0583
    """
    u_y, u_x, v_y, v_x = _flow_gradient(flow)
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)


def optical_strain_dfrnet_eq7(flow: np.ndarray) -> np.ndarray:
    """Strain as DFR-Net's Eq. 7 prints it: sqrt(u_x^2 + v_y^2 + (u_y^2 + v_x^2) / 2).

    The equation lacks the cross term u_y v_x, so a pure rotation by 0.02 rad gives 0.02 instead of
    0. For reproducing that paper to the letter only; `optical_strain` is the strain. Arguments,
    returns and raises as there.

    Source: DynamicFusionResNet (2025), Eq. 7.
    """
    u_y, u_x, v_y, v_x = _flow_gradient(flow)
    return np.sqrt(u_x**2 + v_y**2 + (u_y**2 + v_x**2) / 2)


STRAINS = {"full": optical_strain, "dfrnet_eq7": optical_strain_dfrnet_eq7}


def _flow_gradient(flow):
    flow = np.asarray(flow)
    if flow.ndim < 3 or flow.shape[-1] < 2 or min(flow.shape[-3:-1]) < 2:
        raise InputError(f"flow must be (..., H, W, 2) with sides from 2, got {flow.shape}.")
    return (
        *np.gradient(flow[..., 0], axis=(-2, -1)),
        *np.gradient(flow[..., 1], axis=(-2, -1)),
    )


def flow_with_strain(flow: np.ndarray, strain: str = "full") -> np.ndarray:
    """The `flow` modality: (..., H, W, 3) float32 of u, v in pixels and optical strain.

    Args:
        flow: (..., H, W, 2), u and v in pixels.
        strain: `"full"`, or `"dfrnet_eq7"` as `optical_strain_dfrnet_eq7` works it out.
    """
    if strain not in STRAINS:
        raise unknown("strain", strain, STRAINS)
    flow = np.asarray(flow, np.float32)
    return np.concatenate([flow[..., :2], STRAINS[strain](flow)[..., None]], axis=-1)


def min_max(image: np.ndarray, top: float = 255.0) -> np.ndarray:
    """Scales each channel of one image to 0..top by its own minimum and maximum.

    Args:
        image: (H, W, C).
        top: the value that each channel's maximum becomes.

    Returns:
        (H, W, C) float32; a constant channel becomes 0.

    Example:

    >>> min_max(np.array([[[-1.0], [0.0], [1.0]]])).ravel().tolist()
    [0.0, 127.5, 255.0]
    """
    image = np.asarray(image, np.float32)
    low = image.min(axis=(0, 1))
    reach = image.max(axis=(0, 1)) - low
    return (image - low) / np.where(reach > 0, reach, 1) * np.float32(top)


def flow_image(
    flow: np.ndarray, size: tuple[int, int] = (28, 28), strain: str = "full"
) -> np.ndarray:
    """The `flow_image` modality: u, v and strain, resized, then each min-max scaled to 0..255.

    Strain is taken at full size; the three planes are resized (bilinear, no antialiasing, as
    `cv2.resize` does); scaling comes last, so that every channel holds both a 0 and a 255, as in
    the published flow images. The zero of the flow and its magnitude are lost: see
    `merzoo.layers.FlowPreparation`. `merzoo.layers.FlowImage` computes the same inside a model.

    Args:
        flow: (H, W, 2 or more), u and v in pixels.
        size: (height, width) of the result.
        strain: of `flow_with_strain`.

    Returns:
        (*size, 3) float32, 0..255.

    Raises:
        InputError: for another shape.

    Source: Liong et al., "Shallow Triple Stream Three-dimensional CNN (STSTNet)", FG 2019.

    Example:

    >>> image = flow_image(np.random.default_rng(0).normal(size=(112, 112, 2)))
    >>> image.shape, float(image.min()), float(image.max())
    ((28, 28, 3), 0.0, 255.0)
    """
    import cv2

    if np.ndim(flow) != 3:
        raise InputError(f"flow must be (H, W, 2), got {np.shape(flow)}.")
    height, width = size
    planes = flow_with_strain(flow, strain)
    return min_max(cv2.resize(planes, (width, height), interpolation=cv2.INTER_LINEAR))
