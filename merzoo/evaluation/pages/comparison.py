"""The page of a comparison, and its tables for papers."""

from pathlib import Path

from merzoo.evaluation.pages import plots
from merzoo.evaluation.pages.paper_tables import score_cells, score_columns
from merzoo.evaluation.scores.paired_tests import subject_accuracies
from merzoo.files import check_folder, write_json, write_text
from merzoo.metrics import CLASSIFY, compared, primary
from merzoo.pages.figures import keep_figures
from merzoo.pages.render import render


def check_comparison(folder: str | Path) -> None:
    """Raises `InputError` for a folder that holds other files, such as a run, or cannot be written
    to."""
    check_folder(folder, file="comparison.json", kind="comparison")


def write_comparison(folder: Path, result: dict, tables: dict[str, dict]) -> Path:
    """Writes `comparison.html`, `comparison.json` and `plots/` into a folder.

    Args:
        folder: made if missing; an earlier comparison in it is replaced.
        result: of `merzoo.compare`.
        tables: run -> its aligned labels and predictions.

    Raises:
        InputError: if the folder holds other files, such as a run.
    """
    check_comparison(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "comparison.json", result)
    svg = keep_figures(_figures(result, tables), folder / "plots")
    path = folder / "comparison.html"
    text = render(
        "comparison.html",
        result=result,
        names=[run["name"] for run in result["runs"]],
        tables=[runs_table(result), differences_table(result), secondary_table(result)],
        svg=svg,
    )
    write_text(path, text)
    return path


def runs_table(result: dict) -> tuple[str, list[str], list[list[str]]]:
    """Scores of each run, and how far it is from the first: a table of ablations."""
    task = result.get("task", CLASSIFY)
    first = primary(task)
    against_first = {
        found["second"]: found[first.name]
        for found in result["comparisons"]
        if found["first"] == result["runs"][0]["name"]
    }
    several = len(result["comparisons"]) > 1
    rows = []
    for run in result["runs"]:
        seeds = "deterministic" if run["deterministic"] else str(run["seeds"])
        row = [run["name"], run["model"], seeds, *score_cells(run, task)]
        found = against_first.get(run["name"])
        row += [f"{found['difference']:+.3f}", as_p(found["p_holm"])] if found else ["", ""]
        rows.append(row)
    caption = (
        f"{result['clips']} clips of {result['subjects']} subjects; 95 % intervals over subjects. "
        f"Δ {first.label} is against the first row; p of a subject-swap permutation test"
        f"{', corrected by Holm' if several else ''}."
    )
    columns = ["run", "model", "seeds", *score_columns(task), f"Δ {first.label}", "p"]
    return caption, columns, rows


def differences_table(result: dict) -> tuple[str, list[str], list[list[str]]]:
    """The primary test of every comparison, on each metric that has one."""
    rows = []
    for found in result["comparisons"]:
        for metric in compared(result.get("task", CLASSIFY)):
            part = found[metric.name]
            interval = "{:+.3f} to {:+.3f}".format(*part["interval"])
            row = [f"{found['second']} − {found['first']}", metric.heading]
            row += [f"{part['difference']:+.3f}", interval, as_p(part["p"]), as_p(part["p_holm"])]
            rows.append([*row, f"{part['detectable']:.3f}"])
    caption = (
        "Subject-swap permutation test on the pooled score. Detectable: the true difference found "
        "with 80 % power at 5 %."
    )
    columns = ["difference", "score", "Δ", "95 %", "p", "p, Holm", "detectable"]
    return caption, columns, rows


def secondary_table(result: dict) -> tuple[str, list[str], list[list[str]]]:
    """The tests that papers print, with what each of them pairs."""
    rows = []
    for found in result["comparisons"]:
        tests = found["secondary"]
        exact, t = tests["mcnemar"], tests["student"]["t"]
        name = f"{found['second']} − {found['first']}"
        counts = f"only first right {exact['only_first_right']}, only second "
        counts += str(exact["only_second_right"])
        pairs = f"{tests['wilcoxon']['pairs']} subjects that differ"
        about = f"{tests['student']['pairs']} subjects" + ("" if t is None else f", t = {t:.2f}")
        rows.append([name, "McNemar, exact", "clip", counts, as_p(exact["p"])])
        rows.append([name, "Wilcoxon", "subject's accuracy", pairs, as_p(tests["wilcoxon"]["p"])])
        rows.append([name, "Student's t", "subject's accuracy", about, as_p(tests["student"]["p"])])
    caption = (
        "Secondary tests, not corrected. McNemar's takes clips as independent; the other two weigh "
        "all subjects the same, whatever their clips."
    )
    return caption, ["difference", "test", "paired unit", "pairs", "p"], rows


def as_p(p: float) -> str:
    """A p-value as papers print it.

    >>> as_p(0.0312), as_p(0.00004)
    ('0.031', '<0.001')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _figures(result: dict, tables: dict[str, dict]) -> dict:
    metric = primary(result.get("task", CLASSIFY))
    runs = [(r["name"], r[metric.name], r["interval"][metric.name]) for r in result["runs"]]
    differences = [
        (f"{c['second']}\n− {c['first']}", c[metric.name]["difference"], c[metric.name]["interval"])
        for c in result["comparisons"]
    ]
    figures = {
        "scores": plots.intervals(runs, f"{metric.label}, 95 % over subjects"),
        "differences": plots.intervals(
            differences, f"difference in {metric.label}, 95 %", zero=True
        ),
    }
    for number, found in enumerate(result["comparisons"], start=1):
        first, second = tables[found["first"]], tables[found["second"]]
        difference = subject_accuracies(second) - subject_accuracies(first)
        figures[f"subjects-{number}"] = plots.subject_differences(
            first["subjects"], difference, "accuracy difference"
        )
    return figures
