"""The page as a process: whatever ends it, no upload and no worker stays."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.child import PATIENCE, stuck

pytest.importorskip("gradio", reason="the page needs gradio: pip install 'merzoo[app]'")
pytestmark = pytest.mark.slow


class Page:
    """A page that serves, with a folder for temporary files of its own."""

    def __init__(self, place):
        self.place = place
        words = [sys.executable, "-m", "merzoo", "demo", "--port", "0", "--workers", "1"]
        where = os.environ | {"TMPDIR": str(place), "PYTHONPATH": os.getcwd()}
        self.process = subprocess.Popen(words, env=where, stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready:
            self.process.kill()
            raise stuck(words, PATIENCE, "")
        said = self.process.stdout.readline()
        self.port = int(said.partition("127.0.0.1:")[2].split()[0])

    def ask(self, method, path, body=None, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"Content-Type": kind})
        return json.loads(connection.getresponse().read())

    def upload(self, content):
        body = b'--BB\r\nContent-Disposition: form-data; name="files"; filename="me.mp4"\r\n\r\n'
        body += content + b"\r\n--BB--\r\n"
        [path] = self.ask("POST", "/gradio_api/upload", body, "multipart/form-data; boundary=BB")
        return path

    def start_sample(self):
        """Starts the sample; returns the number of the process that works on it."""
        known = self.ask("GET", "/config")
        ids = {c["id"]: c["props"].get("elem_id") for c in known["components"]}
        [number] = [
            d["id"] for d in known["dependencies"] if ids.get(d["targets"][0][0]) == "run-sample"
        ]
        data = ["ststnet.synthetic", "auto", "auto", "only", ""]
        body = {"data": data, "fn_index": number, "session_hash": "me"}
        self.ask("POST", "/gradio_api/queue/join", json.dumps(body))
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for task in children.parent.iterdir():
                for pid in (task / "children").read_text().split():
                    if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        return int(pid)
            time.sleep(0.1)
        raise AssertionError("no worker has started")

    def files(self):
        return [p for p in self.place.rglob("*") if p.is_file() and p.suffix != ".lock"]

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def start(tmp_path):
    """Starts pages; none outlives the test."""
    pages = []
    yield lambda: pages.append(Page(tmp_path)) or pages[-1]
    for page in pages:
        page.process.kill()
        page.process.wait(60)


def gone(pid):
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_stays_whatever_ends_the_page(tmp_path, start, number):
    page = start()
    assert Path(page.upload(b"private")).read_bytes() == b"private"
    worker = page.start_sample()
    status = page.end(number)
    assert gone(worker)
    if number != signal.SIGKILL:
        assert status == 0
    else:
        assert status == -number and page.files()
        after = start()  # the next page removes what is left of this one, ...
        assert page.files() == []
        mine = Path(after.upload(b"mine"))
        third = start()  # ... and leaves alone one that runs
        assert mine.exists()
        assert [one.end(signal.SIGTERM) for one in (third, after)] == [0, 0]
    assert list(tmp_path.glob("merzoo-demo-*")) == [] and page.files() == []
