"""Tables as people save them: the same rows from every separator, encoding and kind of sheet."""

import csv
import io
import sys

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference

from merzoo.data import load
from merzoo.data.cells import read_cells
from merzoo.data.tables import read_columns, read_table
from merzoo.errors import InputError
from tests.data import trees

ROWS = [
    ("path", "subject", "label", "fps"),
    ("clips/a.png", "s1", "Überraschung", "29.97"),
    ("clips/b.png", "s2", "surprise, perhaps", "200"),
]


def text_of(rows, delimiter=","):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue()


def manifest_rows(path):
    rows = read_table(path, ("path", "subject", "label"))
    return [(r.text("path"), r.text("subject"), r.text("label"), r.decimal("fps")) for r in rows]


WANTED = [
    ("clips/a.png", "s1", "Überraschung", 29.97),
    ("clips/b.png", "s2", "surprise, perhaps", 200.0),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_separator_and_encoding_gives_the_same_rows(tmp_path, delimiter, encoding):
    path = tmp_path / "m.csv"
    path.write_bytes(text_of(ROWS, delimiter).encode(encoding))
    assert manifest_rows(path) == WANTED


def test_what_western_excel_saves(tmp_path):
    rows = [tuple(cell.replace("29.97", "29,97") for cell in row) for row in ROWS]
    path = tmp_path / "m.csv"
    path.write_bytes(text_of(rows, ";").encode("cp1252"))
    with pytest.warns(UserWarning, match=r"is not UTF-8; read as Western"):
        assert manifest_rows(path) == WANTED


def test_what_chinese_excel_saves(tmp_path):
    rows = [
        ("path", "subject", "label"),
        ("张/一.png", "被试1", "惊讶"),
        ("b.png", "被试2", "厌恶"),
    ]
    path = tmp_path / "m.csv"
    path.write_bytes(text_of(rows).encode("gbk"))
    with pytest.warns(UserWarning, match=r"read as Chinese \(GBK\)"):
        found = read_table(path, ("path", "subject", "label"))
    assert [(r.text("path"), r.text("subject"), r.text("label")) for r in found] == rows[1:]


def test_the_word_of_excel_for_its_separator(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("sep=;\r\n" + text_of(ROWS, ";"))
    assert manifest_rows(path) == WANTED
    assert read_table(path, ("path",))[0].number == 3  # as in an editor


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('a.png,s0,joy\na.png,"s1,joy\nb.png,s2,fear\n', 3),
        ('a.png,"s1,joy\nb.png,"s2,fear\n', 2),
        ('a.png,s1,joy\nb.png,s2,"fear\n', 3),
        ('a.png,s1,joy\nb.png,s2,"fear', 3),
    ],
)
def test_a_quote_that_is_not_closed_is_told(tmp_path, rows, line):
    path = tmp_path / "m.csv"
    path.write_text(f"path,subject,label\n{rows}")
    with pytest.raises(
        InputError, match=rf"m\.csv, line {line}: a quote .* is opened and not closed"
    ):
        manifest_rows(path)


def test_quotes_that_are_closed_are_read(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('path,subject,label\na.png,"s\n1","jo""y"\nb.png,s "2",fear\n"c.png" ,s3,sad\n')
    rows = [[r.text(n) for n in ("path", "subject", "label")] for r in read_table(path, ["path"])]
    assert rows == [["a.png", "s 1", 'jo"y'], ["b.png", 's "2"', "fear"], ["c.png", "s3", "sad"]]


def test_a_number_that_may_be_two_is_refused(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(text_of([ROWS[0], ("a.png", "s1", "x", "1,000")], ";"))
    (row,) = read_table(path, ("path",))
    with pytest.raises(InputError, match=r"fps '1,000' may be 1000 or 1.000: write which"):
        row.decimal("fps")
    with pytest.raises(InputError, match="no frame number"):
        row.whole("fps")


def test_merged_cells_count_for_all_rows_that_they_cover(tmp_path):
    book = openpyxl.Workbook()
    page = book.active
    page.append(["Subject", "Filename", "Frames", None, None, "Emotion"])
    page.append([None, None, "Onset", "Apex", "Offset", None])
    page.append(["s1", "a", 1, 5, 9, "surprise"])
    page.append([None, "b", 2, 6, 8, "disgust"])
    page.append([None] * 6)
    page.append(["s2", "c", 3, 7, 9, "fear"])
    for cells in ("A1:A2", "B1:B2", "C1:E1", "F1:F2", "A3:A5"):
        page.merge_cells(cells)
    book.save(path := tmp_path / "m.xlsx")
    found = read_table(path, ("subject", "clip"))
    values = [(r.number, r.text("subject"), r.text("clip"), r.whole("apex")) for r in found]
    assert values == [(3, "s1", "a", 5), (4, "s1", "b", 6), (6, "s2", "c", 7)]


def two_sheets(path, second):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["made by hand"])
    for name, rows in second.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_the_sheet_with_the_columns_is_read(tmp_path):
    path = two_sheets(tmp_path / "m.xlsx", {"Clips": ROWS})
    assert [row[0] for row in manifest_rows(path)] == ["clips/a.png", "clips/b.png"]


def test_several_sheets_that_could_be_meant_are_named(tmp_path):
    path = two_sheets(tmp_path / "m.xlsx", {"Clips": ROWS, "Old clips": ROWS[:2]})
    with pytest.raises(InputError, match=r"several sheets .*: Clips, Old clips.*m\.xlsx#Clips"):
        manifest_rows(path)
    assert len(manifest_rows(f"{path}#Old clips")) == 1
    with pytest.raises(InputError, match=r"no sheet 'New'; it holds Notes, Clips, Old clips"):
        manifest_rows(f"{path}#New")


def test_sheets_without_the_columns_are_named(tmp_path):
    path = two_sheets(tmp_path / "m.xlsx", {"Clips": [("path", "person"), ("a", "b")]})
    with pytest.raises(InputError, match=r"in any of its sheets \(Notes, Clips\); row 1 has path,"):
        manifest_rows(path)


def test_a_chart_on_a_sheet_of_its_own_is_no_table(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", 1])
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=2, min_row=1))
    book.create_chartsheet("Chart", 0).add_chart(chart)
    book.save(tmp_path / "x.xlsx")
    assert list(read_cells(tmp_path / "x.xlsx")) == [("a", 1)]


@pytest.mark.parametrize("read", [read_cells, lambda path: read_table(path, ("path",))])
def test_a_workbook_of_charts_alone_is_told(tmp_path, read):
    book = openpyxl.Workbook()
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=1, min_row=1))
    book.create_chartsheet("Chart").add_chart(chart)
    book.remove(book.active)
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(InputError, match=r"x\.xlsx: has no sheet with cells, only charts"):
        list(read(tmp_path / "x.xlsx"))


def test_an_old_workbook_gives_the_same_rows(tmp_path):
    rows = [ROWS[0], (*ROWS[1][:3], 29.97), (*ROWS[2][:3], 200)]  # numbers as Excel stores them
    trees.write_old_sheet(tmp_path / "m.xls", {"Notes": [("x",)], "Clips": rows})
    assert manifest_rows(tmp_path / "m.xls") == WANTED
    with pytest.raises(InputError, match="no sheet 'Clip'; it holds Notes, Clips"):
        list(read_cells(tmp_path / "m.xls", "Clip"))


def test_merged_cells_of_an_old_workbook_count_for_all_that_they_cover(tmp_path):
    rows = [("subject", "clip"), ("s1", "a"), (None, "b"), ("s2", "c")]
    trees.write_old_sheet(tmp_path / "m.xls", {"A": rows}, merged=[(1, 2, 0, 0)])
    assert [row[0] for row in read_cells(tmp_path / "m.xls")] == ["subject", "s1", "s1", "s2"]


def test_a_new_workbook_that_ends_as_an_old_one_is_read(tmp_path):
    trees.write_sheet(tmp_path / "m.xlsx", ROWS)
    (tmp_path / "m.xlsx").rename(tmp_path / "m.xls")
    assert manifest_rows(tmp_path / "m.xls")[0] == WANTED[0]


def test_an_old_workbook_that_cannot_be_read_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "m.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match=r"m\.xls: (not a readable \.xls|an old workbook)"):
        list(read_cells(tmp_path / "m.xls"))
    monkeypatch.setitem(sys.modules, "xlrd", None)  # as where it isn't installed
    with pytest.raises(InputError, match=r"pip install 'merzoo\[xls\]', or save it as \.xlsx"):
        list(read_cells(tmp_path / "m.xls"))


def test_columns_without_names_are_known_by_their_order(tmp_path):
    rows = [("1", "a_1", "5"), ("", "", ""), ("2", "b_1")]
    path = tmp_path / "m.csv"
    path.write_text(text_of(rows))
    found = read_columns(path, ("subject", "clip", "onset"))
    assert [(row.number, row.cells) for row in found] == [
        (1, {"subject": "1", "clip": "a_1", "onset": "5"}),
        (3, {"subject": "2", "clip": "b_1", "onset": ""}),
    ]
    path.write_text(text_of([("Subject", "Filename", "Onset"), *rows]))  # a header put above them
    assert [row.cells["clip"] for row in read_columns(path, ("subject", "clip", "onset"))] == [
        *("a_1", "b_1"),
    ]


def test_a_sheet_of_another_program_is_said_to_be_one(tmp_path):
    (tmp_path / "m.ods").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"save it as \.xlsx"):
        list(read_cells(tmp_path / "m.ods"))


@pytest.mark.parametrize(
    "cell", ["clips\\a.png", ".\\clips\\a.png", "Clips/A.PNG", "clips//a.png", "{root}/clips/a.png"]
)
def test_a_path_written_on_another_system_is_found(tmp_path, cell):
    trees.write_images(tmp_path / "clips", ["a.png"])
    rows = [ROWS[0], (cell.format(root=tmp_path), "s1", "surprise", "200")]
    trees.write_csv(tmp_path / "manifest.csv", rows)
    (clip,) = load("manifest", tmp_path)
    assert clip.frames.paths == (tmp_path / "clips" / "a.png",)


def test_a_name_as_macos_writes_it_is_found(tmp_path):
    trees.write_images(tmp_path, ["mu\u0308de.png"])  # u and two dots, as in its file system
    trees.write_csv(tmp_path / "manifest.csv", [ROWS[0], ("m\u00fcde.png", "s1", "x", "200")])
    assert len(load("manifest", tmp_path)) == 1


def test_a_path_of_another_machine_is_refused_with_what_to_write(tmp_path):
    trees.write_images(tmp_path / "clips", ["a.png"])
    trees.write_csv(tmp_path / "manifest.csv", [ROWS[0], ("C:\\Me\\clips\\a.png", "s", "x", "")])
    with pytest.raises(InputError, match=r"leads out of .* such as clips/a\.png"):
        load("manifest", tmp_path)


def test_the_only_table_of_a_folder_is_its_manifest(tmp_path):
    trees.write_images(tmp_path / "clips", ["a.png", "b.png"])
    (tmp_path / "my clips.csv").write_text(text_of(ROWS, ";"), encoding="utf-8")
    assert [clip.fps for clip in load("manifest", tmp_path)] == [29.97, 200.0]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"several tables, my clips\.csv, other\.csv; name"):
        load("manifest", tmp_path)


OWN = [("file", "person", "What was felt"), ("clips/a.png", "s1", "surprise")]


def test_columns_under_other_names(tmp_path):
    trees.write_images(tmp_path / "clips", ["a.png"])
    (tmp_path / "manifest.csv").write_text(text_of(OWN, ";"))
    columns = "path=file,subject=person,label=what was felt"
    (clip,) = load("manifest", tmp_path, columns=columns)
    assert (clip.subject, clip.label) == ("manifest/s1", "surprise")
    with pytest.raises(
        InputError,
        match=r"row 1 has file, person, What was felt\. Say which is which: "
        "--columns path=NAME,subject=NAME,label=NAME",
    ):
        load("manifest", tmp_path)
    with pytest.raises(InputError, match=r"columns file, people, .*row 1 has file, person"):
        load("manifest", tmp_path, columns=columns.replace("person", "people"))


@pytest.mark.parametrize(
    ("text", "words"),
    [("path", "write path=file"), ("pfad=file", "column.*'pfad'"), ("path=", "cannot be read")],
)
def test_columns_that_cannot_be_meant(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        load("manifest", tmp_path, columns=text)
