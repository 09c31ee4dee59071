"""Verbs about trained weights: list, download, verify."""

SUMMARY = "list, download and verify trained weights"
