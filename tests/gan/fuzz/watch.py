"""Cases read one after the other in a child process, which may crash, hang or ask for all memory without taking anything along."""

import gc
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from gan.errors import UserError
from gan.formats.importing import import_file

from . import samples
from .readers import Case

SECONDS, MEGABYTES = 5.0, 2000  # of the processor, and at the peak, that one file may take
_STUCK = 30  # seconds of the processor after which the child is ended
_FORBIDDEN = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "subprocess.Popen",
    "socket.connect",
    "socket.bind",
    "pickle.find_class",
    "shutil.rmtree",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.chmod",
    "webbrowser.open",
}


@dataclass
class Report:
    """What became of the files of one reader."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)  # what went wrong -> where the files lie
    seconds: float = 0.0  # of the processor, for the slowest file
    slowest: int = 0  # its seed
    megabytes: int = 0  # resident at the peak, the interpreter and torch included
    resting: int = 0  # of that, before the first file
    spent: float = 0.0  # seconds of the processor in all


def read(case: Case, folder: Path) -> tuple[str, str]:
    """Write a case into an empty folder and import it: ("imported" | "refused" | "broken", what was said)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    return imported(folder / case.name)


def warm(folder: Path) -> None:
    """Read valid files: what an import loads at its first use is loaded before anything is watched."""
    for name, data in (
        ("generator.pth", samples.saved(samples.layers()[2])),
        ("generator.onnx", samples.graphs()[0]),
    ):
        read(Case({name: data}, name), folder)


def imported(path: Path) -> tuple[str, str]:
    """Import a file or folder: what came of it, as `read` says, and nothing written beside it."""
    folder = path if path.is_dir() else path.parent
    before = sorted(os.listdir(folder))
    del _seen[:]
    try:
        _watching[0] = True
        made = import_file(path)
        _watching[0] = False
        drawn = made.model.sample(range(2))
        outcome, said = "imported", f"{made.what} {drawn.shape}"
        if "\n" in made.what or any("\n" in note for note in made.notes):
            outcome, said = "broken", f"what it says has lines: {made.what!r}"
    except UserError as error:
        outcome, said = "refused", str(error)
        if "\n" in said or not 10 < len(said) < 700:
            outcome, said = "broken", f"no clear line: {said!r:.300}"
        if re.search(r"cut short \(\w+Error\)$", said):  # only the net around all readers has caught it
            outcome = "broken"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {' '.join(str(error).split())[:160]}"
        outcome = "broken"
    finally:
        _watching[0] = False
    if sorted(os.listdir(folder)) != before:
        outcome, said = "broken", "something was written"
    if _seen:
        outcome, said = "broken", f"it did {_seen[0]}"
    return outcome, said


_watching, _seen = [False], list[str]()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if _watching[0] and (event in _FORBIDDEN or writes):
        _seen.append(f"{event} {arguments!r:.100}")


def _child(make: Callable[[Random], Case], seeds: range, minutes: float, folder: Path, pipe: int) -> None:
    torch.set_num_threads(1)
    warm(folder)
    sys.addaudithook(_hook)
    _limit_memory()
    gc.collect()
    out = os.fdopen(pipe, "w", buffering=1)
    out.write(json.dumps({"resting": _peak()}) + "\n")
    end = time.process_time() + 60.0 * minutes
    for seed in seeds:
        case = make(Random(seed))
        signal.setitimer(signal.ITIMER_PROF, _STUCK)
        before, peak = time.process_time(), _peak()
        outcome, said = read(case, folder)
        seconds, grown = time.process_time() - before, _peak()
        signal.setitimer(signal.ITIMER_PROF, 0)
        if outcome != "broken" and seconds > SECONDS:
            outcome, said = "broken", f"it took {seconds:.1f} s"
        if outcome != "broken" and grown > MEGABYTES and grown > peak:
            outcome, said = "broken", f"it took {grown} MB"
        if outcome == "broken":
            shutil.copytree(folder, _place(folder, seed), dirs_exist_ok=True)
        out.write(
            json.dumps(
                {
                    "seed": seed,
                    "outcome": outcome,
                    "said": said,
                    "seconds": seconds,
                    "peak": grown,
                    "spent": time.process_time(),
                }
            )
            + "\n"
        )
        if time.process_time() > end or grown > MEGABYTES:
            break
    out.write(json.dumps({"done": True}) + "\n")
    out.close()


def _limit_memory() -> None:
    """To beyond what a file may take, so that this is measured and not only refused; the machine is safe all the same."""
    status = Path("/proc/self/status").read_text()
    held = int(status.split("VmSize:")[1].split()[0]) << 10
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + (4 << 30), hard))


def _place(folder: Path, seed: int) -> Path:
    """Where the files of a seed are kept."""
    return folder.with_name(f"{folder.stem}-{seed}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


class Alone(NamedTuple):
    """One file read in a process of its own."""

    outcome: str
    said: str
    seconds: float  # of the processor
    megabytes: int  # resident at the peak, the interpreter and torch included


def alone(case: Case, folder: Path) -> Alone:
    """Read one case in a child process that reads nothing else."""
    source, pipe = os.pipe()
    pid = os.fork()
    if pid == 0:
        _limit_memory()
        sys.addaudithook(_hook)
        signal.setitimer(signal.ITIMER_PROF, _STUCK)
        os.write(pipe, json.dumps(read(case, folder)).encode())
        os._exit(0)
    os.close(pipe)
    with os.fdopen(source) as told:
        text = told.read()
    _, status, usage = os.wait4(pid, 0)
    outcome, said = json.loads(text) if text else ("broken", f"the process died: {status}")
    shutil.rmtree(folder, ignore_errors=True)
    return Alone(outcome, said, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10)


def fuzz(
    name: str,
    make: Callable[[Random], Case],
    minutes: float,
    keep: Path,
    first: int = 0,
    most: int = 1 << 62,
) -> Report:
    """Read mutated files for so many minutes of the processor's time.

    Parameters
    ----------
    keep : folder for the files that broke something, a folder each.
    first : seed of the first case; the same seeds make the same cases.
    most : cases after which it ends in any case.
    """
    report, folder, seed, spent = Report(), keep / f"{name}.now", first, 0.0
    make(Random(first))  # samples are made once, and not in every child
    while spent < 60.0 * minutes and seed < first + most:
        source, pipe = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(source)
                _child(make, range(seed, first + most), minutes - spent / 60.0, folder, pipe)
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        os.close(pipe)
        last, done = 0.0, False
        with os.fdopen(source) as lines:
            for line in lines:
                told = json.loads(line)
                if "resting" in told:
                    report.resting = told["resting"]
                elif "done" in told:
                    done = True
                else:
                    seed, last = told["seed"] + 1, told["spent"]
                    _count(report, told, _place(folder, told["seed"]))
        _, status = os.waitpid(pid, 0)
        spent += max(last, 0.1)
        if not done:
            if os.WIFEXITED(status):
                raise SystemExit(f"the fuzzer itself failed at seed {seed} of {name}")
            shutil.copytree(folder, _place(folder, seed), dirs_exist_ok=True)
            how = signal.Signals(os.WTERMSIG(status)).name
            told = {
                "seed": seed,
                "outcome": "broken",
                "said": f"the process died of {how}",
                "seconds": 0.0,
                "peak": 0,
            }
            _count(report, told, _place(folder, told["seed"]))
            seed += 1
            spent += _STUCK if how == "SIGPROF" else 0.0
    report.spent = spent
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _count(report: Report, told: dict[str, Any], place: Path) -> None:
    report.files += 1
    memory = told["outcome"] == "refused" and "more memory" in told["said"]
    report.outcomes["refused for its memory" if memory else told["outcome"]] += 1
    if told["seconds"] > report.seconds:
        report.seconds, report.slowest = told["seconds"], told["seed"]
    report.megabytes = max(report.megabytes, told["peak"])
    if told["outcome"] != "broken":
        return
    # Of one exception in one place, one file is enough.
    what = told["said"].split(": ")[0] if " at " in told["said"] else told["said"]
    if what in report.findings:
        shutil.rmtree(place)
        return
    report.findings[what] = f"{place}: {told['said']}"
    print(report.findings[what], file=sys.stderr, flush=True)
