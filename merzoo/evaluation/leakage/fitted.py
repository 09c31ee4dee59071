"""Numbers fitted on tested samples: what the data say of themselves, the traces that scalers and
PCA leave in samples, and constants of code that are statistics of all samples.

A scaler that was fitted on a set makes some statistic over that set exactly equal for all numbers
of a sample, and PCA makes them exactly uncorrelated; measured numbers never are.
"""

from collections.abc import Iterator

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.names import dataset_key, known_people, plain_subject

KIND = "features fitted before the split"
_FEATURES = 4096  # of each modality that are looked at
_FEW = 8  # samples, and different numbers of each, below which nothing is said
_EQUAL = 1e-4  # of the spread over samples, within which statistics are equal
_COMPONENTS = 64  # numbers of each sample whose correlations are looked at
_RANGES: tuple[tuple[float, float], ...] = ((0, 1), (0, 255), (-1, 1))  # to which values are scaled
_AXES = 8  # vectors of an array that are tried as principal components
_SCALES = (1.0, 1 / 255)  # of samples before a constant was worked out


def declared_features(sides: Sides) -> list[Finding]:
    """Features whose samples say that something was fitted on people who are tested."""
    subjects = sides.data.subject
    seen = known_people(subjects[sides.tested].tolist(), sides.data.fitted_on)
    if not seen:
        return _strangers(sides)
    message = (
        f"something in these features was fitted on {len(seen)} subjects that are tested: "
        f"{some(seen)}. Fit it inside each fold."
    )
    return [Finding(KIND, "error", message, sides.names(np.isin(subjects, seen) & sides.tested))]


def _strangers(sides: Sides) -> list[Finding]:
    """People of these data sets that something was fitted on, and whom nobody here is."""
    data = sides.data
    sets = {dataset_key(name) for name in np.unique(data.dataset).tolist()}
    near = [name for name in data.fitted_on if dataset_key(name.partition("/")[0]) in sets]
    known = {plain_subject(name) for name in np.unique(data.subject).tolist()}
    far = [n for n in near if plain_subject(n) not in known and not known_people(known, [n])]
    if not far:
        return []
    message = (
        f"something in these features was fitted on {len(far)} people whom the data do not hold: "
        f"{some(far)}. If they are here under other names, give 'fitted_on' the names of the data."
    )
    return [Finding(KIND, "warning", message)]


def fitted_inputs(sides: Sides) -> list[Finding]:
    """Modalities in which a scaler or PCA over tested samples too has left its trace."""
    data, findings = sides.data, []
    sets = {f" of {name}": data.dataset == name for name in np.unique(data.dataset)}
    whole = {" over all samples": np.ones(len(data), bool)}
    for name, array in data.modalities.items():
        for where, rows in (whole | (sets if len(sets) > 1 else {})).items():
            if rows.sum() < _FEW or not (rows & sides.tested).any():
                continue
            trace = _trace(array[rows] if where in sets else array, data.label[rows])
            parts = (train & rows for train in sides.train)
            if trace and not all(_trace(array[part], data.label[part]) for part in parts):
                message = (
                    f"{name!r}{where}: {trace}, so something was fitted on the tested ones too. "
                    f"Do it inside the model or each fold."
                )
                samples = sides.names(rows & sides.tested)
                findings.append(Finding(KIND, "warning", message, samples))
                break
    return findings


def _trace(array: np.ndarray, label: np.ndarray) -> str:
    """What shows that numbers of (N, ...) were fitted on all of these samples; else empty."""
    if array.dtype.kind != "f" and array.dtype.kind not in "ui":
        return ""
    scopes = [array.reshape(len(array), -1)]
    if array.ndim > 2 and 1 < array.shape[-1] <= 8:
        scopes += [array[..., c].reshape(len(array), -1) for c in range(array.shape[-1])]
    for scope in scopes:
        start = max(0, (scope.shape[1] - _FEATURES) // 2)
        columns = _different(np.asarray(scope[:, start : start + _FEATURES], "float64"))
        found = _equal_statistics(columns) or _uncorrelated(scope, label)
        if found:
            return found
    return "values are scaled to the least and largest of all" if _one_range(array) else ""


def _different(columns: np.ndarray) -> np.ndarray:
    """The columns that vary, each once."""
    columns = columns[:, columns.std(0) > 1e-9]
    probe = np.random.default_rng(0).normal(size=len(columns)) @ columns
    return columns[:, np.unique(np.round(probe, 9), return_index=True)[1]]


def _equal_statistics(columns: np.ndarray) -> str:
    if columns.shape[1] < _FEW:
        return ""
    spread, mean = columns.std(0), columns.mean(0)
    low, high = columns.min(0), columns.max(0)
    if (np.abs(mean - np.median(mean)) < _EQUAL * spread).all():
        return f"the mean of every value is {np.median(mean):.3g}"
    if np.ptp(spread) < _EQUAL * spread.mean():
        return f"the spread of every value is {spread.mean():.3g}"
    near = 1e-6 * (high - low)
    if np.ptp(low) < near.min() and np.ptp(high) < near.min():
        ends = [(columns <= low + near).sum(0), (columns >= high - near).sum(0)]
        if all(_reached_by_few(hits) for hits in ends):
            return f"every value reaches from {low.min():.3g} to {high.max():.3g}"
        ordered = np.sort(columns, 0)
        if (np.ptp(ordered, axis=1) <= near.min()).all() and (np.diff(ordered, axis=0) > 0).all():
            return "every value takes the same numbers, as ranks do"
    quarter, half, three = np.quantile(columns, (0.25, 0.5, 0.75), axis=0)
    width = three - quarter
    alike = (width > 0).all() and np.ptp(width) < _EQUAL * width.mean()
    if alike and (np.abs(half - np.median(half)) < _EQUAL * width).all():
        return "the median and the quartiles of every value are the same"
    return ""


def _reached_by_few(hits: np.ndarray) -> bool:
    """Whether that many samples at the end of its range are too few for every value to have some
    there by chance, as values that were cut off at it have."""
    missed = np.exp(-hits.mean())
    return bool((hits == 1).all() or len(hits) * np.log1p(-missed) < np.log(1e-4))


def _uncorrelated(scope: np.ndarray, label: np.ndarray) -> str:
    """Whether numbers are uncorrelated over all samples, or within the classes."""
    columns = _first_varied(scope)
    for rest, what in ((columns - columns.mean(0), ""), (_within(columns, label), " in classes")):
        norm = np.sqrt((rest**2).sum(0))
        rest = rest[:, norm > 1e-9] / norm[norm > 1e-9]
        if rest.shape[1] < 4 or rest.shape[1] > len(rest) - 2:
            continue
        pairs = np.abs(rest.T @ rest)[np.triu_indices(rest.shape[1], 1)]
        if (pairs < _EQUAL).mean() > 0.9 and np.abs(rest).max() < 0.999:
            return f"its numbers are exactly uncorrelated{what}"
    return ""


def _first_varied(scope: np.ndarray) -> np.ndarray:
    """(N, up to 64) the first numbers of samples that vary."""
    most = min(_COMPONENTS, len(scope) - 2)
    varied = np.flatnonzero((scope[:, :_FEATURES] != scope[:1, :_FEATURES]).any(0))[:most]
    return np.asarray(scope[:, varied], "float64")


def _within(columns: np.ndarray, label: np.ndarray) -> np.ndarray:
    means = np.stack([columns[label == k].mean(0) for k in np.unique(label)])
    return columns - means[np.unique(label, return_inverse=True)[1]]


def _one_range(array: np.ndarray) -> bool:
    """Whether all values together were scaled to a range: each end is reached by one of them."""
    if array.dtype.kind != "f":
        return False
    ends = (float(array.min()), float(array.max()))
    if ends not in _RANGES or [int((array == end).sum()) for end in ends] != [1, 1]:
        return False
    steps = np.asarray(array.reshape(-1)[:_FEATURES], "float64") * (255 if ends[1] == 1 else 1)
    return bool((np.abs(steps - np.rint(steps)) > 1e-3).mean() > 0.5)


def fitted_constants(sides: Sides, numbers: dict[str, np.ndarray]) -> list[Finding]:
    """Constants of callbacks, builders and fresh models that are statistics of all samples.

    Args:
        sides: of the split.
        numbers: where it was found -> array.
    """
    found: dict[str, list[str]] = {}
    for name, array in sides.data.modalities.items():
        if array.dtype.kind not in "uif":
            continue
        statistics = _Statistics(sides, array)
        for where, constant in numbers.items():
            what = statistics.known(np.asarray(constant))
            if what:
                found.setdefault(f"the {what} of {name!r}", []).append(where)
    return [
        Finding(
            KIND,
            "error",
            f"{some(places)} holds {what} over all samples, tested ones too. Work it out in each "
            f"fold from its training samples.",
            sides.names(sides.tested),
        )
        for what, places in found.items()
    ]


class _Statistics:
    """Statistics of a modality over all samples, and over the training part of a fold."""

    def __init__(self, sides: Sides, array: np.ndarray):
        self.sides, self.array = sides, array
        self.rows = np.flatnonzero((sides.train | sides.test).any(0))
        shape = array.shape[1:]
        self.size, self.channels = int(np.prod(shape)), shape[-1] if len(shape) > 1 else 1
        self._whole: dict[int, list[tuple[str, np.ndarray, np.ndarray]]] = {}

    def known(self, constant: np.ndarray) -> str:
        """Which statistic of all samples a constant is, and not of every training part."""
        if constant.dtype.kind not in "uif" or not constant.size:
            return ""
        flat = constant.astype("float64").ravel()
        if not np.isfinite(flat).all():
            return ""
        for what, value, spread in self._of(self.rows, flat.size):
            for scale in _SCALES:
                near = (_EQUAL if flat.size > 2 else 0.1 * _EQUAL) * scale * spread + 1e-12
                known = (np.abs(flat - scale * value) <= near).all() and not _round(flat / scale)
                if known and self._differs(what, flat.size, flat / scale, near / scale):
                    return what
        return self._component(constant)

    def _differs(self, what: str, size: int, value, near) -> bool:
        """Whether the training part of some fold has another value of this statistic."""
        for fold in self.sides.folds:
            trained = {w: v for w, v, _ in self._of(fold.train, size)}
            if what in trained and (np.abs(trained[what] - value) > 3 * near).any():
                return True
        return False

    def _of(self, rows, size: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """(what, value, spread over samples) of statistics that are so many numbers."""
        if rows is self.rows and size in self._whole:
            return self._whole[size]
        found = []
        if size in (1, self.channels, self.size):
            found = list(self._worked_out(rows, size))
        if rows is self.rows:
            self._whole[size] = found
        return found

    def _worked_out(self, rows, size: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        part = self.array[rows]
        values = part.reshape(-1, size)
        mean = values.mean(0, dtype="float64")
        spread = np.sqrt(np.maximum((np.square(values, dtype="float64")).mean(0) - mean**2, 0))
        yield "mean", mean, spread
        yield "standard deviation", spread, spread
        yield "variance", spread**2, np.maximum(spread**2, 1e-12)
        if (spread > 1e-9).all():
            yield "inverse of the standard deviation", 1 / spread, 1 / spread
            yield "mean over the standard deviation", mean / spread, np.ones(size)
            yield "mean over the standard deviation", -mean / spread, np.ones(size)
        yield "least value", values.min(0).astype("float64"), spread
        yield "largest value", values.max(0).astype("float64"), spread
        if size == self.size:
            label = self.sides.data.label[rows]
            for k in np.unique(label):
                yield f"mean of class {k}", values[label == k].mean(0, dtype="float64"), spread

    def _component(self, constant: np.ndarray) -> str:
        """Whether vectors in an array are principal components of all samples."""
        if self.size < 16 or constant.size < self.size or constant.size % self.size:
            return ""
        if constant.ndim > 1 and constant.shape[0] == self.size:
            vectors = constant.reshape(self.size, -1).T
        elif constant.shape[-1] == self.size or constant.shape[1:] == self.array.shape[1:]:
            vectors = constant.reshape(-1, self.size)
        else:
            return ""
        vectors = np.asarray(vectors[:_AXES], "float64")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors[norms[:, 0] > 1e-9] / norms[norms[:, 0] > 1e-9]
        if not len(vectors):
            return ""
        whole = self._residual(self.rows, vectors)
        good = whole < 1e-3
        if good.sum() < 1:
            return ""
        folds = (self._residual(f.train, vectors[good]) for f in self.sides.folds)
        return "principal components" if any((r > 3e-3).any() for r in folds) else ""

    def _residual(self, rows, vectors) -> np.ndarray:
        """(V,) how far vectors are from being turned by the covariance: 0 for its components."""
        part = np.asarray(self.array[rows].reshape(len(rows), -1), "float32")
        part = part - part.mean(0)
        turned = (vectors.astype("float32") @ part.T @ part).astype("float64")
        along = (turned * vectors).sum(1, keepdims=True)
        size = np.linalg.norm(turned, axis=1)
        rest = np.linalg.norm(turned - along * vectors, axis=1)
        return np.where(size > 1e-6, rest / np.maximum(size, 1e-12), 1.0)


def _round(values: np.ndarray) -> bool:
    """Whether all are numbers that people write: three digits at most, or halves."""
    return all(float(f"{v:.3g}") == v or (abs(v) < 1000 and 2 * v == round(2 * v)) for v in values)
