"""What drawing tells about a chain of layers: the parts of an architecture that leave no trace in its weights.

Batch normalisation remembers the means and variances that it saw in training, so whoever guesses the activations, the prior and the epsilon
right sees the same ones again. Without it, a wrong guess shows as rougher and harder images. Untrained networks say nothing.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.networks.layered import Block, Layer, LayeredConfig, LayeredGenerator

LATENTS = 32  # drawn for each reading
_STATISTICS = 128  # likewise where only small layers are looked at
_ENTERING = 2048  # where only the first layer is looked at
_SMALL = 16  # pixels: statistics of larger layers tell little more, and cost most
_FLOATS = 48_000_000  # numbers that a layer may take or give at once: 200 MB, of which some copies are made
_TELLING = 4_000_000  # likewise where statistics are compared: more take long and say no more
_MEASURED = 512  # for statistics that are to be kept
_COMMON = (("relu", 0.2), ("leaky_relu", 0.2), ("leaky_relu", 0.01))
_SLOPES = (("leaky_relu", 0.1), ("leaky_relu", 0.3))  # rare, and offered always: evidence hardly tells one slope from another
_RARE = (("elu", 0.2), ("gelu", 0.2), ("silu", 0.2), ("selu", 0.2), ("tanh", 0.2))
PRIORS = {"normal": 0.85, "uniform": 0.15}
_ACTIVATIONS = {
    "relu": 0.78, "leaky_relu:0.2": 0.14, "leaky_relu:0.01": 0.04, "leaky_relu:0.1": 0.01, "leaky_relu:0.3": 0.005,
    "gelu": 0.01, "silu": 0.01, "elu": 0.01, "selu": 0.005, "tanh": 0.005,
}  # fmt: skip
_NOISE = 0.6  # roughness; that of noise is 0.9, of pictures below 0.3
_GOOD_FIT = 0.05  # of `mismatch`; a worse best one is a reason to try rare activations
_PERFECT_FIT = 0.01  # likewise, to try every epsilon with every common activation
_FEW = 0.002  # of the pixels
_CHANNELS = 8.0  # that count as independent when mismatches are compared


@dataclass(frozen=True)
class Reading:
    """One reading of a network's hidden parts."""

    activation: str  # "relu", "leaky_relu:0.2", ...
    prior: str
    eps: float
    score: float  # log of how plausible it is, up to a constant
    evidence: str  # a clause for people
    off: float = 0.0  # `mismatch`, where there are batch statistics that tell


def read_as(config: LayeredConfig, activation: str, prior: str, eps: float) -> LayeredConfig:
    """The configuration with these hidden parts."""
    bend: Any
    bend, _, slope = activation.partition(":")
    layers: Any = tuple(
        replace(
            layer,
            activation=bend if layer.activation not in {"none", "prelu"} else layer.activation,
            slope=float(slope or 0.2),
            # Where an odd epsilon was passed by mistake, the one right behind a folded stem was still spared.
            norm_eps=eps
            if layer.norm == "batch" and not (eps == 0.8 and layer.shape is not None)
            else layer.norm_eps,
        )
        for layer in config.layers
    )
    changed: Any = {"layers": layers, "prior": prior}
    return replace(config, **changed)


def with_weights(config: LayeredConfig, weights: LayeredGenerator) -> LayeredGenerator:
    """A generator that shares the tensors of another one of the same layers."""
    with torch.device("meta"):
        generator = type(weights)(config)
    generator.load_state_dict(weights.state_dict(), assign=True)
    return generator.eval()


def latents(z_dim: int, count: int = LATENTS) -> Tensor:
    """The same N(0, I) latents for every reading, (count, z_dim)."""
    # A seed that nobody else takes: weights that were drawn from the same numbers, by seed 0 say, are no strangers to these latents.
    return torch.randn(count, z_dim, generator=torch.Generator().manual_seed(0x7A57E))


def fits(config: LayeredConfig) -> bool:
    """Whether one image can be drawn within the limit of memory."""
    size = 1
    for layer in config.layers:
        if _floats(layer, size) > _FLOATS:
            return False
        size = layer.size_after(size)
    return True


def _floats(layer: Layer, size: int) -> int:
    """How many numbers of one image a layer holds at most, behind one of this size."""
    after = layer.size_after(size) // layer.shuffle
    return max(layer.inputs * (size * layer.upsample) ** 2, layer.outputs * (after**2 if layer.shape is None else 1))


def fitting(block: Block, x: Tensor, floats: int = _FLOATS, fewest: int = 1) -> Tensor:
    """As many of a batch as the layer makes so many numbers of: large layers are looked at with fewer images."""
    return x[: max(fewest, floats // _floats(block.layer, x.shape[-1] if x.dim() == 4 else 1))]


def trained(generator: LayeredGenerator) -> bool:
    """Whether its weights look as if training had touched them."""
    batch = [block for block in generator.chain() if block.layer.norm == "batch"]
    if batch:
        fresh = [bool((block.norm_mean == 0).all() and (block.norm_variance == 1).all()) for block in batch]
        return not any(fresh)
    raw = raw_images(generator, latents(generator.z_dim, 16))
    # Fresh layers of the usual kinds shrink what passes through them, and draw noise.
    return float(raw.std()) > 0.25 and roughness(generator.finish(raw)) < _NOISE


@torch.no_grad()
def raw_images(generator: LayeredGenerator, z: Tensor) -> Tensor:
    """What the last layer gives, before the output's activation; of fewer latents where layers are large (`fitting`)."""
    x = generator.enter(z)
    for block in generator.chain():
        x = block(fitting(block, x), generator.config.upsampling)
    return x


def bare_output(generator: LayeredGenerator, raw: Tensor) -> tuple[float, str]:
    """How plausible it is that nothing follows the last layer, beside a tanh's 0.85; and why.

    A bare output learns to fill -1 to 1 and to end there. A tanh's argument goes well beyond where pictures have black and white; one that
    stays far within says nothing, because pictures without contrast look like that too, so habit decides: nearly everybody writes a tanh.
    """
    outside = float((raw.abs() > 1.1).float().mean())
    near = float((raw.abs() > 0.85).float().mean())
    says = f"{outside:.0%} of the last layer's numbers lie outside -1 to 1, {near:.0%} beyond 0.85"
    ends_there = outside <= _FEW < near
    return (0.8 if ends_there and trained(generator) else 0.03), says


@torch.no_grad()
def mismatch(generator: LayeredGenerator, z: Tensor) -> float | None:
    """How far stored batch statistics are from those of these latents; None without any.

    Per channel (difference of means)^2 / variance + (log ratio of variances)^2, the median over channels, the mean over layers.
    """
    found: list[float] = []
    x = generator.enter(z)
    chain = generator.chain()
    last = max((i for i, block in enumerate(chain) if block.layer.norm == "batch"), default=-1)
    bent, telling = False, 0  # statistics tell of activations only behind one
    for block in chain[: last + 1]:
        if telling >= 2 and x.dim() == 4 and x.shape[3] >= _SMALL:
            break
        telling += int(bent and block.layer.norm == "batch")
        bent = bent or block.layer.activation != "none"
        x, off = look_through(block, fitting(block, x, _TELLING, LATENTS), generator.config.upsampling)
        found += off
    return sum(found) / len(found) if found else None


def look_through(block: Block, x: Tensor, upsampling: str) -> tuple[Tensor, list[float]]:
    """What a layer gives when normalised by this batch's own statistics, so that no mismatch passes on; and its mismatch, if it has one."""
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
    """How far the stored statistics of a batch normalisation are from those of what enters it."""
    over = [i for i in range(x.dim()) if i != 1]
    mean, variance = x.mean(dim=over), x.var(dim=over, unbiased=False) + 1e-8
    stored = block.norm_variance + 1e-8
    off = (mean - block.norm_mean).square() / stored + (variance / stored).log().square()
    return min(float(off.median()), 10.0)


@torch.no_grad()
def entrance_mismatch(generator: LayeredGenerator) -> float:
    """How far stored batch statistics are from those of what enters, under the best reading of all else; NaN without any."""
    if not any(layer.norm == "batch" for layer in generator.config.layers) or not trained(generator):
        return math.nan
    block, priors = generator.chain()[0], list(PRIORS)
    if block.layer.norm == "batch" and not block.layer.norm_last:  # no activation bears on the very first one
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
    """Of a mismatch (at the entrance, or with so much noise), up to a constant; 0 for one that is not known."""
    # Gaussian errors of unknown size: -(n / 2) log of their mean square.
    return 0.0 if math.isnan(off) else -_CHANNELS / 2.0 * math.log(off + noise)


@torch.no_grad()
def measure_statistics(generator: LayeredGenerator) -> None:
    """Replace stored batch statistics by those of latents drawn now: what a network draws that was never switched to evaluation."""

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
    """Mean distance of a pixel from its four neighbours' mean, over the spread of pixels; noise has about 0.9, pictures below 0.3."""
    middle = images[:, :, 1:-1, 1:-1]
    around = (
        images[:, :, 2:, 1:-1] + images[:, :, :-2, 1:-1] + images[:, :, 1:-1, 2:] + images[:, :, 1:-1, :-2]
    ) / 4.0
    return float((middle - around).abs().mean() / images.std().clamp_min(1e-6))


@torch.no_grad()
def readings(generator: LayeredGenerator, likely_eps: float) -> list[Reading]:
    """Every reading of the hidden parts, the most plausible first.

    Parameters
    ----------
    likely_eps : the epsilon of batch normalisation that names suggest.
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
        score = math.log(_ACTIVATIONS[activation] * PRIORS[prior] * every[eps])
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
            says = f"roughness {rough:.2f}, {hard:.0%} of the pixels black or white"
        elif is_trained:  # the prior scales everything: images say nothing about it
            same = next(
                reading for reading in found if reading.activation == activation and reading.prior == "normal"
            )
            score, says = same.score + math.log(PRIORS[prior] / PRIORS["normal"]), "images do not tell"
        found.append(Reading(activation, prior, eps, score, says, off))

    # One part at a time: the parts hardly depend on one another, and every weighing draws.
    first_eps = max(every, key=lambda eps: every[eps])
    weigh("relu", "normal", first_eps)
    weigh("relu", "uniform", first_eps)
    prior = max(found, key=_score).prior
    for activation in [*common[1:], *slopes]:
        weigh(activation, prior, first_eps)
    if not by_statistics or min(mismatches) > _GOOD_FIT:
        for activation in rare:
            weigh(activation, prior, first_eps)
    # A wrong epsilon can hide which activation is right, and either of them which prior.
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
