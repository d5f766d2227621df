"""What the program says to people in sentences with values in them, collected from its source."""

import ast
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VALUE = "7"  # stands in every field

# Calls that say something to people, and which of their arguments it is.
_SAYING = {
    **{"UserError": 0, "Malformed": 0, "Diverged": 0, "ProjectError": 0, "ProjectInUse": 0},
    **{"say": 0, "notes.append": 0, "Notice": 0, "Failed": 1},
    **{"ask": 1, "Question": 1, "Option": 1},
}
# Modules whose ValueErrors are clauses for people, too: a UserError ends in them.
_CLAUSES = (
    "gan/device.py",
    "gan/data/decoding.py",
    "gan/formats/bundle.py",
    "gan/networks/onnx_graph.py",
    "gan/networks/onnx_generator.py",
)
# No click in the studio leads to these.
COMMAND_LINE = {
    "gan/cli.py": "options of the commands",
    "gan/export_command.py": "options of the commands",
    "gan/train_command.py": "options of the commands",
    "gan/formats/png.py": "tastemaker sample and scenes",
    "gan/data/procedural.py": "the names of procedural data, an option of train",
    "gan/import_command.py": "options of tastemaker import",
    "gan/adversarial/distributed.py": "several processes, started by torchrun",
    "gan/measure/": "the benchmarks",
    "gan/simulate/": "simulated raters and the benchmarks",
    "gan/networks/wrapped.py": "gan.wrap, a call in somebody's script",
    "gan/policy/styles.py": "a contestant in the benchmark",
    "studio/worker/headless.py": "tastemaker tune and export",
}


def said() -> Iterator[tuple[str, str]]:
    """Every sentence that can reach the window, with `VALUE` in its fields, and where it is said."""
    for package in ("gan", "studio/project", "studio/worker"):
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if not place.startswith(tuple(COMMAND_LINE)):
                source = ast.parse(path.read_text(encoding="utf-8"))
                saying = {**_SAYING, "ValueError": 0} if place in _CLAUSES else _SAYING
                for text, line in in_calls(source, saying):
                    yield text, f"{place}:{line}"


def in_calls(source: ast.Module, saying: dict[str, int]) -> Iterator[tuple[str, int]]:
    """What that argument of each call of these names can be, as far as the source tells, and in which line."""
    functions = {node.name: node for node in ast.walk(source) if isinstance(node, ast.FunctionDef)}
    scopes = [source, *functions.values()]  # an inner function comes after the one around it
    inmost = {node: scope for scope in scopes for node in ast.walk(scope)}
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and len(node.args) > saying.get(_name(node.func), len(node.args)):
            possible = _Possible(functions, [inmost[node], source])
            for text in possible.texts(node.args[saying[_name(node.func)]]) or ():
                if any(letter.isalpha() for letter in text):
                    yield text, node.lineno


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        owner = getattr(function.value, "id", "")
        return f"{owner}.{function.attr}" if function.attr == "append" else function.attr
    return getattr(function, "id", "")


class _Possible:
    """The texts that an expression can be, in the scopes around it."""

    def __init__(self, functions: dict[str, ast.FunctionDef], scopes: Sequence[ast.AST]) -> None:
        self._functions, self._scopes = functions, scopes

    def texts(self, node: ast.expr) -> list[str] | None:
        """All of them, `VALUE` for what the source does not tell; None where it tells nothing."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(made) for made in product(*(self._part(part) for part in parts))]
            case ast.IfExp():
                return self._any(node.body, node.orelse)
            case ast.BoolOp():
                return self._any(*node.values)
            case ast.Subscript():
                return self.texts(node.value)
            case ast.Name(id=name):
                return self._any(*self._assigned(name))
            case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get")):
                return self._any(*values, *node.args[1:])
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                function = self._functions[name]
                returned = [
                    one.value for one in ast.walk(function) if isinstance(one, ast.Return) and one.value
                ]
                return _Possible({}, [function])._any(*returned)
        return None

    def _any(self, *nodes: ast.expr) -> list[str] | None:
        found = [self.texts(node) for node in nodes]
        return [text for one in found for text in one or (VALUE,)] if any(found) else None

    def _part(self, part: ast.expr) -> list[str]:
        return self.texts(part.value if isinstance(part, ast.FormattedValue) else part) or [VALUE]

    def _assigned(self, name: str) -> list[ast.expr]:
        """What the inmost scope that has the name gives to it."""
        for scope in self._scopes:
            found = [
                node.value
                for node in ast.walk(scope)
                if isinstance(node, ast.Assign)
                and any(getattr(one, "id", "") == name for one in node.targets)
            ]
            if found:
                return [
                    value for value in found if not any(getattr(n, "id", "") == name for n in ast.walk(value))
                ]
        return []
