"""The taste model: a Gaussian process over image features, observed through intervals, with occasional slips of the person.

An observation says that f of an image, or the difference of two, plus noise lay in an interval (ordinal regression: Chu and Ghahramani
2005; preferences: the same, 2005b). One answer in ten is assumed to be a slip that carries no information. The posterior is a Gaussian
around the mode, as in Laplace's approximation (Rasmussen and Williams 2006, section 3.4; its precision differs, see `_condition`), in
whitened coordinates of the process at a basis of images. With few ratings this is the exact process, with more a projection of it
(section 8.3.4, with the prior variance that the basis leaves out added back), so that its cost stays linear.
"""

import copy
import math

import torch
from torch import Tensor

from gan.taste import evidence
from gan.taste.events import STAR_EDGES
from gan.taste.kernel import Contrasts, Features, Hyperparameters, diagonal, kernel

# Share of answers that are independent of f. On simulated people with 5 % and 25 % of random stars, 0.1 was better than 0 in both cases.
SLIPS = 0.1
MOST_BASIS = 320  # images in the basis; more would be exact for longer, but cost their square for every judgement and prediction
_LEAST_TRUST = 0.02
_ROWS = 128
_NEWTON_STEPS = 60
_Said = tuple[Tensor, Tensor, Tensor, Tensor]  # low and high edges, guess and additional noise variance of all observations


def interval_derivatives(f: Tensor, low: Tensor, high: Tensor, noise: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log p(low < f + noise * e < high), e ~ N(0, 1), its first derivative in f, and its negative second derivative.

    All (n,) float64. The log-likelihood is concave in f, so the last is positive.
    """
    a, b = (low - f) / noise, (high - f) / noise
    # Mirrored if the interval is on the right, to avoid the difference of two numbers near one.
    mirror = a + b > 0
    a, b = torch.where(mirror, -b, a), torch.where(mirror, -a, b)
    probability = (torch.special.ndtr(b) - torch.special.ndtr(a)).clamp_min(1e-30)
    density_a = torch.exp(-0.5 * a.square()) / math.sqrt(2.0 * math.pi)
    density_b = torch.exp(-0.5 * b.square()) / math.sqrt(2.0 * math.pi)
    ratio = (density_b - density_a) / probability
    finite_a, finite_b = torch.nan_to_num(a, posinf=0.0, neginf=0.0), torch.nan_to_num(b, posinf=0.0, neginf=0.0)
    curvature = (finite_b * density_b - finite_a * density_a) / probability + ratio.square()
    sign = torch.where(mirror, 1.0, -1.0).to(f.dtype)
    return probability.log(), sign * ratio / noise, (curvature / noise**2).clamp_min(1e-9)


class TasteModel:
    """Posterior of f under the current taste, given observations.

    Parameters
    ----------
    observed : n observations of f, or of differences of it, in time order.
    low, high : (n,) interval edges, possibly infinite.
    scores : (n,) one number that stands for each interval, used to fit the hyperparameters.
    guess : (n,) or one for all: probability of the answer if it is given at random; 0 if it cannot be a slip.
    extra : (n,) noise variance in addition to that of the person's judgement, or None.

    Attributes
    ----------
    noise : standard deviation of the noise of one judgement.
    changed : index of the first observation of the current taste; None if there is no evidence of a change.
    kept : correlation of the current taste with the one before the change; 1.0 without a change.
    preference : log-odds that the person prefers some images to others at all, rather than answering at random.
    told : number of observations of the current taste, without those that have `extra` noise.
    """

    def __init__(
        self,
        observed: Contrasts,
        low: Tensor,
        high: Tensor,
        scores: Tensor,
        guess: Tensor | float = 0.2,
        extra: Tensor | None = None,
    ) -> None:
        extra = torch.zeros(len(observed), dtype=torch.float64) if extra is None else extra.double()
        low, high = low.double(), high.double()
        guess = torch.as_tensor(guess, dtype=torch.float64).expand(len(observed))
        said = (low, high, guess, extra)
        heard = evidence.Evidence.of(observed, scores, extra)
        parameters, surprise = evidence.fit(heard)
        self.changed: int | None = None
        self.preference = evidence.preference(heard, surprise)
        self._settle(observed, heard, parameters, said)
        if change := evidence.find_change(heard, parameters, surprise):
            # With Gaussian noise, a few slips in a row look like another taste, so a change must also explain them better than slips do.
            other = copy.copy(self)
            other.changed, observed = change.row, observed.changed_at(change.row)
            heard = evidence.Evidence.of(observed, scores, extra)
            other.preference = evidence.preference(heard, change.surprise + change.odds)
            other._settle(observed, heard, change.parameters, said)
            if other._credibility - change.odds > self._credibility:
                vars(self).update(vars(other))
        self.told = int((extra[self.changed or 0 :] == 0.0).sum())

    def _settle(self, observed: Contrasts, heard: evidence.Evidence, parameters: Hyperparameters, said: _Said) -> None:
        """Compute the posterior and refit the hyperparameters, starting from `parameters`."""
        self.observed = observed
        self._use(parameters)
        trust, f = self._condition(*said, torch.zeros_like(said[0]))
        # Now that slips are recognised, they no longer inflate the noise of all observations.
        self._use(evidence.fit(heard.trusting(trust.clamp_min(_LEAST_TRUST)), parameters, steps=10)[0])
        self._condition(*said, f)

    def _use(self, parameters: Hyperparameters) -> None:
        self.parameters = parameters
        self.noise = float(parameters.variance.sqrt())
        self.kept = float(parameters.kept) if self.changed is not None else 1.0
        observed = self.observed
        images, now = observed.images, observed.now
        places = torch.arange(len(now))
        # The basis: half of it are the latest images involved, the rest is spread evenly over those before. An image that was judged
        # repeatedly is repeated, and the second images of comparisons come last: distinct images in time order cost more code and predicted
        # no better (on tuning raters, after 300 duels).
        if len(now) > MOST_BASIS:
            half = MOST_BASIS // 2
            places = torch.cat([torch.linspace(0, len(now) - half - 1, half).round().long(), places[len(now) - half :]])
        self._basis, self._basis_now = tuple(x[places] for x in images), now[places]
        covariance = self._between(self._basis, self._basis_now)
        covariance += 1e-6 * covariance.diagonal().mean() * torch.eye(len(places), dtype=torch.float64)
        self._root = torch.linalg.cholesky(covariance)
        self._mode = torch.zeros(len(places), dtype=torch.float64)
        self._coordinates = observed.rows(self._root if len(places) == len(now) else self._embed(images, now))

    def _between(self, images: Features, now: Tensor) -> Tensor:
        """Covariance of f between the basis and images (m), each under the taste of its time: (basis, m)."""
        covariance = kernel(self._basis, images, self.parameters)
        if self.changed is None:
            return covariance
        return torch.where(self._basis_now[:, None] == now[None, :], covariance, covariance * self.parameters.kept)

    def _embed(self, images: Features, now: Tensor | None = None) -> Tensor:
        """Images (m), under the current taste or that of their time, in coordinates in which the prior is N(0, I): (m, basis)."""
        now = torch.ones(images[0].shape[0], dtype=torch.bool) if now is None else now
        return torch.linalg.solve_triangular(self._root, self._between(images, now), upper=False).t()

    def _condition(self, low: Tensor, high: Tensor, guess: Tensor, extra: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        """Find the mode, starting at f (n,), and the precision there. Returns each observation's probability of not being a slip, and f.

        Newton's method (algorithm 3.1 of Rasmussen and Williams), with each observation weighted by that probability: expectation and
        maximisation in turn, which always ascends, although the likelihood with slips is not concave in all directions. The precision uses
        the same weights, trust times curvature. The Hessian of the likelihood with slips would be less by trust (1 - trust) gradient^2, and
        may be negative: where an answer may be a slip, this model is more certain than Laplace's approximation.
        """
        seen = self._coordinates  # (n, m)
        noise = (self.noise**2 * self.observed.doubled + extra).sqrt()
        slips = torch.where(guess > 0, SLIPS, 0.0)
        eye = torch.eye(seen.shape[1], dtype=torch.float64)
        best = -math.inf
        for step in range(_NEWTON_STEPS):
            likelihood, gradient, curvature = interval_derivatives(f, low, high, noise)
            meant = (1.0 - slips) * likelihood.exp()
            answered = meant + slips * guess
            trust = meant / answered
            weight = (trust * curvature).clamp_min(1e-9)
            self._factor = torch.linalg.cholesky(eye + seen.t() @ (weight[:, None] * seen))
            if step:
                objective = float(answered.log().sum() - 0.5 * self._mode @ self._mode)
                if abs(objective - best) < 1e-5 * len(low):
                    break
                best = objective
            aim = seen.t() @ (weight * f + trust * gradient)
            self._mode = torch.cholesky_solve(aim[:, None], self._factor)[:, 0]
            f = seen @ self._mode
        answered = (1.0 - slips) * interval_derivatives(f, low, high, noise)[0].exp() + slips * guess
        # Laplace's approximation, except for that precision, to the log probability of all observations (eq. 3.32 there).
        fitting = float(answered.log().sum() - 0.5 * self._mode @ self._mode - self._factor.diagonal().log().sum())
        self._credibility = fitting - evidence.improbability(self.parameters)
        self._weights = torch.linalg.solve_triangular(self._root.t(), self._mode[:, None], upper=True)[:, 0]
        return trust, f

    def mean(self, features: Features) -> Tensor:
        """Posterior mean of f of m images, (m,) float64: the first result of `predict`, in a fraction of its time."""
        return self._weights @ self._between(features, torch.ones(len(features[0]), dtype=torch.bool))

    def predict(self, features: Features) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation of f of m images, each (m,) float64."""
        places = self._embed(features)
        left = torch.linalg.solve_triangular(self._factor, places.t(), upper=False)
        variance = diagonal(features, self.parameters) - places.square().sum(dim=1) + left.square().sum(dim=0)
        return places @ self._mode, variance.clamp_min(1e-6).sqrt()

    def joint(self, features: Features) -> tuple[Tensor, Tensor]:
        """Posterior mean and covariance of f of m images, (m,) and (m, m) float64."""
        places = self._embed(features)
        left = torch.linalg.solve_triangular(self._factor, places.t(), upper=False)
        # A few rows at a time: for a thousand images, that takes half the time of all at once.
        rows = zip(*(group.split(_ROWS) for group in features), strict=True)
        covariance = torch.cat([kernel(part, features, self.parameters) for part in rows])
        covariance += left.t() @ left - places @ places.t()
        return places @ self._mode, 0.5 * (covariance + covariance.t())


def equal_parts(mean: Tensor, deviation: Tensor, parts: int = 16) -> Tensor:
    """Values of f that stand for `parts` equally likely parts of each image's distribution N(mean, deviation^2): (m,) -> (m, parts)."""
    middles = (torch.arange(parts, dtype=mean.dtype) + 0.5) / parts
    return mean[:, None] + deviation[:, None] * torch.special.ndtri(middles)


def star_information(mean: Tensor, deviation: Tensor, noise: float) -> Tensor:
    """Fisher information about f that a star is expected to hold, by what is known of f: (m,).

    At most 1 / noise^2, which an exact answer would hold; next to nothing where the star is sure already.

    Parameters
    ----------
    mean, deviation : (m,) of f, assumed Gaussian.
    noise : standard deviation of the noise of one judgement.
    """
    edges = torch.tensor(STAR_EDGES, dtype=mean.dtype)
    away = (edges - equal_parts(mean, deviation)[..., None]) / noise  # (m, parts, edges)
    share = torch.special.ndtr(away).diff(dim=-1).clamp_min(1e-12)
    slope = (torch.exp(-0.5 * away.square()) / math.sqrt(2.0 * math.pi)).diff(dim=-1) / noise
    return (slope.square() / share).sum(dim=-1).mean(dim=-1)


def stars_from(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """Expected stars, and their standard deviation, from a person who slips now and then: each (m,), in stars.

    Parameters
    ----------
    mean, deviation : (m,) of f plus the noise of one judgement, assumed Gaussian. Stars are fifths of f.
    """
    edges = torch.tensor(STAR_EDGES[1:-1], dtype=mean.dtype)
    beyond = torch.special.ndtr((mean[:, None] - edges) / deviation[:, None])  # probability that f exceeds each edge, ascending
    share = SLIPS * torch.linspace(0.8, 0.2, 4, dtype=mean.dtype) + (1.0 - SLIPS) * beyond
    steps = torch.arange(1, 8, 2, dtype=mean.dtype)  # n**2 is the sum of the first n odd numbers
    above, squared = share.sum(dim=1), (share * steps).sum(dim=1)
    return 1.0 + above, (squared - above.square()).clamp_min(0.0).sqrt()
