"""Two tables of `benchmarks/README.md`: where networks look on real faces, and how sure they are.

From `benchmarks/results/synthetic_to_real_maps.csv` and `..._calibration.csv`, which
`benchmarks/synthetic_to_real.py` writes.
"""

from synthetic_to_real_table import rows_of, told

PARTS = ("brows", "eyes", "nose", "mouth", "face", "border", "rest")
MAPS = {"cam": "Grad-CAM", "occlusion": "occlusion", "motion": "motion itself"}
STARTS = {"zero": "zero-shot, 2,000 clips", "random": "trained on real people", "": ""}


def looked_at() -> str:
    """Share of the maps in each part over its share of the area, of all samples; then by class."""
    rows = rows_of("_maps")
    if not rows:
        return "Not measured yet."
    heads = ["network", "start", "map", *PARTS[:4], "the four", *PARTS[5:], "without any map"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    area = {row["part"]: f"{100 * float(row['area']):.0f} %" for row in rows}
    lines.append("| | | share of the area | " + " | ".join(area[p] for p in PARTS) + " | |")
    for key, found in _grouped(rows).items():
        network, start, way = key
        of_all = {row["part"]: row for row in found if row["class"] == "all"}
        cells = ["" if network == "motion" else network, STARTS[start], MAPS[way]]
        cells += [_ratio(of_all[part]) for part in PARTS]
        empty = of_all["face"]
        lines.append("| " + " | ".join([*cells, f"{empty['empty']} of {empty['maps']}"]) + " |")
    picture = "![where each network looks](results/synthetic_to_real_maps.png)"
    return "\n".join([*lines, "", _by_class(rows), "", picture])


def _grouped(rows: list[dict]) -> dict[tuple[str, str, str], list[dict]]:
    found: dict[tuple[str, str, str], list[dict]] = {}
    for row in rows:
        found.setdefault((row["network"], row["start"], row["map"]), []).append(row)
    return found


def _ratio(row: dict) -> str:
    return f"{float(row['ratio']):.2f} ({float(row['low']):.2f}-{float(row['high']):.2f})"


def _by_class(rows: list[dict]) -> str:
    """Brows and mouth by class."""
    classes = [c for c in dict.fromkeys(row["class"] for row in rows) if c != "all"]
    heads = ["network", "start", "map", *(f"{c}: brows / eyes / mouth" for c in classes)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for (network, start, way), found in _grouped(rows).items():
        value = {(r["class"], r["part"]): f"{float(r['ratio']):.2f}" for r in found}
        cells = ["" if network == "motion" else network, STARTS[start], MAPS[way]]
        cells += [" / ".join(value[c, p] for p in ("brows", "eyes", "mouth")) for c in classes]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


RUNS = {
    "offapexnet-calibrated": "offapexnet, random start in ten folds, `calibrate`",
}


def sure() -> str:
    """Every run as given, and by temperatures."""
    rows = rows_of("_calibration")
    if not rows:
        return "Not measured yet."
    heads = ["run", "seeds", "temperature", "error, 15 bins", "accuracy", "mean confidence"]
    heads.append("confidence less accuracy, 95 %")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [RUNS.get(row["run"]) or told(row["run"]), row["seeds"], row["temperature"]]
        cells += [f"{float(row[name]):.3f}" for name in ("ece", "accuracy", "confidence")]
        value, low, high = (f"{float(row[name]):+.3f}" for name in ("too_sure", "low", "high"))
        lines.append("| " + " | ".join([*cells, f"{value} ({low} to {high})"]) + " |")
    return "\n".join([*lines, "", "![reliability](results/synthetic_to_real_calibration.png)"])
