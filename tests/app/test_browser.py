"""The page in a real browser: headless Chromium, driven by Playwright."""

import os
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from merzoo.data.synthetic.long import film_long, plan_long
from tests.prediction.made import write_video

pytest.importorskip("merzoo.weights.load", reason="needs weights by tag")
pytest.importorskip("gradio", reason="the page needs gradio: pip install 'merzoo[app]'")
httpx = pytest.importorskip("httpx")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")
PATIENCE = 600_000  # milliseconds; machines that run tests are busy


@pytest.fixture(scope="module")
def clip():
    """Two seconds at 50 frames per second, and the first expression of them."""
    plans = (plan_long(seed, 2.4, "easy", 50.0) for seed in range(100))
    plan = next(p for p in plans if p.of_kind("micro"))
    return plan.of_kind("micro")[0], np.array(list(film_long(plan, (180, 218))[1]))


@pytest.fixture(scope="module")
def demo():
    from merzoo.app import Demo

    page = Demo(port=0, megabytes=4, seconds=10)
    yield page
    page.close()
    assert not page.folder.path.exists()


@pytest.fixture(scope="module")
def running():
    """Playwright, of which there may be one at a time."""
    with playwright.sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def browser(running):
    found = running.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
    )
    yield found
    found.close()


@pytest.fixture
def page(demo, browser):
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.elsewhere = []
    opened.on("request", lambda request: _note(request.url, demo.url, opened.elsewhere))
    opened.goto(demo.url)
    opened.wait_for_selector("#run-sample")
    yield opened
    assert opened.elsewhere == []  # everything comes from the page's own server
    opened.close()


def _note(url, own, elsewhere):
    if not url.startswith((own, "data:", "blob:")):
        elsewhere.append(url)


def answer(page, selector="#report h2, .mz-problem"):
    page.wait_for_selector(selector)
    return page.inner_text(selector)


def upload(page, tab, **files):
    page.get_by_role("tab", name=tab).click()
    for name, path in files.items():
        page.set_input_files(f"#{name} input[type=file]", path)
    for path in files.values():
        page.get_by_text(Path(path).stem, exact=True).first.wait_for()


def kept(demo):
    """Files of uploads that are still there."""
    files = (p for p in demo.folder.path.rglob("*") if p.is_file())
    return [p for p in files if "mine" in p.name and "annotated" not in p.name]


def test_two_frames_give_a_class_and_the_page_says_what_it_is_not_for(page, demo, clip, tmp_path):
    event, frames = clip
    paths = [str(tmp_path / f"mine{i}.png") for i in range(2)]
    for path, position in zip(paths, (event.onset, event.apex), strict=True):
        cv2.imwrite(path, frames[position, ..., ::-1])
    assert "lie detection" in page.inner_text("#not-for")
    upload(page, "Two frames", onset=paths[0], apex=paths[1])
    page.click("#run-pair")
    assert answer(page) == "1 segment found"
    shown = page.inner_text("#report")
    assert "UF1" in shown and "invented faces" in shown
    assert page.locator(".mz-card img").count() >= 3
    assert kept(demo) == []


@pytest.mark.slow
def test_the_sample_shows_four_segments_and_a_video_to_download(page):
    page.click("#run-sample")
    assert answer(page) == "4 segments found"
    assert page.locator(".mz-curve rect").count() == 4
    page.wait_for_selector("#annotated video")
    names = "".join(page.inner_text("#downloads").split())  # stem and ending stand apart
    assert all(word in names for word in ("predictions.json", "predictions.csv", ".webm"))
    with page.expect_download() as download:
        page.locator("#downloads a").first.click()
    assert download.value.path().stat().st_size > 100


@pytest.mark.slow
def test_a_video_is_analysed_and_removed(page, demo, clip, tmp_path):
    path = str(write_video(tmp_path / "mine.avi", clip[1]))
    upload(page, "Video", video=path)
    page.click("#run-video")
    assert "found" in answer(page)
    assert kept(demo) == []


@pytest.mark.slow
def test_what_a_camera_sees_is_recorded_and_analysed(demo, running, clip, tmp_path):
    film = tmp_path / "camera.mjpeg"  # which Chromium plays as its camera, over and over
    with film.open("wb") as file:
        for frame in clip[1]:
            file.write(cv2.imencode(".jpg", cv2.resize(frame[..., ::-1], (360, 436)))[1].tobytes())
    fake = ("use-fake-ui-for-media-stream", "use-fake-device-for-media-stream")
    fake += (f"use-file-for-fake-video-capture={film}",)
    browser = running.chromium.launch(
        executable_path=CHROMIUM,
        args=["--no-sandbox", "--disable-gpu", *(f"--{name}" for name in fake)],
    )
    page = browser.new_context(permissions=["camera"]).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(demo.url)
    page.get_by_role("tab", name="Camera").click()
    page.get_by_text("Click to Access Webcam").click()
    record = page.locator("#camera button[aria-label='start recording']")
    record.click()
    page.wait_for_timeout(4000)
    page.locator("#camera .button-wrap button").first.click()
    page.wait_for_selector("#camera video[src]")
    page.wait_for_timeout(2000)  # it goes to the server on its own
    page.click("#run-camera")
    assert "found" in answer(page)
    page.screenshot(path=tmp_path / "camera.png", full_page=True)
    browser.close()
    assert kept(demo) == []


@pytest.mark.slow
def test_a_broken_file_is_refused_in_one_line_without_the_servers_folders(page, demo, tmp_path):
    path = tmp_path / "mine-broken.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    upload(page, "Video", video=str(path))
    page.click("#run-video")
    text = answer(page)
    assert text.startswith("mine-broken.mp4: not a video") and str(demo.folder.path) not in text
    assert kept(demo) == []


@pytest.mark.slow
def test_a_huge_file_is_refused_before_it_is_kept(page, demo, tmp_path):
    path = tmp_path / "mine-huge.mp4"
    path.write_bytes(bytes(6 << 20))
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#video input[type=file]", str(path))
    page.get_by_text("maximum allowed size").first.wait_for()
    assert kept(demo) == []


@pytest.mark.slow
def test_a_video_that_lasts_too_long_is_refused(page, tmp_path):
    path = write_video(tmp_path / "mine-long.avi", np.zeros((700, 32, 32, 3), np.uint8))
    upload(page, "Video", video=str(path))
    page.click("#run-video")
    assert "lasts 14 seconds; this page takes up to 10" in answer(page)


@pytest.mark.slow
def test_nothing_chosen_is_said(page):
    page.get_by_role("tab", name="Video").click()
    page.click("#run-video")
    assert answer(page) == "Choose a video first."


@pytest.mark.slow
def test_two_users_at_once_get_their_own_answers(page, demo, browser, clip, tmp_path):
    event, frames = clip
    pair = [str(tmp_path / f"mine{i}.png") for i in range(2)]
    for path, position in zip(pair, (event.onset, event.apex), strict=True):
        cv2.imwrite(path, frames[position, ..., ::-1])
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(demo.url)
    other.wait_for_selector("#run-sample")
    upload(other, "Two frames", onset=pair[0], apex=pair[1])
    page.click("#run-sample")
    other.click("#run-pair")
    assert answer(other) == "1 segment found"
    assert answer(page) == "4 segments found"
    other.close()


@pytest.mark.slow
def test_a_crash_of_the_worker_is_said_and_the_page_goes_on(page, demo):
    page.click("#run-sample")
    page.wait_for_selector("#status progress")
    page.get_by_text("looking for movement").first.wait_for()
    assert demo.workers.started
    for worker in demo.workers.started:
        os.kill(worker.process.pid, signal.SIGKILL)
    assert "could not be finished" in answer(page)
    page.click("#run-sample")
    page.wait_for_selector("#report h2")
    assert page.inner_text("#report h2") == "4 segments found"


@pytest.mark.slow
def test_cancel_and_leaving_really_stop_the_work(page, demo, browser):
    other = browser.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(demo.url)
    for one in (page, other):
        one.wait_for_selector("#run-sample")
        one.click("#run-sample")
        one.get_by_text("looking for movement").first.wait_for()
        working = [w.process for w in demo.workers.started if w.process.is_alive()]
        if one is page:
            assert page.locator("#cancel").is_enabled()
            page.click("#cancel")
            assert answer(page) == "Cancelled."
            page.locator("#cancel:disabled").wait_for()
        else:
            other.close()
        end = time.monotonic() + 20
        while any(process.is_alive() for process in working) and time.monotonic() < end:
            time.sleep(0.1)
        assert not any(process.is_alive() for process in working)
        assert list(demo.folder.jobs.iterdir()) == []


@pytest.mark.slow
def test_model_and_detector_are_chosen_and_advice_names_what_the_page_offers(page, demo, tmp_path):
    path = str(tmp_path / "mine-noise.png")
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    cv2.imwrite(path, noise)
    upload(page, "Two frames", onset=path, apex=path)
    page.click("#run-pair")
    text = answer(page)
    assert "no frontal face found" in text and "--" not in text and kept(demo) == []

    choose(page, "detector", "none: the pictures are face crops")
    choose(page, "model", "offapexnet.synthetic: invented faces")
    page.wait_for_selector("#onset input[type=file]", state="attached")  # empty once more
    upload(page, "Two frames", onset=path, apex=path)
    page.click("#run-pair")
    assert answer(page, "#report h2") == "1 segment found"
    assert "offapexnet.synthetic" in page.inner_text(".mz-model")


def choose(page, name, words):
    page.click(f"#{name} input")
    page.get_by_role("option", name=words).click()


@pytest.mark.slow
def test_what_a_browser_sends_by_hand_is_checked(demo):
    """A path that is no upload, an address to fetch, a model that is not offered."""
    with httpx.Client(base_url=demo.url, timeout=60) as client:
        known = client.get("/config").json()
        names = {c["id"]: c["props"].get("elem_id") for c in known["components"]}
        number, click = next(
            (d["id"], d) for d in known["dependencies"] if names[d["targets"][0][0]] == "run-video"
        )
        assert len(click["inputs"]) == 6
        usual = ["ststnet.synthetic", "auto", "auto", "only", ""]
        for path, choices, said in (
            ("/etc/passwd", usual, "was not uploaded by a user"),
            ("http://127.0.0.1:9/x.mp4", usual, "choose the file again"),
            (f"{demo.folder.files}/x/me.mp4", usual, "choose the file again"),
            (f"{demo.folder.files}/x/me.mp4", ["evil", *usual[1:]], "Unknown Model"),
        ):
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            body = {"data": [*choices, file], "fn_index": number, "session_hash": "me"}
            assert client.post("/gradio_api/queue/join", json=body).status_code == 200
            text = client.get("/gradio_api/queue/data", params={"session_hash": "me"}).text
            assert said in text, text[-500:]
    assert kept(demo) == []
