"""What several verbs need: the backend of a command-line run, and tables on the terminal."""

import importlib
import importlib.util
import json
import os
import shutil
import tempfile

from merzoo.errors import InputError, unknown
from merzoo.processes import check_address_space
from merzoo.quiet import quiet

# The order of choice. What trains networks of pictures fastest on a CPU: benchmarks/README.md.
BACKENDS = ("jax", "tensorflow", "torch")
FOR_PICTURES_ON_CPU = ("tensorflow", "jax", "torch")
FOR_FEW_STEPS = ("torch", "tensorflow", "jax")  # PyTorch compiles nothing


def choose_backend(training: bool = True, pictures: bool = False, few_steps: bool = False) -> None:
    """Sets `KERAS_BACKEND`, unless the user did: JAX where installed, else TensorFlow, else torch.

    For verbs that only build models (`training=False`) the NumPy backend, which loads fastest. For
    verbs that train large networks of pictures (`pictures=True`), TensorFlow first where there is
    no GPU. For many small networks that are trained for a few steps each (`few_steps=True`) PyTorch
    first, on one thread: where something else runs beside them, threads that wait for each other
    in every layer made a step 17 times as long.

    Raises:
        InputError: if no backend is installed, or `ulimit -v` is too low for one.
    """
    chatter = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3"
    if not os.environ.get("KERAS_BACKEND"):
        on_cpu = shutil.which("nvidia-smi") is None
        order = FOR_PICTURES_ON_CPU if pictures and on_cpu else BACKENDS
        order = FOR_FEW_STEPS if few_steps else order
        installed = [name for name in order if importlib.util.find_spec(name)]
        if not installed:
            raise InputError("No backend is installed: pip install 'merzoo[tensorflow,jax]'.")
        # Keras' NumPy backend itself uses JAX.
        build_only = not training and installed[0] == "jax"
        os.environ["KERAS_BACKEND"] = "numpy" if build_only else installed[0]
    _check_backend(os.environ["KERAS_BACKEND"])
    if few_steps:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if training:
        check_address_space()
    if os.environ["KERAS_BACKEND"] != "tensorflow":  # TensorFlow only feeds data then: no chatter
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    elif not chatter:
        _import_silently("tensorflow")


def _check_backend(name: str) -> None:
    if name not in (*BACKENDS, "numpy"):
        raise unknown("backend", name, (*BACKENDS, "numpy"), "Set KERAS_BACKEND to one of them.")
    if importlib.util.find_spec(name) is None:
        raise InputError(f"KERAS_BACKEND={name}: not installed: pip install 'merzoo[{name}]'.")


def _import_silently(module: str) -> None:
    """Imports a module without what its C++ prints of itself; all is shown if it cannot."""
    with tempfile.TemporaryFile() as said:
        try:
            with quiet(said.fileno()):
                importlib.import_module(module)
        except BaseException:
            said.seek(0)
            os.write(2, said.read())
            raise


def add_json_option(parser) -> None:
    """`--json`, for verbs whose answer a script would read."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def print_json(content) -> None:
    """JSON on standard output."""
    print(json.dumps(content, indent=2))


def print_table(title: str, columns: list[str], rows: list[list], wrap: str = "") -> None:
    """A table on standard output, first column left, others right; only column `wrap` may wrap."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=wrap != column)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console = Console()
    if not console.is_terminal:  # a file or a pipe: no need to squeeze
        console = Console(width=200)
    console.print(table)


def add_weights_option(parser) -> None:
    """`--weights`, needed but for a `.keras` file: random weights only by their own word."""
    parser.add_argument(
        "--weights",
        metavar="TAG_OR_PATH",
        help="a tag such as synthetic, folder of a training run, .weights.h5 file, or random",
    )
