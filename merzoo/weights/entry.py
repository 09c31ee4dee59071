"""`WeightsEntry`: what is known of one file of weights."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from merzoo.errors import InputError
from merzoo.schema import check, read_json

ENTRY_FILE = "weights.json"  # beside the weights that a training run leaves
WEIGHTS_FILE = "model.weights.h5"
REAL = "real faces, "  # begins the names of `metrics` that tell what weights of invented ones reach


class EntryConfidence(TypedDict):
    """`confidence` of an entry."""

    temperature: Annotated[float, Meta(gt=0)]
    threshold: Annotated[float, Meta(ge=0)]
    people: NotRequired[Annotated[int, Meta(ge=0)]]
    answers: NotRequired[Annotated[int, Meta(ge=0)]]


@dataclass(frozen=True)
class WeightsEntry:
    """What is known of one file of weights: a row of `merzoo/weights/files/manifest.json`, or the
    `weights.json` that a training run leaves beside its `model.weights.h5`.

    Args:
        id: `"network.tag"`, such as `"dfrnet.synthetic"`.
        file: name of the `.weights.h5` file, in one of `merzoo.weights.manifest.places`, or in the
            folder of a training run.
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
        url: where to download it, `https://...` or `hf://OWNER/REPOSITORY/FILE`; `None` for a file
            that comes with merzoo, or of a training run.
        preprocessing: choices of `merzoo.preprocessing.parameters` that its samples were made with;
            those that are not named were the defaults.
        golden: outputs on the fixed sample of `merzoo.weights.verify`; empty where none were taken.
        confidence: the temperature and the threshold, chosen on answers about people who were not
            trained on: inner people in an evaluation of the same recipe, or real ones for weights
            of invented faces (see `merzoo.training.confidence`); `None` where its confidence is as
            the network says it.
    """

    id: Annotated[str, Meta(pattern=r".\..", description="NETWORK.TAG")]
    file: Annotated[str, Meta(pattern=r"^[^/\\]+$", description="a plain name of a file")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="64 hexadecimal digits")]
    bytes: Annotated[int, Meta(ge=0)]
    licence: str
    trained_on: tuple[str, ...]
    subjects: tuple[str, ...]
    classes: Annotated[tuple[str, ...], Meta(min_length=1)]
    labels: str
    model_arguments: dict = field(default_factory=dict)
    protocol: str = ""
    metrics: dict = field(default_factory=dict)
    merzoo_version: str = ""
    url: str | None = None
    preprocessing: dict = field(default_factory=dict)
    golden: tuple[float, ...] = ()
    confidence: EntryConfidence | None = None

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
        check(content, cls, source)
        wrong = sorted(set(content) - {f.name for f in dataclasses.fields(cls)})
        if wrong:
            raise InputError(f"{source}: unknown field {wrong[0]!r} of a weights entry.")
        lists = {n: tuple(v) for n, v in content.items() if isinstance(v, list)}
        return cls(**content | lists)


def size_and_hash(file: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file, as an entry has them."""
    with file.open("rb") as content:
        return file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest()


def read_entries(path: Path) -> list[WeightsEntry]:
    """The entries of a manifest.

    Raises:
        InputError: for a missing or damaged file.
    """
    rows = read_json(path, list)
    return [WeightsEntry.from_dict(row, f"{path}, entry {n}") for n, row in enumerate(rows, 1)]


def read_entry(path: Path) -> WeightsEntry:
    """The entry that a `weights.json` is.

    Raises:
        InputError: for a missing or damaged file.
    """
    return WeightsEntry.from_dict(read_json(path), path)
