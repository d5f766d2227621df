"""The launcher: what it finds, decides and says. Its whole way, over the network, is walked by hand and by .ci/run."""

import ast
import importlib.util
import json
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from studio import qt_libraries

ROOT = Path(__file__).resolve().parent.parent
LAUNCH = ROOT / "packaging" / "launch.py"
posix = pytest.mark.skipif(os.name == "nt", reason="makes shell scripts")


@pytest.fixture
def launch(tmp_path: Path) -> ModuleType:
    """The launcher of a copy of the project in an empty folder."""
    (tmp_path / "packaging").mkdir()
    copy = tmp_path / "packaging" / "launch.py"
    copy.write_bytes(LAUNCH.read_bytes())
    (tmp_path / "packaging" / "constraints.txt").write_text("numpy==2.4.6\ntorch==2.13.0\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("launch_under_test", copy)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script of a name first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, body: str) -> None:
        script = folder / name
        script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    return put


def pretend_installed(launch: ModuleType, *names: str) -> None:
    """An environment that looks as if these distributions were in it."""
    for name in names:
        (launch.VENV / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info").mkdir(parents=True)
    launch.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    launch.PYTHON.touch()


# ----------------------------------------------------------------------------------------------- too old, and by itself


def test_it_compiles_on_pythons_that_are_too_old() -> None:
    ast.parse(LAUNCH.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_a_python_that_is_too_old_is_told_so() -> None:
    code = f"import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0); runpy.run_path({str(LAUNCH)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("Tastemaker needs Python 3.11 or newer; this is 3.9.")
    assert "Traceback" not in done.stderr


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(LAUNCH.read_text(encoding="utf-8"))
    names = {a.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - set(sys.stdlib_module_names) == {"studio"}  # qt_libraries, itself of the standard library only


# ----------------------------------------------------------------------------------------------------------- the stamp


def stamp(launch: ModuleType, **changes: object) -> dict[str, object]:
    written = {"fingerprint": launch.fingerprint(), "test": False, "packages": launch.installed(), **changes}
    launch.STAMP.write_text(json.dumps(written), encoding="utf-8")
    found: dict[str, object] = launch.read_stamp()
    return found


@posix
def test_a_complete_installation_is_left_alone(launch: ModuleType) -> None:
    pretend_installed(launch, "torch-2.13.0", "numpy-2.4.6")
    found = stamp(launch)
    assert launch.is_current(found, test=False)
    assert not launch.is_current(found, test=True), "the test extras are not there yet"
    assert launch.is_current(stamp(launch, test=True), test=False)


@posix
def test_changed_requirements_are_installed(launch: ModuleType) -> None:
    pretend_installed(launch, "torch-2.13.0")
    found = stamp(launch)
    (launch.ROOT / "pyproject.toml").write_text("[project]\ndependencies = []\n", encoding="utf-8")
    assert not launch.is_current(found, test=False)


@posix
def test_a_package_that_has_gone_is_noticed(launch: ModuleType) -> None:
    pretend_installed(launch, "torch-2.13.0", "numpy-2.4.6")
    assert stamp(launch)
    (launch.site_packages() / "numpy-2.4.6.dist-info").rmdir()
    assert launch.read_stamp() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"packages": 3}'])
def test_a_damaged_stamp_counts_as_none(launch: ModuleType, text: str) -> None:
    launch.VENV.mkdir()
    launch.STAMP.write_text(text, encoding="utf-8")
    assert launch.read_stamp() == {}
    assert not launch.is_current({}, test=False)


# ----------------------------------------------------------------------------------------------------- the environment


def test_an_environment_is_made_and_a_broken_one_repaired(launch: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    launch.make_venv(install_system=False)
    assert launch.venv_works() and launch.has_pip()
    assert "Making an environment" in capsys.readouterr().out

    launch.make_venv(install_system=False)
    assert capsys.readouterr().out == "", "a good one is left alone"

    launch.PYTHON.unlink()
    assert not launch.venv_works()
    launch.make_venv(install_system=False)
    assert "incomplete" in capsys.readouterr().out
    assert launch.venv_works() and launch.has_pip()


def test_somebody_elses_folder_is_not_cleared(launch: ModuleType) -> None:
    launch.VENV.mkdir()
    (launch.VENV / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(launch.Stop, match="not a Python environment"):
        launch.make_venv(install_system=False)
    assert (launch.VENV / "thesis.txt").read_text(encoding="utf-8") == "years of work"


@posix
def test_a_missing_venv_module_is_one_line(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, program: Callable[[str, str], None]
) -> None:
    program("apt-get", "exit 1")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    with pytest.raises(launch.Stop, match=r"apt-get install -y python3\.\d+-venv"):
        launch.make_venv(install_system=False)


@posix
@pytest.mark.parametrize(
    ("answer", "expected"), [("echo 'GPU 0: NVIDIA H200 (UUID: x)'", True), ("exit 9", False), ("echo 'No devices found.'", False)]
)
def test_a_gpu_is_what_the_driver_lists(
    launch: ModuleType, program: Callable[[str, str], None], answer: str, expected: bool
) -> None:
    program("nvidia-smi", answer)
    assert launch.has_gpu() is expected


# ----------------------------------------------------------------------------------------- the special index, and errors


@posix
def test_an_index_out_of_reach_costs_seconds_and_is_said(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """uv's place is taken by a program that hangs, as a firewall that drops packets makes it hang."""
    launch.PYTHON.parent.mkdir(parents=True)
    launch.PYTHON.write_text("#!/bin/sh\ncase $2 in pip) exit 0;; esac\nsleep 30\n", encoding="utf-8")
    launch.PYTHON.chmod(0o755)
    monkeypatch.setattr(launch, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(sys, "platform", "linux")
    assert launch.install_fitting_torch() is False
    assert "taking the ordinary registry's build" in capsys.readouterr().out


def test_an_installed_torch_is_kept(launch: ModuleType) -> None:
    pretend_installed(launch, "torch-2.11.0+cu126")
    if os.name != "nt":
        assert launch.install_fitting_torch() is False
    assert launch.without_torch("numpy==2.4.6\ntorch==2.13.0\n") == "numpy==2.4.6\n"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError(...): Temporary failure in name resolution\nERROR: No matching distribution found", "cannot be reached"),
        ("ERROR: No matching distribution found for torch>=2.6", "no ready-made build"),
        ("error: subprocess-exited-with-error", "its own words are above"),
    ],
)
def test_pips_failures_in_a_persons_words(launch: ModuleType, log: str, expected: str) -> None:
    assert expected in launch.explain(log)


def test_a_full_disk_is_noticed_before_anything_is_made(launch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "LEAST_SPACE", 2**80)
    with pytest.raises(launch.Stop, match="The disk is full"):
        launch.install(test=False, install_system=False)
    assert not launch.VENV.exists()


@posix
def test_the_whole_suite_runs_on_all_cores_and_what_is_asked_for_runs_as_it_is(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_installed(launch, "torch-2.13.0")
    stamp(launch, test=True)
    monkeypatch.setattr(launch, "check_libraries", lambda *_: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(launch.ROOT)
    started: list[tuple[list[object], dict[str, str]]] = []

    def start(words: list[object], environment: dict[str, str]) -> int:
        started.append((words[3:], environment))
        return 0

    monkeypatch.setattr(launch, "start", start)
    for cores, workers in ((1, []), (2, ["-n", "2", "--dist", "loadfile"]), (64, ["-n", "4", "--dist", "loadfile"])):
        monkeypatch.setattr(launch.os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        assert launch.main(["--test"]) == 0
        words, environment = started[-1]
        assert words == workers and environment.get("OMP_NUM_THREADS") == ("1" if workers else None)
    assert launch.main(["--test", "tests/gan", "-q"]) == 0
    assert started[-1][0] == ["tests/gan", "-q"]


@posix
def test_an_update_that_fails_does_not_take_away_what_works(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_installed(launch, "torch-2.13.0")
    stamp(launch, fingerprint="of another day")
    monkeypatch.setattr(launch, "LEAST_SPACE", 2**80)
    started: list[object] = []

    def start(words: list[object], environment: object) -> int:
        started.extend(words)
        return 0

    monkeypatch.setattr(launch, "start", start)
    assert launch.main(["doctor"]) == 0
    assert started == [launch.PYTHON, "-P", "-m", "studio.cli", "doctor"]
    assert "Going on with what was installed before" in capsys.readouterr().out
    with pytest.raises(launch.Stop):
        launch.main(["--test"])


# ------------------------------------------------------------------------------------------------------ Qt's libraries


def elf(*names: str) -> bytes:
    """The least ELF file that asks for these libraries: a header, two segments, a dynamic section, its strings."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    offsets = [strings.index(b"\0" + name.encode() + b"\0") + 1 for name in names]
    dynamic_at, base = 64 + 2 * 56, 0x10000
    size = 16 * (len(names) + 2)
    dynamic = b"".join(struct.pack("<qQ", 1, offset) for offset in offsets)
    dynamic += struct.pack("<qQ", 5, base + dynamic_at + size) + struct.pack("<qQ", 0, 0)
    total = dynamic_at + size + len(strings)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, base, base, total, total, 4096)
    points = struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, base + dynamic_at, base + dynamic_at, size, size, 8)
    return header + load + points + dynamic + strings


def test_missing_libraries_are_those_the_loader_does_not_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name, asks in {
        "QtGui.abi3.so": ["libQt6Gui.so.6", "libpyside6.abi3.so.6.11", "libc.so.6"],
        "Qt/lib/libQt6Gui.so.6": ["libstrange-egl.so.1"],
        "Qt/plugins/platforms/libqxcb.so": ["libQt6XcbQpa.so.6"],
        "Qt/lib/libQt6XcbQpa.so.6": ["libQt6Gui.so.6", "libstrange-cursor.so.0"],
        "Qt/plugins/platforms/libqwayland.so": ["libQt6Gui.so.6", "libc.so.6"],
        "Qt/plugins/platforms/libqoffscreen.so": ["libQt6Gui.so.6"],
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(elf(*asks))
    egl, cursor = "libstrange-egl.so.1", "libstrange-cursor.so.0"
    monkeypatch.setattr(qt_libraries, "_loads", lambda name: not name.startswith("libstrange"))
    assert qt_libraries.missing(tmp_path, {"DISPLAY": ":0"}) == [cursor, egl]
    assert qt_libraries.missing(tmp_path, {}) == [cursor, egl]
    # wayland's plugin needs libstrange-egl too: neither platform loads, so the plainest one's are named
    assert qt_libraries.missing(tmp_path, {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}) == [cursor, egl]
    monkeypatch.setattr(qt_libraries, "_loads", lambda name: name != cursor)
    assert qt_libraries.missing(tmp_path, {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}) == [], "one platform that loads is enough"
    assert qt_libraries.missing(tmp_path, {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}) == []
    monkeypatch.setattr(sys, "platform", "darwin")
    assert qt_libraries.missing(tmp_path, {"DISPLAY": ":0"}) == []


def test_only_elf_files_are_read(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"\x7fELF", b"MZ" * 100, b"\x7fELF\x02\x01" + bytes(58))):
        (tmp_path / str(number)).write_bytes(data)
        assert qt_libraries.needed(tmp_path / str(number)) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's Qt")
def test_what_the_real_qt_needs_from_the_system() -> None:
    folder = qt_libraries.qt_folder()
    assert folder is not None
    found = qt_libraries.from_system(folder, ["Qt/plugins/platforms/libqxcb.so", "QtWidgets.abi3.so"])
    assert {"libEGL.so.1", "libxcb-cursor.so.0", "libxkbcommon.so.0", "libdbus-1.so.3", "libfontconfig.so.1"} <= found
    assert not [name for name in found if name.startswith(("libQt6", "libicu"))], "what the wheel brings is not the system's"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's Qt")
@pytest.mark.parametrize("platform", ["xcb", "wayland", "offscreen"])
def test_every_library_that_qt_may_miss_has_a_package(platform: str) -> None:
    folder = qt_libraries.qt_folder()
    assert folder is not None
    core = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
    for name in qt_libraries.from_system(folder, [*qt_libraries._ALWAYS, f"Qt/plugins/platforms/libq{platform}.so"]) - core:
        assert qt_libraries.install_command([name], "apt-get"), f"{name} has no package"


def test_nothing_is_missing_where_these_tests_run() -> None:
    folder = qt_libraries.qt_folder()
    assert folder is not None and folder.name == "PySide6"
    assert qt_libraries.missing(folder, {"QT_QPA_PLATFORM": "offscreen"}) == []


@pytest.mark.parametrize(
    ("manager", "expected"),
    [
        ("apt-get", "apt-get install -y libegl1 libxcb-cursor0 libxkbcommon0"),
        ("dnf", "dnf install -y libglvnd-egl libxkbcommon xcb-util-cursor"),
        ("pacman", "pacman -S --needed libglvnd libxkbcommon xcb-util-cursor"),
        ("zypper", "zypper install -y libEGL1 libxcb-cursor0 libxkbcommon0"),
    ],
)
def test_the_line_that_installs_them(manager: str, expected: str) -> None:
    lacking = ["libEGL.so.1", "libxcb-cursor.so.0", "libxkbcommon.so.0", "libstrange.so.7"]
    assert qt_libraries.install_command(lacking, manager) == expected
    assert qt_libraries.install_command(["libstrange.so.7"], manager) is None


def test_an_unknown_library_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt_libraries, "package_manager", lambda: "apt-get")
    text = qt_libraries.advice(["libEGL.so.1", "libstrange.so.7"])
    assert "apt-get install -y libegl1\n" in text
    assert "packages that hold libstrange.so.7" in text
