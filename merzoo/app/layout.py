"""What the page shows, built with Gradio: inputs, progress, result, downloads."""

from collections.abc import Iterator

import gradio

from merzoo.app.choices import FACE, HOW, LABELS
from merzoo.app.html import CSS, NOT_FOR, problem_html, progress_html, report_html
from merzoo.app.jobs import Jobs
from merzoo.data.videos import VIDEO_SUFFIXES
from merzoo.errors import InputError

__all__ = ["CSS", "SUFFIXES", "build", "theme"]

IMAGES = [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"]
SUFFIXES = frozenset({*VIDEO_SUFFIXES, *IMAGES})
_WIDTH, _WIDE = 220, 320  # pixels of a choice, at least; of the one with the longest words
_AT_ONCE = 20  # jobs that wait or are worked on; more wait in Gradio's queue


def theme() -> gradio.themes.Base:
    """Fonts of the user's system only, so that nothing is asked of other servers; colours that
    stand out from what is behind them by 4.5 to 1."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}
    return gradio.themes.Default(primary_hue="blue", **fonts).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        color_accent="*primary_700",
    )


def build(jobs: Jobs, megabytes: float) -> gradio.Blocks:
    """The page.

    Args:
        jobs: that its buttons start and cancel.
        megabytes: largest upload.
    """
    with gradio.Blocks(title="merzoo", analytics_enabled=False) as blocks:
        gradio.Markdown(
            "# merzoo\nFinds and classifies **micro-expressions**: facial movements of a few "
            "tenths of a second. Videos from 50 frames per second up, one frontal face. At most "
            f"{megabytes:g} MB and {jobs.seconds:g} seconds. Uploads stay on the computer "
            "that serves this page and are removed once they are analysed, results after 15 "
            "minutes."
        )
        gradio.HTML(NOT_FOR, elem_id="not-for")
        chosen = _choices(jobs)
        tabs = _tabs()
        cancel = gradio.Button("Cancel", variant="stop", interactive=False, elem_id="cancel")
        status = gradio.HTML(elem_id="status")
        report = gradio.HTML(elem_id="report")
        annotated = gradio.Video(
            label="Annotated video", visible=False, elem_id="annotated", height=520
        )
        made = gradio.Files(label="Downloads", visible=False, elem_id="downloads")
        for button, files, missing in tabs:
            button.click(
                _analyser(jobs, missing),
                [*chosen, *files],
                [status, report, annotated, made, cancel, *files],
                concurrency_limit=_AT_ONCE,
                concurrency_id="work",
                show_progress="hidden",
                api_visibility="private",
                preprocess=False,  # what a browser sends is checked by us
            )

        def stop(request: gradio.Request) -> None:
            jobs.cancel(str(request.session_hash))

        cancel.click(stop, show_progress="hidden", api_visibility="private")
        blocks.unload(stop)  # the user has closed the page
    return blocks.queue(max_size=_AT_ONCE)


def _choices(jobs: Jobs) -> list:
    offered = jobs.choices
    with gradio.Row():
        model = _menu("model", offered.models, offered.first, 4, _WIDE)
        detector = _menu("detector", offered.detectors, "auto", 3)
        face = _menu("face", FACE, "only", 3)
        fps = gradio.Textbox(
            label=LABELS["fps"],
            placeholder="the file's own",
            max_lines=1,
            min_width=_WIDTH,
            scale=3,
            elem_id="fps",
        )
    how = gradio.Radio(_pairs(HOW), value="auto", label=LABELS["how"], elem_id="how")
    return [model, how, detector, face, fps]


def _menu(
    name: str, words: dict[str, str], value: str, share: int, width: int = _WIDTH
) -> gradio.Dropdown:
    return gradio.Dropdown(
        _pairs(words),
        value=value,
        label=LABELS[name],
        filterable=False,
        min_width=width,
        scale=share,
        elem_id=name,
    )


def _pairs(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(text, value) for value, text in words.items()]


def _tabs() -> list[tuple]:
    """Of each tab: its button, its files, and what is said where one of them is missing."""
    with gradio.Tabs():
        with gradio.Tab("Sample"):
            gradio.Markdown("An invented person with four micro-expressions, 5 seconds.")
            sample = gradio.Button("Run the sample", variant="primary", elem_id="run-sample")
        with gradio.Tab("Video"):
            video = _file("Video", sorted(VIDEO_SUFFIXES), "video")
            run = gradio.Button("Analyse", variant="primary", elem_id="run-video")
        with gradio.Tab("Camera"):
            gradio.Markdown(
                "Record some seconds. Most cameras give 30 frames per second, of which a short "
                "movement has few."
            )
            camera = gradio.Video(
                label="Camera",
                sources=["webcam"],
                include_audio=False,
                height=320,
                webcam_options=gradio.WebcamOptions(mirror=False),
                elem_id="camera",
            )
            camera.async_move_resource_to_block_cache = _as_it_is  # type: ignore[method-assign]
            film = gradio.Button("Analyse", variant="primary", elem_id="run-camera")
        with gradio.Tab("Two frames"):
            with gradio.Row():
                onset = _file("Onset (neutral)", IMAGES, "onset")
                apex = _file("Apex (strongest)", IMAGES, "apex")
            pair = gradio.Button("Analyse", variant="primary", elem_id="run-pair")
    return [
        (sample, [], ""),
        (run, [video], "Choose a video first."),
        (film, [camera], "Record something first."),
        (pair, [onset, apex], "Choose both frames first: onset and apex."),
    ]


def _file(label: str, types: list[str], name: str) -> gradio.File:
    """A place for an upload."""
    made = gradio.File(label=label, file_types=types, elem_id=name, height=140)
    made.async_move_resource_to_block_cache = _as_it_is  # type: ignore[method-assign]
    return made


async def _as_it_is(path) -> str:
    """What Gradio takes an upload to be: its path, never an address to fetch."""
    return str(path)


def _analyser(jobs: Jobs, missing: str):
    """What a button does: a generator of everything that the page shows below it."""

    def analyse(request: gradio.Request, *given) -> Iterator[list]:
        session = str(request.session_hash)
        *choices, paths = *given[:5], [_path(one) for one in given[5:]]
        keep, empty = [gradio.skip()] * len(paths), [None] * len(paths)
        if not all(paths):
            yield [*_shown(problem_html(missing)), gradio.skip(), *keep]
            return
        try:
            chosen = jobs.choices.read(*choices)
        except InputError as error:
            yield [*_shown(problem_html(str(error))), gradio.skip(), *keep]
            return
        for word, *content in jobs.analyse(session, chosen, paths or None):
            if word == "progress":
                shown = _shown(progress_html(*content))
                yield [*shown, gradio.Button(interactive=True), *keep]
            else:
                shown = _result(jobs, content[0]) if word == "done" else None
                yield [*(shown or _shown(problem_html(content[0]))), gradio.skip(), *empty]
        busy = jobs.is_busy(session)
        yield [*[gradio.skip()] * 4, gradio.Button(interactive=busy), *keep]

    return analyse


def _path(file) -> str | None:
    """The path of what Gradio's page says of an upload."""
    path = file.get("path") if isinstance(file, dict) else None
    return path if isinstance(path, str) else None


def _result(jobs: Jobs, result: dict) -> list:
    found = result["prediction"]
    found["source"] = ""
    found["warnings"] = [jobs.choices.worded(text) for text in found["warnings"]]
    return _shown("", report_html(result), result["video"], result["files"])


def _shown(status: str, report: str = "", video: str | None = None, files=None) -> list:
    return [
        status,
        report,
        gradio.Video(value=video, visible=video is not None),
        gradio.Files(value=files, visible=files is not None),
    ]
