"""StyleGAN2, StyleGAN2-ADA and StyleGAN3 pickles (`network-*.pkl`).

Such a file is a dictionary of modules, each with its own Python source, which NVIDIA's loader executes. Here the source is ignored:
weights and architecture are read from the modules' attributes, and our own implementation runs them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gan.formats.importing import stylegan3
from gan.formats.importing.persistent import REBUILD, Part, parts_of
from gan.formats.importing.restricted import UNDERSTOOD
from gan.formats.importing.result import Imported, Option, Question
from gan.formats.importing.source import Source
from gan.formats.importing.stylegan_fit import activation_of, clamp_of, fill, finish, mapping_of, shape_of
from gan.formats.importing.values import Malformed, Node
from gan.networks.stylegan2 import Architecture, StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from gan.networks.stylegan3 import StyleGAN3, StyleGAN3Config

_LICENCE = (
    "NVIDIA's own weights are for research and evaluation only, not for commercial use, and so is what is made from them; their licence "
    "travels with them. For weights that someone else trained with NVIDIA's code, ask who trained them."
)
_TENSORFLOW = "dnnlib.tflib.network.Network"
_KEYS = ("G_ema", "G")  # the averaged weights draw better
_LARGEST_SIDE = 4096
_MOST_OPTIONS = 100  # classes that can be offered one by one
# Prefixes of what pickles of this family call: NVIDIA's classes, torch's layers, numpy's scalars.
_KNOWN = (
    "torch_utils.",
    "dnnlib.",
    "training.",
    "torch.nn.modules.",
    "numpy.",
    "copyreg._reconstructor",
    "torch.device",
)


def can_read(source: Source) -> bool:
    """Whether it is a bare pickle of NVIDIA's modules, of PyTorch or TensorFlow."""
    return source.container == "pickle" and not source.unpickled.calls.isdisjoint({REBUILD, _TENSORFLOW})


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator, and its discriminator if there is one that fits."""
    value = source.unpickled.value
    if _tensorflow(value):
        raise Malformed(
            "it is a StyleGAN pickle of the TensorFlow era; convert it with legacy.py of stylegan2-ada-pytorch, and import what that writes"
        )
    _refuse_programs(source.unpickled.calls)
    named = {key: value[key] for key in (*_KEYS, "D") if key in value} if isinstance(value, dict) else {"G_ema": value}
    networks = parts_of(named)
    notes: list[str] = []
    key = next((key for key in _KEYS if key in networks), None)
    if key is None:
        raise Malformed("it holds modules of NVIDIA's, but no generator")
    if key != "G_ema":
        notes.append("It holds no averaged weights (G_ema); the ones of the last training step are taken.")
    part = networks[key]
    alias_free = stylegan3.is_one(part)
    if not alias_free:
        _refuse_others(part)
    questions = _questions(mapping_of(part.parts["mapping"]).classes)
    label = questions[0].answer(choices) if questions else "any"
    build: Callable[..., tuple[StyleGAN2 | StyleGAN3, list[str]]] = stylegan3.generator if alias_free else _generator
    generator, unused = build(source, part, None if label == "any" else int(label))
    notes += _left_out(unused)
    discriminator: StyleGAN2Discriminator | None = None
    critic = networks.get("D")
    if critic is None:
        notes.append("It holds no discriminator: realism cannot be judged.")
    else:
        try:
            discriminator, unused = _discriminator(source, critic, generator.config)
            notes += _left_out(unused)
        except Malformed as error:
            notes.append(f"Its discriminator is left out, so realism cannot be judged: {error}.")
    family = generator.config.variant if isinstance(generator, StyleGAN3) else "StyleGAN2"
    imported = finish(source, family, generator, discriminator, notes, _LICENCE)
    imported.settled += questions
    return imported


def _tensorflow(value: Any) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(isinstance(item, Node) and item.call == _TENSORFLOW for item in items)


def _refuse_programs(calls: set[str]) -> None:
    """Refuse a file that would call what no weights need, although nothing would be run here."""
    odd = sorted(name for name in calls - UNDERSTOOD if not name.startswith(_KNOWN))
    if odd:
        raise Malformed(
            f"it would call {odd[0] or 'an object of its own':.60} if it were opened, which no weights need"
        )


def _refuse_others(part: Part) -> None:
    """Refuse relatives of StyleGAN2 that cannot be run."""
    synthesis, mapping = part.parts.get("synthesis"), part.parts.get("mapping")
    if synthesis is None or mapping is None or "b4" not in synthesis.parts or "fc0" not in mapping.parts:
        raise Malformed(f"it holds a network of class {part.class_name:.60}, which is no StyleGAN2 or StyleGAN3 generator")


def _left_out(unused: list[str]) -> list[str]:
    if not unused:
        return []
    return [f"{len(unused)} tensors that the architecture does not use were left out ({min(unused)})."]


def _questions(classes: int) -> list[Question]:
    """Which class to draw. The default is all of them, which excludes nothing."""
    if not 0 < classes <= _MOST_OPTIONS:
        return []
    every = Option(
        "any", "All of them", "the latent chooses, so that tuning can learn which classes are liked"
    )
    single = [Option(str(i), f"Class {i} only") for i in range(classes)]
    return [Question("label", f"It draws {classes} classes. Which ones?", (every, *single), "any")]


# -------------------------------------------------------------------------------------------------------------- generator


def _sides(part: Part, what: str) -> list[int]:
    """Resolutions of its blocks b4, b8, ...: all powers of two from 4 to the largest."""
    sides = sorted(
        int(name[1:]) for name in part.parts if name[:1] == "b" and name[1:].isdecimal() and len(name) < 6
    )
    if len(sides) < 2 or sides != [4 << level for level in range(len(sides))] or sides[-1] > _LARGEST_SIDE:
        raise Malformed(
            f"its {what} lacks blocks (it has {', '.join(f'b{side}' for side in sides) or 'none'})"
        )
    return sides


def _filter(source: Source, part: Part, resampling: str) -> tuple[Tensor, set[str]]:
    """The resampling filter (K, K) shared by blocks and by their layers `resampling` and "skip", and the names of all copies of it."""
    copies = {name: ref for name, ref in part.tensors().items() if name.split(".")[-1] == "resample_filter"}
    # Layers that do not resample have one too, which is unused and may differ.
    used = {
        name: ref
        for name, ref in copies.items()
        if name.count(".") == 1 or name.split(".")[-2] in {resampling, "skip"}
    }
    filters = list(source.load(used).values())
    if not filters or any(not torch.equal(values, filters[0]) for values in filters):
        raise Malformed("its layers have different resampling filters, or none")
    return _square(filters[0]), set(copies)


def _square(values: Tensor) -> Tensor:
    """A stored filter as a square one: separable filters are stored as a row."""
    if values.ndim == 1 and len(values):
        return values.outer(values)
    if values.ndim == 2 and values.shape[0] == values.shape[1]:
        return values
    raise Malformed("its resampling filter is not square")


def _generator(source: Source, part: Part, label: int | None) -> tuple[StyleGAN2, list[str]]:
    """The generator with its weights, and the names of unused tensors."""
    synthesis, mapping = part.parts["synthesis"], part.parts["mapping"]
    sides = _sides(synthesis, "generator")
    blocks = [synthesis.parts[f"b{side}"] for side in sides]
    architecture: Architecture = "orig"
    if "torgb" in blocks[0].parts:
        architecture = "skip"
    elif "skip" in blocks[1].parts:
        architecture = "resnet"
    layers = [
        layer
        for block in blocks
        for name, layer in block.parts.items()
        if name in {"conv0", "conv1", "torgb"}
    ]
    styled = [layer for layer in layers if "noise_strength" in layer.own or "activation" in layer.attributes]
    kernel, copies = _filter(source, synthesis, "conv0")
    try:
        config = StyleGAN2Config(
            resolution=sides[-1],
            mapping=mapping_of(mapping),
            channels=tuple(shape_of(block, "conv1.weight", 4)[0] for block in blocks),
            image_channels=shape_of(blocks[-1], "torgb.weight", 4)[0],
            architecture=architecture,
            activation=activation_of(styled),
            clamp=clamp_of(layers),
            filter_taps=kernel.shape[0],
            noise_inputs="noise_const" in blocks[0].part("conv1").own,
            label=label,
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"its generator has a shape that cannot be run: {error}") from error
    refs = {
        name: ref for name, ref in part.tensors().items() if name.removeprefix("synthesis.") not in copies
    }
    if "mapping.w_avg" in refs:
        refs["w_avg"] = refs.pop("mapping.w_avg")
    return fill(source, StyleGAN2, config, refs, {"synthesis.resample_filter": kernel})


# ---------------------------------------------------------------------------------------------------------- discriminator


def _discriminator(
    source: Source, part: Part, drawn: StyleGAN2Config | StyleGAN3Config
) -> tuple[StyleGAN2Discriminator, list[str]]:
    """The discriminator of the same training run with its weights, and the names of unused tensors."""
    sides = _sides(part, "discriminator")
    if sides[-1] != drawn.resolution:
        raise Malformed(f"it takes images of {sides[-1]} px, and the generator draws {drawn.resolution} px")
    blocks, head = [part.parts[f"b{side}"] for side in reversed(sides[1:])], part.parts["b4"]
    architecture: Architecture = "orig"
    if "fromrgb" in head.parts:
        architecture = "skip"
    elif "skip" in blocks[0].parts:
        architecture = "resnet"
    layers = [layer for block in blocks for name, layer in block.parts.items() if name != "skip"]
    layers.append(head.part("conv"))
    width = shape_of(head, "fc.weight", 2)[0]
    statistic = head.parts.get("mbstd")
    group = statistic.number("group_size") if statistic is not None else None
    kernel, copies = _filter(source, part, "conv1")
    mapping = mapping_of(part.parts["mapping"], noise=False) if "mapping" in part.parts else None
    try:
        config = StyleGAN2DiscriminatorConfig(
            resolution=sides[-1],
            channels=(*(shape_of(block, "conv0.weight", 4)[0] for block in blocks), width),
            image_channels=shape_of(blocks[0], "fromrgb.weight", 4)[1],
            architecture=architecture,
            activation=activation_of([*layers, head.part("fc")]),
            clamp=clamp_of(layers),
            filter_taps=kernel.shape[0],
            deviation_maps=shape_of(head, "conv.weight", 4)[1] - width,
            deviation_group=None if group is None else int(group),
            mapping=mapping,
            label=drawn.label if mapping else None,
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"it has a shape that cannot be run: {error}") from error
    if (
        config.image_channels != drawn.image_channels
        or (mapping.classes if mapping else 0) != drawn.mapping.classes
    ):
        raise Malformed("it does not fit the generator")
    refs = {name: ref for name, ref in part.tensors().items() if name not in copies}
    return fill(source, StyleGAN2Discriminator, config, refs, {"resample_filter": kernel})
