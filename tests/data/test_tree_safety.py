"""No annotation, link or archive makes merzoo read outside the root or without end."""

import re
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merzoo.data import casme2, load, load_long, manifest
from merzoo.data import cells as cells_of
from merzoo.data.checks import check
from merzoo.data.tables import read_table
from merzoo.data.tree import Tree, escapes
from merzoo.errors import InputError
from tests.data import trees


@pytest.mark.parametrize(
    "cell", ["../x", "a/../../x", "/etc/passwd", "\\\\host\\x", "C:\\x", "..\\x", "~/x", "a\0b"]
)
def test_cells_that_lead_elsewhere_are_recognised(cell):
    assert escapes(cell)


@pytest.mark.parametrize("cell", ["sub01", "EP02_01f", "a/b.png", "..a", "s03_ne_04"])
def test_names_are_not(cell):
    assert not escapes(cell)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/hostname", "inside/../../secret.png"])
def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path, path):
    trees.write_images(tmp_path, ["secret.png"])
    trees.write_csv(tmp_path / "m/manifest.csv", [("subject", "path", "label"), ("s", path, "x")])
    with pytest.raises(InputError, match=r"row 2: path outside the root.*leads out of"):
        load("manifest", tmp_path / "m")


def test_a_manifest_cannot_lead_out_through_a_link(tmp_path):
    trees.write_images(tmp_path / "secret", ["a.png"])
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "link").symlink_to(tmp_path / "secret")
    for path in ("link", "link/a.png"):
        rows = [("subject", "path", "label"), ("s", path, "x")]
        trees.write_csv(tmp_path / "m/manifest.csv", rows)
        with pytest.raises(InputError, match="leads out of"):
            load("manifest", tmp_path / "m")


def test_a_linked_clip_folder_or_image_outside_the_root_is_not_followed(tmp_path):
    root = trees.casme2(tmp_path / "root")
    outside = tmp_path / "outside"
    clip = root / "CASME2_RAW_selected/sub01/EP02_01f"
    clip.rename(outside)
    clip.symlink_to(outside)
    found = {fault.kind for fault in check("casme2", root).faults}
    assert found == {"missing folder", "path outside the root"}
    clip.unlink()
    outside.rename(clip)
    (clip / "img46.jpg").rename(tmp_path / "img46.jpg")
    (clip / "img46.jpg").symlink_to(tmp_path / "img46.jpg")
    found = {fault.kind for fault in check("casme2", root).faults}
    assert found == {"missing frames", "path outside the root"}


@pytest.mark.parametrize(
    ("kind", "write", "linked"),
    [
        ("samm", trees.samm, "SAMM"),
        ("ck_plus", trees.ck_plus, "cohn-kanade-images"),
        ("ck_plus", trees.ck_plus, "Emotion"),
        ("raf_db", trees.raf_db, "EmoLabel"),
        ("raf_db", trees.raf_db, "Image"),
        ("megc2019", trees.megc2019, "SMIC"),
        ("megc2019", trees.megc2019, "CASME2/CASME2_RAW_selected/sub17"),
    ],
)
def test_a_folder_that_is_a_link_is_named_where_it_is_missed(tmp_path, kind, write, linked):
    root = write(tmp_path / "copy")
    (root / linked).rename(tmp_path / "elsewhere")
    (root / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"{linked} is a link.*--follow-links follows"):
        load(kind, root)
    assert load(kind, root, follow_links=True)


def test_a_link_that_is_not_followed_is_told_in_one_sentence(tmp_path):
    root = trees.casme2(tmp_path / "copy")
    clip = root / "CASME2_RAW_selected/sub01/EP02_01f"
    clip.rename(tmp_path / "elsewhere")
    clip.symlink_to(tmp_path / "elsewhere")
    words = r"EP02_01f is a link that leads out of the root, and is not followed; --follow-links"
    with pytest.raises(InputError, match=words):
        load("casme2", root)


def test_frames_of_a_form_that_is_a_link_are_not_said_to_be_absent_without_a_word(tmp_path):
    root = trees.casme2(tmp_path / "copy")
    trees.casme2(tmp_path / "other", frames="cropped")
    (root / "Cropped").symlink_to(tmp_path / "other/Cropped")
    with pytest.raises(InputError, match=r"it holds raw; .*Cropped is a link"):
        load("casme2", root, frames="cropped")


def test_links_inside_the_root_and_a_linked_root_are_fine(tmp_path):
    root = trees.casme2(tmp_path / "root")
    clip = root / "CASME2_RAW_selected/sub01/EP02_01f"
    clip.rename(root / "moved")
    clip.symlink_to(root / "moved")
    (tmp_path / "alias").symlink_to(root)
    assert len(load("casme2", tmp_path / "alias")) == 4


def test_junk_of_other_systems_is_ignored(tmp_path):
    root = trees.casme2(tmp_path)
    clip = root / "CASME2_RAW_selected/sub01/EP02_01f"
    for name in (".DS_Store", "._img46.jpg", "Thumbs.db"):
        (clip / name).write_bytes(b"x")
    (root / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock")
    assert check("casme2", root).faults == []


def test_a_file_as_root_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(InputError, match="is a file, not a folder"):
        Tree(tmp_path / "a.zip", "CASME II")


def test_formulas_are_not_run(tmp_path):
    sheet = tmp_path / "a.xlsx"
    trees.write_sheet(sheet, [("Subject", "Filename"), ("1", '=HYPERLINK("http://x","y")')])
    assert read_table(sheet, ("subject", "clip"))[0].text("clip") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"no zip"), ("a.xlsx", b""), ("a.csv", b"\xff\xfe\x00"), ("a.pdf", b"x")],
)
def test_damaged_tables_are_one_clear_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_table(tmp_path / name, ("subject",))


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 3_000_000)
    monkeypatch.setattr(cells_of, "LARGEST_UNPACKED", 1_000_000)
    with pytest.raises(InputError, match="unpacks to"):
        read_table(path, ("subject",))


def test_too_large_a_table_is_refused(tmp_path, monkeypatch):
    trees.write_csv(tmp_path / "a.csv", [("subject",), *[("s",)] * 50])
    monkeypatch.setattr(cells_of, "MOST_ROWS", 20)
    with pytest.raises(InputError, match="over 20 rows"):
        read_table(tmp_path / "a.csv", ("subject",))
    monkeypatch.setattr(cells_of, "LARGEST_FILE", 10)
    with pytest.raises(InputError, match="too large"):
        read_table(tmp_path / "a.csv", ("subject",))


def test_too_large_a_text_file_is_refused(tmp_path):
    trees.ck_plus(tmp_path)
    text = tmp_path / "Emotion/S005/001/S005_001_00000011_emotion.txt"
    text.write_text("3 " * (1 << 20))
    with pytest.raises(InputError, match="over 1 MB"):
        load("ck_plus", tmp_path)


def test_missing_columns_and_empty_tables_are_named(tmp_path):
    trees.write_csv(tmp_path / "a.csv", [("subject", "clip"), ("s", "c")])
    with pytest.raises(InputError, match="no header row with the columns subject, label"):
        read_table(tmp_path / "a.csv", ("subject", "label"))
    trees.write_csv(tmp_path / "b.csv", [("subject", "clip")])
    with pytest.raises(InputError, match="a header but no rows"):
        read_table(tmp_path / "b.csv", ("subject",))


def test_several_annotations_must_be_chosen_between(tmp_path):
    root = trees.casme2(tmp_path)
    sheet = root / "CASME2-coding-20140508.xlsx"
    (root / "CASME2-coding-20190701.xlsx").write_bytes(sheet.read_bytes())
    with pytest.raises(InputError, match="several"):
        load("casme2", root)
    assert len(load("casme2", root, annotation="CASME2-coding-20190701.xlsx")) == 4


@pytest.mark.parametrize(
    ("kind", "write", "options"),
    [
        ("casme", trees.casme, {}),
        ("casme2", trees.casme2, {}),
        ("casme3", trees.casme3, {}),
        ("casme3", trees.casme3_intervals, {"split": "macro"}),
        ("casme3", trees.casme3_c, {"part": "c"}),
        ("casme_sq", trees.casme_sq, {}),
        ("dfme", trees.dfme, {}),
        ("4dme", trees.four_dme, {}),
        ("mmew", trees.mmew, {}),
        ("samm", trees.samm, {}),
        ("samm_lv", trees.samm_lv, {}),
        ("smic", trees.smic_extended, {"part": "e-hs"}),
    ],
)
def test_a_missing_annotation_is_told_by_a_name_that_is_looked_for(tmp_path, kind, write, options):
    root = write(tmp_path)
    for sheet in root.rglob("*.xlsx"):
        sheet.unlink()
    with pytest.raises(InputError, match="found none") as missing:
        load(kind, root, **options)
    name = re.search("a file like '([^']+)'", str(missing.value))[1]
    (root / name).write_bytes(b"no workbook")
    with pytest.raises(InputError, match=f"{re.escape(name)}: "):
        load(kind, root, **options)


def test_a_missing_sheet_of_intervals_is_told_by_a_name_that_is_looked_for(tmp_path):
    root = trees.casme3_intervals(tmp_path)
    for sheet in root.glob("*.xlsx"):
        sheet.unlink()
    with pytest.raises(InputError, match=r"a file like 'CAS\(ME\)3_part_A_v2.xls'"):
        load_long("casme3", root)
    (root / "CAS(ME)3_part_A_v2.xls").write_bytes(b"no workbook")
    with pytest.raises(InputError, match=r"CAS\(ME\)3_part_A_v2.xls: "):
        load_long("casme3", root)


cells = st.sampled_from(["", "/", "1", "46", "../..", "4+L10", "nan", "1e9", "-3", "EP02_01f"])
cells |= st.text(max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(cells, min_size=9, max_size=9), min_size=1, max_size=4))
def test_whatever_stands_in_a_sheet_is_read_or_noted(tmp_path, rows):
    if not (tmp_path / "CASME2_RAW_selected").exists():
        trees.casme2(tmp_path)
        (tmp_path / "CASME2-coding-20140508.xlsx").unlink()
    trees.write_csv(tmp_path / "CASME2-coding.csv", [trees.CASME2_HEADER, *rows])
    try:
        reading = casme2.read(tmp_path)
    except InputError:
        return
    for clip in reading.clips:
        assert clip.frames.paths[0].resolve().is_relative_to(tmp_path.resolve())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(cells | st.just("a.png"), min_size=8, max_size=8), max_size=4))
def test_whatever_stands_in_a_manifest_is_read_or_noted(tmp_path, rows):
    trees.write_images(tmp_path, ["a.png"])
    header = ("subject", "path", "label", "onset", "apex", "offset", "action_units", "fps")
    trees.write_csv(tmp_path / "manifest.csv", [header, *rows])
    try:
        reading = manifest.read(tmp_path)
    except InputError:
        return
    for clip in reading.clips:
        assert [path.name for path in clip.frames.paths] == ["a.png"]
