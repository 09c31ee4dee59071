"""A fresh model depends on its seed, whatever else its process does."""

import random
import threading

import numpy as np

import merzoo
from merzoo.training.seeds import seeded


def test_another_thread_that_draws_changes_no_model():
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            random.random()
            stop.wait(1e-4)

    def build():
        with seeded(3):
            return merzoo.create_model("ststnet").get_weights()

    quiet = build()
    thread = threading.Thread(target=draw)
    thread.start()
    try:
        noisy = build()
    finally:
        stop.set()
        thread.join()
    for one, other in zip(quiet, noisy, strict=True):
        np.testing.assert_array_equal(one, other)
