"""The adversarial training loop: relativistic pairs, lazy R1 and R2, EMA, exact resume, on one or several processes."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from gan.adversarial.augment import DRAWS, augment
from gan.adversarial.batches import Batches
from gan.adversarial.config import VERSION, TrainConfig, TrainProgress
from gan.adversarial.distributed import Ranks
from gan.adversarial.ema import ema_decay, ema_update
from gan.adversarial.losses import generator_loss
from gan.adversarial.parts import Parts, assemble
from gan.adversarial.stability import Diverged, Stability, is_finite
from gan.device import bfloat16_pays
from gan.files import atomic_write
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

__all__ = ["TrainConfig", "TrainProgress", "Trainer", "fresh_pair"]

_SMOOTHING = 30.0  # seconds over which the reported speed is smoothed
_GPU_AGREEMENT = 8  # steps between two looks at the clock, since each look synchronises several GPUs


def fresh_pair(
    seed: int, generator_config: GeneratorConfig, discriminator_config: DiscriminatorConfig
) -> tuple[Generator, Discriminator]:
    """Networks with random weights from a seed, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Generator(generator_config), Discriminator(discriminator_config)


class Trainer:
    """One adversarial run over a pool of images.

    Parameters
    ----------
    images : uint8 array (N, R, R, 3), may be memory-mapped; never copied whole.
    config : settings of the run.
    device : where to train.
    generator, discriminator : networks to start from: random ones (see `fresh`) or those of a warm start.
    ranks : this process among those that train together.
    compile : whether to try torch.compile; if it fails, `say` reports why and training continues without it.
    say : called with lines for the user.
    """

    def __init__(
        self,
        images: np.ndarray,
        config: TrainConfig,
        device: torch.device,
        generator: Generator,
        discriminator: Discriminator,
        ranks: Ranks | None = None,
        compile: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        if images.ndim != 4 or images.shape[1] != generator.resolution or images.shape[3] != 3:
            raise ValueError(f"images are {images.shape}, the generator draws {generator.resolution} px RGB")
        self.ranks = ranks or Ranks()
        if config.batch % self.ranks.world:
            raise ValueError(f"a batch of {config.batch} cannot be shared by {self.ranks.world} processes")
        self.images, self.config, self.device, self.say = images, config, device, say
        self.generator, self.discriminator = generator.to(device), discriminator.to(device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # several times faster than contiguous
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator_optimizer = self._adam(self.generator)
        self.discriminator_optimizer = self._adam(self.discriminator)
        self.batches = Batches(images, config.batch, config.seed, device, config.mirror, self.ranks)
        self.random = torch.Generator().manual_seed(config.seed)  # one CPU stream for everything else, so that a run resumes exactly
        self.stability = Stability()
        self.images_seen = 0
        self.steps = 0
        self.seconds = 0.0  # of the leg so far
        self._sums: dict[str, tuple[Tensor, int]] = {}  # since the last report: sums of statistics, and how many values they sum
        self.autocast = bool(self.ranks.agreed([float(bfloat16_pays(device))], device)[0])
        self._compile = compile
        self._parts: Parts | None = None

    @classmethod
    def fresh(
        cls,
        images: np.ndarray,
        config: TrainConfig,
        device: torch.device,
        generator_config: GeneratorConfig,
        discriminator_config: DiscriminatorConfig,
        **options: Any,
    ) -> "Trainer":
        """A run from random weights, drawn from `config.seed`. `options` are the class's other parameters."""
        return cls(images, config, device, *fresh_pair(config.seed, generator_config, discriminator_config), **options)

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(
            network.parameters(), lr=self.config.learning_rate, betas=self.config.betas, eps=1e-8, fused=fused
        )

    @property
    def fraction(self) -> float:
        """The share of the leg that is done; 1 or more at its end."""
        return self.config.fraction(self.images_seen, self.seconds)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self.config.learning_rate_at(self.fraction) * self.stability.scale

    # ------------------------------------------------------------------ one step

    def _ready(self) -> Parts:
        """The callables of a step: assembled at the first step, when `autocast` has been decided."""
        if self._parts is None:
            cast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast)
            share = self.config.batch // self.ranks.world
            self._parts = assemble(
                self.generator, self.discriminator, cast, self.ranks, share if self._compile else None, self.say
            )
        return self._parts

    def _latents(self) -> Tensor:
        z = torch.randn(self.config.batch, self.generator.z_dim, generator=self.random)
        return self.ranks.share(z).to(self.device)

    def _augmented(self, images: Tensor) -> Tensor:
        if self.config.augment.probability <= 0.0:
            return images
        draws = torch.rand(self.config.batch, DRAWS, generator=self.random)
        return augment(images, self.config.augment, self.ranks.share(draws).to(self.device))

    def step(self) -> dict[str, Tensor]:
        """One update of both networks. Returns detached scalars on the device; reading them waits for the device."""
        config, fraction, learning_rate = self.config, self.fraction, self.learning_rate
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
        parts = self._ready()

        # Discriminator: real against generated images, with both penalties every few steps. The generator's step uses the same generated
        # images: drawing others cost an eighth of the time, and gave no better generator after as many images.
        real = self._augmented(self.batches.take(self.steps, self.stability.rollbacks))
        images, w = parts.drawing(self._latents())
        images = self._augmented(images.float())
        fake = images.detach()
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        penalised = self.steps % config.penalty_interval == 0
        loss, figures = parts.judgement(real, fake, config.gamma_at(fraction) / 2 * config.penalty_interval if penalised else 0.0)
        loss.backward()
        figures["discriminator_norm"] = _gradient_norm(self.discriminator)
        self.discriminator_optimizer.step()

        # Generator, with the same real images.
        self.generator_optimizer.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(False)
        with parts.autocast:
            fake_logits = parts.logits(images)
            with torch.no_grad():
                real_logits = parts.logits(real)
        loss = generator_loss(real_logits, fake_logits)
        loss.backward()
        self.discriminator.requires_grad_(True)
        figures["generator_norm"] = _gradient_norm(self.generator)
        self.generator_optimizer.step()
        self.generator.w_mean.lerp_(self.ranks.mean(w.detach().float().mean(dim=0)), 0.005)
        figures["generator_loss"] = loss.detach()

        self.images_seen += config.batch
        self.steps += 1
        ema_update(self.average, self.generator, ema_decay(config.batch, self.images_seen, config.ema_kimg))
        return figures

    # ------------------------------------------------------------------ the run

    def run(self, report_every: int = 20, until: Callable[[], bool] = lambda: False) -> Iterator[TrainProgress]:
        """Train until the leg is done or `until()` is true (called between steps), and yield reports.

        If a report is not sound (values that are not finite, exploding gradients), it is not yielded: the run rolls back to the last sound
        one and continues with half the learning rate, which `say` reports.

        Raises
        ------
        Diverged
            Several rollbacks in a row did not help. The trainer is back in its last sound state.
        """
        if self.fraction >= 1.0:
            return
        self.stability.hold(self.state())
        started, speed = time.monotonic() - self.seconds, 0.0
        mark, marked_at, waited = time.monotonic(), self.images_seen, self.batches.waited
        with self._ending_sound(), self.batches:
            stop = False
            while not stop:
                for name, value in self.step().items():
                    total, count = self._sums.get(name, (torch.zeros_like(value), 0))
                    self._sums[name] = total + value, count + 1
                stop = self._look_up(started, until)
                if self.steps % report_every and self.fraction < 1.0:
                    continue
                means = self._means()
                trouble, state = self.stability.trouble(means), self.state()
                if trouble is None and not is_finite(state):
                    trouble = "weight is not a number"  # most likely of the moving average, which no statistic includes
                if trouble is not None:
                    self._set_back(trouble)
                    marked_at, stop = min(marked_at, self.images_seen), False
                    continue
                now = time.monotonic()
                passed = max(now - mark, 1e-9)
                fresh = (self.images_seen - marked_at) / passed
                speed = fresh + (speed - fresh) * 0.5 ** (passed / _SMOOTHING) if speed else fresh
                report = self._report(means, speed, (self.batches.waited - waited) / passed)
                mark, marked_at, waited = now, self.images_seen, self.batches.waited
                self.stability.keep(state, means)
                yield report

    def _look_up(self, started: float, until: Callable[[], bool]) -> bool:
        """Read the clock and ask whether to stop; with several processes, the first one decides for all."""
        several_gpus = self.ranks.world > 1 and self.device.type == "cuda"
        if several_gpus and self.steps % _GPU_AGREEMENT:
            return self.fraction >= 1.0
        seconds, stop = self.ranks.agreed([time.monotonic() - started, float(until())], self.device)
        self.seconds = seconds
        return bool(stop) or self.fraction >= 1.0

    def _means(self) -> dict[str, float]:
        """Statistics since the last report, averaged over steps and processes; resets them."""
        means = self.ranks.mean(torch.stack([total / count for total, count in self._sums.values()]))
        names, self._sums = list(self._sums), {}
        return dict(zip(names, means.tolist(), strict=True))

    def _report(self, means: dict[str, float], speed: float, data_wait: float) -> TrainProgress:
        return TrainProgress(
            images=self.images_seen,
            fraction=min(self.fraction, 1.0),
            images_per_second=speed,
            seconds_left=self.config.seconds_left(self.images_seen, self.seconds, speed),
            generator_loss=means["generator_loss"],
            discriminator_loss=means["discriminator_loss"],
            gradient_penalty=means.get("gradient_penalty", math.nan),
            realness_gap=means["realness_gap"],
            generator_gradient=means["generator_norm"],
            discriminator_gradient=means["discriminator_norm"],
            learning_rate=self.learning_rate,
            data_wait=data_wait,
            rollbacks=self.stability.rollbacks,
        )

    def _set_back(self, trouble: str) -> None:
        """Roll back to the last sound state. Random numbers are not rolled back, or the same steps would meet the same trouble."""
        where = self.images_seen
        self._restore(self.stability.last_good())
        if not self.stability.slow_down():
            raise Diverged(f"training did not stay stable ({trouble} after {where:,} images); what was sound is kept")
        self.say(
            f"{trouble} after {where:,} images: back to {self.images_seen:,}, at {self.stability.scale:g} of the learning rate"
        )

    @contextmanager
    def _ending_sound(self) -> Iterator[None]:
        """A run may end between two reports, or by an exception, and is then saved: check what it has done since the last report."""
        try:
            yield
        finally:
            if not is_finite(self.state()):
                where = self.images_seen
                self._restore(self.stability.last_good())
                self.say(f"not a number after {where:,} images, at the end: back to {self.images_seen:,}")

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to continue exactly; only plain tensors and numbers."""
        return {
            "version": VERSION,
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
            "autocast": [self.device.type, self.autocast],
            "seconds": self.seconds,
            "sums": {name: [total.detach(), count] for name, (total, count) in self._sums.items()},
            "stability": self.stability.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a state from `state()`, of this or an earlier version; the configuration stays that of the caller."""
        self._restore(state)
        self.random.set_state(state["random"].cpu())
        self.seconds = float(state.get("seconds", 0.0))
        where, autocast = state.get("autocast", ("", False))
        if where == self.device.type:  # not decided again: a busy machine might decide differently
            self.autocast, self._parts = bool(autocast), None
        if "stability" in state:
            self.stability.load_state(state["stability"])

    def begin_leg(self) -> None:
        """Restart the clock and the schedules for `config`; networks and optimisers stay."""
        self.seconds, self.stability.scale = 0.0, 1.0

    def _restore(self, state: dict[str, Any]) -> None:
        """Restore what a rollback restores: networks, optimisers, counters."""
        for part in ("generator", "discriminator", "average", "generator_optimizer", "discriminator_optimizer"):
            getattr(self, part).load_state_dict(state[part])
        self.images_seen, self.steps = int(state["images_seen"]), int(state["steps"])
        sums = state.get("sums", {})
        self._sums = {name: (total.to(self.device), count) for name, (total, count) in sums.items()}

    def save(self, path: Path) -> None:
        """Write the state atomically: a crash leaves the old file or the new one."""
        with atomic_write(path) as stream:
            torch.save(self.state(), stream)


def _gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of all gradients together, on the device."""
    return get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
