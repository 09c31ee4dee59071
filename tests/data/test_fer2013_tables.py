"""FER-2013 in every form in which its tables are published: the same pixels and labels."""

import numpy as np
import pytest

from merzoo.data import load
from merzoo.data.checks import check
from merzoo.errors import InputError
from tests.data import trees

CODES = (0, 3, 6)  # angry, happy, neutral
USAGES = ("Training", "PublicTest", "PrivateTest")


def pixels(row):
    return [(row + k) % 256 for k in range(48 * 48)]


def text(row):
    return " ".join(map(str, pixels(row)))


def write(path, lines, start=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start + "".join(f"{line}\n" for line in lines).encode())
    return path.parent


def whole(folder):
    rows = [f"{c},{text(i)},{USAGES[i]}" for i, c in enumerate(CODES)]
    return write(folder / "fer2013.csv", ["emotion,pixels,Usage", *rows])


def quoted(folder):
    rows = [f'{c},"{text(i)}","{USAGES[i]}"\r' for i, c in enumerate(CODES)]
    return write(folder / "fer2013.csv", ['"emotion","pixels","Usage"\r', *rows], b"\xef\xbb\xbf")


def challenge(folder):
    rows = [f"{c},{USAGES[i]},{text(i)}" for i, c in enumerate(CODES)]
    return write(folder / "icml_face_data.csv", ["emotion, Usage, pixels", *rows])


@pytest.mark.parametrize("form", [whole, quoted, challenge])
def test_whole_tables_by_the_names_of_their_columns(tmp_path, form):
    clips = load("fer2013", form(tmp_path))
    assert [clip.label for clip in clips] == ["angry", "happy", "neutral"]
    assert [clip.split for clip in clips] == list(USAGES)
    for row, clip in enumerate(clips):
        assert clip.frames[0].ravel().tolist() == pixels(row)


def test_parts_of_the_challenge(tmp_path):
    write(tmp_path / "train.csv", ["emotion,pixels", f"3,{text(0)}", f"6,{text(1)}"])
    write(tmp_path / "test.csv", ["pixels", text(2)])
    clips = load("fer2013", tmp_path)
    assert [(c.label, c.split) for c in clips] == [
        ("happy", "Training"),
        ("neutral", "Training"),
        (None, "Test"),
    ]
    assert clips[2].frames[0].ravel().tolist() == pixels(2)
    assert len(load("fer2013", tmp_path, split="training")) == 2
    assert "Training: 2 found, 28709 published" in check("fer2013", tmp_path).differences
    assert "Test: 1 found, 7178 published" in check("fer2013", tmp_path).differences


def test_one_table_of_several_is_named(tmp_path):
    challenge(tmp_path), write(tmp_path / "train.csv", ["emotion,pixels", f"0,{text(7)}"])
    assert len(load("fer2013", tmp_path)) == 3  # the whole one
    (clip,) = load("fer2013", tmp_path / "train.csv")
    assert clip.frames[0].ravel().tolist() == pixels(7)


def test_a_table_of_other_columns_is_named_with_them(tmp_path):
    write(tmp_path / "faces.csv", ["label,pixels", f"0,{text(0)}"])
    with pytest.raises(
        InputError, match=r"must be emotion,pixels,Usage .* got \['label', 'pixels'"
    ):
        load("fer2013", tmp_path / "faces.csv")
    trees.write_csv(tmp_path / "train.csv", [("path", "label"), ("a.png", "x")])  # another's
    with pytest.raises(InputError, match="neither fer2013"):
        load("fer2013", tmp_path)


def test_a_row_that_ends_early_is_a_fault_with_its_number(tmp_path):
    challenge(tmp_path)
    with open(tmp_path / "icml_face_data.csv", "a") as file:
        file.write("3,Training\n")
    (fault,) = check("fer2013", tmp_path).faults
    assert (fault.kind, fault.where) == ("unreadable row", "icml_face_data.csv, row 5")
    assert np.shape(load("fer2013", tmp_path, on_error="skip")[2].frames[0]) == (48, 48, 1)
