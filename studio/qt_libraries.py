"""Which of the system's libraries Qt misses on Linux, and the one line that installs them.

PySide6 brings Qt itself; X11, EGL, fontconfig and their like come from the system. Standard library only: the launcher uses this before
anything of Qt can be imported, `tastemaker doctor` after it could not be.
"""

import ctypes
import os
import shutil
import struct
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

# What the studio imports, and what Qt loads for it whatever the screen.
_ALWAYS = (
    "QtCore.abi3.so",
    "QtGui.abi3.so",
    "QtWidgets.abi3.so",
    "QtSvg.abi3.so",
    "Qt/plugins/iconengines/libqsvgicon.so",
)

_PT_LOAD, _PT_DYNAMIC, _DT_NEEDED, _DT_STRTAB = 1, 2, 1, 5  # of the ELF format
_LONGEST_NAME = 256  # bytes

# Library -> package for apt (Debian, Ubuntu), dnf (Fedora), pacman (Arch) and zypper (openSUSE).
_MANAGERS = ("apt-get", "dnf", "pacman", "zypper")
_PACKAGES: dict[str, tuple[str, str, str, str]] = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl", "libglvnd", "libEGL1"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd", "libGL1"),
    "libGLX.so.0": ("libglx0", "libglvnd-glx", "libglvnd", "libglvnd"),
    "libOpenGL.so.0": ("libopengl0", "libglvnd-opengl", "libglvnd", "libglvnd"),
    "libGLdispatch.so.0": ("libglvnd0", "libglvnd", "libglvnd", "libglvnd"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb", "libx11", "libX11-xcb1"),
    "libX11.so.6": ("libx11-6", "libX11", "libx11", "libX11-6"),
    "libICE.so.6": ("libice6", "libICE", "libice", "libICE6"),
    "libSM.so.6": ("libsm6", "libSM", "libsm", "libSM6"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs", "dbus", "libdbus-1-3"),
    "libdrm.so.2": ("libdrm2", "libdrm", "libdrm", "libdrm2"),
    "libexpat.so.1": ("libexpat1", "expat", "expat", "libexpat1"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig", "fontconfig", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype", "freetype2", "libfreetype6"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "glib2", "libglib-2_0-0"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2", "glib2", "libgthread-2_0-0"),
    "libgssapi_krb5.so.2": ("libgssapi-krb5-2", "krb5-libs", "krb5", "krb5"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++", "gcc-libs", "libstdc++6"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client", "wayland", "libwayland-client0"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "libwayland-cursor", "wayland", "libwayland-cursor0"),
    "libwayland-egl.so.1": ("libwayland-egl1", "libwayland-egl", "wayland", "libwayland-egl1"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor", "libxcb-cursor0"),
    "libxcb-glx.so.0": ("libxcb-glx0", "libxcb", "libxcb", "libxcb-glx0"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm", "libxcb-icccm4"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image", "xcb-util-image", "libxcb-image0"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms", "libxcb-keysyms1"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb", "libxcb", "libxcb-randr0"),
    "libxcb-render-util.so.0": (
        "libxcb-render-util0",
        "xcb-util-renderutil",
        "xcb-util-renderutil",
        "libxcb-render-util0",
    ),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb", "libxcb", "libxcb-render0"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb", "libxcb", "libxcb-shape0"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb", "libxcb", "libxcb-shm0"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb", "libxcb", "libxcb-sync1"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util", "xcb-util", "libxcb-util1"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb", "libxcb", "libxcb-xfixes0"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb", "libxcb", "libxcb-xkb1"),
    "libxcb.so.1": ("libxcb1", "libxcb", "libxcb", "libxcb1"),
    "libxkbcommon-x11.so.0": (
        "libxkbcommon-x11-0",
        "libxkbcommon-x11",
        "libxkbcommon-x11",
        "libxkbcommon-x11-0",
    ),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", "libxkbcommon", "libxkbcommon0"),
    "libz.so.1": ("zlib1g", "zlib-ng-compat", "zlib", "libz1"),
    "libzstd.so.1": ("libzstd1", "libzstd", "zstd", "libzstd1"),
}
_COMMANDS = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "pacman": "pacman -S --needed",
    "zypper": "zypper install -y",
}


def qt_folder() -> Path | None:
    """Where PySide6 is installed for this Python, without importing it; None if it is not."""
    spec = find_spec("PySide6")
    locations = list(spec.submodule_search_locations or []) if spec is not None else []
    return Path(locations[0]) if locations else None


def platforms(environment: Mapping[str, str]) -> list[str]:
    """The platform plugins that Qt would try here, best first: one that loads is enough."""
    asked = environment.get("QT_QPA_PLATFORM", "")
    if asked:
        return [name.partition(":")[0] for name in asked.split(";")]
    found = ["wayland"] if environment.get("WAYLAND_DISPLAY") else []
    if environment.get("DISPLAY") or not found:
        found.append("xcb")
    return found


def missing(folder: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """Names of libraries (such as `libEGL.so.1`) that Qt needs here and the system lacks.

    Parameters
    ----------
    folder : PySide6's.
    environment : where DISPLAY, WAYLAND_DISPLAY and QT_QPA_PLATFORM are read; by default this process's.

    Returns
    -------
    Sorted; empty where nothing is missing, and off Linux, where Qt brings everything.
    """
    if not sys.platform.startswith("linux"):
        return []
    lacking = {name for name in from_system(folder, _ALWAYS) if not _loads(name)}
    for platform in platforms(os.environ if environment is None else environment):
        wanted = from_system(folder, [f"Qt/plugins/platforms/libq{platform}.so"])
        lacking_here = {name for name in wanted if not _loads(name)}
        if not lacking_here:
            return sorted(lacking)  # one that loads is enough
    return sorted(lacking | lacking_here)  # the last one is the plainest: xcb where both could be


def from_system(folder: Path, files: Iterable[str]) -> set[str]:
    """Libraries that these files under PySide6's folder need, directly or through others of it, and that it does not bring."""
    found: set[str] = set()
    seen: set[Path] = set()
    waiting = [folder / name for name in files]
    while waiting:
        file = waiting.pop()
        if file in seen or not file.exists():
            continue
        seen.add(file)
        for name in needed(file):
            if name.startswith(("libpyside6", "libshiboken6")):
                continue  # in the wheel, or the package is broken in a way that pip mends
            if (folder / "Qt/lib" / name).exists():
                waiting.append(folder / "Qt/lib" / name)
            else:
                found.add(name)
    return found


def needed(file: Path) -> list[str]:
    """Names of the shared libraries that an ELF file asks for; empty for other files and for those that are not 64-bit little-endian."""
    with file.open("rb") as stream:
        header = stream.read(64)
        if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
            return []
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        stream.seek(table)
        raw = stream.read(size * count)
        # Of each segment: type, flags, offset in the file, address in memory, _, size in the file, _, _
        segments = [struct.unpack_from("<IIQQQQQQ", raw, size * index) for index in range(count)]
        dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
        if dynamic is None:
            return []
        stream.seek(dynamic[2])
        entries = list(struct.iter_unpack("<qQ", stream.read(dynamic[5] // 16 * 16)))
        address = next((value for tag, value in entries if tag == _DT_STRTAB), 0)
        strings = next((s[2] + address - s[3] for s in segments if s[0] == _PT_LOAD and s[3] <= address < s[3] + s[5]), None)
        if strings is None:
            return []
        names = []
        for tag, value in entries:
            if tag == _DT_NEEDED:
                stream.seek(strings + value)
                names.append(stream.read(_LONGEST_NAME).partition(b"\0")[0].decode("ascii", "replace"))
        return names


def _loads(name: str) -> bool:
    """Whether the system's loader finds a library: asked of the loader itself, since only it knows all the places it looks in."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def package_manager() -> str | None:
    """The system's own, if it is one of those known here."""
    return next((name for name in _MANAGERS if shutil.which(name)), None)


def install_command(libraries: Iterable[str], manager: str) -> str | None:
    """The command that installs these libraries with that manager, without sudo; None if none of them is known."""
    column = _MANAGERS.index(manager)
    packages = sorted({_PACKAGES[library][column] for library in libraries if library in _PACKAGES})
    return f"{_COMMANDS[manager]} {' '.join(packages)}" if packages else None


def advice(libraries: list[str]) -> str:
    """What to tell the person: what is missing, and the line that installs it."""
    text = f"Qt needs libraries that this system lacks: {', '.join(libraries)}."
    manager = package_manager()
    command = install_command(libraries, manager) if manager else None
    if command is None:
        return text + " Install the packages that hold them."
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    unknown = [library for library in libraries if library not in _PACKAGES]
    rest = f"\n(and the packages that hold {', '.join(unknown)})" if unknown else ""
    return f"{text} This line installs them:\n\n    {sudo}{command}\n{rest}"
