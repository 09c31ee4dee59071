"""Tables of results as text for papers: Markdown and LaTeX (booktabs)."""

from collections.abc import Sequence

import numpy as np

from merzoo.errors import unknown
from merzoo.metrics import (
    CLASSIFY,
    METRICS,
    f1_per_class,
    headline,
    precision_per_class,
    recall_per_class,
)

FORMATS = ("markdown", "latex")

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "Δ": r"$\Delta$",
    "<": "$<$",
}


def as_text(table: tuple[str, list[str], list[list[str]]], form: str) -> str:
    """A table (caption, column names, rows of text) in one of `FORMATS`.

    >>> print(as_text(("A run.", ["data", "UF1"], [["CASME_II", "0.7"]]), "markdown"))
    | data | UF1 |
    |---|---:|
    | CASME_II | 0.7 |
    <BLANKLINE>
    A run.
    >>> print(as_text(("A run.", ["data", "UF1"], [["CASME_II", "0.7"]]), "latex"))
    \\begin{table}
      \\centering
      \\caption{A run.}
      \\begin{tabular}{lr}
        \\toprule
        data & UF1 \\\\
        \\midrule
        CASME\\_II & 0.7 \\\\
        \\bottomrule
      \\end{tabular}
    \\end{table}
    """
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    caption, columns, rows = table
    return (_markdown if form == "markdown" else _latex)(caption, columns, rows)


def results_table(card: dict, metrics: dict) -> tuple[str, list[str], list[list[str]]]:
    """Scores with intervals over all data and by dataset; the caption says what they stand on.

    Metrics that stand in no other table are columns where `metrics` has them.
    """
    beside = [m for m in METRICS.values() if not m.headline and m.name in metrics["full"]]
    columns = ["data", *score_columns(), *(metric.heading for metric in beside)]
    columns += ["subjects", "N " + "/".join(metrics["classes"])]
    parts = [("all", metrics["full"]), *sorted(metrics["by_dataset"].items())]
    if metrics["ensemble"]:
        parts.append((f"all, ensemble of {metrics['seeds']} seeds", metrics["ensemble"]))
    rows = [
        [name, *score_cells(part), *(as_score(part[metric.name]) for metric in beside)]
        + [str(part["subjects"]), "/".join(map(str, part["n_per_class"]))]
        for name, part in parts
    ]
    mean = ", mean over seeds" if metrics["seeds"] > 1 else ""
    caption = (
        f"{card['model']}, {card['protocol']}, {seeds_told(card, metrics)}; scores pooled over "
        f"folds{mean}; 95 % intervals over subjects. Selection: {card['selection']}."
    )
    caption += "".join(f" {metric.label.capitalize()}: {metric.note}." for metric in beside)
    return caption, columns, rows


def seeds_told(card: dict, metrics: dict) -> str:
    """How many seeds a run has, in words.

    >>> seeds_told({}, {"seeds": 3}), seeds_told({"deterministic": True}, {"seeds": 1})
    ('3 seeds', 'deterministic')
    """
    if card.get("deterministic"):
        return "deterministic"
    return f"{metrics['seeds']} seed" + ("s" if metrics["seeds"] > 1 else "")


def score_columns(task: str = CLASSIFY) -> list[str]:
    """Headings of a task's headline metrics; `"95 %"` behind those with intervals.

    >>> score_columns()
    ['UF1', '95 %', 'UAR', '95 %', 'accuracy']
    """
    return [
        column
        for metric in headline(task)
        for column in ([metric.heading, "95 %"] if metric.compared else [metric.heading])
    ]


def score_cells(part: dict, task: str = CLASSIFY) -> list[str]:
    """The cells under `score_columns` of one part of a run's metrics, or of a compared run."""
    cells = []
    for metric in headline(task):
        cells.append(as_score(part[metric.name]))
        if metric.compared:
            cells.append("–".join(map(as_score, part["interval"][metric.name])))
    return cells


def beside_told(metrics: dict) -> list[str]:
    """What a run's scores are to be held against, a line each: the most frequent class alone, and
    its yardstick.

    >>> full = {"n_per_class": [5, 3]}
    >>> none = {"model": "flow-krr", "absent": "the data hold no flow_image"}
    >>> for line in beside_told({"classes": ["no", "yes"], "full": full, "yardstick": none}):
    ...     print(line)
    always no: UF1 0.385, UAR 0.500, accuracy 0.625.
    no yardstick: the data hold no flow_image.
    """
    counts = metrics["full"]["n_per_class"]
    floors = [(metric, metric.floor(counts)) for metric in headline()]
    known = ", ".join(f"{m.label} {floor:.3f}" for m, floor in floors if floor is not None)
    told = [f"always {most_frequent(metrics)}: {known}."]
    found = metrics.get("yardstick")
    if found is None:
        return told
    if "absent" in found:
        return [*told, f"no yardstick: {found['absent']}."]
    scores = ", ".join(
        f"{metric.label} {as_score(found[metric.name])}"
        for metric in headline()
        if metric.name in found
    )
    less = ", ".join(
        f"{METRICS[name].label} {as_difference(by['difference'], by['interval'])}"
        for name, by in found["difference"].items()
        if name in METRICS
    )
    return [*told, f"{found['model']} in the same folds: {scores}; this run less it: {less}."]


def most_frequent(metrics: dict) -> str:
    """The class with the most samples, whose constant answer is the floor of a run's scores."""
    return metrics["classes"][int(np.argmax(metrics["full"]["n_per_class"]))]


def as_difference(value: float, interval: Sequence[float]) -> str:
    """A difference of scores with its 95 % interval.

    >>> as_difference(0.0512, (-0.0123, 0.1147))
    '+0.051 [-0.012, +0.115]'
    """
    return f"{value:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"


def as_score(value: float | None) -> str:
    """Three decimals; `"-"` for what is not known."""
    return "-" if value is None else f"{value:.3f}"


def classes_table(card: dict, metrics: dict) -> tuple[str, list[str], list[list[str]]]:
    """Precision, recall, F1 and AUC of each class over all data, means over seeds; last their means
    over classes, of which that of recall is the UAR, and that of F1 the UF1."""
    matrices = np.array(metrics["full"]["confusion"])  # (R, K, K)
    precision = precision_per_class(matrices).mean(0)
    recall, f1 = recall_per_class(matrices).mean(0), f1_per_class(matrices).mean(0)
    areas = metrics.get("roc_auc") or [None] * len(metrics["classes"])
    rows = []
    for k, name in enumerate(metrics["classes"]):
        area = "" if areas[k] is None else f"{areas[k]:.3f}"
        scores = [f"{values[k]:.3f}" for values in (precision, recall, f1)]
        rows.append([name, str(metrics["full"]["n_per_class"][k]), *scores, area])
    means = [f"{values.mean():.3f}" for values in (precision, recall, f1)]
    rows.append(["mean", str(metrics["full"]["n"]), *means, ""])
    caption = f"{card['model']}: by class. The mean recall is UAR, the mean F1 is UF1."
    return caption, ["class", "N", "precision", "recall", "F1", "AUC"], rows


def _markdown(caption, columns, rows) -> str:
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"

    rule = "|" + "|".join(["---", *["---:"] * (len(columns) - 1)]) + "|"
    return "\n".join([line(columns), rule, *map(line, rows), "", caption])


def _latex(caption, columns, rows) -> str:
    def line(cells):
        return "    " + " & ".join(map(_escape, cells)) + r" \\"

    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{_escape(caption)}}}",
            rf"  \begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
            r"    \toprule",
            line(columns),
            r"    \midrule",
            *map(line, rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def _escape(text) -> str:
    return "".join(_LATEX.get(character, character) for character in str(text))
