"""Preferences for the studio as a whole, in a small JSON file beside the list of recent projects.

`studio.model.settings` defines those in the Settings view, with their defaults.
"""

import json
import os
from contextlib import suppress
from functools import cache
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.project.recent import data_folder

_FILE = "preferences.json"


class Watcher(QObject):
    """Emits every preference that is stored."""

    changed = Signal(str, object)  # name, value


@cache
def watcher() -> Watcher:
    """Return the one `Watcher` of this process."""
    return Watcher()


def read() -> dict[str, Any]:
    """Return the stored preferences; empty if the file is missing or damaged."""
    try:
        found = json.loads((data_folder() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(**values: Any) -> None:
    """Add or change preferences; if the folder cannot be written, nothing happens."""
    path = data_folder() / _FILE
    part = path.with_name(f".{_FILE}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({**read(), **values}, indent=1), encoding="utf-8")
        os.replace(part, path)
    for name, value in values.items():
        watcher().changed.emit(name, value)
