"""Default locations of projects, and the list of recently opened ones."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path

import platformdirs

from studio.project.store import ProjectError, is_project

APPLICATION = "Tastemaker"
HOME_VARIABLE = "TASTEMAKER_HOME"
"""When set, projects and the list of recent ones live in this folder: for tests and for portable use."""
MOST = 12
_LONGEST = 80  # characters in a name: file systems allow 255 bytes


def data_folder() -> Path:
    """The folder for data that belongs to no project."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).absolute() if home else platformdirs.user_data_path(APPLICATION, appauthor=False)


def default_location() -> Path:
    """The folder in which new projects are created."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).absolute() / "Projects" if home else platformdirs.user_documents_path() / APPLICATION


def new_project_folder(name: str, location: Path | None = None) -> Path:
    """A folder that does not exist yet, named after `name`: "My taste", then "My taste 2", ..."""
    location = location or default_location()
    plain = _plain(name)
    folder, number = location / plain, 1
    while folder.exists():
        number += 1
        folder = location / f"{plain} {number}"
    return folder


def _plain(name: str) -> str:
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', " ", name).strip(" .")[:_LONGEST].strip(" .") or "Project"


def rename(folder: Path, name: str) -> Path:
    """Rename the folder of a project that is not open; returns its new path. Raises ProjectError.

    Characters that file systems do not allow are left out; if the name is taken, a number is appended.
    """
    if _plain(name) == folder.name:
        return folder
    target = new_project_folder(name, folder.parent)
    try:
        folder.rename(target)
    except OSError as error:
        raise ProjectError(f"{folder} cannot be renamed: {error.strerror or error}.") from error
    forget(folder)
    remember(target)
    return target


def recent_projects() -> list[Path]:
    """Recently opened projects that still exist, the latest first."""
    return [folder for folder in map(Path, _read()) if is_project(folder)]


def last_project() -> Path | None:
    """The project that was opened last, if it still exists."""
    return next(iter(recent_projects()), None)


def remember(folder: Path) -> None:
    """Put a project first in the list. If the list cannot be written, it stays as it is."""
    name = str(Path(folder).absolute())
    names = [name, *(known for known in _read() if known != name)][:MOST]
    path = data_folder() / "recent.json"
    part = path.with_name(f".recent.{os.getpid()}.{time.monotonic_ns()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(names, indent=1), encoding="utf-8")
        os.replace(part, path)


def forget(folder: Path) -> None:
    """Remove a project from the list."""
    name = str(Path(folder).absolute())
    names = [known for known in _read() if known != name]
    with suppress(OSError):
        (data_folder() / "recent.json").write_text(json.dumps(names, indent=1), encoding="utf-8")


def _read() -> list[str]:
    try:
        names = json.loads((data_folder() / "recent.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
