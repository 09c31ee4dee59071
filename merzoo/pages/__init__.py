"""Pages and figures in one look: the templates, what fills them in, and what draws."""

from merzoo.pages.render import render

__all__ = ["render"]
