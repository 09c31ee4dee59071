"""The jobs of the page: what becomes of an upload from the click to its end."""

import contextlib
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from merzoo.app.choices import Choices, Chosen
from merzoo.app.folder import Folder
from merzoo.app.pictures import Job
from merzoo.app.workers import JobStopped, WorkerLost, Workers
from merzoo.errors import InputError
from merzoo.prediction.sources import SAMPLE


class Jobs:
    """The jobs of one page.

    Args:
        folder: of the page.
        workers: that do the work.
        choices: that the page offers.
        seconds: longest video.
    """

    def __init__(self, folder: Folder, workers: Workers, choices: Choices, seconds: float):
        self.folder, self.workers = folder, workers
        self.choices, self.seconds = choices, seconds
        self._running: dict[str, list[threading.Event]] = defaultdict(list)

    def analyse(
        self, session: str, chosen: Chosen, uploads: Sequence[str] | None = None
    ) -> Iterator[tuple]:
        """Works on one source; its files are gone when this generator ends, however it ends.

        Args:
            session: of the user, whose `cancel` stops the job.
            chosen: by the user.
            uploads: paths of a video, or of onset and apex; `None` for the sample.

        Yields:
            `("progress", what, done, total)` any number of times, then `("problem", message)` or
            `("done", result)`; the files of a result are there until the next step.
        """
        stop, names = threading.Event(), {}
        self._running[session].append(stop)
        try:
            with self.folder.job() as folder:
                taken = [str(self.folder.take(path, folder)) for path in uploads or ()]
                names = {path: Path(path).name for path in taken}
                source = SAMPLE if not taken else taken[0] if len(taken) == 1 else tuple(taken)
                yield "progress", "waiting for a free worker", 0, 1
                made = folder / "made"
                made.mkdir()
                job = Job(source, str(made), chosen, self.seconds)
                for step in self.workers.run(job, stop):
                    with contextlib.suppress(OSError):  # too old: removed while it waited
                        os.utime(folder)  # it is being worked on
                    yield step
        except InputError as error:
            yield "problem", self.choices.worded(_renamed(str(error), names))
        except JobStopped:
            yield "problem", "Cancelled."
        except WorkerLost as error:
            yield "problem", f"This one could not be finished: {error}. Try again."
        finally:
            self._running[session].remove(stop)
            if not self._running[session]:
                self._running.pop(session, None)

    def cancel(self, session: str | None = None) -> None:
        """Stops the jobs of a user, or all: workers are ended and files removed."""
        for one in list(self._running) if session is None else [session]:
            for stop in list(self._running.get(one, ())):
                stop.set()

    def is_busy(self, session: str) -> bool:
        """Whether a job of the user is waiting or worked on."""
        return session in self._running


def _renamed(message: str, names: dict[str, str]) -> str:
    """A message with the names of uploads in place of where the server keeps them."""
    for path, name in names.items():
        message = message.replace(path, name)
    return message
