"""Leaks that names alone show: subjects, clips and frames on both sides, one person's two names."""

import numpy as np

from merzoo.data.frame_samples import MARK, clip_of
from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.names import plain_subject, unnamed_sets


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


def spelling_variants(sides: Sides) -> list[Finding]:
    """Subjects whose names differ in spelling only and who stand on opposite sides of a fold.

    Within one set most spellings are one subject already (`merzoo.names.one_spelling`). What is
    left is in doubt, such as `s1` beside `1`, or one set under two names.
    """
    data, subjects = sides.data, sides.data.subject
    columns = [column.tolist() for column in (data.dataset, subjects, data.clip)]
    unnamed = unnamed_sets(*columns)
    plain = np.array(
        [s if d in unnamed else plain_subject(s) for d, s in zip(*columns[:2], strict=True)]
    )
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
