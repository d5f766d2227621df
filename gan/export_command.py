"""The options of `tastemaker export`, for models and for projects. Heavy modules are imported only after the options are read."""

import argparse
import textwrap
from typing import TYPE_CHECKING

from gan.errors import UserError
from gan.options import MOST_SEED, decimal, whole

if TYPE_CHECKING:
    from gan.formats.exports import ExportSettings

_HELP = {
    "bundle": "weights, ONNX, sample.py, sheet and card (default)",
    "onnx": "generator.onnx, with a script that draws",
    "pt2": "generator.pt2 (torch.export)",
    "state_dict": "an imported generator's weights for the code they came from",
    "images": "favourites as picture files with rating and provenance",
    "sheet": "favourites on one sheet",
    "video": "a film that moves from favourite to favourite",
    "dataset": "all images and ratings of a project, for research",
    "hub": "a folder ready to push to a model hub",
}
_OF_PICTURES = ("images", "sheet", "video")
_OPTIONS = {  # and the formats that each is for
    "seeds": _OF_PICTURES,
    "least_stars": _OF_PICTURES,
    "scale": _OF_PICTURES,
    "fp16": ("bundle", "hub"),
    "image_format": ("images",),
    "sidecar": ("images",),
    "video_format": ("video",),
    "seconds": ("video",),
    "fps": ("video",),
}
_MOST_SEEDS = 100_000


def add_options(parser: argparse.ArgumentParser, of_project: bool) -> None:
    """Add the options that say what to export and how. `of_project` : whether the images are favourites unless seeds are given."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = textwrap.fill(parser.description or "", 79)
    width = max(map(len, _HELP))
    parser.epilog = "formats:\n" + "\n".join(f"  {name:<{width}}  {text}" for name, text in _HELP.items())
    parser.add_argument(
        "--format",
        choices=list(_HELP),
        default="bundle",
        metavar="F",
        help="what to write, see below (default bundle)",
    )
    parser.add_argument(
        "--fp16", action="store_true", help="bundle, hub: half the size; pixels may differ by a grey level here and there"
    )
    where = "instead of favourites" if of_project else "for images, sheet and video (default 0-15)"
    parser.add_argument("--seeds", type=seeds_of, metavar="S", help=f"such as 0-15 or 3,7,9: {where}")
    parser.add_argument(
        "--image-format", choices=["png", "webp", "jpeg"], help="images: file format (default png)"
    )
    parser.add_argument("--sidecar", action="store_true", help="images: also write an .xmp file beside each")
    parser.add_argument(
        "--video-format",
        choices=["mp4", "gif", "webp"],
        help="video: file format (default mp4 if the package av is installed, else gif)",
    )
    parser.add_argument(
        "--seconds",
        type=decimal(0.01, 600),
        metavar="X",
        help="video: seconds from one image to the next (default 1.5)",
    )
    parser.add_argument(
        "--fps", type=whole(1, 60), metavar="N", help="video: frames per second, 1 to 60 (default 24)"
    )
    parser.add_argument(
        "--scale",
        type=whole(1, 32),
        metavar="X",
        help="images, sheet, video: enlarge X times, 1 to 32, pixel by pixel (default 1)",
    )
    parser.add_argument(
        "--least-stars",
        type=whole(1, 5),
        metavar="N",
        help="with --project: how many stars make an image a favourite (default 4)",
    )


def settings_of(options: argparse.Namespace) -> "ExportSettings":
    """The options as settings for `gan.formats.exports.export`.

    Raises
    ------
    UserError
        An option is given that this format does not have.
    """
    from gan.formats.exports import ExportSettings
    from gan.formats.video import mp4_problem

    given = {name: value for name in _OPTIONS if (value := getattr(options, name)) not in (None, False)}
    for name in given:
        if options.format not in _OPTIONS[name]:
            *others, last = _OPTIONS[name]
            formats = f"{', '.join(others)} and {last}" if others else last
            raise UserError(f"--{name.replace('_', '-')} is for --format {formats}, not for {options.format}")
    given.pop("seeds", None)  # an argument of its own
    return ExportSettings(**{"format": options.format, "video_format": "mp4" if mp4_problem() is None else "gif", **given})


def export_model(options: argparse.Namespace) -> int:
    """Run `tastemaker export MODEL`. Returns the exit code."""
    from gan.formats.exports import export
    from gan.loading import load
    from gan.terminal import Progress

    if options.format == "dataset":
        raise UserError(
            "a data set is made of someone's ratings: tastemaker export --project DIR --format dataset --out DIR"
        )
    if options.least_stars is not None:
        raise UserError("--least-stars is of a project's ratings: tastemaker export --project DIR --least-stars N --out DIR")
    settings = settings_of(options)
    model = load(options.model, "cpu")
    seeds = range(16) if options.seeds is None else options.seeds
    with Progress() as progress:
        folder = export(model, options.out, settings, seeds=seeds, progress=progress)
        progress.clear()
    print(folder)
    return 0


def seeds_of(text: str) -> list[int]:
    """ "0-3,9" -> [0, 1, 2, 3, 9].

    Raises
    ------
    argparse.ArgumentTypeError
        The text is no such list, or there are too many seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) <= MOST_SEED):
            raise argparse.ArgumentTypeError(f"{text!r:.60} is not a list of seeds such as 0-15 or 3,7,9")
        if len(seeds) + int(last) - int(first) >= _MOST_SEEDS:
            raise argparse.ArgumentTypeError(f"more than {_MOST_SEEDS:,} seeds")
        seeds += range(int(first), int(last) + 1)
    return seeds
