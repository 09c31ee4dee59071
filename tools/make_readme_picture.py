"""Makes the moving picture of the README, tools/readme.gif: an invented clip, and what was found.

    python tools/make_readme_picture.py

Left, the video of `merzoo predict sample` as its annotated video shows it, slowed down around the
surest segment; right, the flow from that segment's onset, on the aligned face. What differs from
the picture before by less than the camera's noise is left as it was, so that the file is small.
"""

import itertools
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

TARGET = Path(__file__).parent / "readme.gif"
LARGEST = 400_000  # bytes
BEFORE, AFTER, STEP = 10, 10, 2  # frames shown around the segment, and one of how many
FACE, SLOWER = 140, 130  # pixels of the aligned face; milliseconds of a picture
WIDTH, COLOURS, NOISE = 430, 64, 5  # pixels, of the palette, grey levels


def pictures() -> list[np.ndarray]:
    """The pictures one after another, (H, W, 3) uint8 RGB."""
    import cv2

    import merzoo
    from merzoo.data.videos import VideoFrames
    from merzoo.explain import draw_flow
    from merzoo.prediction.annotate import _Drawing
    from merzoo.prediction.sources import sample_video
    from merzoo.preprocessing.align import align
    from merzoo.preprocessing.apex import without_head_motion
    from merzoo.preprocessing.flow import farneback_flow, grey

    found = merzoo.predict("sample")
    frames = VideoFrames(sample_video())
    segment = max(found, key=lambda one: one.score)
    start, stop = max(segment.onset - BEFORE, 0), min(segment.offset + AFTER, len(frames) - 1)
    drawing = _Drawing(found, frames[0].shape, int(found.positions[-1]) + 1, share=0.5)
    face = min(found.faces, key=lambda place: abs(place[0] - segment.onset))[1]
    alignment = align(face, FACE, FACE)
    onset = grey(alignment.apply(frames[segment.onset]))
    strongest, shown = 0.0, []
    for position in range(start, stop + 1, STEP):
        crop = alignment.apply(frames[position])
        flow = without_head_motion(farneback_flow(onset, grey(crop)))
        flow = cv2.GaussianBlur(flow, (0, 0), 3)
        shown.append((position, crop, flow))
        strongest = max(strongest, float(np.quantile(np.hypot(*np.moveaxis(flow, -1, 0)), 0.99)))
    made = []
    for position, crop, flow in shown:
        inside = segment.onset <= position <= segment.offset
        share = np.quantile(np.hypot(*np.moveaxis(flow, -1, 0)), 0.99) / strongest
        panel = draw_flow(crop, flow * (inside and share > 0.25))
        made.append(_beside(drawing.page(frames[position], position), panel))
    return made


def _beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two pictures beside one another, the lower one on a dark ground."""
    height = max(left.shape[0], right.shape[0])
    ground = np.full((height, left.shape[1] + right.shape[1] + 8, 3), (28, 30, 34), np.uint8)
    ground[: left.shape[0], : left.shape[1]] = left
    top = (height - right.shape[0]) // 2
    ground[top : top + right.shape[0], -right.shape[1] :] = right
    return ground


def small(pictures: list[np.ndarray]):
    """The pictures at their final size, of one palette, still where nothing moves."""
    import cv2
    from PIL import Image

    height, width = pictures[0].shape[:2]
    size = (WIDTH, round(height * WIDTH / width))
    smooth = [cv2.bilateralFilter(picture, 7, 25, 5) for picture in pictures]
    shrunk = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in smooth]
    for before, now in itertools.pairwise(shrunk):
        change = cv2.GaussianBlur(cv2.absdiff(before, now).max(-1), (0, 0), 1)
        now[change < NOISE] = before[change < NOISE]
    images = [Image.fromarray(picture) for picture in shrunk]
    every = Image.fromarray(np.concatenate(shrunk[:: len(shrunk) // 3]))
    palette = every.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]


def main() -> None:
    first, *others = small(pictures())
    first.save(TARGET, save_all=True, append_images=others, duration=SLOWER, loop=0, optimize=True)
    size = TARGET.stat().st_size
    print(f"{TARGET}: {1 + len(others)} pictures of {first.size}, {size} bytes")
    if size > LARGEST:
        raise SystemExit(f"{TARGET} is larger than {LARGEST} bytes")


if __name__ == "__main__":
    main()
