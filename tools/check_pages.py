"""Looks at pages as people with other eyes and screens do: axe-core, two widths, light and dark.

    python tools/check_pages.py runs/mine/report.html http://127.0.0.1:7860 --pictures looks

Prints each finding that axe-core calls serious or critical, and pages that are wider than the
screen; exit 1 if there is any. Needs chromium, and playwright and axe-playwright-python of
`merzoo[dev]`.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

WIDTHS = {1280: 900, 390: 844}
SCHEMES = ("light", "dark")
GRAVE = ("serious", "critical")
WAIT = 3000  # milliseconds until a page from a server has built itself


def chromium() -> str | None:
    """The path of the browser, or `None`."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


def findings(page) -> list[str]:
    """What axe-core finds on an open page of Playwright, and whether it is too wide for it."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for row in Axe().run(page).response["violations"]:
        if row["impact"] in GRAVE:
            for node in row["nodes"]:
                why = " ".join(node["failureSummary"].split())
                found.append(f"{row['id']} ({row['impact']}): {' '.join(node['target'])}: {why}")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found + ([f"wider than the window by {wide} pixels"] if wide > 0 else [])


def looked_at(browser, address: str, pictures: Path | None = None) -> Iterator[tuple[str, str]]:
    """(where, finding) for an address at each width and in each scheme."""
    for width, height in WIDTHS.items():
        for scheme in SCHEMES:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(address)
            page.wait_for_load_state("load")
            page.wait_for_timeout(WAIT if "http" in address[:4] else 0)
            where = f"{address} at {width}, {scheme}"
            yield from ((where, one) for one in findings(page))
            if pictures is not None:
                name = f"{Path(address).parent.name}-{Path(address).stem}-{width}-{scheme}.png"
                page.screenshot(path=pictures / name.replace(":", "-"), full_page=True)
            page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", help="files or addresses")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each")
    options = parser.parse_args()
    for name in options.pages:
        if "://" not in name and not Path(name).is_file():
            parser.error(f"{name}: no such file")
    from playwright.sync_api import sync_playwright

    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    count = 0
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in options.pages:
            address = name if "://" in name else Path(name).resolve().as_uri()
            for where, finding in looked_at(browser, address, options.pictures):
                print(f"{where}: {finding}")
                count += 1
        browser.close()
    print(f"{len(options.pages)} pages, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
