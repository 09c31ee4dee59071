"""The forms in which clips can be written, one module each; the module's `FORM` says how."""

import importlib

from merzoo.data.synthetic.forms.form import Faults, Form
from merzoo.errors import unknown

FORMS = (
    "native",
    "casme2",
    "samm",
    "samm_lv",
    "smic",
    "dfme",
    "casme_sq",
    "casme3",
    "casme3_c",
    "4dme",
    "mmew",
    "ck_plus",
    "raf_db",
    "fer2013",
)
# A module's name begins with a letter.
_MODULES = {"4dme": "four_dme"}

__all__ = ["FORMS", "Faults", "Form", "form_named"]


def form_named(name: str) -> Form:
    """The form of that name; raises `InputError` naming the nearest one.

    >>> form_named("native").fps
    200.0
    """
    if name not in FORMS:
        raise unknown("form", name, FORMS)
    return importlib.import_module(f"{__name__}.{_MODULES.get(name, name)}").FORM
