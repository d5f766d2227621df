"""Mutated files of every reader: each reader makes one case from a seed, as {file name: bytes} of a folder and the name to import."""

import json
import pickle
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any, NamedTuple

import foreign_stylegan
import safetensors.torch
import torch
from stylegan2_reference import small_discriminator, small_generator
from stylegan3_reference import small_generator3

from . import mutate, samples
from .graphs import regraphed
from .pickles import reprogrammed


class Case(NamedTuple):
    """A folder of files, and which of them is imported ("" for the folder itself)."""

    files: dict[str, bytes]
    name: str


_WORDS = (
    "netG",
    "netD",
    "g_ema",
    "generator",
    "state_dict",
    "module",
    "main.0.weight",
    "0.weight",
    "1.running_var",
    "weight_orig",
    "weight_u",
)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _checkpoint(value: Any, chance: Random, words: tuple[str, ...], legacy: bool = False) -> bytes:
    """A checkpoint written by torch, damaged on one of its levels: its objects, its pickle, its archive, its bytes."""
    others = samples.torch_files()
    way = chance.random()
    if way < 0.5:
        value = _copy(value)
        mutate.rearranged(value, chance, words)
        try:
            return samples.saved(value, legacy)
        except (RecursionError, RuntimeError, TypeError, ValueError, OverflowError, pickle.PicklingError):
            way = chance.random() / 2 + 0.5
    data = samples.saved(value, legacy)
    if way < 0.85:
        if legacy:
            return reprogrammed(data, chance, others)
        return mutate.repacked(data, chance, others, lambda part: reprogrammed(part, chance, others))
    return mutate.damaged(data, chance, others)


def torch_zip(chance: Random) -> Case:
    """The archive that torch writes today."""
    return Case(
        {"generator.pth": _checkpoint(chance.choice(samples.layers()), chance, _WORDS)}, "generator.pth"
    )


def torch_legacy(chance: Random) -> Case:
    """The row of pickles from before torch 1.6."""
    return Case(
        {"generator.pth": _checkpoint(chance.choice(samples.layers()), chance, _WORDS, True)}, "generator.pth"
    )


def safe(chance: Random) -> Case:
    """safetensors: a header of JSON and the numbers."""
    state = {key: value.clone() for key, value in chance.choice(samples.layers()[:3]).items()}
    way = chance.random()
    if way < 0.3:
        mutate.rearranged(state, chance, _WORDS)
        state = {
            key: value.contiguous().clone() for key, value in state.items() if isinstance(value, torch.Tensor)
        }
    data = safetensors.torch.save(state)
    if way > 0.3:
        length = int.from_bytes(data[:8], "little")
        header, body = data[8 : 8 + length], data[8 + length :]
        if way < 0.8:
            header = mutate.rewritten(
                header, chance, ("F32", "F16", "F8_E4M3", "BOOL", "__metadata__", "dtype", "shape")
            )
        size = len(header) if way < 0.75 else chance.choice(mutate.SIZES)
        data = (
            size.to_bytes(8, "little") + header + (body if way < 0.7 else body[: chance.randrange(len(body))])
        )
        if way > 0.85:
            data = mutate.damaged(data, chance, samples.torch_files())
    return Case({"generator.safetensors": data}, "generator.safetensors")


def stylegan(chance: Random) -> Case:
    """NVIDIA's pickles, damaged in the modules they hold, in their opcodes or bytes."""
    if chance.random() < 0.4:
        return _pickled(foreign_stylegan.generator3(small_generator3(classes=2, radial=chance.choice((0, 2)))), None, chance)
    how: dict[str, Any] = {"resolution": 8, "architecture": chance.choice(("skip", "resnet", "orig"))}
    drawing = foreign_stylegan.generator(small_generator(classes=2, channels=(3, 2), **how))
    judge = foreign_stylegan.discriminator(small_discriminator(classes=2, channels=(2, 3), **how))
    return _pickled(drawing, judge, chance)


def _pickled(drawing: foreign_stylegan.Persistent, judge: foreign_stylegan.Persistent | None, chance: Random) -> Case:
    way = chance.random()
    if way < 0.6:
        for _ in range(chance.choice((1, 1, 2, 5))):
            _meddle(chance.choice((drawing, judge or drawing)), chance)
    try:
        data = foreign_stylegan.pickled({"G_ema": drawing, "D": judge})
    except (TypeError, ValueError, AttributeError, RecursionError, pickle.PicklingError):
        data = foreign_stylegan.pickled({"G_ema": None})
    if way > 0.85:
        data = mutate.damaged(data, chance, samples.torch_files())
    elif way > 0.6:
        data = reprogrammed(data, chance, samples.torch_files())
    return Case({"network.pkl": data}, "network.pkl")


def _meddle(top: foreign_stylegan.Persistent, chance: Random) -> None:
    """One attribute, tensor or submodule of a module, anywhere in it, changed."""
    parts = [top]
    for part in parts:
        inner = part.state.get("_modules")
        if isinstance(inner, dict) and len(parts) < 200:
            parts += [
                one
                for one in inner.values()
                if isinstance(one, foreign_stylegan.Persistent) and one not in parts
            ]
    part = chance.choice(parts)
    holders = [part.state, *(part.state.get(key) for key in ("_parameters", "_buffers", "_modules"))]
    holder = chance.choice([one for one in holders if isinstance(one, dict) and one] or [part.state])
    key = chance.choice(list(holder) or ["x"])
    mine = holder.get(key)
    match chance.randrange(6):
        case 0:
            holder[key] = chance.choice(
                (
                    *deepcopy(mutate.ODD),
                    *parts,
                    foreign_stylegan.EasyDict(a=1),
                    torch.zeros(1).expand(1000, 1000),
                )
            )
        case 1:
            holder.pop(key, None)
        case 2 if isinstance(mine, torch.Tensor):
            holder[key] = mutate.reshaped(mine, chance)
        case 3:
            names = (
                "b4",
                "b8",
                "b16",
                "b0",
                "b999999",
                "fc9",
                "fc0",
                "embed",
                "mapping",
                "torgb",
                "skip",
                "resample_filter",
                "conv_clamp",
                "w_avg",
                "L0_24_6",
                "L1_99999_99999",
                "up_filter",
                "padding",
                "up_factor",
                "magnitude_ema",
            )
            holder[chance.choice(names)] = mine
        case 4:
            part.class_name = chance.choice(("SynthesisInput", "", 5, None, "Generator" * 99))
        case _:
            holder[f"{key}0"] = mine


def rosinality(chance: Random) -> Case:
    """Checkpoints of stylegan2-pytorch (rosinality)."""
    words = (
        "g",
        "d",
        "g_ema",
        "latent_avg",
        "convs.0.conv.weight",
        "convs.9.conv.weight",
        "style.1.weight",
        "to_rgb1.bias",
        "noises.noise_0",
    )
    return Case({"100.pt": _checkpoint(chance.choice(samples.rosinality()), chance, words)}, "100.pt")


def lucidrains(chance: Random) -> Case:
    """Checkpoints of lightweight-gan and stylegan2-pytorch (lucidrains), with the file that may lie beside them."""
    words = (
        "GAN",
        "GE",
        "SE.net.0.weight",
        "GE.layers.0.0.1.weight",
        "GE.initial_conv.0.weight",
        "G.blocks.9.conv1.weight",
        "version",
    )
    files = {"model_10.pt": _checkpoint(chance.choice(samples.lucidrains()), chance, words)}
    if chance.random() < 0.2:
        beside = json.dumps(
            {"lr_mlp": 0.1, "image_size": 32, "network_capacity": 4, "attn_res_layers": [32]}
        ).encode()
        files[".config.json"] = mutate.rewritten(beside, chance)
    return Case(files, "model_10.pt")


def fastgan(chance: Random) -> Case:
    """Checkpoints of the FastGAN program."""
    words = ("g", "g_ema", "to_big.weight_orig", "feat_64.1.weight", "se_64.main.1.weight_u", "to_16.weight", "module.feat_8.3.bias")
    return Case({"all_9.pth": _checkpoint(chance.choice(samples.fastgan()), chance, words)}, "all_9.pth")


def biggan(chance: Random) -> Case:
    """Weights of BigGAN-PyTorch."""
    words = ("shared.weight", "linear.u0", "blocks.0.1.gamma", "blocks.1.0.conv4.weight", "blocks.0.0.bn1.bn.running_mean", "linear.sv0")
    return Case({"G_ema.pth": _checkpoint(chance.choice(samples.biggan()), chance, words)}, "G_ema.pth")


def onnx_graph(chance: Random) -> Case:
    """ONNX files."""
    data = chance.choice(samples.graphs())
    if chance.random() < 0.8:
        try:
            data = regraphed(data, chance)
        except (ValueError, TypeError):  # protobuf does not write what it became
            data = mutate.damaged(data, chance, samples.graphs())
    if chance.random() < 0.25:
        data = mutate.damaged(data, chance, samples.graphs())
    return Case({"generator.onnx": data}, "generator.onnx")


def bundles(chance: Random) -> Case:
    """Bundle folders: their configuration, their weights, files beside them."""
    files = dict(chance.choice(samples.bundles()))
    for _ in range(chance.choice((1, 1, 2))):
        name = "config.json" if chance.random() < 0.6 else chance.choice(list(files))
        if name not in files:
            continue
        data = files[name]
        if name == "config.json" and chance.random() < 0.85:
            words = (
                "dcgan",
                "mlp",
                "conditional",
                "times",
                "compact",
                "onnx",
                "stylegan2",
                "lightweight",
                "fastgan",
                "biggan",
                "residual",
                "choice",
                "shift",
                "deconv",
                "conv",
                "linear",
                "batch",
            )
            files[name] = mutate.rewritten(data, chance, words) if chance.random() < 0.9 else b"[" * 100_000
        elif name.endswith(".safetensors") and chance.random() < 0.6:
            length = int.from_bytes(data[:8], "little")
            header = mutate.rewritten(data[8 : 8 + length], chance, ("F32", "F16", "I64"))
            files[name] = len(header).to_bytes(8, "little") + header + data[8 + length :]
        elif chance.random() < 0.1:
            del files[name]
        else:
            files[name] = mutate.damaged(data, chance, samples.torch_files())
    return Case(files, "")


def programs(chance: Random) -> Case:
    """Programs without consent: refused, however damaged."""
    name, data = chance.choice(list(samples.programs().items()))
    if chance.random() < 0.7:
        data = mutate.repacked(
            data,
            chance,
            samples.torch_files(),
            lambda part: reprogrammed(part, chance, samples.torch_files()),
        )
    else:
        data = mutate.damaged(data, chance, samples.torch_files())
    return Case({name: data}, name)


def anything(chance: Random) -> Case:
    """Files that are no generators to begin with: the hostile ones of the tests, pictures, text, heads of every kind."""
    name, data = chance.choice(samples.anything())
    name = chance.choice((name, "generator.pth", "generator.onnx", "generator.safetensors", "network.pkl"))
    others = [content for _, content in samples.anything() if content]
    if data[:1] == b"\x80" and chance.random() < 0.6:
        data = reprogrammed(data, chance, others)
    elif chance.random() < 0.2:
        data = chance.choice(others)[: chance.randrange(60)] + data
    else:
        data = mutate.damaged(data, chance, others)
    return Case({name: data}, name)


READERS: dict[str, Callable[[Random], Case]] = {
    "torch": torch_zip,
    "legacy": torch_legacy,
    "safetensors": safe,
    "bundle": bundles,
    "stylegan": stylegan,
    "rosinality": rosinality,
    "lucidrains": lucidrains,
    "fastgan": fastgan,
    "biggan": biggan,
    "onnx": onnx_graph,
    "program": programs,
    "anything": anything,
}
