"""`WeightsEntry`: what is known of one file of weights."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.errors import InputError

ENTRY_FILE = "weights.json"  # beside the weights that a training run leaves


@dataclass(frozen=True)
class WeightsEntry:
    """What is known of one file of weights: a row of `weights/manifest.json`, or the `weights.json`
    that a training run leaves beside its `model.weights.h5`.

    Args:
        id: `"network.tag"`, such as `"dfrnet.synthetic"`.
        file: name of the `.weights.h5` file, in the folder of the manifest (or of this file).
        sha256, bytes: of that file.
        licence: terms of use, one line.
        trained_on: names of the data, such as `("fer2013",)`.
        subjects: every `"dataset/subject"` that training or validation has seen; `"fer2013/*"` for
            data whose subjects are unknown.
        classes: names of the classes, in order.
        labels: name of the label map.
        model_arguments: arguments of the builder, such as `{"input_shape": [64, 64, 1]}`.
        protocol: how it was trained and chosen, one line.
        metrics: name -> value on data never trained on, with what that data was.
        merzoo_version: that wrote it.
        url: where to download it; `None` for a file that is in the tree.
        preprocessing: choices of `merzoo.preprocessing.parameters` that its samples were made with;
            those that are not named were the defaults.
        golden: outputs on the fixed sample of `merzoo.weights.verify`; empty where none were taken.
    """

    id: str
    file: str
    sha256: str
    bytes: int
    licence: str
    trained_on: tuple[str, ...]
    subjects: tuple[str, ...]
    classes: tuple[str, ...]
    labels: str
    model_arguments: dict = field(default_factory=dict)
    protocol: str = ""
    metrics: dict = field(default_factory=dict)
    merzoo_version: str = ""
    url: str | None = None
    preprocessing: dict = field(default_factory=dict)
    golden: tuple[float, ...] = ()

    @property
    def network(self) -> str:
        """The name of the variant, such as `"dfrnet"`."""
        return self.id.rsplit(".", 1)[0]

    def as_dict(self) -> dict:
        """Plain JSON types."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, content: dict, source: str | Path) -> "WeightsEntry":
        """From `as_dict`'s form; `source` names the file in error messages.

        Raises:
            InputError: for missing or unknown fields, or values of the wrong kind.
        """
        fields = {f.name: f for f in dataclasses.fields(cls)}
        wrong = sorted(set(content) - set(fields)) if isinstance(content, dict) else ["a list"]
        if wrong:
            raise InputError(f"{source}: unknown field {wrong[0]!r} of a weights entry.")
        needed = [n for n, f in fields.items() if f.default is f.default_factory]
        missing = [n for n in needed if n not in content]
        if missing:
            raise InputError(f"{source}: lacks the field {missing[0]!r} of a weights entry.")
        for name, value in content.items():
            if not isinstance(value, _json_types(fields[name].type)):
                raise InputError(f"{source}: the field {name!r} cannot be {value!r}.")
        if Path(content["file"]).name != content["file"]:
            raise InputError(f"{source}: the field 'file' must be a plain name.")
        lists = {n: tuple(v) for n, v in content.items() if isinstance(v, list)}
        return cls(**content | lists)


def _json_types(kind: object) -> tuple[type, ...]:
    """The types that a field's values have in JSON."""
    if kind in (str, int, dict):
        return (kind,)
    return (str, type(None)) if kind == str | None else (list, tuple)


def read_entries(path: Path) -> list[WeightsEntry]:
    """The entries of a manifest (a list), or the one entry of a `weights.json`.

    Raises:
        InputError: for a missing or damaged file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable list of weights ({error}).") from None
    rows = content if isinstance(content, list) else [content]
    return [WeightsEntry.from_dict(row, path) for row in rows]
