"""From the structure of a residual generator to the generator: what leaves no trace in its weights is judged by its batch statistics.

Every open point has its options, each with how common it is; the mismatch of a reading with the stored statistics (`evidence`) is weighed
against that. Points are settled one after another, and again until nothing changes.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.formats.importing import evidence, questions
from gan.formats.importing.questions import Open
from gan.formats.importing.residual import Structure
from gan.formats.importing.residual_building import (
    LARGEST_IMAGE,
    block,
    growths,
    is_fresh,
    mapped,
    normalised,
    state,
)
from gan.formats.importing.residual_names import ends
from gan.formats.importing.values import Malformed
from gan.networks.residual import Norm, ResidualConfig, ResidualGenerator

_LATENTS = 256
_NOISE = 3e-4  # of a mismatch: less than of a chain's, because all layers are looked at, and readings are compared on the same latents
_FEWEST = 4  # smallest batch, for large layers
_FLOATS = 200_000  # limit for the values of one layer, over the batch
_LARGEST_LOOKED_AT = 8_000_000  # the same for one image; later blocks cost much, and add little evidence
_HOPELESS = 2.0  # mismatch of a block from which later ones are skipped; if nothing fits better, the generator is refused
POOR_FIT = 0.1  # mismatch from which there is a warning; correct readings are below a tenth of it, or 0.03 if few images were seen
_ROUNDS = 4
_JOINT = ("layout", "activation", "upsampling", "geometry")  # settled together at first: a wrong one hides the right ones of the others
_COMMON = ("relu", "leaky_relu:0.2")
_EPSILONS = {1e-5: 0.95, 1e-3: 0.03, 2e-5: 0.02}
_YES = {"yes": "yes", "no": "no"}


@dataclass(frozen=True)
class _Point:
    """One thing that the weights do not tell: its options with label and log-probability, the likeliest first."""

    text: str
    options: dict[str, tuple[str, float]]  # by value


def _point(text: str, chances: Mapping[Any, float], labels: Mapping[str, str]) -> _Point:
    """A point from the probabilities of its options."""
    ranked = sorted(chances.items(), key=lambda option: -option[1])
    named = [(f"{value:g}" if isinstance(value, float) else str(value), chance) for value, chance in ranked]
    return _Point(text, {value: (labels.get(value, value), math.log(chance)) for value, chance in named})


class _Readings:
    """All readings of one structure, and how well each fits the stored statistics."""

    def __init__(self, found: Structure, lost: bool = False) -> None:
        self.found, self.lost = found, lost  # `lost` : whether the form in which the original code keeps its weights is
        self.channels = ends(found.last)[1]
        self.growths = growths(found, self.channels)
        self.points = self._points()
        self.state = state(found)
        self.fits: dict[tuple[str, ...], float] = {}
        norms = [norm for group in found.groups for norm in group.norms] + [norm for norm in (found.last_norm, found.lone) if norm]
        self.telling = bool(norms) and not any(is_fresh(norm) for norm in norms)

    def _points(self) -> dict[str, _Point]:
        found, groups = self.found, self.found.groups
        shared = [layout for layout in groups[0].layouts if all(layout in group.layouts for group in groups)]
        if not shared:
            raise Malformed("its residual blocks are not of one kind, which is not known here")
        normal = any(group.norms for group in groups)
        chances = [0.9, 0.06, 0.04] if normal else [0.85, 0.1, 0.05]
        points = {
            "geometry": _Point(
                "Nothing in the weights tells which of its blocks enlarge. How do its images grow?",
                {value: (f"{sizes[-1]} px: {' → '.join(map(str, sizes))}", score) for value, (sizes, score) in self.growths.items()},
            ),
            "layout": _point(
                "Where do its blocks normalise and bend?", dict(zip(shared, chances, strict=False)),
                {
                    "before": "before each convolution", "after_sum": "after each convolution, and at the end after the sum",
                    "after": "after each convolution, but not after the sum",
                },
            ),
        }  # fmt: skip
        told = {group.enlarged for group in groups if group.enlarged}
        places = {"first": 0.93, "second": 0.05, "end": 0.02} if not told else {str(place): 1.0 / len(told) for place in told}
        points["enlarged"] = _point(
            "Where do its blocks enlarge the image?", places,
            {"first": "before the first convolution", "second": "before the second convolution", "end": "at their end"},
        )  # fmt: skip
        # Chainer's SNGAN repeats pixels, and a widely used one for torch with the same names of layers does not.
        smooth = 0.45 if any(group.shortcut and group.shortcut.name.endswith("c_sc") for group in groups) else 0.1
        if not all(group.smooth for group in groups):
            smooth = 0.0
        modes = {"nearest": 1.0 - smooth, **({"bilinear": smooth} if smooth else {})}
        points["upsampling"] = _point(questions.UPSAMPLING, modes, questions.UPSAMPLINGS)
        points["activation"] = _point(questions.ACTIVATION, evidence.ACTIVATIONS, questions.ACTIVATIONS)
        if found.lone is not None:
            points["normalised"] = _point(
                f"Which layer does its normalisation {found.lone.name!r:.60} belong to?", {"last": 0.9, "first": 0.1},
                {"first": "the first: it follows it", "last": "the last: it comes before it"},
            )  # fmt: skip
        likely = 0.9 if found.stem_norm is not None else 0.05
        points["stem"] = _point("Does a function bend what its first layer gives?", {"yes": likely, "no": 1.0 - likely}, _YES)
        likely = 0.98 if found.last_norm is not None or found.lone is not None else 0.75
        points["last"] = _point("Does a function bend what its last layer takes?", {"yes": likely, "no": 1.0 - likely}, _YES)
        points["prior"] = _point(questions.PRIOR, evidence.PRIORS, questions.PRIORS)
        if normal or self.found.last_norm is not None or found.lone is not None or found.stem_norm is not None:
            points["norm_eps"] = _point(questions.EPSILON, _EPSILONS, {})
        return points

    def config(self, answers: Mapping[str, str]) -> ResidualConfig:
        """The configuration of one reading."""
        found, bend = self.found, answers["activation"].partition(":")
        sizes = self.growths[answers["geometry"]][0]
        factors = [after // before for before, after in itertools.pairwise(sizes)]
        at_stem = found.lone is not None and answers["normalised"] == "first"
        stem_norm = found.lone if at_stem else found.stem_norm
        last_norm = found.last_norm if at_stem or found.lone is None else found.lone
        chosen: Any = {name: answers[name] for name in ("layout", "enlarged", "upsampling", "prior")}
        activation: Any = bend[0]
        also = found.also
        stem = mapped(found.stem, also, transposed=not found.stem_folds)
        try:
            return ResidualConfig(
                z_dim=stem.inputs, resolution=sizes[-1], image_channels=self.channels, side=found.side, stem=stem,
                stem_folds=found.stem_folds, stem_norm=normalised(stem_norm, also), stem_bends=answers["stem"] == "yes",
                blocks=tuple(block(group, factor, also) for group, factor in zip(found.groups, factors, strict=True)),
                last_norm=normalised(last_norm, also), last_bends=answers["last"] == "yes", last=mapped(found.last, also),
                activation=activation, slope=float(bend[2] or 0.2), norm_eps=float(answers.get("norm_eps", 1e-5)),
                renamed=self.lost, **chosen,
            )  # fmt: skip
        except ValueError as error:
            raise Malformed(f"its layers do not fit one another ({error})") from error

    def build(self, config: ResidualConfig) -> ResidualGenerator:
        """A generator with the weights of the file."""
        with torch.device("meta"):
            generator = ResidualGenerator(config)
        lone = "stem_norm" if config.stem_norm is not None and self.found.stem_norm is None else "last_norm"
        try:
            generator.load_state_dict({name.replace("lone.", f"{lone}."): value for name, value in self.state.items()}, assign=True)
        except RuntimeError as error:
            raise Malformed("its layers and their normalisations do not fit one another") from error
        return generator.eval()

    def off(self, answers: Mapping[str, str]) -> float:
        """Mismatch of a reading with the stored statistics; NaN if there are none."""
        key = tuple(answers.values())
        if not self.telling:
            return math.nan
        if key not in self.fits:
            self.fits[key] = mismatch(self.build(self.config(answers)))
        return self.fits[key]

    def score(self, answers: Mapping[str, str]) -> float:
        """Log of the plausibility of a reading, up to a constant."""
        chance = sum(self.points[key].options[value][1] for key, value in answers.items())
        return chance + evidence.log_likelihood(self.off(answers), _NOISE)

    def settle(self, choices: Mapping[str, str]) -> dict[str, str]:
        """The most plausible reading with these choices, by point."""
        fixed = {key: value for key, value in choices.items() if key in self.points and value in self.points[key].options}
        best = {key: fixed.get(key, next(iter(point.options))) for key, point in self.points.items()}
        if not self.telling:
            return best
        for growth in list(self.points["geometry"].options)[:2]:
            open_ones = {
                key: [fixed[key]] if key in fixed else _first(key, self.points[key], growth) for key in _JOINT
            }
            for values in itertools.product(*open_ones.values()):
                best = max(best, {**best, **dict(zip(open_ones, values, strict=True))}, key=self.score)
        for _ in range(_ROUNDS):
            before = best
            for key in self.points:
                if key not in fixed:
                    best = max(({**best, key: value} for value in self.tried(best, key)), key=self.score)
            if best == before:
                break
        return best

    def tried(self, answers: Mapping[str, str], key: str) -> list[str]:
        """The options of a point that are compared: rare activations only where no common one fits."""
        options = list(self.points[key].options)
        if key != "activation" or not self.off(answers) < evidence.GOOD_FIT:
            return options
        return [value for value in options if value.startswith(("relu", "leaky")) or value == answers[key]]


def _first(key: str, point: _Point, growth: str) -> list[str]:
    if key == "geometry":
        return [growth]
    return list(_COMMON) if key == "activation" else list(point.options)


def read(found: Structure, lost: bool, asked: Open, notes: list[str]) -> tuple[ResidualGenerator, str]:
    """The generator, and what it is in one line.

    Parameters
    ----------
    lost : whether the form in which the original code keeps its weights is lost.
    asked : takes the questions.
    notes : takes a warning, if no reading fits the stored statistics well.

    Raises
    ------
    Malformed
        The layers do not fit one another, or no reading fits the stored statistics at all.
    """
    readings = _Readings(found, lost)
    best = readings.settle(asked.choices)
    off = readings.off(best)
    if off > _HOPELESS and not set(asked.choices) & set(readings.points):
        raise Malformed(
            "it was read as residual blocks, but in no way that gives the batch statistics that it learnt: its architecture is another one"
        )
    if math.isnan(off):
        notes.append("It holds no batch statistics that would confirm how it was read: compare its images with those of its own program.")
    if off > POOR_FIT:
        notes.append("Read as residual blocks, it has not the batch statistics that it learnt: its images may be wrong.")
    answers = dict(best)
    for key, point in readings.points.items():
        weighed = []
        for number, value in enumerate(point.options):
            if value == best[key] or value == asked.choices.get(key) or value in readings.tried(best, key):
                reading = {**best, key: value}
                weighed.append((value, point.options[value][0], readings.score(reading), says(readings.off(reading), number == 0)))
        answers[key] = asked.ask(key, point.text, weighed)
    generator = _finished(readings.build(readings.config(answers)), asked)
    return generator, _describe(generator.config)


def fit(found: Structure) -> float:
    """Mismatch of the best reading with the stored statistics; NaN if there are none."""
    readings = _Readings(found)
    return readings.off(readings.settle({}))


def says(off: float, common: bool) -> str:
    """The evidence for an option, as a clause."""
    if math.isnan(off):
        return "the most common" if common else "less common"
    return f"batch statistics off by {off:.3f}"


def _finished(generator: ResidualGenerator, asked: Open) -> ResidualGenerator:
    """The generator with what follows its last layer, and with the statistics that it uses."""
    most = max(max(one.inputs, one.first.outputs, one.outputs) for one in generator.config.blocks) * generator.resolution**2
    with torch.no_grad():
        raw = generator.raw(evidence.latents(generator.z_dim)[: max(1, LARGEST_IMAGE // most)])
    norms = [part for part in generator.modules() if isinstance(part, Norm)]
    learnt = bool(norms) and not any(bool((part.mean == 0).all() and (part.variance == 1).all()) for part in norms)
    config = replace(generator.config, output=asked.output(*evidence.bare_output(learnt, raw)))
    if config.image_channels == 3:
        config = replace(config, order=asked.order())
    with torch.device("meta"):
        made = ResidualGenerator(config)
    made.load_state_dict(generator.state_dict(), assign=True)
    if norms and asked.measured():
        _measure(made, min(_LATENTS, max(_FEWEST, LARGEST_IMAGE // most)))
    return made.eval()


def _measure(generator: ResidualGenerator, count: int) -> None:
    """Replace the stored batch statistics by those of newly drawn latents."""

    def keep(norm: Norm, x: Tensor) -> Tensor:
        over = [i for i in range(x.dim()) if i != 1]
        norm.mean, norm.variance = x.mean(dim=over), x.var(dim=over, unbiased=False)
        return generator.stored(norm, x)

    with torch.no_grad():
        generator.raw(evidence.latents(generator.z_dim, count), keep)


@torch.no_grad()
def mismatch(generator: ResidualGenerator) -> float:
    """Distance of the stored batch statistics from those of newly drawn latents, as of `evidence.mismatch`: the mean over all layers.

    Later layers see their input normalised as in training, so that each mismatch is a layer's own. Blocks after a hopeless one are
    skipped, and so are very large ones with all after them. NaN if nothing was looked at.
    """
    found: list[float] = []

    def look(norm: Norm, x: Tensor) -> Tensor:
        found.append(evidence.distance(x, norm.mean, norm.variance))
        return F.batch_norm(x, None, None, norm.weight, norm.bias, True, eps=generator.config.norm_eps)

    x = generator.begin(evidence.latents(generator.z_dim, _LATENTS), look)
    for stage in generator.stages():
        widest = max(stage.config.inputs, stage.config.first.outputs, stage.config.outputs)
        floats = widest * (x.shape[-1] * stage.config.upsample) ** 2
        if floats > _LARGEST_LOOKED_AT:
            break
        x = stage(x[: max(_FEWEST, _FLOATS // floats)], generator, look)
        if max(found, default=0.0) > _HOPELESS:
            return max(found)
    else:
        generator.end(x, look)
    return sum(found) / len(found) if found else math.nan


def _describe(config: ResidualConfig) -> str:
    with torch.device("meta"):
        weights = sum(value.numel() for value in ResidualGenerator(config).parameters())
    amount = f"{weights / 1e6:.1f} million" if weights >= 1e5 else f"{weights / 1e3:.1f} thousand"
    colours = "colour" if config.image_channels == 3 else "grey"
    return f"residual generator, {config.resolution} px, {colours}, {config.z_dim} latents, {amount} weights"
