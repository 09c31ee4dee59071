"""What the files in the folder of a run hold: types that they are checked against when read back.

Fields that are not named here are kept as they are: a run of another version of merzoo may have
more of them.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from merzoo.errors import InputError
from merzoo.metrics import compared, headline
from merzoo.preprocessing.parameters import Preparation
from merzoo.schema import check, read_json

HINT = "run the evaluation again"

_Texts = Annotated[list[str], Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=0)]
_Seeds = Annotated[int, Meta(ge=1)]
_Interval = tuple[float, float]


class Data(TypedDict):
    """`data` of `protocol.json`."""

    samples: _Count
    subjects: _Count
    classes: _Texts
    samples_per_class: NotRequired[dict[str, _Count]]
    fingerprint: NotRequired[str]
    preparation: NotRequired[Preparation | None]


class Engine(TypedDict):
    """`engine` of `protocol.json`."""

    name: str
    why: NotRequired[str]


class Earlier(TypedDict):
    """One of `resumed` of `protocol.json`: under what a part of the run was made before."""

    versions: dict[str, str | None] | None
    date: NotRequired[str | None]
    engine: NotRequired[Engine | None]


class Surroundings(TypedDict):
    """`surroundings` of `protocol.json`."""

    date: str
    command: NotRequired[str | None]


class Start(TypedDict):
    """`start` of `rerun`: the arguments of `merzoo.training.pretrained.find_start`."""

    pretrained: str
    network: str
    freeze: NotRequired[str | None]
    trunk_rate: NotRequired[Annotated[float, Meta(gt=0)]]


class Rerun(TypedDict):
    """`rerun` of `protocol.json`: the arguments of `merzoo.evaluate`."""

    model: str | None
    data: list[str] | None
    labels: str | None
    selection: str
    subjects: list[str] | None
    engine: str
    cache_backbone: bool
    calibrate: NotRequired[bool]
    start: Start | None
    callbacks: _Count


class _Card(TypedDict):
    """What every `protocol.json` holds."""

    model: str
    protocol: str
    selection: str
    source: str
    data: Data
    versions: dict[str, str | None]
    seeds: _Seeds
    model_arguments: NotRequired[dict[str, Any] | None]
    preprocessing: NotRequired[dict[str, Any] | list[dict[str, Any]] | None]
    labels: NotRequired[str | dict[str, Any]]
    held_out_subjects: NotRequired[str | list[str]]
    split_fingerprint: NotRequired[str]
    folds: NotRequired[_Count]
    backend: NotRequired[str]
    engine: NotRequired[Engine | None]
    threads: NotRequired[dict[str, Any]]
    surroundings: NotRequired[Surroundings]
    resumed: NotRequired[list[Earlier]]
    task: NotRequired[str]
    units: NotRequired[_Texts]


class UnitRow(TypedDict):
    """One action unit of a part of `metrics.json`."""

    name: str
    present: _Count
    subjects: _Count
    prevalence: float
    f1: float
    f1_interval: _Interval
    auc: float | None
    auc_interval: _Interval | None
    accuracy: float
    always_absent: float
    always_present: float
    graded: NotRequired[int]
    intensity_correlation: NotRequired[float | None]


class UnitPart(TypedDict):
    """Scores of some samples of a run of action units."""

    macro_f1: float
    auc: float | None
    macro_f1_spread: float
    n: _Count
    subjects: _Count
    per_seed: Annotated[list[dict[str, float | None]], Meta(min_length=1)]
    interval: dict[str, _Interval]
    units: Annotated[list[UnitRow], Meta(min_length=1)]
    confusion: Annotated[list[list[list[list[_Count]]]], Meta(min_length=1)]


class UnitMetrics(TypedDict):
    """`metrics.json` of a run of action units."""

    task: Literal["au"]
    classes: _Texts
    seeds: _Seeds
    full: UnitPart
    by_dataset: dict[str, UnitPart]
    ensemble: UnitPart | None
    calibration: NotRequired[Any]
    warnings: list[str]


class Card(_Card):
    """`protocol.json`."""

    recipe: NotRequired[dict[str, Any] | None]


class RerunCard(_Card):
    """`protocol.json` of a run that is to be run again."""

    recipe: dict[str, Any]
    rerun: Rerun


class TaskRerun(TypedDict):
    """`rerun` of spotting: the first arguments of `merzoo.evaluation.tasks.run_task`."""

    task: str
    model: str
    data: list[str]
    subjects: NotRequired[list[str] | None]
    parameters: NotRequired[dict[str, Any] | None]
    labels: NotRequired[str | None]


class Recogniser(TypedDict):
    """`recogniser` of a run of spotting."""

    recipe: dict[str, Any]


class RerunTaskCard(TypedDict):
    """`protocol.json` of a run of spotting that is to be run again."""

    protocol: str
    rerun: TaskRerun
    seeds: NotRequired[_Seeds]
    recipe: NotRequired[dict[str, Any] | None]
    recogniser: NotRequired[Recogniser]


class Calibration(TypedDict):
    """`calibration` of `metrics.json`."""

    temperature: tuple[float, float, float]
    ece_before: float
    ece: float
    coverage: float
    accuracy: float
    accuracy_known: float | None
    chosen: NotRequired[dict[str, float]]


class Part(TypedDict):
    """Scores of some samples, in `metrics.json`; beside these the metrics by their names."""

    n: _Count
    n_per_class: list[_Count]
    subjects: _Count
    per_seed: Annotated[list[dict[str, float | None]], Meta(min_length=1)]
    interval: dict[str, _Interval]
    confusion: Annotated[list[list[list[_Count]]], Meta(min_length=1)]
    uf1_spread: float


class BySubject(TypedDict):
    """`by_subject` of `metrics.json`."""

    protocol: str
    interval: dict[str, _Interval]


class Difference(TypedDict):
    """Of a metric: the run less its yardstick."""

    difference: float
    interval: _Interval
    p: float
    detectable: float


class Yardstick(TypedDict):
    """`yardstick` of `metrics.json`: with `absent` the reason why there is none, else the metrics
    by their names and all other fields."""

    model: str
    absent: NotRequired[str]
    interval: NotRequired[dict[str, _Interval]]
    n: NotRequired[_Count]
    difference: NotRequired[dict[str, Difference]]


class Metrics(TypedDict):
    """`metrics.json`."""

    classes: _Texts
    seeds: _Seeds
    full: Part
    by_dataset: dict[str, Part]
    ensemble: Part | None
    roc_auc: NotRequired[list[float | None] | None]
    ece: NotRequired[float | None]
    calibration: NotRequired[Calibration | None]
    warnings: list[str]
    by_subject: NotRequired[BySubject]
    yardstick: NotRequired[Yardstick]


class Floor(TypedDict):
    """`floor` of a rule in `oracle.json`."""

    uf1: float
    low: float
    high: float


class Rule(TypedDict):
    """A rule of `oracle.json`."""

    uf1: float
    gap: float
    epochs_chosen: list[Any]
    floor: Floor


class Oracle(TypedDict):
    """`oracle.json`."""

    about: str
    epochs: _Seeds
    honest: dict[str, float]
    rules: dict[str, Rule]
    uf1_by_epoch: list[Annotated[list[float], Meta(min_length=1)]]


def read_metrics(path: Path) -> dict:
    """The content of `metrics.json`.

    Raises:
        InputError: for a damaged file, or lists that are not as long as there are classes.
    """
    metrics = read_json(path, Metrics, HINT)
    classes = len(metrics["classes"])
    parts = {"full": metrics["full"], "ensemble": metrics["ensemble"]}
    parts |= {f"by_dataset.{name}": part for name, part in metrics["by_dataset"].items()}
    lists = {"roc_auc": metrics.get("roc_auc")}
    for name, part in parts.items():
        if part is None:
            continue
        lists[f"{name}.n_per_class"] = part["n_per_class"]
        for seed, matrix in enumerate(part["confusion"]):
            place = f"{name}.confusion[{seed}]"
            lists |= {place: matrix} | {f"{place}[{k}]": row for k, row in enumerate(matrix)}
        _check_numbers(path, name, part, metrics["full"])
    if "by_subject" in metrics:
        _check_numbers(path, "by_subject", metrics["by_subject"], metrics["full"])
    if "absent" not in metrics.get("yardstick", {"absent": ""}):
        _check_yardstick(path, metrics["yardstick"], metrics["full"])
    for place, values in lists.items():
        if values is not None and len(values) != classes:
            raise InputError(
                f"{path}: the field {place!r} has {len(values)} values, but there are {classes} "
                f"classes; {HINT}."
            )
    return metrics


def read_unit_metrics(path: Path) -> dict:
    """The content of `metrics.json` of a run of action units.

    Raises:
        InputError: for a damaged file, or a part of other units than the run's.
    """
    metrics = read_json(path, UnitMetrics, HINT)
    parts = {"full": metrics["full"], "ensemble": metrics["ensemble"]}
    parts |= {f"by_dataset.{name}": part for name, part in metrics["by_dataset"].items()}
    for name, part in parts.items():
        if part is not None and [row["name"] for row in part["units"]] != metrics["classes"]:
            raise InputError(f"{path}: the field '{name}.units' is of other units; {HINT}.")
    return metrics


def _check_numbers(path: Path, place: str, part: dict, full: dict) -> None:
    """The metrics of all samples are there of a part too, as numbers, and their intervals."""
    for metric in headline():
        if metric.name in full:
            kind = float | None if metric.of_matrix is None else float
            _check_has(path, place, part, metric.name, kind)
            if metric in compared():
                _check_has(path, f"{place}.interval", part["interval"], metric.name, _Interval)


def _check_yardstick(path: Path, part: dict, full: dict) -> None:
    for name in ("interval", "difference"):
        if name not in part:
            raise InputError(f"{path}: lacks the field 'yardstick.{name}'; {HINT}.")
    _check_numbers(path, "yardstick", part, full)
    for metric in compared():
        if metric.name in full:
            place = "yardstick.difference"
            _check_has(path, place, part["difference"], metric.name, Difference)


def _check_has(path: Path, place: str, part: dict, name: str, kind: Any) -> None:
    if name not in part:
        raise InputError(f"{path}: lacks the field '{place}.{name}'; {HINT}.")
    check({f"{place}.{name}": part[name]}, dict[str, kind], path, HINT)
