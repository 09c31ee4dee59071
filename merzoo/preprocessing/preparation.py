"""What is said of prepared samples: what was chosen, spotted, replaced, guessed and left out.

It stands in `Arrays.preparation` as plain JSON types and goes wherever the samples go: to the
terminal, the report and the card of a run.
"""

from collections.abc import Mapping, Sequence

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.names import invented
from merzoo.preprocessing.apex import annotated
from merzoo.preprocessing.extract import EXTRACTORS, magnification_of
from merzoo.preprocessing.parameters import check_parameters, recorded


def preparation_of(
    clips: Sequence[Clip], names, chosen: Mapping, detectors: Mapping, left_out: list
) -> dict:
    """How clips were made into samples.

    Args:
        clips: that were kept.
        names: of the modalities.
        chosen: all parameters, as `check_parameters` gives them.
        detectors: data set -> its `Choice` of `merzoo.preprocessing.detector`.
        left_out: [clip, reason] of each clip that failed.

    Returns:
        `parameters` (as `recorded`; the detector `"auto"` decided, where it is the same for all);
        `detector` (data set -> the one that found its faces); `apex` (data set -> how many
        `annotated` and `spotted`); `replaced` (data set -> how many annotated values cannot be
        used, or are not there, by what stands for them); `magnification` (data set -> how many by
        each filter, where the choice was `A+B`); `left_out`; `notes`, sentences.
    """
    used = {choice.detector for choice in detectors.values()}
    found = {
        "parameters": recorded(chosen) | ({"detector": used.pop()} if len(used) == 1 else {}),
        "detector": {dataset: choice.detector for dataset, choice in detectors.items()},
        "apex": _apexes(clips, names, chosen["apex"]),
        "replaced": _replaced(clips),
        "left_out": left_out,
        "notes": [
            *_invented(clips),
            *without_effect(names, chosen),
            *(choice.note for choice in detectors.values() if choice.note),
        ],
    }
    filters = _filters(clips, names, chosen)
    if filters:
        found["magnification"] = filters
        found["notes"] += _filters_told(filters, chosen)
    return found


def without_effect(names, chosen: Mapping) -> list[str]:
    """A sentence on the choices that were made and on which none of the modalities depends.

    >>> without_effect(["onset"], check_parameters({"flow": "tvl1", "apex": "flow"}))
    ['apex=flow, flow=tvl1 change nothing here: of the inputs (onset), none depends on them.']
    """
    usual = check_parameters({})
    takers = {"on_error", "frames"}.union(*(EXTRACTORS[name].parameters for name in names))
    idle = [n for n, value in chosen.items() if n not in takers and value != usual[n]]
    if not idle:
        return []
    told = ", ".join(f"{name}={chosen[name]}" for name in idle)
    it = "it" if len(idle) == 1 else "them"
    change = "changes" if len(idle) == 1 else "change"
    inputs = ", ".join(names)
    return [f"{told} {change} nothing here: of the inputs ({inputs}), none depends on {it}."]


def preparation_told(preparation: dict) -> list[str]:
    """What of the samples was spotted, left out or replaced, one line each, for people.

    Args:
        preparation: of `Arrays`.

    >>> preparation_told({"apex": {"smic": {"annotated": 0, "spotted": 3}}})
    ['apex: 3 of 3 spotted (smic 3 of 3)']
    """
    lines = []
    apex = preparation.get("apex") or {}
    spotted = {name: found["spotted"] for name, found in apex.items()}
    totals = {name: found["spotted"] + found["annotated"] for name, found in apex.items()}
    if sum(spotted.values()):
        where = ", ".join(f"{n} {k} of {totals[n]}" for n, k in spotted.items() if k)
        lines.append(f"apex: {sum(spotted.values())} of {sum(totals.values())} spotted ({where})")
    replaced = preparation.get("replaced") or {}
    for what in dict.fromkeys(what for row in replaced.values() for what in row):
        found = {name: row[what] for name, row in replaced.items() if what in row}
        where = ", ".join(f"{name} {count}" for name, count in found.items())
        lines.append(f"{what}, in {sum(found.values())} clips ({where})")
    for name, row in (preparation.get("excluded") or {}).items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in row.items())
        lines.append(f"left out by the label map: {sum(row.values())} clips of {name} ({kinds})")
    left_out = preparation.get("left_out") or []
    if left_out:
        first = "; ".join(f"{clip}: {reason}" for clip, reason in left_out[:2])
        lines.append(f"left out: {len(left_out)} clips that failed ({first})")
    return lines + [str(note) for note in preparation.get("notes", [])]


def bits_told(guessed: Mapping[int, int]) -> str:
    """A sentence on 16-bit pictures whose bits are guessed, by how many clips have how many.

    >>> bits_told({10: 1, 12: 3}).partition(",")[0]
    '16-bit pictures are taken as of 10 bits in 1 and 12 bits in 3 clips'
    """
    bits = " and ".join(f"{n} bits in {count}" for n, count in guessed.items())
    unlike = " and clips of one camera unlike" if len(guessed) > 1 else ""
    return (
        f"16-bit pictures are taken as of {bits} clips, a guess by each clip's largest value, "
        f"which makes dark clips too bright{unlike}. Say how many bits the camera gives in a "
        "manifest's column 'bits'."
    )


def used_annotation(names, chosen: Mapping, apexes: Mapping) -> tuple[str, ...]:
    """Which annotation the modalities were worked out with: nobody has it when a model is used.

    Args:
        names: of the modalities.
        chosen: all parameters.
        apexes: data set -> how many `annotated` and `spotted`.
    """
    used = ["apex"] if any(row["annotated"] for row in apexes.values()) else []
    if chosen["action_units"] == "annotated" and "action_units" in names:
        used.append("action_units")
    return tuple(used)


def uses_annotated_apex(clip: Clip, choice: str) -> bool:
    """Whether the apex of a clip is the annotated one under a choice of the parameter `apex`."""
    if not choice.startswith("annotated+"):
        return choice == "annotated"
    try:
        annotated(clip)
    except InputError:
        return False
    return True


def _invented(clips: Sequence[Clip]) -> list[str]:
    if not clips or not invented({clip.dataset for clip in clips}):
        return []
    return ["invented faces: what is reached on them is not what is reached on real ones."]


def _apexes(clips: Sequence[Clip], names, choice: str) -> dict[str, dict[str, int]]:
    if not any("apex" in EXTRACTORS[name].parameters for name in names):
        return {}
    found: dict[str, dict[str, int]] = {}
    for clip in clips:
        if len(clip.frames) > 1:
            row = found.setdefault(clip.dataset, {"annotated": 0, "spotted": 0})
            row["annotated" if uses_annotated_apex(clip, choice) else "spotted"] += 1
    return found


def excluded_by_dataset(excluded: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Data set -> {emotion: clips that the label map leaves out}, as `MappedLabels` counts them.

    >>> excluded_by_dataset({"samm/others": 2, "samm/fear": 1})
    {'samm': {'others': 2, 'fear': 1}}
    """
    found: dict[str, dict[str, int]] = {}
    for name, count in excluded.items():
        dataset, _, emotion = name.partition("/")
        found.setdefault(dataset, {})[emotion] = count
    return found


def _replaced(clips: Sequence[Clip]) -> dict[str, dict[str, int]]:
    """What stands for onsets and offsets that are not annotated, or not as frames of the clip."""
    found: dict[str, dict[str, int]] = {}
    for clip in clips:
        if len(clip.frames) == 1:
            continue
        told = list(clip.replaced)
        for column, place in (("onset", "first"), ("offset", "last")):
            said = any(text.startswith(f"{column}:") for text in told)
            if getattr(clip, column) is None and not said:
                told.append(f"{column} not annotated: the {place} frame")
        for text in told:
            row = found.setdefault(clip.dataset, {})
            row[text] = row.get(text, 0) + 1
    return found


def _filters(clips: Sequence[Clip], names, chosen: Mapping) -> dict[str, dict[str, int]]:
    kinds = chosen["magnification"].split("+")
    if "magnified_apex" not in names or len(kinds) == 1:
        return {}
    found: dict[str, dict[str, int]] = {}
    for clip in clips:
        row = found.setdefault(clip.dataset, dict.fromkeys(kinds, 0))
        row[magnification_of(clip, chosen)[0]] += 1
    return found


def _filters_told(filters: Mapping, chosen: Mapping) -> list[str]:
    from merzoo.preprocessing.magnify import DEFAULT_BANDS

    first, second = chosen["magnification"].split("+")
    short = {dataset: row[second] for dataset, row in filters.items() if row[second]}
    if not short:
        return []
    totals = {dataset: sum(row.values()) for dataset, row in filters.items()}
    where = ", ".join(f"{dataset} {n} of {totals[dataset]}" for dataset, n in short.items())
    low, high = chosen["magnification_band"]
    other_low, other_high = DEFAULT_BANDS[second]
    return [
        f"magnification: {sum(short.values())} of {sum(totals.values())} clips ({where}) are too "
        f"short to hold a frequency of {low:g}-{high:g} Hz and were magnified by {second} at "
        f"{other_low:g}-{other_high:g} Hz instead of {first}."
    ]
