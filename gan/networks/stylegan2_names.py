"""Other programs' names for the tensors of a StyleGAN2 network, to import weights and to export them to the code they came from.

NVIDIA's names are our own, except for the mean style, and the copy of the resampling filter in each of its layers.
"""

from collections.abc import Iterator

from torch import Tensor

from gan.networks.stylegan2_layers import binomial_filter

_LONG = 8  # from this many taps on, NVIDIA's code stores a filter as one row


def rosinality_generator(levels: int, mapping_layers: int) -> dict[str, str]:
    """Our name -> the name in rosinality/stylegan2-pytorch, for every tensor but the mean style and the filter.

    levels : number of resolutions of the generator, from 4 pixels on.
    """
    names = {"synthesis.b4.const": "input.input"}
    for i in range(mapping_layers):
        names |= _both(f"mapping.fc{i}", f"style.{i + 1}")  # style.0 normalises
    for level in range(levels):
        block = f"synthesis.b{4 << level}"
        layers = (
            [("conv1", "conv1")]
            if level == 0
            else [("conv0", f"convs.{2 * level - 2}"), ("conv1", f"convs.{2 * level - 1}")]
        )
        for i, (ours, theirs) in enumerate(layers):
            names |= _styled(f"{block}.{ours}", theirs, f"{theirs}.activate.bias")
            names[f"{block}.{ours}.noise_strength"] = f"{theirs}.noise.weight"
            names[f"{block}.{ours}.noise_const"] = f"noises.noise_{i if level == 0 else 2 * level - 1 + i}"
        theirs = "to_rgb1" if level == 0 else f"to_rgbs.{level - 1}"
        names |= _styled(f"{block}.torgb", theirs, f"{theirs}.bias")
    return names


def rosinality_discriminator(resolution: int) -> dict[str, str]:
    """Our name -> the name in rosinality/stylegan2-pytorch, for every tensor but the filter."""
    names = {
        f"b{resolution}.fromrgb.weight": "convs.0.0.weight",
        f"b{resolution}.fromrgb.bias": "convs.0.1.bias",
    }
    side, i = resolution, 1
    while side > 4:
        names |= {
            f"b{side}.conv0.weight": f"convs.{i}.conv1.0.weight",
            f"b{side}.conv0.bias": f"convs.{i}.conv1.1.bias",
            f"b{side}.conv1.weight": f"convs.{i}.conv2.1.weight",
            f"b{side}.conv1.bias": f"convs.{i}.conv2.2.bias",
            f"b{side}.skip.weight": f"convs.{i}.skip.1.weight",
        }
        side, i = side // 2, i + 1
    names |= {"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"}
    return names | _both("b4.fc", "final_linear.0") | _both("b4.out", "final_linear.1")


def to_rosinality(tensors: dict[str, Tensor], levels: int, mapping_layers: int) -> dict[str, Tensor]:
    """A generator's `state_dict` for rosinality/stylegan2-pytorch, with the singleton dimensions that it has there."""
    found = {}
    for ours, theirs in rosinality_generator(levels, mapping_layers).items():
        value = tensors[ours]
        if ours.endswith("noise_const"):
            value = value[None, None]
        elif ours.endswith("noise_strength"):
            value = value.reshape(1)
        elif ours.endswith("const") or theirs.endswith(".conv.weight"):
            value = value[None]
        elif theirs.startswith("to_rgb") and theirs.endswith("bias") and "modulation" not in theirs:
            value = value[None, :, None, None]
        found[theirs] = value
    kernel = tensors["synthesis.resample_filter"] * 4.0
    for level in range(1, levels):
        found[f"convs.{2 * level - 2}.conv.blur.kernel"] = kernel
        found[f"to_rgbs.{level - 1}.upsample.kernel"] = kernel
    return found


def to_nvidia(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A generator's `state_dict` for stylegan2-ada-pytorch."""
    kernel = tensors["synthesis.resample_filter"]
    found = {
        name: value for name, value in tensors.items() if name not in {"w_avg", "synthesis.resample_filter"}
    }
    found["mapping.w_avg"] = tensors["w_avg"]
    stored = kernel.sum(dim=0) if len(kernel) >= _LONG else kernel
    for owner in sorted(set(_filter_owners(tensors))):
        # Layers that do not resample have the default filter there.
        found[f"{owner}.resample_filter"] = binomial_filter(4) if owner.endswith(".conv1") else stored
    return found


def _filter_owners(tensors: dict[str, Tensor]) -> Iterator[str]:
    for name in tensors:
        module = name.rpartition(".")[0]
        if name.startswith("synthesis.b") and module.endswith((".conv0", ".conv1", ".skip")):
            yield module
            yield module.rpartition(".")[0]


def _both(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.{name}": f"{theirs}.{name}" for name in ("weight", "bias")}


def _styled(ours: str, theirs: str, bias: str) -> dict[str, str]:
    return {
        f"{ours}.weight": f"{theirs}.conv.weight",
        f"{ours}.bias": bias,
        **_both(f"{ours}.affine", f"{theirs}.conv.modulation"),
    }
