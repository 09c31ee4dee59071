"""Label maps as data: from the emotion that a dataset annotates to the classes of a protocol.

A map is a table per dataset, `annotated emotion -> class`, or `None` for clips that the protocol
leaves out. A label that is in no table is an error, because a misspelt "hapiness" would otherwise
silently shrink a class; what a table leaves out is counted. The composite's three classes follow
MEGC 2019 (See et al. 2019), the objective classes Davison et al. 2018, the macro-expression classes
Table 2 of the dense mixed-attention paper.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from merzoo.arguments import class_names
from merzoo.data.clip import Clip
from merzoo.data.unit_labels import is_unit_labels, unit_classes, wanted_units
from merzoo.errors import InputError, unknown
from merzoo.names import dataset_key

# Spellings of one emotion that occur in the files of one dataset or of another.
SPELLINGS = MappingProxyType(
    {
        "other": "others",
        "happy": "happiness",
        "sad": "sadness",
        "angry": "anger",
        "surprised": "surprise",
        "fearful": "fear",
        "disgusted": "disgust",
    }
)

# The table of any dataset that a map does not name stands under this key.
ANY = "any dataset"

NO_LABEL = "(no label)"


@dataclass(frozen=True)
class LabelMap:
    """One protocol's classes and how each dataset's emotions fall into them.

    Args:
        name: of the map, such as `"megc3"`.
        classes: names of the classes, in the order of their indices.
        tables: dataset -> {emotion in small letters: class, or `None` to leave the clip out};
            the key `ANY` serves the datasets that are not named.
        reads: the field of `Clip` that is looked up, `"label"`, `"objective_class"` or
            `"action_units"`.
        about: one line that says where the map comes from.
    """

    name: str
    classes: tuple[str, ...]
    tables: Mapping[str, Mapping[str, str | None]]
    reads: str = "label"
    about: str = ""

    def __post_init__(self):
        if self.classes:
            class_names(self.classes, f"label map {self.name!r}")
        for dataset, table in self.tables.items():
            for emotion, name in table.items():
                if name is not None and name not in self.classes:
                    raise InputError(
                        f"label map {self.name!r}: {dataset} maps {emotion!r} to {name!r}, "
                        f"which is none of its classes {self.classes}."
                    )

    def table(self, dataset: str) -> Mapping[str, str | None]:
        """The table that serves `dataset`; raises `InputError` if the map is not for it."""
        if not self.serves(dataset):
            raise InputError(
                f"The label map {self.name!r} is for {', '.join(sorted(self.tables))}, not for "
                f"{dataset!r}; choose one of {', '.join(maps_for(dataset))}."
            )
        known = {dataset_key(name): table for name, table in self.tables.items()}
        return self.tables.get(dataset, known.get(dataset_key(dataset), self.tables.get(ANY, {})))

    def serves(self, dataset: str) -> bool:
        """Whether the map has a table for `dataset`, however its name is spelt.

        >>> LABEL_MAPS["samm-5"].serves("SAMM"), LABEL_MAPS["samm-5"].serves("casme2")
        (True, False)
        """
        return ANY in self.tables or dataset_key(dataset) in map(dataset_key, self.tables)


@dataclass(frozen=True)
class MappedLabels:
    """Clips with their class indices under one label map.

    Args:
        indices: (N,) int64, the class of each kept clip.
        classes: names of the classes.
        clips: the N clips that are kept, in the order given.
        excluded: `"dataset/emotion"` -> number of clips that the map leaves out.
        name: of the label map.
        failed: (`"dataset clip"`, reason) of clips whose label the map does not know, where those
            are skipped.
        note: what a reader must know of the classes, such as which action units are scored.
    """

    indices: np.ndarray
    classes: tuple[str, ...]
    clips: list[Clip]
    excluded: dict[str, int] = field(default_factory=dict)
    name: str = ""
    failed: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""

    def counts(self) -> dict[str, int]:
        """Kept clips per class, in class order."""
        found = Counter(self.indices.tolist())
        return {name: found[index] for index, name in enumerate(self.classes)}

    def summary(self) -> str:
        """One line: clips per class, and what was left out.

        >>> from merzoo.data.clip import Clip
        >>> clips = [Clip("casme2", "casme2/sub01", str(i), (), label)
        ...          for i, label in enumerate(["disgust", "others", "surprise", "others"])]
        >>> print(map_labels(clips, "megc3").summary())
        megc3: 2 clips (negative 1, positive 0, surprise 1); left out: 2 casme2/others
        """
        kept = ", ".join(f"{name} {count}" for name, count in self.counts().items())
        out = ", ".join(f"{count} {name}" for name, count in self.excluded.items()) or "none"
        return f"{self.name}: {len(self.clips)} clips ({kept}); left out: {out}"


def _table(classes: Mapping[str, str], excluded: str = "") -> dict[str, str | None]:
    """`{"negative": "anger fear"}` -> `{"anger": "negative", "fear": "negative", ...}`."""
    table: dict[str, str | None] = dict.fromkeys(excluded.split())
    return table | {emotion: name for name, words in classes.items() for emotion in words.split()}


def _same(words: str, excluded: str = "") -> dict[str, str | None]:
    return _table({word: word for word in words.split()}, excluded)


_MEGC3 = ("negative", "positive", "surprise")
_MACRO7 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_OBJECTIVE = ("I", "II", "III", "IV", "V", "VI", "VII")
_OTHER_MICRO = "anger contempt disgust fear sadness repression"
_SMIC = _same("negative positive surprise")
# The emotions of 4DME, of which a clip may have several, joined by "+" in this order.
FOUR_DME = ("positive", "negative", "surprise", "repression", "others")
_SEVERAL = " ".join(
    "+".join(words)
    for count in range(2, len(FOUR_DME) + 1)
    for words in itertools.combinations(FOUR_DME, count)
)


def _megc3(negative: str, excluded: str) -> dict[str, str | None]:
    """The composite's classes; "negative" and "positive" themselves stand in its official list."""
    return _table(
        {
            "negative": f"negative {negative}",
            "positive": "positive happiness",
            "surprise": "surprise",
        },
        excluded,
    )


def _objective(kept: int) -> dict[str, str | None]:
    return {str(k + 1): name if k < kept else None for k, name in enumerate(_OBJECTIVE)}


LABEL_MAPS: Mapping[str, LabelMap] = MappingProxyType(
    {
        label_map.name: label_map
        for label_map in (
            LabelMap(
                "megc3",
                _MEGC3,
                {
                    "casme2": _megc3("disgust repression", "others sadness fear"),
                    "samm": _megc3("anger contempt disgust fear sadness", "others"),
                    "smic": _SMIC,
                    "casme": _megc3(_OTHER_MICRO, "others tense"),
                    "4dme": _megc3("", f"repression others {_SEVERAL}"),
                    # MMEW writes its rest class as "others" or as "repression".
                    "mmew": _megc3("anger contempt disgust fear sadness", "others repression"),
                    ANY: _megc3(_OTHER_MICRO, "others tense neutral"),
                },
                about="three classes of the MEGC 2019 composite; the sets that are not in the "
                "composite follow the same rule",
            ),
            LabelMap(
                "casme2-5",
                ("happiness", "disgust", "repression", "surprise", "others"),
                {"casme2": _same("happiness disgust repression surprise others", "sadness fear")},
                about="five classes of CASME II, 246 clips",
            ),
            LabelMap(
                "casme2-7",
                ("happiness", "disgust", "repression", "surprise", "others", "sadness", "fear"),
                {"casme2": _same("happiness disgust repression surprise others sadness fear")},
                about="all seven emotions of CASME II, 255 clips",
            ),
            LabelMap(
                "samm-5",
                ("anger", "contempt", "happiness", "surprise", "others"),
                {"samm": _same("anger contempt happiness surprise others", "disgust fear sadness")},
                about="five classes of SAMM, 136 clips",
            ),
            LabelMap(
                "samm-8",
                (
                    *("anger", "contempt", "disgust", "fear"),
                    *("happiness", "sadness", "surprise", "others"),
                ),
                {"samm": _same("anger contempt disgust fear happiness sadness surprise others")},
                about="all eight emotions of SAMM, 159 clips",
            ),
            LabelMap(
                "casme3-3",
                _MEGC3,
                {"casme3": _megc3("anger disgust fear sadness", "others")},
                about="three classes of CAS(ME)^3, without others",
            ),
            LabelMap(
                "casme3-4",
                (*_MEGC3, "others"),
                {"casme3": _megc3("anger disgust fear sadness", "") | {"others": "others"}},
                about="four classes of CAS(ME)^3: the three, and others",
            ),
            LabelMap(
                "casme3-7",
                ("happiness", "disgust", "fear", "anger", "sadness", "surprise", "others"),
                {"casme3": _same("happiness disgust fear anger sadness surprise others")},
                about="the seven emotions of CAS(ME)^3, part A, 860 clips",
            ),
            LabelMap(
                "dfme-7",
                ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise"),
                {"dfme": _same("happiness anger contempt disgust fear sadness surprise", "others")},
                about="the seven emotions of DFME",
            ),
            LabelMap(
                "4dme-5",
                FOUR_DME,
                {"4dme": _same(" ".join(FOUR_DME), _SEVERAL)},
                about="the five emotions of 4DME, of clips that carry one",
            ),
            LabelMap("smic", _MEGC3, {"smic": _SMIC}, about="the three classes of SMIC"),
            LabelMap(
                "objective-5",
                _OBJECTIVE[:5],
                {ANY: _objective(5)},
                reads="objective_class",
                about="AU-based classes I-V, the protocol of MEGC 2018",
            ),
            LabelMap(
                "objective-7",
                _OBJECTIVE,
                {ANY: _objective(7)},
                reads="objective_class",
                about="AU-based classes I-VII",
            ),
            LabelMap(
                "macro3",
                _MEGC3,
                {ANY: _megc3("anger contempt disgust fear sadness", "neutral unknown not-a-face")},
                about="three classes of macro-expressions for pretraining, Table 2 of the dense "
                "mixed-attention paper: neutral is left out",
            ),
            LabelMap(
                "macro7",
                _MACRO7,
                {ANY: _same(" ".join(_MACRO7), "contempt unknown not-a-face")},
                about="six basic emotions and neutral, in the order of FER-2013",
            ),
        )
    }
)


class UnknownLabel(InputError):
    """The label of one clip, which a map does not know."""


def emotion(label: str) -> str:
    """An annotated label in small letters and one spelling.

    >>> emotion(" Other "), emotion("Happy"), emotion("repression")
    ('others', 'happiness', 'repression')
    """
    plain = " ".join(str(label).split()).casefold()
    return SPELLINGS.get(plain, plain)


def maps_for(dataset: str) -> list[str]:
    """Names of the label maps that serve `dataset`, however its name is spelt.

    >>> maps_for("smic")
    ['macro3', 'macro7', 'megc3', 'objective-5', 'objective-7', 'smic']
    """
    return sorted(name for name, chosen in LABEL_MAPS.items() if chosen.serves(dataset))


def label_map(name: str) -> LabelMap:
    """The label map called `name`; raises `InputError` with the nearest name."""
    if name not in LABEL_MAPS:
        raise unknown("label map", name, LABEL_MAPS)
    return LABEL_MAPS[name]


def annotated_map(clips: Sequence[Clip]) -> LabelMap:
    """A map whose classes are the labels that the clips carry, for a dataset of one's own.

    >>> from merzoo.data.clip import Clip
    >>> annotated_map([Clip("mine", "mine/s1", "a", (), "joy")]).classes
    ('joy',)
    """
    found = sorted({emotion(clip.label) for clip in clips if clip.label is not None})
    return LabelMap("annotated", tuple(found), {ANY: {name: name for name in found}})


def check_label_map(name: str) -> None:
    """Raises `InputError` for a name that is no label map's."""
    if is_unit_labels(name):
        wanted_units(name)
    elif name != "annotated":
        label_map(name)


def map_labels(
    clips: Sequence[Clip], labels: str | LabelMap = "megc3", on_error: str = "fail"
) -> MappedLabels:
    """Maps clips to class indices.

    Args:
        clips: as an adapter loads them.
        labels: name of a label map (`LABEL_MAPS`), `"annotated"` for the labels as they stand,
            `"action_units"` (`merzoo.data.unit_labels`), or a `LabelMap` of one's own.
        on_error: `"fail"`, or `"skip"` to leave out clips whose label the map does not know.

    Returns:
        `MappedLabels`: the indices, the names of the classes, the clips that are kept, and the
        count of each label that is left out. Clips without a label are left out and counted.

    Raises:
        InputError: for an unknown map, a map that does not serve the dataset, or a label that the
            map does not know; the message names the file and the row.

    Source: MEGC 2019 (See et al., FG 2019) for `"megc3"`; the module's paragraph for the others.

    Example:

    >>> from merzoo.data.clip import Clip
    >>> clips = [Clip("samm", "samm/006", "006_1_2", (), "Anger"),
    ...          Clip("samm", "samm/006", "006_1_3", (), "Other")]
    >>> mapped = map_labels(clips, "megc3")
    >>> mapped.indices.tolist(), mapped.classes, mapped.excluded
    ([0], ('negative', 'positive', 'surprise'), {'samm/others': 1})
    """
    if labels == "annotated":
        labels = annotated_map(clips)
    elif isinstance(labels, str) and is_unit_labels(labels):
        classes, table, about = unit_classes(clips, labels)
        rows = {ANY: {emotion(text): name for text, name in table.items()}}
        labels = LabelMap(labels, classes, rows, reads="action_units", about=about)
    chosen = label_map(labels) if isinstance(labels, str) else labels
    found, kept, failed = [], [], []
    excluded: Counter = Counter()
    for clip in clips:
        try:
            key, name = _class_of(clip, chosen)
        except UnknownLabel as error:
            if on_error == "fail":
                raise
            failed.append((f"{clip.dataset} {clip.id}", str(error)))
            continue
        if name is None:
            excluded[f"{clip.dataset}/{key}"] += 1
        else:
            found.append(chosen.classes.index(name))
            kept.append(clip)
    note = chosen.about if chosen.reads == "action_units" else ""
    indices = np.asarray(found, np.int64)
    return MappedLabels(indices, chosen.classes, kept, dict(excluded), chosen.name, failed, note)


def _class_of(clip: Clip, chosen: LabelMap) -> tuple[str, str | None]:
    """The annotated value as the map spells it, and its class (`None`: left out)."""
    value = getattr(clip, chosen.reads)
    table = chosen.table(clip.dataset)
    if value is None:
        return NO_LABEL, None
    key = emotion(value)
    if key not in table:
        where = clip.source or f"clip {clip.id}"
        error = unknown(f"{chosen.reads.replace('_', ' ')}", value, table)
        raise UnknownLabel(f"{where}: {error} (clip {clip.id}, label map {chosen.name!r})")
    return key, table[key]
