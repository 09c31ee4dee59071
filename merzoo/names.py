"""Names: when two spellings mean one person, one data set or one clip.

A person under two names would be trained on under one and tested under the other. So every place
that compares names asks here: manifests, arrays, splits, the audit, scores, comparisons, weights.
What is shown and written keeps the name as the user wrote it, in the first spelling seen.

Spellings are one where they differ in Unicode's compatible forms (NFKC), case, characters without
width, blanks, leading zeros or the `.0` of a number that a spreadsheet wrote. The words `s`, `sub`,
`subj`, `subject` mean nothing where every name of a set has one. Any other letters tell people
apart: F01 and M01 are two.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from merzoo.errors import InputError
from merzoo.limits import MOST_CLASSES, check_names

_WORDED = re.compile(r"(s|sub|subj|subject|sbj)[\s_.-]*(\d+)")
_LEADING_ZEROS = re.compile(r"(?<!\d)(?<!\d\.)0+(?=\d)")  # 1.05 is not 1.5
_SHOWN = 3  # spellings that a message lists


@lru_cache(maxsize=1 << 16)
def plain(name: str) -> str:
    """A name without what spellings of it differ in; words before numbers stay.

    >>> [plain(name) for name in ("P01", " p1", "Ｐ１", "P 1", "P1\\u200b", "1.0", "1.05")]
    ['p1', 'p1', 'p1', 'p1', 'p1', '1', '1.05']
    >>> plain("Jose\\u0301") == plain("JOSÉ"), plain("Li  Na"), plain("s1") == plain("s11")
    (True, 'li na', False)
    """
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(c for c in name if unicodedata.category(c) != "Cf")  # no width
    name = unicodedata.normalize("NFKC", " ".join(name.casefold().split()))
    if re.fullmatch(r"\d+\.0+", name):
        name = name.partition(".")[0]
    name = re.sub(r"(?<=[^\W\d_]) (?=\d)", "", name)
    return _LEADING_ZEROS.sub("", name)


def check_classes(classes: Sequence[str], source: str) -> None:
    """Refuses names of classes that are not one a class: two of a name would be scored as one.

    Args:
        classes: in the order of their indices.
        source: what names them, for the message.

    Raises:
        InputError: for no classes or more than `MOST_CLASSES`, an empty or a very long name, or two
            names that differ in case, blanks or characters without width only (`plain`).

    >>> check_classes(("negative", "positive"), "data.npz")
    >>> check_classes(("joy", "anger", " Joy"), "data.npz")
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: data.npz: the classes 0 and 2 are 'joy' and ' Joy', one name; give \
each class a name of its own.
    """
    if not 0 < len(classes) <= MOST_CLASSES:
        what = f"names {len(classes)} classes; {MOST_CLASSES} are the most" if classes else ""
        raise InputError(f"{source}: {what or 'names no classes; give one name a class'}.")
    check_names("class", classes, source)
    places: dict[str, int] = {}
    for place, name in enumerate(classes):
        first = places.setdefault(plain(name), place)
        if not plain(name):
            raise InputError(f"{source}: class {place} has no name ({name!r}); give it one.")
        if first != place:
            raise InputError(
                f"{source}: the classes {first} and {place} are {classes[first]!r} and {name!r}, "
                "one name; give each class a name of its own."
            )


def dataset_key(name: str) -> str:
    """A data set's name without what sources differ in.

    >>> [dataset_key(name) for name in ("CASME2", "CASME-II", "casme_2", "CK+")]
    ['casme2', 'casme2', 'casme2', 'ckplus']
    >>> [dataset_key(name) for name in ("CAS(ME)^2", "casme_sq")]
    ['cas(me)2', 'cas(me)2']
    """
    name = plain(name).replace("+", "plus")
    if re.fullmatch(r"cas\W*\(me\)\W*(2|ii)|casme[\W_]?(sq|squared)", name):
        return "cas(me)2"  # another set than CASME II
    name = re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", name)
    name = re.sub(r"[\W_]+", "-", name)  # between two numbers
    return re.sub(r"(?<=e)(iii|ii)$", lambda found: str(len(found[1])), name)


def invented(datasets: Iterable[str]) -> bool:
    """Whether all of these data sets are merzoo's synthetic ones, whose people nobody is.

    >>> invented(["synthetic", "synthetic-long"]), invented(["synthetic", "smic"])
    (True, False)
    """
    return all(str(name).startswith("synthetic") for name in datasets)


def plain_subject(subject: str) -> str:
    """`"dataset/subject"` as it is looked for in another source: words before numbers dropped.

    Within one set `person_keys` decides; there `s1` and `1` may be two.

    >>> plain_subject("casme2/s03"), plain_subject("CASME-II/sub 3"), plain_subject("x/F01")
    ('casme2/3', 'casme2/3', 'x/f1')
    """
    dataset, slash, name = subject.partition("/")
    if not slash:
        dataset, name = "", subject
    return f"{dataset_key(dataset)}/{_without_word(name)}"


def person_keys(names: Iterable[str]) -> dict[str, str]:
    """Name -> a text that is the same for all spellings of one person, among the names of one set.

    The word before a number is dropped only where every name of the set has one, so `s1` and `1`
    side by side stay two.

    Args:
        names: all names of the set, without the set's own.

    >>> person_keys(["sub01", "S1", "subject 2"])
    {'sub01': '1', 'S1': '1', 'subject 2': '2'}
    >>> person_keys(["s1", "1", "1.0", "sub_01"])
    {'s1': 's1', '1': '1', '1.0': '1', 'sub_01': 'sub1'}
    """
    found = {name: _WORDED.fullmatch(plain(name)) for name in names}
    alike = all(found.values())
    return {
        name: plain(name) if word is None else word[2] if alike else f"{word[1]}{word[2]}"
        for name, word in found.items()
    }


def clip_key(subject: str, clip: str) -> str:
    """A clip's name without the person's, which some sources put before it, once or twice.

    Args:
        subject: `"dataset/subject"`.
        clip: `"EP02_01f"`, `"sub01/EP02_01f"`, `"sub01_EP02_01f"`, ...

    >>> {clip_key("casme2/sub01", c) for c in ("s1/EP02_01f", "sub01/sub01_EP02_01f", "EP2_1f")}
    {'ep2_1f'}
    >>> {clip_key("samm/006", c) for c in ("006/006_6_2", "006_006_6_2", "006_6_2")}
    {'6_2'}
    """
    person = plain_subject(subject).partition("/")[2]
    *folders, last = re.split(r"[/\\]", clip)
    first = re.match(r"([^\s_-]+)[\s_-]+(\1[\s_-]+)?(?=\S)", last)
    if first and _without_word(first[1]) == person:
        last = last[first.end() :]
    folders = [folder for folder in folders if _without_word(folder) != person]
    return "/".join(map(plain, [*folders, last]))


def known_people(subjects: Iterable[str], names: Iterable[str]) -> list[str]:
    """The subjects that are among some names, however either are spelt, sorted.

    Args:
        subjects: `"dataset/subject"` of each, as they are to be returned.
        names: `"dataset/subject"` or patterns such as `"fer2013/*"`.

    >>> known_people(["casme2/sub01", "samm/006", "fer2013/a.jpg"], ["CASME-II/1", "FER2013/*"])
    ['casme2/sub01', 'fer2013/a.jpg']
    """
    wanted = {form for name in names for form in (name.casefold(), plain_subject(name))}
    patterns = [form for form in sorted(wanted) if re.search(r"[*?\[]", form)]

    def known(subject: str) -> bool:
        forms = (subject.casefold(), plain_subject(subject))
        return not wanted.isdisjoint(forms) or any(
            fnmatchcase(form, pattern) for form in forms for pattern in patterns
        )

    return [subject for subject in sorted(set(subjects)) if known(subject)]


def unnamed_sets(
    datasets: Sequence[str], subjects: Sequence[str], clips: Sequence[str]
) -> set[str]:
    """Data sets that name no persons: every picture there counts as a person of its own name.

    >>> unnamed_sets(["d", "d", "e"], ["d/s1", "d/s1", "e/x.jpg"], ["a", "b", "x.jpg"])
    {'e'}
    """
    rows = zip(datasets, subjects, clips, strict=True)
    named = {d for d, subject, clip in rows if subject not in (clip, f"{d}/{clip}")}
    return set(datasets) - named


def one_spelling(
    datasets: Sequence[str], subjects: Sequence[str], clips: Sequence[str]
) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """The data set and the subject of each sample, every person under the first spelling seen.

    Sets that name no persons keep their names as they are.

    Args:
        datasets: of each sample.
        subjects: of each sample, `"subject"` or `"dataset/subject"`.
        clips: the samples' own names.

    Returns:
        The data sets; the subjects as `"dataset/subject"`; and for everyone who was written in
        several ways the spellings, the one that is kept first.

    >>> one_spelling(["d", "d", "D"], ["s1", "d/S01", "s11"], ["a", "b", "c"])
    (['d', 'd', 'd'], ['d/s1', 'd/s1', 'd/s11'], [('d/s1', 'd/S01'), ('d/s11', 'D/s11')])
    """
    pairs = list(zip(datasets, subjects, strict=True))
    unnamed = unnamed_sets(datasets, subjects, clips)
    first_set: dict[str, str] = {}
    full: dict[tuple[str, str], tuple[str, str, str]] = {}  # set, name within it, written whole
    for dataset, subject in dict.fromkeys(pairs):
        kept = first_set.setdefault(plain(dataset), dataset)
        name = subject.removeprefix(f"{dataset}/")
        before, slash, after = name.partition("/")
        same = bool(slash) and dataset_key(before) == dataset_key(dataset)
        full[dataset, subject] = kept, after if same else name, name
    names: dict[str, list[str]] = {}
    for kept, bare, _ in full.values():
        names.setdefault(kept, []).append(bare)
    keys = {
        kept: dict(zip(found, found, strict=True)) if kept in unnamed else person_keys(found)
        for kept, found in names.items()
    }
    spelt: dict[tuple[str, str], dict[str, None]] = {}
    for (dataset, _), (kept, bare, name) in full.items():
        found = spelt.setdefault((kept, keys[kept][bare]), {f"{kept}/{name}": None})
        found[f"{dataset}/{name}"] = None
    first = {person: next(iter(found)) for person, found in spelt.items()}
    rows = [full[pair] for pair in pairs]
    return (
        [kept for kept, _, _ in rows],
        [first[kept, keys[kept][bare]] for kept, bare, _ in rows],
        [tuple(found) for found in spelt.values() if len(found) > 1],
    )


def spellings_told(source: str, joined: Sequence[Sequence[str]]) -> str:
    """One line that says which spellings were taken as one person.

    >>> spellings_told("data.npz", [("d/s1", "d/S01"), ("d/7", "d/007")])
    'data.npz: taken as one person: d/s1 = d/S01, d/7 = d/007; the first spelling is kept.'
    """
    shown = ", ".join(" = ".join(map(_shown, found)) for found in joined[:_SHOWN])
    more = f" and {len(joined) - _SHOWN} more" if len(joined) > _SHOWN else ""
    return f"{source}: taken as one person: {shown}{more}; the first spelling is kept."


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)  # which shows what has no width


def parted_clips(
    datasets: Sequence[str], subjects: Sequence[str], clips: Sequence[str]
) -> list[str]:
    """Clips' names that are unique within a data set.

    Where clips of two people have the same name, the clips of that set are named
    `"subject/clip"`; elsewhere they keep their names. A clip of one person that stands twice stays
    as it is.

    Args:
        datasets, subjects: of each clip, as `one_spelling` gives them.
        clips: their names.

    >>> parted_clips(["d", "d", "e"], ["d/s1", "d/s2", "e/s1"], ["a", "a", "a"])
    ['s1/a', 's2/a', 'a']
    """
    rows = list(zip(datasets, subjects, clips, strict=True))
    owners = Counter((dataset, clip) for dataset, _, clip in dict.fromkeys(rows))
    shared = {dataset for (dataset, _), people in owners.items() if people > 1}
    return [
        _with_person(subject.removeprefix(f"{dataset}/"), clip) if dataset in shared else clip
        for dataset, subject, clip in rows
    ]


def _with_person(name: str, clip: str) -> str:
    return clip if clip.startswith(f"{name}/") else f"{name}/{clip}"


def _without_word(name: str) -> str:
    name = plain(name)
    found = _WORDED.fullmatch(name)
    return found[2] if found else name
