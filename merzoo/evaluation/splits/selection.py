"""Selection rules: which weights of a training course are scored. None of them sees a test sample.

`last` scores the final weights; `fixed:N` does so after N epochs, said beforehand; `inner` draws
about a fifth of the fold's training subjects for validation, trains on the others, and scores the
epoch with the best pooled UF1 on those (the first of equals), as nested cross-validation does.
"""

from dataclasses import dataclass

from merzoo.arguments import number_after, split_text
from merzoo.errors import InputError, unknown

RULES = ("last", "fixed", "inner")


@dataclass(frozen=True)
class Selection:
    """A parsed rule: its name, and the number of epochs of `fixed`."""

    name: str
    epochs: int | None = None

    @property
    def text(self) -> str:
        """As typed: `"last"`, `"fixed:20"`, `"inner"`."""
        return self.name if self.epochs is None else f"{self.name}:{self.epochs}"

    @property
    def about(self) -> str:
        """One line for the protocol card."""
        if self.name == "last":
            return "last: the final weights of each fold are scored"
        if self.name == "fixed":
            return f"fixed:{self.epochs}: epochs said beforehand, the final weights are scored"
        return (
            "inner: of each fold's training subjects a share is drawn for validation, the rest is "
            "trained on, and the epoch with the best pooled UF1 on the drawn ones is scored; test "
            "subjects play no part"
        )


def parse_selection(text: str) -> Selection:
    """A rule as typed.

    Raises:
        InputError: for an unknown rule, or epochs that are no whole number from 1.

    >>> parse_selection("fixed:20")
    Selection(name='fixed', epochs=20)
    """
    name, number = split_text("selection", text, "last, fixed:20 or inner")
    if name not in RULES:
        raise unknown("selection rule", name, RULES, "Write last, fixed:N or inner.")
    if name == "fixed":
        if number is None:
            raise InputError(f"selection {text!r}: say how many epochs, such as fixed:20.")
        return Selection(name, number_after("selection", text, number, "fixed:20"))
    if number is not None:
        raise InputError(f"selection {text!r}: {name} takes no number.")
    return Selection(name)
