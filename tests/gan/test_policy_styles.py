"""Acting behind the mapping: what stays as it was, what is exact, and what it reaches."""

import pytest
import torch
from torch import nn

from gan.errors import UserError
from gan.model import Model
from gan.networks import Generator, GeneratorConfig, LatentGenerator, latents
from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_layers import MappingConfig
from gan.policy import Styled, StylePolicy, StyleShift, Synthesis


def compact():
    torch.manual_seed(0)
    return Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=12, channels=(8, 8, 6))).eval()


def stylegan2(image_channels=3, activation="lrelu"):
    torch.manual_seed(0)
    mapping = MappingConfig(noise_width=8, layers=2, hidden=12, outputs=12, activation=activation)
    return StyleGAN2(StyleGAN2Config(16, mapping, channels=(8, 8, 6), image_channels=image_channels)).eval()


STYLED = [compact, stylegan2, lambda: stylegan2(image_channels=1), lambda: stylegan2(activation="relu")]


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("make", STYLED)
@torch.no_grad()
def test_mapping_and_synthesis_make_the_generator(make, random):
    generator = make()
    z = torch.randn(5, 8, generator=random)
    w = generator.embed(z)
    styles = w[:, None].expand(-1, generator.style_layers, -1)
    assert torch.allclose(generator.synthesise(styles), generator(z), atol=1e-5)
    assert torch.allclose(generator.bend(generator.straighten(w)), w, atol=1e-5)


@torch.no_grad()
def test_a_straightened_style_is_nearly_gaussian(random):
    """The kurtosis of a standard deviation's worth: 3 for a Gaussian; a leaky rectifier's outputs are far from it."""
    generator = compact()
    w = generator.embed(torch.randn(4000, 8, generator=random))

    def skew(x):
        centred = (x - x.mean(dim=0)) / x.std(dim=0)
        return float(centred.pow(3).mean(dim=0).abs().mean())

    assert skew(generator.straighten(w)) < 0.4 * skew(w)


@pytest.mark.parametrize("make", STYLED)
@pytest.mark.parametrize("by_block", [False, True])
@torch.no_grad()
def test_an_untrained_shift_changes_nothing(make, by_block, random):
    generator = make()
    shift = StyleShift.around(generator, rank=4, by_block=by_block)
    assert shift.idle
    model = Model("styled", Styled(generator, shift))
    z = latents(range(4), 8)
    assert model.z_dim == 8 and model.resolution == 16
    assert torch.allclose(model.draw(z), generator(z).clamp(-1, 1), atol=1e-5)
    assert model.sample(range(2)).shape == (2, 16, 16, 3)


@pytest.mark.parametrize("by_block", [False, True])
def test_log_prob_and_kl_are_those_of_gaussians(by_block, random):
    shift = StyleShift.around(compact(), rank=4, by_block=by_block)
    nn.init.normal_(shift.out.weight, generator=random)
    policy = StylePolicy(shift, sigma=0.3)
    z = torch.randn(7, 8, generator=random)
    actions = policy.act(z, 3, random)
    assert actions.shape == (7, 3, 4 * (3 if by_block else 1))
    law = torch.distributions.Normal(policy.mean(z)[:, None], 0.3)
    assert torch.allclose(policy.log_prob(z, actions), law.log_prob(actions).sum(dim=2), atol=1e-4)
    flat = torch.distributions.Normal(torch.zeros_like(policy.mean(z)), 0.3)
    kl = torch.distributions.kl_divergence(torch.distributions.Normal(policy.mean(z), 0.3), flat).sum(dim=1)
    assert torch.allclose(policy.kl(z), kl, rtol=1e-4)


@torch.no_grad()
def test_points_are_what_the_tuned_generator_draws_at_the_mean(random):
    generator = compact()
    shift = StyleShift.around(generator, rank=4, by_block=True)
    nn.init.normal_(shift.out.weight, std=0.3, generator=random)
    policy = StylePolicy(shift, sigma=0.3)
    z = torch.randn(5, 8, generator=random)
    points = policy.points(z, policy.mean(z)[:, None])
    assert points.shape == (5, 1, 3, 12)
    assert torch.allclose(points[:, 0], shift(z), atol=1e-5)
    drawn = Synthesis(generator)(points.flatten(0, 1))
    assert torch.allclose(drawn, Styled(generator, shift)(z), atol=1e-5)


@torch.no_grad()
def test_directions_are_the_widest_and_as_long_as_a_standard_deviation():
    generator = compact()
    shift = StyleShift.around(generator, rank=3, by_block=False)
    v = generator.straighten(generator.embed(latents(range(3000), 8)))
    lengths = shift.directions.norm(dim=1)
    units = shift.directions / lengths[:, None]
    assert torch.allclose(units @ units.T, torch.eye(3), atol=1e-4)
    assert torch.allclose(((v - shift.mean) @ units.T).std(dim=0), lengths, rtol=0.08)
    assert (lengths[:-1] >= lengths[1:]).all()


@torch.no_grad()
def test_a_blocks_own_shift_leaves_the_others_alone(random):
    """The first block decides the layout: moving the last one alone changes the image and nothing before it."""
    generator = compact()
    shift = StyleShift.around(generator, rank=2, by_block=True)
    v = shift.straight(torch.randn(2, 8, generator=random))
    offsets = torch.zeros(2, 6)
    offsets[:, 4:] = 2.0
    moved, still = shift.styles(v, offsets), shift.styles(v, torch.zeros(2, 6))
    assert torch.equal(moved[:, :2], still[:, :2])
    assert not torch.allclose(moved[:, 2], still[:, 2], atol=0.1)
    assert not torch.allclose(generator.synthesise(moved), generator.synthesise(still), atol=1e-3)


def test_a_generator_without_styles_is_refused_in_a_line():
    class Plain(LatentGenerator):
        kind = "plain"

    with pytest.raises(UserError, match='kind "plain" has no styles'):
        StyleShift.around(Plain(), rank=4, by_block=False)


def test_a_sigma_of_zero_is_refused():
    with pytest.raises(ValueError, match="sigma"):
        StylePolicy(StyleShift.around(compact(), rank=2, by_block=False), sigma=0.0)
