"""The one place of merzoo's version, and the versions of what decides a result."""

import platform

VERSION = "0.1.0"

# Distributions whose code decides a result; of those under several names, what is installed.
DISTRIBUTIONS = (
    *("keras", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch"),
    *("numpy", "scipy", "scikit-learn", "scikit-image", "joblib", "pandas", "pillow"),
    *("opencv-python-headless", "opencv-python"),
    *("opencv-contrib-python-headless", "opencv-contrib-python"),
    *("dlib-bin", "dlib", "keras-tuner"),
)


def package_versions() -> dict[str, str]:
    """Versions of Python, of merzoo and of the installed `DISTRIBUTIONS`, by name.

    >>> package_versions()["merzoo"] == VERSION
    True
    """
    import importlib.metadata  # takes longer to load than all else that `import merzoo` does

    versions = {"python": platform.python_version(), "merzoo": VERSION}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
