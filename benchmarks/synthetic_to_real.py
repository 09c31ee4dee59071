"""Do invented faces help with real ones? Zero-shot, fine-tuned, in an ensemble, and by factor.

OffApexNet, STSTNet and MirrorFlowNet, trained on pairs of frames of invented people and tested on
the flow images of MEGC 2019, by the plan of `results/PLAN.md`. The full form takes hours and goes
on where it was stopped; it keeps `results/synthetic_to_real.csv` (a row a run, written when the run
ends), the scores of every seed, the comparisons and the plot. `--quick` shows all of it small, in
under ten minutes on two cores, and keeps nothing.

    python benchmarks/synthetic_to_real.py --quick --data megc2019_flow28.npz
    python benchmarks/synthetic_to_real.py --data megc2019_flow28.npz
    python benchmarks/synthetic_to_real.py --data megc2019_flow28.npz --steps factors report
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import synthetic_to_real_kernels as kernels  # noqa: E402
import synthetic_to_real_maps as maps  # noqa: E402
import synthetic_to_real_parts as parts  # noqa: E402
import synthetic_to_real_report as report  # noqa: E402
import synthetic_to_real_sure as sure  # noqa: E402
from synthetic_to_real_why import why  # noqa: E402

SEEDS, FACTOR_SEEDS, QUICK_SEEDS = 5, 3, 2
QUICK = {"protocol": "kfold:10", "pools": {560: 840}}
FINE_SEEDS = 3
SIZES = (560, 2000, 8000)
FINE = (2000,)
HELPED = (2000, 8000)
CALIBRATED_SEEDS = 2
LOWER = 1e-4  # second rate of fine-tuning
NETWORKS = tuple(parts.RECIPES)
MAIN = "offapexnet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="flow images of MEGC 2019, an .npz file")
    parser.add_argument("--quick", action="store_true", help="one size, two seeds, keeps nothing")
    parser.add_argument("--work", type=Path, default=Path("runs/synthetic-to-real"))
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--sizes", nargs="+", type=int, choices=parts.POOLS, default=SIZES)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    options = parser.parse_args()
    data = f"arrays:{options.data}"
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            quick(parts.Bench(data, Path(folder), options.jobs, **QUICK))
        return
    bench = parts.Bench(data, options.work, options.jobs, answers=report.ANSWERS)
    for step in options.steps:
        print(f"== {step}", flush=True)
        STEPS[step](bench, tuple(options.sizes), tuple(options.networks))


def of_seeds(bench, network: str, clips: int, seeds: int) -> list[Path]:
    """Weights of one size."""
    return [parts.of_levels(bench, network, clips, seed) for seed in range(seeds)]


def random(bench, sizes, networks) -> None:
    """The yardstick, and the networks from random start."""
    report.keep(bench, parts.krr(bench))
    for network in networks:
        report.keep(bench, parts.random_start(bench, network, SEEDS))


def table(bench, sizes, networks) -> None:
    """The other networks of the README's table, from random start."""
    for network, recipe in parts.TABLE:
        report.keep(bench, parts.random_start(bench, network, SEEDS, recipe))


def zero(bench, sizes, networks) -> None:
    """The networks at each size."""
    for clips in sizes:
        for network in networks:
            folders = of_seeds(bench, network, clips, SEEDS)
            report.keep(bench, parts.zero_shot(bench, network, str(clips), folders))


def fine(bench, sizes, networks) -> None:
    """The networks from weights of invented people."""
    for clips in (size for size in FINE if size in sizes):
        for network in networks:
            folders = of_seeds(bench, network, clips, FINE_SEEDS)
            report.keep(bench, parts.fine_tuned(bench, network, str(clips), folders))


def lower(bench, sizes, networks) -> None:
    """OffApexNet fine-tuned at the lower rate."""
    folders = of_seeds(bench, MAIN, FINE[0], FINE_SEEDS)
    report.keep(bench, parts.fine_tuned(bench, MAIN, str(FINE[0]), folders, rate=LOWER))


def ensembles(bench, sizes, networks) -> None:
    """Those that the plan fixes, with the largest size that is there."""
    largest = max(size for size in parts.POOLS if bench.done(f"{MAIN}-zero-{size}"))
    members = ["flow-krr", f"{MAIN}-random", f"{MAIN}-zero-{largest}"]
    report.keep(bench, parts.ensemble(bench, f"ensemble-{largest}", members))
    report.keep(bench, parts.ensemble(bench, "ensemble-real", members[:2]))
    members.insert(1, "mirrorflownet-random")
    report.keep(bench, parts.ensemble(bench, "ensemble-of-four", members))


def factors(bench, sizes, networks) -> None:
    """Everything varies, and everything but one factor."""
    from merzoo.data.synthetic.vary import FACTORS

    for factor in ("", *FACTORS):
        tag = f"varied-no-{factor}" if factor else "varied"
        folders = [
            parts.weights(
                bench, MAIN, tag, 1050, seed, lambda f=factor: parts.without(f, bench.jobs)
            )
            for seed in range(FACTOR_SEEDS)
        ]
        report.keep(bench, parts.zero_shot(bench, MAIN, tag, folders))


def helpful(bench, sizes, networks) -> None:
    """Zero-shot from people in whom the factors vary that help."""
    for clips in (size for size in HELPED if size in sizes):
        folders = [
            parts.of_levels(bench, MAIN, clips, seed, parts.HELPFUL) for seed in range(SEEDS)
        ]
        report.keep(bench, parts.zero_shot(bench, MAIN, f"helped-{clips}", folders))


def of_kernels(bench, sizes, networks) -> None:
    """More of kernel ridge regression, and its ensemble with the two leading networks."""
    for name in kernels.run(bench):
        report.keep(bench, name)
    members = [kernels.MEAN, "mirrorflownet-random", f"{MAIN}-random"]
    report.keep(bench, parts.ensemble(bench, "ensemble-of-kernels", members))


def parts_of_fine(bench, sizes, networks) -> None:
    """What of fine-tuning does harm."""
    for name in why(bench):
        report.keep(bench, name)


def calibration(bench, sizes, networks) -> None:
    """How sure networks may be on real faces."""
    for network in sure.COMING:
        report.keep(bench, sure.shipped(bench, network))
    sure.inner(bench, CALIBRATED_SEEDS)
    for row in sure.calibration(bench):
        print(f"{row['run']}, temperature {row['temperature']}: {row['ece']}", flush=True)


def quick(bench) -> None:
    """The whole at 560 clips and two seeds, with ten folds of people, of OffApexNet only."""
    seeds, clips = QUICK_SEEDS, SIZES[0]
    names = [parts.krr(bench)]
    for network in NETWORKS:
        folders = of_seeds(bench, network, clips, seeds)
        names.append(parts.zero_shot(bench, network, str(clips), folders))
        if network == MAIN:
            names.append(parts.fine_tuned(bench, network, str(clips), folders))
    names.append(parts.random_start(bench, MAIN, seeds))
    members = ["flow-krr", f"{MAIN}-random", f"{MAIN}-zero-{clips}"]
    names.append(parts.ensemble(bench, f"ensemble-{clips}", members))
    report.show(bench, names)


STEPS = {
    "random": random,
    "zero": zero,
    "ensembles": ensembles,
    "fine": fine,
    "factors": factors,
    "helpful": helpful,
    "kernels": of_kernels,
    "lower": lower,
    "table": table,
    "why": parts_of_fine,
    "maps": lambda bench, sizes, networks: maps.maps(bench),
    "calibration": calibration,
    "report": lambda bench, sizes, networks: report.report(bench),
}

if __name__ == "__main__":
    main()
