"""Eulerian video magnification: small motions made visible by amplifying slow changes of grey.

Wu et al., "Eulerian Video Magnification for Revealing Subtle Changes in the World", SIGGRAPH 2012:
each level of a Laplacian pyramid is band-passed in time, amplified, and added back. All of it is
linear, so the order is free: here the frames are filtered in time first, and a pyramid is built
only of the frames that are asked for; the finest level, which is never amplified, is not built.
"""

from collections.abc import Sequence

import numpy as np

from merzoo.errors import InputError, unknown

# Band of each temporal filter: Hz, or update rates per frame for "iir". The ideal one is the band
# that papers on micro-expressions print; it needs clips of seconds.
DEFAULT_BANDS = {"butterworth": (0.5, 10.0), "iir": (0.05, 0.4), "ideal": (0.1, 0.4)}
MAGNIFICATIONS = (*DEFAULT_BANDS, "ideal+butterworth")  # A+B: B where a clip is too short for A

RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]]
)


def butterworth_weights(
    length: int, fps: float, low: float, high: float, order: int = 1
) -> np.ndarray:
    """Band-pass as a difference of two Butterworth low-passes, as Wu et al. filter.

    Args:
        length: frames of the clip.
        fps: frames per second.
        low, high: cut-offs in Hz, below fps / 2.
        order: of both low-passes; Wu et al. take the first.

    Returns:
        (length, length) float64: row t holds the weights of all frames in filtered frame t. The
        filter is causal and starts at rest on the first frame, so each row adds up to 0.

    Raises:
        InputError: for a cut-off at or above fps / 2.
    """
    from scipy import signal

    if high >= fps / 2:
        raise InputError(
            f"Butterworth band {low:g}-{high:g} Hz: a clip at {fps:g} frames per second holds "
            f"nothing from {fps / 2:g} Hz; choose a lower 'high'."
        )
    impulses = np.eye(length)
    passed = []
    for cutoff in (high, low):
        b, a = signal.butter(order, cutoff, fs=fps)
        at_rest = signal.lfilter_zi(b, a)[:, None] * impulses[:1]
        passed.append(signal.lfilter(b, a, impulses, axis=0, zi=at_rest)[0])
    return passed[0] - passed[1]


def iir_weights(length: int, fps: float, low: float, high: float) -> np.ndarray:
    """Band-pass as a difference of two running means with update rates `high` and `low` per frame.

    Arguments and returns as for `butterworth_weights`, but `low` and `high` are rates in 0..1 and
    the frame rate plays no part.
    """
    from scipy import signal

    if high > 1:
        raise InputError(f"IIR rates must lie in 0..1, got {low:g} and {high:g}.")
    impulses = np.eye(length)
    passed = []
    for rate in (high, low):
        at_rest = (1 - rate) * impulses[:1]
        passed.append(signal.lfilter([rate], [1, rate - 1], impulses, axis=0, zi=at_rest)[0])
    return passed[0] - passed[1]


def ideal_weights(length: int, fps: float, low: float, high: float) -> np.ndarray:
    """Band-pass that keeps the Fourier frequencies low..high of the clip, and nothing else.

    Arguments and returns as for `butterworth_weights`; every frame has a weight.

    Raises:
        InputError: if no frequency of the clip lies in the band, as in all clips shorter than
            1 / high seconds: the result would be the clip unchanged.
    """
    kept = _kept(length, fps, low, high)
    if not kept.any():
        raise InputError(
            f"Ideal band {low:g}-{high:g} Hz: a clip of {length} frames at {fps:g} frames per "
            f"second has frequencies {fps / length:.3g} Hz apart and none in the band, so nothing "
            f"would be magnified; use 'butterworth' (0.5-10 Hz) or 'iir', or a clip of at least "
            f"{int(np.ceil(fps / high))} frames, or magnification='ideal+butterworth'."
        )
    spectrum = np.fft.rfft(np.eye(length), axis=0)
    return np.fft.irfft(spectrum * kept[:, None], length, axis=0)


def _kept(length: int, fps: float, low: float, high: float) -> np.ndarray:
    """Which Fourier frequencies of a clip lie in the band."""
    frequencies = np.fft.rfftfreq(length, 1 / fps)
    return (frequencies >= low) & (frequencies <= high) & (frequencies > 0)


def fitting_filter(
    magnification: str, length: int, fps: float, low: float, high: float
) -> tuple[str, float, float]:
    """The filter and band that a clip gets: for `"A+B"` those of B where A's band holds nothing.

    Args:
        magnification: of `MAGNIFICATIONS`.
        length: frames of the clip.
        fps: frames per second.
        low, high: the band, of A where there are two; B's is its own, of `DEFAULT_BANDS`.

    Example:

    >>> fitting_filter("ideal+butterworth", 68, 200, 0.1, 0.4)  # frequencies 2.9 Hz apart
    ('butterworth', 0.5, 10.0)
    >>> fitting_filter("ideal+butterworth", 500, 200, 0.1, 0.4)  # 2.5 seconds
    ('ideal', 0.1, 0.4)
    """
    first, _, second = magnification.partition("+")
    if second and not _kept(length, fps, low, high).any():
        return second, *DEFAULT_BANDS[second]
    return first, low, high


TEMPORAL_FILTERS = {
    "butterworth": butterworth_weights,
    "iir": iir_weights,
    "ideal": ideal_weights,
}


def temporal_weights(
    length: int,
    fps: float,
    temporal_filter: str = "butterworth",
    low: float | None = None,
    high: float | None = None,
    order: int = 1,
) -> np.ndarray:
    """The (length, length) weights of a named filter; see `butterworth_weights`.

    Args:
        length: frames of the clip, from 2.
        fps: frames per second.
        temporal_filter: `"butterworth"`, `"iir"` or `"ideal"`.
        low, high: the band, in Hz (rates in 0..1 for `"iir"`); `None` for `DEFAULT_BANDS`.
        order: of the Butterworth filter; the others have none.

    Raises:
        InputError: for an unknown filter, an impossible band, or one that the clip cannot hold.

    Example:

    >>> pulse = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(68) / 67)
    >>> round(float(temporal_weights(68, fps=200)[33] @ pulse), 2)  # what reaches the apex
    0.73
    """
    if temporal_filter not in TEMPORAL_FILTERS:
        raise unknown("temporal filter", temporal_filter, TEMPORAL_FILTERS)
    default_low, default_high = DEFAULT_BANDS[temporal_filter]
    low = default_low if low is None else low
    high = default_high if high is None else high
    if length < 2:
        raise InputError(f"Magnification needs at least 2 frames, got {length}.")
    if fps is None or not fps > 0:
        raise InputError(f"Magnification needs the clip's frames per second, got {fps}.")
    if not 0 < low < high:
        raise InputError(f"The band must satisfy 0 < low < high, got {low:g} and {high:g}.")
    more = (order,) if temporal_filter == "butterworth" else ()
    return TEMPORAL_FILTERS[temporal_filter](length, fps, low, high, *more)


def level_gains(height: int, width: int, alpha: float, cutoff_wavelength: float) -> list[float]:
    """Amplification of each pyramid level, finest first.

    Motion of delta pixels is amplified truly only while (1 + alpha) delta < wavelength / 8. With
    delta set where `cutoff_wavelength` meets that bound, finer levels get the amplification that
    the bound allows them. The finest level (noise) and the coarsest (brightness of the whole
    image) get none. The wavelength of the coarsest level is a third of the image's diagonal, and
    halves from level to level, as in the authors' code.

    Args:
        height, width: pixels of the image.
        alpha: amplification wanted, from 0.
        cutoff_wavelength: lambda_c, pixels; spatial wavelengths from it on get all of `alpha`.

    Source: Wu et al. 2012, Eq. 14 and section 3.3.

    Example:

    >>> [round(gain, 1) for gain in level_gains(280, 340, alpha=15, cutoff_wavelength=16)]
    [0.0, 8.2, 15.0, 15.0, 15.0, 0.0]
    """
    levels, side = 0, min(height, width)
    while side >= 5:  # the pyramid's filter has five taps
        levels, side = levels + 1, side // 2
    coarsest = float(np.hypot(height, width)) / 3
    wavelengths = [coarsest / 2 ** (levels - 1 - i) for i in range(levels)]
    gains = [
        min(float(alpha), max((1 + alpha) * w / cutoff_wavelength - 1, 0.0)) for w in wavelengths
    ]
    return [0.0 if i in (0, levels - 1) else g for i, g in enumerate(gains)]


def magnify(
    frames: Sequence,
    fps: float,
    *,
    temporal_filter: str = "butterworth",
    low: float | None = None,
    high: float | None = None,
    order: int = 1,
    alpha: float = 15.0,
    cutoff_wavelength: float = 16.0,
    chroma: float = 0.1,
) -> np.ndarray:
    """Magnifies the motion of a whole clip.

    Args:
        frames: T frames (H, W, 1 or 3), uint8 or float, 0..255; an array or a lazy sequence.
        fps: frames per second.
        temporal_filter: `"butterworth"`, `"iir"` or `"ideal"`.
        low, high: the band, in Hz (update rates in 0..1 for `"iir"`); `None` for `DEFAULT_BANDS`.
        order: of the Butterworth filter.
        alpha: amplification, from 0.
        cutoff_wavelength: lambda_c in pixels; see `level_gains`.
        chroma: share of the amplification that colour (I and Q of YIQ) gets, 0..1.

    Returns:
        (T, H, W, C) float32, 0..255.

    Raises:
        InputError: for an impossible band, a band that the clip cannot hold, or unusable frames.

    Source: Wu et al., SIGGRAPH 2012.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), "uint8")
    >>> magnify(clip, fps=200).shape
    (20, 64, 64, 3)
    """
    weights = temporal_weights(len(frames), fps, temporal_filter, low, high, order)
    frames = [_frame(frames, t) for t in range(len(frames))]
    shape = frames[0].shape
    gains = level_gains(*shape[:2], alpha, cutoff_wavelength)
    small = np.stack([_halve(frame) for frame in frames])
    filtered = weights.astype(np.float32) @ small.reshape(len(frames), -1)
    filtered = filtered.reshape(small.shape)
    result = np.empty((len(frames), *shape), np.float32)
    for t, frame in enumerate(frames):
        change = _amplified(filtered[t], shape, gains, chroma)
        np.clip(frame + change.reshape(shape), 0, 255, out=result[t])
    return result


def magnified_frame(
    frames: Sequence,
    position: int,
    fps: float,
    *,
    temporal_filter: str = "butterworth",
    low: float | None = None,
    high: float | None = None,
    order: int = 1,
    alpha: float = 15.0,
    cutoff_wavelength: float = 16.0,
    chroma: float = 0.1,
) -> np.ndarray:
    """One frame of the magnified clip, such as its apex, at a fraction of the cost.

    Equals `magnify(frames, fps, ...)[position]`, but reads only the frames that have a weight (with
    the causal filters, those up to `position`), one after the other, and builds one pyramid.
    Arguments, returns ((H, W, C) float32) and raises as there.

    Args:
        position: of the wanted frame, 0-based.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), "uint8")
    >>> bool(np.allclose(magnified_frame(clip, 9, 200), magnify(clip, 200)[9], atol=1e-2))
    True
    """
    if not 0 <= position < len(frames):
        raise InputError(f"Frame {position} asked for, but the clip has {len(frames)} frames.")
    weights = temporal_weights(len(frames), fps, temporal_filter, low, high, order)[position]
    wanted = _frame(frames, position)
    gains = level_gains(*wanted.shape[:2], alpha, cutoff_wavelength)
    filtered = np.zeros_like(wanted)
    for t in np.flatnonzero(weights):
        frame = _frame(frames, t)
        if frame.shape != wanted.shape:
            raise InputError(f"Frame {t} is {frame.shape}, frame {position} is {wanted.shape}.")
        filtered += np.float32(weights[t]) * frame
    change = _amplified(_halve(filtered), wanted.shape, gains, chroma)
    return np.clip(wanted + change.reshape(wanted.shape), 0, 255)


def _frame(frames, t) -> np.ndarray:
    frame = np.asarray(frames[int(t)], dtype=np.float32)
    if frame.ndim != 3 or frame.shape[-1] not in (1, 3) or min(frame.shape[:2]) < 20:
        raise InputError(
            f"Frame {t}: magnification takes (H, W, 1 or 3) with sides from 20, got {frame.shape}."
        )
    return frame


def _halve(image):
    """The Gaussian pyramid's next level; without the last axis for a grey image."""
    import cv2

    return cv2.pyrDown(image)


def _amplified(small, shape, gains, chroma) -> np.ndarray:
    """What is added to a frame: amplified Laplacian levels of its filtered frame, at full size.

    Args:
        small: the temporally filtered frame, at half size: the finest level has no gain.
        shape: of the full-size frame.
        gains: of `level_gains`.
        chroma: attenuation of colour.
    """
    import cv2

    if small.ndim == 3:
        attenuate = np.linalg.inv(RGB_TO_YIQ) @ np.diag([1, chroma, chroma]) @ RGB_TO_YIQ
        small = cv2.transform(small, attenuate.astype(np.float32))
    gaussians = [small]
    for _ in gains[2:]:
        gaussians.append(cv2.pyrDown(gaussians[-1]))
    result = None
    for fine, coarse, gain in zip(gaussians[-2::-1], gaussians[:0:-1], gains[-2:0:-1], strict=True):
        size = fine.shape[1::-1]
        level = (fine - cv2.pyrUp(coarse, dstsize=size)) * np.float32(gain)
        result = level if result is None else level + cv2.pyrUp(result, dstsize=size)
    return cv2.pyrUp(result, dstsize=shape[1::-1])
