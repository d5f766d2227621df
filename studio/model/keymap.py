"""Keyboard shortcuts chosen by the person, stored with the preferences."""

from studio.model import preferences

_NAME = "keys"


def read() -> dict[str, tuple[str, ...]]:
    """Return command -> key sequences; damaged entries are left out."""
    found = preferences.read().get(_NAME)
    if not isinstance(found, dict):
        return {}
    return {
        command: tuple(keys)
        for command, keys in found.items()
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    }


def keep(chosen: dict[str, tuple[str, ...]]) -> None:
    """Write the whole map."""
    preferences.keep(**{_NAME: {command: list(keys) for command, keys in chosen.items()}})
