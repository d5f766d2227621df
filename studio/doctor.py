"""The studio's part of `tastemaker doctor`: Qt, the screen, the last crash. Asked without torch, and Qt only in a child process.

Qt aborts the whole process when it finds no usable screen, so it is tried where that harms nobody.
"""

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from studio import qt_libraries

_PACKAGES = ("PySide6-Essentials", "shiboken6", "platformdirs")
_TRIAL = """
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
screens = [f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():g}" for s in app.screens()]
print(app.platformName() + ": " + ", ".join(screens))
"""
_TRIAL_SECONDS = 20
_CRASH_LINES = 12


def window() -> dict[str, Any]:
    """Versions of Qt's packages, the libraries it misses, and whether it finds a screen."""
    found: dict[str, Any] = {name: _installed(name) for name in _PACKAGES}
    folder = qt_libraries.qt_folder()
    if folder is None:
        return {**found, "problem": "PySide6 is not installed: only the commands without a window work"}
    missing = qt_libraries.missing(folder)
    found["missing libraries"] = qt_libraries.advice(missing).strip() if missing else "none"
    found["screen"] = "not tried" if missing else _screen()
    return found


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _screen() -> str:
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL], capture_output=True, text=True, check=False, timeout=_TRIAL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Qt could not be tried: {error}"
    if trial.returncode == 0:
        return trial.stdout.strip()
    reasons = trial.stderr.strip().splitlines()
    return f"Qt finds none: {reasons[0] if reasons else f'exit code {trial.returncode}'}"


def last_crash() -> dict[str, Any]:
    """The end of the newest crash log that holds anything, of the window or of a project's worker."""
    from studio.project import recent

    logs = [*recent.data_folder().glob("*.log"), *(log for folder in recent.recent_projects() for log in folder.glob("*.log"))]
    written = [log for log in logs if log.stat().st_size]
    if not written:
        return {"log": "none"}
    newest = max(written, key=lambda log: log.stat().st_mtime)
    lines = newest.read_text(encoding="utf-8", errors="replace").splitlines()
    return {"log": str(newest), "ends": "\n".join(lines[-_CRASH_LINES:])}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: the library's report with the studio's part."""
    doctor = import_module("gan.doctor")  # by name: nothing in the window's half imports the library
    code: int = doctor.main(arguments, more=sections)
    return code


def sections() -> dict[str, dict[str, Any]]:
    """What the studio adds to the doctor's report, as plain JSON values."""
    found: dict[str, dict[str, Any]] = {}
    for name, part in (("window", window), ("last crash", last_crash)):
        try:
            found[name] = part()
        except Exception as error:  # a part that cannot be asked is a finding, not a reason to stop
            found[name] = {"problem": f"{type(error).__name__}: {error}"}
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
