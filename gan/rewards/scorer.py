"""Images -> normalised reward terms, measured against a reference sample of the untuned generator."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan.adversarial.precision import bfloat16_pays
from gan.data.procedural import scene_pool
from gan.model import Model
from gan.rewards.compose import Normaliser, RewardTerms, RewardWeights, compose, relative_realism
from gan.taste import RawFeatures, Standardiser, TasteModel, judge, raw_features

REFERENCE_IMAGES = 768
GATE_QUANTILE = 0.05  # less real than this share of untuned images earns nothing
_REAL_IMAGES = 256
_REAL_SEED = 5_000_000  # real images for the relative discriminator: none of them trained on, none judged by a benchmark


class Drawer:
    """Draws images of latents with the untuned generator, and reads them, in chunks that fit."""

    def __init__(self, model: Model, chunk: int = 128) -> None:
        self.generator: nn.Module = model.generator
        self.discriminator = model.discriminator
        self.device = model.device
        self.chunk = chunk
        self.autocast = bfloat16_pays(self.device)

    @torch.no_grad()
    def draw(self, latents: Tensor, exact: bool = False) -> Tensor:
        """(N, d) -> (N, 3, R, R) in [-1, 1] on the device; `exact` draws in float32, as a saved image is drawn."""
        parts = []
        for part in latents.to(self.device).split(self.chunk):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast and not exact):
                parts.append(self.generator(part).float().clamp(-1.0, 1.0))
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    @torch.no_grad()
    def read(self, images: Tensor) -> tuple[RawFeatures, Tensor | None]:
        """Raw features, and the discriminator's logits (N,) on the CPU where there is one."""
        features: list[RawFeatures] = []
        logits: list[Tensor] = []
        for part in images.split(self.chunk):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                hidden, logit = judge(self.discriminator, part)
            features.append(raw_features(part, hidden))
            if logit is not None:
                logits.append(logit.float().cpu())
        return RawFeatures.cat(features), torch.cat(logits) if logits else None


@dataclass(frozen=True)
class Scores:
    """What the scorer thinks of N images; every tensor (N,) on the CPU unless said otherwise."""

    liking: Tensor  # posterior mean of f
    doubt: Tensor  # posterior standard deviation of f
    terms: RewardTerms
    reward: Tensor
    features: Tensor  # (N, d) standardised features side by side, for novelty and diversity


class Scorer:
    """Reward terms against the untuned generator's own images.

    Parameters
    ----------
    model : the untuned pair.
    seed : draws the reference latents.
    """

    def __init__(self, model: Model, seed: int = 0) -> None:
        self.drawer = Drawer(model)
        generator = torch.Generator().manual_seed(seed + 7919)
        self.latents = torch.randn(REFERENCE_IMAGES, model.z_dim, generator=generator)
        raw, logits = self.drawer.read(self.drawer.draw(self.latents))
        self.standardise = Standardiser.fit(raw)
        self.reference = self.standardise(raw)
        self.weights = RewardWeights()
        self._taste: TasteModel | None = None
        self._taste_normaliser = Normaliser(0.0, 1.0)
        self._has_realism = logits is not None
        if logits is not None:
            self._reference_logit = self._real_logit(model, logits)
            realism = relative_realism(logits, self._reference_logit)
            self._realism_normaliser = Normaliser.fit(realism)
            self._gate = float(torch.quantile(realism, GATE_QUANTILE))

    def _real_logit(self, model: Model, untuned: Tensor) -> float:
        """Mean logit of real images where the generator's data is known, of untuned images where it is not."""
        if model.card.get("data", {}).get("kind") != "scenes":
            return float(untuned.mean())
        pixels = torch.from_numpy(scene_pool(_REAL_IMAGES, model.resolution, first_seed=_REAL_SEED).copy())
        real = (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0).to(model.device)
        _, logits = self.drawer.read(real)
        assert logits is not None
        return float(logits.mean())

    @property
    def has_realism(self) -> bool:
        return self._has_realism

    def set_taste(self, taste: TasteModel | None) -> None:
        """Use this taste from now on; its term is normalised afresh over the reference images."""
        self._taste = taste
        if taste is not None:
            mean, doubt = taste.predict(self.reference)
            self.reference_liking = mean.float()
            self._taste_normaliser = Normaliser.fit((mean - self.weights.caution * doubt).float())

    def set_weights(self, weights: RewardWeights) -> None:
        """Use these weights from now on."""
        self.weights = weights
        self.set_taste(self._taste)

    def best_fifth(self) -> Tensor:
        """Features (n, d) of the reference images that the taste model likes best: what narrowing is fair."""
        features = torch.cat(self.reference, dim=1)
        if self._taste is None:
            return features
        return features[self.reference_liking.argsort(descending=True)[: len(features) // 5]]

    def score(self, images: Tensor) -> Scores:
        """Terms and reward of images (N, 3, R, R) in [-1, 1]."""
        return self.score_features(*self.drawer.read(images))

    def score_features(self, raw: RawFeatures, logits: Tensor | None) -> Scores:
        """As `score`, from what `Drawer.read` returned."""
        features = self.standardise(raw)
        n = len(raw)
        liking, doubt = torch.zeros(n), torch.ones(n)
        if self._taste is not None:
            mean, deviation = self._taste.predict(features)
            liking, doubt = mean.float(), deviation.float()
        realism, gated = None, torch.zeros(n, dtype=torch.bool)
        if logits is not None:
            relative = relative_realism(logits, self._reference_logit)
            realism = self._realism_normaliser(relative).clamp(-6.0, 6.0)
            gated = relative < self._gate
        terms = RewardTerms(self._taste_normaliser(liking - self.weights.caution * doubt), realism, gated)
        return Scores(liking, doubt, terms, compose(terms, self.weights), torch.cat(features, dim=1))
