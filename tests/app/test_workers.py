"""The page's worker processes: real ones, that really die."""

import threading
import time

import pytest

from merzoo.app.workers import WorkerLost, Workers
from merzoo.errors import InputError
from tests.app import made


@pytest.fixture
def workers():
    """Two workers that add 10 and may take half a minute."""
    pool = Workers(made.make, (10,), number=2, seconds=30)
    yield pool
    pool.close()
    assert not any(worker.process.is_alive() for worker in pool.started)


def result(workers, *job):
    *progress, (word, content) = workers.run(job)
    assert word == "done" and all(step[0] == "progress" for step in progress)
    return content


def test_a_worker_is_kept_for_the_next_job_and_survives_refusals_and_faults(workers):
    value, first = result(workers, "add", 1)
    assert value == 11
    with pytest.raises(InputError, match="seven is not good"):
        list(workers.run(("refuse", "seven")))
    with pytest.raises(InputError, match="KeyError: 'x'"):
        list(workers.run(("fail", "x")))
    assert result(workers, "add", 2) == (12, first)


def test_a_worker_that_dies_is_replaced(workers):
    _, first = result(workers, "add", 1)
    with pytest.raises(WorkerLost, match="ended unexpectedly"):
        list(workers.run(("die", None)))
    assert result(workers, "add", 1)[1] != first


def test_a_job_that_takes_too_long_is_ended():
    workers = Workers(made.make, (10,), number=1, seconds=1.5)
    start = time.monotonic()
    with pytest.raises(WorkerLost, match=r"longer than 1\.5 seconds"):
        list(workers.run(("sleep", 60)))
    assert time.monotonic() - start < 30
    assert workers.started[0].process.exitcode is not None
    workers.close()


def test_a_user_who_leaves_frees_the_worker(workers):
    steps = workers.run(("add", 1))
    assert next(steps)[0] == "progress"
    steps.close()
    assert not workers.started[0].process.is_alive()
    assert result(workers, "add", 1)[0] == 11


def test_a_crash_leaves_the_other_users_job_alone(workers):
    answers = []
    other = threading.Thread(target=lambda: answers.append(list(workers.run(("sleep", 2)))))
    other.start()
    with pytest.raises(WorkerLost):
        list(workers.run(("die", None)))
    other.join()
    assert answers == [[("done", None)]]


def test_what_keeps_a_worker_from_starting_is_said_each_time():
    workers = Workers(made.make_refused, (), number=1)
    for _ in range(2):
        with pytest.raises(InputError, match="no such model"):
            list(workers.run(("add", 1)))
    workers.close()
