"""`--data my-folder`: the kind is known by what lies in it, or the error says what to type."""

import numpy as np
import pytest

from merzoo.data import load, parse_data
from merzoo.data.datasets import load_named
from merzoo.errors import InputError
from tests.data import trees
from tests.data.test_fer2013_tables import challenge


@pytest.mark.filterwarnings("ignore:.*is read as")
@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("casme2", trees.casme2),
        ("samm", trees.samm),
        ("samm_lv", trees.samm_lv),
        ("smic", trees.smic),
        ("smic", trees.smic_extended),
        ("casme", trees.casme),
        ("casme3", trees.casme3),
        ("mmew", trees.mmew),
        ("mmew", trees.mmew_flat),
        ("casme3", trees.casme3_c),
        ("casme3", trees.casme3_intervals),
        ("casme_sq", trees.casme_sq),
        ("dfme", trees.dfme),
        ("4dme", trees.four_dme),
        ("megc2019", trees.megc2019),
        ("manifest", trees.manifest),
        ("ck_plus", trees.ck_plus),
        ("ck_plus", trees.ck_plus_48),
        ("raf_db", trees.raf_db),
        ("fer2013", trees.fer2013),
        ("fer2013", trees.fer2013_csv),
        ("fer2013", challenge),
    ],
)
def test_every_form_is_known_by_its_folder(tmp_path, kind, write):
    root = str(write(tmp_path))
    assert parse_data(root) == (kind, root, {})


def test_the_guess_is_said_and_takes_options(tmp_path):
    root = trees.casme2(tmp_path, frames="cropped")
    with pytest.warns(UserWarning, match=r"is read as casme2:/.*"):
        clips = load_named(f"{root}?frames=cropped")
    assert len(clips) == 4


@pytest.mark.filterwarnings("ignore:.*is read as")
def test_files_by_their_ending_and_header(tmp_path):
    trees.manifest(tmp_path)
    assert parse_data(str(tmp_path / "manifest.csv")).kind == "manifest"
    assert parse_data(str(challenge(tmp_path / "f") / "icml_face_data.csv")).kind == "fer2013"
    assert parse_data("not/there.npz").kind == "arrays"


def refused(place):
    with pytest.raises(InputError) as error:
        parse_data(str(place))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_of_videos_is_told_to_write_a_table(tmp_path):
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "a.mp4").write_bytes(b"x")
    assert f"write {tmp_path}/manifest.csv, a table with the columns path" in refused(tmp_path)


def test_a_table_of_other_columns_is_told_to_name_them(tmp_path):
    (tmp_path / "my.csv").write_text("file;person;emotion\na.mp4;s1;joy\n")
    said = refused(tmp_path)
    assert "(it has file, person, emotion)" in said
    assert f"--data manifest:{tmp_path} --columns path=NAME,subject=NAME" in said


def test_several_kinds_are_listed(tmp_path):
    trees.casme2(tmp_path), trees.manifest(tmp_path)
    assert f"write casme2:{tmp_path} or manifest:{tmp_path}" in refused(tmp_path)


def test_what_else_a_folder_may_hold(tmp_path):
    assert "there is no table, video or picture in it" in refused(tmp_path)
    np.savez(tmp_path / "flow.npz", a=np.zeros(2))
    assert f"such as arrays:{tmp_path}/flow.npz" in refused(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"x")
    assert "merzoo predict looks for expressions in it" in refused(tmp_path / "film.mp4")
    assert "'nowhere' is no folder" in refused("nowhere")


def test_links_out_of_a_tree_are_said_to_be_links_and_followed_when_asked(tmp_path):
    root = trees.casme2(tmp_path / "root")
    (root / "CASME2_RAW_selected").rename(tmp_path / "disk")
    (root / "CASME2_RAW_selected").symlink_to(tmp_path / "disk")
    with pytest.raises(
        InputError, match=r"CASME2_RAW_selected is a link that leads out .*--follow-links follows"
    ):
        load("casme2", root)
    assert len(load("casme2", root, follow_links=True)) == 4
    assert len(load_named(f"casme2:{root}?follow_links=yes")) == 4
    with pytest.raises(InputError, match="is yes or no, got 'maybe'"):
        load_named(f"casme2:{root}?follow_links=maybe")


def test_a_linked_clip_names_the_link_and_the_way_out(tmp_path):
    root = trees.casme2(tmp_path / "root")
    clip = root / "CASME2_RAW_selected/sub01/EP02_01f"
    clip.rename(tmp_path / "outside")
    clip.symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match=r"EP02_01f is a link .*--follow-links follows it"):
        load("casme2", root)
    assert len(load("casme2", root, follow_links=True)) == 4


def test_a_manifest_follows_links_but_no_steps_up(tmp_path):
    trees.write_images(tmp_path / "elsewhere", ["a.png"])
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "link").symlink_to(tmp_path / "elsewhere")
    rows = [("subject", "path", "label"), ("s", "link/a.png", "x")]
    trees.write_csv(tmp_path / "m/manifest.csv", rows)
    with pytest.raises(InputError, match=r"is a link that leads out of .*/elsewhere/a\.png"):
        load("manifest", tmp_path / "m")
    assert len(load("manifest", tmp_path / "m", follow_links=True)) == 1
    trees.write_csv(tmp_path / "m/manifest.csv", [rows[0], ("s", "../elsewhere/a.png", "x")])
    with pytest.raises(InputError, match="leads out of"):
        load("manifest", tmp_path / "m", follow_links=True)
