"""Trained weights: what is known of a file of weights, and loading it into a built model.

Never random weights in place of missing ones: whatever cannot be loaded is an error.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.errors import InputError


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
            InputError: for missing or unknown fields.
        """
        fields = {f.name: f for f in dataclasses.fields(cls)}
        wrong = sorted(set(content) - set(fields)) if isinstance(content, dict) else ["a list"]
        if wrong:
            raise InputError(f"{source}: unknown field {wrong[0]!r} of a weights entry.")
        needed = [n for n, f in fields.items() if f.default is f.default_factory]
        missing = [n for n in needed if n not in content]
        if missing:
            raise InputError(f"{source}: lacks the field {missing[0]!r} of a weights entry.")
        lists = {n: tuple(v) for n, v in content.items() if isinstance(v, list)}
        return cls(**content | lists)


def load(model, weights: str | Path) -> None:
    """Loads a `.weights.h5` file into a model of the same architecture.

    Args:
        model: just built.
        weights: path of the file.

    Raises:
        InputError: if there is no such file, it is damaged, or it holds another network's weights.

    Example:

    >>> import tempfile
    >>> import merzoo
    >>> model = merzoo.create_model("ststnet")
    >>> path = Path(tempfile.mkdtemp()) / "mine.weights.h5"
    >>> model.save_weights(path)
    >>> load(merzoo.create_model("ststnet"), path)
    """
    path = Path(weights)
    if not path.is_file() or not path.name.endswith(".weights.h5"):
        raise InputError(
            f"weights={str(weights)!r}: no such file; give the path of a .weights.h5 file of "
            f"{model.name}, or weights=None for fresh weights."
        )
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be loaded into {model.name}: {line}") from None
