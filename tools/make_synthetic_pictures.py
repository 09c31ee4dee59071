"""Makes the pictures and tables of merzoo/data/synthetic/README.md from the generator and results.

python tools/make_synthetic_pictures.py            # pictures and tables
python tools/make_synthetic_pictures.py --tables   # tables only, after a new result file
"""

import argparse
import csv
import dataclasses
import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "merzoo" / "data" / "synthetic"
RESULTS = ROOT / "benchmarks" / "results"
SEED = 0


def people(columns: int = 6, rows: int = 3, width: int = 136) -> np.ndarray:
    """Neutral faces of the first subjects, from light to dark skin."""
    import cv2

    from merzoo.data.synthetic.film import person_of, still_of

    numbers = sorted(range(columns * rows), key=lambda n: person_of(SEED, n).darkness)
    faces = []
    for number in numbers:
        face = still_of(SEED, number, (280, 340))[12:-12, 12:-12]
        size = (width, round(width * 340 / 280))
        faces.append(cv2.resize(face, size, interpolation=cv2.INTER_AREA))
    lines = [np.concatenate(faces[i * columns : (i + 1) * columns], 1) for i in range(rows)]
    return np.concatenate(lines)


def clear_clips(emotions=("surprise", "happiness", "anger")):
    """One two-sided, well visible clip of each emotion, of different people, at `easy`."""
    from merzoo.data.synthetic.plan import Setting, plan_clips

    chosen = []
    for emotion in emotions:
        for plan in plan_clips(Setting(20, 7, "easy", SEED, context=4)):
            taken = {other.subject for other in chosen}
            both = all(unit.side == "B" for unit in plan.units)
            strong = min(unit.amplitude for unit in plan.units) > 1.7
            if plan.emotion == emotion and both and strong and plan.subject not in taken:
                chosen.append(dataclasses.replace(plan, noise=0.0))
                break
    return chosen


def movement(plans) -> np.ndarray:
    """For each clip: onset, apex, difference times six, and the true flow as colour."""
    import cv2

    from merzoo.data.synthetic.film import film

    rows = []
    for plan in plans:
        motion, frames = film(plan, (280, 340))
        frames = list(frames)
        onset, apex = frames[plan.onset], frames[plan.apex]
        change = np.clip(128 + 6 * (apex.astype(int) - onset).mean(-1), 0, 255)
        flow = motion.flow(plan.onset, plan.apex)
        flow = flow - np.median(flow, axis=(0, 1))
        size, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1], angleInDegrees=True)
        hue = np.stack([angle / 2, np.minimum(size * 90, 255), np.full_like(size, 255)], -1)
        colour = cv2.cvtColor(hue.astype(np.uint8), cv2.COLOR_HSV2RGB)
        grey = np.repeat(change.astype(np.uint8)[..., None], 3, -1)
        rows.append(np.concatenate([onset, apex, grey, colour], 1))
    picture = np.concatenate(rows)
    height, width = picture.shape[:2]
    return cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def animation(plans, path: Path, count: int = 22) -> None:
    """The clips side by side, slowed down about eight times, as a GIF of one palette."""
    import cv2
    from PIL import Image

    from merzoo.data.synthetic.film import film

    columns = []
    for plan in plans:
        frames = list(film(plan, (280, 340))[1])
        picks = np.rint(np.linspace(0, len(frames) - 1, count)).astype(int)
        columns.append(
            [cv2.resize(frames[i], (196, 238), interpolation=cv2.INTER_AREA) for i in picks]
        )
    images = [Image.fromarray(np.concatenate(row, 1)) for row in zip(*columns, strict=True)]
    palette = images[count // 2].quantize(256, kmeans=3, dither=Image.Dither.NONE)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    images[0].save(path, save_all=True, append_images=images[1:], duration=90, loop=0)


def difficulty_table() -> str:
    """The settings of each level and, once measured, the LOSO UF1 of `results/synthetic.csv`.

    That file has the columns difficulty, model, seed and uf1.
    """
    from merzoo.data.synthetic import DIFFICULTIES

    measured = _rows(RESULTS / "synthetic.csv")
    models = sorted({row["model"] for row in measured})
    head = ["difficulty", "amplitude, px", "noise", "drift, px", "apex jitter", "distractors"]
    head += [f"LOSO UF1 of {model}" for model in models]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, level in DIFFICULTIES.items():
        cells = [name, *(f"{value:g}" for value in dataclasses.astuple(level))]
        for model in models:
            values = [
                float(row["uf1"])
                for row in measured
                if (row["difficulty"], row["model"]) == (name, model)
            ]
            spread = f"{min(values):.3f}-{max(values):.3f}" if values else ""
            cells.append(f"{np.mean(values):.3f} ({spread}, {len(values)} seeds)" if values else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def leakage_table() -> str:
    """Both protocols side by side, from `results/leakage.csv`."""
    keys = ["protocol", "folds", "frames", "test_clips_seen_in_training", "accuracy", "uf1"]
    lines = ["| " + " | ".join(keys).replace("_", " ") + " |", "|---" * len(keys) + "|"]
    for row in _rows(RESULTS / "leakage.csv"):
        lines.append("| " + " | ".join(row[key] for key in keys) + " |")
    return "\n".join(lines)


def _rows(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def factor_table() -> str:
    """What may vary in pairs, and how fast they are, from `benchmarks/synthetic.py --rate`."""
    from merzoo.data.synthetic.vary import FACTORS

    lines = ["| factor | |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in FACTORS.items()]
    path = RESULTS / "synthetic_pairs.csv"
    if path.exists():
        (row,) = csv.DictReader(path.open(newline="", encoding="utf-8"))
        lines += [
            "",
            f"From nothing to a `flow_image` of 28 x 28, a second of a core: "
            f"{row['pairs_a_second']} pairs, {row['full_a_second']} full clips, "
            f"ratio {row['ratio']} ({row['clips']} clips, "
            f"{row['processor']}).",
        ]
    return "\n".join(lines)


def write_tables() -> None:
    readme = FOLDER / "README.md"
    text = readme.read_text(encoding="utf-8")
    tables = {"difficulty": difficulty_table, "leakage": leakage_table, "factors": factor_table}
    for name, make in tables.items():
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        table = make()
        text = re.sub(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)
    readme.write_text(text, encoding="utf-8")


def main() -> int:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="only the tables")
    options = parser.parse_args()
    write_tables()
    if options.tables:
        return 0
    plans = clear_clips()
    for name, picture in (("people.png", people()), ("movement.png", movement(plans))):
        cv2.imwrite(str(FOLDER / name), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    animation(plans, FOLDER / "clips.gif")
    return 0


if __name__ == "__main__":
    sys.exit(main())
