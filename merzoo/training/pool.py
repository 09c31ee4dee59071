"""`Pool`: training samples of several sets that stay on disk, and how sets become one.

Sets of full expressions are large and mixed: sequences and single pictures, raw frames and face
crops. Each set is prepared by itself and stays a memory map, so memory does not grow with their
number. The parts that the authors keep for testing are never loaded.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from merzoo.data.clip import Clip
from merzoo.data.datasets import load_named
from merzoo.data.labels import map_labels
from merzoo.errors import InputError
from merzoo.modalities import modality
from merzoo.names import one_spelling, unnamed_sets
from merzoo.preprocessing.arrays import COLUMNS, Arrays
from merzoo.preprocessing.pipeline import prepare

_BLOCK = 512  # samples read from disk at a time
# The authors' own, in small letters.
TEST_SPLITS = ("publictest", "privatetest", "test", "testa", "testb")


@dataclass(frozen=True)
class Pool:
    """Samples of one or more `Arrays` as one list; row i is the same sample in every column.

    Args:
        parts: with the same modalities, shapes and classes.
        left_out: what was not taken, in words -> how many clips.

    Example:

    >>> part = Arrays({"apex": np.zeros((2, 8, 8, 1), "float32")}, [0, 1], ["s1", "s2"],
    ...               ["a", "a"], ["x", "y"], ("no", "yes"))
    >>> pool = Pool((part, replace(part, dataset=["b", "b"], subject=["s1", "s2"])))
    >>> len(pool), pool.subject.tolist(), pool.gather([3, 0])["apex"].shape
    (4, ['a/s1', 'a/s2', 'b/s1', 'b/s2'], (2, 8, 8, 1))
    """

    parts: tuple[Arrays, ...]
    left_out: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        first = self.parts[0]
        for part in self.parts[1:]:
            if part.classes != first.classes or _shapes(part) != _shapes(first):
                what = "classes" if part.classes != first.classes else "shapes"
                raise InputError(
                    f"{part.source} and {first.source} have different {what}: prepare both for "
                    f"one model and one label map."
                )
        for name in COLUMNS:
            column = np.concatenate([getattr(part, name) for part in self.parts])
            object.__setattr__(self, name, column)
        written = [getattr(self, name).tolist() for name in ("dataset", "subject", "clip")]
        dataset, subject, _ = one_spelling(*written)
        object.__setattr__(self, "dataset", np.asarray(dataset))
        object.__setattr__(self, "subject", np.asarray(subject))

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def classes(self) -> tuple[str, ...]:
        return self.parts[0].classes

    @property
    def source(self) -> str:
        return " + ".join(part.source for part in self.parts)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Modality -> shape of one sample."""
        return _shapes(self.parts[0])

    def gather(self, rows) -> dict[str, np.ndarray]:
        """The samples at `rows`: modality -> (len(rows), ...) float32, read from disk now."""
        rows = np.asarray(rows)
        starts = np.cumsum([0, *map(len, self.parts)])
        owner = np.searchsorted(starts, rows, side="right") - 1
        batch = {n: np.empty((len(rows), *s), np.float32) for n, s in self.shapes.items()}
        for number in np.unique(owner):
            here = owner == number
            for name, array in self.parts[number].modalities.items():
                batch[name][here] = array[rows[here] - starts[number]]
        return batch

    def unnamed(self) -> list[str]:
        """Datasets that name no persons: every picture counts as a person of its own."""
        columns = (self.dataset.tolist(), self.subject.tolist(), self.clip.tolist())
        return sorted(unnamed_sets(*columns))

    def seen(self) -> tuple[str, ...]:
        """Every subject of the pool, for `WeightsEntry.subjects`; `"fer2013/*"` where unknown."""
        unnamed = self.unnamed()
        named = self.subject[~np.isin(self.dataset, unnamed)]
        return (*(f"{dataset}/*" for dataset in unnamed), *sorted(set(named.tolist())))

    def groups(self) -> np.ndarray:
        """(N,) text: samples that must not be parted. The person, or, where no person is known,
        the picture, so that equal pictures stay together."""
        found, unnamed = self.subject.astype(object), self.unnamed()
        alone = np.flatnonzero(np.isin(self.dataset, unnamed))
        for start in range(0, len(alone), _BLOCK):
            rows = alone[start : start + _BLOCK]
            for row, *arrays in zip(rows, *self.gather(rows).values(), strict=True):
                digest = hashlib.sha1(usedforsecurity=False)
                for array in arrays:
                    digest.update(array)
                found[row] = digest.hexdigest()
        return found.astype(str)

    def counts(self, rows=slice(None)) -> dict[str, dict[str, int]]:
        """Dataset -> class -> samples among `rows`."""
        found = Counter(zip(self.dataset[rows].tolist(), self.label[rows].tolist(), strict=True))
        names = sorted({dataset for dataset, _ in found})
        return {n: {c: found[n, k] for k, c in enumerate(self.classes)} for n in names}

    def preparation(self) -> list[dict]:
        """How the clips of each part were made into samples; see `Arrays.preparation`."""
        return [part.preparation for part in self.parts if part.preparation]

    def fingerprint(self) -> str:
        """SHA-256 over every value, read part by part."""
        texts = [part.fingerprint() for part in self.parts]
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def read_sources(data, on_error: str = "fail") -> tuple[list[Arrays], list[Clip]]:
    """What `data` names: `Arrays`, clips, text such as `"fer2013:ROOT"`, or a list of these."""
    arrays, clips = [], []
    for item in [data] if isinstance(data, Arrays | Clip | str) else data:
        if isinstance(item, str):
            item = load_named(item, on_error=on_error)
        found = item if isinstance(item, list) else [item]
        arrays += [one for one in found if isinstance(one, Arrays)]
        clips += [one for one in found if isinstance(one, Clip)]
    if not arrays and not clips:
        raise InputError("No data given: use --data KIND:PLACE, such as fer2013:ROOT.")
    return arrays, clips


def without_tests(clips: Sequence[Clip]) -> tuple[list[Clip], dict[str, int]]:
    """The clips outside the authors' own test parts, and how many were left out of each."""
    tests = [clip for clip in clips if (clip.split or "").lower() in TEST_SPLITS]
    kept = [clip for clip in clips if (clip.split or "").lower() not in TEST_SPLITS]
    if tests and not kept:
        raise InputError(
            f"{tests[0].dataset}: only the part {tests[0].split!r} was given, which is kept for "
            f"testing; give the training part."
        )
    return kept, dict(Counter(f"{c.dataset}, test part {c.split}" for c in tests))


def make_pool(
    arrays: Sequence[Arrays],
    clips: Sequence[Clip],
    inputs: dict[str, tuple[int, ...]],
    labels: str,
    *,
    limit: int | None = None,
    seed: int = 0,
    **options,
) -> Pool:
    """Prepares clips, a dataset at a time, and joins them with `Arrays`.

    Args:
        arrays: samples that are prepared already.
        clips: as `read_sources` gives them; the authors' test parts are left out.
        inputs: modality -> shape of one sample.
        labels: label map of the clips.
        limit: take about so many samples, spread over classes and datasets; `None` for all.
        seed: of that choice.
        options: of `merzoo.preprocessing.prepare`.

    Raises:
        InputError: if nothing is left, or the parts do not fit together.
    """
    clips, left_out = without_tests(clips)
    by_dataset: dict[str, list[Clip]] = {}
    for clip in clips:
        by_dataset.setdefault(clip.dataset, []).append(clip)
    share = None if limit is None else max(1, limit // (len(by_dataset) + len(arrays)))
    parts = [_fitting(part, inputs) for part in arrays]
    if share is not None:
        parts = [part.take(_few(part.label, share, seed)) for part in parts]
    for dataset, found in by_dataset.items():
        mapped = map_labels(found, labels, options.get("on_error", "fail"))
        if mapped.failed:
            left_out[f"{dataset}, a label that {labels} does not know"] = len(mapped.failed)
        left_out |= {f"{name}, by the label map": n for name, n in mapped.excluded.items()}
        chosen = [mapped.clips[i] for i in _few(mapped.indices, share, seed)]
        if not chosen:
            raise InputError(f"{dataset}: no clip is left under the label map {labels!r}.")
        parts.append(prepare(chosen, inputs, labels, **options))
    return Pool(tuple(parts), left_out)


def check_still(model: str, inputs, clips: Sequence[Clip]) -> None:
    """Raises `InputError` if single pictures are given to a model that needs motion."""
    needs = [name for name in inputs if not modality(name).still]
    single = next((clip for clip in clips if len(clip.frames) == 1), None)
    if needs and single is not None:
        raise InputError(
            f"{model} takes {', '.join(inputs)}, but {single.dataset} holds single pictures, which "
            f"have no {needs[0]!r}: pretrain a network that takes 'apex' alone (merzoo list)."
        )


def _few(label: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """Rows of about `limit` samples, as even over the classes as there are, in their order.

    >>> _few(np.array([0] * 90 + [1] * 10), 4, 0).size
    4
    """
    if limit is None or limit >= len(label):
        return np.arange(len(label))
    order = np.random.default_rng(seed).permutation(len(label))
    rank = np.zeros(len(label), int)  # the how-manieth of its class each sample is
    for k in set(label.tolist()):
        of_class = order[label[order] == k]
        rank[of_class] = np.arange(len(of_class))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:limit])


def _fitting(part: Arrays, inputs: dict[str, tuple[int, ...]]) -> Arrays:
    """The modalities that are asked for, in the shapes that are asked for."""
    for name, shape in inputs.items():
        if name not in part.modalities:
            raise InputError(
                f"{part.source} holds {', '.join(sorted(part.modalities))}; {name!r} is needed."
            )
        if _shapes(part)[name] != tuple(shape):
            raise InputError(
                f"{part.source} holds {name!r} of shape {_shapes(part)[name]}, but the model takes "
                f"{tuple(shape)}."
            )
    return replace(part, modalities={name: part.modalities[name] for name in inputs})


def _shapes(part: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: tuple(array.shape[1:]) for name, array in part.modalities.items()}
