"""What several folders of tests share."""

import cv2
import pytest


class Counting:
    """A capture of OpenCV that counts the films that are opened and the frames that it decodes."""

    count = captures = 0
    opened = cv2.VideoCapture

    def __init__(self, path):
        self.capture = Counting.opened(path)
        Counting.captures += 1

    def grab(self):
        found = self.capture.grab()
        Counting.count += found
        return found

    def __getattr__(self, name):
        return getattr(self.capture, name)


@pytest.fixture
def decoded(monkeypatch):
    """`count` of the frames that OpenCV decodes from videos, and of its `captures`."""
    Counting.count = Counting.captures = 0
    monkeypatch.setattr(cv2, "VideoCapture", Counting)
    return Counting
