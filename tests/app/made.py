"""Work for the tests of the workers: importable by name, as a worker process needs it."""

import os
import time

from merzoo.errors import InputError


def make(offset):
    def work(job, progress):
        word, value = job
        if word == "add":
            for i in range(3):
                progress("adding", i + 1, 3)
            return value + offset, os.getpid()
        if word == "refuse":
            raise InputError(f"{value} is not good")
        if word == "fail":
            return {}[value]
        if word == "die":
            os._exit(3)
        time.sleep(value)
        return None

    return work


def make_refused():
    raise InputError("no such model")
