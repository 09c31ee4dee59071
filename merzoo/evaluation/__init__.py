"""Subject-wise evaluation: splits, metrics, the runner of folds, statistics and the report."""

from merzoo.evaluation.auditing import audit
from merzoo.evaluation.reproduce import Reproduction, reproduce
from merzoo.evaluation.runner import EvaluationResult, evaluate

__all__ = ["EvaluationResult", "Reproduction", "audit", "evaluate", "reproduce"]
