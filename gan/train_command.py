"""The work of `tastemaker train`, in one process or as one of several that torchrun started."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def train(options: argparse.Namespace) -> bool:
    """Train with the options of the command line. Returns whether it was asked to stop; always False in all processes but the first."""
    from gan.adversarial import command, distributed
    from gan.adversarial.copying import write_nearest
    from gan.adversarial.starting import AUTO
    from gan.adversarial.train import TrainProgress
    from gan.data.procedural import kind_of
    from gan.terminal import Progress

    drawn = kind_of(options.images) is not None
    images: str | Path = options.images if drawn else Path(options.images)
    start: str | None = options.start or (None if drawn else AUTO)

    def leave_out() -> list[str]:
        return [*options.leave_out, *([] if drawn else own_pictures(options.out, Path(images)))]

    # Under torchrun this is one of several processes that train together, otherwise the only one.
    with distributed.joined(options.device) as device, Progress() as progress, stop_on_signal(distributed.current().world == 1) as stopped:
        first = distributed.current().first

        def say(line: str) -> None:
            progress.clear()
            print(line, file=sys.stderr, flush=True)

        absent = [name for name in options.leave_out if not Path(f"{images}/{name}").is_file()]
        if first and absent:
            say(f"Not in {images}, so not left out: {', '.join(absent)}")

        def show(step: TrainProgress | tuple[float, str]) -> None:
            if isinstance(step, TrainProgress):
                speed = f"{step.images_per_second:.0f} images/s, {100 * step.data_wait:.0f} % waiting for data"
                text = f"{step.images / 1000:.1f} kimg, {speed}, realness gap {step.realness_gap:.2f}"
                progress(step.fraction, text, step.seconds_left)
            else:
                progress(*step)

        command.run(
            images=images,
            out=options.out,
            start_from=None if start == "none" else start,
            minutes=options.minutes,
            kimg=options.kimg,
            resolution=options.resolution,
            device=str(device),
            seed=options.seed,
            progress=show,
            cancel=stopped,
            batch=options.batch,
            augment=options.augment == "auto",
            compile=options.compile,
            tensorboard=options.tensorboard,
            snapshots=options.snapshots,
            save_seconds=options.save_every,
            say=say,
            leave_out=leave_out(),
            keep_copies=options.keep_copies,
            gamma=tuple(options.gamma) if options.gamma else None,
            grow=options.grow,
        )
        if first and not drawn:
            say(write_nearest(options.out, Path(images), leave_out(), options.keep_copies))
        progress.clear()
    if first:
        print(options.out)
    return first and stopped()


def own_pictures(out: Path, images: Path) -> list[str]:
    """Pictures that a run writes among its own training pictures, if `out` is inside their folder; relative to that folder.

    A resumed run must not learn from its own samples.
    """
    from gan.adversarial import copying, output

    own, folder = (Path(os.path.realpath(path)) for path in (out, images))  # `resolve` raises on a link to itself
    if not own.is_relative_to(folder):
        return []
    written = [own / output.SAMPLES, own / copying.SHEET, *own.glob(f"{output.SNAPSHOTS}/*/{output.SAMPLES}")]
    return [path.relative_to(folder).as_posix() for path in written]


@contextmanager
def stop_on_signal(alone: bool) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl+C was pressed, as a request to stop cleanly; a second one raises KeyboardInterrupt.

    SIGTERM, by which systems and containers stop a program, is such a request too if this process is `alone`. Among several, torchrun sends
    it when another has gone, for which this one would wait. Outside the main thread, where no signals arrive, the function always returns
    False.
    """
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    heeded = [signal.SIGINT, signal.SIGTERM] if alone else [signal.SIGINT]
    try:
        before = [(number, signal.signal(number, ask)) for number in heeded]
    except ValueError:  # not the main thread, which alone receives signals
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for number, handler in before:
            signal.signal(number, handler)
