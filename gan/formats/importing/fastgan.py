"""Checkpoints of the FastGAN program: `{"g": state_dict, "d": ..., "g_ema": [tensors]}`, or a generator's state_dict alone."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gan.formats.importing import evidence
from gan.formats.importing.exact import fill, measure, one_form, signed, state
from gan.formats.importing.questions import Open
from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source
from gan.formats.importing.state_dict import Module, check_calls, modules
from gan.formats.importing.values import Malformed, TensorRef
from gan.model import Model
from gan.networks.fastgan import SMALLEST, FastganConfig, FastganGenerator
from gan.networks.lucidrains import BatchNorm
from gan.networks.reparametrised import Form

_SIGNS = ("init.init.", "feat_8.", "to_big.")
_BUFFERS = ("weight_u", "weight_v", "._u", "._v", "running_mean", "running_var", "num_batches_tracked")
_LEVELS = 16  # doublings of the size that are looked for; far fewer can be drawn
_PIXELS = 2**19  # drawn to judge what follows the last layer
_SATURATED = 1.5  # numbers beyond are frequent only before a tanh
_FREQUENT = 0.02  # share of the numbers

Tensors = dict[str, TensorRef]


def can_read(source: Source) -> bool:
    """Whether the file holds a generator whose tensors have the names of this program."""
    return source.container in {"torch", "safetensors"} and signed(source.contents, _SIGNS) is not None


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator, with averaged weights if there are any, unless the last ones are chosen."""
    if source.container != "safetensors":
        check_calls(source.unpickled.calls)
    found = signed(source.contents, _SIGNS)
    assert found is not None
    asked, tensors, notes = Open(choices), found.tensors, []
    averaged = _averaged(source.contents, tensors)
    taken = "those of the file"
    if averaged is not None:
        weighed = [
            ("averaged", "the running average of its weights", math.log(0.9), "draws better images"),
            ("last", "the weights of the last step", math.log(0.1), ""),
        ]
        taken = asked.ask("weights", "Which of its two sets of weights?", weighed)
        tensors = averaged if taken == "averaged" else tensors
    generator = _output(_generator(source, tensors), asked)
    if asked.measured():  # as the program itself does when it draws
        measure(generator, BatchNorm)
    notes.append("Its layers add noise; here the noise is drawn once and kept, so that a latent is an image.")
    notes.append("Its discriminator is not imported: realism is not judged.")
    config = generator.config
    count = sum(value.numel() for value in generator.network.parameters()) / 1e6
    colours = "colour" if config.image_channels == 3 else "grey"
    what = f"FastGAN, {config.resolution} px, {colours}, {config.z_dim} latents, {count:.1f} million weights"
    model = Model(
        name=source.model_name,
        generator=generator,
        card={
            "data": {"kind": "unknown"},
            "licence": "unknown",
            "imported": {"file": source.name, "architecture": "FastGAN", "weights": taken, "part": found.path or None},
        },
    )
    return Imported(model, what, notes, None, asked.questions, asked.settled)


def _averaged(contents: Any, tensors: Tensors) -> Tensors | None:
    """The tensors with their running averages, of which the program writes a list without names; None if there is none that fits."""
    learnt = [name for name in tensors if not name.endswith(_BUFFERS)]
    for value in contents.values() if isinstance(contents, dict) else ():
        if isinstance(value, list | tuple) and len(value) == len(learnt):
            fits = all(
                isinstance(one, TensorRef) and one.shape == tensors[name].shape for name, one in zip(learnt, value, strict=True)
            )
            if fits:
                return {**tensors, **dict(zip(learnt, value, strict=True))}
    return None


def _generator(source: Source, tensors: Tensors) -> FastganGenerator:
    """The generator with its weights and its noise."""
    plain, lost = modules(source.load(tensors))
    form = one_form(module for module in plain if _is_convolution(module))
    if lost:
        raise Malformed("its layers keep their weights in different ways, which is not known here")
    with torch.device("meta"):
        generator = FastganGenerator(_config({module.name: module for module in plain}, form))
    fill(generator.network, state(plain))
    for seed, (name, size) in enumerate(generator.noises().items()):
        noise = np.random.RandomState(seed).randn(1, 1, size, size).astype(np.float32)
        setattr(generator, name, torch.from_numpy(noise))
    return generator.eval()


def _is_convolution(module: Module) -> bool:
    return module.weight is not None and module.weight.dim() == 4


def _config(named: Mapping[str, Module], form: Form | None) -> FastganConfig:
    def ends(name: str) -> tuple[int, ...]:
        """Shape of a convolution's weight."""
        weight = named[name].weight if name in named else None
        if weight is None or weight.dim() != 4:
            raise Malformed(f"it is of a version of its program that is not known here (no {name})")
        return tuple(weight.shape)

    possible = [SMALLEST << i for i in range(1, _LEVELS)]
    sizes = [size for size in possible if f"feat_{size}.1" in named]
    doubled = tuple(f"feat_{size}.5" in named for size in sizes)
    z_dim, first = ends("init.init.0")[:2]
    # The small image is of the size that its name tells; 128 px in the program itself.
    small = next((size for size in possible if f"to_{size}" in named), 0)
    try:
        return FastganConfig(
            z_dim=z_dim,
            resolution=sizes[-1],
            image_channels=ends("to_big")[0],
            widths=(first // 2, *(ends(f"feat_{size}.1")[0] // 2 for size in sizes)),
            doubled=doubled,
            excited=tuple(f"se_{size}.main.1" in named for size in sizes),
            small=small,
            form=form,
        )
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed(f"its layers do not fit one another ({error})") from error


def _output(generator: FastganGenerator, asked: Open) -> FastganGenerator:
    """The generator with what follows its last layer: in the program a tanh from 1024 px on, and nothing below; in copies often a tanh."""
    config = generator.config
    count = max(1, min(16, _PIXELS // config.resolution**2))
    with torch.no_grad():
        raw = generator.raw(evidence.latents(config.z_dim, count))
    share = float((raw.abs() > _SATURATED).float().mean())
    bent = 0.97 if config.resolution > 512 else 0.1
    if share > _FREQUENT:
        bent = max(bent, 0.8)
    says = f"{100 * share:.0f} % of the last layer's numbers lie beyond {_SATURATED}"
    output = asked.ask(
        "output", "What follows its last layer?",
        [
            ("tanh", "tanh: pixels from -1 to 1", math.log(bent), says),
            ("none", "nothing: the numbers are pixels from -1 to 1", math.log(1.0 - bent), says),
        ],
    )  # fmt: skip
    return _with(generator, output)


def _with(generator: FastganGenerator, output: Any) -> FastganGenerator:
    """The same generator with another output."""
    with torch.device("meta"):
        made = FastganGenerator(replace(generator.config, output=output))
    made.load_state_dict(generator.state_dict(), assign=True)
    return made.eval()
