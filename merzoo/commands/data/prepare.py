"""`merzoo data prepare`: clips to an `.npz` file of the modalities that a model asks for."""

import re
import warnings
from pathlib import Path

from merzoo.commands._options import (
    add_data_option,
    add_preprocessing_options,
    data_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json
from merzoo.errors import InputError
from merzoo.files import check_folder, claim_file
from merzoo.limits import bounded_zip
from merzoo.whole import DAMAGED, whole

SUMMARY = "work out the arrays that a model's inputs ask for"
EXAMPLE = "merzoo data prepare --data synthetic:medium --model ststnet --out runs/flow.npz"


def arguments(parser) -> None:
    add_data_option(parser, about="such as casme2:FOLDER; repeat to join data sets")
    parser.add_argument("--model", help="a network: what its inputs ask for is prepared")
    parser.add_argument(
        "--input",
        action="append",
        metavar="NAME=SHAPE",
        help="instead of --model, such as flow_image=28x28x3; repeat for several",
    )
    parser.add_argument("--out", required=True, metavar="FILE.npz", help="file to write")
    parser.add_argument("--labels", default="megc3", help="label map (megc3), or annotated")
    add_preprocessing_options(parser, without=("frames",))
    parser.add_argument("--jobs", type=int, help="worker processes (one a core)")
    parser.add_argument("--cache", metavar="FOLDER", help="the cache's folder (merzoo's home)")
    add_json_option(parser)


def run(options) -> int:
    out = _out(options.out)
    parameters = preprocessing_of(options)
    inputs, own = _inputs(options)
    data_texts = data_of(options)
    for text in data_texts:
        _check_clips(text)
    from merzoo.preprocessing.samples import load_samples

    with warnings.catch_warnings(record=True) as skipped:
        warnings.simplefilter("always")
        data = load_samples(
            data_texts,
            inputs,
            labels=options.labels,
            cache=options.cache,
            jobs=options.jobs,
            **own | parameters,
        )
    with whole(out, ".npz") as temporary:
        data.save(temporary)
    _print(options, data, out, [str(w.message) for w in skipped])
    return 0


def _print(options, data, out, skipped) -> None:
    shapes = {name: list(array.shape) for name, array in data.modalities.items()}
    from merzoo.preprocessing.preparation import preparation_told

    if options.json:
        content = {"file": str(out), "clips": len(data), "classes": data.counts()}
        content |= {"modalities": shapes, "left_out": skipped, "preparation": data.preparation}
        print_json(content)
        return
    for line in skipped:
        print(line)
    counts = ", ".join(f"{name} {count}" for name, count in data.counts().items())
    for line in preparation_told(data.preparation):
        if line not in skipped:
            print(line)
    print(f"{len(data)} clips of {len(set(data.subject))} subjects ({counts})")
    for name, shape in shapes.items():
        print(f"  {name} {tuple(shape)}")
    print(f"written: {out}")


def _out(text: str) -> Path:
    """The file to write, looked at before any long work."""
    out = Path(text)
    if out.suffix != ".npz":
        raise InputError(f"--out {text}: name a file that ends in .npz.")
    check_folder(out.parent, file=None)
    return claim_file(out, "file of samples", _is_prepared)


def _is_prepared(path: Path) -> bool:
    try:
        with bounded_zip(path) as archive:
            return "preparation.npy" in archive.namelist()
    except (InputError, OSError, *DAMAGED):
        return False


def _inputs(options) -> tuple[dict[str, tuple[int, ...]], dict]:
    """Modality -> shape, and the choices of preprocessing of the model's recipe."""
    if bool(options.model) == bool(options.input):
        raise InputError("say either --model or --input. merzoo data prepare --help shows how.")
    if options.input:
        return dict(_named_shape(text) for text in options.input), {}
    choose_backend(training=False)
    from merzoo.training.learner import resolve

    learner = resolve(options.model)
    own = {n: value for n, value in learner.recipe.preprocessing.items() if n != "frames"}
    return learner.inputs, own


def _named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`flow_image=28x28x3` -> name and shape.

    >>> _named_shape("sequence=10x224x224x3")
    ('sequence', (10, 224, 224, 3))
    """
    found = re.fullmatch(r"(\w+)=(\d{1,6}(?:x\d{1,6})*)", text)
    if not found:
        raise InputError(f"--input {text!r} is not NAME=SHAPE, such as flow_image=28x28x3.")
    return found[1], tuple(int(side) for side in found[2].split("x"))


def _check_clips(text: str) -> None:
    from merzoo.data.datasets import parse_data

    if parse_data(text).kind == "arrays":
        raise InputError(f"--data {text}: holds arrays already; give it to merzoo evaluate.")
