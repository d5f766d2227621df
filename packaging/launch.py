"""Set Tastemaker up and open it: `python3 packaging/launch.py`; or run its tests: `python3 packaging/launch.py --test`.

Needs nothing but Python 3.11. Makes `.venv` beside this folder, installs into it once, and from then on starts in about a second.
Further arguments go to the command `tastemaker` (so `python3 packaging/launch.py sample dreamscapes ...` works too), or with --test to
pytest. Everything that the installation needs is printed as it happens; what goes wrong is said in a line or two.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Tastemaker needs Python 3.11 or newer; this is %d.%d. Start it with a newer one, such as: python3.12 packaging/launch.py"
        % sys.version_info[:2]
    )

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "tastemaker.json"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
LEAST_SPACE = 2 * 1024**3  # bytes; the CPU build and its companions take about 1.6 GiB
CUDA_SPACE = 9 * 1024**3  # the CUDA build, with what pip unpacks on the way
MOST_WORKERS = 4  # that run the tests
PROBE_SECONDS = 12  # how long the special index may take to answer before the ordinary registry is used
NO_NETWORK = re.compile(
    r"name resolution|Name or service not known|getaddrinfo failed|NewConnectionError|ConnectTimeout|Network is unreachable"
    r"|Connection refused|Connection reset|Read timed out|ProxyError|dns error|nodename nor servname",
)
NO_SPACE = re.compile(r"No space left on device|There is not enough space|Disk quota exceeded|Errno 28|os error 28")
NO_WHEEL = re.compile(r"No matching distribution found|ResolutionImpossible|Could not find a version|conflicting dependencies")


class Stop(Exception):
    """A reason to give up that the person can do something about."""


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


# ---------------------------------------------------------------- what is there already


def fingerprint() -> str:
    """Changes whenever the environment has to be looked at again."""
    sha = hashlib.sha256()
    for part in (ROOT / "pyproject.toml", CONSTRAINTS):
        sha.update(part.read_bytes())
    sha.update(f"{ROOT}|{sys.version_info[:2]}|{platform.machine()}".encode())
    return sha.hexdigest()


def site_packages() -> Path:
    """Where `.venv` keeps its packages, whatever the Python that made it."""
    if WINDOWS:
        return VENV / "Lib" / "site-packages"
    return next(iter(sorted(VENV.glob("lib/python3*/site-packages"))), VENV / "lib" / "site-packages")


def installed() -> list[str]:
    """Names of the installed distributions' folders."""
    folder = site_packages()
    return sorted(name for name in os.listdir(folder) if name.endswith(".dist-info")) if folder.is_dir() else []


def read_stamp() -> dict:
    """What the last complete installation wrote; empty if there was none, or something it installed has gone since."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        whole = PYTHON.exists() and set(stamp["packages"]) <= set(installed())
        return stamp if whole else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_current(stamp: dict, test: bool) -> bool:
    return stamp.get("fingerprint") == fingerprint() and (stamp.get("test", False) or not test)


# ---------------------------------------------------------------- the virtual environment


def venv_works() -> bool:
    """Whether `.venv` has a new enough Python that runs."""
    if not PYTHON.exists():
        return False
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", check], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def has_pip() -> bool:
    return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def make_venv(install_system: bool) -> None:
    """Make `.venv`, or make it anew if it is broken."""
    if venv_works() and has_pip():
        return
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        need_venv_module(install_system)
    if venv_works():
        say("The environment in .venv has no pip: adding it.")
        if subprocess.run([PYTHON, "-m", "ensurepip", "--upgrade"], check=False).returncode == 0 and has_pip():
            return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        raise Stop(f"{VENV} exists and is not a Python environment: move it away and start again.")
    say("Making the environment in .venv anew: it was incomplete." if VENV.exists() else "Making an environment in .venv.")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0 or not venv_works() or not has_pip():
        text = made.stdout + made.stderr
        if NO_SPACE.search(text):
            raise Stop(full_disk())
        last = text.strip().splitlines()[-1] if text.strip() else "no reason given"
        raise Stop(f"Python could not make an environment in {VENV}: {last}")


def need_venv_module(install_system: bool) -> None:
    """Say, or with leave do, what gives Debian's Python its venv module."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"  # python3-venv is the default version's
    command = f"apt-get install -y {package}"
    if install_system and apt(command):
        importlib.invalidate_caches()
        return
    known = shutil.which("apt-get") is not None
    line = f"This line installs it:\n\n    {sudo()}{command}\n" if known else "Install your system's package for it."
    raise Stop(f"This Python ({sys.executable}) has no venv module. {line}")


def sudo() -> str:
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "


def apt(command: str) -> bool:
    """Run an apt-get command, if this is root on a system that has it. Returns whether that went well."""
    if sudo() or shutil.which("apt-get") is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    say(f"Running: {command}")
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet, stdin=subprocess.DEVNULL)
    words = [*command.split(), "--no-install-recommends"]
    return subprocess.run(words, check=False, env=quiet, stdin=subprocess.DEVNULL).returncode == 0


# ---------------------------------------------------------------- installing


def full_disk() -> str:
    free = shutil.disk_usage(ROOT).free / 1024**3
    return (
        f"The disk is full ({free:.1f} GiB free where {ROOT} is). Tastemaker needs about 2 GiB, with a CUDA build 9 GiB. Make room and "
        "start again: what was installed so far is kept. (If another disk holds the temporary files, set TMPDIR to a roomier one.)"
    )


def pip_environment() -> dict:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0", "PYTHONUTF8": "1"}
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV"):
        environment.pop(name, None)
    return environment


def pip(arguments: list, quiet: bool = False) -> str | None:
    """Run `.venv`'s pip with its progress bars on this terminal. Returns None, or its log if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "pip.log"
        words = [PYTHON, "-m", "pip", "install", "--no-input", "--log", log, *(["--quiet"] if quiet else []), *arguments]
        if subprocess.run(words, check=False, env=pip_environment(), stdin=subprocess.DEVNULL).returncode == 0:
            return None
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def without_torch(constraints: str) -> str:
    return "".join(line for line in constraints.splitlines(keepends=True) if not line.startswith("torch=="))


def has_gpu() -> bool:
    """Whether the NVIDIA driver says that it drives something."""
    if shutil.which("nvidia-smi"):
        try:
            listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=20)
            return listing.returncode == 0 and "GPU" in listing.stdout
        except (OSError, subprocess.TimeoutExpired):
            return False
    return Path("/proc/driver/nvidia/version").exists()


def install_fitting_torch() -> bool:
    """Install the PyTorch build that fits this machine, from PyTorch's own index through uv. Returns whether that went well.

    That index may be out of reach (a closed network, a mirror): it is asked once, briefly, before anything is downloaded, and then the
    caller uses the ordinary registry.
    """
    if sys.platform == "darwin" or any(name.startswith("torch-") for name in installed()):
        return False  # a Mac's ordinary build is the right one; an installed one is kept
    gpu = has_gpu()
    say(f"{'An NVIDIA GPU was found' if gpu else 'No NVIDIA GPU was found'}: looking for the PyTorch build that fits.")
    if pip(["uv>=0.7"], quiet=True) is not None:
        return False
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--torch-backend", "auto" if gpu else "cpu"]
    tested = re.search(r"^torch==\S+", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    brief = {"UV_HTTP_TIMEOUT": "5", "UV_HTTP_CONNECT_TIMEOUT": "4", "UV_HTTP_RETRIES": "0"}
    started = time.monotonic()
    # The tested version may not exist for the build that an older driver needs: then any new enough one.
    for requirement in [*([tested.group()] if tested else []), "torch>=2.6"]:
        try:
            probe = subprocess.run(
                [*uv, "--dry-run", "--no-deps", requirement],
                capture_output=True, text=True, check=False, timeout=PROBE_SECONDS, stdin=subprocess.DEVNULL,
                env={**pip_environment(), **brief},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            break
        if probe.returncode == 0:
            chosen = re.search(r"torch==\S+", probe.stdout + probe.stderr)
            say(f"Installing {chosen.group() if chosen else requirement} from PyTorch's own index.")
            words = [*uv, requirement]
            return subprocess.run(words, check=False, env=pip_environment(), stdin=subprocess.DEVNULL).returncode == 0
        if "No solution found" not in probe.stdout + probe.stderr:
            break
    seconds = time.monotonic() - started
    say(f"PyTorch's own index cannot be used from here (asked for {seconds:.1f} s): taking the ordinary registry's build.")
    return False


def install(test: bool, install_system: bool) -> None:
    """Bring `.venv` to what pyproject.toml and the tested versions ask for.

    Raises
    ------
    Stop
        Something that the person can put right.
    """
    started = time.monotonic()
    if shutil.disk_usage(ROOT).free < LEAST_SPACE:
        raise Stop(full_disk())
    make_venv(install_system)
    constraints = CONSTRAINTS.read_text(encoding="utf-8")
    install_fitting_torch()
    if any(name.startswith("torch-") for name in installed()):
        constraints = without_torch(constraints)
    elif sys.platform == "linux" and shutil.disk_usage(ROOT).free < CUDA_SPACE:
        say("The ordinary PyTorch build for Linux can need 9 GiB of disk, and there is less than that: this may fail.")
    versions = VENV / "constraints.txt"
    versions.write_text(constraints, encoding="utf-8")
    target = ["-e", f"{ROOT}[dev]" if test else str(ROOT)]
    say("Installing Tastemaker and what it needs.")
    problem = pip(["-c", versions, *target])
    if problem is not None and NO_WHEEL.search(problem) and not NO_NETWORK.search(problem) and not NO_SPACE.search(problem):
        say("The tested versions cannot all be had for this Python or system: trying the newest that can.")
        problem = pip(target)
    if problem is not None:
        raise Stop(explain(problem))
    stamp = {"fingerprint": fingerprint(), "test": test, "packages": installed()}
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    fresh.replace(STAMP)
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def explain(log: str) -> str:
    """What pip's log says went wrong, for a person."""
    if NO_SPACE.search(log):
        return full_disk()
    if NO_NETWORK.search(log):
        return (
            "The package registry cannot be reached. Check the network (or pip's index and proxy settings) and start again: "
            "what was downloaded is kept."
        )
    if NO_WHEEL.search(log):
        return (
            f"Some package has no ready-made build for Python {platform.python_version()} on {sysconfig.get_platform()} (named above). "
            "Python 3.11 to 3.13 on 64-bit Linux, Windows or a Mac with Apple silicon work."
        )
    return "pip could not install Tastemaker; its own words are above. Start again to go on from where it stopped."


# ---------------------------------------------------------------- starting


def check_libraries(environment: dict, install_system: bool) -> None:
    """Stop with the line that installs what Qt misses; with leave, run that line."""
    sys.path.insert(0, str(ROOT))
    from studio import qt_libraries

    folder = site_packages() / "PySide6"
    lacking = qt_libraries.missing(folder, environment)
    if lacking and install_system:
        command = qt_libraries.install_command(lacking, "apt-get")
        if command and apt(command):
            lacking = qt_libraries.missing(folder, environment)
    if lacking:
        raise Stop(qt_libraries.advice(lacking))


def start(words: list, environment: dict) -> int:
    """Become the program: its exit code and its signals are this one's."""
    sys.stdout.flush()
    if WINDOWS:
        return subprocess.run(words, check=False, env=environment).returncode
    os.execve(words[0], [str(word) for word in words], environment)
    return 0  # never reached


def in_parallel(environment: dict) -> list:
    """pytest's arguments for the whole suite: one process for each core, up to `MOST_WORKERS` (each takes 1 GB), with one thread each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == 1:
        return []
    environment.setdefault("OMP_NUM_THREADS", "1")
    return ["-n", str(min(cores, MOST_WORKERS)), "--dist", "loadfile"]  # by file: its tests share what its fixtures make


def main(arguments: list) -> int:
    """Install if needed, then run."""
    install_system = "--install-system-libraries" in arguments[:2]
    if install_system:
        arguments.remove("--install-system-libraries")
    test = arguments[:1] == ["--test"]
    if test:
        arguments = arguments[1:]
    elif arguments[:1] in (["--help"], ["-h"]):
        say(__doc__.strip())
        say("\nOptions: --test; --install-system-libraries (as root on Debian: also installs what Qt misses, for a build machine).")
        return 0
    stamp = read_stamp()
    if not is_current(stamp, test):
        try:
            install(test or stamp.get("test", False), install_system)
        except Stop as problem:
            if not stamp or (test and not stamp.get("test")):
                raise
            say(f"{problem}\nGoing on with what was installed before.")
    environment = {**os.environ}
    if test:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    if test or not arguments or arguments[0].startswith("-"):
        check_libraries(environment, install_system)
    if test:
        os.chdir(ROOT)
        if not arguments:
            arguments = in_parallel(environment)
    # -P: a folder named gan or studio where the person happens to stand must not be taken for this one.
    program = ["-m", "pytest"] if test else ["-P", "-m", "studio.cli"]
    return start([PYTHON, *program, *arguments], environment)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as reason:
        sys.exit(f"\n{reason}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Start again to go on.")
    except OSError as error:
        sys.exit(f"\n{full_disk() if error.errno == 28 else f'{error.filename or ROOT}: {error.strerror or error}'}")
