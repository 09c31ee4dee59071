"""`Arrays`: samples as arrays, one per modality, with the label, subject, dataset and clip of each.

The form in which data reaches training and evaluation, whatever it was before. `read_arrays` reads
it from an `.npz` file whose keys are modalities (see `merzoo.modalities`) plus
`label`, `subject`, `dataset`, `clip` and, optionally, `classes`, `fitted_on` and `annotated`.
"""

import copy
import hashlib
import importlib
import json
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.limits import read_npz
from merzoo.modalities import MODALITIES
from merzoo.names import check_classes, one_spelling, parted_clips, spellings_told
from merzoo.pages.html_table import html_table
from merzoo.preprocessing.array_checks import (
    as_array,
    check_clips,
    check_fitted,
    check_labels,
    check_lengths,
    check_modality,
    numbered_classes,
    texts,
    whole_numbers,
)
from merzoo.preprocessing.parameters import Preparation
from merzoo.schema import check

COLUMNS = ("label", "subject", "dataset", "clip")
TEXTS = ("classes", "fitted_on", "annotated")  # of all samples together

GRAPHS = "merzoo.training.batches"  # whose `epoch_graph` makes a data graph; it stands above


@dataclass(frozen=True)
class Arrays:
    """Samples as arrays; sample i is row i of every field.

    Args:
        modalities: name -> array (N, ...), in the units of the modality.
        label: (N,) int64 class index, 0..len(classes) - 1.
        subject: (N,) text, `"dataset/subject"`.
        dataset: (N,) text.
        clip: (N,) text, unique within a dataset: where two people's clips have the same name, those
            of that dataset are named `"subject/clip"`.
        classes: names of the classes, in the order of their indices.
        source: where the samples came from, for messages and the protocol file.
        fitted_on: subjects whose samples something in these features was fitted on (a scaler, a
            PCA, a dictionary): `"dataset/subject"` or a pattern such as `"casme2/*"`; empty where
            nothing was fitted.
        preparation: how clips were made into these samples, plain JSON types, as
            `merzoo.preprocessing.preparation` says; empty for samples that came as arrays.
        annotated: what annotation the features were worked out with: `"apex"`, `"action_units"`.

    A person under several spellings (`merzoo.names`) has the first in every row, and a warning says
    which were taken as one.

    Raises:
        InputError: for lengths, shapes, types, labels or names that cannot be right, two classes of
            one name, and values that are NaN or beyond any use (`Modality.usable`).

    Example:

    >>> data = Arrays({"flow_image": np.zeros((2, 28, 28, 3), "float32")}, label=[0, 1],
    ...               subject=["s1", "s2"], dataset=["a", "a"], clip=["x", "y"],
    ...               classes=("negative", "positive"))
    >>> len(data), str(data.subject[0])
    (2, 'a/s1')
    """

    modalities: dict[str, np.ndarray]
    label: np.ndarray
    subject: np.ndarray
    dataset: np.ndarray
    clip: np.ndarray
    classes: tuple[str, ...]
    source: str = "arrays"
    fitted_on: tuple[str, ...] = ()
    annotated: tuple[str, ...] = ()
    preparation: dict = field(default_factory=dict)

    def __post_init__(self):
        for name in COLUMNS[1:]:
            object.__setattr__(self, name, texts(self.source, name, getattr(self, name)))
        for name in TEXTS:
            found = texts(self.source, name, getattr(self, name))
            object.__setattr__(self, name, tuple(np.atleast_1d(found).tolist()))
        arrays = {n: as_array(self.source, n, a) for n, a in dict(self.modalities).items()}
        object.__setattr__(self, "modalities", arrays)
        object.__setattr__(self, "label", whole_numbers(self.source, "label", self.label))
        columns = {name: getattr(self, name) for name in COLUMNS[1:]}
        check_lengths(self.source, len(self.label), columns | arrays)
        self._settle_names()
        check_classes(self.classes, self.source)
        check_labels(self.source, self.label, self.clip, len(self.classes))
        check_clips(self.source, self.dataset, self.clip)
        check_fitted(self.source, self.fitted_on)
        for name, array in arrays.items():
            check_modality(self.source, name, array, self.clip)

    def _settle_names(self) -> None:
        """Gives every person one name, and clips names that are unique in their data set."""
        written = [getattr(self, name).tolist() for name in ("dataset", "subject", "clip")]
        dataset, subject, joined = one_spelling(*written)
        clip = parted_clips(dataset, subject, written[2])
        for name, found in (("dataset", dataset), ("subject", subject), ("clip", clip)):
            object.__setattr__(self, name, np.asarray(found))
        if joined:
            warnings.warn(spellings_told(self.source, joined), stacklevel=4)

    def __len__(self) -> int:
        return len(self.label)

    def take(self, indices) -> "Arrays":
        """The samples at `indices`, as new arrays (a gather: nothing of the others remains)."""
        part = self.with_modalities({n: array[indices] for n, array in self.modalities.items()})
        for name in COLUMNS:
            object.__setattr__(part, name, getattr(self, name)[indices])
        return part

    def with_modalities(self, modalities: dict[str, np.ndarray]) -> "Arrays":
        """The same samples with other modalities, which are not checked (a look at every value)."""
        part = copy.copy(self)
        object.__setattr__(part, "modalities", modalities)
        return part

    def ids(self) -> np.ndarray:
        """(N,) text, `"dataset/clip"`: the name of each sample in splits and findings."""
        return np.char.add(np.char.add(self.dataset, "/"), self.clip)

    def as_dataset(self, batch_size: int = 32, augment=None, seed: int = 0):
        """The samples as a `tf.data.Dataset` that `model.fit` takes: one shuffled pass.

        Iterated again, it gives another order and other augmentations.

        Args:
            batch_size: samples a batch; the last batch holds what is left.
            augment: `None`, `"standard"` (a random flip), or names from
                `AUGMENTATIONS` or `MIXINGS` of `merzoo.preprocessing`, applied in this order.
            seed: of order and augmentation.

        Returns:
            A finite dataset of ({modality: (B, ...) float32}, label (B,)); shares of the classes,
            (B, K), where samples are mixed.

        Raises:
            InputError: for an unknown augmentation or a batch size below 1.

        Example:

        >>> flow = {"flow": np.zeros((3, 8, 8, 3), "float32")}
        >>> data = Arrays(flow, [0, 1, 0], ["s"] * 3, ["d"] * 3, list("abc"), ("no", "yes"))
        >>> [label.shape[0] for _, label in data.as_dataset(batch_size=2, augment="standard")]
        [2, 1]
        """
        graphs = importlib.import_module(GRAPHS)
        return graphs.epoch_graph(self, batch_size=batch_size, augment=augment, seed=seed)

    def fingerprint(self) -> str:
        """SHA-256 over names, labels and every value: the same data gives the same text."""
        digest = hashlib.sha256()
        for name in COLUMNS:
            digest.update("\x1f".join(map(str, getattr(self, name))).encode())
        for name in sorted(self.modalities):
            array = self.modalities[name]
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        digest.update("\x1f".join(self.classes).encode())
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Samples per class, in class order.

        >>> Arrays({}, [0, 0], ["s", "s"], ["a", "a"], ["x", "y"], ("no", "yes")).counts()
        {'no': 2, 'yes': 0}
        """
        found = Counter(self.label.tolist())
        return {name: found[index] for index, name in enumerate(self.classes)}

    def _repr_html_(self) -> str:
        rows = []
        for name in sorted(set(self.dataset.tolist())):
            part = self.with_modalities({}).take(np.flatnonzero(self.dataset == name))
            rows.append([name, len(set(part.subject.tolist())), *part.counts().values(), len(part)])
        shapes = [f"{n} {'x'.join(map(str, a.shape[1:]))}" for n, a in self.modalities.items()]
        columns = ["data set", "subjects", *self.classes, "samples"]
        return html_table(f"{self.source}: {len(self)} samples", columns, rows, ", ".join(shapes))

    def save(self, path: str | Path) -> None:
        """Writes an `.npz` file that `read_arrays` reads."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        texts = {name: np.array(getattr(self, name)) for name in TEXTS if getattr(self, name)}
        if self.preparation:
            texts["preparation"] = np.array(json.dumps(self.preparation))
        np.savez_compressed(path, **self.modalities, **columns, **texts)


def read_arrays(path: str | Path) -> Arrays:
    """Reads samples from an `.npz` file.

    Args:
        path: of a file whose keys are modalities (each (N, ...), numeric) plus `label` (N integers
            from 0), `subject`, `dataset`, `clip` (N texts) and optionally `classes` (K texts),
            `fitted_on` and `annotated` (texts, see `Arrays`).

    Returns:
        `Arrays`, with subjects named `"dataset/subject"`.

    Raises:
        InputError: for a missing or damaged file, one that states more than it holds, missing keys,
            and what `Arrays` refuses; the message names the key and the sample.
    """
    path = Path(path)
    content = read_npz(path)
    missing = [name for name in COLUMNS if name not in content]
    if missing:
        raise InputError(f"{path}: lacks the key {missing[0]!r}; it holds {sorted(content)}.")
    modalities = {name: a for name, a in content.items() if name in MODALITIES}
    if not modalities:
        raise InputError(
            f"{path}: holds no modality; it holds {sorted(content)}, "
            f"and a modality is one of {sorted(MODALITIES)}."
        )
    unread = sorted(set(content) - {*MODALITIES, *COLUMNS, *TEXTS, "preparation"})
    if unread:
        warnings.warn(f"{path}: {unread} are no modalities, and are not read.", stacklevel=2)
    label = whole_numbers(str(path), "label", content["label"])
    classes = content.get("classes")
    if classes is None:
        classes = numbered_classes(str(path), label)
    columns = {name: content[name] for name in COLUMNS[1:]} | {"label": label}
    preparation = _read_preparation(path, content.get("preparation"))
    facts = {name: content[name] for name in TEXTS[1:] if name in content}
    facts |= {"source": str(path), "preparation": preparation}
    return Arrays(modalities, **columns, classes=classes, **facts)


def _read_preparation(path: Path, text) -> dict:
    if text is None:
        return {}
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path}: 'preparation' is no JSON object; remove the key.")
    check(found, Preparation, f"{path}, 'preparation'")
    return found


def join_arrays(parts: list[Arrays]) -> Arrays:
    """Several sources as one, with the modalities and classes that all of them share."""
    first = parts[0]
    for part in parts[1:]:
        if part.classes != first.classes:
            raise InputError(
                f"{part.source} has the classes {part.classes}, {first.source} has "
                f"{first.classes}: choose one label map for both."
            )
    names = [n for n in first.modalities if all(n in p.modalities for p in parts)]
    modalities = {n: np.concatenate([p.modalities[n] for p in parts]) for n in names}
    columns = {n: np.concatenate([getattr(p, n) for p in parts]) for n in COLUMNS}
    source = " + ".join(p.source for p in parts)
    facts = {n: tuple(dict.fromkeys(t for p in parts for t in getattr(p, n))) for n in TEXTS[1:]}
    facts["preparation"] = _joined_preparation([p.preparation for p in parts if p.preparation])
    return Arrays(modalities, **columns, classes=first.classes, source=source, **facts)


def _joined_preparation(parts: list[dict]) -> dict:
    """What is said of all parts; `parameters` where they were the same, else a list of them.

    Tables by data set are put together, counts of the same data set added up, lists joined.
    """
    if not parts:
        return {}
    parameters = [part.get("parameters", {}) for part in parts]
    same = all(one == parameters[0] for one in parameters)
    joined: dict = {"parameters": parameters[0] if same else parameters}
    for name in dict.fromkeys(n for part in parts for n in part if n != "parameters"):
        of_parts = [part[name] for part in parts if name in part]
        if isinstance(of_parts[0], list):
            joined[name] = [row for rows in of_parts for row in rows]
        else:
            joined[name] = _joined_tables(of_parts)
    return joined


def _joined_tables(tables: list[dict]) -> dict:
    """Data set -> a word, or counts by kind, of several parts."""
    joined: dict = {}
    for table in tables:
        for dataset, value in table.items():
            if isinstance(value, dict):
                row = joined.setdefault(dataset, {})
                for kind, count in value.items():
                    row[kind] = row.get(kind, 0) + count
            elif joined.setdefault(dataset, value) != value:
                joined[dataset] = f"{joined[dataset]}, {value}"
    return joined
