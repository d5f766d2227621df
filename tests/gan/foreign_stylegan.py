"""StyleGAN checkpoints as strangers write them, made from our own networks: NVIDIA's persistent pickles, rosinality's dictionaries.

The classes that a file names exist only while it is written.
"""

import argparse
import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan.networks.stylegan2 import StyleGAN2
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan.networks.stylegan2_layers import Conv, Dense
from gan.networks.stylegan2_names import rosinality_discriminator
from gan.networks.stylegan3 import StyleGAN3
from gan.networks.stylegan3_layers import Geometry

SOURCE = "raise SystemExit('a pickle ran the source code that it carries')"


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise SystemExit("a pickle was executed")


class EasyDict(dict[str, Any]):
    """As in dnnlib: a dictionary whose items are also attributes."""


class Network:
    """A TensorFlow network."""

    def __setstate__(self, state: Any) -> None:
        raise SystemExit("a pickle was executed")


@contextmanager
def named() -> Iterator[None]:
    """The classes above, under the names that NVIDIA's code has for them."""
    homes = {
        "torch_utils.persistence": _reconstruct_persistent_obj,
        "dnnlib.util": EasyDict,
        "dnnlib.tflib.network": Network,
    }
    before = {thing: thing.__module__ for thing in homes.values()}
    try:
        for home, thing in homes.items():
            sys.modules[home] = ModuleType(home)
            setattr(sys.modules[home], thing.__name__, thing)
            thing.__module__ = home
        for parent in ("torch_utils", "dnnlib", "dnnlib.tflib"):
            sys.modules[parent] = ModuleType(parent)
        yield
    finally:
        for thing, home in before.items():
            thing.__module__ = home
        for home in (*homes, "torch_utils", "dnnlib", "dnnlib.tflib"):
            sys.modules.pop(home, None)


class Persistent:
    """A module that carries its source."""

    def __init__(self, class_name: str, **attributes: Any) -> None:
        self.class_name = class_name
        self.state: dict[str, Any] = {
            "training": False, "_parameters": OrderedDict(), "_buffers": OrderedDict(), "_modules": OrderedDict(),
            "_init_args": (), "_init_kwargs": EasyDict(), **attributes,
        }  # fmt: skip

    def __reduce__(self) -> Any:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": SOURCE,
            "class_name": self.class_name,
            "state": self.state,
        }
        return _reconstruct_persistent_obj, (meta,), None

    def part(self, *path: str, class_name: str = "Module") -> "Persistent":
        """A submodule, made where there is none."""
        found = self
        for name in path:
            found = found.state["_modules"].setdefault(name, Persistent(class_name))
        return found

    def put(self, name: str, value: Tensor | None) -> None:
        """A tensor under its name in a state_dict."""
        *path, last = name.split(".")
        kind = "_parameters" if isinstance(value, nn.Parameter) else "_buffers"
        self.part(*path).state[kind][last] = value


def generator(network: StyleGAN2) -> Persistent:
    """A generator in NVIDIA's layout, with the attributes that say what tensors cannot."""
    config = network.config
    top = Persistent(
        "Generator",
        z_dim=config.mapping.noise_width,
        c_dim=config.mapping.classes,
        img_resolution=config.resolution,
    )
    own = dict(network.named_parameters())
    for name, value in network.original_state_dict().items():
        top.put(name, own.get(name, value))
    _mapping(top.part("mapping"), network.mapping.config)
    for side in (4 << level for level in range(len(config.channels))):
        block = top.part("synthesis", f"b{side}").state["_modules"]
        for name, layer in block.items():
            if name != "skip":
                layer.state |= {"conv_clamp": config.clamp}
            if name.startswith("conv"):
                layer.state |= {"activation": config.activation, "use_noise": config.noise_inputs}
    return top


def generator3(network: StyleGAN3) -> Persistent:
    """A StyleGAN3 generator in NVIDIA's layout, with the attributes that say what tensors cannot."""
    config = network.config
    top = Persistent("Generator", z_dim=config.mapping.noise_width, c_dim=config.mapping.classes, img_resolution=config.resolution)
    own = dict(network.named_parameters())
    for name, value in network.original_state_dict().items():
        top.put(name, own.get(name, value))
    _mapping(top.part("mapping"), network.mapping.config)
    synthesis, first = top.part("synthesis"), config.signals[0]
    synthesis.state |= {"layer_names": list(config.names), "output_scale": config.output_scale, "num_layers": len(config.signals) - 1}
    # numpy's numbers, as they come out of NVIDIA's arithmetic, and sizes as arrays
    entering = top.part("synthesis", "input", class_name="SynthesisInput")
    entering.class_name = "SynthesisInput"
    entering.state |= {
        "size": np.array([first.size] * 2), "sampling_rate": np.float64(first.rate), "bandwidth": np.float64(first.cutoff),
    }  # fmt: skip
    before = first
    for i, (name, after) in enumerate(zip(config.names, config.signals, strict=True)):
        last = i == len(config.signals) - 1
        geometry = Geometry(before, after, config.filters)
        layer = top.part("synthesis", name)
        layer.class_name = "SynthesisLayer"
        layer.state |= {
            "is_torgb": last, "conv_kernel": 1 if last else config.filters.kernel, "conv_clamp": config.filters.clamp,
            "in_size": np.array([before.size] * 2), "out_size": np.array([after.size] * 2),
            "in_sampling_rate": before.rate, "out_sampling_rate": after.rate, "tmp_sampling_rate": after.rate if last else geometry.rate,
            "in_cutoff": np.float64(before.cutoff), "out_cutoff": np.float64(after.cutoff),
            "in_half_width": np.float64(before.half_width), "out_half_width": np.float64(after.half_width),
            "up_factor": 1 if last else geometry.up, "down_factor": 1 if last else geometry.down,
            "up_taps": 1 if last else geometry.up_taps, "down_taps": 1 if last else geometry.down_taps,
            "padding": [0, 0, 0, 0] if last else [*geometry.padding, *geometry.padding],
        }  # fmt: skip
        before = after
    return top


def discriminator(network: StyleGAN2Discriminator) -> Persistent:
    """A discriminator in NVIDIA's layout."""
    config = network.config
    top = Persistent("Discriminator", img_resolution=config.resolution)
    for name, value in network.named_parameters():
        top.put(name, value)
    for name, module in network.named_modules():
        path = name.split(".")
        if isinstance(module, Conv):
            clamped = path[-1] != "skip" and path != ["b4", "fromrgb"]
            top.part(*path).state |= {
                "activation": module.activation,
                "conv_clamp": config.clamp if clamped else None,
            }
            top.put(f"{name}.resample_filter", network.resample_filter)
        elif isinstance(module, Dense):
            top.part(*path).state |= {"activation": module.activation, "bias_gain": module.bias_scale}
    for level in range(len(config.channels) - 1):
        top.put(f"b{config.resolution >> level}.resample_filter", network.resample_filter)
    if config.deviation_maps:
        top.part("b4", "mbstd").state |= {
            "group_size": config.deviation_group,
            "num_channels": config.deviation_maps,
        }
    if config.mapping:
        _mapping(top.part("mapping"), config.mapping)
    return top


def _mapping(part: Persistent, config: Any) -> None:
    for i in range(config.layers):
        # numpy's numbers come out of NVIDIA's arithmetic, and are pickled as such
        part.part(f"fc{i}").state |= {
            "activation": config.activation,
            "bias_gain": np.float64(config.lr_multiplier),
        }


def pickled(value: Any) -> bytes:
    """The bytes of a file that holds it."""
    with named():
        buffer = io.BytesIO()
        pickle.dump(value, buffer)
    return buffer.getvalue()


def run(drawing: StyleGAN2 | StyleGAN3 | None, judge: StyleGAN2Discriminator | None = None, **more: Any) -> bytes:
    """A `network-*.pkl`: G is another network than G_ema, so that taking the wrong one shows."""
    data: dict[str, Any] = {"training_set_kwargs": EasyDict(resolution=16), "augment_pipe": None}
    if drawing is not None:
        if isinstance(drawing, StyleGAN3):
            data |= {"G": generator3(StyleGAN3(drawing.config)), "G_ema": generator3(drawing)}
        else:
            data |= {"G": generator(StyleGAN2(drawing.config)), "G_ema": generator(drawing)}
    data |= {"D": discriminator(judge)} if judge is not None else {}
    return pickled({**data, **more})


def rosinality(
    drawing: StyleGAN2, judge: StyleGAN2Discriminator | None = None, average: bool = True
) -> dict[str, Any]:
    """A checkpoint of rosinality's train.py, or of its converter, which adds the mean style."""
    state = drawing.original_state_dict()
    data: dict[str, Any] = {
        "g": {name: torch.zeros_like(value) for name, value in state.items()}, "g_ema": state, "g_optim": {"state": {}, "param_groups": []},
        "args": argparse.Namespace(size=drawing.resolution, n_mlp=3), "ada_aug_p": 0.2,
    }  # fmt: skip
    if judge is not None:
        own = judge.state_dict()
        data["d"] = {theirs: own[ours] for ours, theirs in rosinality_discriminator(judge.resolution).items()}
        data["d"]["convs.1.conv2.0.kernel"] = judge.resample_filter
    if average:
        data["latent_avg"] = drawing.w_avg
    return data
