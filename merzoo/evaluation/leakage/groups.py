"""Leaks that names alone show: subjects, clips and frames on both sides, one person's two names."""

import re

import numpy as np

from merzoo.data.frame_samples import MARK, clip_of
from merzoo.evaluation.leakage.findings import Finding, Sides, some

# Words before the number of a subject that mean nothing but "subject". Other letters may tell
# people apart (F01 and M01 are two), so they count.
_WORDS = r"(?:s|sub|subj|subject|sbj)?"
_NUMBERED = re.compile(rf"{_WORDS}[\s_.-]*0*(\d+)")


def shared_groups(sides: Sides, by: str) -> list[Finding]:
    """Subjects, clips and frames of one clip on both sides of a fold.

    Args:
        sides: of the split.
        by: what the protocol keeps on one side (`"subject"`, `"clip"` or `"frame"`): what it says
            openly that it does not keep is a warning.
    """
    data = sides.data
    clips = np.char.add(np.char.add(data.dataset, "/"), clip_of(data.clip))
    framed = np.char.find(data.clip, MARK) >= 0
    of_frames = np.where(framed, clips, np.arange(len(data)).astype(str))
    findings = []
    doubled = {sides.ids[i]: sides.folds[k].name for k, i in np.argwhere(sides.train & sides.test)}
    for kind, found, groups, openly in (
        ("subject on both sides", sides.shared(data.subject), data.subject, by != "subject"),
        ("clip on both sides", doubled, sides.ids, False),
        ("frames of one clip", sides.shared(of_frames), of_frames, by == "frame"),
    ):
        found = {name: fold for name, fold in found.items() if not str(name).isdecimal()}
        if found:
            where = some([f"{name} (fold {fold})" for name, fold in sorted(found.items())])
            message = f"{kind}, {len(found)} of them: {where}. Split by subject, such as loso."
            samples = sides.names(np.flatnonzero(np.isin(groups, list(found))))
            findings.append(Finding(kind, "warning" if openly else "error", message, samples))
    return findings


def plain_subject(subject: str) -> str:
    """A subject's name without what spellings differ in.

    >>> plain_subject("casme2/s03"), plain_subject("CASME-II/sub3"), plain_subject("x/F01")
    ('casme2/3', 'casme2/3', 'x/f01')
    """
    dataset, _, name = subject.partition("/")
    dataset = re.sub(r"[\W_]", "", dataset.casefold())
    for roman, number in (("iii", "3"), ("ii", "2")):
        dataset = re.sub(f"(?<=e){roman}$", number, dataset)  # CASME II
    name = name.casefold().strip()
    numbered = _NUMBERED.fullmatch(name)
    return f"{dataset}/{numbered[1] if numbered else name}"


def spelling_variants(sides: Sides) -> list[Finding]:
    """Subjects whose names differ in spelling only and who stand on opposite sides of a fold."""
    subjects = sides.data.subject
    plain = np.array([plain_subject(name) for name in subjects.tolist()])
    found = []
    for name in sides.shared(plain):
        spelt = sorted(set(subjects[plain == name].tolist()))
        if len(spelt) > 1:
            found.append(spelt)
    if not found:
        return []
    where = some([" = ".join(spelt) for spelt in found])
    message = f"subjects that differ in spelling only stand on both sides: {where}. Give one name."
    names = [name for spelt in found for name in spelt]
    samples = sides.names(np.flatnonzero(np.isin(subjects, names)))
    return [Finding("one person, two names", "error", message, samples)]
