"""`tastemaker import`: makes a bundle from another program's file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import UserError
from gan.options import Parser, new_file, place

if TYPE_CHECKING:
    from gan.formats.importing import Imported

_EPILOG = (
    "Reads DCGAN, residual (SNGAN, WGAN-GP) and multilayer-perceptron state_dicts, StyleGAN2(-ADA) and StyleGAN3 pickles, rosinality "
    "and lucidrains checkpoints, ONNX, safetensors and bundles. Nothing in them is ever run. "
    "TorchScript and .pt2 files are programs: --trust-program runs them."
)


def main(arguments: Sequence[str] | None = None, prog: str = "tastemaker import") -> int:
    """Run the command and return its exit code."""
    options = _parser(prog).parse_args(arguments)
    try:
        _run(options)
    except UserError as error:
        print(f"tastemaker: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = Parser(prog=prog, description="Make a bundle from another program's generator.", epilog=_EPILOG)
    parser.add_argument("file", type=place, metavar="FILE", help="the file to import")
    parser.add_argument(
        "--out",
        type=place,
        metavar="MODEL",
        help="the bundle folder to write; without it, the file is only described",
    )
    parser.add_argument(
        "--set",
        dest="choices",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="answer a question that the file leaves open (they are listed without --out)",
    )
    parser.add_argument(
        "--preview", type=new_file, metavar="PNG", help="draw a sheet of what the possible answers look like"
    )
    parser.add_argument(
        "--yes", action="store_true", help="take the likeliest answers and do not list the others"
    )
    parser.add_argument(
        "--trust-program",
        action="store_true",
        help="run a TorchScript or .pt2 file; only if you trust whoever made it",
    )
    return parser


def _run(options: argparse.Namespace) -> None:
    choices: dict[str, str] = {}
    for word in options.choices:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UserError(f"--set takes KEY=VALUE, not {word!r}")
        choices[key] = value
    if options.trust_program:
        choices["trust_program"] = "yes"
    if options.preview is not None and options.preview.suffix.lower() != ".png":
        raise UserError(f"--preview ends in .png, not {options.preview.name!r}")
    if options.out is not None:
        _check_out(options.out)

    from gan.formats import bundle
    from gan.formats.importing import Question, import_file

    imported = import_file(options.file, choices)
    print(imported.what)
    for note in imported.notes:
        print(f"  {note}")
    if imported.licence:
        print(f"tastemaker: licence: {imported.licence}", file=sys.stderr)

    def explain(question: Question, word: str) -> None:
        taken = choices.get(question.key, question.best)
        print(f"  {word}: {question.text}", file=sys.stderr)
        for option in question.options:
            mark = "*" if option.value == taken else " "
            evidence = f"  ({option.evidence})" if option.evidence else ""
            print(f"   {mark} --set {question.key}={option.value}  {option.label}{evidence}", file=sys.stderr)

    unanswered = [question for question in imported.questions if question.key not in choices]
    if unanswered and not options.yes:
        print(
            "tastemaker: the file does not say everything; the likeliest answer (*) is taken:",
            file=sys.stderr,
        )
        for question in unanswered:
            explain(question, "open")
    if imported.settled and options.out is None and not options.yes:
        for question in imported.settled:
            explain(question, "settled, and can be overruled")
    if options.preview is not None:
        _preview(options.file, options.preview, imported, choices)
    if options.out is not None:
        imported.model.name = options.out.resolve().name or imported.model.name
        bundle.save(imported.model, options.out)
        print(options.out)


def _check_out(out: Path) -> None:
    """Refuse an --out that is neither a new or empty folder nor a bundle to replace."""
    from gan.adversarial.output import STATE
    from gan.files import check_place
    from gan.formats import bundle

    check_place(out)
    if (out / STATE).exists():  # hours of training, and the next `train` there would continue from it
        raise UserError(f"{out} holds a generator that was trained here; name a new folder")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not bundle.is_bundle(out))):
        raise UserError(f"{out} is not empty and not a generator; name a new folder")


def _preview(path: Path, target: Path, imported: "Imported", choices: dict[str, str]) -> None:
    from gan.formats.importing import preview
    from gan.formats.png import save_image
    from gan.formats.xmp import TRAINED

    page = preview.sheet(path, imported, choices)
    save_image(
        page, target, {"model": imported.model.name, "model_hash": imported.model.hash, "source": TRAINED}
    )
    print(target)
