"""What a benchmark's result file says of the machine and the versions."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = (
    *("merzoo", "keras", "jax", "jax-cuda12-plugin", "jax-cuda13-plugin", "tensorflow"),
    *("tensorflow-cpu", "torch", "numpy", "opencv-python-headless"),
)


def machine() -> dict[str, str]:
    """Processor, cores, Python and package versions, as columns of a result file."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": processor,
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "versions": "; ".join(versions),
    }
