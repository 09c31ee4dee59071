"""Subject-wise evaluation: splits, metrics, the runner of folds, statistics and the report."""

from merzoo.evaluation.auditing import audit
from merzoo.evaluation.runner import EvaluationResult, evaluate

__all__ = ["EvaluationResult", "audit", "evaluate"]
