"""Who is trained on, who is tested: protocols, splits as files, and who chooses an epoch."""

from merzoo.moved import moved_names

__getattr__ = moved_names(__name__)
