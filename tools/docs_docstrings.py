"""Examples of docstrings on the site: Griffe takes what follows `Example:` as text."""

import re

from griffe import Docstring, Extension, Object

_DOCTEST = re.compile(r"^( *)>>> .*(?:\n\1(?! *$).*)*", re.M)


def fenced(text: str) -> str:
    """A docstring whose doctests are blocks of code.

    >>> fenced("Example:\\n\\n>>> 1 + 1\\n2\\n").split()
    ['**Example**', '```python', '>>>', '1', '+', '1', '2', '```']
    """
    text = re.sub(r"^Examples?:$", "**Example**", text, flags=re.M)
    return _DOCTEST.sub(lambda found: f"{found[1]}```python\n{found[0]}\n{found[1]}```", text)


class Examples(Extension):
    """Gives every docstring its fences."""

    def on_object(self, *, obj: Object, **kwargs) -> None:
        if isinstance(obj.docstring, Docstring):
            obj.docstring.value = fenced(obj.docstring.value)
