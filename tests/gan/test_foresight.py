"""What is learnt about latents before there is any taste."""

import pytest
import torch
from torch import Tensor

from gan.policy.adapter import Choice, ChoiceConfig
from gan.policy.foresight import Foresight, ForesightConfig

SHAPE = ChoiceConfig(z_dim=6, inputs=6, candidates=4, width=32)


def world(count: int = 2048) -> tuple[Tensor, Tensor]:
    """Embedded latents, and features that are smooth in them."""
    z = torch.randn(count, 6, generator=torch.Generator().manual_seed(1))
    return 3.0 + 2.0 * z, torch.stack([z[:, 0] * z[:, 1], z[:, 2].sin(), z[:, 3].abs()], dim=1)


def learnt(seed: int = 0) -> Foresight:
    foresight = Foresight(*world(), SHAPE, ForesightConfig(epochs=40, batch=64), seed)
    while not foresight.done:
        foresight.step(100)
    return foresight


def test_it_guesses_features_of_latents_it_never_saw() -> None:
    foresight = learnt()
    embedded, features = (part[-512:] for part in world(4096))
    with torch.no_grad():
        guessed = foresight.guess((embedded - foresight.mean) / foresight.deviation)
    left = (guessed - features).square().mean(dim=0) / features.var(dim=0)
    assert float(left.max()) < 0.2


def test_the_same_seed_learns_the_same() -> None:
    one, again, other = learnt(), learnt(), learnt(seed=5)
    assert all(torch.equal(a, b) for a, b in zip(one.hidden.parameters(), again.hidden.parameters(), strict=True))
    assert not torch.equal(next(one.hidden.parameters()), next(other.hidden.parameters()))


def test_a_choice_that_begins_with_it_changes_nothing_yet() -> None:
    foresight, choice = learnt(), Choice(SHAPE)
    foresight.give(choice)
    assert choice.idle
    assert torch.equal(choice.mean, foresight.mean)
    with torch.no_grad():
        assert not choice.preference(world(8)[0]).any()
        choice.out.bias += 1.0
    with pytest.raises(ValueError, match="learnt something already"):
        foresight.give(choice)
