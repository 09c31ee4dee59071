"""A process that loads what merzoo's verbs load, once, and forks a child for each run of one.

Loading takes longer than the small runs of these tests. A child is as `python -m merzoo` would
be: it leads a session of its own, has the signals, streams, limits and variables that are asked
for, and calls the command line. `tests.faults.child` starts it and talks to it in lines of JSON.
"""

import importlib
import json
import os
import resource
import signal
import sys

# What a verb says that it loads (`loads` of `tests.faults.verbs.Verb`) -> modules.
MODULES = {
    "pictures": (
        "cv2",
        "joblib",
        "rich.table",
        "merzoo.cli",
        "merzoo.commands.data.prepare",
        "merzoo.commands.data.synthesize",
        "merzoo.data.synthetic.generate",
        "merzoo.data.synthetic.forms",
        "merzoo.preprocessing.samples",
    ),
    "training": (
        "tensorflow",  # Keras sets its seed, whatever the backend
        "jax",
        "keras",
        "pandas",
        "sklearn.svm",
        "sklearn.model_selection",
        "h5py",
        "matplotlib.pyplot",
        "matplotlib.backends.backend_pdf",
        "matplotlib.backends.backend_svg",
        "jinja2",
        "keras_tuner",
        "merzoo.commands.evaluate",
        "merzoo.commands.export",
        "merzoo.commands.pretrain",
        "merzoo.commands.transfer",
        "merzoo.commands.tune",
        "merzoo.evaluation.evaluate",
        "merzoo.evaluation.transfer",
        "merzoo.evaluation.pages.report",
        "merzoo.layers",
        "merzoo.models.ststnet",
        "merzoo.training.trainer",
        "merzoo.training.pretrain",
        "merzoo.training.together",
        "merzoo.training.on_device",
        "merzoo.exporting",
    ),
}


def run(request: dict) -> int:
    """The run itself, in the child."""
    os.setsid()
    os.environ.update(request["variables"])
    os.chdir(request["folder"])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, place in ((1, request["out"]), (2, request["err"])):
        os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.closerange(3, 256)
    sys.stdin = _stream(0, "r")
    sys.stdout = _stream(1, "w")
    sys.stderr = _stream(2, "w", buffering=1, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    surround(request.get("fault") or {})
    function, words = "merzoo.cli:main", request["words"]
    if words[0].startswith("call:"):
        function, words = words[0].removeprefix("call:"), words[1:]
    module, _, name = function.partition(":")
    status = getattr(importlib.import_module(module), name)(words)
    sys.stdout.flush()
    return status


def _stream(number: int, mode: str, **options):
    return open(number, mode, **{"encoding": "utf-8", "closefd": False} | options)


def surround(fault: dict) -> None:
    """Puts the process into its surroundings, as a shell or the system would have."""
    if fault.get("stdout") == "closed":
        os.close(1)
        sys.stdout = None  # as Python does
    if fault.get("stdout") == "broken":
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
        os.close(write)
    if fault.get("stdout") == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    if "encoding" in fault:
        sys.stdout = _stream(1, "w", encoding=fault["encoding"])
    if "TMPDIR" in os.environ:
        import tempfile

        tempfile.tempdir = None  # asked again
    if "spare" in fault:  # ulimit -v
        with open("/proc/self/statm", encoding="ascii") as file:
            limit = int(file.read().split()[0]) * resource.getpagesize() + fault["spare"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if "space" in fault:
        resource.setrlimit(resource.RLIMIT_AS, (fault["space"], fault["space"]))


def load(name: str) -> None:
    for module in MODULES[name]:
        try:
            importlib.import_module(module)
        except ImportError:  # an extra that is not installed; its tests say so
            continue


def main() -> None:
    load("pictures")
    children = {}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "words" in request:
            load(request["loads"])
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    status = run(request)
                except BaseException as error:  # as Python would end
                    import traceback

                    traceback.print_exception(error)
                finally:
                    os._exit(status)
            children[pid] = None
            print(json.dumps(pid), flush=True)
        else:  # how a child ended; None while it lives
            pid = request["ended"]
            if children[pid] is None:
                done, status = os.waitpid(pid, os.WNOHANG)
                children[pid] = os.waitstatus_to_exitcode(status) if done else None
            print(json.dumps(children[pid]), flush=True)


if __name__ == "__main__":
    main()
