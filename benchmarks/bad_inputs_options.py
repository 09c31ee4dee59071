"""Bad inputs that are words of the command line: every option of every verb, and its arguments.

The options are read from the verbs themselves, so that a new one is tried as soon as there is one.
"""

import argparse
import importlib
import re
from collections.abc import Iterator

from bad_inputs_run import Input

DATA = "--data arrays:{good}/flow.npz"
# A command line of each verb that is right, to which one bad option is added.
BASES = {
    "audit": "audit ststnet --data arrays:{good}/flow.npz",
    "compare": "compare {good}/run {good}/other",
    "demo": "demo --port 0",
    "evaluate": "evaluate ststnet --data arrays:{good}/flow.npz --epochs 1 --out out",
    "explain": "explain ststnet --weights synthetic --data manifest:{good}/faces --out out",
    "export": "export ststnet --weights synthetic --format onnx --out out.onnx",
    "info": "info ststnet",
    "list": "list",
    "predict": "predict {good}/film.avi --annotated none --out out",
    "pretrain": f"pretrain ststnet {DATA} --epochs 1 --validation 0.5 --out out",
    "report": "report {good}/run",
    "reproduce": "reproduce dfrnet/table6 --data manifest:{good}/faces --quick --out out",
    "score": "score {good}/scores.csv --out out",
    "transfer": "transfer ststnet --pretrained {good}/pre --data arrays:{good}/flow.npz --epochs 1 "
    "--out out",
    "tune": "tune ststnet --data arrays:{good}/flow.npz --trials 1 --out out",
    "data cache": "data cache --size",
    "data check": "data check manifest {good}/faces",
    "data prepare": "data prepare --data manifest:{good}/faces --input difference=16x16x1 "
    "--detector none --jobs 1 --out o.npz",
    "data synthesize": "data synthesize out --subjects 1 --clips 1 --size 64x64 --jobs 1",
    "weights download": "weights download ststnet.synthetic",
    "weights list": "weights list",
    "weights verify": "weights verify ststnet.synthetic",
}
# Any word may be right: tried by hand, below.
FREE_TEXT = {"--allow-host", "--out", "--name", "--cache", "--classes", "--host", "--data"}
WHOLE = ("x", "1.5", "-1", "0")
REAL = ("x", "nan", "inf", "-1")
TEXT = ("no-such", "")
BESIDE = {  # what an option needs beside it to have an effect
    ("tune", "--outer"): ("--nested",),
    ("tune", "--seeds"): ("--nested",),
}
ALLOWED = {  # what the table would take for bad and is none
    ("--seed", "0"),
    ("--port", "0"),
    ("--seed", "-1"),
}
ALLOWED -= {("--seed", "-1")}
# Bad values beyond the usual, by option.
MORE = {
    "--protocol": (
        "kfold:",
        "kfold:x",
        "kfold:0",
        "kfold:1",
        "kfold:-2",
        "kfold:99",
        "kfold:2.5",
        "loso:3",
    ),
    "--outer": ("kfold:", "kfold:1", "kfold:x"),
    "--selection": ("fixed:", "fixed:0", "fixed:-1", "fixed:x"),
    "--subjects": ("a/no-such", "s0", "/"),
    "--labels": ("megc33", "MEGC3x"),
    "--argument": ("x", "=1", "no_such=1", "classes=0", "classes=x", "input_shape=[]"),
    "--cluster": ("tcp://", "tcp://no-such-host:1", "http://127.0.0.1:1", "127.0.0.1:x"),
    "--chief": ("x", ":1", "host:x", "127.0.0.1:99999999"),
    "--worker": ("x", ":1", "host:x", "127.0.0.1:99999999"),
    "--devices": ("gpu:99", ",", "tpu:0"),
    "--freeze": ("until:", "until:no_such", "from:x"),
    "--plateau": ("-1", "1.5", "x"),
    "--stop": ("-1", "1.5", "x"),
    "--size": ("0x0", "x", "64", "64x", "64x64x3", "-64x64"),
    "--input": ("difference", "difference=", "difference=x", "no_such=28x28x3", "difference=28x28"),
    "--columns": ("x", "path=no_such", "no_such=path", "path=label,path=subject", "a&b=c"),
    "--data": (
        "no-such:x",
        "arrays:",
        "arrays",
        ":",
        "",
        "synthetic:no-such",
        "manifest:",
        "casme2:/no-such",
        "smic:/no-such?part=x",
        "arrays:{good}/flow.npz?x=1",
    ),
    "--allow-host": ("", "a b", "http://x", "x:80"),
    "--host": ("no-such-host", "999.1.1.1", ""),
    "--port": ("70000",),
    "--megabytes": ("0",),
    "--workers": ("0", "1000"),
    "--classes": ("a,b", "a,a,b", "a,,b", ",,", ""),
    "--magnification-band": ("5-1", "x-y", "-5", "0-0", "1-99999"),
    "--magnification-gain": ("nan", "inf", "-1"),
    "--magnification-order": ("0", "5", "1.5"),
    "--frames": ("0", "-1"),
    "--rows": ("no-such",),
    "--permutations": ("0", "-5"),
    "--seeds": ("1000000000000",),
    "--epochs": ("1e3",),
    "--jobs": ("99999999999",),
    "--fps": ("0", "1e300", "1e-300"),
    "--longest": ("0",),
    "--model": ("{good}/film.avi", "no_such_module:f", "os:system", "os:no_such", "{good}/faces"),
    "--weights": ("{good}/film.avi", "{good}/faces", "no-such", "random"),
    "--pretrained": ("{good}/film.avi", "{good}/faces", "no-such"),
    "--split": ("{good}/flow.npz", "{good}/faces"),
    "--recipe": ("{good}/flow.npz", "{good}/faces", "no-such.json"),
    "--space": ("{good}/flow.npz", "{good}/faces"),
    "--from": ("{good}/faces", "{good}/flow.npz", "{good}/pre"),
}
SAID_INSTEAD = {  # (verb, option, value) that may go on where it is said
    (verb, "--weights", "random"): "random weights" for verb in ("explain", "export", "predict")
}
# Positional arguments: (verb, the command line).
LINES = (
    *(("info", f"info {name}") for name in ("no-such", "ststnett", "../ststnet", "info:info", "*")),
    ("info", "info"),
    ("info", "info ststnet dfrnet"),
    ("list", "list a b"),
    ("weights list", "weights list a b"),
    *(
        ("weights download", f"weights download {n}")
        for n in ("no-such", "../x", "ststnet", "ststnet.")
    ),
    ("weights download", "weights download"),
    ("report", "report no-such"),
    ("report", "report {good}/faces"),
    ("report", "report {good}/flow.npz"),
    ("report", "report {good}/pre"),
    ("report", "report /dev/null"),
    ("compare", "compare"),
    ("compare", "compare {good}/run"),
    ("compare", "compare {good}/run {good}/run"),
    ("compare", "compare {good}/run no-such"),
    ("compare", "compare {good}/run {good}/faces"),
    ("compare", "compare {good}/run {good}/pre"),
    ("compare", "compare {good}/run {good}/log.txt"),
    ("score", "score"),
    ("score", "score no-such.csv --out out"),
    ("score", "score {good}/faces --out out"),
    ("score", "score {good}/flow.npz --out out"),
    ("score", "score {good}/scores.csv {good}/scores.csv --out out"),
    ("score", "score {good}/log.txt --classes a --out out"),
    ("score", "score {good}/log.txt --classes a a b --out out"),
    ("score", "score {good}/log.txt --labels macro7 --out out"),
    ("predict", "predict --out out"),
    ("predict", "predict no-such.avi --out out"),
    ("predict", "predict {good}/faces --out out"),
    ("predict", "predict {good}/onset.png --out out"),
    ("predict", "predict {good}/scores.csv --out out"),
    ("predict", "predict webcam:x --out out"),
    ("predict", "predict webcam: --out out"),
    ("predict", "predict webcam:99 --seconds 1 --out out"),
    ("predict", "predict webcam:http://127.0.0.1:1/x --seconds 1 --out out"),
    ("predict", "predict http://127.0.0.1:1/film.avi --out out"),
    ("reproduce", "reproduce"),
    ("reproduce", "reproduce dfrnet/table6"),
    ("reproduce", "reproduce no-such/table6 --data synthetic:easy"),
    ("reproduce", "reproduce dfrnet/no-such --data synthetic:easy"),
    ("reproduce", "reproduce dfrnet-1 --data synthetic:easy"),
    ("reproduce", "reproduce --list --data synthetic:easy"),
    ("reproduce", "reproduce ../dfrnet/table6 --data synthetic:easy"),
    ("data cache", "data cache"),
    ("data cache", "data cache --size --clear"),
    ("data check", "data check no-such {good}/faces"),
    ("data check", "data check casme2 no-such"),
    ("data check", "data check casme2 {good}/faces"),
    ("data check", "data check samm {good}/casme2"),
    ("data check", "data check smic?part=x {good}/faces"),
    ("data check", "data check manifest {good}/scores.csv"),
    ("data synthesize", "data synthesize"),
    ("demo", "demo --model no-such"),
    ("demo", "demo --weights no-such"),
    ("demo", "demo --host no-such-host"),
    *(
        (verb, f"{verb} {model} {rest}")
        for verb, rest in (
            ("evaluate", "--data arrays:{good}/flow.npz --epochs 1 --out out"),
            ("tune", "--data arrays:{good}/flow.npz --trials 1 --out out"),
            ("export", "--weights synthetic --out out"),
            ("explain", "--weights synthetic --data manifest:{good}/faces --out out"),
            ("audit", "--data arrays:{good}/flow.npz"),
        )
        for model in (
            "no-such",
            "os:getcwd",
            "no_such_module:build",
            "no_such.py:build",
            "{good}/scores.csv",
            "{good}/film.avi:build",
            "densemixednet",
        )
        if not (model == "densemixednet" and verb in ("export", "explain"))
    ),
    ("evaluate", "evaluate ststnet --epochs 1"),
    ("evaluate", "evaluate --data arrays:{good}/flow.npz"),
    ("evaluate", "evaluate ststnet --no-such"),
    *(  # options that say nothing beside others
        (line.split()[0], line)
        for line in (
            f"tune ststnet {DATA} --trials 1 --outer loso --out out",
            f"tune ststnet {DATA} --trials 1 --seeds 2 --out out",
            f"tune ststnet {DATA} --trials 1 --silence 5 --out out",
            f"evaluate ststnet {DATA} --epochs 1 --selection fixed:1 --out out",
            f"evaluate ststnet {DATA} --epochs 1 --fold-chunk 2 --out out",
            f"evaluate ststnet {DATA} --epochs 1 --ensemble --out out",
            f"evaluate ststnet {DATA} --epochs 1 --flow dis --out out",
            f"evaluate flow-krr {DATA} --epochs 1 --out out",
            f"evaluate flow-krr {DATA} --engine scan --out out",
            f"pretrain ststnet {DATA} --epochs 1 --validation 0 --stop 3 --out out",
            f"pretrain ststnet {DATA} --epochs 1 --plateau none --factor 0.5 --out out",
            f"pretrain ststnet {DATA} --epochs 5 --quick --out out",
            f"transfer ststnet {DATA} --pretrained {{good}}/pre --epochs 5 --quick --out out",
            f"audit ststnet {DATA} --protocol loso --split {{good}}/run/split.json",
            "score {good}/log.txt --labels megc3 --classes a b c --out out",
            "report {good}/run --format latex --no-pictures",
            "compare {good}/run {good}/other --format latex --json",
            "predict {good}/film.avi --seconds 3 --out out",
            "predict {good}/film.avi --how whole --longest 3 --out out",
            "predict {good}/onset.png {good}/apex.png --fps 50 --out out",
            "predict {good}/onset.png {good}/apex.png --how spot --out out",
            "predict webcam:99 --seconds -1 --out out",
        )
    ),
    ("data synthesize", "data synthesize out --form fer2013 --fps 50 --subjects 1 --clips 1"),
    (
        "evaluate",
        f"evaluate ststnet {DATA} --protocol loso --split {{good}}/run/split.json --out out",
    ),
    (
        "evaluate",
        f"evaluate ststnet {DATA} {DATA} --epochs 1 --out out",
    ),
    (
        "evaluate",
        "evaluate ststnet --data arrays:{good}/flow.npz --labels macro7 --epochs 1 --out out",
    ),
    ("audit", "audit --data arrays:{good}/flow.npz --flow dis"),
    ("export", "export ststnet --weights synthetic --format onnx --int8 --out o.onnx"),
    ("export", "export ststnet --weights synthetic --format openvino --int8 --out o.xml"),
    ("no verb", "no-such"),
    ("no verb", "data no-such"),
    ("no verb", "weights no-such"),
    ("no verb", "evaluatee"),
    ("no verb", "--no-such"),
)
WORD_SAID = {  # lines that may go on where it is said
    "score {good}/log.txt --labels macro7 --out out": "no samples of",
    "compare {good}/run {good}/run": "same|identical|itself|twice",
    "data check casme2 {good}/faces": "fault|differs|no ",
    "data check samm {good}/casme2": "fault|differs|no ",
    "predict {good}/faces --out out": "",
    "weights download ststnet": "",
}


def _parsed(verb: str) -> list[argparse.Action]:
    module = importlib.import_module("merzoo.commands." + verb.replace(" ", "."))
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    return parser._actions


def bad_options() -> Iterator[Input]:
    """Every option of every verb with every value that it cannot have."""
    for place, (verb, line) in enumerate(BASES.items()):
        for action in _parsed(verb):
            if not action.option_strings or action.nargs == 0 or action.dest == "help":
                continue
            option = action.option_strings[-1]
            values = _values(action, option)
            if action.dest.startswith(
                "preprocessing_"
            ):  # the same for all: one value for each verb
                values = values[place % len(values) :][:1]
            for value in values:
                base = (*line.split(), *BESIDE.get((verb, option), ()))
                words = (*base, option, value) if value else (*base, f"{option}=")
                said = SAID_INSTEAD.get((verb, option, value))
                named = f"{option}|{option.strip('-').replace('-', '.')}"
                parts = re.findall(r"[A-Za-z][\w-]{2,}", value)  # a message may name one of them
                names = "|".join(
                    [named, *([_quoted(value)] if value else []), *map(re.escape, parts)]
                )
                about = f"{option} {value or 'of nothing'}"
                yield Input(verb, about, words, said=said, names=names)


def _quoted(value: str) -> str:
    return re.escape(value.rpartition("/")[2] or value)


def _values(action: argparse.Action, option: str) -> tuple[str, ...]:
    if action.type is int:
        usual = WHOLE
    elif action.type is float:
        usual = REAL
    else:
        usual = () if option in FREE_TEXT else TEXT
    values = dict.fromkeys((*usual, *MORE.get(option, ())))
    return tuple(value for value in values if (option, value) not in ALLOWED)


def bad_lines() -> Iterator[Input]:
    """Positional arguments that cannot be, and options that exclude one another."""
    for verb, line in LINES:
        yield Input(verb, line, tuple(line.split()), said=WORD_SAID.get(line))
