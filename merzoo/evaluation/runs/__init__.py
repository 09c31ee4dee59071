"""Running folds: one fold, in workers or on a cluster, and the folder that keeps what is done."""

from merzoo.moved import moved_names

__getattr__ = moved_names(__name__)
