"""What a person chose for the studio as a whole, in one small JSON file beside the list of recent projects."""

import json
import os
from contextlib import suppress
from typing import Any

from studio.project.recent import data_folder

_FILE = "preferences.json"


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
