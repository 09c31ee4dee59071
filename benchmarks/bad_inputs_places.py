"""Bad inputs that are places: where verbs write, the cache, and what the environment names."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from bad_inputs_options import BASES
from bad_inputs_run import Input

# Places to write, prepared in the folder of the try: what is wrong -> (the path, what is there).


def _a_file(user: Path, good: Path) -> None:
    (user / "taken").write_text("dear")


def _strangers(user: Path, good: Path) -> None:
    (user / "taken").mkdir()
    (user / "taken" / "wedding.jpg").write_text("dear")


def _shut(user: Path, good: Path) -> None:
    (user / "taken").mkdir()
    (user / "taken").chmod(0o500)


def _loop(user: Path, good: Path) -> None:
    (user / "taken").symlink_to("taken")


def _dangling(user: Path, good: Path) -> None:
    (user / "taken").symlink_to("no-such/place")


def _of_another_verb(user: Path, good: Path) -> None:
    shutil.copytree(good / "pre", user / "taken")


def _of_other_settings(user: Path, good: Path) -> None:
    shutil.copytree(good / "other", user / "taken")


OUTS = {
    "a file": ("taken{end}", _a_file, None),
    "below a file": ("taken/out{end}", _a_file, None),
    "a stranger's folder": ("taken{end}", _strangers, ""),
    "not to be written": ("taken/out{end}", _shut, None),
    "a link to itself": ("taken{end}", _loop, None),
    "a link to nothing": ("taken{end}", _dangling, ""),
    "a name of 400 characters": ("o" * 400 + "{end}", None, None),
    "/dev/null": ("/dev/null", None, None),
    "/dev/full": ("/dev/full", None, None),
    "/proc": ("/proc/out{end}", None, None),
    "the folder of a pretraining": ("taken", _of_another_verb, ""),
    "the folder of an evaluation": ("taken", _of_other_settings, ""),
    "nothing": ("", None, None),
}
ENDS = {"data prepare": ".npz", "export": ".onnx"}
WRITERS = (
    *("compare", "evaluate", "explain", "export", "predict", "pretrain", "reproduce", "score"),
    *("transfer", "tune", "data prepare", "data synthesize"),
)


def bad_outs() -> Iterator[Input]:
    """Every verb that writes, to places where it cannot or should not."""
    for verb in WRITERS:
        base = BASES[verb].split()
        if verb == "compare":
            base += ["--out", "out"]
        end = ENDS.get(verb, "")
        for about, (place, make, said) in OUTS.items():
            if verb in ENDS and about.startswith("the folder of"):
                continue
            dangling = about == "a link to nothing"
            if dangling and verb == "export":
                said = None
            path = place.format(end=end)
            words = list(base)
            words[words.index("out") if verb == "data synthesize" else words.index("--out") + 1] = (
                path
            )
            yield Input(
                verb,
                f"--out: {about}",
                tuple(words),
                _ended(make, end),
                ("pre", "other") if "folder of" in about else (),
                said=said,
                may_change=("taken*",) if dangling and verb != "export" else (),
                names="out|taken|/dev|/proc|oooo",
            )


def _ended(make, end: str):
    """`make`, with the ending that the verb asks for on what it makes."""
    if make is None or not end:
        return make

    def made(user: Path, good: Path) -> None:
        make(user, good)
        if make is _loop:
            (user / "taken").unlink()
            (user / f"taken{end}").symlink_to(f"taken{end}")
        elif make in (_strangers, _dangling):
            (user / "taken").rename(user / f"taken{end}")
        elif make is _a_file:
            shutil.copy(user / "taken", user / f"taken{end}")

    return made


def _cache(name: str, text: str = "dear"):
    def make(user: Path, good: Path) -> None:
        path = user / "folder" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return make


def surroundings() -> Iterator[Input]:
    """Caches that are a stranger's, and environment variables that name nothing."""
    clear = ("data", "cache", "--clear", "--cache", "folder")
    for name in ("ab/wedding.jpg", "00/letter.txt", "ff/notes", "wedding.jpg", "ab/cd/wedding.npz"):
        yield Input("data cache", f"--clear beside {name}", clear, _cache(name), said="")
    for what in ("--size", "--clear"):
        for path in ("/dev/null", "no-such", "/proc", "{good}/flow.npz"):
            words = ("data", "cache", what, "--cache", path)
            said = "0 arrays" if path in ("no-such", "/proc") else None
            yield Input(
                "data cache", f"{what} of {path}", words, said=said, names="cache|null|flow"
            )
    for value in ("/dev/null", "/proc/home", "{good}/flow.npz"):
        env = {"MERZOO_HOME": value}
        line = BASES["data prepare"]
        names = "home|null|flow|/proc"
        yield Input(
            "data prepare", f"MERZOO_HOME={value}", tuple(line.split()), names=names, env=env
        )
    for name, line in (
        ("MERZOO_YUNET", BASES["predict"] + " --detector yunet"),
        ("MERZOO_LANDMARKS", BASES["predict"] + " --detector dlib"),
    ):
        for value in ("no-such", "/dev/null", "/dev/zero"):
            env = {name: value}
            yield Input(
                "predict", f"{name}={value}", tuple(line.split()), names=f"{name}|{value}", env=env
            )
    for value in ("no-such", "", "numpy", "Jax"):
        env = {"KERAS_BACKEND": value}
        said = "" if value in ("", "numpy") else None  # NumPy's backend predicts
        line = BASES["predict"]
        about = f"KERAS_BACKEND={value}"
        yield Input(
            "predict", about, tuple(line.split()), said=said, names="backend", env=env, fresh=True
        )
    for line in ("", "--help", "--version", "info no-such", "list no-such", "weights list no-such"):
        said = "" if line in ("", "--help", "--version") else None
        names = "no-such|0 " if line else ""
        yield Input(
            "no verb", f"fresh: {line}", tuple(line.split()), said=said, names=names, fresh=True
        )
