"""Bundles: what comes back is what was saved, and nothing damaged is let in."""

import copy
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import foreign_onnx
import numpy as np
import pytest
import torch

from gan import assets
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing import import_file
from gan.loading import load
from gan.model import Model
from gan.networks.adapter import Shift, ShiftConfig
from gan.networks.layered import DcganGenerator, Layer, LayeredConfig, MlpGenerator

MakeModel = Callable[..., Model]


@pytest.fixture
def saved(tmp_path: Path, small_model: MakeModel) -> Path:
    folder = tmp_path / "small"
    bundle.save(small_model(), folder)
    return folder


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key, value in changes.items():
        *way, last = key.split("__")
        inner = config
        for step in way:
            inner = inner[step]
        inner[last] = value
    path.write_text(json.dumps(config))


def refused(folder: Path, *words: str) -> str:
    with pytest.raises(UserError) as caught:
        bundle.load(folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def test_round_trip_is_exact(saved: Path, small_model: MakeModel) -> None:
    model, again = small_model(), load(saved)
    assert again.name == "small" and again.card == model.card and again.hash == model.hash
    assert again.generator.config == model.generator.config
    for key, value in model.tensors().items():
        torch.testing.assert_close(again.tensors()[key], value, rtol=0, atol=0)
    np.testing.assert_array_equal(again.sample(range(5)), model.sample(range(5)))
    images = model.draw(torch.randn(2, 8))
    assert model.discriminator is not None and again.discriminator is not None
    torch.testing.assert_close(again.discriminator.judge(images)[1], model.discriminator.judge(images)[1])


def test_loaded_networks_can_be_trained(saved: Path) -> None:
    model = load(saved)
    assert all(p.requires_grad for p in model.generator.parameters())
    model.generator(torch.randn(2, 8)).square().mean().backward()
    assert all(p.grad is not None for p in model.generator.synthesis.parameters())


def test_adapter_travels(tmp_path: Path, small_model: MakeModel) -> None:
    model = small_model()
    untuned = model.hash
    adapter = Shift(ShiftConfig(z_dim=8, width=16, depth=2))
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.adapter = adapter
    assert model.hash != untuned
    bundle.save(model, tmp_path)
    again = bundle.load(tmp_path)
    assert again.adapter is not None and again.adapter.config == adapter.config
    np.testing.assert_array_equal(again.sample(range(4)), model.sample(range(4)))
    assert not np.array_equal(again.sample(range(4)), small_model().sample(range(4)))


def test_float16_halves_the_file(saved: Path, tmp_path: Path, small_model: MakeModel) -> None:
    model, half = small_model(), tmp_path / "half"
    bundle.save(model, half, dtype="float16")
    assert (half / "model.safetensors").stat().st_size < 0.7 * (saved / "model.safetensors").stat().st_size
    again = load(half)
    assert next(again.generator.parameters()).dtype == torch.float32
    difference = np.abs(again.sample(range(8)).astype(int) - model.sample(range(8)).astype(int))
    assert difference.max() <= 3
    bundle.save(again, tmp_path / "same")
    assert load(tmp_path / "same").hash == again.hash


def test_cards_hold_plain_values(tmp_path: Path, small_model: MakeModel) -> None:
    model = small_model()
    model.card = {"auc": float("nan"), "n": np.int64(3), "betas": (0.0, np.float32(0.5)), "from": Path("a"), "deep": {"x": [True]}}
    bundle.save(model, tmp_path)
    assert load(tmp_path).card == {"auc": None, "n": 3, "betas": [0.0, 0.5], "from": "a", "deep": {"x": [True]}}


def test_saving_over_a_bundle_keeps_other_files(saved: Path, small_model: MakeModel) -> None:
    (saved / "notes.txt").write_text("mine")
    bundle.save(small_model(seed=1), saved)
    assert load(saved).hash == small_model(seed=1).hash
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", "model.safetensors", "notes.txt"]


def test_what_cannot_be_saved_leaves_the_old_bundle(saved: Path, small_model: MakeModel) -> None:
    broken = small_model()
    broken.generator.w_mean[0] = float("nan")
    with pytest.raises(UserError, match="not finite"):
        bundle.save(broken, saved)
    large = small_model()
    large.generator.w_mean[0] = 1e6
    with pytest.raises(UserError, match="float16"):
        bundle.save(large, saved, dtype="float16")
    assert load(saved).hash == small_model().hash


def test_a_place_that_cannot_be_written(tmp_path: Path, small_model: MakeModel) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        bundle.save(small_model(), tmp_path / "file")


def test_missing_and_foreign_folders(tmp_path: Path, saved: Path) -> None:
    refused(tmp_path / "nothing", "no such folder", "nothing")
    refused(saved / "config.json", "is a file")
    refused(tmp_path, "no config.json")
    (saved / "model.safetensors").unlink()
    refused(saved, "no model.safetensors")
    with pytest.raises(UserError, match="no generator named 'nothing'"):
        load("nothing")
    with pytest.raises(UserError, match="device"):
        load(saved, device="toaster")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "\udcff", "[" * 100_000, '{"format": "other"}'])
def test_broken_configuration(saved: Path, text: str) -> None:
    (saved / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(saved, "config.json")
    assert not bundle.is_bundle(saved)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 2}, "newer"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"name": " "}, "name"),
        ({"card": []}, "card"),
        ({"generator": None}, "generator"),
        ({"generator__kind": "pickle"}, "pickle"),
        ({"generator__z_dim": 0}, "z_dim"),
        ({"generator__z_dim": 1.5}, "1.5"),
        ({"generator__z_dim": 9}, "does not fit"),
        ({"generator__resolution": 32}, "32"),
        ({"generator__channels": "abc"}, "abc"),
        ({"generator__channels": [12] * 33}, "list"),
        ({"generator__w_dim": 10**12}, "size"),
        ({"generator__channels": [65536, 65536, 65536]}, "does not fit"),  # 10 TiB if it were allocated
        ({"generator__surprise": 1}, "surprise"),
        ({"discriminator": None}, "unknown"),
        ({"discriminator__features": 11}, "does not fit"),
    ],
)
def test_configuration_is_checked(saved: Path, change: dict[str, Any], word: str) -> None:
    edit_config(saved, **change)
    refused(saved, word)


def test_missing_configuration_fields(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    del config["generator"]["w_dim"]
    (saved / "config.json").write_text(json.dumps(config))
    refused(saved, "w_dim")


def test_damaged_weights(saved: Path, small_model: MakeModel) -> None:
    path = saved / "model.safetensors"
    whole = path.read_bytes()
    for length in (0, 4, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(saved, "model.safetensors", "damaged")
    path.write_bytes(struct.pack("<Q", 2**62) + whole[8:])
    refused(saved, "model.safetensors", "damaged")
    path.write_bytes(b"\x80\x04" + whole[2:])  # a pickle's first bytes
    refused(saved, "model.safetensors", "damaged")
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    path.write_bytes(flipped)
    refused(saved, "model.safetensors", "checksum")
    path.write_bytes(whole)
    assert load(saved).hash == small_model().hash


def test_weights_that_do_not_belong(saved: Path, tmp_path: Path) -> None:
    import safetensors.torch

    path = saved / "model.safetensors"
    tensors = safetensors.torch.load(path.read_bytes())
    key = "generator.synthesis.constant"
    cases: list[tuple[dict[str, torch.Tensor], str]] = [
        ({k: v for k, v in tensors.items() if k != key}, "lacks"),
        ({**tensors, "extra": torch.zeros(1)}, "unknown"),
        ({**tensors, key: tensors[key][:, :3]}, "(1, 3, 4, 4)"),
        ({**tensors, key: tensors[key].to(torch.int64)}, "I64"),
        ({**tensors, key: tensors[key] * float("inf")}, "not finite"),
    ]
    for wrong, word in cases:
        path.write_bytes(safetensors.torch.save(copy.deepcopy({k: v.contiguous() for k, v in wrong.items()})))
        refused(saved, "model.safetensors", word)


def test_bundled_generators_load(monkeypatch: pytest.MonkeyPatch, saved: Path, tmp_path: Path, small_model: MakeModel) -> None:
    for name in assets.names():
        model = load(name)
        assert model.name == name and model.discriminator is not None
    monkeypatch.setattr(assets, "root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    assert assets.names() == ["small"]
    assert load("small").hash == small_model().hash
    with pytest.raises(UserError, match="bundled ones are: small"):
        load("other")


def test_what_is_saved_can_be_opened(tmp_path: Path) -> None:
    wide = Layer("linear", "l1.0", 2, 131072, False, shape=(128, 32, 32))  # the stem of a well-known DCGAN at 128 px
    layers = (wide, Layer("conv", "c", 128, 3, False, 3, 1, 1))
    bundle.save(Model("wide", DcganGenerator(LayeredConfig(2, 32, 3, layers))), tmp_path / "wide")
    assert bundle.load(tmp_path / "wide").generator.config.layers == layers
    many = tuple(Layer("linear", str(i), 64, 64, False) for i in range(32))
    long = LayeredConfig(64, 8, 1, (*many, Layer("linear", "z", 64, 64, False, shape=(1, 8, 8))))
    with pytest.raises(UserError, match="long is not saved: it could not be opened again"):
        bundle.save(Model("long", MlpGenerator(long)), tmp_path / "long")
    assert not (tmp_path / "long").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_pipes_and_endless_files_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    asked = f"from pathlib import Path; from gan.formats import bundle; print(bundle.is_bundle(Path({str(tmp_path)!r})))"
    told = subprocess.run([sys.executable, "-c", asked], cwd=Path(bundle.__file__).parents[2], capture_output=True, timeout=60, check=True)
    assert told.stdout.split() == [b"False"]
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps({"format": bundle.FORMAT, "version": 1, "name": "x" * 2**20}))
    assert not bundle.is_bundle(tmp_path)
    with pytest.raises(UserError, match="too large"):
        bundle.read_config(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_beside_the_weights_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(foreign_onnx.generator())
    bundle.save(import_file(tmp_path / "g.onnx").model, tmp_path / "mine")
    (tmp_path / "mine" / "original.onnx").unlink()
    os.mkfifo(tmp_path / "mine" / "original.onnx")
    asked = f"import gan; gan.load({str(tmp_path / 'mine')!r})"
    told = subprocess.run([sys.executable, "-c", asked], cwd=Path(bundle.__file__).parents[2], capture_output=True, timeout=60, check=False)
    assert b"it has no original.onnx" in told.stderr


def test_half_a_bundle_replaces_no_whole_one(
    saved: Path, small_model: MakeModel, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    before = {file.name: file.read_bytes() for file in saved.iterdir()}
    other = small_model(5)
    other.card = {"notes": "n" * 300_000}  # a configuration that is larger than the weights
    with full_disk(200_000):
        with pytest.raises(UserError, match="cannot write the generator"):
            bundle.save(other, saved)
        with pytest.raises(UserError, match="cannot write the generator"):
            bundle.save(other, saved.parent / "new")
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert not (saved.parent / "new").exists()


def test_a_name_that_is_no_text_is_saved_without_what_is_none(tmp_path: Path, small_model: MakeModel) -> None:
    model = small_model()
    model.name = os.fsdecode(b"mine\xff")
    bundle.save(model, tmp_path / "mine")
    assert load(tmp_path / "mine").name in ("mine?", "mine\ufffd")
