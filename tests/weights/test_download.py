"""Downloads arrive whole and right or not at all, from a real server that behaves badly."""

import hashlib
import os
import pickle
import resource
import socket
import threading

import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.home import home
from merzoo.weights import WeightsEntry
from merzoo.weights.download import fault, fetch
from tests.weights.server import Served, serving

CONTENT = bytes(range(256)) * 400  # 102,400 bytes


def entry_of(content=CONTENT, url=None, **changes) -> WeightsEntry:
    facts = {
        "id": "ststnet.test",
        "file": "ststnet.test.weights.h5",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "licence": "Apache-2.0",
        "trained_on": ("synthetic",),
        "subjects": (),
        "classes": ("negative", "positive", "surprise"),
        "labels": "megc3",
        "url": url,
    }
    return WeightsEntry(**facts | changes)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MERZOO_WEIGHTS_URL", raising=False)


def fetched(served, **options) -> bytes:
    return fetch(entry_of(url=f"{served.url}/file"), **options).read_bytes()


def test_a_file_is_downloaded_once_and_then_taken_from_home():
    with serving(Served(CONTENT)) as served:
        assert fetched(served) == CONTENT
        assert fetched(served) == CONTENT
    assert served.asked == [("/file", None)]
    assert fetch(entry_of()) == home("weights", "ststnet.test.weights.h5")


def test_broken_connections_are_resumed_where_they_broke():
    with serving(Served(CONTENT, drops=[1000, 50_000])) as served:
        assert fetched(served) == CONTENT
    assert [asked for _, asked in served.asked] == [None, "bytes=1000-", "bytes=51000-"]


def test_a_download_that_another_process_left_is_resumed():
    part = home("weights", "ststnet.test.weights.h5.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    with serving(Served(CONTENT)) as served:
        assert fetched(served) == CONTENT
    assert served.asked == [("/file", "bytes=70000-")]
    assert not part.exists()


def test_a_server_without_ranges_starts_again():
    with serving(Served(CONTENT, drops=[30_000], ranges=False)) as served:
        assert fetched(served) == CONTENT
    assert [asked for _, asked in served.asked] == [None, "bytes=30000-"]


@pytest.mark.parametrize("rest", [b"\0" * 30_000, b"\0" * 200_000, b""])
def test_the_beginning_of_another_file_is_thrown_away(rest):
    part = home("weights", "ststnet.test.weights.h5.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(rest)
    with serving(Served(CONTENT)) as served:
        assert fetched(served) == CONTENT


@pytest.mark.parametrize("sent", [CONTENT[:-1] + b"!", CONTENT + b"more"])
def test_wrong_bytes_are_refused_and_not_kept(sent):
    with serving(Served(sent)) as served, pytest.raises(InputError, match="sends another file"):
        fetched(served)
    assert not list(home("weights").glob("*.h5*[!k]"))


def test_a_short_file_is_not_taken_for_a_whole_one():
    with serving(Served(CONTENT[:5000])) as served, pytest.raises(InputError, match="cannot down"):
        fetched(served)
    assert not home("weights", "ststnet.test.weights.h5").exists()


@pytest.mark.parametrize("damaged", [CONTENT[:100], CONTENT[:-1] + b"!", b""])
def test_a_bad_cached_file_is_replaced(damaged):
    target = home("weights", "ststnet.test.weights.h5")
    target.parent.mkdir(parents=True)
    target.write_bytes(damaged)
    with serving(Served(CONTENT)) as served:
        assert fetched(served) == CONTENT
    assert target.read_bytes() == CONTENT


def test_a_missing_file_says_so_at_once():
    with serving(Served(CONTENT, status=404)) as served, pytest.raises(InputError) as caught:
        fetched(served)
    assert "404 Not Found" in str(caught.value) and "\n" not in str(caught.value)
    assert len(served.asked) == 1


def test_a_failing_server_is_tried_again_but_not_for_ever():
    with serving(Served(CONTENT, status=503)) as served, pytest.raises(InputError, match="503"):
        fetched(served)
    assert len(served.asked) == 3


def test_redirects_are_followed_also_when_resuming():
    with serving(Served(CONTENT, drops=[1000], redirect=True)) as served:
        assert fetched(served) == CONTENT
    assert served.asked[-1] == ("/moved", "bytes=1000-")


def test_a_slow_server_is_waited_for_and_a_dead_one_is_not():
    with serving(Served(CONTENT[:3000], pause=0.1)) as served:
        path = fetch(entry_of(CONTENT[:3000], f"{served.url}/file"), timeout=2)
        assert path.stat().st_size == 3000
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(InputError, match="timed out"):
            fetch(entry_of(url=url), timeout=0.1)


def test_without_a_network_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
    with pytest.raises(InputError, match=r"Connection refused.*when online") as caught:
        fetch(entry_of(url=url))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot download"):
        fetch(entry_of(url="http://nowhere.invalid/file"))


def test_a_mirror_takes_the_place_of_the_address(monkeypatch):
    with serving(Served(CONTENT)) as served:
        monkeypatch.setenv("MERZOO_WEIGHTS_URL", f"{served.url}/mirror/")
        assert fetch(entry_of(url="http://nowhere.invalid/file")).read_bytes() == CONTENT
    assert served.asked == [("/mirror/ststnet.test.weights.h5", None)]
    monkeypatch.setenv("MERZOO_WEIGHTS_URL", "hf://someone/mirror")
    with serving(Served(CONTENT)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        fetch(entry_of(file="other.weights.h5"))
    assert served.asked == [("/someone/mirror/resolve/main/other.weights.h5", None)]
    monkeypatch.setenv("MERZOO_WEIGHTS_URL", "/some/folder")
    with pytest.raises(InputError, match=r"MERZOO_WEIGHTS_URL.*must be http"):
        fetch(entry_of(b"other"))


def test_an_address_of_the_hub_is_a_file_on_its_server(monkeypatch):
    with serving(Served(CONTENT, redirect=True)) as served:
        monkeypatch.setenv("HF_ENDPOINT", f"{served.url}/")
        path = fetch(entry_of(url="hf://someone/weights@v1/folder/x.weights.h5"))
    assert path.read_bytes() == CONTENT
    assert served.asked[0] == ("/someone/weights/resolve/v1/folder/x.weights.h5", None)
    with pytest.raises(InputError, match="must be hf://OWNER/REPOSITORY/FILE"):
        fetch(entry_of(b"other", url="hf://someone"))


def test_no_address_says_where_the_file_should_be():
    with pytest.raises(InputError, match=r"put the file ststnet.test.weights.h5 into"):
        fetch(entry_of())


def test_two_at_once_download_once():
    with serving(Served(CONTENT, pause=0.002)) as served:
        found = []
        threads = [threading.Thread(target=lambda: found.append(fetched(served))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [CONTENT] * 3
    assert len(served.asked) == 1


def test_a_full_disk_is_one_clear_line_and_nothing_is_left():
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(Served(CONTENT)) as served:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
        try:
            with pytest.raises(InputError, match=r"no room for its 0\.1 MB"):
                fetched(served)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert not list(home("weights").glob("*.part"))
        assert fetched(served) == CONTENT


def test_a_home_that_cannot_be_written_is_one_clear_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path / "file"))
    with serving(Served(CONTENT)) as served, pytest.raises(InputError, match="set MERZOO_HOME"):
        fetched(served)


def test_nothing_is_opened_before_its_hash_is_known(tmp_path):
    """A pickle in place of weights is refused by its hash; forced past that, it is not run."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    poisoned = pickle.dumps(Trap())
    with serving(Served(poisoned)) as served, pytest.raises(InputError, match="another file"):
        fetch(entry_of(CONTENT[: len(poisoned)], f"{served.url}/file"))
    (tmp_path / "x.weights.h5").write_bytes(poisoned)
    with pytest.raises(InputError, match="cannot be loaded"):
        merzoo.create_model("ststnet", weights=tmp_path / "x.weights.h5")
    assert not (tmp_path / "sprung").exists()


def test_fault_says_what_is_wrong(tmp_path):
    path = tmp_path / "x"
    assert fault(path, entry_of()) == "not here"
    path.write_bytes(CONTENT[:10])
    assert fault(path, entry_of()) == "10 bytes, not 102400"
    path.write_bytes(CONTENT[::-1])
    assert fault(path, entry_of()).startswith("SHA-256")
    path.write_bytes(CONTENT)
    assert fault(path, entry_of()) is None
