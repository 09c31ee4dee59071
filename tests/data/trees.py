"""Tiny fake trees in the exact folder and annotation forms of the real datasets.

Every image is the same 8x8 grey file: the adapters read names and cells, not pixels.
"""

import csv
import functools
from pathlib import Path

import numpy as np


@functools.cache
def image_bytes(suffix: str) -> bytes:
    import cv2

    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    return cv2.imencode(suffix, image)[1].tobytes()


def write_images(folder: Path, names) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(image_bytes(Path(name).suffix))


def write_sheet(path: Path, rows, sheet: str = "Sheet1") -> None:
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def write_old_sheet(path: Path, sheets: dict, merged=()) -> None:
    """An `.xls` workbook; `merged` are first row, last row, first and last column, from 0."""
    import pytest

    xlwt = pytest.importorskip("xlwt")
    pytest.importorskip("xlrd")
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        page = book.add_sheet(name)
        for top, end, left, right in merged:
            page.merge(top, end, left, right)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    page.write(number, column, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))


def write_csv(path: Path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


CASME2_HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
# subject, clip, onset, apex, offset, action units, emotion
CASME2_ROWS = (
    (1, "EP02_01f", 46, 59, 86, "4+L10", "happiness"),
    (1, "EP03_02", 8, 10, 12, "R14A+17", "others"),
    (17, "EP05_03", 98, 101, 104, "12", "disgust"),
    (26, "EP18_50", 3, 4, 9, "1+2", "surprise"),
)


def casme2(root: Path, rows=CASME2_ROWS, sheet_only=(), frames="raw") -> Path:
    """`sheet_only` rows stand in the sheet, but have no folder."""
    base = root / ("CASME2_RAW_selected" if frames == "raw" else "Cropped/Cropped")
    prefix = "img" if frames == "raw" else "reg_img"
    for subject, clip, onset, _, offset, *_ in rows:
        numbers = range(onset, (offset or onset + 5) + 1)
        write_images(base / f"sub{subject:02d}" / clip, [f"{prefix}{n}.jpg" for n in numbers])
    cells = [
        (s, c, None, onset, apex, offset, None, units, label)
        for s, c, onset, apex, offset, units, label in (*rows, *sheet_only)
    ]
    write_sheet(root / "CASME2-coding-20140508.xlsx", [CASME2_HEADER, *cells])
    return root


SAMM_HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"),
    *("Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
)
SAMM_ROWS = (
    ("006", "006_1_2", 5562, 5588, 5632, "12A", "Happiness", 1),
    ("006", "006_1_3", 10, 12, 14, "T18", "Other", 7),
    (7, "007_3_1", 1, 3, 9, "A/L12", "Contempt", 6),
)


def samm(root: Path, rows=SAMM_ROWS) -> Path:
    for _, clip, onset, _, offset, *_ in rows:
        names = [f"{clip[:3]}_{n:05d}.jpg" for n in range(onset, offset + 1)]
        write_images(root / "SAMM" / clip[:3] / clip, names)
    preamble = [[f"line {n} of the authors' explanation"] for n in range(1, 14)]
    cells = [
        (s, c, 1, onset, apex, offset, offset - onset, "Micro", units, label, objective, None)
        for s, c, onset, apex, offset, units, label, objective in rows
    ]
    sheet = root / "SAMM_Micro_FACS_Codes_v2.xlsx"
    write_sheet(sheet, [*preamble, SAMM_HEADER, *cells])  # the header is Excel's row 14
    return root


SAMM_LV_HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type"),
    *("Action Units", "Notes"),
)
SAMM_LV_ROWS = (
    ("006", "006_1_1", 1, 20, 24, 30, 11, "Micro - 1/2", "12A", None),
    ("006", "006_1_2", 1, 0, 5, 18, 19, "Macro", "4+7", "begins before the video"),
    (7, "007_7_1", 7, 40, 45, 50, 11, "Micro - 1/2", "T18", None),
)


def samm_lv(root: Path, rows=SAMM_LV_ROWS) -> Path:
    for video in ("006_1", "007_7", "007_6"):
        names = [f"{video}_{n:04d}.jpg" for n in range(1, 61)]
        write_images(root / "SAMM_longvideos" / video, names)
    preamble = [[f"line {n} of the authors' explanation"] for n in range(1, 10)]
    sheet = root / "SAMM_LongVideos_V2_Release.xlsx"
    write_sheet(sheet, [*preamble, SAMM_LV_HEADER, *rows])  # the header is Excel's row 10
    return root


SMIC_CLIPS = ("s1/negative/s1_ne_01", "s1/surprise/s1_sur_02", "s20/positive/s20_po_14")


def smic(root: Path, clips=SMIC_CLIPS, part="HS", frames="cropped") -> Path:
    for clip in clips:
        subject, label, name = clip.split("/")
        folder = root / f"SMIC_all_{frames}" / part / subject / "micro" / label / name
        write_images(folder, [f"reg_image{n:06d}.bmp" for n in range(15, 21)])
    return root


def smic_extended(root: Path) -> Path:
    base = root / "SMIC-E_raw image" / "HS_long"
    folder = base / "SMIC-HS-E" / "HS" / "s03" / "s03_ne_04"
    write_images(folder, [f"image{n:06d}.jpg" for n in range(100, 130)])
    rows = [("Subject", "Filename", "OnsetF", "ApexF", "OffsetF", "Emotion")]
    rows += [("s03", "s3_ne_04", 105, 110, 120, "negative")]
    write_sheet(base / "SMIC-HS-E_annotation_2019.xlsx", rows)
    return root


def casme(root: Path) -> Path:
    write_images(root / "CASME_raw_selected/sub01/EP01_12", [f"img{n}.jpg" for n in range(20, 31)])
    rows = [
        ("Emotion", "Subject", "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "AUs"),
        ("tense", 1, "EP01_12", 20, 0, 25, 30, "14+24"),
    ]
    write_sheet(root / "CASME-coding.xlsx", rows)
    return root


CASME3_ROWS = (
    ("spNO.1", "b", 166, 170, 175, "4", 4, "disgust"),
    ("spNO.1", "b", 180, 184, 190, "12", 1, "happy"),
)


def casme3(root: Path, form="cut") -> Path:
    kept = set(range(150, 200)) - {170, 183}  # the camera dropped two frames
    for subject, name, onset, _, offset, *_ in CASME3_ROWS:
        if form == "cut":
            folder = root / "Part_A_ME_clip" / "frame" / f"{subject}_{name}_{onset}"
            numbers = sorted(kept & set(range(onset, offset + 1)))
        else:
            folder, numbers = root / subject / name / "color", sorted(kept)
        write_images(folder, [f"{n}.jpg" for n in numbers])
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
    sheet = root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    write_sheet(sheet, [header, *CASME3_ROWS], sheet="label")
    return root


def casme3_intervals(root: Path) -> Path:
    """Recordings with both kinds, the macro-expressions with emotions in a sheet of their own."""
    for name in ("b", "c"):
        folder = root / "part_A" / "spNO.1" / name / "color"
        write_images(folder, [f"{n}.jpg" for n in range(1, 201) if n != 170])
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type")
    rows = [
        ("spNO.1", "B", 166, 170, 175, "4", "Micro-expression"),
        ("spNO.1", "b", 0, 20, 60, "12", "Macro-expression"),
        ("spNO.1", "b", 180, 190, 0, "12", "Macro-expression"),
    ]
    write_sheet(root / "CAS(ME)3_part_A_v2.xlsx", [header, *rows])
    macro = [("sub", "seq", "onset", "apex", "offset", "au", "emotion")]
    macro += [("spNO.1", "b", 180, 190, 0, "12", "happy")]
    write_sheet(root / "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx", macro)
    return root


def casme3_c(root: Path) -> Path:
    for person in ("01", "02"):
        folder = root / "part_C" / person / "a" / "color"
        write_images(folder, [f"{n}.jpg" for n in range(370, 400)])
    header = ("sub", "count", "onset", "offset", "au", "emotion", "PHY")
    rows = [(1, 1, 373, 380, "4\uff0c7", "negative", "x"), (2, 1, 390, 396, 12, "happy", "y")]
    write_sheet(root / "CAS(ME)3_part_C_ME.xlsx", [header, *rows])
    return root


def mmew(root: Path, folder="others", label="repression") -> Path:
    for emotion in ("happiness", folder):
        clip = f"S03-01-00{2 if emotion == 'happiness' else 5}"
        write_images(root / "Micro_Expression" / emotion / clip, [f"{n}.jpg" for n in range(1, 9)])
    rows = [
        (
            "Subject",
            "Filename",
            "OnsetFrame",
            "ApexFrame",
            "OffsetFrame",
            "Action Units",
            "Emotion",
        ),
        (3, "S03-01-002", 1, 4, 8, "6+12", "happiness"),
        (3, "S03-01-005", 2, 5, 8, "14", label),
    ]
    write_sheet(root / "MMEW_Micro_Exp.xlsx", rows)
    return root


def mmew_flat(root: Path) -> Path:
    """The newer sheet, an apex missing in it, and clips in no folder of their class."""
    for clip in ("S03-01-002", "S12-03-004"):
        write_images(root / "Micro_Expression" / clip, [f"{n}.jpg" for n in range(1, 9)])
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units")
    rows = [
        (*header, "Estimated Emotion", "remarks"),
        ("S03", "S03-01-002", 1, 4, 8, "6+12", "happiness", None),
        ("S12", "S12-03-004", 2, None, 8, "14", "disgust", "apex"),
    ]
    write_sheet(root / "MMEW_Micro_Exp_new.xlsx", rows)
    return root


# number of the person, clip, onset, apex, offset, action units, emotion, type, self-report
CASME_SQ_ROWS = (
    (1, "disgust1_1", 20, 24, 30, "4+7", "negative", "micro-expression", "disgust"),
    (1, "disgust1_2", 40, 52, 0, "12", "positive", "macro-expression", "happiness"),
    (3, "happy1_1", 5, 0, 12, "12", "positive", "micro-expression", "happiness"),
)


def casme_sq(root: Path, rows=CASME_SQ_ROWS) -> Path:
    for folder in ("s15/15_0101disgustingteeth", "s19/23_0502funnyerrors", "s19/19_0401girl"):
        write_images(root / "rawpic" / folder, [f"img{n:03d}.jpg" for n in range(1, 61)])
    sheets = {
        "CASFEcode_final": rows,
        "naming rule1": [(15, "s15", 1), (19, "s19", 3)],
        "naming rule2": [(101, "disgust1"), ("0502", "happy1")],
    }
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        page = book.create_sheet(name)
        for row in cells:
            page.append(list(row))
    book.save(root / "CAS(ME)^2code_final(Updated).xlsx")
    return root


def four_dme(root: Path) -> Path:
    rows = [
        ("sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "Emotion", "Positive"),
        (1, "clip_a", 1826, 1830, 1840, "AU12", "Positive", 1),
        (1, "clip_b", 12, 15, 20, "AU4+AU7(k)", "Repression, Negative", 0),
        (24, "clip_a", 1, 4, 9, "AU17", "Repression", 0),
    ]
    for subject, clip, onset, _, offset, *_ in rows[1:]:
        names = [f"Frame_{n:09d}.jpg" for n in range(onset, offset + 1)]
        write_images(root / "micro_short_gray_video" / f"{subject:02d}" / clip, names)
    write_sheet(root / "4DME_Labelling_Micro_release v1.xlsx", rows)
    return root


DFME_HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "AU")
DFME_ROWS = {
    "training_full_with_AU.xlsx": (
        ("sub0003", "sub0003_01", 5, 8, 12, "Disgust", "AU4+AU7"),
        ("sub0003", "sub0003_02", 1, 3, 9, "Disgust", "4"),
    ),
    "testA_full_with_AU.xlsx": (("sub0101", "sub0101_01", 30, 33, 36, "fear", "AU20"),),
}


def dfme(root: Path, sheets=DFME_ROWS) -> Path:
    for name, rows in sheets.items():
        base = root / ("train_data/train_data" if "train" in name else "test_data_A/test_data_A")
        for _, clip, onset, _, offset, *_ in rows:
            write_images(base / clip, [f"{n:05d}.png" for n in range(onset, offset + 1)])
        write_sheet(root / "full_release_annotation" / name, [DFME_HEADER, *rows])
    return root


def megc2019(root: Path, rows=None) -> Path:
    casme2(root / "CASME2"), samm(root / "SAMM"), smic(root / "SMIC")
    listed = rows or (
        ("casme2", "sub01", "EP02_01f", 1),
        ("casme2", "sub17", "EP05_03", 0),
        ("samm", "006", "006_1_2", 1),
        ("", "", "", ""),
        ("smic", "s01", "s01_ne_01", 0),
        ("smic", "s20", "s20_po_14", 1),
    )
    write_csv(root / "combined_3class_gt.csv", listed)
    return root


def ck_plus(root: Path) -> Path:
    for subject, sequence, code in (("S005", "001", 3), ("S010", "002", None)):
        names = [f"{subject}_{sequence}_{n:08d}.png" for n in range(1, 12)]
        write_images(root / "cohn-kanade-images" / subject / sequence, names)
        stem = f"{subject}_{sequence}_00000011"
        for kind, text in (
            ("Emotion", None if code is None else f"   {code:.7e}\n"),
            ("FACS", "   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   0.0000000e+00\n"),
        ):
            folder = root / kind / subject / sequence
            folder.mkdir(parents=True)
            if text is not None:
                (folder / f"{stem}_{kind.lower()}.txt").write_text(text)
    return root


def ck_plus_48(root: Path) -> Path:
    for label in ("happy", "anger"):
        names = [f"S010_00{1 + (label == 'anger')}_{n:08d}.png" for n in (15, 16, 17)]
        write_images(root / "CK+48" / label, names)
    return root


RAF_DB_LINES = ("train_00001.jpg 5", "train_00002.jpg 1", "test_0001.jpg 7")


def raf_db(root: Path, lines=RAF_DB_LINES) -> Path:
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines) + "\n")
    names = [line.split(".")[0] + "_aligned.jpg" for line in RAF_DB_LINES]
    write_images(root / "Image" / "aligned", names)
    return root


def raf_db_folders(root: Path) -> Path:
    for part, code, stem in (("train", 5, "train_00001"), ("test", 7, "test_0001")):
        write_images(root / "DATASET" / part / str(code), [f"{stem}_aligned.jpg"])
    return root


def fer2013(root: Path) -> Path:
    write_images(root / "train" / "happy", ["Training_10.jpg", "Training_11.jpg"])
    write_images(root / "train" / "angry", ["Training_10.jpg"])  # numbers repeat over classes
    write_images(root / "test" / "sad", ["PublicTest_5.jpg", "PrivateTest_5.jpg"])
    return root


def fer2013_csv(root: Path, codes=(0, 3, 6), votes=None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    usages = ("Training", "PublicTest", "PrivateTest")
    rows = [("emotion", "pixels", "Usage")]
    for index, code in enumerate(codes):
        pixels = " ".join(str((index + k) % 256) for k in range(48 * 48))
        rows.append((code, pixels, usages[index % 3]))
    write_csv(root / "fer2013.csv", rows)
    if votes is not None:
        names = "neutral happiness surprise sadness anger disgust fear contempt unknown NF"
        header = ("Usage", "Image name", *names.split())
        write_csv(root / "fer2013new.csv", [header, *(("Training", "x.png", *v) for v in votes)])
    return root


def manifest(root: Path) -> Path:
    write_images(root / "clips" / "a", [f"f{n}.png" for n in range(3, 10)])
    write_images(root, ["single.png"])
    rows = [
        ("subject", "path", "label", "onset", "apex", "offset", "action_units", "dataset"),
        ("s1", "clips/a", "surprise", 3, 5, 9, "1+2", ""),
        ("s2", "single.png", "disgust", "", "", "", "", ""),
    ]
    write_csv(root / "manifest.csv", rows)
    return root
