"""Checkpoints laid out as lightweight-gan and stylegan2-pytorch lay theirs out, with weights from a formula."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from gan.networks.lightweight import LightweightConfig, LightweightGenerator
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2, LucidStyleGAN2Config


def weigh(shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values for every tensor, from its place and name alone: anybody can make the same ones."""
    made = {}
    for place, key in enumerate(sorted(shapes)):
        value = shapes[key]
        draw = np.random.RandomState(place).randn(*value.shape) if value.dim() else np.array(0.0)
        if not value.is_floating_point() or key.endswith(".f"):
            made[key] = value
            continue
        if key.endswith("running_var"):
            draw = 0.3 + 0.1 * np.abs(draw)
        elif value.dim() > 1:
            draw = draw / np.sqrt(max(np.prod(value.shape[1:]), 1)) * (0.08 if "to_rgb.conv" in key else 1.0)
        else:
            draw = 0.5 + 0.2 * draw
        made[key] = torch.from_numpy(np.asarray(draw)).float()
    return made


def lightweight(config: LightweightConfig) -> dict[str, object]:
    """A lightweight-gan checkpoint; both sets of weights differ."""
    names = LightweightGenerator(config).original_state_dict()
    assert names is not None
    weights = weigh(names)
    last = {f"G.{key}": value * 1.5 if value.is_floating_point() else value for key, value in weights.items()}
    critic = {"D.residual_layers.0.weight": torch.zeros(3, 3)}
    return {
        "GAN": {**last, **critic, **{f"GE.{key}": value for key, value in weights.items()}},
        "version": "1.2.1",
    }


def stylegan2(config: LucidStyleGAN2Config) -> dict[str, object]:
    """A stylegan2-pytorch checkpoint."""
    names = LucidStyleGAN2(config).original_state_dict()
    assert names is not None
    weights = weigh(names)
    averaged = {key.replace(".", "E.", 1): value for key, value in weights.items()}
    return {"GAN": {**weights, **averaged}, "version": "1.9.0"}
