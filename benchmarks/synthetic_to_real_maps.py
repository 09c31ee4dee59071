"""Does a network that was trained on invented faces look at the face?

Grad-CAM and occlusion of OffApexNet and STSTNet on real people whom they have not seen, by the plan
of `results/PLAN.md`: the share of each map in the parts of the face, over the share of the area.
Writes `results/synthetic_to_real_maps.csv` and `.png`.
"""

from functools import partial

import numpy as np
from machine import machine
from synthetic_to_real_parts import RECIPES, Bench, of_levels
from synthetic_to_real_report import RESULTS, write
from synthetic_to_real_sure import interval

import merzoo
from merzoo.evaluation.splits.protocols import make_folds
from merzoo.explain import grad_cam
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.samples import load_samples
from merzoo.training.learner import resolve
from merzoo.training.pretrained import find_start
from merzoo.training.probabilities import Unlabelled, predict

CSV, PLOT = RESULTS / "synthetic_to_real_maps.csv", RESULTS / "synthetic_to_real_maps.png"
SIDE, PATCH, EVERY = 28, 5, 2
# part -> (first row, last row, first column, last column), from 0.
PARTS = {
    "brows": ((2, 4, 2, 25),),
    "eyes": ((5, 9, 2, 10), (5, 9, 17, 25)),
    "nose": ((10, 18, 6, 21),),
    "mouth": ((19, 25, 7, 20),),
}
BORDER = 2  # rows and columns
KINDS = {"zero": "zero-shot", "random": "trained on real people"}
FOLDS = "kfold:10"


def regions() -> dict[str, np.ndarray]:
    """Part -> (28, 28) whether a place belongs to it; every place to one."""
    masks = {}
    for name, boxes in PARTS.items():
        masks[name] = np.zeros((SIDE, SIDE), bool)
        for top, bottom, left, right in boxes:
            masks[name][top : bottom + 1, left : right + 1] = True
    masks["border"] = np.ones((SIDE, SIDE), bool)
    masks["border"][BORDER:-BORDER, BORDER:-BORDER] = False
    masks["rest"] = ~np.any(list(masks.values()), axis=0)
    return masks


def occlusion(judge, images: np.ndarray) -> np.ndarray:
    """How far the probability of the predicted class falls where a square is made still.

    Args:
        judge: images (N, 28, 28, 3) -> probabilities (N, K).
        images: u, v and strain, of which the medians are taken for no movement.

    Returns:
        (N, 28, 28), from 0: the mean fall over the squares that cover a place.
    """
    first = judge(images)
    rows, chosen = np.arange(len(images)), first.argmax(1)
    still = np.median(images, axis=(1, 2))[:, None, None]
    falls, count = np.zeros((len(images), SIDE, SIDE)), np.zeros((SIDE, SIDE))
    middles, reach = range(0, SIDE, EVERY), PATCH // 2
    for y in middles:
        for x in middles:
            place = (
                slice(max(y - reach, 0), y + reach + 1),
                slice(max(x - reach, 0), x + reach + 1),
            )
            covered = images.copy()
            covered[(slice(None), *place)] = still
            fall = first[rows, chosen] - judge(covered)[rows, chosen]
            falls[(slice(None), *place)] += np.maximum(fall, 0)[:, None, None]
            count[place] += 1
    return falls / count


def gradients(model, images: np.ndarray) -> np.ndarray:
    """Grad-CAM of the predicted class, stretched to (N, 28, 28)."""
    import cv2

    found = grad_cam(model, {"flow_image": images})
    return np.stack(
        [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for one in found]
    )


def motion(images: np.ndarray) -> np.ndarray:
    """(N, 28, 28) how far u and v are from their medians: where there is anything to see."""
    flow = images[..., :2]
    return np.linalg.norm(flow - np.median(flow, axis=(1, 2), keepdims=True), axis=-1)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Each map with a sum of 1; NaN for one of zeros."""
    total = maps.sum((1, 2), keepdims=True)
    return np.divide(maps, total, out=np.full(maps.shape, np.nan), where=total > 0)


def networks(bench: Bench, network: str, kind: str, samples: Arrays, learner, clips: int, seeds):
    """Yields (model, rows of people that it has not seen), all rows once a seed."""
    if kind == "zero":
        ways = [(of_levels(bench, network, clips, seed), np.arange(len(samples)))
                for seed in range(seeds)]  # fmt: skip
    else:
        ways = [(_on_real(bench, network, fold, samples), fold.test)
                for fold in make_folds(FOLDS, samples)]  # fmt: skip
    for folder, rows in ways:
        start, tested = find_start(folder, network), samples.take(rows)
        start.check_unseen(tested.subject, tested.source)
        model = learner.build(len(samples.classes))
        start.load_into(model, samples.classes, learner)
        yield model, rows


def _on_real(bench: Bench, network: str, fold, samples: Arrays):
    folder = bench.work / "weights" / f"{network}-real-{fold.name.replace('/', '-')}"
    if not (folder / "weights.json").is_file():
        how = {"recipe": RECIPES[network], "validation": 0.0, "balance": None, "seed": 0}
        merzoo.pretrain(network, samples.take(fold.train), out=folder, **how)
    return folder


def maps(bench: Bench, clips: int = 2000, seeds: int = 3, keep: bool = True) -> list[dict]:
    """All maps, their rows and the picture."""
    rows, pictures = [], {}
    for network in RECIPES:
        learner = resolve(network, RECIPES[network])
        samples = learner.take(load_samples(bench.data, learner.inputs))
        images = np.asarray(samples.modalities["flow_image"], np.float32)
        found = {("motion", "", "motion"): scaled(motion(images))[None]}
        for kind in KINDS:
            used = seeds if kind == "zero" else 1
            both = {way: np.full((used, *images.shape[:3]), np.nan) for way in ("cam", "occlusion")}
            given = networks(bench, network, kind, samples, learner, clips, seeds)
            for number, (model, tested) in enumerate(given):
                seed = number if kind == "zero" else 0
                judge = partial(_judge, model)
                both["cam"][seed, tested] = scaled(gradients(model, images[tested]))
                both["occlusion"][seed, tested] = scaled(occlusion(judge, images[tested]))
                print(f"{network} {kind}: {number + 1}", flush=True)
            found |= {(network, kind, way): of_way for way, of_way in both.items()}
        for key, all_maps in found.items():
            if key not in pictures:
                rows += rows_of(key, all_maps, samples)
                pictures[key] = [_mean(all_maps[:, samples.label == k]) for k in range(3)]
    if keep:
        write(CSV, [row | machine() for row in rows])
        draw(pictures, samples.classes, PLOT)
    return rows


def _judge(model, images: np.ndarray) -> np.ndarray:
    return predict(model, Unlabelled({"flow_image": images}), batch_size=len(images))


def _mean(some: np.ndarray) -> np.ndarray:
    return np.nanmean(some.reshape(-1, SIDE, SIDE), axis=0)


def rows_of(key: tuple[str, str, str], all_maps: np.ndarray, samples: Arrays) -> list[dict]:
    """A row for each class and part, and for the four parts of the face together."""
    masks = regions()
    masks["face"] = np.any([masks[name] for name in PARTS], axis=0)
    network, kind, way = key
    rows = []
    for name in ("all", *samples.classes):
        of_class = np.ones(len(samples), bool)
        if name != "all":
            of_class = samples.label == samples.classes.index(name)
        empty = int(np.isnan(all_maps[:, of_class, 0, 0]).sum())
        for part, mask in masks.items():
            share = _mean_of_seeds(all_maps[..., mask].sum(-1))
            there = of_class & ~np.isnan(share)
            low, high = interval(samples.subject[there], share[there])
            value, area = share[there].mean(), mask.mean()
            row = {"network": network, "start": kind, "map": way, "class": name, "part": part}
            row |= {"share": f"{value:.4f}", "area": f"{area:.4f}"}
            row |= {"ratio": f"{value / area:.3f}", "low": f"{low / area:.3f}"}
            row |= {"high": f"{high / area:.3f}", "samples": int(of_class.sum())}
            rows.append(row | {"maps": len(all_maps) * int(of_class.sum()), "empty": empty})
    return rows


def _mean_of_seeds(shares: np.ndarray) -> np.ndarray:
    """(R, N) -> (N,) over the seeds that have a map of the sample; NaN where none has."""
    count = (~np.isnan(shares)).sum(0)
    return np.divide(np.nansum(shares, 0), count, out=np.full(len(count), np.nan), where=count > 0)


def draw(pictures: dict, classes: tuple[str, ...], path) -> None:
    """The mean map of each class: a row for each start, Grad-CAM left, occlusion right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    starts = [(network, kind) for network in RECIPES for kind in KINDS]
    figure = Figure(figsize=(10.5, 9.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1 + len(starts), 6)
    for column, name in enumerate(classes):
        _picture(axes[0, column], pictures["motion", "", "motion"][column])
        axes[0, column].set_title(f"{name}\nmotion", fontsize=9)
        axes[0, column + 3].axis("off")
        for row, (network, kind) in enumerate(starts, 1):
            for place, way in ((column, "cam"), (column + 3, "occlusion")):
                _picture(axes[row, place], pictures[network, kind, way][column])
                if row == 1:
                    said = "Grad-CAM" if way == "cam" else "occlusion"
                    axes[row, place].set_title(f"{name}\n{said}", fontsize=9)
    for row, (network, kind) in enumerate(starts, 1):
        axes[row, 0].set_ylabel(f"{network},\n{KINDS[kind]}", fontsize=9)
    figure.savefig(path, dpi=100)


def _picture(axis, map: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    axis.imshow(map * map.size, cmap="magma", vmin=0, vmax=4)  # 1 is chance
    for boxes in PARTS.values():
        for top, bottom, left, right in boxes:
            where = (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1
            axis.add_patch(Rectangle(*where, fill=False, ec="white", lw=0.6))
    axis.set_xticks([])
    axis.set_yticks([])
