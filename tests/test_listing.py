"""Files that macOS, Windows and Office leave in folders are nobody's data."""

import cv2
import numpy as np
import pytest

from merzoo.data.frames import ImageFrames
from merzoo.errors import InputError
from merzoo.evaluation.pages.hardest_clips import FOLDER, read_pictures
from merzoo.files import claim_folder
from merzoo.listing import entries, is_empty, left_by_system

LEFT = (".DS_Store", "._img2.png", "Thumbs.db", "desktop.ini", "~$table.xlsx", "@eaDir", "Icon\r")


@pytest.mark.parametrize("name", LEFT)
def test_what_systems_leave_is_known_by_its_name(name):
    assert left_by_system(name) and left_by_system(name.upper())


@pytest.mark.parametrize("name", ["img2.png", "a~$b.png", "thumbs.db.png", "_.png"])
def test_other_names_are_not(name):
    assert not left_by_system(name)


def test_a_clip_copied_from_a_mac_has_its_own_frames_only(tmp_path):
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.zeros((4, 4), np.uint8))
        (tmp_path / f"._img{number}.png").write_bytes(b"\x00\x05\x16\x07")  # of AppleDouble
    for name in LEFT:
        (tmp_path / name).write_bytes(b"x")
    assert [e.name for e in entries(tmp_path)] == ["img1.png", "img2.png"]
    assert ImageFrames.from_folder(tmp_path).numbers == (1, 2)


def test_a_folder_that_was_only_looked_at_is_still_empty(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".DS_Store").write_bytes(b"x")
    assert is_empty(out)
    assert claim_folder(out, {"model": "ststnet"}) is None
    (other := tmp_path / "other").mkdir()
    (other / ".gitignore").write_bytes(b"x")
    with pytest.raises(InputError, match="not empty"):
        claim_folder(other, {"model": "ststnet"})


def test_a_run_carried_on_a_mac_s_disk_still_gives_its_report(tmp_path):
    pictures = tmp_path / FOLDER
    pictures.mkdir()
    cv2.imwrite(str(pictures / "00.png"), np.zeros((4, 4), np.uint8))
    (pictures / "._00.png").write_bytes(b"x")
    assert list(read_pictures(tmp_path)) == [0]
