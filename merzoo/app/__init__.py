"""The demo: a web page that shows what a model sees in somebody's video."""

from merzoo.app.demo import Demo

__all__ = ["Demo"]
