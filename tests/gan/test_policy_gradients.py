"""Every gradient against an exact one: sums over all actions, integrals, finite differences."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from gan.errors import UserError
from gan.guard import Limits
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.policy import (
    ESTIMATORS,
    CategoricalPolicy,
    Choice,
    ChoiceConfig,
    GaussianPolicy,
    Shift,
    ShiftConfig,
    StyleConfig,
    StylePolicy,
    StyleShift,
    UpdateConfig,
    expected_objective,
    pathwise_update,
)
from gan.policy.rounds import Round, RoundConfig
from gan.rewards.pool import Pool
from gan.rewards.scorer import Drawer, Scorer
from gan.taste.model import Contrasts, TasteModel

WIDE = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def preferences():
    return torch.tensor([[0.3, -0.5, 0.9]], dtype=torch.float64, requires_grad=True)


REWARDS = torch.tensor([[2.0, 2.5, 1.4]], dtype=torch.float64)  # far from zero: a baseline pays


def estimates(estimator, preferences, children=2):
    """Every set of actions that could be drawn in one state: its probability and the gradient estimated from it."""
    log_probs = preferences.log_softmax(dim=1)
    for actions in itertools.product(range(3), repeat=children):
        picks = torch.tensor([actions])
        advantages = ESTIMATORS[estimator](REWARDS.gather(1, picks))
        surrogate = (log_probs.gather(1, picks) * advantages).mean()
        (gradient,) = torch.autograd.grad(surrogate, preferences, retain_graph=True)
        yield float(log_probs.detach().gather(1, picks).sum().exp()), gradient


@pytest.mark.parametrize("estimator", ["reinforce", "rloo"])
def test_estimators_are_unbiased(estimator, preferences):
    """Over all that could be drawn, the mean estimate is the exact gradient: no sampling, no tolerance for noise."""
    (exact,) = torch.autograd.grad(expected_objective(preferences, REWARDS, 1.0, 0.0), preferences)
    found = list(estimates(estimator, preferences))
    assert sum(weight for weight, _ in found) == pytest.approx(1.0)
    assert torch.allclose(sum(weight * gradient for weight, gradient in found), exact, atol=1e-12)


def test_leaving_one_out_costs_less_variance(preferences):
    variance = {}
    for estimator in ("reinforce", "rloo"):
        found = list(estimates(estimator, preferences))
        mean = sum(weight * gradient for weight, gradient in found)
        variance[estimator] = float(sum(weight * (gradient - mean).square().sum() for weight, gradient in found))
    assert variance["rloo"] < 0.2 * variance["reinforce"]


def test_the_exact_gradient_is_that_of_finite_differences(preferences):
    assert torch.autograd.gradcheck(lambda f: expected_objective(f, REWARDS, 0.7, 0.3), preferences)


def test_a_choices_parameters_move_its_objective_as_its_gradient_says(random):
    """Through the adapter, in float64: E[r] - beta KL of all actions against central differences in three weights."""
    choice = Choice(ChoiceConfig(z_dim=3, inputs=3, candidates=4, width=5)).double()
    choice.attach(type("Plain", (Generator,), {"embed": lambda self, z: z})(GeneratorConfig(8, 3, 4, channels=(4, 4))))
    choice.embed = lambda z: z
    nn.init.normal_(choice.out.weight, generator=random)
    z = torch.randn(6, 3, generator=random, dtype=torch.float64)
    rewards = choice.latents(z)[..., 0]

    def objective():
        preferences = choice.preference(choice.latents(z))
        return expected_objective(preferences, rewards, 0.5, 0.2)

    (gradient,) = torch.autograd.grad(objective(), choice.out.weight)
    for i in range(3):
        ends = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                choice.out.weight[0, i] += step
                ends.append(float(objective().detach()))
                choice.out.weight[0, i] -= step
        assert float(gradient[0, i]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-9)


# ------------------------------------------------------------------------------------------------ one dimension, by quadrature


class Translation(nn.Module):
    """z -> z + b."""

    def __init__(self):
        super().__init__()
        self.b = nn.Parameter(torch.tensor([0.3]))

    def forward(self, z):
        return z + self.b


GRID = torch.linspace(-9.0, 9.0, 4001)[None, :, None]  # (1 state, all actions, 1)
STEP = 18.0 / 4000


@pytest.mark.parametrize("policy", ["gaussian", "styles"])
def test_densities_integrate_to_one(policy):
    z = torch.tensor([[0.7]])
    if policy == "gaussian":
        law = GaussianPolicy(Translation(), sigma=0.4)
    else:
        shift = StyleShift(StyleConfig(z_dim=1, w_dim=1, layers=1, blocks=1, rank=1))
        nn.init.normal_(shift.out.weight)
        shift.attach(type("Plain", (Generator,), {"embed": lambda self, z: z})(GeneratorConfig(8, 1, 1, channels=(4, 4))))
        law = StylePolicy(shift, sigma=0.8)
    assert float(law.log_prob(z, GRID).detach().exp().sum()) * STEP == pytest.approx(1.0, abs=1e-4)


def test_probabilities_sum_to_one(random):
    choice = Choice(ChoiceConfig(z_dim=4, inputs=4, candidates=7, width=8))
    choice.attach(type("Plain", (Generator,), {"embed": lambda self, z: z})(GeneratorConfig(8, 4, 4, channels=(4, 4))))
    nn.init.normal_(choice.out.weight, generator=random)
    policy = CategoricalPolicy(choice, 0.3)
    every = torch.arange(7).expand(5, 7)
    total = policy.log_prob(torch.randn(5, 4, generator=random), every).exp().sum(dim=1)
    assert torch.allclose(total, torch.ones(5), atol=1e-5)


def test_a_gaussians_score_gradient_is_that_of_finite_differences():
    """d/db of the integral of p_b(a) sin(3a), and the integral of p_b d log p_b / db sin(3a): the same number."""
    adapter, z = Translation(), torch.tensor([[0.2]])
    policy = GaussianPolicy(adapter, sigma=0.5)
    rewards = torch.sin(3.0 * GRID[..., 0])

    def expected():
        return (policy.log_prob(z, GRID).exp() * rewards).sum() * STEP

    log_probs = policy.log_prob(z, GRID)
    (score,) = torch.autograd.grad((log_probs.exp().detach() * log_probs * rewards).sum() * STEP, adapter.b)
    ends = []
    for step in (1e-2, -1e-2):
        with torch.no_grad():
            adapter.b += step
            ends.append(float(expected().detach()))
            adapter.b -= step
    assert float(score) == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-3)


def test_pathwise_and_score_function_estimate_one_gradient(random):
    """r(a) = -|a - c|^2 has the exact gradient 2 shrink (c - E[a]); pathwise comes to it with far less noise."""
    adapter = Translation()
    policy = GaussianPolicy(adapter, sigma=0.5)
    z = torch.zeros(1, 1)
    exact = 2.0 * policy.shrink * (1.5 - policy.shrink * 0.3)
    found = {"pathwise": [], "rloo": []}
    for _ in range(200):
        actions = policy.rsample(z, 8, random)
        found["pathwise"].append(torch.autograd.grad(-(actions - 1.5).square().mean(), adapter.b)[0])
        actions = policy.act(z, 8, random)
        advantages = ESTIMATORS["rloo"](-(actions - 1.5).square()[..., 0])
        found["rloo"].append(torch.autograd.grad((policy.log_prob(z, actions) * advantages).mean(), adapter.b)[0])
    for values in found.values():
        gradients = torch.cat(values)
        assert float(gradients.mean()) == pytest.approx(exact, abs=5 * float(gradients.std()) / math.sqrt(200))
    assert torch.cat(found["pathwise"]).var() < 0.2 * torch.cat(found["rloo"]).var()


def test_pathwise_updates_reach_the_optimum_of_reward_minus_kl(random):
    """max_b c . b' - beta KL has the answer b = sigma^2 c / (beta shrink)."""
    adapter = Translation()
    policy = GaussianPolicy(adapter, sigma=0.5)
    optimizer = torch.optim.Adam(adapter.parameters(), lr=0.03)
    for _ in range(80):
        z = torch.randn(8, 1, generator=random)
        pathwise_update(policy, optimizer, z, 2, lambda a: 0.6 + 0.0 * a, 0.4, UpdateConfig(minibatches=1), random)
    assert float(adapter.b.detach()) == pytest.approx(0.25 * 0.6 / (0.4 * policy.shrink), abs=0.02)


# ------------------------------------------------------------------------------------------------ through images


@pytest.fixture(scope="module")
def scorer():
    """Of a small generator with random weights and a taste for redness."""
    patch = pytest.MonkeyPatch()
    patch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    model = Model("small", generator, None, critic)
    drawer = Drawer(model)
    drawer.autocast = False  # differences of bfloat16 images would be noise
    made = Scorer(model, Pool(drawer, 160), leaves_prior=True)
    images = made.drawer.draw(made.latents[:60])
    redness = images[:, 0].mean(dim=(1, 2)) - images[:, 1:].mean(dim=(1, 2, 3))
    scores = (redness - redness.mean()) / redness.std()
    observed = Contrasts(tuple(group[:60] for group in made.reference))
    made.set_taste(TasteModel(observed, scores - 0.3, scores + 0.3, scores))
    yield made
    patch.undo()


def test_the_rewards_slope_is_that_of_finite_differences(scorer):
    z = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    scores, slopes = scorer.gradients(z)
    assert torch.allclose(scores.reward, scorer.score_latents(z).reward, atol=1e-4)
    assert not scores.reward.requires_grad and not slopes.requires_grad
    assert all(p.grad is None for p in scorer.drawer.generator.parameters())
    direction = torch.randn(6, 8, generator=torch.Generator().manual_seed(2))
    ends = [scorer.score_latents(z + sign * 0.003 * direction).reward for sign in (1.0, -1.0)]
    differences = (ends[0] - ends[1]) / 0.006
    assert torch.corrcoef(torch.stack([differences, (slopes * direction).sum(dim=1)]))[0, 1] > 0.98


def test_black_images_give_no_slope_that_is_not_a_number(scorer):
    class Black(Generator):
        def forward(self, z, psi=1.0):
            return super().forward(z, psi) - 40.0

    other = scorer.drawing(Black(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8))))
    _, slopes = other.gradients(torch.randn(4, 8))
    assert torch.isfinite(slopes).all()


def test_a_generator_without_gradients_is_refused_in_a_line(scorer):
    class Closed(Generator):
        @torch.no_grad()
        def forward(self, z, psi=1.0):
            return super().forward(z, psi)

    closed = Closed(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    with pytest.raises(UserError, match="pathwise"):
        scorer.drawing(closed).gradients(torch.randn(2, 8))


QUICK = RoundConfig(steps=6, states=8, children=4, look_every=2, look_images=48, limits=WIDE)


@pytest.mark.parametrize("estimator", ["reinforce", "rloo", "pathwise"])
def test_a_round_rises_with_every_estimator(scorer, random, estimator):
    config = RoundConfig(**{**vars(QUICK), "policy": "shift", "estimator": estimator, "steps": 8, "learning_rate": 1e-2})
    torch.manual_seed(0)
    tuning = Round(Shift(ShiftConfig(z_dim=8)), scorer, config, random)
    for progress in tuning.run():
        assert np.isfinite([progress.reward, progress.kl, progress.taste]).all()
    assert tuning.result.kept and tuning.result.best.taste > tuning.result.start.taste + 0.1


def test_a_choice_has_no_slope(scorer, random):
    choice = Choice(ChoiceConfig(z_dim=8, inputs=16, candidates=4)).attach(scorer.drawer.generator)
    with pytest.raises(ValueError, match="pathwise estimator needs a policy that moves"):
        Round(choice, scorer, RoundConfig(estimator="pathwise"), random)
