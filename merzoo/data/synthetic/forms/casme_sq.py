"""CAS(ME)^2: recordings `rawpic/s15/15_0101disgustingteeth/img001.jpg`, a workbook without header.

Qu et al., "CAS(ME)^2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and
Recognition", IEEE Trans. Affective Computing 2018. Each recording here holds one expression, with
neutral frames around it; those over half a second are macro-expressions. Two more sheets say which
folder is whose and which film has which name.
"""

from merzoo.data.casme_sq import FILMS, PEOPLE
from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_workbook

WORKBOOK = "CAS(ME)^2code_final.xlsx"
_NAMES = {  # of the films, as the folders are called
    "0101": "disgustingteeth",
    "0102": "eatingworms",
    "0401": "girlcrashing",
    "0402": "beatingpregnantwoman",
    "0502": "funnyerrors",
    "0503": "unnyfarting",
    "0505": "funnyinnovations",
    "0507": "climbingthewall",
    "0508": "funnydunkey",
}
_VALENCE = {"happiness": "positive", "surprise": "surprise", "others": "others"}


def person(plan) -> int:
    """The number in the folders' names; that of the sheet counts from 1."""
    known = PEOPLE.get(str(plan.subject + 1))
    return int(known[1:]) if known else plan.subject + 41


def film(plan) -> tuple[str, str]:
    """The film's name in the sheet, and its code."""
    names = list(FILMS.items())
    return names[plan.index] if plan.index < len(names) else (f"film{plan.index}", _code(plan))


def _code(plan) -> str:
    return f"{9000 + plan.index}"


def folder(plan) -> str:
    code = film(plan)[1]
    return f"rawpic/s{person(plan)}/{person(plan)}_{code}{_NAMES.get(code, '')}"


def number(plan, position) -> int:
    return position + 1


def file(plan, position) -> str:
    return f"img{number(plan, position):03d}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        times = [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]
        kind = "micro" if (plan.offset - plan.onset + 1) / fps <= 0.5 else "macro"
        valence = _VALENCE.get(plan.emotion, "negative")
        row = [plan.subject + 1, f"{film(plan)[0]}_1", *times, plan.action_units, valence]
        rows.append([*row, f"{kind}-expression", plan.emotion])
    if faults:
        _plant(rows, plans, faults)
    people = {plan.subject: person(plan) for plan in plans}
    films = dict(film(plan) for plan in plans)
    rules = {
        "naming rule1": [[n, f"s{n}", subject + 1] for subject, n in people.items()],
        "naming rule2": [[int(code), name] for name, code in films.items()],  # Excel drops the 0
    }
    write_workbook(root / WORKBOOK, "CASFEcode_final", rows, rules)


def _plant(rows, plans, faults) -> None:
    """What the published annotation has, from the last row backwards."""
    last = len(rows) - 1

    def note(i, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {i + 1}", detail)

    def offset_zero(i):
        rows[i][4] = 0
        note(i, "offset 0", f"{rows[i][1]}: offset 0")

    def apex_zero(i):
        rows[i][3] = 0
        note(i, "apex 0", f"{rows[i][1]}: apex 0")

    def other_name(i):
        before = folder(plans[i])
        after = before.replace(f"/{person(plans[i])}_", f"/{person(plans[i]) + 1}_")
        faults.rename_folder(before, after, "folder of another person", "the film decides")

    for i, step in zip(range(last, -1, -1), (offset_zero, apex_zero, other_name), strict=False):
        step(i)
    faults.stray_file("rawpic/.DS_Store")
    faults.stray_file("rawpic/Thumbs.db")


FORM = Form("casme_sq", folder=folder, file=file, annotate=annotate, fps=30.0, context=12)
