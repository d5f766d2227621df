"""What a person chose for the studio as a whole, in one small JSON file beside the list of recent projects.

`studio.model.settings` says which of them the Settings view shows, and what each is until it is chosen.
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
    """Tells of each preference that was kept."""

    changed = Signal(str, object)  # name, value


@cache
def watcher() -> Watcher:
    """Return the one `Watcher` of this process."""
    return Watcher()


def read() -> dict[str, Any]:
    """Return what was kept; a missing or damaged file is an empty answer."""
    try:
        found = json.loads((data_folder() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(**values: Any) -> None:
    """Add or change preferences; a folder that cannot be written is no reason to stop anyone."""
    path = data_folder() / _FILE
    part = path.with_name(f".{_FILE}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({**read(), **values}, indent=1), encoding="utf-8")
        os.replace(part, path)
    for name, value in values.items():
        watcher().changed.emit(name, value)
