"""Whole tables of papers: rows as data, each row an evaluation, the paper's figures beside ours."""

from merzoo.reproduction.reproduce import Reproduction, reproduce

__all__ = ["Reproduction", "reproduce"]
