"""Who is let in: a real server on this computer, asked with forged headers and broken bodies."""

import contextlib
import http.client
import socket
import threading
import time

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install 'merzoo[app]'")

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from merzoo.app.folder import Folder
from merzoo.app.guard import HEADERS, UPLOAD, allowed_hosts, middleware
from merzoo.app.uploads import upload_route
from merzoo.errors import InputError

LARGEST = 100_000
JOIN = "/gradio_api/queue/join"


async def echo(request):
    return PlainTextResponse(f"{len(await request.body())}")


class Server:
    """The guard and the route of uploads, with a simple page behind them."""

    def __init__(self):
        self.folder = Folder()
        routes = [upload_route(self.folder, {".mp4", ".png"}, LARGEST)]
        routes += [Route(path, echo, methods=["GET", "POST", "PUT"]) for path in ("/", JOIN)]
        hosts = allowed_hosts("127.0.0.1", ["faces.example.org"])
        inside = middleware(hosts, str(self.folder.files), LARGEST)
        app = Starlette(routes=routes, middleware=inside)
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def ask(self, method="GET", path="/", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            chunked = "Transfer-Encoding" in named
            connection.request(method, path, body, named, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def upload(self, name, content, **headers):
        kind = "multipart/form-data; boundary=BB"
        return self.ask("POST", UPLOAD, form(name, content), Content_Type=kind, **headers)

    def kept(self):
        return [path for path in self.folder.files.rglob("*") if path.is_file()]


def form(name, content):
    head = f'--BB\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--BB--\r\n"


@pytest.fixture(scope="module")
def server():
    running = Server()
    yield running
    running.server.should_exit = True
    running.thread.join()
    running.folder.close()


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.", "", "[::2]", "faces.example.or"],
)
def test_another_name_for_this_computer_is_refused(server, host):
    for method in ("GET", "POST"):
        status, text, headers = server.ask(method, "/" if method == "GET" else JOIN, Host=host)
        assert (status, text) == (400, "Invalid host header") and headers["X-Frame-Options"]


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1", "[::1]:{port}", "FACES.example.org"]
)
def test_its_own_names_are_answered_with_strict_headers(server, host):
    host = host.format(port=server.port)
    status, _, headers = server.ask(Host=host, Origin=f"http://{host}")
    assert status == 200 and all(headers[name] == value for name, value in HEADERS.items())
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "forged",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},  # another program's page on this computer
        {"Origin": "http://localhost:{port}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
def test_another_page_cannot_post_or_upload(server, forged):
    forged = {name: value.format(port=server.port) for name, value in forged.items()}
    assert server.ask("POST", JOIN, "{}", **forged)[0] == 403
    assert server.upload("a.mp4", b"1", **forged)[0] == 403
    assert server.ask("GET", "/config", **forged)[0] == 403
    assert server.kept() == []


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(server):
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert server.ask("GET", "/", **link)[0] == 200
    assert server.ask("GET", f"/gradio_api/file={server.folder.files}/x", **link)[0] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/docs"), ("GET", "/gradio_api/proxy=http://127.0.0.1/"), ("PUT", "/")]
    + [("GET", "/gradio_api/file=/etc/passwd"), ("GET", "/gradio_api/file=http://127.0.0.1/")]
    + [("POST", "/gradio_api/process_recording"), ("POST", "/gradio_api/vibe-edit"), ("POST", "/")],
)
def test_routes_that_the_page_does_not_use_are_closed(server, method, path):
    assert server.ask(method, path)[:2] == (404, "There is no such page.\n")


def test_a_body_larger_than_may_be_is_refused_whether_its_length_is_said_or_not(server):
    assert server.ask("POST", JOIN, bytes(1000))[1] == "1000"
    said = begun(server, JOIN, f"Content-Length: {(1 << 20) + 1}")
    assert said.startswith("HTTP/1.1 413") and "larger than 1 MB" in said
    chunk = b"80000\r\n" + bytes(1 << 19) + b"\r\n"
    assert begun(server, JOIN, "Transfer-Encoding: chunked", chunk * 3).startswith("HTTP/1.1 413")
    assert begun(server, UPLOAD, "Content-Length: 999999999").startswith("HTTP/1.1 413")


def begun(server, path: str, header: str, body: bytes = b"") -> str:
    """What the server answers to a request before all of its body has come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):  # it may close as soon as it is too much
            raw.sendall(body)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(1 << 16):
                answer += part
    return answer.decode()


def test_equal_uploads_lie_apart_and_others_leave_nothing(server):
    paths = {server.upload(name, b"same")[1] for name in ("a.mp4", "a.mp4", "../../b.PNG")}
    assert len(paths) == 3 and {path.name for path in server.kept()} == {"a.mp4", "b.PNG"}
    for path in server.kept():
        path.unlink()
    for name, content, status in (
        ("a.exe", b"1", 415),
        ("mp4", b"1", 415),
        ("a.mp4", bytes(LARGEST + 1), 413),
        ("", b"1", 415),
    ):
        assert server.upload(name, content)[0] == status, name
    kind = {"Content_Type": "multipart/form-data; boundary=BB"}
    two = form("a.mp4", b"1")[:-8] + form("b.mp4", b"2")
    for body, headers in (
        (b"zz", kind),
        (form("a.mp4", b"1")[:60], kind),
        (b"zz", {}),
        (two, kind),
    ):
        assert server.ask("POST", UPLOAD, body, **headers)[0] == 400
    assert server.kept() == []


def test_an_upload_that_is_broken_off_leaves_nothing(server):
    body = form("a.mp4", bytes(90_000))
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(
            f"POST {UPLOAD} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=BB\r\n\r\n".encode()
            + body[:50_000]
        )
        time.sleep(0.2)
        assert server.kept() == []
    time.sleep(0.3)
    assert server.kept() == [] and server.ask()[0] == 200


@pytest.mark.parametrize("name", ["*", "*.org", "http://a.org", "a.org:80", "a/b", ""])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(InputError, match="--allow-host"):
        allowed_hosts("127.0.0.1", [name])
