"""Verbs about datasets: make one, check one, prepare one."""

SUMMARY = "make, check and prepare datasets"
