"""The page of the package: README.md, whose links to files of the repository become addresses.

All else that describes the package stands in setup.cfg.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
_PICTURE = re.compile(r"(!\[[^\]]*\]\(|<img [^>]*?src=\")(?!https?:|#)([^)\"\s]+)")
_LINK = re.compile(
    r"((?<!!)\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\(|<a [^>]*?href=\")(?!\w+:|#)([^)\"\s]+)"
)


def with_addresses(text: str, repository: str) -> str:
    """Markdown whose relative links lead into the repository, and whose pictures come from it."""
    text = _PICTURE.sub(rf"\1{repository}/raw/main/\2", text)
    return _LINK.sub(rf"\1{repository}/blob/main/\2", text)


if __name__ == "__main__":
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    setup(
        long_description=with_addresses(readme, settings["metadata"]["url"]),
        long_description_content_type="text/markdown",
    )
