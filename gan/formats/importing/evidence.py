"""Infers from drawn images the parts of an architecture that leave no trace in its weights: activations, prior and epsilon.

Batch normalisation stores the means and variances that it saw in training, and with the right activations, prior and epsilon they occur
again. Without batch normalisation, a wrong guess gives rougher images with more saturated pixels. Untrained networks give no evidence.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.networks.layered import Block, Layer, LayeredConfig, LayeredGenerator

LATENTS = 32  # drawn per reading
_STATISTICS = 128  # drawn to compare batch statistics, mostly of small layers
_ENTERING = 2048  # drawn to compare those of the first layer only
_SMALL = 16  # pixels; larger layers add little evidence at the highest cost
_FLOATS = 48_000_000  # limit for the input or output of a layer, in values: 200 MB, of which there are several copies
_TELLING = 4_000_000  # the same limit where statistics are compared; more takes longer and adds no evidence
_MEASURED = 512  # latents for statistics that replace the stored ones
_COMMON = (("relu", 0.2), ("leaky_relu", 0.2), ("leaky_relu", 0.01))
_SLOPES = (("leaky_relu", 0.1), ("leaky_relu", 0.3))  # rare, and offered always: evidence hardly tells one slope from another
_RARE = (("elu", 0.2), ("gelu", 0.2), ("silu", 0.2), ("selu", 0.2), ("tanh", 0.2))
PRIORS = {"normal": 0.85, "uniform": 0.15}
ACTIVATIONS = {
    "relu": 0.78, "leaky_relu:0.2": 0.14, "leaky_relu:0.01": 0.04, "leaky_relu:0.1": 0.01, "leaky_relu:0.3": 0.005,
    "gelu": 0.01, "silu": 0.01, "elu": 0.01, "selu": 0.005, "tanh": 0.005,
}  # fmt: skip
_NOISE = 0.6  # roughness from which images count as noise; white noise has about 0.9, pictures below 0.3
GOOD_FIT = 0.05  # if the best mismatch is larger, rare activations are tried too
WORST_FIT = 0.5  # mismatch of the best reading from which there is a warning; correct readings are below 0.1
_PERFECT_FIT = 0.01  # if it is larger, every epsilon is tried with every common activation
_FEW = 0.002  # share of the pixels
_CHANNELS = 8.0  # number of channels that count as independent when mismatches are compared


@dataclass(frozen=True)
class Reading:
    """One guess at the activation, prior and epsilon of a network."""

    activation: str  # "relu", "leaky_relu:0.2", ...
    prior: str
    eps: float
    score: float  # log of its plausibility, up to a constant
    evidence: str  # a clause shown to people
    off: float = 0.0  # `mismatch`, if there are trained batch statistics


def read_as(config: LayeredConfig, activation: str, prior: str, eps: float) -> LayeredConfig:
    """The configuration with this activation ("relu", "leaky_relu:0.2", ...), prior and epsilon of batch normalisation."""
    bend: Any
    bend, _, slope = activation.partition(":")
    layers: Any = tuple(
        replace(
            layer,
            activation=bend if layer.activation not in {"none", "prelu"} else layer.activation,
            slope=float(slope or 0.2),
            # In the DCGAN that passes 0.8 as epsilon by mistake, the normalisation right after the reshaped stem keeps the default.
            norm_eps=eps
            if layer.norm == "batch" and not (eps == 0.8 and layer.shape is not None)
            else layer.norm_eps,
        )
        for layer in config.layers
    )
    changed: Any = {"layers": layers, "prior": prior}
    return replace(config, **changed)


def with_weights(config: LayeredConfig, weights: LayeredGenerator) -> LayeredGenerator:
    """A generator with another configuration of the same layers, sharing the tensors of `weights`."""
    with torch.device("meta"):
        generator = type(weights)(config)
    generator.load_state_dict(weights.state_dict(), assign=True)
    return generator.eval()


def latents(z_dim: int, count: int = LATENTS) -> Tensor:
    """Latents (count, z_dim) from N(0, I), the same for every reading."""
    # An unusual seed: weights initialised from the same random numbers (with seed 0, say) would be correlated with the latents.
    return torch.randn(count, z_dim, generator=torch.Generator().manual_seed(0x7A57E))


def fits(config: LayeredConfig) -> bool:
    """Whether one image can be drawn within the memory limit."""
    size = 1
    for layer in config.layers:
        if _floats(layer, size) > _FLOATS:
            return False
        size = layer.size_after(size)
    return True


def _floats(layer: Layer, size: int) -> int:
    """Number of values in the larger of a layer's input and output, for one image; `size` is the width of the input in pixels."""
    after = layer.size_after(size) // layer.shuffle
    return max(layer.inputs * (size * layer.upsample) ** 2, layer.outputs * (after**2 if layer.shape is None else 1))


def fitting(block: Block, x: Tensor, floats: int = _FLOATS, fewest: int = 1) -> Tensor:
    """As much of the batch `x` as keeps the layer within `floats` values, but at least `fewest` rows."""
    return x[: max(fewest, floats // _floats(block.layer, x.shape[-1] if x.dim() == 4 else 1))]


def trained(generator: LayeredGenerator) -> bool:
    """Whether its weights look trained rather than freshly initialised."""
    batch = [block for block in generator.chain() if block.layer.norm == "batch"]
    if batch:
        fresh = [bool((block.norm_mean == 0).all() and (block.norm_variance == 1).all()) for block in batch]
        return not any(fresh)
    raw = raw_images(generator, latents(generator.z_dim, 16))
    # With the usual initialisations, untrained layers shrink their input, and the images are noise.
    return float(raw.std()) > 0.25 and roughness(generator.finish(raw)) < _NOISE


@torch.no_grad()
def raw_images(generator: LayeredGenerator, z: Tensor) -> Tensor:
    """Output of the last layer, before the output activation; of fewer latents than `z` has if layers are large (see `fitting`)."""
    x = generator.enter(z)
    for block in generator.chain():
        x = block(fitting(block, x), generator.config.upsampling)
    return x


def bare_output(learnt: bool, raw: Tensor) -> tuple[float, str]:
    """The weight of "no activation after the last layer", to be compared with 0.85 for tanh, and the evidence.

    An output without activation is trained to fill [-1, 1] and end there. The argument of a tanh goes well beyond 1 where pictures are
    black or white. If it stays far within, that is no evidence (low contrast looks the same), and tanh, the usual choice, is assumed.

    Parameters
    ----------
    learnt : whether the generator looks trained.
    raw : what its last layer gives.
    """
    outside = float((raw.abs() > 1.1).float().mean())
    near = float((raw.abs() > 0.85).float().mean())
    says = f"{100 * outside:.0f} % of the last layer's numbers lie outside -1 to 1, {100 * near:.0f} % beyond 0.85"
    ends_there = outside <= _FEW < near
    return (0.8 if ends_there and learnt else 0.03), says


@torch.no_grad()
def mismatch(generator: LayeredGenerator, z: Tensor) -> float | None:
    """Distance of the stored batch statistics from those measured with the latents `z`; None without batch normalisation.

    (difference of means)^2 / stored variance + (log ratio of variances)^2: the median over channels, at most 10, then the mean over layers.
    Layers from 16 px on are skipped once two normalisations after an activation have been compared.
    """
    found: list[float] = []
    x = generator.enter(z)
    chain = generator.chain()
    last = max((i for i, block in enumerate(chain) if block.layer.norm == "batch"), default=-1)
    bent, telling = False, 0  # only statistics after an activation depend on it
    for block in chain[: last + 1]:
        if telling >= 2 and x.dim() == 4 and x.shape[3] >= _SMALL:
            break
        telling += int(bent and block.layer.norm == "batch")
        bent = bent or block.layer.activation != "none"
        x, off = look_through(block, fitting(block, x, _TELLING, LATENTS), generator.config.upsampling)
        found += off
    return sum(found) / len(found) if found else None


def look_through(block: Block, x: Tensor, upsampling: str) -> tuple[Tensor, list[float]]:
    """Output of a layer, normalised with the statistics of this batch so that later layers see no mismatch; and its mismatch, if any."""
    found: list[float] = []

    def look(block: Block, x: Tensor) -> Tensor:
        if block.layer.norm != "batch":
            return block.normalise(x)
        found.append(_off(block, x))
        affine = block.layer.norm_affine
        return F.batch_norm(
            x, None, None, block.norm_weight if affine else None, block.norm_bias if affine else None, True, eps=block.layer.norm_eps
        )  # fmt: skip

    return block(x, upsampling, look), found


def _off(block: Block, x: Tensor) -> float:
    """Distance of the stored statistics of a batch normalisation from those of its input; see `mismatch`."""
    return distance(x, block.norm_mean, block.norm_variance)


def distance(x: Tensor, stored_mean: Tensor, stored_variance: Tensor) -> float:
    """Distance of the statistics of each channel of `x` (N, C) or (N, C, H, W) from the stored ones (C,); see `mismatch`."""
    over = [i for i in range(x.dim()) if i != 1]
    mean, variance = x.mean(dim=over), x.var(dim=over, unbiased=False) + 1e-8
    stored = stored_variance + 1e-8
    off = (mean - stored_mean).square() / stored + (variance / stored).log().square()
    return min(float(off.median()), 10.0)


@torch.no_grad()
def entrance_mismatch(generator: LayeredGenerator) -> float:
    """Mismatch of the first batch statistics, for the best choice of activation, prior and epsilon; NaN without trained statistics.

    Of the first layer alone if its normalisation comes before any activation, else as `mismatch`.
    """
    if not any(layer.norm == "batch" for layer in generator.config.layers) or not trained(generator):
        return math.nan
    block, priors = generator.chain()[0], list(PRIORS)
    if block.layer.norm == "batch" and not block.layer.norm_last:  # no activation comes before it
        return min(_first_mismatch(generator, block, prior) for prior in priors)
    many = latents(generator.z_dim, _STATISTICS)
    tried = itertools.product([_named(*pair) for pair in _COMMON], priors, (1e-5, 0.8))
    offs = [mismatch(with_weights(read_as(generator.config, *reading), generator), many) for reading in tried]
    return min(off for off in offs if off is not None)


def _first_mismatch(generator: LayeredGenerator, block: Block, prior: str) -> float:
    found = []

    def look(block: Block, x: Tensor) -> Tensor:
        found.append(_off(block, x))
        return block.normalise(x)

    read: Any = {"prior": prior}
    entered = with_weights(replace(generator.config, **read), generator).enter(latents(generator.z_dim, _ENTERING))
    block(entered, generator.config.upsampling, look)
    return found[0]


def log_likelihood(off: float, noise: float = 1.0 / _ENTERING) -> float:
    """Log-likelihood of a mismatch whose own error is about `noise`, up to a constant; 0 for NaN."""
    # Gaussian errors of unknown variance: -(n / 2) log of their mean square.
    return 0.0 if math.isnan(off) else -_CHANNELS / 2.0 * math.log(off + noise)


@torch.no_grad()
def measure_statistics(generator: LayeredGenerator) -> None:
    """Replace the stored batch statistics by those of newly drawn latents, for networks that are used in training mode."""

    def keep(block: Block, x: Tensor) -> Tensor:
        if block.layer.norm == "batch":
            over = [i for i in range(x.dim()) if i != 1]
            block.norm_mean = x.mean(dim=over)
            block.norm_variance = x.var(dim=over, unbiased=False)
        return block.normalise(x)

    x = generator.enter(latents(generator.z_dim, _MEASURED if generator.resolution <= 64 else _MEASURED // 4))
    for block in generator.chain():
        x = block(fitting(block, x), generator.config.upsampling, keep)


@torch.no_grad()
def roughness(images: Tensor) -> float:
    """Mean absolute difference of pixels from the mean of their four neighbours, over the standard deviation of all pixels.

    Images are (N, C, H, W). White noise has about 0.9, pictures have below 0.3.
    """
    middle = images[:, :, 1:-1, 1:-1]
    around = (
        images[:, :, 2:, 1:-1] + images[:, :, :-2, 1:-1] + images[:, :, 1:-1, 2:] + images[:, :, 1:-1, :-2]
    ) / 4.0
    return float((middle - around).abs().mean() / images.std().clamp_min(1e-6))


@torch.no_grad()
def readings(generator: LayeredGenerator, likely_eps: float) -> list[Reading]:
    """The readings that were tried, the most plausible first.

    Parameters
    ----------
    likely_eps : the epsilon of batch normalisation that the names of the tensors suggest.
    """
    config, z, many = generator.config, latents(generator.z_dim), latents(generator.z_dim, _STATISTICS)
    bends = any(layer.activation not in {"none", "prelu"} for layer in config.layers)
    batch = any(layer.norm == "batch" for layer in config.layers)
    is_trained = trained(generator)
    common = [_named(*pair) for pair in _COMMON] if bends else ["relu"]
    slopes = [_named(*pair) for pair in _SLOPES] if bends else []
    rare = [_named(*pair) for pair in _RARE] if bends else []
    by_statistics, every = batch and is_trained, {1e-5: 0.9, 0.8: 0.08, 1e-3: 0.03} if batch else {1e-5: 1.0}
    if batch and likely_eps != 1e-5:
        every = {likely_eps: 0.9, 1e-5: 0.1}
    found: list[Reading] = []
    mismatches: list[float] = []

    def weigh(activation: str, prior: str, eps: float) -> None:
        score = math.log(ACTIVATIONS[activation] * PRIORS[prior] * every[eps])
        says, off = "the most common" if activation == "relu" and prior == "normal" else "less common", 0.0
        if by_statistics:
            off = mismatch(with_weights(read_as(config, activation, prior, eps), generator), many) or 0.0
            mismatches.append(off)
            score += log_likelihood(off, 1.0 / _STATISTICS)
            says = f"batch statistics off by {off:.3f}"
        elif is_trained and prior == "normal":
            drawing = with_weights(read_as(config, activation, prior, eps), generator)
            images = drawing.finish(raw_images(drawing, z))
            rough, hard = roughness(images), float((images.abs() > 0.98).float().mean())
            score -= 6.0 * math.log(max(rough, 0.01)) + 3.0 * hard
            says = f"roughness {rough:.2f}, {100 * hard:.0f} % of the pixels black or white"
        elif is_trained:  # the prior only scales everything: the images are no evidence
            same = next(
                reading for reading in found if reading.activation == activation and reading.prior == "normal"
            )
            score, says = same.score + math.log(PRIORS[prior] / PRIORS["normal"]), "images do not tell"
        found.append(Reading(activation, prior, eps, score, says, off))

    # One part at a time: they are nearly independent, and every reading costs a batch of images.
    first_eps = max(every, key=lambda eps: every[eps])
    weigh("relu", "normal", first_eps)
    weigh("relu", "uniform", first_eps)
    prior = max(found, key=_score).prior
    for activation in [*common[1:], *slopes]:
        weigh(activation, prior, first_eps)
    if not by_statistics or min(mismatches) > GOOD_FIT:
        for activation in rare:
            weigh(activation, prior, first_eps)
    # With a wrong epsilon the wrong activation may have won, and with either of them wrong, the wrong prior.
    best = max(found, key=_score)
    again = common if by_statistics and min(mismatches) > _PERFECT_FIT else []
    for eps in every:
        if eps != first_eps:
            for activation in dict.fromkeys([best.activation, *again]):
                weigh(activation, best.prior, eps)
    best = max(found, key=_score)
    if by_statistics and best.eps != first_eps:
        weigh(best.activation, next(prior for prior in PRIORS if prior != best.prior), best.eps)
    return sorted(found, key=_score, reverse=True)


def _score(reading: Reading) -> float:
    return reading.score


def _named(kind: str, slope: float) -> str:
    return f"{kind}:{slope}" if kind == "leaky_relu" else kind
