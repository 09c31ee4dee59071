"""The runs of `synthetic_to_real.py`: each leaves a run folder, and is not done again.

Recipes, pools and draws are those of `results/PLAN.md`.
"""

import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import merzoo
from merzoo.evaluation.scores.predictions import read_predictions
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.preprocessing.samples import load_samples
from merzoo.training.learner import resolve
from merzoo.training.pretrained import find_start
from merzoo.training.recipes import change_recipe, get_recipe

# network -> how it is trained on real people.
RECIPES = {
    "offapexnet": get_recipe("merzoo-flow-slow"),
    "ststnet": get_recipe("merzoo-flow"),
    "mirrorflownet": get_recipe("merzoo-flow"),
}
# Others of the README's table, from random weights only, in the order of the plan.
TABLE = (
    ("rcn-s", "merzoo-flow-small"),
    ("ststnet", "ststnet"),
    ("offapexnet", "merzoo-flow"),
    ("rcn-a", "merzoo-flow-small"),
    ("rcn-w", "merzoo-flow-small"),
    ("rcn-f", "merzoo-flow-small"),
    ("dualinception", "merzoo-flow"),
    ("offapexnet", "offapexnet"),
    ("dualinception", "dualinception"),
)
# network -> clips -> epochs on invented people.
EPOCHS = {
    "offapexnet": {560: 20, 1050: 20, 2000: 20, 8000: 10, 32000: 4},
    "ststnet": {560: 40, 2000: 20, 8000: 10, 32000: 4},
    "mirrorflownet": {560: 40, 2000: 20, 8000: 10, 32000: 4},
}
POOLS = {560: 2240, 2000: 4000, 8000: 8000, 32000: 32000}  # clips -> of how many they are drawn
LEVELS = {"easy": 2001, "medium": 2002, "hard": 2003}  # difficulty -> seed of its people
EACH = 7  # clips a person
HELPFUL = ("motion", "apex", "combinations", "sides")  # factors that each two sets choose
VARIED, VARIED_PEOPLE = "synthetic-pairs:medium?seed=2004", 150
INPUTS = {"flow_image": (28, 28, 3)}
KEYS = ["dataset", "subject", "clip"]


@dataclass(frozen=True)
class Bench:
    """Where and how things are run.

    Args:
        data: the real flow images, `arrays:FILE`.
        work: folder of runs and weights.
        jobs: worker processes.
        protocol: by which real people are held out.
        pools: clips -> of how many they are drawn.
        answers: folder of what finished runs answered, so that nobody needs to run them again;
            `None` for runs that are not kept.
    """

    data: str
    work: Path
    jobs: int = 1
    protocol: str = "loso"
    pools: dict = field(default_factory=lambda: POOLS)
    answers: Path | None = None

    def folder(self, name: str) -> Path:
        """Of a run."""
        return self.work / "runs" / name

    def done(self, name: str) -> bool:
        """Whether a run is there; one whose answers were kept is made from them."""
        return (self.folder(name) / "metrics.json").is_file() or _restored(self, name)


def krr(bench: Bench) -> str:
    """The yardstick."""
    if not bench.done("flow-krr"):
        how = {"protocol": bench.protocol, "out": bench.folder("flow-krr")}
        merzoo.evaluate("flow-krr", bench.data, **how)
    return "flow-krr"


def random_start(bench: Bench, network: str, seeds: int, recipe: str = "") -> str:
    """Each person left out once, from random weights; by the recipe of `RECIPES` or another."""
    name = f"{network}-random-{recipe}" if recipe else f"{network}-random"
    if not bench.done(name):
        how = {"recipe": recipe or RECIPES[network], "seeds": seeds, "jobs": bench.jobs}
        how |= {"protocol": bench.protocol, "out": bench.folder(name)}
        merzoo.evaluate(network, bench.data, **how)
    return name


@cache
def levels(clips: int, jobs: int, vary: tuple[str, ...] = ()) -> Arrays:
    """The first people of a pool of three difficulties, `clips` in all; in which factors vary."""
    people = round(clips / EACH / len(LEVELS))
    what = f"subjects={people}" + (f"&vary={','.join(vary)}" if vary else "")
    texts = [f"synthetic-pairs:{d}?seed={s}&{what}" for d, s in LEVELS.items()]
    return join_arrays([_samples(text, jobs) for text in texts])


@cache
def without(factor: str, jobs: int) -> Arrays:
    """Pairs in which everything varies but a factor; `""` for none."""
    from merzoo.data.synthetic.vary import FACTORS

    kept = ",".join(name for name in FACTORS if name != factor)
    return _samples(f"{VARIED}&subjects={VARIED_PEOPLE}&vary={kept}", jobs)


def _samples(text: str, jobs: int) -> Arrays:
    return load_samples(text, INPUTS, labels="megc3", jobs=jobs, on_error="skip")


def drawn(clips: int, pool: int, seed: int, jobs: int, vary: tuple[str, ...] = ()) -> Arrays:
    """Whole people of a pool, by a seed; all of it where it has no more."""
    whole = levels(pool, jobs, vary)
    people = sorted(set(whole.subject.tolist()))
    wanted = round(clips / EACH)
    if wanted < len(people) - len(LEVELS):
        people = np.random.default_rng(seed).choice(people, wanted, replace=False)
    return whole.take(np.flatnonzero(np.isin(whole.subject, people)))


def weights(bench: Bench, network: str, tag: str, clips: int, seed: int, data) -> Path:
    """Trains on invented people alone; `data` is called where that has not been done."""
    folder = bench.work / "weights" / f"{network}-{tag}-s{seed}"
    if not (folder / "weights.json").is_file():
        recipe = change_recipe(
            RECIPES[network], name=f"{network} on {tag}", epochs=EPOCHS[network][clips]
        )
        how = {"recipe": recipe, "labels": "megc3", "validation": 0.0, "balance": None}
        merzoo.pretrain(network, data(), seed=seed, out=folder, **how)
    return folder


def of_levels(bench: Bench, network: str, clips: int, seed: int, vary: tuple = ()) -> Path:
    """Weights of one size and seed, from people in whom these factors vary."""
    tag = f"helped-{clips}" if vary else str(clips)

    def data() -> Arrays:
        return drawn(clips, bench.pools[clips], seed, bench.jobs, vary)

    return weights(bench, network, tag, clips, seed, data)


def zero_shot(bench: Bench, network: str, tag: str, folders: list[Path]) -> str:
    """Real people judged by networks that have seen invented ones only; a seed each."""
    name = f"{network}-zero-{tag}"
    if bench.done(name):
        return name
    learner = resolve(network, RECIPES[network])
    samples = learner.take(load_samples(bench.data, learner.inputs))
    parts = []
    for seed, folder in enumerate(folders):
        start = find_start(folder, network)
        start.check_unseen(samples.subject, samples.source)
        model = learner.build(len(samples.classes))
        start.load_into(model, samples.classes, learner)
        parts.append(table_of(samples, learner.predict(model, samples), seed))
    return judged(bench, name, pd.concat(parts))


def fine_tuned(
    bench: Bench, network: str, tag: str, folders: list[Path], rate: float | None = None
) -> str:
    """Each person left out once, from each of the weights, by the recipe of random start."""
    name = f"{network}-fine-{tag}" + (f"-at-{rate:g}" if rate else "")
    if bench.done(name):
        return name
    recipe = change_recipe(RECIPES[network], learning_rate=rate)
    parts = []
    for seed, folder in enumerate(folders):
        out = bench.work / "runs" / "parts" / f"{name}-s{seed}"
        how = {"recipe": recipe, "jobs": bench.jobs, "out": out}
        how |= {"protocol": bench.protocol}
        if not (out / "metrics.json").is_file():
            merzoo.transfer(network, folder, bench.data, **how)
        parts.append(read_predictions(out / "predictions.csv").assign(seed=seed))
        print(f"{name}: {seed + 1} of {len(folders)}", file=sys.stderr, flush=True)
    return judged(bench, name, pd.concat(parts))


def ensemble(bench: Bench, name: str, members: list[str]) -> str:
    """Equal means of the members' probabilities, each the mean of its seeds."""
    if bench.done(name):
        return name
    gone = [member for member in members if not bench.done(member)]
    if gone:
        raise SystemExit(f"{name}: run {', '.join(gone)} first, which it is made of.")
    tables = []
    for member in members:
        table = read_predictions(bench.folder(member) / "predictions.csv")
        columns = [c for c in table if c.startswith("p_")]
        tables.append(table.groupby(KEYS)[columns].mean())
    first = read_predictions(bench.folder(members[0]) / "predictions.csv")
    first = first[first["seed"] == first["seed"].min()].set_index(KEYS)
    mean = sum(table.loc[first.index] for table in tables) / len(tables)
    classes = np.array([c.removeprefix("p_") for c in mean])
    first[mean.columns] = mean
    first["predicted"] = classes[mean.to_numpy().argmax(1)]
    return judged(bench, name, first.reset_index())


def judged(bench: Bench, name: str, table) -> str:
    """Keeps predictions as a run that can be compared with others."""
    path = bench.work / "predictions" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    merzoo.score(path, name=name, out=bench.folder(name))
    return name


def keep_answers(bench: Bench, name: str) -> bool:
    """Keeps a run's probabilities (R, N, K), in the order of the data, and nothing of the data.

    Returns:
        Whether they are others than those kept: a run brought back from its answers has the same.
    """
    if bench.answers is None:
        return True
    samples = load_samples(bench.data, INPUTS)
    table = read_predictions(bench.folder(name) / "predictions.csv")
    order = pd.MultiIndex.from_arrays([samples.dataset, samples.subject, samples.clip])
    columns = [f"p_{name}" for name in samples.classes]
    seeds = [seed.set_index(KEYS).loc[order, columns] for _, seed in table.groupby("seed")]
    given, path = np.stack(seeds).astype(np.float32), bench.answers / f"{name}.npz"
    if path.is_file():
        with np.load(path) as kept:
            if np.array_equal(kept["given"], given) and str(kept["data"]) == samples.fingerprint():
                return False
    bench.answers.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, given=given, data=samples.fingerprint())
    return True


def _restored(bench: Bench, name: str) -> bool:
    path = bench.answers / f"{name}.npz" if bench.answers else None
    if path is None or not path.is_file():
        return False
    samples = load_samples(bench.data, INPUTS)
    with np.load(path) as kept:
        if str(kept["data"]) != samples.fingerprint():
            raise SystemExit(f"{path}: answers about other data than {bench.data}.")
        tables = [table_of(samples, given, seed) for seed, given in enumerate(kept["given"])]
    judged(bench, name, pd.concat(tables))
    return True


def table_of(samples: Arrays, probabilities: np.ndarray, seed: int):
    """The predictions of one seed, as `merzoo.score` reads them."""
    names = np.array(samples.classes)
    columns = {"seed": seed, "dataset": samples.dataset, "subject": samples.subject}
    columns |= {"clip": samples.clip, "fold": "all", "label": names[samples.label]}
    columns |= {"predicted": names[probabilities.argmax(1)]}
    columns |= {f"p_{name}": probabilities[:, k] for k, name in enumerate(names)}
    return pd.DataFrame(columns)
