"""The verbs of the command line, one file each; `merzoo/cli.py` finds them here by name."""
