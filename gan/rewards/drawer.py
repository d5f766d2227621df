"""Draws images with the untuned generator and reads them, in chunks that fit."""

import torch
from torch import Tensor

from gan.adversarial.precision import bfloat16_pays
from gan.model import Model
from gan.networks import LatentGenerator
from gan.taste import RawFeatures, judge, raw_features


def _grad_of(given: Tensor) -> torch.set_grad_enabled:
    return torch.set_grad_enabled(torch.is_grad_enabled() and given.requires_grad)


def _parts(rows: Tensor, size: int) -> tuple[Tensor, ...]:
    """Parts of about so many rows, all alike: a last one of a few rows would take nearly as long as a whole one."""
    parts: tuple[Tensor, ...] = rows.tensor_split(max(1, round(len(rows) / size)))
    return parts


class Drawer:
    """Draws images of latents with the untuned generator, and reads them, in chunks that fit.

    With a gradient only where what it is given asks for one.
    """

    generator: LatentGenerator

    def __init__(self, model: Model, chunk: int | None = None) -> None:
        self.generator = model.generator
        self.discriminator = model.discriminator
        self.device = model.device
        self.resolution = model.resolution
        # On a CPU what counts is that a chunk's widest layer stays in the cache: 32 is 1.3 times as fast as 128.
        # Larger images get smaller chunks, so that memory stays as it is at 128 px.
        fewer = max(1, (model.resolution // 128) ** 2)
        self.chunk = chunk or max(1, (32 if self.device.type == "cpu" else 256) // fewer)
        self.autocast = bfloat16_pays(self.device)

    def draw(self, latents: Tensor, exact: bool = False) -> Tensor:
        """(N, d) -> (N, 3, R, R) in [-1, 1] on the device; `exact` draws in float32, as a saved image is drawn."""
        parts = []
        for part in _parts(latents.to(self.device), self.chunk):
            with _grad_of(part), torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast and not exact):
                parts.append(self.generator(part).float().clamp(-1.0, 1.0))
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def read(self, images: Tensor) -> tuple[RawFeatures, Tensor | None]:
        """Raw features, and the discriminator's logits (N,) on the CPU where there is one."""
        features: list[RawFeatures] = []
        logits: list[Tensor] = []
        for part in _parts(images, 2 * self.chunk):
            with _grad_of(part):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                    hidden, logit = judge(self.discriminator, part)
                features.append(raw_features(part, hidden))
            if logit is not None:
                logits.append(logit.float().cpu())
        return RawFeatures.cat(features), torch.cat(logits) if logits else None

    def look(self, latents: Tensor) -> tuple[RawFeatures, Tensor | None]:
        """As `read` of `draw`, a few images at a time: those of many latents need not fit into memory together."""
        parts = [self.read(self.draw(part)) for part in _parts(latents, 2 * self.chunk)]
        logits = [logit for _, logit in parts if logit is not None]
        return RawFeatures.cat([raw for raw, _ in parts]), torch.cat(logits) if logits else None
