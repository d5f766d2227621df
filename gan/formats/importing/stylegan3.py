"""StyleGAN3's generators in NVIDIA's pickles: the architecture is read off the names and attributes of their layers."""

import re

import torch
from torch import Tensor

from gan.formats.importing.persistent import Part
from gan.formats.importing.relatives import DESCENDANT
from gan.formats.importing.source import Source
from gan.formats.importing.stylegan_fit import clamp_of, fill, mapping_of, shape_of
from gan.formats.importing.values import Malformed, TensorRef
from gan.networks.stylegan3 import StyleGAN3, StyleGAN3Config
from gan.networks.stylegan3_layers import FilterConfig, Geometry, Signal

_NAME = re.compile(r"L(\d{1,2})_(\d{1,5})_(\d{1,5})")  # number, samples along a side, channels
_MAPPING = re.compile(r"embed|fc\d{1,2}")
_LARGEST = 65536
_UNLIKE = "its layer {name:.60} is built in a way that is not StyleGAN3's"


def is_one(part: Part) -> bool:
    """Whether a pickled generator is StyleGAN3's.

    Raises
    ------
    Malformed
        It is a descendant of StyleGAN3 that has other parts.
    """
    synthesis, mapping = part.parts.get("synthesis"), part.parts.get("mapping")
    named = any(_NAME.fullmatch(name) for name in synthesis.parts) if synthesis else False
    classes = {inner.class_name for inner in part.walk()}
    if not named and "SynthesisInput" not in classes and (synthesis is None or "input" not in synthesis.parts):
        return False
    if synthesis is None or mapping is None or not named or "head_layer_names" in synthesis.attributes:
        raise Malformed(DESCENDANT)
    own = {name for name in synthesis.parts if name == "input" or _NAME.fullmatch(name)}
    if own != set(synthesis.parts) or not all(_MAPPING.fullmatch(name) for name in mapping.parts):
        raise Malformed(DESCENDANT)
    return True


def generator(source: Source, part: Part, label: int | None) -> tuple[StyleGAN3, list[str]]:
    """The generator with its weights, and the names of unused tensors.

    Raises
    ------
    Malformed
        Something is missing, contradicts itself, or has a shape that cannot be run.
    """
    synthesis = part.parts["synthesis"]
    names = _layer_names(synthesis)
    layers = [synthesis.parts[name] for name in names]
    scale = synthesis.number("output_scale")
    try:
        signals = tuple(_signal(name, layer) for name, layer in zip(names, layers, strict=True))
        filters = _filters(layers[:-1], signals)
        config = StyleGAN3Config(
            resolution=signals[-1].size,
            mapping=mapping_of(part.parts["mapping"]),
            signals=signals,
            filters=filters,
            radial=sum(1 for layer in layers[:-1] if "down_filter" in layer.own and len(layer.own["down_filter"].shape) == 2),
            output_scale=0.25 if scale is None else scale,
            label=label,
        )
        geometry = [
            Geometry(signals[max(i - 1, 0)], signal, filters) for i, signal in enumerate(signals[:-1])
        ]
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"its generator has a shape that cannot be run: {error}") from error
    _check(synthesis, config, geometry)
    refs = part.tensors()
    if "mapping.w_avg" in refs:
        refs["w_avg"] = refs.pop("mapping.w_avg")
    made, unused = fill(source, StyleGAN3, config, refs, _missing(refs, config, geometry))
    for name, value in made.named_buffers():
        if name.endswith("magnitude_ema") and not bool(value > 0):
            raise Malformed(f"its tensor {name} is a mean of squares, and not positive")
    return made, unused


def _layer_names(synthesis: Part) -> list[str]:
    """The names of its layers in their order; they are numbered from 0."""
    found = {}
    for name in synthesis.parts:
        if matched := _NAME.fullmatch(name):
            found[int(matched[1])] = name
    if len(found) < 3 or sorted(found) != list(range(len(found))) or len(found) != len(synthesis.parts) - ("input" in synthesis.parts):
        raise Malformed(f"its generator lacks layers (it has {', '.join(sorted(found.values()))[:80]})")
    return [found[i] for i in range(len(found))]


def _whole(layer: Part, name: str) -> int:
    """An attribute that is a whole number from 1."""
    value = layer.number(name)
    if value is None or value != int(value) or not 1 <= value <= _LARGEST:
        raise Malformed(f"its {layer.class_name:.60} has a {name} that is no size")
    return int(value)


def _positive(layer: Part, name: str) -> float:
    value = layer.number(name)
    if value is None or value <= 0.0:
        raise Malformed(f"its {layer.class_name:.60} has a {name} that is no positive number")
    return value


def _signal(name: str, layer: Part) -> Signal:
    """What a layer puts out. Its size is in its name: the attribute is an array, which would say no more."""
    _, size, channels = (int(number) for number in name[1:].split("_"))
    if not (size and channels):
        raise Malformed(_UNLIKE.format(name=name))
    return Signal(
        channels, size, _whole(layer, "out_sampling_rate"), _positive(layer, "out_cutoff"), _positive(layer, "out_half_width")
    )


def _filters(layers: list[Part], signals: tuple[Signal, ...]) -> FilterConfig:
    """What the hidden layers share; that they do is checked when their weights are loaded."""
    first = layers[0]
    rate = max(_whole(first, "in_sampling_rate"), signals[0].rate)
    up = _whole(first, "up_factor")
    return FilterConfig(
        kernel=shape_of(first, "weight", 4)[3],
        relative_taps=max(1, _whole(first, "up_taps") // up),
        oversampling=max(1, _whole(first, "tmp_sampling_rate") // rate),
        clamp=clamp_of(layers),
    )


def _check(synthesis: Part, config: StyleGAN3Config, geometry: list[Geometry]) -> None:
    """Check that the layers are put together as the configuration says; what else they are is in the shapes of their tensors."""
    first, entering = config.signals[0], synthesis.part("input")
    if (entering.number("sampling_rate"), entering.number("bandwidth")) != (first.rate, first.cutoff):
        raise Malformed(_UNLIKE.format(name="input"))
    hidden = {name: (each.up, each.down, [*each.padding, *each.padding]) for name, each in zip(config.names, geometry, strict=False)}
    for name in config.names:
        layer = synthesis.parts[name]
        wanted = hidden.get(name, (1, 1, [0, 0, 0, 0]))
        if (layer.number("up_factor"), layer.number("down_factor"), layer.attributes.get("padding")) != wanted:
            raise Malformed(_UNLIKE.format(name=name))
        if layer.number("conv_clamp") != config.filters.clamp:
            raise Malformed("its layers are clamped at different values")


def _missing(refs: dict[str, TensorRef], config: StyleGAN3Config, geometry: list[Geometry]) -> dict[str, Tensor]:
    """The filters that the file lacks, as the paper designs them."""
    found = {}
    with torch.device("cpu"):
        for i, (name, each) in enumerate(zip(config.names, geometry, strict=False)):
            for kind, values in each.filters(i < config.radial).items():
                if f"synthesis.{name}.{kind}" not in refs:
                    found[f"synthesis.{name}.{kind}"] = values
    return found
