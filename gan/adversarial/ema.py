"""Exponential moving average of the generator's weights."""

import torch
from torch import nn


def ema_decay(batch: int, images_seen: int, half_life_kimg: float, ramp: float = 0.05) -> float:
    """Decay of one step, with which the influence of past weights halves every `half_life_kimg` thousand images.

    The half-life is at most `ramp` times the images seen (Karras et al. 2020, arXiv 2006.06676, appendix F: "EMA ramp-up"); otherwise the
    average would remember the random start throughout a short run.
    """
    half_life = min(half_life_kimg * 1000.0, max(images_seen * ramp, 1e-8))
    return float(0.5 ** (batch / half_life))


@torch.no_grad()
def ema_update(average: nn.Module, live: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * live, for parameters and buffers."""
    torch._foreach_lerp_(list(average.parameters()), list(live.parameters()), 1.0 - decay)
    for slow, fast in zip(average.buffers(), live.buffers(), strict=True):
        slow.copy_(fast)
