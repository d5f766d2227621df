"""Draws images with the untuned generator and computes their features, in chunks that fit into memory."""

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from gan.device import bfloat16_pays
from gan.model import Model
from gan.networks import LatentGenerator
from gan.taste import RawFeatures, judge, raw_features


def _grad_of(given: Tensor) -> torch.set_grad_enabled:
    return torch.set_grad_enabled(torch.is_grad_enabled() and given.requires_grad)


def _parts(rows: Tensor, size: int) -> tuple[Tensor, ...]:
    """Split into parts of about `size` rows and nearly equal length: a short last part would take nearly as long as a full one."""
    parts: tuple[Tensor, ...] = rows.tensor_split(max(1, round(len(rows) / size)))
    return parts


class Drawer:
    """Draws images from latents with the untuned generator and computes their features, in chunks that fit into memory.

    Gradients are recorded only if the input requires them.
    """

    generator: LatentGenerator

    def __init__(self, model: Model, chunk: int | None = None) -> None:
        self.generator = model.generator
        self.discriminator = model.discriminator
        self.device = model.device
        self.resolution = model.resolution
        # On a CPU, a chunk's widest layer should stay in the cache: 32 images are 1.3 times as fast as 128.
        # Larger images get smaller chunks, so that they need no more memory than at 128 px.
        fewer = max(1, (model.resolution // 128) ** 2)
        self.chunk = chunk or max(1, (32 if self.device.type == "cpu" else 256) // fewer)
        self.autocast = bfloat16_pays(self.device)
        # What a module that is not ours does in two threads at once is not known, and onnxruntime has threads of its own.
        self._side_by_side = self.device.type == "cpu" and self.generator.kind not in ("wrapped", "onnx")

    def draw(self, latents: Tensor, exact: bool = False) -> Tensor:
        """Latents (N, d) -> images (N, 3, R, R) in [-1, 1] on the device; `exact` draws in float32, as images are saved."""
        parts = []
        for part in _parts(latents.to(self.device), self.chunk):
            with _grad_of(part), torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast and not exact):
                parts.append(self.generator(part).float().clamp(-1.0, 1.0))
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def read(self, images: Tensor) -> tuple[RawFeatures, Tensor | None]:
        """Raw features of images (N, 3, R, R) in [-1, 1], and the discriminator's logits (N,) on the CPU, None without a discriminator."""
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
        """Like `read(draw(latents))`, but a few images at a time, so that not all of them need to fit into memory.

        On a CPU, several parts side by side, each on one thread, unless gradients are recorded: threads that share an image wait for each
        other after every layer, and for long if another program is on one's core.
        """
        threads = torch.get_num_threads()
        graph = torch.is_grad_enabled() and latents.requires_grad
        if self._side_by_side and 1 < threads <= len(latents) // 2 and not graph:
            parts = latents.tensor_split(max(threads, round(len(latents) / self.chunk)))
            try:
                with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                    looked = list(pool.map(self._look, parts))
            finally:
                torch.set_num_threads(threads)  # what the threads set is partly everyone's: MKL's number, and that of later threads
        else:
            looked = [self._look(part) for part in _parts(latents, 2 * self.chunk)]
        logits = [logit for _, logit in looked if logit is not None]
        return RawFeatures.cat([raw for raw, _ in looked]), torch.cat(logits) if logits else None

    def _look(self, latents: Tensor) -> tuple[RawFeatures, Tensor | None]:
        return self.read(self.draw(latents))
