"""From the tensors of a file to a StyleGAN network: shapes, checks, weights and description."""

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gan.formats.importing.persistent import Part
from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source, check_weights
from gan.formats.importing.values import Malformed, TensorRef
from gan.model import Model
from gan.networks.latents import latents
from gan.networks.style_based import StyleBased
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan.networks.stylegan2_layers import Activation, MappingConfig

# The licence on the model's card, which later exports repeat.
LICENCE = "not known; if the weights are NVIDIA's, or made from NVIDIA's: for research and evaluation only, not for commercial use"
_MEAN_OVER = 4096  # latents from which a missing mean style is estimated

Network = TypeVar("Network", bound=nn.Module)


def shape_of(part: Part, name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of the tensor `name` in a part; it must have that number of dimensions, none of size 0.

    Raises
    ------
    Malformed
        There is no such tensor, or it has another shape.
    """
    *path, last = name.split(".")
    for step in path:
        part = part.part(step)
    ref = part.own.get(last)
    if ref is None:
        raise Malformed(f"it lacks the tensor {name}")
    if len(ref.shape) != dimensions or not all(ref.shape):
        raise Malformed(f"its tensor {name} has the shape {ref.shape}, not {dimensions} dimensions")
    return ref.shape


def activation_of(layers: list[Part]) -> Activation:
    """The activation that all layers share; leaky ReLU if they do not name one."""
    said = [layer.attributes.get("activation", "lrelu") for layer in layers]
    found = {value if isinstance(value, str) else "without a name" for value in said}
    for activation in ("lrelu", "relu", "linear"):
        if found <= {activation}:
            return activation
    if found <= {"lrelu", "relu", "linear"}:
        raise Malformed("its layers use different activations, where one for all is known")
    named = ", ".join(sorted(name[:20] for name in found))
    raise Malformed(f"it uses the activation {named}; only lrelu, relu and linear can be run")


def clamp_of(layers: list[Part]) -> float | None:
    """The bound at which its convolutions clamp; the same for all."""
    found = {layer.number("conv_clamp") for layer in layers}
    if len(found) > 1:
        raise Malformed("its layers are clamped at different values")
    return found.pop() if found else None


def mapping_of(part: Part, noise: bool = True) -> MappingConfig:
    """The configuration of a mapping network; without `noise` it maps only labels."""
    count = sum(1 for name in part.parts if name.startswith("fc"))
    hidden, inputs = shape_of(part, "fc0.weight", 2)
    classes = label_width = 0
    if "embed" in part.parts:
        label_width, classes = shape_of(part, "embed.weight", 2)
    layers = [part.part(f"fc{i}") for i in range(count)]
    multipliers = {layer.number("bias_gain") for layer in layers} - {None}
    if len(multipliers) > 1:
        raise Malformed("the layers of its mapping network have different learning rates")
    try:
        return MappingConfig(
            noise_width=inputs - label_width if noise else 0,
            classes=classes,
            label_width=label_width,
            layers=count,
            hidden=hidden,
            outputs=shape_of(layers[-1], "weight", 2)[0],
            lr_multiplier=multipliers.pop() or 0.0 if multipliers else 0.01,
            activation=activation_of(layers),
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"its mapping network cannot be run: {error}") from error


def fill(
    source: Source, kind: type[Network], config: Any, refs: dict[str, TensorRef], more: dict[str, Tensor]
) -> tuple[Network, list[str]]:
    """Build a network and load its weights.

    Parameters
    ----------
    refs : tensors of the file by the network's own names; a missing `w_avg` is estimated. Shapes may differ in dimensions of size 1, as
        they do between files.
    more : further tensors of the network, which the file lacks or stores in another form.

    Returns
    -------
    The network, and the names in `refs` that it does not use.

    Raises
    ------
    Malformed
        A tensor is missing, has another shape or is not floating-point, or the configuration cannot be built.
    """
    try:
        with torch.device(
            "meta"
        ):  # shapes only: no memory is allocated before the file is known to hold as much
            network = kind(config)
    except (ValueError, RuntimeError, TypeError, OverflowError) as error:  # the last two for sizes beyond 64-bit integers
        raise Malformed(f"it has a shape that cannot be run: {error}") from error
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    missing = set(wanted) - set(refs) - set(more) - {"w_avg"}
    if missing:
        raise Malformed(f"it lacks {len(missing)} of its tensors ({min(missing)})")
    own = {name: refs[name] for name in wanted if name in refs}
    for name, ref in own.items():
        if _squeezed(ref.shape) != _squeezed(wanted[name]):
            raise Malformed(f"its tensor {name} has the shape {ref.shape}, not {wanted[name]}")
    tensors = {name: value.reshape(wanted[name]) for name, value in source.load(own).items()} | more
    check_weights(tensors)
    estimate = "w_avg" in wanted and "w_avg" not in tensors
    if estimate:
        tensors["w_avg"] = torch.zeros(wanted["w_avg"])
    network.load_state_dict(tensors, strict=True, assign=True)
    if estimate:
        assert isinstance(network, StyleBased)
        network.w_avg = mean_style(network)
    return network, sorted(set(refs) - set(wanted))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side for side in shape if side != 1)


def mean_style(generator: StyleBased) -> Tensor:
    """The mean of w over the prior, (W,), towards which truncation moves."""
    z = latents([0], _MEAN_OVER * generator.z_dim).reshape(_MEAN_OVER, -1)
    with torch.no_grad():
        return generator.styles(z).mean(dim=0)


def finish(
    source: Source,
    family: str,
    generator: StyleBased,
    discriminator: StyleGAN2Discriminator | None,
    notes: list[str],
    warning: str,
) -> Imported:
    """The result of the import: model and description; `warning` is about the licence."""
    config = generator.config
    count = sum(parameter.numel() for parameter in generator.parameters()) / 1e6
    facts = [
        family,
        f"{config.resolution} px",
        "colour" if config.image_channels == 3 else "grey",
        f"{config.mapping.noise_width} latents",
        *([f"{config.mapping.classes} classes"] if config.mapping.classes else []),
        f"{count:.1f} million weights",
    ]
    what = ", ".join(facts)
    card = {"data": {"kind": "unknown"}, "imported": {"from": family, "what": what}, "licence": LICENCE}
    return Imported(Model(source.path.stem, generator, None, discriminator, card), what, notes, warning)
