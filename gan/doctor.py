"""`tastemaker doctor`: a report of what this machine has, to read or to paste into a bug report.

A section that cannot be determined contains the reason instead, because the report is needed most on machines where something fails.
"""

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gan import assets
from gan.data.procedural import cache_folder
from gan.errors import reason
from gan.options import Parser
from gan.version import __version__

Section = dict[str, Any]  # names to plain JSON values, or to another Section
_PACKAGES = ("torch", "numpy", "pillow", "safetensors", "onnx", "onnxscript", "onnxruntime")
_GIB = 1024**3


def examine() -> dict[str, Section]:
    """Everything that the library can find out about this machine, as sections of plain JSON values."""
    parts: dict[str, Callable[[], Section]] = {
        "system": _system,
        "packages": lambda: packages(_PACKAGES),
        "devices": _devices,
        "memory and disk": _room,
        "bundled generators": _bundled,
    }
    return {name: guarded(part) for name, part in parts.items()}


def guarded(part: Callable[[], Section]) -> Section:
    """The result of `part`, or a section with the reason for its failure."""
    try:
        return part()
    except Exception as error:  # any failure is a finding here
        return {"problem": f"{type(error).__name__}: {reason(error)}"}


def packages(names: Sequence[str]) -> Section:
    """The installed version of each distribution, or "missing"."""
    return {name: _installed(name) for name in names}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _system() -> Section:
    return {
        "tastemaker": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{_distribution()} {platform.machine()}",
        "program": str(Path(__file__).resolve().parent.parent),
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def _devices() -> Section:
    import torch

    from gan.device import bfloat16_pays, resolve_device

    found = resolve_device(None)
    section: Section = {
        "chosen": str(found),
        "cpu": f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "bfloat16 pays": "yes" if bfloat16_pays(found) else "no",
    }
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        section[f"cuda:{index}"] = f"{facts.name}, {facts.total_memory / _GIB:.1f} GiB, capability {facts.major}.{facts.minor}"
    section["torch build"] = f"CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    if not torch.cuda.is_available() and shutil.which("nvidia-smi"):
        section["problem"] = "there is an NVIDIA driver, but this torch cannot use it: start packaging/launch.py in a fresh copy"
    return section


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") if Path("/proc/cpuinfo").exists() else open(os.devnull) as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _room() -> Section:
    section: Section = {}
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        section["memory"] = f"{page * os.sysconf('SC_PHYS_PAGES') / _GIB:.1f} GiB"
    except (AttributeError, ValueError, OSError):
        section["memory"] = "not known on this system"
    for name, folder in (("cache", cache_folder()), ("working folder", Path.cwd())):
        place = folder
        while not place.exists():
            place = place.parent
        section[name] = f"{folder}: {shutil.disk_usage(place).free / _GIB:.1f} GiB free"
    return section


def _bundled() -> Section:
    from gan.loading import load

    section: Section = {"folder": str(assets.root())}
    for name in assets.names():
        section[name] = guarded(lambda name=name: _facts(load(name)))  # type: ignore[misc]
    if len(section) == 1:
        section["problem"] = "none is bundled with this copy"
    return section


def _facts(model: Any) -> Section:
    generated = sum(value.numel() for value in model.generator.parameters())
    return {
        "hash": model.hash,
        "resolution": model.resolution,
        "parameters": generated,
        "discriminator": "yes" if model.discriminator is not None else "no",
    }


def text(sections: dict[str, Section]) -> str:
    """The sections as plain text."""
    lines: list[str] = []

    def add(section: Section, indent: str) -> None:
        width = max((len(name) for name in section), default=0)
        for name, value in section.items():
            if isinstance(value, dict):
                lines.append(f"{indent}{name}")
                add(value, indent + "  ")
            else:
                first, *rest = str(value).splitlines() or [""]
                lines.append(f"{indent}{name:<{width}}  {first}")
                lines.extend(f"{indent}{'':<{width}}  {line}" for line in rest)

    for name, section in sections.items():
        lines.append(name)
        add(section, "  ")
    return "\n".join(lines)


def _anonymous(value: Any) -> Any:
    """The value with "~" for the home folder, which often contains the person's name: the report may be published."""
    if isinstance(value, dict):
        return {name: _anonymous(part) for name, part in value.items()}
    home = str(Path.home())
    return value.replace(home, "~") if isinstance(value, str) and len(home) > 1 else value


def main(arguments: Sequence[str] | None = None, more: Callable[[], dict[str, Section]] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    arguments : those after the verb; by default those of the command line.
    more : returns further sections; the studio adds sections on Qt and on its worker.
    """
    parser = Parser(
        prog="tastemaker doctor", description="Report what this machine has, in a form that can be pasted into a bug report."
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    options = parser.parse_args(arguments)
    sections = examine()
    if more is not None:
        sections.update(more())
    sections = _anonymous(sections)
    print(json.dumps(sections, indent=2, ensure_ascii=False) if options.json else text(sections))
    return 0
