"""Which texts of the studio are translated: lists what is missing, unfinished or stale in each language's catalogue.

    python packaging/translations.py            one line for each problem; exit code 1 if there are any
    python packaging/translations.py --write    add missing texts (empty) and drop stale ones

Texts are the literals in `tr("...")` calls of studio/, those that `studio/i18n/sentences.txt` lists, and the words of `gan.taste.words`.
"""

from __future__ import annotations

import argparse
import ast
import json
import string
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "studio" / "i18n"


def literals(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each text that is translated in a source file, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "tr"
            and node.args
        ):
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value, node.lineno


def listed(path: Path, name: str) -> list[str]:
    """Return every string in the literal that is assigned to `name` in a source file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            assert node.value is not None  # type: ignore[union-attr]
            value = ast.literal_eval(node.value)  # type: ignore[union-attr]
            if isinstance(value, dict):
                return [word for pair in value.values() for word in pair]
            return list(value)
    raise LookupError(f"no {name} in {path}")


def wanted() -> dict[str, str]:
    """Return every text to translate, with where it is used first."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "studio").rglob("*.py")):
        for text, line in literals(path):
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    for line in (CATALOGUES / "sentences.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            found.setdefault(line, "studio/i18n/sentences.txt")
    for text in listed(ROOT / "gan" / "taste" / "words.py", "MEASURES"):
        found.setdefault(text, "gan/taste/words.py")
    found.pop("", None)
    return found


def fields(text: str) -> set[str]:
    """Return the names of the `{fields}` of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def problems(catalogue: dict[str, str], texts: dict[str, str]) -> list[str]:
    """Say what is wrong with a catalogue, one line each."""
    found = [f"{place}: not translated: {text!r}" for text, place in texts.items() if not catalogue.get(text)]
    found += [f"stale: {text!r}" for text in catalogue if text not in texts]
    found += [
        f"{texts[text]}: other fields in the translation: {text!r} -> {translation!r}"
        for text, translation in catalogue.items()
        if translation and text in texts and fields(text) != fields(translation)
    ]
    return found


def main(argv: list[str] | None = None) -> int:
    """Check, or with `--write` bring up to date, every catalogue."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="add what is missing, drop what is stale")
    options = parser.parse_args(argv)
    texts, count = wanted(), 0
    for path in sorted(CATALOGUES.glob("*.json")):
        catalogue = json.loads(path.read_text(encoding="utf-8"))
        if options.write:
            catalogue = {text: catalogue.get(text, "") for text in texts}
            path.write_text(json.dumps(catalogue, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for problem in problems(catalogue, texts):
            print(f"{path.name}: {problem}")
            count += 1
    print(f"{len(texts)} texts, {count} problems", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
