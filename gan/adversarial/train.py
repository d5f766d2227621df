"""The adversarial training loop: relativistic pairs, lazy R1 + R2, EMA, exact resume."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.adversarial.ema import ema_decay, ema_update
from gan.adversarial.losses import discriminator_loss, generator_loss, gradient_penalty
from gan.adversarial.precision import bfloat16_pays
from gan.formats.files import atomic_write
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig


@dataclass(frozen=True)
class TrainConfig:
    """What a training run does; saved with its checkpoints."""

    kimg: float = 400.0  # length of the run in thousands of real images; schedules are laid over it
    batch: int = 32  # images a step
    learning_rate: float = 2.5e-3  # of both networks at the start (equalised learning rate: larger than usual is right)
    learning_rate_end: float = 2.5e-4  # at the end, by a half cosine
    betas: tuple[float, float] = (0.0, 0.99)  # of Adam; torch >= 2.13 wants floats
    gamma: float = 0.5  # weight of R1 and R2 at the start (gamma / 2 * squared norm)
    gamma_end: float = 0.1  # at the end, by a half cosine
    penalty_interval: int = 8  # steps between penalties, reweighted by the interval (Karras et al. 2020, sec. 3.1)
    ema_kimg: float = 10.0  # half-life of the generator's average
    mirror: bool = True  # random horizontal flips
    seed: int = 0


@dataclass(frozen=True)
class TrainProgress:
    """What one report says. Losses are means since the last report."""

    images: int  # real images seen so far
    fraction: float  # of the run, 0 to 1
    images_per_second: float  # of this process, over the last report interval
    seconds_left: float  # at that speed
    generator_loss: float
    discriminator_loss: float
    gradient_penalty: float  # mean squared gradient norm over real and generated images, without gamma
    realness_gap: float  # mean D(real) - mean D(generated)


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))


class Trainer:
    """One adversarial run over a pool of images.

    Parameters
    ----------
    images : uint8 array (N, R, R, 3), may be memory-mapped; never copied whole.
    config : the run.
    device : where to train.
    generator, discriminator : networks to start from (a warm start), or None for fresh ones of the given configurations.
    """

    def __init__(
        self,
        images: np.ndarray,
        config: TrainConfig,
        device: torch.device,
        generator: Generator,
        discriminator: Discriminator,
    ) -> None:
        if images.ndim != 4 or images.shape[1] != generator.resolution or images.shape[3] != 3:
            raise ValueError(f"images are {images.shape}, the generator draws {generator.resolution} px RGB")
        self.images, self.config, self.device = images, config, device
        self.generator, self.discriminator = generator.to(device), discriminator.to(device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # several times faster than contiguous
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator_optimizer = self._adam(self.generator)
        self.discriminator_optimizer = self._adam(self.discriminator)
        self.random = torch.Generator().manual_seed(config.seed)  # one CPU stream draws everything: resume is exact
        self.images_seen = 0
        self.steps = 0
        self.autocast = bfloat16_pays(device)

    @classmethod
    def fresh(
        cls,
        images: np.ndarray,
        config: TrainConfig,
        device: torch.device,
        generator_config: GeneratorConfig,
        discriminator_config: DiscriminatorConfig,
    ) -> "Trainer":
        """A run from random weights, drawn from `config.seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generator, discriminator = Generator(generator_config), Discriminator(discriminator_config)
        return cls(images, config, device, generator, discriminator)

    def _adam(self, network: torch.nn.Module) -> torch.optim.Adam:
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(
            network.parameters(), lr=self.config.learning_rate, betas=self.config.betas, eps=1e-8, fused=fused
        )

    @property
    def fraction(self) -> float:
        return self.images_seen / (self.config.kimg * 1000.0)

    # ------------------------------------------------------------------ one step

    def _real_batch(self) -> Tensor:
        """(batch, 3, R, R) in [-1, 1] on the device."""
        picks = torch.randint(len(self.images), (self.config.batch,), generator=self.random)
        pixels = torch.from_numpy(self.images[np.sort(picks.numpy())]).to(self.device)
        batch = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)  # NHWC seen as NCHW is channels_last already
        if self.config.mirror:
            flips = torch.rand(len(batch), generator=self.random).lt(0.5).to(self.device)
            batch = torch.where(flips[:, None, None, None], batch.flip(3), batch)
        return batch.contiguous(memory_format=torch.channels_last)

    def _latents(self) -> Tensor:
        return torch.randn(self.config.batch, self.generator.z_dim, generator=self.random).to(self.device)

    def step(self) -> dict[str, Tensor]:
        """One update of both networks. Returns detached scalars on the device; reading them is the caller's wait."""
        config = self.config
        learning_rate = _half_cosine(config.learning_rate, config.learning_rate_end, self.fraction)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
        stats: dict[str, Tensor] = {}
        cast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast)

        # Discriminator: real against generated, and every few steps the two penalties.
        real = self._real_batch()
        with torch.no_grad(), cast:
            fake = self.generator(self._latents()).float()
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        with cast:
            real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        loss = discriminator_loss(real_logits, fake_logits)
        loss.backward()
        stats["discriminator_loss"] = loss.detach()
        stats["realness_gap"] = (real_logits.mean() - fake_logits.mean()).detach()
        if self.steps % config.penalty_interval == 0:
            gamma = _half_cosine(config.gamma, config.gamma_end, self.fraction)
            # float32: second derivatives of squared gradients do not survive bfloat16's eight bits.
            penalty = gradient_penalty(self.discriminator, real) + gradient_penalty(self.discriminator, fake)
            (penalty * (gamma / 2 * config.penalty_interval)).backward()
            stats["gradient_penalty"] = penalty.detach() / 2
        self.discriminator_optimizer.step()

        # Generator, against the same real images.
        self.generator_optimizer.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(False)
        with cast:
            w = self.generator.mapping(self._latents())
            fake_logits = self.discriminator(self.generator.synthesis(w))
            with torch.no_grad():
                real_logits = self.discriminator(real)
        loss = generator_loss(real_logits, fake_logits)
        loss.backward()
        self.discriminator.requires_grad_(True)
        self.generator_optimizer.step()
        self.generator.w_mean.lerp_(w.detach().float().mean(dim=0), 0.005)
        stats["generator_loss"] = loss.detach()

        self.images_seen += config.batch
        self.steps += 1
        ema_update(self.average, self.generator, ema_decay(config.batch, self.images_seen, config.ema_kimg))
        return stats

    # ------------------------------------------------------------------ the run

    def run(self, report_every: int = 50, until: Callable[[], bool] = lambda: False) -> Iterator[TrainProgress]:
        """Steps until the run's images are seen or `until()` is true (asked between steps), reporting as it goes.

        Raises
        ------
        FloatingPointError
            The losses are no longer finite; the last saved checkpoint is the place to go on from.
        """
        sums: dict[str, list[Tensor]] = {}
        mark, marked_at = time.perf_counter(), self.images_seen
        while self.images_seen < self.config.kimg * 1000 and not until():
            for name, value in self.step().items():
                sums.setdefault(name, []).append(value)
            if self.steps % report_every == 0 or self.images_seen >= self.config.kimg * 1000:
                means = {name: float(torch.stack(values).mean()) for name, values in sums.items()}
                if not all(map(math.isfinite, means.values())):
                    raise FloatingPointError(f"training diverged after {self.images_seen} images: {means}")
                now = time.perf_counter()
                speed = (self.images_seen - marked_at) / max(now - mark, 1e-9)
                mark, marked_at, sums = now, self.images_seen, {}
                yield TrainProgress(
                    images=self.images_seen,
                    fraction=self.fraction,
                    images_per_second=speed,
                    seconds_left=max(self.config.kimg * 1000 - self.images_seen, 0) / max(speed, 1e-9),
                    generator_loss=means["generator_loss"],
                    discriminator_loss=means["discriminator_loss"],
                    gradient_penalty=means.get("gradient_penalty", math.nan),
                    realness_gap=means["realness_gap"],
                )

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs to go on exactly as if it had not stopped; plain tensors and numbers only."""
        return {
            "version": 1,
            "config": asdict(self.config),
            "generator_config": asdict(self.generator.config),
            "discriminator_config": asdict(self.discriminator.config),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "random": self.random.get_state(),
            "images_seen": self.images_seen,
            "steps": self.steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over a state made by `state()`; the configuration of the run stays the caller's."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.random.set_state(state["random"].cpu())
        self.images_seen, self.steps = int(state["images_seen"]), int(state["steps"])

    def save(self, path: Path) -> None:
        """Write the state so that a crash leaves the old file or the new one, never half of one."""
        with atomic_write(path) as stream:
            torch.save(self.state(), stream)
