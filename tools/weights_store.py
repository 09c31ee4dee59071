"""Where the weights that come with merzoo are kept, and in which form."""

import os
from pathlib import Path

import h5py
import numpy as np

from merzoo.files import write_json
from merzoo.weights import WeightsEntry
from merzoo.weights.entry import read_entries
from merzoo.weights.manifest import MANIFEST, files_folder

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
HUB_FOLDER = "hf://merzoo/weights"  # where a release puts what does not come with the package


def shrink(path: Path) -> None:
    """Stores kernels (two axes and more) as float16; in files from 1 MB of 5 fraction bits only.

    A weight of a large file moves by 1.6 % of itself at the most, and what is left of it compresses
    well. Keras loads them into float32 variables as any other file.
    """
    shrunk, large = path.with_suffix(".shrunk"), path.stat().st_size > 2**20
    with h5py.File(path, "r") as old, h5py.File(shrunk, "w") as new:

        def copy(name, item):
            if name.startswith("optimizer"):  # of a compiled model; nobody loads it
                return
            if isinstance(item, h5py.Group):
                copied = new.require_group(name)
            elif item.dtype == np.float32 and item.ndim > 1:
                short = _five_bits(item[()]) if large else item[()].astype("float16")
                packed = {"compression": "gzip", "shuffle": True} if large else {}
                copied = new.create_dataset(name, data=short, **packed)
            else:
                copied = new.create_dataset(name, data=item[()])
            copied.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    os.replace(shrunk, path)


def _five_bits(kernel: np.ndarray) -> np.ndarray:
    """float16, rounded to the nearest of 5 fraction bits, whose empty bits compress well."""
    bits = kernel.astype("float16").view("uint16").astype(int)
    return ((bits + 16) // 32 * 32).astype("uint16").view("float16")


def add_to_manifest(entry: WeightsEntry) -> None:
    """Writes the entry's row into the manifest, in the order of the ids."""
    path = files_folder() / MANIFEST
    known = {e.id: e for e in read_entries(path)} if path.exists() else {}
    known[entry.id] = entry
    write_json(path, [known[name].as_dict() for name in sorted(known)])
