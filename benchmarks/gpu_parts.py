"""What `gpu.py` measures, one item at a time, in processes that it starts.

    python benchmarks/gpu_parts.py '{"items": ["flow"], "tiny": true, "prepare_until": 0}'

Prints one line of JSON for each event: `{"begin": item}`, `{"row": {...}}`, `{"end": item}` or
`{"failed": item, "why": ...}`. With a time `prepare_until` (seconds since 1970), items of batch
training are compiled up to then; the process then prints `{"ready": true}` and waits for a line on
its standard input. So several can compile at once, and each has the card to itself while it times.
"""

import gc
import itertools
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import folds  # noqa: E402
import speed  # noqa: E402
from preprocessing import compiled_farneback, moving_texture, opencv_farneback  # noqa: E402
from preprocessing import seconds as in_turn  # noqa: E402


@dataclass(frozen=True)
class Case:
    """A leave-one-subject-out evaluation, of which some folds are trained.

    Args:
        network, recipe, arguments: what is trained.
        epochs: of a fold.
        samples, subjects: of random data; 0 for the flow images of `folds.random_flow`.
        together, seeds: folds and seeds that are trained together.
        reuse, scan: how many folds are timed one by one, after a first that compiles; 0 for none.
        cached: whether it is the part behind KeyRegionNet's trunk, on random features.
    """

    network: str
    recipe: str
    epochs: int
    arguments: dict = field(default_factory=dict)
    samples: int = 0
    subjects: int = 0
    together: int = folds.SUBJECTS
    seeds: int = 1
    scan: int = 4
    reuse: int = 4
    cached: bool = False


CASES = {
    "ststnet": Case("ststnet", "merzoo-flow", 12, seeds=5, scan=8),
    "offapexnet": Case("offapexnet", "merzoo-flow", 12, seeds=5),
    "dfrnet-64": Case(
        "dfrnet", "dfrnet-fixed", 1, {"input_shape": (64, 64, 3)}, 442, 68, together=34
    ),
    "dfrnet-224": Case("dfrnet", "dfrnet-fixed", 1, {}, 128, 16, together=8, scan=2, reuse=2),
    "keyregionnet-head": Case(
        "keyregionnet", "keyregionnet-cached", 2, {}, 64, 16, together=8, cached=True
    ),
}
FEW = {"together": 2, "scan": 0, "reuse": 1}
TINY_CASES = {
    "ststnet": Case("ststnet", "merzoo-flow", 1, together=2, scan=1, reuse=1),
    "broadbentnet-32": Case(
        *("broadbentnet", "broadbentnet", 1, {"input_shape": (32, 32, 1)}, 24, 4), **FEW
    ),
    "keyregionnet-head": Case(
        *("keyregionnet", "keyregionnet-cached", 1),
        {"input_shape": (32, 32, 3), "frames": 2, "global_units": 8, "ib_units": 4},
        *(8, 4),
        **FEW,
        cached=True,
    ),
}


def engines(name: str, tiny: bool):
    """Seconds a fold and seed by each engine, without compiling, and what compiling adds."""
    case = (TINY_CASES if tiny else CASES)[name]
    jobs = jobs_of(case, tiny)
    people = case.subjects or folds.SUBJECTS
    size = f"{jobs['reuse'][0].data.samples} samples, epochs: {case.epochs}"
    found = {}
    for engine, measured in (("reuse", one_by_one), ("together", at_once), ("scan", one_by_one)):
        if engine == "scan" and not case.scan:
            continue
        found[engine], compiling, count = measured(jobs[engine])
        how = f"{size}, mean of {count} fold-seeds"
        yield row("engines", f"{name}, {engine}", how, found[engine], "s a fold-seed")
        yield row("engines", f"{name}, {engine}, compiling", size, compiling, "s")
        if engine != "reuse":
            ratio = found["reuse"] / found[engine]
            yield row("engines", f"{name}, {engine} over reuse", how, ratio, "times")
        whole = people * case.seeds
        scaled = f"{size}, {people} folds x {case.seeds}" + (", scaled" if count < whole else "")
        total = compiling + whole * found[engine]
        yield row("engines", f"{name}, {engine}, whole with compiling", scaled, total, "s")


def jobs_of(case: Case, tiny: bool) -> dict[str, list]:
    """The folds that each engine trains, as `evaluate` makes them."""
    from merzoo.evaluation.runs.fold import FoldData, FoldJob
    from merzoo.evaluation.splits.protocols import loso
    from merzoo.training.learner import resolve
    from merzoo.training.recipes import get_recipe

    recipe = replace(get_recipe(case.recipe), epochs=case.epochs)
    learner = resolve(case.network, recipe, arguments=case.arguments)
    data = data_of(case, learner, tiny)
    counts = {"reuse": case.reuse + 1, "scan": case.scan + 1, "together": case.together}
    seeds = {"reuse": 1, "scan": 1, "together": case.seeds}
    return {
        engine: [
            FoldJob(
                *(FoldData.of(data, fold), fold, seed, learner, engine),
                cached_backbone=case.cached,
            )
            for seed in range(seeds[engine])
            for fold in loso(data)[:count]
        ]
        for engine, count in counts.items()
    }


def data_of(case: Case, learner, tiny: bool):
    """Random samples."""
    from merzoo.evaluation.runs.backbone import without_backbone
    from merzoo.models.random_inputs import random_inputs
    from merzoo.preprocessing.arrays import Arrays, read_arrays

    if not case.samples:
        with tempfile.TemporaryDirectory() as folder:
            data = read_arrays(folds.random_flow(Path(folder)))
            data = data.with_modalities({n: np.array(x) for n, x in data.modalities.items()})
        return data.take(range(24)) if tiny else data
    model = learner.build(3)
    inputs = random_inputs(without_backbone(model) if case.cached else model, case.samples)
    if case.cached:
        inputs["sequence"] /= 255  # features, not frames
    number = np.arange(case.samples)
    people = [f"s{i:02d}" for i in number % case.subjects]
    names = [f"c{i:03d}" for i in number]
    classes = ("negative", "positive", "surprise")
    return Arrays(inputs, number % 3, people, ["random"] * case.samples, names, classes)


def one_by_one(jobs: list) -> tuple[float, float, int]:
    """Seconds a fold after the first, what the first took longer, and how many were timed."""
    from merzoo.evaluation.runs.fold import run_fold

    times = [timed(lambda job=job: run_fold(job)) for job in jobs]
    mean = float(np.mean(times[1:]))
    return mean, max(0.0, times[0] - mean), len(times) - 1


def at_once(jobs: list) -> tuple[float, float, int]:
    """The same of folds that are trained together: the first chunk compiles, then all are timed."""
    from merzoo.evaluation.runs.fold import trainer_of
    from merzoo.training.together import Replica, train_together

    replicas = [Replica(job.data.train(), job.fold.test, job.seed) for job in jobs]
    trainer, first = trainer_of(jobs[0]), []
    begun = timed(lambda: first.extend(next(train_together(trainer, replicas))))
    whole = timed(lambda: list(train_together(trainer, replicas, chunk=len(first))))
    each = whole / len(replicas)
    return each, max(0.0, begun - each * len(first)), len(replicas)


def flow(tiny: bool):
    """`FarnebackFlow` in pairs/s beside one OpenCV thread, and how far they are apart."""
    import cv2
    import jax

    cv2.setNumThreads(1)
    size, different, copies = (32, 4, 2) if tiny else (112, 64, 16)
    textures = moving_texture(different, size, size)
    frames = [np.concatenate([x] * copies) for x in textures]
    count = different * copies
    how = f"{size} px, batch {count}"
    theirs = opencv_farneback(*textures)
    opencv = different / in_turn(lambda: opencv_farneback(*textures), repeats=5)[0]
    yield row("flow", "OpenCV, one thread", f"{size} px", opencv, "pairs/s")
    for precision in ("default", "highest"):
        with jax.default_matmul_precision(precision):
            compiled, inputs = compiled_farneback(*frames)

            def on_device(compiled=compiled, inputs=inputs):
                return jax.block_until_ready(compiled(*inputs))

            def with_copies(compiled=compiled):
                return np.asarray(compiled(*[x[..., None].astype("float32") for x in frames]))

            difference = np.abs(np.asarray(on_device())[:different] - theirs)
            there, copied = in_turn(on_device, with_copies, repeats=9)
        name = f"FarnebackFlow, products at {precision} precision"
        yield row("flow", name, how, count / there, "pairs/s")
        yield row("flow", f"{name}, with copies", how, count / copied, "pairs/s")
        yield row("flow", f"{name}, over OpenCV", how, count / there / opencv, "times")
        yield row("flow", f"{name}, from OpenCV", how, float(difference.mean()), "px, mean")


def pretrain(tiny: bool):
    """DenseMixedNet trained as `pretrain` does on random pictures that lie on disk."""
    from merzoo.preprocessing.arrays import Arrays
    from merzoo.training.pool import Pool

    size, count, sizes = (32, 64, (16,)) if tiny else (48, 8192, (16, 256))
    number = np.arange(count)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        rng = np.random.default_rng(0)
        np.save(file, rng.uniform(0, 255, (count, size, size, 1)).astype("float32"))
        names = [f"p{i:05d}" for i in number]
        classes = ("negative", "positive", "surprise")
        pictures = {"apex": np.load(file, mmap_mode="r")}
        pool = Pool((Arrays(pictures, number % 3, names, ["random"] * count, names, classes),))
        for batch in sizes:
            how = f"{size} px, batch {batch}, float32"
            training, feeding = pretraining_seconds(pool, batch, tiny)
            seen = count // batch * batch
            yield row("pretrain", "densemixednet, training", how, seen / training, "pictures/s")
            yield row("pretrain", "input pipeline alone", how, seen / feeding, "pictures/s")
            share = feeding / training
            yield row("pretrain", "input pipeline over training", how, share, "share of time")


def pretraining_seconds(pool, batch: int, tiny: bool) -> tuple[float, float]:
    """Seconds of an epoch of training after the first, and of iterating its batches alone."""
    import keras

    from merzoo.training.batches import training_graph
    from merzoo.training.learner import resolve
    from merzoo.training.options import Training
    from merzoo.training.parts import Rows
    from merzoo.training.recipes import get_recipe
    from merzoo.training.trainer import Trainer, class_weights

    options = Training(validation=0)
    arguments = {"input_shape": pool.shapes["apex"], "modality": "apex"}
    arguments |= {"growth": 8} if tiny else {}
    recipe = replace(get_recipe("densemixednet-pretraining"), batch_size=batch, epochs=3)
    learner = resolve("densemixednet", options.applied_to(recipe), arguments=arguments)
    rows, steps = Rows(pool, np.arange(len(pool))), len(pool) // batch
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
    trainer = Trainer(learner, pool.classes, steps, None, options)
    trainer.fit(rows, options.seed, callbacks=[clock])
    graph = iter(
        training_graph(
            rows,
            batch_size=batch,
            augment=learner.recipe.augment,
            sample_weight=class_weights(rows, learner.recipe.class_weights),
            steps=steps,
        )
    )
    next(graph)
    return float(np.mean(np.diff(ends))), timed(lambda: list(itertools.islice(graph, steps)))


STEPS, LARGEST_BATCH, LARGEST_WORK = 4, 256, 300e9  # steps a call; as in speed.py, for a card


def training(name: str, precision: str, tiny: bool):
    """Compiles the training step of a network; gives what times it."""
    import jax
    import keras

    import merzoo
    from merzoo.models.count import multiply_adds
    from merzoo.models.random_inputs import random_inputs
    from merzoo.training.on_device import build_metrics, state_of

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = speed.compiled(merzoo.create_model(name))
    finally:
        keras.config.set_dtype_policy(before)
    batch = 8 if tiny else speed.batch_for(multiply_adds(model), LARGEST_BATCH, LARGEST_WORK)
    inputs = jax.device_put(random_inputs(model, batch))
    given = (inputs, np.zeros(batch, "int32"), np.ones(batch, "float32"))
    model.optimizer.build(model.trainable_variables)
    build_metrics(model, given)
    held = [state_of(model)]
    start = time.perf_counter()
    step = jax.jit(model.train_step, donate_argnums=0).lower(held[0], given).compile()
    compiling = time.perf_counter() - start

    def steps():
        for _ in range(STEPS):
            _, held[0] = step(held[0], given)
        jax.block_until_ready(held[0])

    def measured():
        each = speed.seconds({"it": steps}, 0.0 if tiny else 0.5)["it"] / STEPS
        how = f"{precision}, batch {batch}"
        yield row("training", name, how, batch / each, "samples/s")
        yield row("training", f"{name}, compiling", how, compiling, "s")

    return measured


def row(part: str, what: str, setting: str, value: float, unit: str) -> dict:
    return {"part": part, "what": what, "setting": setting, "value": f"{value:.4g}", "unit": unit}


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def tell(**event) -> None:
    print(json.dumps(event), flush=True)


def rows_of(item: str, tiny: bool):
    """The rows of an item that needs no preparation."""
    part, _, name = item.partition("/")
    if part == "engines":
        return engines(name, tiny)
    return flow(tiny) if part == "flow" else pretrain(tiny)


def measure(item: str, rows, done: str = "end") -> None:
    """Tells the rows of an item as they come, or why it failed."""
    tell(begin=item)
    try:
        for found in rows():
            tell(row=found)
    except Exception as error:
        why = (str(error).strip().splitlines() or [""])[0]
        tell(failed=item, why=f"{type(error).__name__}: {why}"[:300])
    else:
        tell(**{done: item})
    gc.collect()


def prepared(items: list[str], tiny: bool, until: float) -> dict:
    """What times each of the items that were compiled before a moment."""
    ready = {}
    for item in items:

        def prepare(item=item):
            ready[item] = training(*item.split("/")[1:], tiny)
            return ()

        if time.time() < until:
            measure(item, prepare, done="prepared")
    return ready


def main() -> None:
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")  # it feeds; the card is JAX's
    given = json.loads(sys.argv[1])
    items, tiny = given["items"], given["tiny"]
    if not given["prepare_until"]:
        for item in items:
            measure(item, lambda item=item: rows_of(item, tiny))
        return
    ready = prepared(items, tiny, given["prepare_until"])
    tell(ready=True)
    sys.stdin.readline()
    for item in list(ready):
        measure(item, ready.pop(item))


if __name__ == "__main__":
    main()
