"""How well does each detector find faces: small ones, in the dark, of dark skin?

    python benchmarks/faces.py               # ten people of each skin
    python benchmarks/faces.py --quick       # two, in under two minutes on two cores
    python benchmarks/faces.py --table       # the table of merzoo/preprocessing/README.md only

Invented people (`merzoo.data.synthetic.scene`) before a wall, at 1920 x 1080 pixels: five widths of
the face, four lights, three tones of skin. Noise of 3 grey levels is the sensor's, whatever the
light; at 0.05 a face of dark skin has fewer. Recall is how many faces are found at the first look,
and at the first or second; a face counts if the middle between its eyes is within half the distance
between them. The error is that middle's, as a share of that distance, over the faces found. YuNet
is measured where MERZOO_YUNET names its model file. Writes `results/faces.csv`, and the table from
it. Goal: in light of 0.3 and more every detector finds 95 % of all faces from 60 pixels.
"""

import argparse
import csv
import os
import re
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "faces.csv"
README = HERE.parent / "merzoo" / "preprocessing" / "README.md"
SIZE = 1920, 1080  # pixels of a frame
WIDTHS = (60, 90, 140, 220, 360)  # pixels of a face, from ear to ear
LIGHTS = (1.0, 0.3, 0.12, 0.05)
SKINS = ("light", "medium", "dark")
PEOPLE, QUICK_PEOPLE = 10, 2  # of each skin
GOAL_LIGHT, GOAL = 0.3, 95.0  # from which light on, and per cent of the faces
COLUMNS = (
    "detector",
    "skin",
    "light",
    "width",
    "faces",
    "first",
    "both",
    "false",
    "error",
    "cpu_s",
)


def detectors() -> list[str]:
    """Those that can be used here."""
    from merzoo.preprocessing.face import has_landmarks

    found = ["dlib"] if has_landmarks() else []
    return [*found, "haar", *(["yunet"] if os.environ.get("MERZOO_YUNET") else [])]


def measure(skin: str, number: int, names: list[str]) -> list[dict]:
    """What each detector finds of one person, at every width and in every light."""
    import cv2

    from merzoo.data.synthetic.scene import Placed, person_of_skin, scene

    cv2.setNumThreads(1)
    person = person_of_skin(skin, number)
    rng = np.random.default_rng([SKINS.index(skin), number])
    rows = []
    for width in WIDTHS:
        for light in LIGHTS:
            x, y = (rng.uniform(width, side - 1.2 * width) for side in SIZE)
            seed = int(rng.integers(2**31))
            frame, points = scene([Placed(person, width, (x, y))], SIZE, light, seed=seed)
            eyes = np.array([points[0, 36:42].mean(0), points[0, 42:48].mean(0)])
            rows += [
                {"detector": name, "skin": skin, "light": light, "width": width}
                | looked(frame, eyes, name)
                for name in names
            ]
    return rows


def looked(frame: np.ndarray, eyes: np.ndarray, detector: str) -> dict:
    """Whether one face is found, at which look, how far off, and in how many CPU seconds."""
    from merzoo.errors import InputError
    from merzoo.preprocessing.face import find_face

    start = time.process_time()
    try:
        found = find_face(frame, detector, which="largest")
    except InputError:
        found = None
    seconds = time.process_time() - start
    error = np.nan
    if found is not None:
        off = np.linalg.norm(found.eyes.mean(0) - eyes.mean(0))
        error = float(off / np.linalg.norm(eyes[1] - eyes[0]))
    hit = error < 0.5
    return {
        "first": int(hit and not found.dim),
        "both": int(hit),
        "false": int(found is not None and not hit),
        "error": error if hit else np.nan,
        "cpu_s": seconds,
    }


def summed(rows: list[dict]) -> list[dict]:
    """One row a detector, skin, light and width: counts, mean error, and mean CPU seconds."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in COLUMNS[:4]), []).append(row)
    return [
        dict(zip(COLUMNS[:4], key, strict=True))
        | {"faces": len(group)}
        | {name: sum(row[name] for row in group) for name in ("first", "both", "false")}
        | {
            "error": _mean([row["error"] for row in group], 4),
            "cpu_s": _mean([row["cpu_s"] for row in group], 3),
        }
        for key, group in sorted(groups.items())
    ]


def _mean(values: list[float], digits: int) -> float | str:
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(known)), digits) if known else ""


def run(people: int) -> list[dict]:
    """Measures so many people of each skin, in as many processes as there are cores."""
    import joblib

    names = detectors()
    tasks = [(skin, number, names) for skin in SKINS for number in range(people)]
    jobs = joblib.Parallel(len(os.sched_getaffinity(0)))
    found = jobs(joblib.delayed(measure)(*task) for task in tasks)
    return summed([row for rows in found for row in rows])


def write(rows: list[dict]) -> None:
    facts = machine() | {"date": time.strftime("%Y-%m-%d")}
    with RESULTS.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*COLUMNS, *facts], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)


def read() -> list[dict]:
    with RESULTS.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        for name in COLUMNS[2:]:
            row[name] = float(row[name]) if row[name] else np.nan
    return rows


def table(rows: list[dict]) -> str:
    """Recall by light and width, then recall and error by skin, for each detector."""
    widths = sorted({row["width"] for row in rows})
    lines = [
        f"| detector, light | {' | '.join(f'{width:g} px' for width in widths)} | error |",
        "|---|" + "---:|" * (len(widths) + 1),
    ]
    for name in sorted({row["detector"] for row in rows}):
        for light in sorted({row["light"] for row in rows}, reverse=True):
            part = [row for row in rows if (row["detector"], row["light"]) == (name, light)]
            cells = [recall([row for row in part if row["width"] == width]) for width in widths]
            lines.append(f"| {name}, {light:g} | {' | '.join(cells)} | {off(part)} |")
    skins = [skin for skin in SKINS if any(row["skin"] == skin for row in rows)]
    lines += ["", f"| detector, skin, light from {GOAL_LIGHT:g} | recall | error |"]
    lines += ["|---|---:|---:|"]
    for name in sorted({row["detector"] for row in rows}):
        for skin in skins:
            part = [
                row
                for row in rows
                if (row["detector"], row["skin"]) == (name, skin) and row["light"] >= GOAL_LIGHT
            ]
            lines.append(f"| {name}, {skin} | {recall(part)} | {off(part)} |")
    faces = int(sum(row["faces"] for row in rows) / len({row["detector"] for row in rows}))
    wrong = int(sum(row["false"] for row in rows))
    without = "" if "yunet" in {row["detector"] for row in rows} else " YuNet was not measured."
    lines += ["", f"Of {faces} faces; {wrong} times something else was found.{without}"]
    return "\n".join(lines)


def recall(rows: list[dict]) -> str:
    """Per cent found at the first look, and at both.

    >>> recall([{"faces": 4, "first": 1, "both": 3}])
    '25 → 75 %'
    """
    first, both = (
        100 * sum(row[name] for row in rows) / sum(row["faces"] for row in rows)
        for name in ("first", "both")
    )
    return f"{both:.0f} %" if first == both else f"{first:.0f} → {both:.0f} %"


def off(rows: list[dict]) -> str:
    """The mean error of the faces found, in per cent of the distance between the eyes."""
    known = [(row["both"], row["error"]) for row in rows if row["both"]]
    if not known:
        return "-"
    counts, errors = zip(*known, strict=True)
    return f"{100 * np.average(errors, weights=counts):.1f} %"


def write_table() -> None:
    """Writes the table of the README from the result file."""
    text = re.sub(
        r"(<!-- table: faces -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{table(read())}\n{found[2]}",
        README.read_text(),
        flags=re.S,
    )
    README.write_text(text)


def facts(rows: list[dict]) -> list[dict]:
    """The goal of each detector, what was measured, and whether it is met."""
    found = []
    for name in sorted({row["detector"] for row in rows}):
        part = [r for r in rows if r["detector"] == name and r["light"] >= GOAL_LIGHT]
        share = 100 * sum(r["both"] for r in part) / sum(r["faces"] for r in part)
        goal = f"{name}: of faces in light from {GOAL_LIGHT:g} found >= {GOAL:g} %"
        found.append({"goal": goal, "measured": f"{share:.1f} %", "met": share >= GOAL})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two people of each skin, not ten")
    parser.add_argument("--table", action="store_true", help="rewrite the table only")
    options = parser.parse_args()
    if not options.table:
        start = time.perf_counter()
        rows = run(QUICK_PEOPLE if options.quick else PEOPLE)
        write(rows)
        print(f"{sum(row['faces'] for row in rows)} looks in {time.perf_counter() - start:.0f} s")
    rows = read()
    write_table()
    print(table(rows))
    for fact in facts(rows):
        print(f"{fact['goal']}: {fact['measured']}, {'met' if fact['met'] else 'NOT MET'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
