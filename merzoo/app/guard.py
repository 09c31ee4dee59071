"""Who may ask the page for what: its own page in a browser, and nobody else's.

A browser sends requests to this computer for every page that it shows. So a request must name a
host that the page is known by (against names that are made to point here, DNS rebinding), and must
come from the page itself (against forms and scripts of other pages). Beside that only the routes
that the page uses are open, and no body may be larger than an upload.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from merzoo.errors import InputError

API = "/gradio_api"
UPLOAD = f"{API}/upload"
_POSTS = (UPLOAD, f"{API}/queue/join", f"{API}/cancel", f"{API}/reset")
_GETS = ("/config", "/theme.css", "/favicon.ico", "/manifest.json", f"{API}/info", f"{API}/app_id")
_GETS_UNDER = ("/assets/", "/static/", "/svelte/", f"{API}/queue/data", f"{API}/heartbeat/") + (
    f"{API}/upload_progress",
    f"{API}/startup-events",
)
_LARGEST_BODY = 1 << 20  # bytes of a request that uploads nothing
_MULTIPART = 1 << 16  # bytes that an upload has around its file
HEADERS = {
    # Gradio's pages start with a script in the page and build their HTML by evaluated templates.
    "Content-Security-Policy": "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class TooLarge(Exception):
    """A body is larger than may be."""


def middleware(hosts: Sequence[str], files: str, largest: int) -> list[Middleware]:
    """What every request goes through, in this order.

    Args:
        hosts: names that a `Host` header may say, without ports.
        files: the only folder that files are served from.
        largest: bytes of an upload.
    """
    return [
        Middleware(Guard, files=files, largest=largest),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
    ]


def allowed_hosts(host: str, more: Sequence[str] = ()) -> tuple[str, ...]:
    """The names that a page is known by: where it listens, this computer, and what the user adds.

    Raises:
        InputError: for a name with a port, a scheme or a wildcard.

    >>> allowed_hosts("192.168.1.5", ["faces.example.org"])
    ('192.168.1.5', 'localhost', '127.0.0.1', '[::1]', 'faces.example.org')
    """
    for name in more:
        if not name or set(name) & set("/*@ ,") or (":" in name and not name.startswith("[")):
            raise InputError(
                f"--allow-host {name}: give a name as browsers show it, without http:// and port, "
                "such as faces.example.org."
            )
    own = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return tuple(dict.fromkeys((own, "localhost", "127.0.0.1", "[::1]", *more)))


class Guard:
    """ASGI middleware that refuses what does not come from the page, and says so in one line."""

    def __init__(self, app: ASGIApp, files: str, largest: int):
        self.app, self.files, self.largest = app, files, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        refused, started = self._refusal(scope), False
        most = self.largest + _MULTIPART if scope["path"] == UPLOAD else _LARGEST_BODY
        left = most

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge
            return message

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if refused is None and int(Headers(scope=scope).get("content-length", "0")) > most:
            refused = 413, _too_large(most)
        if refused is None:
            try:
                return await self.app(scope, counted, with_headers)
            except TooLarge:
                if started:
                    raise
                refused = 413, _too_large(most)
        response = PlainTextResponse(f"{refused[1]}\n", refused[0], {"Connection": "close"})
        return await response(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and line for a request that is not the page's own, or `None`."""
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        reads = method in ("GET", "HEAD")
        if (
            origin is not None
            and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        ):
            return 403, "Refused: this request comes from another page."
        opened = reads and headers.get("sec-fetch-mode") == "navigate"  # a link to the page
        if site not in (None, "same-origin", "none") and not (opened and path == "/"):
            return 403, "Refused: this request comes from another page."
        if not self._is_open(path) if reads else method != "POST" or path not in _POSTS:
            return 404, "There is no such page."
        length = headers.get("content-length", "0")
        return None if length.isdecimal() else (400, "Refused: no length.")

    def _is_open(self, path: str) -> bool:
        files = f"{API}/file={self.files}/"
        return path == "/" or path in _GETS or path.startswith((*_GETS_UNDER, files))


def _too_large(most: int) -> str:
    return f"Refused: larger than {most / 2**20:.0f} MB."
