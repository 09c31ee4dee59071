"""The running page: its server, its folder, its workers, and how it ends."""

import atexit
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence

from merzoo.app.choices import Choices
from merzoo.app.folder import KEPT, Folder
from merzoo.app.jobs import Jobs
from merzoo.app.pictures import make_work
from merzoo.app.workers import Workers
from merzoo.errors import InputError
from merzoo.prediction.defaults import network_of

_LOOK = 15.0  # seconds after which it is looked again whether something is old enough to go


class Demo:
    """A running page.

    Args:
        model: chosen at first; a name of `merzoo.list_models()`, `"module:function"` or a `.keras`
            file; `None` for the network that the weights say, else the default.
        weights: as `merzoo.prediction.predict` takes them.
        host: address to listen on; `"127.0.0.1"` is this computer alone.
        port: number, or 0 for a free one.
        allow_hosts: further names by which browsers may ask for the page; others are refused.
        megabytes: largest upload.
        seconds: longest video.
        workers: uploads worked on at a time.
        kept: seconds after which an upload that no job has taken, or a result, is removed.

    Raises:
        InputError: if the port is taken, Gradio is not installed, or model, weights or a name of
            `allow_hosts` cannot be used.
    """

    def __init__(
        self,
        model: str | None = None,
        weights: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 7861,
        allow_hosts: Sequence[str] = (),
        megabytes: float = 200,
        seconds: float = 60,
        workers: int = 2,
        kept: float = KEPT,
    ):
        _need_gradio()
        from merzoo.app.guard import allowed_hosts

        self.hosts = allowed_hosts(host, allow_hosts)
        self.port = _free_port(host, port)
        choices = Choices(network_of(weights) if model is None else model, weights)
        self._closed = threading.Event()
        self.workers = Workers(make_work, (), workers)
        self.folder = Folder()
        self.jobs = Jobs(self.folder, self.workers, choices, seconds)
        atexit.register(self.close)
        try:
            self._blocks = _launched(self, host, megabytes)
            threading.Thread(target=self._drop_old, args=(kept,), daemon=True).start()
        except BaseException:
            self.close()
            raise
        self.url = f"http://{self.hosts[0]}:{self.port}"

    def wait(self, told: list[int] | None = None) -> None:
        """Serves until the process is told to stop, then closes.

        Args:
            told: of `listen`, where it was called before the page was started; else it is called
                here.
        """
        told = listen() if told is None else told
        try:
            while not told:
                time.sleep(0.1)
        finally:
            self.close()

    def close(self) -> None:
        """Stops serving, ends the workers and removes every file of the page."""
        if self._closed.is_set():
            return
        self._closed.set()
        self.jobs.cancel()
        self.workers.close()
        if hasattr(self, "_blocks"):
            self._blocks.close(verbose=False)
        self.folder.close()
        atexit.unregister(self.close)

    def _drop_old(self, kept: float) -> None:
        while not self._closed.wait(min(_LOOK, kept / 4)):
            with contextlib.suppress(OSError):
                self.folder.drop_old(kept)


def listen() -> list[int]:
    """A list that gets the number of each signal to stop (SIGINT, SIGTERM, SIGHUP) from now on.

    Must be called in the main thread, which signals reach.
    """
    told: list[int] = []
    for number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        signal.signal(number, lambda number, frame: told.append(number))
    return told


def _launched(demo: Demo, host: str, megabytes: float):
    """Gradio's server of the page, told to keep its files in our folder and to send nothing."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(demo.folder.files)
    os.environ["HF_HUB_OFFLINE"] = "1"
    from merzoo.app.guard import middleware
    from merzoo.app.layout import CSS, SUFFIXES, build, theme
    from merzoo.app.uploads import upload_route

    largest = int(megabytes * 2**20)
    blocks = build(demo.jobs, megabytes)
    blocks.launch(
        server_name=host,
        server_port=demo.port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        max_file_size=largest,
        show_error=True,
        footer_links=[],
        ssr_mode=False,
        theme=theme(),
        css=CSS,
        app_kwargs={
            "routes": [upload_route(demo.folder, SUFFIXES, largest)],
            "middleware": middleware(demo.hosts, str(demo.folder.files), largest),
        },
    )
    return blocks


def _need_gradio() -> None:
    import importlib.util

    if importlib.util.find_spec("gradio") is None:
        raise InputError("The page needs Gradio: pip install 'merzoo[app]'.")


def _free_port(host: str, port: int) -> int:
    """The port, checked to be free; a free one for 0."""
    if not 0 <= port <= 65535:
        raise InputError(f"port must be from 0 to 65535, got {port}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as server:
            return server.getsockname()[1]
    except OSError as error:
        raise InputError(
            f"{host}:{port}: cannot be listened on ({error.strerror or error}); choose another "
            "--port or --host."
        ) from None
