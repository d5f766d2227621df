"""Ways to damage a file: as bytes, as members of an archive, as a tree of objects, as JSON."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import islice
from random import Random
from typing import Any

import torch

_MOST_PLACES = 5000
SIZES = (0, 1, 2, 3, 5, 17, 255, 256, 1000, 65536, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1)
NUMBERS = (*SIZES, -1, -2, -(2**31), -(2**63), 2**64, 2**70)
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "x",
    "x" * 1000,
    "é\u2028\n",
    "lrelu",
    0.5,
    float("nan"),
    float("inf"),
    -1e308,
    1e-320,
    [],
    {},
    (),
    [1] * 5,
    {"a": {}},
    [[[]]],
    *NUMBERS,
)


def damaged(data: bytes, chance: Random, others: list[bytes]) -> bytes:
    """Bytes changed, lost, added, repeated, or taken from another file; or the end missing."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        place = chance.randrange(len(made) + 1)
        # The head of a file says the most.
        place = chance.choice((place, place, min(place, chance.randrange(200))))
        match chance.randrange(8):
            case 0 | 1:
                made[place : place + 1] = bytes([chance.randrange(256)])
            case 2:
                del made[place : place + chance.randint(1, 30)]
            case 3:
                made[place:place] = chance.randbytes(chance.randint(1, 8))
            case 4:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                length = chance.choice((4, 20, 200))
                made[place : place + length] = other[start : start + length]
            case 5:
                number = chance.choice(NUMBERS) % 2**64
                form = chance.choice(("<Q", ">Q", "<I", ">I", "<H"))
                made[place : place + struct.calcsize(form)] = struct.pack(
                    form, number % 2 ** (8 * struct.calcsize(form))
                )
            case 6:
                length = chance.choice((1, 8, 64))
                made[place:place] = made[place : place + length] * chance.choice((1, 2, 50))
            case _:
                if chance.random() < 0.3:
                    del made[place:]
    return bytes(made)


# ---------------------------------------------------------------------------------------------------------------- archives


def repacked(
    data: bytes, chance: Random, others: list[bytes], pickle_part: Callable[[bytes], bytes]
) -> bytes:
    """A zip archive with parts lost, renamed, doubled, compressed, cut or filled with something else; most often its pickle changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        parts = [(name, whole.read(name)) for name in whole.namelist()]
    compressed: set[int] = set()
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(parts))
        name, content = parts[place]
        root = name.partition("/")[0]
        match chance.randrange(12):
            case 0:
                del parts[place]
            case 1:
                odd = (
                    "../x",
                    "/x",
                    "data.pkl",
                    "byteorder",
                    "constants.pkl",
                    "archive_format",
                    "models/x",
                    "data/0",
                    "code/x.py",
                    "x" * 300,
                    "",
                )
                parts[place] = (chance.choice((f"{root}/", "")) + chance.choice(odd), content)
            case 2:
                parts.insert(
                    place,
                    (f"{root}/{chance.choice(('data/0', 'data.pkl', 'byteorder', 'version'))}", content),
                )
            case 3:
                compressed.add(place)
            case 4:
                parts[place] = (name, damaged(content, chance, others) if content else chance.randbytes(8))
            case 5:
                parts[place] = (name, content[: chance.randrange(len(content) + 1)])
            case _:
                parts = [(n, pickle_part(c) if n.endswith("data.pkl") else c) for n, c in parts]
        if not parts:
            break
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w") as archive:
        warnings.simplefilter("ignore")  # of two parts of one name
        for place, (name, content) in enumerate(parts):
            kind = zipfile.ZIP_DEFLATED if place in compressed else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return made.getvalue()


# ----------------------------------------------------------------------------------------------------------------- objects


def _tensors(chance: Random) -> torch.Tensor:
    return chance.choice(
        (
            torch.zeros(0),
            torch.zeros(()),
            torch.zeros(3),
            torch.zeros(2, 2, 2, 2, 2),
            torch.zeros(1).expand(1000, 1000),
            torch.zeros(3, 3).t(),
            torch.ones(3, dtype=torch.int64),
            torch.full((3,), float("nan")),
            torch.full((4, 4), 1e38),
            torch.zeros(0, 5),
            torch.ones(4, 4) > 0,
            torch.randn(8, 3, 4, 4),
            torch.randn(784, 8),
            torch.randn(1, 1, 1, 1),
            torch.ones(2, 3, dtype=torch.float64),
            torch.zeros(70_000, 1),
        )
    )


def reshaped(value: torch.Tensor, chance: Random) -> torch.Tensor:
    """A tensor near this one: cut, widened, turned, of another type or size of numbers."""
    match chance.randrange(8):
        case 0:
            return value[:1] if value.dim() else value
        case 1:
            return torch.cat([value, value]) if value.dim() and value.numel() < 100_000 else value
        case 2:
            return value.transpose(0, -1) if value.dim() > 1 else value
        case 3:
            return value.to(
                chance.choice((torch.float16, torch.float64, torch.int64, torch.bfloat16, torch.bool))
            )
        case 4:
            return (
                value * chance.choice((0.0, -1.0, 1e6, 1e30, float("nan")))
                if value.is_floating_point()
                else value
            )
        case 5:
            return value.flatten()
        case 6:
            return value[..., None] if value.dim() < 6 else value
        case _:
            return _tensors(chance)


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything in nested dictionaries and lists."""
    keys: Any = (
        value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        if depth < 8:
            yield from _places(value[key], depth + 1)


def rearranged(value: Any, chance: Random, names: tuple[str, ...] = ()) -> None:
    """Nested dictionaries and lists, in place: values replaced, entries lost, renamed, doubled, moved."""
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        places = list(islice(_places(value), _MOST_PLACES))  # lists within themselves have very many
        if not places:
            return
        holder, key = chance.choice(places)
        mine = holder[key]
        match chance.randrange(8):
            case 0:
                holder[key] = deepcopy(chance.choice(ODD))  # it may be filled later
            case 1 | 2:
                if isinstance(mine, torch.Tensor):
                    holder[key] = reshaped(mine, chance)
                elif isinstance(mine, bool | int | float):
                    holder[key] = chance.choice((*NUMBERS, mine * 2, mine + 1, -mine, float(mine)))
                elif isinstance(mine, str):
                    holder[key] = chance.choice((mine + "x", mine[1:], mine[::-1], *(names or ("",))))
                else:
                    holder[key] = deepcopy(chance.choice(ODD))  # it may be filled later
            case 3:
                del holder[key]
            case 4:
                other_holder, other_key = chance.choice(places)
                if (
                    other_key in other_holder
                    if isinstance(other_holder, dict)
                    else other_key < len(other_holder)
                ):
                    holder[key] = other_holder[other_key]  # may well be itself, and so a cycle
            case 5:
                if isinstance(holder, dict):
                    text = str(key)
                    spots = [
                        text + "0",
                        text[1:],
                        text.replace(".", "", 1),
                        text.replace("1", "7"),
                        text.replace("weight", "bias"),
                        *names,
                    ]
                    holder[chance.choice(spots)] = mine
            case 6:
                if isinstance(holder, list):
                    holder[key:key] = [mine] * chance.choice((1, 2, 100))
                else:
                    holder[key] = {"state_dict": mine}
            case _:
                if isinstance(holder, dict):
                    order = list(holder.items())
                    chance.shuffle(order)
                    holder.clear()
                    holder.update(order)


def rewritten(text: bytes, chance: Random, names: tuple[str, ...] = ()) -> bytes:
    """JSON with other values in it."""
    try:
        value = json.loads(text)
        rearranged(value, chance, names)
        return json.dumps(value).encode()
    except (ValueError, RecursionError):  # changed before, or a cycle now
        return text[: chance.randrange(len(text) + 1)]
