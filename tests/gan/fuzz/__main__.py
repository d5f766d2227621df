"""`python -m tests.gan.fuzz`."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # the processor's time is what is counted
    os.environ.setdefault(_name, "1")


def main() -> int:
    """The command. Returns 1 where something broke."""
    from .readers import READERS  # torch reads the variables above when it is imported
    from .watch import fuzz, read

    parser = argparse.ArgumentParser(
        prog="python -m tests.gan.fuzz",
        description="Read mutated files until something breaks, or time is up.",
    )
    add = parser.add_argument
    add(
        "--reader",
        choices=["all", *READERS],
        action="append",
        help="several times for several; all without it",
    )
    add("--minutes", type=float, default=10.0, help="of the processor's time, for each reader")
    add("--seed", type=int, default=0, help="of the first file")
    keep = Path(tempfile.gettempdir()) / "tastemaker-fuzz"
    add("--keep", type=Path, default=keep, help="folder for files that broke something")
    add("--replay", action="store_true", help="read the one file of --seed, and say what came of it")
    add(
        "--hostile",
        action="store_true",
        help="read the hostile files of the tests, each in a process of its own",
    )
    options = parser.parse_args()
    if options.hostile:
        return _hostile(options.keep / "hostile")
    names = list(READERS) if "all" in (options.reader or ["all"]) else options.reader
    if options.replay:
        for name in names:
            started = time.process_time()
            outcome = read(READERS[name](Random(options.seed)), options.keep / "replayed")
            print(name, *outcome, f"{time.process_time() - started:.2f} s")
        return 0
    broken = 0
    for name in names:
        report = fuzz(name, READERS[name], options.minutes, options.keep, options.seed)
        counts = ", ".join(f"{count} {what}" for what, count in report.outcomes.most_common())
        slowest = f"slowest {report.seconds:.2f} s (seed {report.slowest})"
        peak = f"peak {report.megabytes} MB ({report.resting} MB before the first)"
        spent = f"{report.spent / 60:.1f} min"
        print(f"{name}: {report.files} files in {spent}: {counts}; {slowest}, {peak}", flush=True)
        for place in report.findings.values():
            print(f"  {place}")
        broken += len(report.findings)
    return int(broken > 0)


def _hostile(folder: Path) -> int:
    """A line for each hostile file: what came of it, the processor's seconds, the peak of memory, what was said."""
    from .readers import Case
    from .samples import hostile
    from .watch import MEGABYTES, SECONDS, alone, warm

    warm(folder)
    bad = 0
    for what, (name, data) in hostile(folder).items():
        found = alone(Case({name: data}, name), folder)
        fine = found.outcome == "refused" and found.seconds < SECONDS and found.megabytes < MEGABYTES
        bad += not fine
        mark = "ok" if fine else "BAD"
        print(f"{mark:3}  {found.seconds:5.2f} s  {found.megabytes:5} MB  {what}: {found.said}", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
