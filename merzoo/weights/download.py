"""Getting a file of weights: from this installation, from merzoo's home, or from the network.

A file counts only if it has the size and the SHA-256 of its entry, which is looked at before
anything opens it. A download goes into `FILE.part`, goes on where it broke off (HTTP Range), and
takes its final name when it is whole and right: pooch sees to that.
"""

import errno
import hashlib
import http.client
import logging
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from merzoo.errors import InputError
from merzoo.home import home
from merzoo.weights.entry import ENTRY_FILE, WeightsEntry, read_entry
from merzoo.weights.manifest import places
from merzoo.whole import locked, whole

TIMEOUT = 30.0  # seconds without a byte
TRIES = 3  # in a row that bring nothing new
HUB = "https://huggingface.co"
ADDRESSES = ("https://", "http://", "hf://")
_CHUNK = 1 << 16
_LARGEST_RECORD = 1 << 22  # bytes of a weights.json
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class _Broken(Exception):
    """The connection failed or ended early; another try may go on from there."""


def fetch(entry: WeightsEntry, timeout: float = TIMEOUT) -> Path:
    """A checked local file for an entry, downloaded if it has to be.

    `MERZOO_WEIGHTS_URL` names a mirror: a folder on the web that holds the files by their names.
    Downloads are kept in `MERZOO_HOME/weights`; a bad file there is replaced.

    Args:
        entry: of the manifest.
        timeout: seconds without a byte after which a connection counts as broken.

    Returns:
        The path, of the right size and SHA-256.

    Raises:
        InputError: if the file is nowhere and cannot be downloaded, what comes is not it, or there
            is no room for it.
    """
    for path in places(entry):
        if fault(path, entry) is None:
            return path
    return download(entry, _url(entry), home("weights", entry.file), timeout)


def fetch_folder(url: str, timeout: float = TIMEOUT) -> Path:
    """The folder of a training run from the web, in `MERZOO_HOME/shared`: its record, and its file.

    The record is asked for each time; without a network that of the last time counts.

    Args:
        url: `hf://OWNER/REPOSITORY[@REVISION]`, or `https://HOST/FOLDER`.
        timeout: seconds without a byte after which a connection counts as broken.

    Raises:
        InputError: if there is no record, it is damaged, or its file cannot be had.
    """
    from merzoo.files import file_name  # with NumPy, which a list of weights does without

    url = url.rstrip("/")
    record = address(f"{url}/{ENTRY_FILE}")
    folder = home("shared", file_name(url))
    try:
        request = urllib.request.Request(record, headers={"User-Agent": "merzoo"})
        with urllib.request.urlopen(request, timeout=timeout) as response:
            content = response.read(_LARGEST_RECORD)
        with whole(folder / ENTRY_FILE) as temporary:
            temporary.write_bytes(content)
    except (http.client.HTTPException, OSError) as error:
        if isinstance(error, urllib.error.HTTPError) or not (folder / ENTRY_FILE).is_file():
            raise InputError(
                f"{url}: no model can be had from there ({record}: {_reason(error)})."
            ) from None
    entry = read_entry(folder / ENTRY_FILE)
    if fault(folder / entry.file, entry) is not None:
        download(entry, f"{url}/{entry.file}", folder / entry.file, timeout)
    return folder


def download(entry: WeightsEntry, url: str, target: Path, timeout: float = TIMEOUT) -> Path:
    """Brings the file of an entry to a place, unless the right one is there.

    Args:
        entry: that says how long the file is, and its SHA-256.
        url: `http://`, `https://` or `hf://`.
        target: path that the file gets; processes that want the same one wait for each other.
        timeout: seconds without a byte after which a connection counts as broken.

    Raises:
        InputError: as `fetch`.
    """
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # the bar tells what is downloaded
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f"{target.name}.lock"), wait=True):
            pooch.retrieve(
                address(url),
                known_hash=f"sha256:{entry.sha256}",
                fname=target.name,
                path=target.parent,
                downloader=_Resuming(entry, part, timeout),
            )
    except OSError as error:
        if error.errno in _NO_ROOM:
            part.unlink(missing_ok=True)
            raise InputError(
                f"{entry.id}: no room for its {entry.bytes / 1e6:.1f} MB in {target.parent}; make "
                f"room there, or set MERZOO_HOME to another folder."
            ) from None
        raise InputError(
            f"{entry.id}: cannot write {target} ({error.strerror or error}); set MERZOO_HOME to a "
            f"folder that you may write to."
        ) from None
    return target


def address(url: str) -> str:
    """Where a file lies on the web: `hf://OWNER/REPOSITORY[@REVISION]/FILE` is one on the Hugging
    Face hub (or the server that `HF_ENDPOINT` names); any other address is itself.

    >>> address("hf://someone/weights/a.weights.h5")
    'https://huggingface.co/someone/weights/resolve/main/a.weights.h5'
    >>> address("hf://someone/weights@v2/a.weights.h5")
    'https://huggingface.co/someone/weights/resolve/v2/a.weights.h5'
    >>> address("https://example.org/a.weights.h5")
    'https://example.org/a.weights.h5'

    Raises:
        InputError: for a text that is no address.
    """
    found = url
    if url.startswith("hf://"):
        owner, _, rest = url.removeprefix("hf://").partition("/")
        repository, _, file = rest.partition("/")
        name, _, revision = repository.partition("@")
        if not (owner and name and file):
            raise InputError(f"{url!r} is no address: it must be hf://OWNER/REPOSITORY/FILE.")
        hub = os.environ.get("HF_ENDPOINT") or HUB
        found = f"{hub.rstrip('/')}/{owner}/{name}/resolve/{revision or 'main'}/{file}"
    if not _is_address(found):
        raise InputError(
            f"{found!r} is no address: it must be https://HOST/..., http://HOST/... or "
            "hf://OWNER/REPOSITORY/FILE."
        )
    return found


def fault(path: Path, entry: WeightsEntry) -> str | None:
    """What is wrong with a local copy of an entry's file, or `None`: it is there, whole and right.

    Only reads bytes: nothing of the file is interpreted.
    """
    if not path.is_file():
        return "not here"
    size = path.stat().st_size
    if size != entry.bytes:
        return f"{size} bytes, not {entry.bytes}"
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return None if found == entry.sha256 else f"SHA-256 {found[:12]}..., not {entry.sha256[:12]}..."


def _url(entry: WeightsEntry) -> str:
    mirror = os.environ.get("MERZOO_WEIGHTS_URL")
    if mirror:
        try:
            return address(f"{mirror.rstrip('/')}/{entry.file}")
        except InputError:
            raise InputError(
                f"MERZOO_WEIGHTS_URL={mirror!r} is no address: it must be https://HOST/..., "
                "http://HOST/... or hf://OWNER/REPOSITORY."
            ) from None
    url = entry.url
    if url is None:
        here = "; ".join(f"{path}: {fault(path, entry)}" for path in places(entry))
        raise InputError(
            f"{entry.id} comes with merzoo and has no address to download it from ({here}); "
            f"put the file {entry.file} into {home('weights')}, or set MERZOO_WEIGHTS_URL."
        )
    return url


def _is_address(url: str) -> bool:
    """Whether a text is the address of something on the web, as urllib takes it."""
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return False
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port or an IPv6 address
        return False


class _Resuming:
    """A downloader of pooch's form that goes on with what an earlier one left in `part`."""

    def __init__(self, entry: WeightsEntry, part: Path, timeout: float):
        self.entry, self.part, self.timeout = entry, part, timeout

    def __call__(self, url: str, output_file: str, pooch) -> None:
        from rich.progress import DownloadColumn

        from merzoo.progress import progress_bar

        entry, part = self.entry, self.part
        with progress_bar(count=DownloadColumn()) as bar:
            task = bar.add_task(entry.id, total=entry.bytes)

            def tell(count: int) -> None:
                bar.update(task, completed=count)

            resumed = part.is_file() and part.stat().st_size > 0
            _all_bytes(entry, url, part, self.timeout, tell)
            if resumed and fault(part, entry) is not None:  # an old beginning of another file
                part.unlink()
                _all_bytes(entry, url, part, self.timeout, tell)
        wrong = fault(part, entry)
        if wrong is not None:
            part.unlink()
            raise InputError(f"{entry.id}: {url} sends another file ({wrong}); nothing was kept.")
        os.replace(part, output_file)


def _all_bytes(entry: WeightsEntry, url: str, part: Path, timeout: float, on_bytes) -> None:
    """Adds to `part` until it is as long as the entry says, over several connections if need be."""
    tries = most = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        if before > entry.bytes:
            part.unlink()
            before = 0
        if before == entry.bytes:
            return
        try:
            _one_connection(entry, url, part, before, timeout, on_bytes)
            if part.stat().st_size >= entry.bytes:
                return
            reason = "the connection ended early"
        except _Broken as error:
            reason = str(error)
        now = part.stat().st_size if part.is_file() else 0
        tries = 0 if now > most else tries + 1
        most = max(most, now)
        if tries == TRIES:
            raise InputError(
                f"{entry.id}: cannot download {url} ({reason}); try again when online (what has "
                f"come is kept), or put the file {entry.file} into {part.parent}."
            )
        time.sleep(0.2 * tries)


def _one_connection(entry, url, part, start: int, timeout: float, on_bytes) -> None:
    """Asks for the bytes from `start` on and writes what comes."""
    with _open(entry, url, part, start, timeout) as response:
        if start and not _continues(response, start):
            start = 0  # the server sends the whole file
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            while start <= entry.bytes and (chunk := _read(response)):
                file.write(chunk)
                start += len(chunk)
                on_bytes(start)
            file.flush()
            os.fsync(file.fileno())


def _open(entry, url, part, start: int, timeout: float):
    request = urllib.request.Request(url, headers={"User-Agent": "merzoo"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is no beginning of what the server has
            part.unlink(missing_ok=True)
            raise _Broken("the server has another file") from None
        if error.code >= 500:
            raise _Broken(f"the server answers {error.code}") from None
        raise InputError(
            f"{entry.id}: {url} cannot be had (the server answers {error.code} {error.reason}); "
            f"check MERZOO_WEIGHTS_URL, or put the file {entry.file} into {part.parent}."
        ) from None
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(_reason(error)) from None


def _continues(response, start: int) -> bool:
    """Whether the answer holds the rest of the file only."""
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    return response.status == 206 and begins


def _read(response) -> bytes:
    """The next bytes; errors of the network apart from those of the disk."""
    try:
        return response.read(_CHUNK)
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(_reason(error)) from None


def _reason(error: Exception) -> str:
    """What an error of the network says, without numbers and brackets."""
    error = getattr(error, "reason", error)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
