"""The page itself, built with Gradio: inputs, progress, result, downloads, and how it is served."""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from merzoo.app.html import CSS, NOT_FOR, problem_html, progress_html, report_html
from merzoo.app.pictures import Job, make_work
from merzoo.app.workers import WorkerLost, Workers
from merzoo.data.videos import VIDEO_SUFFIXES
from merzoo.errors import InputError

IMAGES = [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"]
_KEPT = 900  # seconds after which whatever is left of an upload is removed


class Demo:
    """A running page.

    Args:
        model: a name of `merzoo.list_models()`.
        weights: as `merzoo.prediction.predict` takes them.
        host: address to listen on; `"127.0.0.1"` is this computer alone.
        port: number, or 0 for a free one.
        megabytes: largest upload.
        seconds: longest video.
        workers: uploads worked on at a time.

    Raises:
        InputError: if the port is taken, or Gradio is not installed.
    """

    def __init__(
        self,
        model: str = "ststnet",
        weights: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 7861,
        megabytes: float = 200,
        seconds: float = 60,
        workers: int = 2,
    ):
        self.seconds, self.megabytes = seconds, megabytes
        self.folder = Path(tempfile.mkdtemp(prefix="merzoo-demo-"))
        gradio = _gradio(self.folder)
        self.port = _free_port(host, port)
        self.workers = Workers(make_work, (model, weights), workers)
        self._blocks = self._page(gradio, workers)
        self._blocks.launch(
            server_name=host,
            server_port=self.port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=int(megabytes * 2**20),
            show_error=True,
            footer_links=[],
            ssr_mode=False,
            theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            css=CSS,
        )
        self.url = f"http://{host}:{self.port}"

    def wait(self) -> None:
        """Serves until the process is told to stop."""
        try:
            self._blocks.block_thread()
        finally:
            self.close()

    def close(self) -> None:
        """Stops serving, ends the workers and removes every file of the page."""
        self._blocks.close(verbose=False)
        self.workers.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _page(self, gradio, workers: int):
        with gradio.Blocks(
            title="merzoo", analytics_enabled=False, delete_cache=(_KEPT // 3, _KEPT)
        ) as blocks:
            gradio.Markdown(
                "# merzoo\nFinds and classifies **micro-expressions**: facial movements of a "
                "few tenths of a second. Videos from 50 frames per second up, one frontal face. "
                f"At most {self.megabytes:g} MB and {self.seconds:g} seconds. Uploads stay on "
                "this computer and are removed after use."
            )
            gradio.HTML(NOT_FOR, elem_id="not-for")
            how = gradio.Radio(
                [
                    ("spot expressions", "spot"),
                    ("the clip is one expression", "whole"),
                    ("decide by length", "auto"),
                ],
                value="auto",
                label="How to read a video",
            )
            runs = []
            with gradio.Tabs():
                with gradio.Tab("Sample"):
                    gradio.Markdown("An invented person with four micro-expressions, 5 seconds.")
                    button = gradio.Button(
                        "Run the sample", variant="primary", elem_id="run-sample"
                    )
                    runs.append((button, self._sample, []))
                with gradio.Tab("Video"):
                    video = gradio.File(
                        label="Video",
                        file_types=sorted(VIDEO_SUFFIXES),
                        elem_id="video",
                        height=140,
                    )
                    button = gradio.Button("Analyse", variant="primary", elem_id="run-video")
                    runs.append((button, self._video, [video]))
                with gradio.Tab("Two frames"):
                    with gradio.Row():
                        onset = gradio.File(
                            label="Onset (neutral)", file_types=IMAGES, elem_id="onset", height=140
                        )
                        apex = gradio.File(
                            label="Apex (strongest)", file_types=IMAGES, elem_id="apex", height=140
                        )
                    button = gradio.Button("Analyse", variant="primary", elem_id="run-pair")
                    runs.append((button, self._pair, [onset, apex]))
            status = gradio.HTML(elem_id="status")
            report = gradio.HTML(elem_id="report")
            video = gradio.Video(
                label="Annotated video", visible=False, elem_id="annotated", height=520
            )
            files = gradio.Files(label="Downloads", visible=False, elem_id="downloads")
            for button, function, inputs in runs:
                button.click(
                    function,
                    [how, *inputs],
                    [status, report, video, files],
                    concurrency_limit=workers,
                    concurrency_id="work",
                    show_progress="hidden",
                    api_visibility="private",
                )
        return blocks.queue(max_size=20)

    def _sample(self, how):
        yield from self._shown("sample", how, [])

    def _video(self, how, path):
        if not path:
            yield _answer(problem_html("Choose a video first."))
            return
        yield from self._shown(path, how, [path])

    def _pair(self, how, onset, apex):
        if not (onset and apex):
            yield _answer(problem_html("Choose both frames first: onset and apex."))
            return
        yield from self._shown((onset, apex), how, [onset, apex])

    def _shown(self, source, how: str, uploads: list[str]) -> Iterator[tuple]:
        """Works on one upload and yields what the page shows, then removes every file of it."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield _answer(progress_html("waiting for a free worker", 0, 1))
            for word, *content in self.workers.run(Job(source, str(folder), how, self.seconds)):
                if word == "progress":
                    yield _answer(progress_html(*content))
                else:
                    result = content[0]
                    result["prediction"]["source"] = ""
                    yield _answer("", report_html(result), result["video"], result["files"])
        except InputError as error:
            yield _answer(problem_html(_without_folders(str(error), source)))
        except WorkerLost as error:
            yield _answer(problem_html(f"This one could not be finished: {error}. Try again."))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for path in uploads:
                with contextlib.suppress(OSError):
                    Path(path).unlink()


def _answer(status: str, report: str = "", video: str | None = None, files=None) -> tuple:
    import gradio

    return (
        status,
        report,
        gradio.Video(value=video, visible=video is not None),
        gradio.Files(value=files, visible=files is not None),
    )


def _without_folders(message: str, source) -> str:
    """A message with the names of uploads in place of where the server keeps them."""
    for path in source if isinstance(source, tuple) else (source,):
        message = message.replace(str(path), Path(path).name)
    return message


def _gradio(folder: Path):
    """Gradio, told to keep its files in our folder and to send nothing anywhere."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import gradio
    except ImportError:
        raise InputError("The page needs Gradio: pip install 'merzoo[app]'.") from None
    return gradio


def _free_port(host: str, port: int) -> int:
    """The port, checked to be free; a free one for 0."""
    if not 0 <= port <= 65535:
        raise InputError(f"port must be from 0 to 65535, got {port}.")
    try:
        with socket.create_server((host, port)) as server:
            return server.getsockname()[1]
    except OSError as error:
        raise InputError(
            f"{host}:{port}: cannot be listened on ({error.strerror or error}); choose another "
            "--port or --host."
        ) from None
