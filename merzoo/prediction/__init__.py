"""From a trained model to somebody's video: spotting, classifying, and what is written of it."""

from merzoo.prediction.classify import Classifier
from merzoo.prediction.predicting import predict, predict_files
from merzoo.prediction.results import Prediction, Segment
from merzoo.prediction.spotting import Settings
from merzoo.prediction.spotting_scores import SpottingScores, spotting_scores

__all__ = [
    "Classifier",
    "Prediction",
    "Segment",
    "Settings",
    "SpottingScores",
    "predict",
    "predict_files",
    "spotting_scores",
]
