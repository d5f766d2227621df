"""Whether a window can be shown, found out before Qt is asked: Qt would abort the process. And whether a terminal is read."""

import os
import re
import socket
import sys
from pathlib import Path

_SECONDS = 3.0


def no_display_reason() -> str | None:
    """Return in one line why no window can be shown, or None if one can."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and platform.split(":")[0].split(";")[0] not in ("xcb", "wayland", "wayland-egl"):
        return None
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if not wayland and not x11:
        return "no display: neither DISPLAY nor WAYLAND_DISPLAY is set. On a server, use xvfb-run tastemaker."
    if wayland and _wayland_answers(wayland):
        return None
    if x11 and _x11_answers(x11):
        return None
    return f"no display: nothing answers at {x11 or wayland}."


def only_a_window_is_seen() -> bool:
    """Whether the program was started from an icon: words on a terminal would reach nobody, and a window does."""
    if os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal"):
        return False
    return not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _wayland_answers(name: str) -> bool:
    path = Path(name) if name.startswith("/") else Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name
    return _answers(socket.AF_UNIX, str(path))


def _x11_answers(name: str) -> bool:
    """Try the sockets that an X server of this name listens on."""
    matched = re.fullmatch(r"(?P<host>.*?)/?(?:unix)?:(?P<number>\d+)(?:\.\d+)?", name)
    if matched is None:
        return Path(name).exists()  # a socket's own path, as on macOS
    host, number = matched["host"], int(matched["number"])
    if host:
        return _answers(socket.AF_INET, (host, 6000 + number))
    path = f"/tmp/.X11-unix/X{number}"
    return _answers(socket.AF_UNIX, "\0" + path) or _answers(socket.AF_UNIX, path)


def _answers(family: socket.AddressFamily, address: object) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_SECONDS)
            probe.connect(address)  # type: ignore[arg-type]
    except OSError:
        return False
    return True
