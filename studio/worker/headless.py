"""The studio's commands without a window: `tastemaker tune` and `tastemaker export --project`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.cli import report
from gan.errors import UserError
from gan.export_command import add_options, settings_of
from gan.options import Parser, add_device, decimal, place, whole
from gan.terminal import Progress, duration
from studio.project.store import Checkpoint, Project, ProjectError
from studio.worker import exports
from studio.worker.opening import opening

if TYPE_CHECKING:
    from gan.session import RoundProgress, TuningSession


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` starts with its name. Returns the exit code."""
    try:
        options = _parser().parse_args(sys.argv[1:] if arguments is None else list(arguments))
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except ProjectError as error:
        return report(UserError(str(error)))
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


def tune(
    project: Project,
    rounds: int = 1,
    *,
    steps: int | None = None,
    dials: Mapping[str, float] | None = None,
    device: str = "auto",
    generator: Path | None = None,
    cancel: Callable[[], bool] = lambda: False,
    progress: Callable[[float, str, float | None], None] = lambda fraction, text, seconds_left: None,
    finished: Callable[[bool, str, Checkpoint | None], None] = lambda kept, reason, checkpoint: None,
) -> list[Checkpoint]:
    """Teach a project's generator from its ratings; returns the checkpoints that were kept.

    `dials` override the project's settings: strength, and factors of reward terms. They are not stored. `generator` is where the project's
    generator is now, if it was moved; the project remembers it. The checkpoint of a round is first written to disk, then recorded in the
    project, then reported. The loop ends after the first round that is not kept, since without new ratings another one would not find
    more. `cancel` is called between steps; true ends it, keeping the best version so far.

    Raises
    ------
    UserError, ValueError
        There is no such generator or device, a checkpoint is damaged, or there are too few ratings.
    ProjectError
        The project cannot be written.
    """
    from studio.worker.teaching import teach, turned

    progress(0.0, "loading the generator and the ratings", None)
    session = _session(project, device, moved=generator, progress=progress)
    kept = []
    for number in range(rounds):

        def after_step(step: RoundProgress, number: int = number) -> None:
            realism = (
                f"realism {step.realism:+.2f}"
                if session.scorer.has_realism
                else "realism off (no discriminator)"
            )
            text = f"round {number + 1} of {rounds}: taste {step.taste:+.2f}, {realism}"
            progress(
                (number + step.step / step.steps) / rounds, text, step.seconds_left if rounds == 1 else None
            )

        taught = teach(
            session,
            project.new_checkpoint_path(),
            steps=steps,
            settings=turned(project.meta("weights"), dials),
            facts=project.round_facts(),
            cancel=cancel,
            after_step=after_step,
        )
        said: dict[str, Any] = {
            "kept": taught.kept,
            "reason": taught.reason,
            "stopped": cancel(),
            "metrics": taught.metrics,
            "headless": True,
        }
        checkpoint = None
        if taught.checkpoint is None:
            project.record("taught", **said)
            project.record("round", None, float(project.counts().round), kept=False, reason=taught.reason)
        else:
            checkpoint = project.add_checkpoint(
                taught.checkpoint, dict(taught.metrics), reason=taught.reason, taught=said
            )
            kept.append(checkpoint)
        finished(taught.kept, taught.reason, checkpoint)
        if checkpoint is None or cancel():
            break
    return kept


def export(
    project: Project,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    seeds: Sequence[int] | None = None,
    device: str = "cpu",
    generator: Path | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] = lambda: False,
) -> Path:
    """Write a project's generator as tuned now, or images of it, for other programs; returns the folder.

    `settings` are fields of `gan.formats.exports.ExportSettings`; `seeds` select images to write instead of favourites;
    `generator` as of `tune`.

    Raises
    ------
    UserError, Cancelled
        As `gan.formats.exports.export`.
    ProjectError
        The project cannot be read.
    """
    from studio.worker.exporting import export as export_from

    command = exports.command(project, str(folder), settings or {}, None if seeds is None else tuple(seeds))
    kind = command.settings.get("format", "bundle")
    # A generator's card reports the taste; pictures have no card.
    session = _session(project, device, kind not in exports.OF_IMAGES, generator)
    made = export_from(session, command, progress, cancel)
    project.record("export", folder=str(made), format=kind, headless=True)
    return made


def _session(
    project: Project,
    device: str,
    taste: bool = True,
    moved: Path | None = None,
    progress: Callable[[float, str, float | None], None] = lambda fraction, text, seconds_left: None,
) -> TuningSession:
    from studio.worker.sessions import open_session  # imports torch, and is only needed with a project

    moved = None if moved is None else moved.absolute()  # a plain name would be that of a bundled generator
    opened = opening(project, device, moved=moved)
    session = open_session(opened, device, taste, lambda left: progress(0.0, str(left), left.seconds))
    known = {} if project.meta("model_hash") else {"model_hash": session.model.hash}
    if moved is not None:
        known["model"] = str(moved)
    if known:
        project.set_meta(**known)
    return session


def _tune(options: argparse.Namespace) -> int:
    def finished(kept: bool, reason: str, checkpoint: Checkpoint | None) -> None:
        line.clear()
        if checkpoint is None:
            print(f"Nothing changed. {reason}", flush=True)
            return
        liked = checkpoint.metrics.get("like_rate_predicted")
        seconds = checkpoint.metrics.get("seconds") or 0.0
        share = "" if liked is None else f" The taste model expects {100 * liked:.0f} % liked images."
        print(f"Round {checkpoint.round}, {duration(seconds)}. {reason}{share} {checkpoint.path}", flush=True)

    with Project(options.project, create=False) as project, Progress() as line, _stoppable(line) as stopped:
        tune(
            project,
            options.rounds,
            steps=options.steps,
            dials=dict(options.weights) | ({} if options.strength is None else {"strength": options.strength}),
            device=options.device,
            generator=options.generator,
            cancel=stopped,
            progress=line,
            finished=finished,
        )
    return 0


def _export(options: argparse.Namespace) -> int:
    if options.model is not None:
        raise UserError("name a MODEL or --project, not both")
    settings = asdict(settings_of(options))
    with Project(options.project, create=False) as project, Progress() as line:
        made = export(project, options.out, settings, seeds=options.seeds, generator=options.generator, progress=line)
        line.clear()
    print(made)
    return 0


@contextmanager
def _stoppable(line: Progress) -> Iterator[Callable[[], bool]]:
    """Ctrl+C once: end after the current step and keep the best version so far; twice: end at once."""
    asked: list[int] = []

    def handle(number: int, frame: object) -> None:
        asked.append(number)
        line.clear()
        if len(asked) > 1:
            raise KeyboardInterrupt
        print("Stopping after this step; press Ctrl+C again to stop at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def _weight(text: str) -> tuple[str, float]:
    name, sign, factor = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not TERM=FACTOR, as warmth=1 is")
    return name.strip(), decimal(-10.0, 10.0)(factor)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tastemaker", description="Teach or export a project's generator, without the window.")
    verbs = parser.add_subparsers(title="commands", metavar="VERB", required=True)
    one = verbs.add_parser(
        "tune",
        help="teach a project's generator its ratings",
        description="Teach a project's generator from its ratings. Every round that is kept becomes a checkpoint of"
        " the project, as in the studio. The project must not be open in the studio.",
    )
    one.add_argument(
        "--rounds", type=whole(1, 10_000), default=1, metavar="N", help="rounds to run (default 1)"
    )
    one.add_argument(
        "--strength",
        type=decimal(0.25, 4.0),
        metavar="S",
        help="how far a round may go, 0.25 to 4, where 1 is balanced (default: the project's dial)",
    )
    one.add_argument(
        "--weights",
        type=_weight,
        nargs="+",
        default=[],
        metavar="TERM=FACTOR",
        help="how much each term counts in the reward, overriding the project's dials: taste, realism, novelty (usually 1);"
        " typicality, caution (usually 0); sharpness, colourfulness, contrast, symmetry, brightness, warmth, and scorer:NAME"
        " of an installed scorer (usually 0; below 0 rewards less of it)",
    )
    one.add_argument(
        "--steps", type=whole(1, 100_000), metavar="N", help="steps per round (default: as in the studio)"
    )
    add_device(one)
    one.set_defaults(run=_tune)
    two = verbs.add_parser(
        "export",
        help="write a project's tuned generator for other programs",
        description="Write a project's generator, as tuned now, or its favourites, as a folder that other programs can use.",
    )
    two.add_argument("model", nargs="?", help=argparse.SUPPRESS)  # only parsed to be refused with an explanation
    two.add_argument("--out", required=True, type=place, metavar="DIR", help="a new folder")
    add_options(two, of_project=True)
    two.set_defaults(run=_export)
    for verb in (one, two):
        verb.add_argument("--project", required=True, type=place, metavar="DIR", help="the project's folder")
        verb.add_argument(
            "--generator",
            type=place,
            metavar="DIR",
            help="where the project's generator is now, if its folder was moved; the project remembers it, and no other is taken",
        )
    return parser
