"""Pixels are read as they are meant: turned, in the bits that a clip has, whole or not at all."""

import io
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

from merzoo.data import manifest
from merzoo.data.frames import ImageFrames, PageFrames, one_image, read_image
from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.plan import Setting, plan_clips
from merzoo.errors import InputError
from merzoo.preprocessing.flow import farneback_flow, grey

PICTURE = np.zeros((48, 80, 3), np.uint8)
PICTURE[:24, :40], PICTURE[:24, 40:], PICTURE[24:, :40] = (200, 40, 40), (40, 160, 40), 90

# How a picture is stored so that EXIF's orientation gives it back: the opposite turn.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: lambda a: np.rot90(a, -1),
}
FORMATS = ["jpg", "png", "tif", *(kind for kind in ("webp", "avif") if features.check(kind))]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", STORED)
def test_the_turn_of_exif_is_applied(tmp_path, suffix, orientation):
    path, exif = tmp_path / f"img1.{suffix}", Image.Exif()
    exif[0x112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](PICTURE))
    Image.fromarray(stored).save(path, exif=exif, quality=95)
    got = read_image(path)
    assert got.shape == PICTURE.shape
    assert np.abs(got.astype(int) - PICTURE).mean() < 4  # of lossy coding


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_all_frames_of_a_clip_are_scaled_by_one_depth(tmp_path, bits, suffix):
    """The first frame is so dark that its own values would fit into fewer bits."""
    bright = np.tile(np.linspace(0, (1 << bits) - 1, 60).astype(np.uint16), (40, 1))
    for number, level in enumerate((bright // 16, bright)):
        cv2.imwrite(str(tmp_path / f"img{number}.{suffix}"), level)
    dark, full = ImageFrames.from_folder(tmp_path)
    assert full.max() == 255 and dark.max() == 15
    np.testing.assert_array_equal(full[..., 0], bright >> (bits - 8))


def with_chunk(path, name, data):
    """A PNG file with one more chunk after its header."""
    whole = path.read_bytes()
    chunk = len(data).to_bytes(4, "big") + name + data
    chunk += zlib.crc32(name + data).to_bytes(4, "big")
    path.write_bytes(whole[:33] + chunk + whole[33:])


DARK = np.tile(np.arange(3, 1500, 25, np.uint16), (40, 1))  # of 12 or 16 bits


@pytest.mark.parametrize(
    "told, bits, guessed",
    [
        ("nothing", 12, True),
        ("shifted", 16, False),
        ("sBIT", 16, False),
        ("MaxSampleValue", 14, False),
        ("stated", 16, False),
        ("manifest", 14, False),
    ],
)
def test_the_depth_of_a_dark_clip_is_told_or_said_to_be_guessed(tmp_path, told, bits, guessed):
    suffix = "tif" if told == "MaxSampleValue" else "png"
    paths = [tmp_path / f"img{number}.{suffix}" for number in range(2)]
    for number, path in enumerate(paths):
        level = DARK * (number + 1) // 2
        level = level // 16 * 16 if told == "shifted" else level
        if told == "MaxSampleValue":
            Image.fromarray(level).save(path, tiffinfo={281: (1 << bits) - 1})
            continue
        cv2.imwrite(str(path), level)
        if told == "sBIT":
            with_chunk(path, b"sBIT", bytes([12]))
    clip = ImageFrames(paths)
    if told == "stated":
        clip.stated_bits = 16
    if told == "manifest":
        table = tmp_path / "list.csv"
        table.write_text(f"path,subject,label,bits\n.,p,joy,{bits}\n")
        clip = manifest.load(table)[0].frames
    plain = cv2.imread(str(paths[1]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(clip[1][..., 0], plain >> (bits - 8))
    assert clip.bits == bits
    assert any("which is a guess" in note for note in clip.notes) == guessed


def test_values_that_do_not_fit_into_the_stated_bits_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "img0.png"), DARK)
    clip = ImageFrames([tmp_path / "img0.png"])
    clip.stated_bits = 10
    with pytest.raises(InputError, match="values up to 1478, which need 12 bits; 10 are stated"):
        clip[0]


def deep(bits):
    def write(path, frame):
        values = frame[..., ::-1].astype(np.uint32) * ((1 << bits) - 1) // 255
        cv2.imwrite(str(path), values.astype(np.uint16))

    return write


def turned(orientation):
    def write(path, frame):
        exif = Image.Exif()
        exif[0x112] = orientation
        stored = np.ascontiguousarray(STORED[orientation](frame))
        Image.fromarray(stored).save(path, exif=exif, quality=100)

    return write


def tailed(path, frame):
    Image.fromarray(frame).save(path, quality=95)
    path.write_bytes(path.read_bytes() + b"\x00\x00\x00\x18ftypmp42" + bytes(9000))


def by_pillow(change=lambda image: image, **options):
    return lambda path, frame: change(Image.fromarray(frame)).save(path, **options)


# How a frame (H, W, 3) of uint8 is stored under a path. What a codec loses is no fault of reading:
# lossy ones are used at a quality that keeps the texture.
WRITERS = {
    **{f"EXIF {k}.jpg": turned(k) for k in STORED},
    "EXIF 6.png": turned(6),
    "EXIF 6.webp": turned(6),
    "EXIF 6.tif": turned(6),
    **{f"{bits} bits.png": deep(bits) for bits in (10, 12, 14, 16)},
    "12 bits.tif": deep(12),
    "CMYK.jpg": by_pillow(lambda image: image.convert("CMYK"), quality=95),
    "palette.png": by_pillow(lambda image: image.convert("L").convert("P")),
    "alpha.png": by_pillow(lambda image: image.convert("RGBA")),
    "grey with alpha.png": by_pillow(lambda image: image.convert("LA")),
    "lossy.webp": by_pillow(quality=100),
    "lossless.webp": by_pillow(lossless=True),
    "film after it.jpg": tailed,
}
_FAST = ("EXIF 6.jpg", "12 bits.png", "palette.png")


@pytest.fixture(scope="module")
def expression():
    """Onset and apex of an expression, and the flow between them."""
    plan = plan_clips(Setting(1, 1, "easy", 7, 60.0))[0]
    frames = list(film(plan, (180, 220))[1])
    pair = np.array([frames[plan.onset], frames[plan.apex]])
    return pair, flow_between(pair)


def flow_between(pair):
    return farneback_flow(*(grey(frame) for frame in pair))


def correlation(flow, other):
    return float(np.corrcoef(flow.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize(
    "form",
    [
        form if form in _FAST else pytest.param(form, marks=pytest.mark.slow)
        for form in (*WRITERS, "pages.tif")
    ],
)
def test_the_flow_is_that_of_the_plain_frames(form, expression, tmp_path):
    pair, plain = expression
    _, suffix = form.split(".")
    if form == "pages.tif":
        pages = [Image.fromarray(frame) for frame in pair]
        pages[0].save(tmp_path / form, save_all=True, append_images=pages[1:])
    else:
        for number, frame in enumerate(pair):
            WRITERS[form](tmp_path / f"img{number}.{suffix}", frame)
    found = correlation(flow_between(ImageFrames.from_folder(tmp_path)[:]), plain)
    assert found > 0.95, found


def test_cmyk_palettes_and_grey_with_alpha(tmp_path):
    image = Image.fromarray(PICTURE)
    image.convert("CMYK").save(tmp_path / "a1.jpg", quality=97)
    image.convert("CMYK").save(tmp_path / "b1.tif")
    image.quantize(8).save(tmp_path / "c1.png")
    for name in ("a1.jpg", "b1.tif", "c1.png"):
        assert np.abs(read_image(tmp_path / name).astype(int) - PICTURE).mean() < 3, name
    image.convert("LA").save(tmp_path / "d1.png")
    np.testing.assert_array_equal(read_image(tmp_path / "d1.png")[..., 0], image.convert("L"))


def jpeg():
    return cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 255, (90, 70, 3), np.uint8))[1]


@pytest.mark.parametrize("tail", [bytes(20_000), b"\x00\x00\x00\x18ftypmp42" + bytes(9000)])
def test_what_follows_a_whole_jpeg_is_left_alone(tmp_path, tail):
    (tmp_path / "img1.jpg").write_bytes(jpeg().tobytes() + tail)
    assert read_image(tmp_path / "img1.jpg").shape == (90, 70, 3)


def test_the_end_of_a_preview_is_not_the_end_of_the_picture(tmp_path):
    whole = jpeg().tobytes()
    small = cv2.imencode(".jpg", PICTURE)[1].tobytes()
    segment = b"\xff\xe5" + (len(small) + 2).to_bytes(2, "big") + small
    data = whole[:2] + segment + whole[2:]
    (tmp_path / "img1.jpg").write_bytes(data)
    assert read_image(tmp_path / "img1.jpg").shape == (90, 70, 3)
    (tmp_path / "img1.jpg").write_bytes(data[: len(data) - 500])
    with pytest.raises(InputError, match="the image breaks off"):
        read_image(tmp_path / "img1.jpg")


def test_a_tiff_of_several_pages_is_a_clip(tmp_path):
    pages = [Image.fromarray(np.full((40, 50), 50 * k, np.uint8)) for k in range(4)]
    pages[0].save(tmp_path / "film.tif", save_all=True, append_images=pages[1:])
    clip = one_image(tmp_path / "film.tif")
    assert isinstance(clip, PageFrames) and len(clip) == 4
    assert [int(frame.mean()) for frame in clip] == [0, 50, 100, 150]
    assert len(ImageFrames.from_folder(tmp_path)) == 4
    with pytest.raises(InputError, match="holds 4 pages"):
        read_image(tmp_path / "film.tif")


def test_pictures_that_are_left_out_are_told(tmp_path):
    (tmp_path / "img1.heic").write_bytes(b"x")
    (tmp_path / "._img2.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no image files .* it has 1 .heic, which are not read"):
        ImageFrames.from_folder(tmp_path)
    Image.fromarray(PICTURE).save(tmp_path / "img3.png")
    clip = ImageFrames.from_folder(tmp_path)
    assert len(clip) == 1 and "1 .heic files are left out" in clip.notes[0]


def test_a_webp_that_is_cut_is_refused(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "WEBP")
    (tmp_path / "img1.webp").write_bytes(buffer.getvalue()[:-40])
    with pytest.raises(InputError, match=r"breaks off|not a readable"):
        read_image(tmp_path / "img1.webp")
