"""`merzoo demo`: a web page that finds and classifies micro-expressions."""

from merzoo.commands._shared import choose_backend
from merzoo.errors import InputError

SUMMARY = "serve a web page that analyses videos on this computer"
EXAMPLE = "merzoo demo --port 7861"


def arguments(parser) -> None:
    from merzoo.prediction.defaults import DEFAULT_MODEL, DEFAULT_WEIGHTS

    parser.add_argument("--port", type=int, default=7861, help="(7861); 0 for any free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this computer alone)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name by which browsers may ask for the page, such as a proxy's; others "
        "than --host and localhost are refused; may be given several times",
    )
    parser.add_argument(
        "--model",
        help="chosen at first; a name from merzoo list (that of the weights, else "
        f"{DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--weights", metavar="TAG_OR_PATH", help=f"as for merzoo predict ({DEFAULT_WEIGHTS})"
    )
    parser.add_argument("--megabytes", type=float, default=200, help="largest upload (200)")
    parser.add_argument("--seconds", type=float, default=60, help="longest video (60)")
    parser.add_argument("--workers", type=int, default=2, help="uploads worked on at a time (2)")


def run(options) -> int:
    for name, low, high in (("megabytes", 0.1, 10_000), ("seconds", 1, 3600), ("workers", 1, 64)):
        if not low <= getattr(options, name) <= high:
            raise InputError(f"--{name} must be from {low} to {high}.")
    choose_backend()
    from merzoo.app.demo import Demo, listen

    told = listen()  # from here on the page is always closed in order
    demo = Demo(
        options.model,
        options.weights,
        host=options.host,
        port=options.port,
        allow_hosts=options.allow_host,
        megabytes=options.megabytes,
        seconds=options.seconds,
        workers=options.workers,
    )
    names = ", ".join(demo.hosts)
    print(f"merzoo demo: {demo.url} (Ctrl-C stops it); known as {names}", flush=True)
    demo.wait(told)
    return 0
