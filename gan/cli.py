"""The commands of the library: `tastemaker VERB` or `python -m gan VERB`.

This module only reads arguments and prints results; the work is done by functions that a script can call too. Heavy modules (torch) are
imported by the verbs that need them, so that `--help` and errors in options appear at once.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.errors import Cancelled, UserError, is_out_of_memory, reason
from gan.export_command import add_options, export_model
from gan.files import DISK
from gan.options import BUNDLED, FAILED, MOST_SEED, Parser, add_device, amount, decimal, place, seed, whole
from gan.terminal import open_streams
from gan.version import __version__

if TYPE_CHECKING:
    import numpy as np

STOPPED = 130  # exit code after Ctrl+C: 128 + SIGINT, as in shells
_PACKAGE = str(Path(__file__).resolve().parent)
_CHUNK = 64  # images drawn between two reports of progress


def main(arguments: Sequence[str] | None = None, prog: str = "tastemaker") -> int:
    """Run one command and return its exit code. `arguments` starts with the verb; by default it is that of the command line."""
    open_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words, prog)
        sys.stdout.flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


def _run(words: list[str], prog: str) -> int:
    if words[:1] == ["benchmark"] and len(words) > 1 and words[1] in BENCHMARKS:
        return int(_entry(BENCHMARKS[words[1]])(words[2:]))
    if words[:1] == ["import"]:
        return int(_entry("gan.import_command:main")(words[1:], f"{prog} import"))
    if words[:1] == ["doctor"]:
        return int(_entry("gan.doctor:main")(words[1:]))
    options = _parser(prog).parse_args(words)
    run: Callable[[argparse.Namespace], int] = options.run
    return run(options)


def report(error: BaseException) -> int:
    """Print one line on standard error that says what went wrong, and return the exit code.

    This covers a `UserError`, a `ValueError` raised by this library, files that cannot be read or written, too little memory, and Ctrl+C; a
    broken pipe is not reported. Any other error is a bug and is raised again.
    """
    if isinstance(error, KeyboardInterrupt | Cancelled):
        _say("stopped")
        return STOPPED
    if isinstance(error, BrokenPipeError):
        _give_up_output()  # the reader (a pager, head) has gone
        return 1
    message = _message(error)
    if message is None:
        raise error
    if isinstance(error, OSError) and error.filename is None:
        _give_up_output()  # the failed write may have been to standard output
    _say(message)
    return FAILED


def _give_up_output() -> None:
    """Redirect standard output to the null device, so that flushing it at exit cannot fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: BaseException) -> str | None:
    if isinstance(error, UserError):
        return str(error)
    if is_out_of_memory(error):
        return "not enough memory: ask for fewer or smaller images at a time, or use --device cpu"
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        hint = "; what was there before is unharmed" if error.errno in DISK else ""
        return f"{where}{reason(error)}{hint}"
    if isinstance(error, ValueError):
        frames = traceback.extract_tb(error.__traceback__)
        if frames and str(Path(frames[-1].filename).resolve()).startswith(_PACKAGE):
            return reason(error)
    return None


def _say(message: str) -> None:
    print(f"tastemaker: {' '.join(message.split())}", file=sys.stderr)


def _entry(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    entry: Callable[..., Any] = getattr(import_module(module), function)
    return entry


BENCHMARKS = {
    "learning": "gan.simulate.benchmark:main",
    "generator": "gan.measure.generator:main",
    "round": "gan.measure.round_cost:main",
    "taste": "gan.simulate.taste_benchmark:main",
    "training": "gan.measure.training:main",
}


# --------------------------------------------------------------------------------------------------------------- options


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = Parser(prog=prog, description="Generators and taste, without a window: draw, train, tune, import, export, measure.")
    parser.add_argument("--version", action="version", version=f"tastemaker {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="VERB", required=True)

    def verb(name: str, run: Callable[[argparse.Namespace], int], help: str, more: str = "") -> argparse.ArgumentParser:
        description = f"{help[0].upper()}{help[1:]}. {more}".strip()
        added = verbs.add_parser(name, help=help, description=description)
        added.set_defaults(run=run)
        return added

    sample = verb("sample", _sample, "draw images from a generator", "The same seed is the same image on every device.")
    _model(sample)
    _images_out(sample)
    sample.add_argument(
        "--truncation", type=decimal(0, 1), default=1.0, metavar="PSI", help="1: none, all variety (default); 0: the mean image"
    )
    add_device(sample)

    scenes = verb("scenes", _scenes, "draw pictures of the bundled training data: landscapes or pixel characters")
    scenes.add_argument("--kind", choices=["scenes", "characters"], default="scenes", help="landscapes (default) or pixel characters")
    _images_out(scenes)
    scenes.add_argument("--resolution", type=whole(1, 1024), default=64, metavar="R", help="width and height in pixels (default 64)")

    train = verb(
        "train",
        _train,
        "train a generator from a folder of images",
        f"A stopped run resumes when it is started again with the same --out; giving a new length extends a finished one. "
        f"From 64 pixels on, a run starts from {BUNDLED}, or from characters for pixel art, because that learns faster than starting from "
        "random weights. "
        "In several processes or on several machines: torchrun --nproc-per-node=N -m gan.train, with the same options.",
    )
    drawn = "a folder of pictures, procedural:scenes or procedural:characters"
    train.add_argument("--images", required=True, type=place, metavar="DIR", help=drawn)
    train.add_argument("--leave-out", nargs="+", default=(), metavar="FILE", help="pictures not to use, relative to DIR")
    train.add_argument("--keep-copies", action="store_true", help="use every copy of a picture that is found more than once")
    train.add_argument("--out", required=True, type=place, metavar="MODEL", help="the bundle folder to write")
    train.add_argument("--from", dest="start", metavar="MODEL", help='a generator to start from, or "none" for random weights')
    train.add_argument("--grow", action="store_true", help="widen the generator of --from to the channels of a new one, if it has fewer")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=amount, metavar="M", help="how long to train")
    length.add_argument("--kimg", type=amount, metavar="K", help="how long to train, in thousands of images (default 400)")
    train.add_argument("--resolution", type=whole(1, 1024), metavar="R", help="32, 64 or 128 pixels (default: as --from, else 64)")
    train.add_argument("--seed", type=seed, default=0, metavar="S", help="seed of everything random (default 0)")
    add_device(train)
    train.add_argument(
        "--batch",
        type=whole(1, 4096),
        metavar="N",
        help="images per step, over all processes together (default 32; on a CPU 8 for runs up to half an hour or 100 thousand images)",
    )
    train.add_argument(
        "--augment", choices=["auto", "off"], default="auto", help="auto (default): augment the pictures if they are few; off: never"
    )
    train.add_argument(
        "--gamma", nargs=2, type=amount, metavar="G", help="weight of the gradient penalties at start and end of the run (default 0.5 0.1)"
    )
    train.add_argument("--compile", action="store_true", help="try torch.compile, which takes minutes at the start")
    train.add_argument("--tensorboard", action="store_true", help="write event files to MODEL/events (needs the package tensorboard)")
    train.add_argument("--snapshots", type=amount, metavar="K", help="keep a copy every K thousand images in MODEL/snapshots")
    train.add_argument("--save-every", type=amount, default=120.0, metavar="S", help="seconds between two saves (default 120)")

    simulate = verb(
        "simulate",
        _simulate,
        "tune a generator with a rater written in Python",
        "The rater is a file with a function utility(images), which takes uint8 (N, H, W, 3) and returns N numbers, higher being "
        "better. They become stars with the noise that a person has. Writes DIR/report.json and DIR/model, the tuned bundle.",
    )
    simulate.add_argument("--model", default=BUNDLED, metavar="MODEL", help=f"a bundle folder or a bundled name (default {BUNDLED})")
    simulate.add_argument("--rater", required=True, type=place, metavar="FILE.py", help="the file that rates, in place of a person")
    simulate.add_argument("--ratings", type=whole(1, 100_000), default=100, metavar="N", help="how many ratings it gives (default 100)")
    simulate.add_argument("--seed", type=seed, default=0, metavar="S", help="seed of everything random (default 0)")
    simulate.add_argument("--out", required=True, type=place, metavar="DIR", help="folder for the report and the tuned model")
    add_device(simulate)

    export = verb(
        "export",
        _export,
        "write a generator, or a project's tuned one, for other programs",
        "By default a bundle: safetensors weights, an ONNX file, sample.py, which needs only numpy, onnxruntime and pillow, "
        "images and a card.",
    )
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("model", nargs="?", metavar="MODEL", help="a bundle folder or a bundled name")
    what.add_argument("--project", type=place, metavar="DIR", help="a project of the studio: its tuned generator")
    export.add_argument("--out", required=True, type=place, metavar="DIR", help="the folder to write")
    add_options(export, of_project=False)

    measured = "measure learning, a taste, a round, speed, training or a generator"
    benchmark = verb("benchmark", _benchmark, measured, "Each has options of its own: see for example benchmark learning --help.")
    benchmark.add_argument("which", choices=[*BENCHMARKS, "speed"], metavar="WHAT", help=", ".join([*BENCHMARKS, "speed"]))
    verb("import", _unreachable, "make a bundle from another program's generator")
    verb("doctor", _unreachable, "report what this machine has, in a form that can be pasted")
    return parser


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=f"a bundle folder or the name of a bundled generator, such as {BUNDLED}")


def _images_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=whole(1, 1_000_000), default=16, metavar="N", help="how many images (default 16)")
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="seed of the first image; others count up from it (default 0)")
    parser.add_argument("--out", required=True, type=place, metavar="PATH", help="PATH.png: one sheet; a folder: one PNG per image")
    parser.add_argument("--scale", type=whole(1, 256), default=1, metavar="X", help="enlarge a sheet X times, pixel by pixel (default 1)")


# ----------------------------------------------------------------------------------------------------------------- verbs


def _check_seeds(options: argparse.Namespace) -> range:
    seeds = range(options.seed, options.seed + options.count)
    if seeds[-1] > MOST_SEED:
        raise UserError(f"seeds end at {MOST_SEED}: {options.count} images from seed {options.seed} are too many")
    return seeds


def _drawn(
    draw: Callable[[range], "np.ndarray"], seeds: range, say: Callable[[float, str], None]
) -> "Iterator[np.ndarray]":
    for start in range(0, len(seeds), _CHUNK):
        yield from draw(seeds[start : start + _CHUNK])
        done = min(start + _CHUNK, len(seeds))
        say(done / len(seeds), f"image {done} of {len(seeds)}")


def _sample(options: argparse.Namespace) -> int:
    import gan
    from gan.formats.png import write_images
    from gan.terminal import Progress

    seeds = _check_seeds(options)
    model = gan.load(options.model, options.device)
    facts = {"model": model.name, "model_hash": model.hash, "truncation": options.truncation}
    with Progress() as progress:
        images = _drawn(lambda part: model.sample(part, options.truncation), seeds, progress)
        _say_written(write_images(images, options.out, seeds, facts, options.scale), options.out, progress.clear)
    return 0


def _scenes(options: argparse.Namespace) -> int:
    from gan.data.procedural import KINDS
    from gan.formats.png import ALGORITHM, write_images
    from gan.terminal import Progress

    seeds = _check_seeds(options)
    kind = KINDS[options.kind]
    facts = {"model": f"procedural {options.kind}", "source": ALGORITHM}
    with Progress() as progress:
        images = _drawn(lambda part: kind.render(part, options.resolution), seeds, progress)
        _say_written(write_images(images, options.out, seeds, facts, options.scale), options.out, progress.clear)
    return 0


def _say_written(files: list[Path], out: Path, clear: Callable[[], None]) -> None:
    clear()
    print(files[0] if len(files) == 1 else f"{len(files)} images in {out}")


def _train(options: argparse.Namespace) -> int:
    from gan.train_command import train

    if train(options):
        _say("stopped; the same command goes on from here")
        return STOPPED
    return 0


def _simulate(options: argparse.Namespace) -> int:
    import gan
    from gan.simulate.run import simulate
    from gan.terminal import Progress

    model = gan.load(options.model, options.device)
    with Progress() as progress:
        report = simulate(
            model,
            options.rater,
            ratings=options.ratings,
            seed=options.seed,
            out=options.out,
            device=options.device,
            progress=progress,
        )
        progress.clear()
    final = report.final
    print(
        f"like rate {report.untuned.like:.2f} -> {final.like:.2f} after {report.ratings} ratings; of the reference: diversity "
        f"{final.diversity_ratio:.2f}, coverage {final.coverage_ratio:.2f}, precision {final.precision_ratio:.2f}, "
        f"KID {final.kid_ratio:.2f}"
    )
    print(options.out / "report.json")
    return 0


def _export(options: argparse.Namespace) -> int:
    if options.project is not None:
        raise UserError("a project is exported by the studio's command: tastemaker export --project DIR --out DIR")
    return export_model(options)


def _benchmark(options: argparse.Namespace) -> int:
    raise UserError("speed is measured through the studio's worker: tastemaker benchmark speed")


def _unreachable(options: argparse.Namespace) -> int:
    raise AssertionError("import and doctor read their own arguments")


if __name__ == "__main__":
    sys.exit(main())
