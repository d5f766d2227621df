"""Finds the generator among the dictionaries of a checkpoint, and its modules by the names of its tensors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from torch import Tensor

from gan.formats.importing.folding import Beside, fold, leaf_of
from gan.formats.importing.other_files import PICKLED_ARRAYS
from gan.formats.importing.torch_file import class_of
from gan.formats.importing.values import Malformed, TensorRef
from gan.networks.reparametrised import Reparametrised

_WRAPPERS = ("module.", "_orig_mod.", "model.module.")  # prefixes from parallel training and torch.compile
_GENERATOR = {
    "g",
    "gen",
    "generator",
    "netg",
    "gnet",
    "decoder",
    "dec",
    "modelg",
    "gmodel",
    "gstatedict",
    "statedictg",
}
_OTHER = {
    "d", "disc", "discriminator", "netd", "dnet", "critic", "encoder", "enc", "dstatedict", "statedictd", "optimizer", "optim", "opt",
    "classifier", "crit", "criterion", "loss", "vgg", "lpips", "fid", "quantizer", "codebook",
    "scheduler", "scaler", "inception", "modeld", "dmodel",
}  # fmt: skip
_AVERAGED = {"ema", "average", "averaged", "avg", "shadow", "gema", "ge"}
_DEEPEST = 4
_MOST_LISTED = 32  # entries of a list that are searched
_MOST_ITEMS = 400_000  # items of dictionaries and lists that are searched; one may be reachable in many ways, or contain itself
_MOST_TRIED = 64  # dictionaries of tensors
# Modules whose functions an ordinary unpickler would run; such a file is refused with a warning.
_PROGRAMS = {
    "os", "posix", "nt", "subprocess", "sys", "socket", "shutil", "importlib", "runpy", "pty", "ctypes", "code", "operator", "functools",
    "pickle", "_pickle", "webbrowser", "asyncio", "multiprocessing", "signal", "threading", "pip", "types", "marshal", "inspect", "timeit",
    "builtins", "__builtin__", "io", "_io", "tempfile", "urllib", "http", "bdb", "pdb", "cProfile", "profile", "trace", "commands",
}  # fmt: skip
_LOADERS = {
    f"{module}.load"
    for module in (
        "torch",
        "torch.serialization",
        "torch.hub",
        "torch.jit",
        "torch.package",
        "numpy",
        "joblib",
    )
}
_HARMLESS = {
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in ("set", "frozenset", "complex", "slice", "bytearray", "range", "object")
}


@dataclass
class Candidate:
    """A dictionary of tensors in a checkpoint."""

    path: str  # its keys in the file, such as "netG"; "" is the whole file
    tensors: dict[str, TensorRef]
    score: float  # how strongly its path suggests a generator

    def discriminator_beside(self, others: list["Candidate"]) -> "Candidate | None":
        """The first of the file's dictionaries that is named like a discriminator; None if there is none."""
        named = [
            other
            for other in others
            if words(other.path) & {"d", "disc", "discriminator", "netd", "critic", "dnet", "modeld"}
        ]
        return named[0] if named else None


def check_calls(calls: set[str]) -> None:
    """Refuse a pickle that would run arbitrary code in an ordinary unpickler.

    Raises
    ------
    Malformed
        There is such a call; the message names it.
    """
    for name in sorted(calls):
        if (name.split(".", 1)[0] in _PROGRAMS and name not in _HARMLESS) or name in _LOADERS:
            raise Malformed(f"opening it elsewhere would run a program ({name:.60}); here nothing was run")


def candidates(contents: Any) -> list[Candidate]:
    """All dictionaries of tensors, the most likely generator first.

    Raises
    ------
    Malformed
        There are none, for example because the file holds pickled objects of a program.
    """
    found = list(_dictionaries(contents))
    if not found:
        program = next((name for value in _top(contents) if (name := class_of(value))), None)
        if program and program.startswith("numpy."):
            raise Malformed(PICKLED_ARRAYS)
        if program:
            raise Malformed(
                f"it holds a whole program object (class {program:.60}), not plain weights; where its program is at hand, save "
                "generator.state_dict() instead"
            )
        if isinstance(contents, dict) and {"state", "param_groups"} <= set(contents):
            raise Malformed("it holds what an optimizer remembers of training, not weights; the generator's are in another file")
        raise Malformed("it holds no weights under names")
    split = [part for one in found for part in _split(one)]
    top = max(split, key=lambda candidate: candidate.score)
    for candidate in split if not words(top.path) & _AVERAGED else []:
        # An average that does not say of what ("shadow") is of the network with the same tensors.
        if words(candidate.path) & _AVERAGED and _shapes(candidate) == _shapes(top):
            candidate.score = max(candidate.score, _score(f"{top.path}.ema"))
    return sorted(split, key=lambda candidate: -candidate.score)[:_MOST_TRIED]


def _top(contents: Any) -> list[Any]:
    if isinstance(contents, dict):
        return list(contents.values())
    return list(contents) if isinstance(contents, list | tuple) else [contents]


def _dictionaries(contents: Any) -> Iterator[Candidate]:
    best: dict[int, Candidate] = {}  # by the dictionary's id, under its path with the highest score
    waiting, looked_at = [(contents, "", 0)], 0
    while waiting and looked_at < _MOST_ITEMS:
        value, path, depth = waiting.pop()
        named = {str(i): item for i, item in enumerate(value[:_MOST_LISTED])} if isinstance(value, list | tuple) else value
        if not isinstance(named, dict):
            continue
        looked_at += 1 + len(named)
        tensors = {key: item for key, item in named.items() if isinstance(key, str) and isinstance(item, TensorRef)}
        if sum(ref.numel for ref in tensors.values()) > 0 and len(tensors) > 1:
            score = _score(path)
            if id(value) not in best or score > best[id(value)].score:
                best[id(value)] = Candidate(path, _unwrapped(tensors), score)
        if depth < _DEEPEST:
            inner = [(item, f"{path}.{key}" if path else key, depth + 1) for key, item in named.items() if isinstance(key, str)]
            waiting += [entry for entry in reversed(inner) if isinstance(entry[0], dict | list | tuple)]
    yield from best.values()


def _unwrapped(tensors: dict[str, TensorRef]) -> dict[str, TensorRef]:
    while wrapper := next((name for name in _WRAPPERS if all(key.startswith(name) for key in tensors)), None):
        tensors = {key.removeprefix(wrapper): ref for key, ref in tensors.items()}
    return tensors


def _split(candidate: Candidate) -> Iterator[Candidate]:
    """Split a dictionary that holds several networks (`netG.main.0.weight`, `netD...`); any other is yielded under its names."""
    first: dict[str, dict[str, TensorRef]] = {}
    for key, ref in candidate.tensors.items():
        head, _, rest = key.partition(".")
        first.setdefault(head, {})[rest] = ref
    named = [head for head in first if abs(_score(head)) >= 2]
    if len(first) > 1 and named:
        if together := _parts(first):
            inner = {key: ref for key, ref in candidate.tensors.items() if key.partition(".")[0] in together}
            yield Candidate(candidate.path, inner, 1.0 + max(_score(f"{candidate.path}.{head}") for head in together))
        for head, tensors in first.items():
            if "" not in tensors:
                path = f"{candidate.path}.{head}" if candidate.path else head
                yield Candidate(path, _unwrapped(tensors), _score(path))
        return
    if len(first) == 1 and "" not in next(iter(first.values())) and named:
        # One module of a generator may be all that it has: its name belongs to what the original code loads.
        yield Candidate(f"{candidate.path}.{named[0]}".lstrip("."), candidate.tensors, _score(named[0]))
        return
    yield candidate


def _parts(first: dict[str, dict[str, TensorRef]]) -> list[str]:
    """The names, in order, of several parts that are one generator only together (`decoder_input`, `decoder`, `final_layer`); [] if none.

    Parameters
    ----------
    first : the tensors by the first part of their names.
    """
    shapes = {head: tuple(ref.shape for ref in tensors.values()) for head, tensors in first.items()}
    own = [head for head in first if _score(head) > 0]
    encodes = any(words(head) & {"encoder", "enc"} for head in first)
    if not own or not (encodes or len({shapes[head] for head in own}) == len(own) > 1):
        return []
    # A variational autoencoder (Kingma and Welling 2013, arXiv 1312.6114) has twin layers for mean and variance, of no use to its decoder.
    alike = list(shapes.values())
    kept = [head for head in first if head in own or (_score(head) == 0 and alike.count(shapes[head]) == 1)]
    return kept if len(kept) > 1 else []


def words(path: str) -> set[str]:
    """Lower-case words of a name, also joined in pairs and all together: "netG_ema" -> {net, g, ema, netg, gema, netgema}."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path)
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", spaced.lower()) if part]
    return {*parts, "".join(parts), *("".join(pair) for pair in zip(parts, parts[1:], strict=False))}


def _score(path: str) -> float:
    said = words(path)
    score = 4.0 * bool(said & _GENERATOR) - 6.0 * bool(
        said & _OTHER - ({"d"} if said & _GENERATOR else set())
    )
    # Averaged weights draw better images than the last step's, which may lie beside them under one name ("ema.online_model").
    return score + 2.0 * bool(said & _AVERAGED) - 1.0 * ("online" in said)


def _shapes(candidate: Candidate) -> dict[str, tuple[int, ...]]:
    return {name: ref.shape for name, ref in candidate.tensors.items()}


# ----------------------------------------------------------------------------------------------------------------- modules


@dataclass
class Module:
    """The tensors whose names share a prefix, such as `main.3`."""

    name: str
    tensors: dict[str, Tensor] = field(default_factory=dict)  # leaf name -> values
    beside: Beside | None = None  # what the original code keeps beside its weight, which is normalised there

    @property
    def weight(self) -> Tensor | None:
        return self.tensors.get("weight")

    @property
    def reparametrised(self) -> Reparametrised | None:
        """How the original code keeps its weight, if not as it is."""
        return self.beside[0] if self.beside else None

    @property
    def kind(self) -> str:
        """ "linear", "conv" (also transposed), "batch", "affine" (a normalisation without statistics), "prelu" or "other"."""
        weight, leaves = self.weight, set(self.tensors)
        if "running_mean" in leaves and "running_var" in leaves and leaves <= _BATCH_LEAVES:
            return "batch"
        bias = self.tensors.get("bias")
        if weight is None or not leaves <= {"weight", "bias"} or (bias is not None and bias.dim() != 1):
            return "other"
        if weight.dim() == 4 and weight.shape[2] == weight.shape[3]:
            return "conv"
        if weight.dim() == 2:
            return "linear"
        if weight.dim() == 1:
            return "affine" if "bias" in leaves else "prelu"
        return "other"

    @property
    def place(self) -> tuple[str, int] | None:
        """Name of its container and its number there, if its name ends in a number."""
        parent, _, last = self.name.rpartition(".")
        return (parent, int(last)) if last.isdigit() and len(last) < 6 else None


_BATCH_LEAVES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def modules(tensors: dict[str, Tensor]) -> tuple[list[Module], bool]:
    """The modules in the order of the file, with plain weights, and whether a normalisation of weights was lost that way."""
    found: dict[str, Module] = {}
    for key, value in tensors.items():
        name, leaf = leaf_of(key)
        found.setdefault(name, Module(name)).tensors[leaf] = value
    lost = False
    for module in found.values():
        module.tensors, module.beside, cannot = fold(module.tensors)
        lost = lost or cannot
    return list(found.values()), lost


def orders(found: list[Module], kept: bool) -> list[list[Module]]:
    """Orders of the modules to try: that of the file if it keeps one (`kept`), otherwise by the numbers in their names."""
    if kept:
        woven = _woven(found)
        return [found] if woven is None else [woven, found]

    def parts(module: Module, plain: int) -> list[tuple[int, int, int, str]]:
        key = []
        *_, last = named = module.name.split(".")
        for part in named:
            stem = part.rstrip("0123456789")
            number = int(part[len(stem) :][:9] or 0)
            key.append(
                (
                    plain if stem == part else 1,
                    number,
                    int(part is last and bool(stem) and module.kind not in {"conv", "linear"}),
                    stem,
                )
            )
        return key

    # Names without a number ("fc", "out") may come before the numbered ones or after them.
    numbered = [sorted(found, key=partial(parts, plain=plain)) for plain in (0, 2)]
    # Linear layers come before convolutions, with the container that they are in ("head", "body") or without ("conv1", "fc1", "bn1").
    heads = {module.name.partition(".")[0] for module in found if module.kind == "linear"}
    by_container = sorted(numbered[0], key=lambda module: module.name.partition(".")[0] not in heads)
    by_kind = sorted(numbered[0], key=lambda module: {"linear": 0, "conv": 1}.get(module.kind, 2))
    return [*numbered, by_container, by_kind]


def _woven(found: list[Module]) -> list[Module] | None:
    """The modules with the normalisations of one list inserted after the layers of the list before: `convs.0, convs.1, norms.0, norms.1`.

    None if this changes nothing.
    """
    lists = [(name, list(group)) for name, group in groupby(found, lambda module: module.place and module.place[0])]
    woven: list[Module] = []
    for (name, group), (before, layers) in zip(lists, [(None, []), *lists], strict=False):
        numbers = {module.place[1] for module in layers if module.place}
        fits = bool(name and before) and all(
            module.kind in {"batch", "affine", "prelu"} and module.place and module.place[1] in numbers for module in group
        )
        if fits and all(module.kind in {"conv", "linear"} for module in layers):
            del woven[-len(layers) :]
            group = sorted([*layers, *group], key=lambda module: module.place[1] if module.place else 0)
        woven += group
    return woven if woven != found else None
