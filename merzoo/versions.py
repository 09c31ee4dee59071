"""The one place of merzoo's version, and the versions of what decides a result."""

import importlib.metadata
import platform


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    packages = ("merzoo", "keras", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn")
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
