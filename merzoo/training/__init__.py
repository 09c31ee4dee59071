"""Recipes and the one trainer; training once: pretrain and finetune."""

from merzoo.moved import moved_names

__getattr__ = moved_names(__name__)
