"""Takes the picture of the demo page for the README: tools/demo.png.

python tools/make_demo_picture.py     # needs merzoo[app], playwright and chromium
"""

import shutil
from pathlib import Path

TARGET = Path(__file__).parent / "demo.png"
SIZE = {"width": 1000, "height": 1150}


def main() -> None:
    from merzoo.commands._shared import choose_backend

    choose_backend()
    import cv2
    from playwright.sync_api import sync_playwright

    from merzoo.app import Demo

    demo = Demo(port=0)
    try:
        with sync_playwright() as running:
            browser = running.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport=SIZE)
            page.goto(demo.url)
            page.click("#run-sample")
            page.wait_for_selector("#report h2", timeout=600_000)
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(1000)
            page.screenshot(path=str(TARGET))
            browser.close()
    finally:
        demo.close()
    picture = cv2.imread(str(TARGET))
    cv2.imwrite(str(TARGET), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":  # worker processes import this file too
    main()
