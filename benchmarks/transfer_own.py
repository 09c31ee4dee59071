"""`transfer.py --data`: does pretraining on FER-2013 help on a set of one's own? The paired answer.

One network three times over the same folds, by one recipe and so at the same steps: from random
weights, from the weights that come with merzoo, and from these with all but the class head frozen.
Prints the scores, the differences from random weights with 95 % intervals, and p of the paired
permutation test by Holm; a run that was stopped goes on.
"""

from pathlib import Path

WAYS = {
    "random": "random weights",
    "fine": "pretrained, all layers trained on",
    "frozen": "pretrained, class head alone trained",
}


def own(options) -> dict:
    """All of it; what `merzoo.evaluation.compare.compare` says of the runs.

    Args:
        options: `data`, `model`, `weights`, `labels`, `protocol`, `epochs`, `seeds`, `jobs`,
            `on_error` and `work`, as `transfer.py` reads them.
    """
    from merzoo.commands._shared import choose_backend

    choose_backend()
    import merzoo
    from merzoo.preprocessing.samples import load_samples
    from merzoo.training.pretrain import full_learner
    from merzoo.training.pretrained import find_start

    start = find_start(options.weights, options.model)
    learner = full_learner(options.model, recipe(options), start, None, [])
    how = {"labels": options.labels, "jobs": options.jobs, "on_error": options.on_error}
    samples = learner.take(load_samples(options.data, learner.inputs, **how))
    print(
        f"{samples.source}: {len(samples)} clips of {len(set(samples.subject))} people", flush=True
    )
    last = last_of_body(learner.build(len(samples.classes)))
    starts = {
        "random": None,
        "fine": start,
        "frozen": find_start(options.weights, options.model, freeze=last),
    }
    common = {"protocol": options.protocol, "seeds": options.seeds, "jobs": options.jobs}
    folders = []
    for way, begin in starts.items():
        folders.append(Path(options.work) / way)
        merzoo.evaluate(learner, samples, start=begin, out=folders[-1], **common)
        print(f"{WAYS[way]}: done", flush=True)
    return told(folders, Path(options.work) / "compared")


def recipe(options):
    """One for all three, set beforehand."""
    from merzoo.training.recipes import Recipe

    return Recipe(
        "transfer-benchmark",
        "Adam 1e-3, batch 32, flip, square-root class weights; set before the first run.",
        epochs=options.epochs,
        augment=("flip",),
        class_weights="sqrt",
    )


def last_of_body(model) -> str:
    """Name of the last layer before the class head."""
    names = [layer.name for layer in model.layers]
    head = [layer.name for layer in model.layers if layer.weights][-1]
    return names[names.index(head) - 1]


def told(folders: list[Path], out: Path) -> dict:
    """Prints the runs beside the first and what may be said of it; the page lies in `out`."""
    from rich.console import Console
    from rich.table import Table

    from merzoo.evaluation.compare import compare

    found = compare(folders, out=out)
    beside = {one["second"]: one["uf1"] for one in found["comparisons"]}
    heads = ("start", "seeds", "UF1", "95 %", "UAR", "UF1 less random", "95 %", "p, Holm")
    table = Table(*heads, title=f"{found['clips']} clips of {found['subjects']} people")
    verdict = []
    for way, run in zip(WAYS, found["runs"], strict=True):
        low, high = run["interval"]["uf1"]
        cells = [WAYS[way], str(run["seeds"]), f"{run['uf1']:.3f}", f"{low:.3f} to {high:.3f}"]
        cells.append(f"{run['uar']:.3f}")
        if run["name"] in beside:
            one = beside[run["name"]]
            low, high = one["interval"]
            cells += [f"{one['difference']:+.3f}", f"{low:+.3f} to {high:+.3f}"]
            cells.append(f"{one['p_holm']:.3f}")
            verdict.append(f"{WAYS[way]}: {_verdict(one)}")
        table.add_row(*cells)
    console = Console(width=120)
    console.print(table)
    console.print("\n".join(verdict), highlight=False)
    console.print(f"page: {out / 'comparison.html'}", highlight=False)
    return found


def _verdict(one: dict) -> str:
    if one["p_holm"] >= 0.05:
        return f"not told from random weights; about {one['detectable']:.3f} would be found."
    return "better than random weights." if one["difference"] > 0 else "worse than random weights."
