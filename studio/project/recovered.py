"""Facts from the file of a round that the project has no row of. Read as data, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FORMAT = "tastemaker-checkpoint"  # as written by `gan.formats.checkpoint`
_LONGEST = 1 << 24  # limit for a header in bytes
_NUMBERS = ("parent", "last_event", "last_image")


def facts(checkpoint: Path) -> dict[str, Any]:
    """The result of `Timeline.round_facts` when the round began, with its "metrics"; empty if the file has none."""
    try:
        with open(checkpoint, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, _LONGEST)))
        found = json.loads(header["__metadata__"][_FORMAT])["facts"]["project"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    whole = isinstance(found, dict) and all(isinstance(found.get(name), int | None) for name in _NUMBERS)
    return found if whole and isinstance(found.get("metrics"), dict) else {}
