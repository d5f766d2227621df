"""Ways to damage a pickle: as the row of opcodes that it is."""

import contextlib
import io
import pickletools
import struct
import warnings
from random import Random

from .mutate import NUMBERS

_SNIPPETS = (
    b"N",
    b"]",
    b"}",
    b")",
    b"(",
    b"0",
    b"1",
    b"2",
    b"R",
    b"\x81",
    b"b",
    b"t",
    b"u",
    b"s",
    b"a",
    b"e",
    b"d",
    b"l",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"Q",
    b"o",
    b"K\x02",
    b"J\xff\xff\xff\xff",
    b"\x8a\x09" + b"\xff" * 8 + b"\x00",
    b"G\x7f\xf8" + b"\0" * 6,
    b"X\x01\0\0\0w",
    b"h\x00",
    b"h\x05",
    b"q\x00",
    b"q\x07",
    b"U\x03abc",
    b"C\x02ab",
    b"\x94",
    b"\x8f",
    b"\x91",
    b"\x90",
    b"\x92",
    b"\x93",
    b"\x80\x04",
    b"I7\n",
    b"L-99999999999999999999L\n",
    b"S'q'\n",
    b"Vx\n",
    b"F1e400\n",
    b"p3\n",
    b"g3\n",
)
_NAMES = (
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch LongStorage",
    "torch HalfStorage",
    "torch BoolStorage",
    "torch.storage _load_from_bytes",
    "torch Size",
    "torch float32",
    "torch.storage UntypedStorage",
    "_codecs encode",
    "argparse Namespace",
    "torch_utils.persistence _reconstruct_persistent_obj",
    "dnnlib.util EasyDict",
    "dnnlib.tflib.network Network",
    "numpy.core.multiarray scalar",
    "numpy dtype",
    "copyreg _reconstructor",
    "builtins object",
    "builtins exec",
    "builtins getattr",
    "os system",
    "torch.nn.modules.linear Linear",
    "x y",
    " ",
    "a.b.c d",
)


def operations(data: bytes) -> list[bytes]:
    """A pickle cut into its opcodes, each with its argument; what follows the last one that can be read is the last part."""
    places: list[int] = []
    with contextlib.suppress(ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pickletools reads a stray backslash as an escape
        places += (place for _, _, place in pickletools.genops(io.BytesIO(data)) if place is not None)
    if not places:
        return [data]
    ends = [*places[1:], len(data)]
    parts = [data[start:end] for start, end in zip(places, ends, strict=True)]
    # genops stops behind STOP, which is one byte long: the rest is not its argument.
    return [*parts[:-1], parts[-1][:1], parts[-1][1:]] if parts[-1][:1] == b"." else parts


def reprogrammed(data: bytes, chance: Random, others: list[bytes]) -> bytes:
    """A pickle with opcodes lost, doubled, exchanged, added, given other arguments, or taken from another pickle."""
    parts = operations(data)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        place = chance.randrange(len(parts))
        match chance.randrange(8):
            case 0:
                del parts[place]
            case 1:
                parts.insert(place, parts[place])
            case 2:
                other = chance.randrange(len(parts))
                parts[place], parts[other] = parts[other], parts[place]
            case 3:
                parts.insert(place, chance.choice(_SNIPPETS))
            case 4 | 5:
                parts[place] = _other_argument(parts[place], chance)
            case 6:
                run = chance.randrange(1, 20)
                parts[place:place] = parts[place : place + run] * chance.choice((1, 1, 30))
            case _:
                theirs = operations(chance.choice(others))
                start = chance.randrange(len(theirs))
                parts[place : place + chance.choice((0, 1, 5))] = theirs[
                    start : start + chance.choice((1, 5, 20))
                ]
        if not parts:
            break
    return b"".join(parts)


def _other_argument(part: bytes, chance: Random) -> bytes:
    number = chance.choice(NUMBERS)
    match part[:1]:
        case b"K" | b"M" | b"J" | b"\x8a" | b"I" | b"L":
            little = number.to_bytes(9, "little", signed=True)
            return chance.choice(
                (b"K" + little[:1], b"M" + little[:2], b"J" + little[:4], b"\x8a\x09" + little)
            )
        case b"c":
            return b"c" + chance.choice(_NAMES).replace(" ", "\n").encode() + b"\n"
        case b"h" | b"q" | b"U" | b"C" | b"\x8c":
            return part[:1] + bytes([chance.randrange(256)]) + part[2:]
        case b"X" | b"j" | b"r" | b"B":
            return (
                part[:1]
                + struct.pack("<I", chance.choice((number % 2**32, len(part), chance.randrange(300))))
                + part[5:]
            )
        case b"G":
            return b"G" + chance.choice(
                (struct.pack(">d", float(number)), b"\x7f\xf0" + b"\0" * 6, b"\xff" * 8)
            )
        case _:
            return part[:1] + bytes(
                byte ^ (chance.random() < 0.2) * chance.randrange(256) for byte in part[1:]
            )
