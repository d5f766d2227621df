"""The rules of the repository, checked: style, types, layers, what the repository may hold and what an installation brings."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from studio import cli

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*words: str | Path, timeout: float = 170) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([*words], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def tracked() -> list[Path]:
    """Files that git knows; in an unpacked archive, all that look like the project's own."""
    if (ROOT / ".git").exists():
        names = run("git", "ls-files", "-z").split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    return [path for place in ("gan", "studio", "tests", "packaging") for path in (ROOT / place).rglob("*.*") if path.is_file()]


def sources(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


# ------------------------------------------------------------------------------------------------------------ tools


def test_ruff() -> None:
    run(sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--no-cache", ".")


@pytest.mark.timeout(600)
def test_mypy() -> None:
    run(sys.executable, "-m", "mypy", timeout=590)


def test_the_three_laws() -> None:
    beside = Path(sys.executable).parent
    linter = next(path for path in (beside / "lint-imports", beside / "lint-imports.exe") if path.exists())
    assert "0 broken" in run(linter, "--no-cache")


def test_every_part_of_the_window_is_under_law_2() -> None:
    contract = next(c for c in SETTINGS["tool"]["importlinter"]["contracts"] if c["name"].startswith("Law 2"))
    parts = {f"studio.{path.stem}" for path in (ROOT / "studio").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"studio.__init__", "studio.worker"} <= set(contract["source_modules"])


# ----------------------------------------------------------------------------------------------------------- imports


def test_the_library_imports_without_qt() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources("gan") if path.name != "__main__.py"]
    code = "import sys, importlib\nsys.modules.update(dict.fromkeys(['PySide6', 'shiboken6', 'pyqtgraph', 'studio']))\n"
    run(sys.executable, "-c", code + f"for name in {modules!r}: importlib.import_module(name.removesuffix('.__init__'))")


def test_the_window_imports_without_torch() -> None:
    parts = [path for path in sources("studio") if "worker" not in path.relative_to(ROOT).parts]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in parts]
    modules += [f"studio.worker.{name}" for name in ("client", "frames", "messages", "spawn")]
    code = "import sys, importlib\nsys.modules['torch'] = sys.modules['gan'] = None\n"
    run(sys.executable, "-c", code + f"for name in {modules!r}: importlib.import_module(name)")


def test_help_loads_neither_torch_nor_qt() -> None:
    code = (
        "import sys\nfrom studio import cli\nassert cli.main(['--help']) == 0\n"
        "try: cli.main(['sample', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'PySide6', 'numpy'} & set(sys.modules), 'too much'\n"
    )
    printed = run(sys.executable, "-c", code)
    assert all(f"\n  {verb} " in printed for verb in cli.VERBS)


def test_the_version_is_said_whatever_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["--project", "mine", "--version"]):
        assert cli.main(words) == 0
        assert capsys.readouterr().out == f"tastemaker {cli.installed_version()}\n"


def test_an_unknown_command_names_its_neighbour(capsys: pytest.CaptureFixture[str]) -> None:
    for word, near in (("exprot", "did you mean 'export'? "), ("frobnicate", "")):
        assert cli.main([word]) == 2
        assert capsys.readouterr().err == f"tastemaker: unknown command '{word}' ({near}tastemaker --help lists them)\n"


@pytest.mark.parametrize("verb", [*cli.VERBS.values(), cli.STUDIO, cli.EXPORT_PROJECT, cli.BENCHMARK_SPEED], ids=lambda v: v.entry)
def test_every_command_has_code(verb: cli.Verb) -> None:
    module, _, function = verb.entry.partition(":")
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, f"{module} does not exist"
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    assert any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)


def test_whatever_is_imported_is_asked_for() -> None:
    extras = {name: texts for name, texts in SETTINGS["project"]["optional-dependencies"].items() if name != "dev"}
    texts = [*SETTINGS["project"]["dependencies"], *(text for some in extras.values() for text in some)]
    asked = {re.split(r"[^\w-]", text, maxsplit=1)[0].lower() for text in texts}
    comes_with = {
        "PIL": "pillow",
        "PySide6": "pyside6-essentials",
        "shiboken6": "pyside6-essentials",
        "kornia": "lightweight-gan",
        "torchvision": "lightweight-gan",
    }
    theirs = {"tqdm"}  # set up where another package brought it, missed nowhere
    unknown = set()
    for path in [*sources("gan"), *sources("studio")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - theirs - {"gan", "studio"}:
                if comes_with.get(name, name).lower().replace("_", "-") not in asked:
                    unknown.add(f"{path.relative_to(ROOT)}: {name}")
    assert not unknown


# ------------------------------------------------------------------------------------------------------------- files


def test_packaging_does_not_shadow_a_library() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


# Put together from halves, so that this file does not hold them.
_FOREIGN = [
    "py" + r"pi\.org",
    "python" + r"hosted\.org",
    r"pytor" + r"ch\.org/whl",
    r"(?<![\w.])/wo" + r"rk/",
    r"(?<![\w./])/op" + r"t/",
    r"farm-(?:bench|studio)",
]


def test_no_file_names_a_registry_or_this_machine() -> None:
    pattern = re.compile("|".join(_FOREIGN))
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data[:4096]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
            if "../sha" + "red" in line and path.relative_to(ROOT).parts[0] != "tests":
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def test_no_large_file_by_accident() -> None:
    large = [f"{path.relative_to(ROOT)}: {path.stat().st_size / 2**20:.1f} MiB" for path in tracked() if path.stat().st_size > 8 * 2**20]
    assert not large


def test_every_public_function_of_the_library_says_what_it_does() -> None:
    silent = []
    for path in sources("gan"):
        if "raters" in path.parts:
            continue  # a rater is one function of a known meaning
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and ast.get_docstring(node) is None:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert not silent, "\n".join(silent)


def test_every_module_has_a_docstring() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for package in ("gan", "studio")
        for path in sources(package)
        if path.stat().st_size and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert not silent


def test_the_wheel_holds_the_program_and_its_assets(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for package in ("gan", "studio"):
        wanted = {str(path.relative_to(ROOT)) for path in tracked() if path.relative_to(ROOT).parts[0] == package}
        assert wanted <= inside, wanted - inside
    assets = {path.relative_to(ROOT / "assets") for path in tracked() if path.relative_to(ROOT).parts[0] == "assets"}
    assert {f"gan/_assets/{path.as_posix()}" for path in assets} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "packaging/", "assets/"))]


def test_tested_versions_fit_the_ranges() -> None:
    requirement = pytest.importorskip("packaging.requirements").Requirement
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    project = SETTINGS["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        wanted = requirement(text)
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        assert name in pins, f"{name} has no tested version"
        assert wanted.specifier.contains(pins[name])
