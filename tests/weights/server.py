"""A real HTTP server on loopback that serves one file, well or badly."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """What the server holds, how it misbehaves, and what was asked of it.

    Args:
        content: bytes of the file.
        drops: after how many bytes each connection breaks, one by one; then none does.
        ranges: whether it honours Range.
        status: instead of 200, for everything.
        pause: seconds before every kilobyte.
        redirect: answer with 302 to `/moved` first.
    """

    def __init__(
        self, content: bytes, drops=(), *, ranges=True, status=None, pause=0.0, redirect=False
    ):
        self.content, self.drops, self.ranges = content, list(drops), ranges
        self.status, self.pause, self.redirect = status, pause, redirect
        self.asked: list[tuple[str, str | None]] = []  # path and Range of each request
        self.url = ""


@contextmanager
def serving(served: Served):
    """Runs the server; `served.url` is its address."""
    with _running(lambda handler: answer(handler, served)) as url:
        served.url = url
        yield served


@contextmanager
def serving_files(files: dict[str, bytes]):
    """Runs a server of files by their paths; gives its address, and the paths asked for."""
    asked: list[str] = []

    def give(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        if handler.path not in files:
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(files[handler.path])))
        handler.end_headers()
        handler.wfile.write(files[handler.path])

    with _running(give) as url:
        yield url, asked


@contextmanager
def _running(respond):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            respond(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
    asked = handler.headers.get("Range")
    served.asked.append((handler.path, asked))
    if served.status:
        handler.send_error(served.status)
        return
    if served.redirect and handler.path != "/moved":
        handler.send_response(302)
        handler.send_header("Location", "/moved")
        handler.end_headers()
        return
    start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked and served.ranges else 0
    size = len(served.content)
    if start >= size:
        handler.send_error(416)
        return
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    handler.send_header("Content-Length", str(size - start))
    handler.end_headers()
    drop = served.drops.pop(0) if served.drops else size
    body = served.content[start:][:drop]
    for place in range(0, len(body), 1024):
        time.sleep(served.pause)
        try:
            handler.wfile.write(body[place : place + 1024])
        except OSError:  # the client gave up
            return
