"""Checkpoints of lucidrains' lightweight-gan and stylegan2-pytorch: `{"GAN": state_dict, "version": ...}`, with averaged weights too."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch

from gan.errors import UserError
from gan.formats.importing.exact import fill, shape
from gan.formats.importing.result import Imported, Option, Question
from gan.formats.importing.source import Source
from gan.formats.importing.state_dict import check_calls
from gan.formats.importing.values import Malformed, TensorRef
from gan.model import Model
from gan.networks.lightweight import LightweightConfig, LightweightGenerator
from gan.networks.lucidrains import HEAD
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2, LucidStyleGAN2Config

_SIDECAR = ".config.json"
_LARGEST_SIDECAR = 2**16
_RATE = 0.1  # stylegan2-pytorch's default `lr_mlp`, the factor of the mapping's weights
_W_SAMPLES = 2000  # for the mean style; that program's own number
_LEFT_OUT = ("num_batches_tracked", ".f")  # counters, and the fixed filter of the blur

Tensors = dict[str, TensorRef]


def can_read(source: Source) -> bool:
    """Whether the file is a checkpoint of one of the two programs."""
    tensors = _inner(source)
    return _is_lightweight(tensors) or _is_stylegan2(tensors)


def _inner(source: Source) -> Tensors:
    contents = source.contents if source.container == "torch" else None
    inner = contents.get("GAN") if isinstance(contents, dict) else None
    if not isinstance(inner, dict):
        return {}
    return {
        key: value for key, value in inner.items() if isinstance(key, str) and isinstance(value, TensorRef)
    }


def _is_lightweight(tensors: Tensors) -> bool:
    return any(re.fullmatch(r"GE?\.initial_conv\.0\.weight", key) for key in tensors)


def _is_stylegan2(tensors: Tensors) -> bool:
    return any(re.fullmatch(r"GE?\.blocks\.0\.to_style1\.weight", key) for key in tensors)


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator of either program, with averaged weights if there are any, unless the last ones are chosen."""
    check_calls(source.unpickled.calls)
    tensors = _inner(source)
    averaged = any(key.startswith("GE.") for key in tensors)
    options = (
        Option("averaged", "the running average of its weights", "draws better images"),
        Option("last", "the weights of the last step"),
    )
    question = Question(
        "weights",
        "Which of its two sets of weights?",
        options if averaged else options[1:],
        options[not averaged].value,
    )
    settled = [question] if averaged else []
    suffix = "E" if question.answer(choices) == "averaged" else ""
    generator: LightweightGenerator | LucidStyleGAN2
    if _is_lightweight(tensors):
        what, generator = "lightweight-gan", _lightweight(source, _part(tensors, f"G{suffix}."))
    else:
        rate, asked = _rate(source, choices)
        settled += asked
        what = "stylegan2-pytorch"
        generator = _stylegan2(source, _part(tensors, f"S{suffix}."), _part(tensors, f"G{suffix}."), rate)
    notes = ["Its layers add noise; here the noise is drawn once and kept, so that a latent is an image."]
    notes.append("Its discriminator is not imported: realism is not judged.")
    config = generator.config
    weights = sum(value.numel() for value in generator.parameters())
    colours = {1: "grey", 3: "colour", 4: "colour with transparency (shown on white)"}[config.image_channels]
    model = Model(
        name=source.model_name,
        generator=generator,
        card={
            "data": {"kind": "unknown"},
            "licence": "unknown",
            "imported": {
                "file": source.name,
                "architecture": what,
                "weights": "averaged" if suffix else "last",
            },
        },
    )
    size = f"{config.resolution} px, {colours}, {config.z_dim} latents, {weights / 1e6:.1f} million weights"
    return Imported(model, f"{what}, {size}", notes, None, [], settled)


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {
        key.removeprefix(prefix): value
        for key, value in tensors.items()
        if key.startswith(prefix) and not key.endswith(_LEFT_OUT)
    }


def _count(tensors: Tensors, pattern: str) -> int:
    return len({found[1] for key in tensors if (found := re.match(pattern, key))})


# ---------------------------------------------------------------------------------------------------------- lightweight-gan


def _lightweight(source: Source, tensors: Tensors) -> LightweightGenerator:
    depth = _count(tensors, r"layers\.(\d+)\.0\.")
    attended = [f"layers.{i}.2.fn.to_q.weight" for i in range(depth)]
    excitation: Literal["global", "frequency"] = (
        "frequency" if any(key.endswith("dct_weights") for key in tensors) else "global"
    )
    heads = next((tensors[key].shape[0] // HEAD for key in attended if key in tensors), 8)
    config = _checked(
        LightweightConfig,
        z_dim=shape(tensors, "initial_conv.0.weight", 4)[0],
        resolution=4 * 2**depth,
        image_channels=shape(tensors, "out_conv.weight", 4)[0],
        features=tuple(shape(tensors, f"layers.{i}.0.2.1.weight", 4)[0] // 2 for i in range(depth)),
        excitation=excitation,
        attention=tuple(key in tensors for key in attended),
        heads=heads,
    )
    with torch.device("meta"):
        generator = LightweightGenerator(config)
    fill(generator.network, source.load(tensors), "G.")
    for i in range(depth):
        side = 8 * 2**i
        noise = np.random.RandomState(i).randn(1, 1, side, side).astype(np.float32)
        setattr(generator, f"noise{i}", torch.from_numpy(noise))
    return generator.eval()


# -------------------------------------------------------------------------------------------------------- stylegan2-pytorch


def _stylegan2(source: Source, mapping: Tensors, synthesis: Tensors, rate: float) -> LucidStyleGAN2:
    depth = _count(synthesis, r"blocks\.(\d+)\.")
    attended = [f"attns.{i}.0.fn.fn.to_q.weight" for i in range(depth)]
    config = _checked(
        LucidStyleGAN2Config,
        z_dim=shape(mapping, "net.0.weight", 2)[0],
        resolution=4 * 2 ** max(depth - 1, 0),
        image_channels=shape(synthesis, "blocks.0.to_rgb.conv.weight", 4)[0],
        channels=tuple(shape(synthesis, f"blocks.{i}.conv2.weight", 4)[0] for i in range(depth)),
        mapping_layers=_count(mapping, r"net\.(\d+)\."),
        mapping_rate=rate,
        constant="initial_block" in synthesis,
        attention=tuple(key in synthesis for key in attended),
        heads=next((synthesis[key].shape[0] // HEAD for key in attended if key in synthesis), 8),
    )
    with torch.device("meta"):
        generator = LucidStyleGAN2(config)
    fill(generator.mapping, source.load(mapping), "S.")
    fill(generator.synthesis, source.load(synthesis), "G.")
    side = config.resolution
    generator.noise = torch.from_numpy(np.random.RandomState(0).uniform(size=(side, side)).astype(np.float32))
    with torch.no_grad():
        z = torch.from_numpy(np.random.RandomState(0).randn(_W_SAMPLES, config.z_dim).astype(np.float32))
        generator.w_mean = generator.mapping(z).mean(dim=0)
    return generator.eval()


def _rate(source: Source, choices: Mapping[str, str]) -> tuple[float, list[Question]]:
    """The factor of the mapping's weights, which the checkpoint does not store: from the sidecar file, otherwise asked for."""
    found = _sidecar(source).get("lr_mlp")
    if isinstance(found, int | float) and not isinstance(found, bool) and 0.0 < found <= 10.0:
        return float(found), []
    options = tuple(
        Option(f"{rate:g}", f"{rate:g}", says)
        for rate, says in ((_RATE, "the program's default"), (0.01, "the paper's"), (1.0, ""))
    )
    question = Question(
        "lr_mlp",
        f"Which lr_mlp was it trained with? Its {_SIDECAR}, which says so, is not beside it.",
        options,
        options[0].value,
    )
    return float(question.answer(choices)), [question]


def _sidecar(source: Source) -> dict[str, Any]:
    """The program's settings, if their file is beside the checkpoint; otherwise {}. Never raises."""
    path = source.path.with_name(_SIDECAR)
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_SIDECAR:
            return {}
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _checked(config_type: type, **values: Any) -> Any:
    """A configuration from the shapes in the file; `Malformed` if they are absurd or inconsistent."""
    if values["resolution"] > 4096 or any(
        width < 1
        for width in (values["z_dim"], values["heads"], *values.get("features", ()), *values.get("channels", ()))
    ):
        raise Malformed("its layers have absurd sizes")
    try:
        return config_type(**values)
    except (ValueError, UserError) as error:
        raise Malformed(f"its layers do not fit one another ({error})") from error
