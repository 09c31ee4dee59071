"""`merzoo data synthesize`: a dataset of invented faces, in merzoo's form or in a real set's."""

import re

from merzoo.errors import InputError

SUMMARY = "generate clips of invented faces with exact ground truth"
EXAMPLE = "merzoo data synthesize runs/faces --subjects 6 --clips 4 --difficulty easy --seed 1"


def arguments(parser) -> None:
    from merzoo.data.synthetic.forms import FORMS

    parser.add_argument("out", metavar="OUT", help="folder to write; a stopped run is continued")
    parser.add_argument("--subjects", type=int, default=20, help="number of people (20)")
    parser.add_argument("--clips", type=int, default=7, help="clips or images of each (7)")
    parser.add_argument("--difficulty", default="medium", help="easy, medium (default) or hard")
    parser.add_argument(
        "--form",
        default="native",
        help=f"native (default), {', '.join(FORMS[1:-1])} or {FORMS[-1]}",
    )
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (0)")
    parser.add_argument("--size", help="WIDTHxHEIGHT in pixels (the form's own)")
    parser.add_argument("--fps", type=float, help="frames per second (the form's own)")
    parser.add_argument("--jobs", type=int, help="worker processes (one a core)")
    parser.add_argument(
        "--quirks", action="store_true", help="plant the form's known annotation faults"
    )
    parser.add_argument(
        "--as", dest="media", default="frames", help="frames (default) or video (native form only)"
    )


def size(text: str) -> tuple[int, int]:
    """A picture's size.

    >>> size("280x340")
    (280, 340)
    """
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if not found:
        raise InputError(f"--size {text!r} is not WIDTHxHEIGHT, such as 280x340.")
    return int(found[1]), int(found[2])


def run(options) -> int:
    from merzoo.data.synthetic import synthesize

    out = synthesize(
        options.out,
        subjects=options.subjects,
        clips=options.clips,
        difficulty=options.difficulty,
        form=options.form,
        seed=options.seed,
        size=size(options.size) if options.size else None,
        fps=options.fps,
        media=options.media,
        quirks=options.quirks,
        jobs=options.jobs,
    )
    print(f"{options.subjects} people, {options.subjects * options.clips} clips: {out}")
    return 0
