"""What a benchmark's result file says of the machine and the versions."""

import importlib.metadata
import os
import platform

from merzoo.surroundings import processor

PACKAGES = (
    *("merzoo", "keras", "jax", "jax-cuda12-plugin", "jax-cuda13-plugin", "tensorflow"),
    *("tensorflow-cpu", "torch", "numpy", "opencv-python-headless"),
)


def machine() -> dict[str, str]:
    """Processor, cores, Python and package versions, as columns of a result file."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "versions": "; ".join(versions),
    }
