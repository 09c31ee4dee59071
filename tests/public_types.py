"""What a type checker sees of merzoo's public names: read by mypy, never run.

Each line is a promise of `py.typed`: the type on the right is what the call gives.
"""

from typing import Any, assert_type

import numpy as np

import merzoo
from merzoo.data import Clip
from merzoo.evaluation import EvaluationResult
from merzoo.exporting import Export
from merzoo.prediction import Prediction, Segment
from merzoo.preprocessing import Arrays
from merzoo.weights import WeightsEntry

assert_type(merzoo.__version__, str)
assert_type(merzoo.list_models("dfr*", weights=True), list[str])
assert_type(merzoo.model_info("dfrnet"), dict[Any, Any])
assert_type(merzoo.InputError("no such file").args, tuple[Any, ...])


def clips_to_samples(clips: list[Clip], inputs: object) -> Arrays:
    assert_type(clips[0].subject, str)
    assert_type(clips[0].apex, int | None)
    return merzoo.preprocessing.prepare(clips, inputs, labels="megc3")


def judged(data: Arrays) -> EvaluationResult:
    return merzoo.evaluate("ststnet", data, protocol="loso", seeds=3)


def seen(video: str) -> tuple[Segment, ...]:
    found = merzoo.predict(video)
    assert_type(found, Prediction)
    return found.segments


def exported(model: object, folder: str) -> Export:
    return merzoo.export(model, folder)


def explained(model: object, data: Arrays) -> np.ndarray:
    return merzoo.explain.grad_cam(model, data.modalities)


def described(entry: WeightsEntry) -> str:
    return entry.id
