"""What several folders of tests share."""

import signal
import threading

import cv2
import pytest

# A shell that starts the tests in the background tells them to ignore Ctrl-C, and so all the
# processes that they start, of which some are to be stopped by it.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
