"""Checkpoints of rosinality/stylegan2-pytorch: `{g, d, g_ema, g_optim, d_optim, args, ada_aug_p}`, or only a generator's state_dict."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source
from gan.formats.importing.stylegan_fit import fill, finish
from gan.formats.importing.values import Malformed, TensorRef
from gan.networks.latents import latents
from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from gan.networks.stylegan2_layers import MappingConfig
from gan.networks.stylegan2_names import rosinality_discriminator, rosinality_generator

_SIGNS = {"style.1.weight", "input.input", "conv1.conv.modulation.weight", "to_rgb1.conv.weight"}
_KEYS = ("g_ema", "g")  # the averaged weights draw better
_MOST_LEVELS = 11  # 4096 pixels
_LICENCE = (
    "Weights converted from NVIDIA's own are for research and evaluation only, not for commercial use, and their licence travels with "
    "them; for others, ask who trained them."
)


def can_read(source: Source) -> bool:
    """Whether the file holds a generator whose tensors have the names of this code."""
    return source.container in {"torch", "safetensors"} and _found(source.contents) is not None


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator, and its discriminator if there is one that fits."""
    found = _found(source.contents)
    assert found is not None
    key, refs = found
    notes: list[str] = []
    if key == "g":
        notes.append("It holds no averaged weights (g_ema); the ones of the last training step are taken.")
    if key != "" and isinstance(average := source.contents.get("latent_avg"), TensorRef):
        refs["latent_avg"] = average
    generator, unused = _generator(source, refs, notes)
    if unused:
        notes.append(
            f"{len(unused)} tensors that the architecture does not use were left out ({min(unused)})."
        )
    discriminator: StyleGAN2Discriminator | None = None
    refs = _state(source.contents.get("d")) if key != "" else {}
    if not refs:
        notes.append("It holds no discriminator: realism cannot be judged.")
    else:
        try:
            discriminator = _discriminator(source, refs, generator.config)
        except Malformed as error:
            notes.append(f"Its discriminator is left out, so realism cannot be judged: {error}.")
    return finish(source, "StyleGAN2 (rosinality)", generator, discriminator, notes, _LICENCE)


def _state(value: Any) -> dict[str, TensorRef]:
    """The tensors of a state_dict, without the "module." prefix of data-parallel training."""
    if not isinstance(value, dict):
        return {}
    return {
        str(name).removeprefix("module."): ref for name, ref in value.items() if isinstance(ref, TensorRef)
    }


def _found(contents: Any) -> tuple[str, dict[str, TensorRef]] | None:
    """The key of the generator in the file, "" if the file is its state_dict, and its tensors; None if there is no generator."""
    if not isinstance(contents, dict):
        return None
    for key in (*_KEYS, ""):
        refs = _state(contents.get(key) if key else contents)
        if set(refs) >= _SIGNS:
            return key, refs
    return None


def _shape(refs: dict[str, TensorRef], name: str) -> tuple[int, ...]:
    """The shape of a weight, (O, C, K, K) or (O, C); of a weight with five dimensions the leading one is dropped."""
    ref = refs.get(name)
    if ref is None:
        raise Malformed(f"it lacks the tensor {name}")
    shape = ref.shape[1:] if len(ref.shape) == 5 else ref.shape
    if len(shape) not in {2, 4} or not all(shape):
        raise Malformed(f"its tensor {name} has the shape {ref.shape}")
    return shape


def _generator(source: Source, refs: dict[str, TensorRef], notes: list[str]) -> tuple[StyleGAN2, list[str]]:
    """The generator with its weights, and the names of unused tensors."""
    levels = 1 + sum(1 for name in refs if name.startswith("to_rgbs.") and name.endswith(".conv.weight"))
    layers = sum(1 for name in refs if name.startswith("style.") and name.endswith(".weight"))
    if not 2 <= levels <= _MOST_LEVELS:
        raise Malformed(f"it has {levels} resolutions")
    hidden, inputs = _shape(refs, "style.1.weight")[:2]
    outputs = _shape(refs, f"style.{layers}.weight")[0]
    widths = [
        _shape(refs, f"{name}.conv.weight")[0]
        for name in ("conv1", *(f"convs.{2 * i + 1}" for i in range(levels - 1)))
    ]
    kernel = _filter(source, refs) / 4.0  # stored with the gain for upsampling by 2 in both directions
    try:
        config = StyleGAN2Config(
            resolution=4 << (levels - 1),
            mapping=MappingConfig(noise_width=inputs, layers=layers, hidden=hidden, outputs=outputs),
            channels=tuple(widths),
            image_channels=_shape(refs, f"to_rgbs.{levels - 2}.conv.weight")[0],
            filter_taps=kernel.shape[0],
            names="rosinality",
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"its generator has a shape that cannot be run: {error}") from error
    names = rosinality_generator(levels, layers)
    more = {"synthesis.resample_filter": kernel}
    if not any(name.startswith("noises.") for name in refs):
        notes.append(
            "It holds no noise images (an old version of that code drew new ones each time): fixed ones take their place."
        )
        more |= _fixed_noise(names, levels)
    own = {ours: refs[theirs] for ours, theirs in names.items() if theirs in refs}
    if "latent_avg" in refs:
        own["w_avg"] = refs["latent_avg"]
    generator, _ = fill(source, StyleGAN2, config, own, more)
    known = {*names.values(), "latent_avg"}
    return generator, sorted(name for name in refs if name not in known and not name.endswith(".kernel"))


def _fixed_noise(names: dict[str, str], levels: int) -> dict[str, Tensor]:
    """Noise images from fixed seeds, one per layer."""
    found = {}
    for level in range(levels):
        side = 4 << level
        for seed, layer in enumerate(("conv0", "conv1")):
            name = f"synthesis.b{side}.{layer}.noise_const"
            if name in names:
                found[name] = latents([2 * level + seed], side * side).reshape(side, side)
    return found


def _filter(source: Source, refs: dict[str, TensorRef]) -> Tensor:
    """The resampling filter (K, K), of which every resampling layer has a copy."""
    filters = list(
        source.load({name: ref for name, ref in refs.items() if name.endswith(".kernel")}).values()
    )
    if not filters or any(not torch.equal(values, filters[0]) for values in filters):
        raise Malformed("its layers have different resampling filters, or none")
    if filters[0].ndim != 2 or filters[0].shape[0] != filters[0].shape[1]:
        raise Malformed("its resampling filter is not square")
    return filters[0]


def _discriminator(
    source: Source, refs: dict[str, TensorRef], drawn: StyleGAN2Config
) -> StyleGAN2Discriminator:
    """The discriminator of the same training run, with its weights."""
    blocks = len(drawn.channels) - 1
    width = _shape(refs, "final_conv.0.weight")[0]
    kernel = _filter(source, refs)
    try:
        config = StyleGAN2DiscriminatorConfig(
            resolution=drawn.resolution,
            channels=(*(_shape(refs, f"convs.{i + 1}.conv1.0.weight")[0] for i in range(blocks)), width),
            image_channels=_shape(refs, "convs.0.0.weight")[1],
            filter_taps=kernel.shape[0],
            deviation_maps=_shape(refs, "final_conv.0.weight")[1] - width,
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"it has a shape that cannot be run: {error}") from error
    own = {
        ours: refs[theirs]
        for ours, theirs in rosinality_discriminator(drawn.resolution).items()
        if theirs in refs
    }
    return fill(source, StyleGAN2Discriminator, config, own, {"resample_filter": kernel})[0]
