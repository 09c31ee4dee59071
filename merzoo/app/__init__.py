"""The demo: a web page that shows what a model sees in somebody's video."""

from merzoo.app.page import Demo

__all__ = ["Demo"]
