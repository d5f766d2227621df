"""Images -> normalised reward terms, measured against a reference set of the untuned generator's images."""

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.data import procedural
from gan.errors import UserError
from gan.model import Model
from gan.networks import LatentGenerator
from gan.rewards.compose import (
    RewardTerms,
    RewardWeights,
    compose,
    neighbour_distance,
    relative_realism,
    saturate,
)
from gan.rewards.drawer import Drawer
from gan.rewards.head import Sample, as_liked, fit_head
from gan.rewards.normalise import Normaliser
from gan.rewards.outside import PREFIX, Guessed
from gan.rewards.plain import PlainMeasures
from gan.rewards.pool import Pool
from gan.taste import RawFeatures, Standardiser, TasteModel

NEIGHBOUR = 5  # typicality is the distance to the reference image of this rank
CEILING_QUANTILE = 0.95  # quantile of untuned liking beyond which more of it earns nothing
GATE_QUANTILE = 0.05  # images less real, or less typical, than this share of untuned images earn nothing
_REAL_IMAGES = 256  # whose mean logit is the reference of relative realism
_LEARNT_IMAGES = 2048  # that the discriminator's head learns to tell from tuned ones
_REAL_SEED = 5_000_000  # of real images: none was trained on, and none is used by a benchmark
_LIKED_AT_ONCE = 1024  # images; with more, the intermediate results no longer fit into the processor's cache


@dataclass(frozen=True)
class Scores:
    """Scores of N images; every tensor is (N,) on the CPU unless said otherwise."""

    liking: Tensor  # posterior mean of the liking f
    terms: RewardTerms
    reward: Tensor
    features: Tensor  # (N, d) standardised features of all groups, concatenated
    logits: Tensor | None = None  # of the discriminator as it was trained
    trained_realism: Tensor | None = None  # the realism term from these logits
    doubt: Tensor | None = None  # posterior standard deviation of f; only from `Scorer.with_doubt`, or with a weight for caution
    judgement: float = 0.0  # standard deviation of the person's noise in one judgement of f; only from `Scorer.with_doubt`


@dataclass(frozen=True)
class Fair:
    """Means over some untuned images, as a baseline for tuned ones; terms in untuned standard deviations."""

    features: Tensor  # (n, d)
    realism: float  # from the discriminator as it was trained
    typicality: float


@dataclass(frozen=True)
class _Realism:
    """Converts logits into the realism term, and decides which are too low."""

    real_logit: float  # mean over real images, or over the reference set
    normaliser: Normaliser
    gate: float  # lowest relative realism that is not gated
    reference: Tensor  # the term for the reference images

    def __call__(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,) -> the term (N,), and whether each is gated (N,) bool."""
        relative = relative_realism(logits, self.real_logit)
        return self.normaliser(relative).clamp(-6.0, 6.0), relative < self.gate


class Scorer:
    """Computes reward terms relative to the untuned generator's own images.

    Parameters
    ----------
    model : the untuned model.
    pool : of its images; the first 1,024 become the reference set, or, with a slow generator, those that are there (see `Pool.refers`).
    leaves_prior : whether images may be scored that the untuned generator would never draw. Then liking beyond a ceiling earns nothing
        more, and images far from all untuned ones earn nothing.
    """

    def __init__(self, model: Model, pool: Pool | None = None, leaves_prior: bool = False) -> None:
        self.pool = Pool(Drawer(model)) if pool is None else pool
        self.drawer, self._leaves_prior, self._card = self.pool.drawer, leaves_prior, model.card
        while not self.pool.refers:
            self.pool.grow()
        self._count = self.pool.reference
        raw, logits = self.pool.read(0, self._count)
        self.standardise = Standardiser.fit(raw)
        self.reference = self.standardise(raw)
        self.weights = RewardWeights()
        self._plain = PlainMeasures(self.reference)
        self._outside: dict[str, Guessed] = {}
        self.set_taste(None)
        self._known: tuple[Tensor, ...] | None = None  # standardised features of the pool
        self._known_distances: Tensor | None = None  # distances of its images to the reference
        self._known_liking: tuple[Tensor, Tensor | None] | None = None  # liking by the current taste
        self._reference_features = torch.cat(self.reference, dim=1)
        distances = neighbour_distance(self._reference_features, self._reference_features, NEIGHBOUR, themselves=True)
        self._reference_distances = distances
        self._typicality_normaliser = Normaliser.fit(-distances)
        self._reference_typicality = self._typicality_normaliser(-distances)
        self._far = float(torch.quantile(distances, 1.0 - GATE_QUANTILE))
        self._reference_logits = logits
        self._trained = self._realism = None if logits is None else self._realism_of(logits, self._real_logit(logits))
        self._head: Tensor | None = None
        self._real: tuple[tuple[Tensor, ...], Tensor] | None = None  # what the head learns to tell tuned images from; set by `learning`
        self._knows_real = False

    def _realism_of(self, untuned: Tensor, real: float) -> "_Realism":
        relative = relative_realism(untuned, real)
        normaliser = Normaliser.fit(relative)
        return _Realism(real, normaliser, float(torch.quantile(relative, GATE_QUANTILE)), normaliser(relative).clamp(-6.0, 6.0))

    def _real_logit(self, untuned: Tensor) -> float:
        """Mean logit of real images if the generator's training data is procedural, else of untuned images."""
        real = self._read_real(_REAL_IMAGES)
        return float((untuned if real is None else real[1]).mean())

    def _read_real(self, count: int) -> tuple[tuple[Tensor, ...], Tensor] | None:
        """Standardised features and logits (count,) of real images; None if the generator's training data is not procedural."""
        kind = str(self._card.get("data", {}).get("kind"))
        if kind not in procedural.KINDS:
            return None
        pixels = torch.from_numpy(procedural.pool(kind, count, self.drawer.resolution, first_seed=_REAL_SEED).copy())
        raws, logits = [], []
        for part in pixels.split(_REAL_IMAGES):
            raw, judged = self.drawer.read((part.permute(0, 3, 1, 2).float() / 127.5 - 1.0).to(self.drawer.device))
            assert judged is not None
            raws.append(raw)
            logits.append(judged)
        return self.standardise(RawFeatures.cat(raws)), torch.cat(logits)

    def learning(self) -> "Scorer":
        """A copy whose discriminator may learn (`learn_realism`), while this one keeps the discriminator as it was trained."""
        if self._real is None:
            # Without real images, the untuned generator's own take their place: those outside the reference set, if there are any.
            raw, logits = self.pool.read(self._count if len(self.pool) > self._count else 0)
            assert logits is not None
            real = self._read_real(_LEARNT_IMAGES)
            self._knows_real, self._real = real is not None, real or (self.standardise(raw), logits)
        return copy.copy(self)

    def learn_realism(self, tuned: Scores, shares: Tensor, ridge: float) -> None:
        """Train the head to tell a tuned generator's images from real ones that are liked as much.

        The term, its normalisation and its gate then come from the discriminator with the head that `fit_head` finds.

        Parameters
        ----------
        tuned : scores of N images.
        shares : (N,) how often the tuned generator draws each of them.
        ridge : as in `fit_head`.
        """
        assert self._real is not None and self._reference_logits is not None and tuned.logits is not None
        (features, logits), last = self._real, self.reference[-1].shape[1]
        real_shares = as_liked(self._predict(features)[0], tuned.liking, shares)
        drawn = Sample(tuned.features[:, -last:], tuned.logits, shares)
        self._head = fit_head(Sample(features[-1], logits, real_shares), drawn, ridge, untuned=not self._knows_real)
        real = float((logits + features[-1] @ self._head).mean())
        self._realism = self._realism_of(self._reference_logits + self.reference[-1] @ self._head, real)

    @property
    def latents(self) -> Tensor:
        """Latents of the reference set: (n, z_dim)."""
        return self.pool.latents[: self._count]

    @property
    def has_realism(self) -> bool:
        return self._trained is not None

    def set_taste(self, taste: TasteModel | None) -> None:
        """Use this taste from now on, its term normalised over the reference images; with None the term is 0."""
        self._taste, self._known_liking = taste, None
        self._taste_normaliser, self._ceiling = Normaliser(0.0, 1.0), float("inf")
        self.reference_liking, doubt = self._predict(self.reference)
        if taste is not None:
            cautious = self._cautious(self.reference_liking, doubt)
            if self._leaves_prior:
                self._ceiling = float(torch.quantile(cautious, CEILING_QUANTILE))
                cautious = saturate(cautious, self._ceiling)
            self._taste_normaliser = Normaliser.fit(cautious)

    def set_weights(self, weights: RewardWeights) -> None:
        """Use these weights from now on."""
        self.weights = weights
        self.set_taste(self._taste)

    def best_fifth(self) -> Fair:
        """Means over the fifth of the reference images that the taste likes best: the narrowing that any taste brings."""
        order = torch.arange(self._count)
        if self._taste is not None:
            order = self.reference_liking.argsort(descending=True)[: self._count // 5]
        return Fair(
            self._reference_features[order],
            0.0 if self._trained is None else float(self._trained.reference[order].mean()),
            float(self._reference_typicality[order].mean()),
        )

    def known_latents(self) -> Tensor:
        """Embedded latents of the pool: (M, e) on the device."""
        return self.pool.embedded()

    def known_features(self) -> tuple[Tensor, Tensor]:
        """The same latents, and features with logits (if any) of their images, in untuned standard deviations: (M, e), (M, d)."""
        groups, logits = self._read_known()
        features = torch.cat(groups, dim=1)
        if logits is not None:
            features = torch.cat([features, Normaliser.fit(logits)(logits)[:, None].clamp(-6.0, 6.0)], dim=1)
        return self.known_latents(), features

    def known_scores(self) -> Scores:
        """Scores of the pool's images (M)."""
        features, logits = self._read_known()
        if self._known_distances is None:
            others = tuple(group[self._count :] for group in features)
            self._known_distances = torch.cat([self._reference_distances, self._distances(others)])
        if self._known_liking is None:
            self._known_liking = self._predict(features)
        return self._scores(features, self._known_distances, logits, self._known_liking)

    def _read_known(self) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """Standardised features and logits of the pool; when it has grown, what was computed for the smaller one is discarded."""
        raw, logits = self.pool.read()
        if self._known is None or len(self._known[0]) != len(raw):
            self._known, self._known_distances, self._known_liking = self.standardise(raw), None, None
        return self._known, logits

    def score(self, images: Tensor) -> Scores:
        """Scores of images (N, 3, R, R) in [-1, 1]."""
        return self.score_features(*self.drawer.read(images))

    def score_latents(self, latents: Tensor) -> Scores:
        """Scores of the images of latents (N, z_dim), as the untuned generator draws them."""
        return self.score_features(*self.drawer.look(latents))

    def gradients(self, latents: Tensor) -> tuple[Scores, Tensor]:
        """Scores of the images of latents, and the gradient of each image's reward in its own latent, of the shape of `latents`.

        Raises
        ------
        UserError
            The generator is not differentiable.
        """
        raws, logits, slopes = [], [], []
        for part in latents.split(self.drawer.chunk):
            leaf = part.detach().to(self.drawer.device).requires_grad_(True)
            with torch.enable_grad():
                images = self.drawer.draw(leaf)
                if not images.requires_grad:
                    raise UserError("this generator lets no gradient through (an ONNX graph, for one): pathwise cannot tune it")
                raw, logit = self.drawer.read(images)
                (slope,) = torch.autograd.grad(self.score_features(raw, logit).reward.sum(), images)
            # Some features have no gradient at some images (black pixels, a single colour): that counts as 0.
            slopes += torch.autograd.grad(images, leaf, torch.nan_to_num(slope, 0.0, 0.0, 0.0))
            raws.append(RawFeatures(tuple(group.detach() for group in raw.groups)))
            logits += [] if logit is None else [logit.detach()]
        scores = self.score_features(RawFeatures.cat(raws), torch.cat(logits) if logits else None)
        return scores, torch.cat(slopes)

    def drawing(self, generator: LatentGenerator) -> "Scorer":
        """A copy that scores what `generator` draws from latents (or styles) of its own; the reference set stays."""
        other = copy.copy(self)
        other.drawer = copy.copy(self.drawer)
        other.drawer.generator = generator
        return other

    def score_features(self, raw: RawFeatures, logits: Tensor | None) -> Scores:
        """Like `score`, from the result of `Drawer.read`."""
        return self.score_standardised(self.standardise(raw), logits)

    def score_standardised(self, features: tuple[Tensor, ...], logits: Tensor | None) -> Scores:
        """Like `score`, from standardised features, and logits (N,) or None."""
        return self._scores(features, self._distances(features), logits)

    def _distances(self, features: tuple[Tensor, ...]) -> Tensor:
        """Distance of each image to its `NEIGHBOUR`-th nearest reference image: (N,)."""
        return neighbour_distance(torch.cat(features, dim=1), self._reference_features, NEIGHBOUR)

    def _scores(
        self,
        features: tuple[Tensor, ...],
        distances: Tensor,
        logits: Tensor | None,
        predicted: tuple[Tensor, Tensor | None] | None = None,
    ) -> Scores:
        liking, doubt = predicted or self._predict(features)
        # An image that was not drawn from the prior must be near untuned ones; one that was is so already.
        realism, trained = None, None
        gated = distances > self._far if self._leaves_prior else torch.zeros(len(liking), dtype=torch.bool)
        if logits is not None and self._realism is not None and self._trained is not None:
            trained, _ = self._trained(logits)
            realism, unreal = self._realism(logits if self._head is None else logits + features[-1] @ self._head)
            gated = gated | unreal
        taste = self._cautious(liking, doubt)
        if self._taste and self._leaves_prior:
            taste = saturate(taste, self._ceiling)
        typicality = self._typicality_normaliser(-distances).clamp(-6.0, 6.0)
        terms = RewardTerms(self._taste_normaliser(taste), realism, typicality, gated, self._wishes(features))
        reward = compose(terms, self.weights)
        return Scores(liking, terms, reward, torch.cat(features, dim=1), logits, trained, doubt)

    def _wishes(self, features: tuple[Tensor, ...]) -> dict[str, Tensor]:
        counting = {name: guessed for name, guessed in self._outside.items() if self.weights.outside.get(name)}
        return {**self._plain(features), **{f"{PREFIX}{name}": guessed(features) for name, guessed in counting.items()}}

    def knows_outside(self, name: str) -> bool:
        """Whether `learn_outside` was called for that scorer."""
        return name in self._outside

    def learn_outside(self, name: str, said: Tensor) -> None:
        """Set an outside scorer's scores of the reference images, (n,), to predict those of others from."""
        self._outside[name] = Guessed(self.reference, said)

    def agreement(self, name: str) -> float:
        """How well that scorer can be predicted: see `Guessed`."""
        return self._outside[name].agreement

    def with_doubt(self, scores: Scores) -> Scores:
        """The same scores, with the taste model's posterior standard deviation and the person's noise."""
        features = scores.features.split([group.shape[1] for group in self.reference], dim=1)
        judgement = 0.0 if self._taste is None else self._taste.noise
        return replace(scores, doubt=self._predict(features, doubtful=True)[1], judgement=judgement)

    def _cautious(self, liking: Tensor, doubt: Tensor | None) -> Tensor:
        return liking if doubt is None or self._taste is None else liking - self.weights.caution * doubt

    def _predict(self, features: tuple[Tensor, ...], doubtful: bool = False) -> tuple[Tensor, Tensor | None]:
        """Mean of the taste model's f and, if wanted, its deviation (most of the work): (N,) float32. Without a taste, 0 and 1."""
        doubtful = doubtful or self.weights.caution > 0.0
        if self._taste is None:
            return torch.zeros(len(features[0])), torch.ones(len(features[0])) if doubtful else None
        parts = zip(*(group.split(_LIKED_AT_ONCE) for group in features), strict=True)
        if not doubtful:
            return torch.cat([self._taste.mean(part) for part in parts]).float(), None
        pairs = [self._taste.predict(part) for part in parts]
        mean, deviation = (torch.cat(both).float() for both in zip(*pairs, strict=True))
        return mean, deviation
