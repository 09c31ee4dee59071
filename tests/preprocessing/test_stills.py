"""A still picture has no apex to annotate, and the audit does not say that it had."""

from dataclasses import replace

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.evaluation.audit import audit
from merzoo.preprocessing import load_samples

LABELS = ("anger", "happiness", "surprise")
RNG = np.random.default_rng(3)


def pictures(frames=1, **annotation):
    found = []
    for i in range(12):
        content = ArrayFrames(RNG.integers(0, 255, (frames, 32, 32, 1), dtype=np.uint8))
        found.append(Clip("mine", f"mine/s{i // 3}", f"p{i}", content, LABELS[i % 3], **annotation))
    return found


def kinds(clips, tmp_path, **how):
    how = {"usual": "macro3", "detector": "none", "cache": tmp_path, "jobs": 1} | how
    data = load_samples(clips, {"apex": (32, 32, 1)}, **how)
    return {finding.kind for finding in audit(data)}


@pytest.mark.parametrize("annotation", [{}, {"onset": 0, "apex": 0, "offset": 0}])
@pytest.mark.parametrize("apex", ["annotated", "annotated+flow", "flow"])
def test_stills_have_no_annotated_apex(apex, annotation, tmp_path):
    for frames in (None, 2):
        found = kinds(pictures(**annotation), tmp_path, apex=apex, frames=frames)
        assert "annotation at test time" not in found


def test_clips_among_stills_do(tmp_path):
    mixed = pictures()[:6] + pictures(frames=3, onset=0, apex=1, offset=2)[6:]
    assert "annotation at test time" in kinds(mixed, tmp_path, apex="annotated")
    mixed = [replace(clip, apex=None) if len(clip.frames) == 3 else clip for clip in mixed]
    assert "annotation at test time" not in kinds(mixed, tmp_path, apex="annotated+flow")
