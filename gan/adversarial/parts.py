"""The networks as a training step calls them: with autocast and, if requested, compiled and wrapped for several processes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan.adversarial.distributed import Ranks
from gan.adversarial.losses import discriminator_loss, gradient_penalty
from gan.errors import reason
from gan.networks import Discriminator, Generator

Function = Callable[[Tensor], Tensor]


class Judgement(nn.Module):
    """The discriminator's loss, as a module of its own.

    DistributedDataParallel averages gradients in the backward pass of *one forward call of the module it wraps*. A step calls the
    discriminator up to four times, two of them inside a penalty that is differentiated twice. With all of them in one forward call, a
    single backward pass averages their sum, and every parameter takes part in every step.
    """

    def __init__(self, discriminator: Discriminator, logits: Function, autocast: torch.autocast) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.logits, self.autocast = [logits], autocast  # in a list: so that the parameters are not registered twice

    def forward(self, real: Tensor, fake: Tensor, weight: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss with a graph, and detached statistics. `weight` of the mean squared gradient norms; 0 skips the penalties."""
        with self.autocast:
            real_logits, fake_logits = self.logits[0](real), self.logits[0](fake)
        loss = discriminator_loss(real_logits, fake_logits)
        figures = {"discriminator_loss": loss.detach(), "realness_gap": (real_logits.mean() - fake_logits.mean()).detach()}
        if weight > 0.0:
            with self.autocast:  # in bfloat16, its second derivative still points the same way as in float32: see its test
                penalty = gradient_penalty(self.discriminator, real) + gradient_penalty(self.discriminator, fake)
            loss = loss + weight * penalty
            figures["gradient_penalty"] = penalty.detach() / 2
        return loss, figures


class Drawing(nn.Module):
    """z (N, z_dim) -> images (N, 3, R, R) and styles (N, w_dim), as one module to wrap (see `Judgement`)."""

    def __init__(self, generator: Generator, synthesis: Function, autocast: torch.autocast) -> None:
        super().__init__()
        self.generator = generator
        self.synthesis, self.autocast = [synthesis], autocast

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        with self.autocast:
            w = self.generator.mapping(z)
            return self.synthesis[0](w), w


@dataclass(frozen=True)
class Parts:
    """The callables of a training step."""

    judgement: nn.Module  # a `Judgement`
    drawing: nn.Module  # a `Drawing`
    logits: Function  # of the discriminator, for the generator's loss
    autocast: torch.autocast


def assemble(
    generator: Generator,
    discriminator: Discriminator,
    autocast: torch.autocast,
    ranks: Ranks,
    compile_for: int | None,
    say: Callable[[str], None],
) -> Parts:
    """Wrap the networks. `compile_for` is the batch size to compile for; None: no torch.compile."""
    logits: Function = discriminator
    synthesis: Function = generator.synthesis
    if compile_for is not None:
        logits, synthesis = _compiled(generator, discriminator, compile_for, autocast, say)
    return Parts(
        judgement=ranks.wrap(Judgement(discriminator, logits, autocast)),
        drawing=ranks.wrap(Drawing(generator, synthesis, autocast)),
        logits=logits,
        autocast=autocast,
    )


def _compiled(
    generator: Generator, discriminator: Discriminator, batch: int, autocast: torch.autocast, say: Callable[[str], None]
) -> tuple[Function, Function]:
    """Compiled logits and synthesis, tested forwards and backwards on a batch; if that fails, the networks as they are.

    The penalties bypass them: what torch.compile returns cannot be differentiated twice.
    """
    say("Compiling the networks; this takes a minute or so.")
    styles = torch.zeros(batch, generator.config.w_dim, device=generator.w_mean.device)
    try:
        logits: Function = torch.compile(discriminator, dynamic=False)
        synthesis: Function = torch.compile(generator.synthesis, dynamic=False)
        for learns in (True, False):  # the discriminator's step, then the generator's
            discriminator.requires_grad_(learns)
            with autocast:
                loss = logits(synthesis(styles)).sum()
            loss.backward()
    except Exception as error:  # a missing compiler, an unsupported machine or a bug in torch: each has its own class
        say(f"torch.compile does not work here ({reason(error)}): training goes on without it.")
        return discriminator, generator.synthesis
    finally:
        discriminator.requires_grad_(True)
        for network in (generator, discriminator):
            network.zero_grad(set_to_none=True)
    return logits, synthesis
