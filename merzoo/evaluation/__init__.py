"""Subject-wise evaluation: splits, the runs of folds, scores, pages, the leak audit."""

from merzoo.evaluation.audit import audit
from merzoo.evaluation.compare import compare
from merzoo.evaluation.evaluate import evaluate
from merzoo.evaluation.result import EvaluationResult
from merzoo.evaluation.score import score
from merzoo.evaluation.transfer import transfer
from merzoo.moved import moved_names

__all__ = ["EvaluationResult", "audit", "compare", "evaluate", "score", "transfer"]

__getattr__ = moved_names(__name__)
