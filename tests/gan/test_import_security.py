"""Hostile and broken files: nothing in them runs, nothing is written, and each ends in one sentence."""

import builtins
import collections
import io
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from gan.errors import UserError
from gan.formats.importing import import_file
from gan.formats.importing.restricted import unpickle
from gan.formats.importing.values import Malformed, Node, Ref

SENTINEL = "it_ran"


class Call:
    """Pickles as a call of `function(*args)`: what an attacker writes."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def touch(folder: Path) -> str:
    """Code that leaves a trace."""
    return f"open({str(folder / SENTINEL)!r}, 'w').close()"


def weights() -> dict[str, torch.Tensor]:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 784), nn.Tanh()).state_dict()


def saved(content: Any, legacy: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def nested(folder: Path, depth: int = 1) -> Any:
    """A storage's bytes that are a pickle with a payload, as NVIDIA's files nest them."""
    payload: Any = Call(builtins.exec, touch(folder))
    for _ in range(depth):
        payload = Call(torch.storage._load_from_bytes, saved(payload, legacy=True))
    return payload


def archive(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return stream.getvalue()


def torch_parts(content: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(saved(content))) as made:
        return {name: made.read(name) for name in made.namelist()}


def changed(content: Any, **parts: bytes) -> bytes:
    """A torch archive with some of its parts replaced."""
    whole = torch_parts(content)
    root = next(iter(whole)).split("/")[0]
    return archive({**whole, **{f"{root}/{name}": data for name, data in parts.items()}})


def big_endian(folder: Path) -> bytes:
    return changed(weights(), byteorder=b"big")


def short_storage(folder: Path) -> bytes:
    parts = torch_parts(weights())
    name = next(name for name in parts if name.endswith("/data/0"))
    return archive({**parts, name: b"\0" * 8})


def tensor_outside(folder: Path) -> bytes:
    data = torch_parts({"0.weight": torch.zeros(4, 4), "2.weight": torch.zeros(784, 4)})
    name = next(name for name in data if name.endswith("data.pkl"))
    # (4, 4) becomes (4, 200): the same storage, a shape beyond its end.
    return archive({**data, name: data[name].replace(b"K\x04K\x04\x86", b"K\x04K\xc8\x86")})


def safe(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def references() -> bytes:
    """A list of two lists of two lists of ..., 2^60 leaves in a few hundred bytes."""
    levels = b"".join(bytes([93, 113, i, 40, 104, i - 1, 104, i - 1, 101]) for i in range(1, 60))
    return b"\x80\x02]q\x00" + levels + b"."


def deep_key() -> bytes:
    """A tuple of tuples of ... as a key: hashing it would take 2^60 steps."""
    code = (
        b"\x80\x02}("
        + b"K\x01"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
        + b"K\x02u."
    )
    return code


LEGACY = saved(weights(), legacy=True)
HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "exec in a pickle": lambda f: pickle.dumps(Call(builtins.exec, touch(f))),
    "eval in a pickle": lambda f: pickle.dumps(Call(builtins.eval, touch(f))),
    "os.system in a pickle": lambda f: pickle.dumps(Call(os.system, f"touch {f / SENTINEL}")),
    "a process in a pickle": lambda f: pickle.dumps(Call(subprocess.Popen, ["touch", str(f / SENTINEL)])),
    "exec in protocol 0": lambda f: pickle.dumps(Call(builtins.exec, touch(f)), protocol=0),
    "exec in protocol 5": lambda f: pickle.dumps(Call(builtins.exec, touch(f)), protocol=5),
    "INST opcode": lambda f: b"(S'" + touch(f).encode().replace(b"'", b'"') + b"'\nibuiltins\nexec\n.",
    "OBJ opcode": lambda f: b"(cbuiltins\nexec\nS'" + touch(f).encode().replace(b"'", b'"') + b"'\no.",
    "exec beside weights": lambda f: saved({**weights(), "more": Call(builtins.exec, touch(f))}),
    "exec beside weights, legacy": lambda f: saved({**weights(), "more": Call(builtins.exec, touch(f))}, legacy=True),
    "a chain of getattr": lambda f: saved(
        {**weights(), "more": Call(getattr, Call(getattr, Call(__import__, "os"), "path"), "os")}
    ),
    "nested payload": lambda f: saved({**weights(), "more": nested(f)}),
    "doubly nested payload": lambda f: saved({**weights(), "more": nested(f, 2)}),
    "nested payload in a bare pickle": lambda f: pickle.dumps({"G_ema": nested(f)}),
    "deeply nested payload": lambda f: pickle.dumps({"G_ema": nested(f, 5)}),
    "torch.load in a pickle": lambda f: saved({**weights(), "more": Call(torch.load, str(f / "x"))}),
    "importlib in a pickle": lambda f: pickle.dumps({"G": Call(__import__, "antigravity")}),
    "a whole module": lambda f: saved(nn.Sequential(nn.Linear(2, 2))),
    "a whole module, legacy": lambda f: saved({"netG": nn.Sequential(nn.Linear(2, 2))}, legacy=True),
    "TensorFlow's StyleGAN": lambda f: b"\x80\x02cdnnlib.tflib.network\nNetwork\n)\x81}b0N."[:-1] + b".",
    "billions of references": lambda f: references(),
    "a key that cannot be hashed": lambda f: deep_key(),
    "a huge memo index": lambda f: b"\x80\x02]r\xff\xff\xff\x7f.",
    "a huge bytes": lambda f: b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".",
    "a huge bytearray": lambda f: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
    "a huge frame": lambda f: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "a huge integer": lambda f: b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "a long decimal": lambda f: b"\x80\x02I" + b"9" * 100_000 + b"\n.",
    "millions of operations": lambda f: b"\x80\x02" + b"N0" * 500_000 + b"N.",
    "extension codes": lambda f: b"\x80\x02\x82\x01.",
    "a persistent reference": lambda f: b"\x80\x02X\x01\x00\x00\x00aQ.",
    "nothing on the stack": lambda f: b"\x80\x02.",
    "no end": lambda f: b"\x80\x02" + b"]" * 1000,
    "deep lists": lambda f: b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "a zip bomb": lambda f: archive({"a/data.pkl": b"\0" * 20_000_000, "a/version": b"3"}, zipfile.ZIP_DEFLATED),
    "names outside the archive": lambda f: archive({"../../evil/data.pkl": b"\x80\x02N."}),
    "absolute names": lambda f: archive({"/tmp/data.pkl": b"\x80\x02N."}),
    "a zip without weights": lambda f: archive({"readme.txt": b"hello"}),
    "overlapping parts": lambda f: _overlapping(),
    "big endian": big_endian,
    "cut storage": short_storage,
    "a tensor outside its data": tensor_outside,
    "half a legacy file": lambda f: LEGACY[: len(LEGACY) // 2],
    "a legacy file's head": lambda f: LEGACY[:40],
    "half an archive": lambda f: saved(weights())[:900],
    "no archive": lambda f: b"PK\x03\x04" + b"\0" * 100,
    "safetensors: no JSON": lambda f: safe(b"{" + b"x" * 50),
    "safetensors: header beyond the end": lambda f: struct.pack("<Q", 2**26) + b"{}",
    "safetensors: data beyond the end": lambda f: safe(
        b'{"0.weight":{"dtype":"F32","shape":[100,100],"data_offsets":[0,40000]}}', b"\0" * 8
    ),
    "safetensors: absurd shape": lambda f: safe(
        b'{"0.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}', b"\0" * 8
    ),
    "safetensors: overlapping": lambda f: safe(
        b'{"0.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"1.weight":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        b"\0" * 12,
    ),
    "not finite": lambda f: saved({key: value * float("nan") for key, value in weights().items()}),
    "repeated elements": lambda f: saved({"0.weight": torch.zeros(1).expand(100_000, 100_000), "1.weight": torch.zeros(2, 2)}),
    "HDF5": lambda f: b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
    "a picture": lambda f: b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "text": lambda f: b"hello\n" * 50,
    "nothing": lambda f: b"",
    "noise": lambda f: bytes(range(255, 0, -1)),
    "numbers": lambda f: saved([1, 2, 3]),
    "one tensor": lambda f: saved(torch.zeros(3)),
    "a cycle": lambda f: saved(_cycle()),
}  # fmt: skip


def _cycle() -> dict[str, Any]:
    made: dict[str, Any] = {"a": 1}
    made["self"] = made
    return made


def _overlapping() -> bytes:
    """Ten entries that all claim the same large part."""
    data = archive({f"a/{i}": b"\0" * 1000 for i in range(2)} | {"a/data.pkl": b"\x80\x02N."})
    # The central directory's second entry points to the first one's bytes, and both say that they are larger than the file.
    return data.replace(struct.pack("<II", 1000, 1000), struct.pack("<II", 4000, 4000))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_a_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "attack"
    folder.mkdir()
    path = folder / "generator.pth"
    path.write_bytes(HOSTILE[name](folder))
    monkeypatch.chdir(folder)
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        import_file(path)
    assert time.process_time() - started < 5.0
    message = str(caught.value)
    assert "generator.pth" in message and "\n" not in message and 20 < len(message) < 400, message
    assert os.listdir(folder) == ["generator.pth"]  # nothing ran, nothing was written


def test_the_same_payloads_do_run_elsewhere(tmp_path: Path) -> None:
    """The attacks are real: Python's own unpickler runs them."""
    pickle.loads(HOSTILE["exec in a pickle"](tmp_path))
    assert (tmp_path / SENTINEL).exists()
    (tmp_path / SENTINEL).unlink()
    torch.load(io.BytesIO(HOSTILE["nested payload"](tmp_path)), weights_only=False)
    assert (tmp_path / SENTINEL).exists()


def test_no_foreign_code_no_process_no_socket(tmp_path: Path) -> None:
    """Python's audit hooks see every import, process, socket, written file and unpickled name; an import of a file causes none."""
    names = (
        "exec beside weights",
        "nested payload",
        "a whole module",
        "os.system in a pickle",
        "INST opcode",
    )
    for number, name in enumerate(names):
        (tmp_path / f"{number}.pth").write_bytes(HOSTILE[name](tmp_path))
    good = tmp_path / "good.pth"
    good.write_bytes(saved(weights()))
    import_file(good)  # everything that an import needs is imported now
    watched = {
        "import", "exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect",
        "socket.bind", "pickle.find_class", "ctypes.dlopen", "shutil.rmtree", "os.remove", "os.rename", "os.mkdir",
    }  # fmt: skip
    seen, watching = [], True

    def hook(
        event: str, arguments: tuple[Any, ...]
    ) -> None:  # can never be taken out again, only put to sleep
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if watching and (event in watched or writes):
            seen.append((event, str(arguments)[:200]))

    sys.addaudithook(hook)
    try:
        import_file(good)
        for number in range(len(names)):
            with pytest.raises(UserError):
                import_file(tmp_path / f"{number}.pth")
        quiet = list(seen)
        pickle.loads(pickle.dumps(Call(builtins.eval, "1")))
    finally:
        watching = False
    assert not quiet
    assert {"pickle.find_class", "compile"} <= {
        event for event, _ in seen
    }  # the hook does see what Python's own unpickler does
    assert not (tmp_path / SENTINEL).exists()


def test_names_stay_names() -> None:
    def read(value: Any) -> Any:
        data = pickle.dumps(value)
        return unpickle(io.BytesIO(data), len(data))

    found = read({"a": [1, 2.5, "x", b"y", None, True, (1, 2, 3, 4)], "o": collections.OrderedDict(k=1)})
    assert found.value == {"a": [1, 2.5, "x", b"y", None, True, (1, 2, 3, 4)], "o": {"k": 1}}
    found = read(Call(os.system, "true"))
    assert (
        isinstance(found.value, Node)
        and found.value.call == f"{os.name}.system"
        and found.value.args == ("true",)
    )
    assert found.calls == {f"{os.name}.system"}
    assert read(os.system).value == Ref(f"{os.name}.system")


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "generator.pth"
    path.write_bytes(saved(weights()))
    from gan.formats.importing import layers

    real = layers.read

    def meddle(source: Any, choices: Any) -> Any:
        imported = real(source, choices)
        path.write_bytes(saved(weights()) + b"\0")
        return imported

    monkeypatch.setattr(layers, "read", meddle)
    with pytest.raises(UserError, match="changed while it was read"):
        import_file(path)


def test_places_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        import_file(tmp_path / "missing.pth")
    with pytest.raises(UserError, match="is a folder"):
        import_file(tmp_path)
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(UserError, match="not an ordinary file"):
        import_file(tmp_path / "pipe.pth")


def _fuzzed(data: bytes, path: Path) -> None:
    """Whatever the bytes, there is a generator or a sentence."""
    path.write_bytes(data)
    try:
        import_file(path)
    except UserError as error:
        assert "\n" not in str(error)


def _samples() -> list[bytes]:
    small = {
        key: value for key, value in nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 64)).state_dict().items()
    }
    return [
        saved(small),
        saved(small, legacy=True),
        safetensors.torch.save(small),
        pickle.dumps({"a": [1, (2, 3)], "b": b"x" * 40}),
    ]


SAMPLES = _samples()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(sample=st.integers(0, len(SAMPLES) - 1), flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), max_size=6),
       length=st.integers(0, 12_000))  # fmt: skip
def test_flipped_and_cut_files(
    sample: int, flips: list[tuple[int, int]], length: int, tmp_path: Path
) -> None:
    data = bytearray(SAMPLES[sample])
    for place, bits in flips:
        data[place % len(data)] ^= bits
    _fuzzed(bytes(data[:length] if length % 3 == 0 else data), tmp_path / "generator.pth")


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(code=st.binary(max_size=60))
def test_random_pickles(code: bytes) -> None:
    data = b"\x80\x02" + code + b"."
    try:
        unpickle(io.BytesIO(data), len(data))
    except Malformed as error:
        assert str(error)
