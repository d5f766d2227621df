"""State_dicts of DCGANs, multilayer perceptrons and residual generators: the architecture from names, shapes and order (`finding`), the
rest from `evidence`.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gan.formats.importing import agreement, evidence, labels, questions, residual_reading
from gan.formats.importing.ask import label_question
from gan.formats.importing.chain import Chain
from gan.formats.importing.finding import Found, first_generator
from gan.formats.importing.questions import Open
from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source, check_weights
from gan.formats.importing.state_dict import check_calls
from gan.formats.importing.values import Malformed
from gan.model import Model
from gan.networks import LatentGenerator
from gan.networks.conditional import ConditionalConfig
from gan.networks.layered import DcganGenerator, LayeredConfig, LayeredGenerator, MlpGenerator

_MOST_CHAINS, _UNLIKELY = 24, 12.0  # limits for chains that are built and compared: their number, and how far below the best log score
_GROUPS = {32: 0.2, 8: 0.15, 16: 0.1, 1: 0.1, 4: 0.05}  # numbers of groups in group normalisation, and how common each is


def can_read(source: Source) -> bool:
    """Whether this is any file of weights; this family is tried last."""
    return source.container in {"torch", "safetensors", "pickle"}


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """The generator of a checkpoint that holds plain layers."""
    if source.container != "safetensors":
        check_calls(source.unpickled.calls)
    found = first_generator(source)
    asked, path = Open(choices), found.candidate.path
    notes = [f"The generator is the part {path} of the file."] if path else []
    generator: LatentGenerator
    if found.structure is not None and _is_residual(found, asked):
        generator, what = residual_reading.read(found.structure, found.lost, asked, notes)
    else:
        generator, what = _read_chain(found, asked, notes)
    notes.append("It comes without a discriminator that can be used: realism is not judged.")
    model = Model(
        name=source.model_name,
        generator=generator,
        card={
            "data": {"kind": "unknown"},
            "licence": "unknown",
            "imported": {"file": source.name, "architecture": generator.kind, "part": path or None, "folded": found.lost},
        },
    )
    return Imported(model, what, notes, None, asked.questions, asked.settled)


def _read_chain(found: Found, asked: Open, notes: list[str]) -> tuple[LayeredGenerator, str]:
    """The generator as a chain of layers, and what it is; adds to `notes`."""
    generator = labels.choose(_choose_chain(found, asked), found.table, asked.ask, found.condition)
    generator = _enlarging(_groups(generator, asked), asked)
    generator = _hidden_parts(generator, asked, found, notes)
    generator = _pixels(generator, asked)
    _statistics(generator, asked)
    generator = _one_class(generator, asked)
    if found.unused:
        notes.append(
            f"{len(found.unused)} modules have no place in the generator and were left out: "
            f"{', '.join(module.name for module in found.unused[:5])}."
        )
    return generator, _describe(generator)


def _is_residual(found: Found, asked: Open) -> bool:
    """Whether a generator that can be read as residual blocks is that, rather than a chain of layers."""
    blocks = found.structure
    assert blocks is not None
    if not found.chains:
        return True
    off, chance = residual_reading.fit(blocks), 0.9 if blocks.named else 0.5
    plain = _choose_chain(found, Open({}))
    likely = math.nan if math.isnan(off) else min(reading.off for reading in evidence.readings(plain, _likely_eps(found)))
    if min(off, likely) > residual_reading.POOR_FIT:  # neither fits: only the names tell
        off, likely, chance = math.nan, math.nan, 0.9 if blocks.named else 0.2
    options = (("yes", "yes: it is a residual network", chance, off), ("no", "no: its layers are a plain chain", 1.0 - chance, likely))
    weighed = [
        (value, label, math.log(share) + evidence.log_likelihood(wrong, agreement.NOISE), residual_reading.says(wrong, share > 0.5))
        for value, label, share, wrong in options
    ]
    return bool(asked.ask("shortcuts", "Is what enters each of its blocks added to what leaves it?", weighed) == "yes")


def _choose_chain(found: Found, asked: Open) -> LayeredGenerator:
    """The network of the most plausible or the chosen chain, with its weights loaded."""
    built, problem, made = [], None, found.chains
    for chain in [chain for chain in made[:_MOST_CHAINS] if chain.score > made[0].score - _UNLIKELY]:
        try:
            built.append((chain, _build(chain, found)))
        except Malformed as error:
            problem = problem or error
    if not built:
        raise problem or Malformed("it holds no layers of a generator")
    offs = agreement.mismatches([generator for _, generator in built]) if len(built) > 1 else [math.nan]
    values: dict[str, LayeredGenerator] = {}
    weighed = []
    for (chain, generator), off in zip(built, offs, strict=True):
        value = "-".join(str(size) for size in chain.sizes)
        same = sum(known.partition(".")[0] == value for known in values)
        value += f".{same + 1}" if same else ""
        values[value] = generator
        label = f"{chain.resolution} px: {' → '.join(str(size) for size in chain.sizes)}"
        says = _strides(chain) if math.isnan(off) else f"{_strides(chain)}; batch statistics off by {off:.3f}"
        weighed.append((value, label, chain.score + evidence.log_likelihood(off, agreement.NOISE), says))
    text = (
        "Strides and paddings leave no trace in the weights. How large are its images, and how do they grow?"
    )
    return values[asked.ask("geometry", text, weighed)]


def _strides(chain: Chain) -> str:
    steps = []
    for layer in chain.layers:
        if layer.op != "linear":
            more = f" output padding {layer.output_padding}" if layer.output_padding else ""
            grown = " after doubling" if layer.upsample > 1 else ""
            steps.append(f"kernel {layer.kernel} stride {layer.stride} padding {layer.padding}{more}{grown}")
    stem = [layer for layer in chain.layers if layer.op == "linear"]
    if stem and stem[-1].activation == "none" and len(stem) < len(chain.layers):
        steps.append("no function bends the numbers that are reshaped")
    return "; ".join(dict.fromkeys(steps))


def _build(chain: Chain, found: Found) -> LayeredGenerator:
    """The network of a chain, with its weights loaded."""
    first = chain.layers[0]
    try:
        config = LayeredConfig(first.inputs, chain.resolution, chain.channels, chain.layers, renamed=found.lost)
    except ValueError as error:
        raise Malformed(f"its layers do not fit one another ({error})") from error
    if not evidence.fits(config):
        raise Malformed("its layers have absurd sizes")
    kind = MlpGenerator if _is_mlp(config) else DcganGenerator
    with torch.device("meta"):
        generator = kind(config)
    by_name = {module.name: module.tensors for module in found.modules}
    state: dict[str, Tensor] = {}
    for number, layer in enumerate(chain.layers):
        mine = by_name[layer.name]
        if (beside := found.kept(layer.name).beside) is not None:
            state |= {f"blocks.{number}.kept.{name}": value for name, value in beside[1].items()}
        state[f"blocks.{number}.weight"] = mine["weight"]
        if layer.bias:
            state[f"blocks.{number}.bias"] = mine["bias"]
        if layer.norm != "none":
            norm = by_name[layer.norm_name]
            keys = {
                "norm_weight": "weight",
                "norm_bias": "bias",
                "norm_mean": "running_mean",
                "norm_variance": "running_var",
            }
            state |= {
                f"blocks.{number}.{own}": norm[theirs] for own, theirs in keys.items() if theirs in norm
            }
        if layer.activation == "prelu":
            state[f"blocks.{number}.slope"] = by_name[layer.activation_name]["weight"]
    check_weights(state)
    try:
        generator.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise Malformed("its layers and their normalisations do not fit one another") from error
    return generator.eval()


def _groups(generator: LayeredGenerator, asked: Open) -> LayeredGenerator:
    """Ask how many groups of channels a normalisation without statistics has (instance or group normalisation): the weights do not tell."""
    config = generator.config
    widths = [layer.norm_width for layer in config.layers if layer.norm == "instance"]
    if not widths:
        return generator
    weighed = [("0", "each channel by itself (instance normalisation)", math.log(0.4), "")]
    for groups, chance in _GROUPS.items():
        if all(width % groups == 0 for width in widths) and groups < max(widths):
            says = f"in {groups} groups of channels" if groups > 1 else "all channels together"
            weighed.append((str(groups), says, math.log(chance), ""))
    groups = int(asked.ask("groups", "Which channels do its normalisations take together?", weighed))
    changed = tuple(replace(layer, norm_groups=groups if layer.norm == "instance" else 0) for layer in config.layers)
    return evidence.with_weights(replace(config, layers=changed), generator)


def _hidden_parts(generator: LayeredGenerator, asked: Open, found: Found, notes: list[str]) -> LayeredGenerator:
    """The generator with activation, prior and epsilon set from evidence and choices."""
    readings = evidence.readings(generator, _likely_eps(found))
    if min(reading.off for reading in readings) > evidence.WORST_FIT:  # because of skip connections without weights, for example
        notes.append("Read as a plain chain of layers, it has not the batch statistics that it learnt: its images may be wrong.")

    def best_of(field: str) -> list[tuple[Any, evidence.Reading]]:
        best: dict[Any, evidence.Reading] = {}
        for reading in readings:
            best.setdefault(getattr(reading, field), reading)
        return list(best.items())

    activation = asked.ask(
        "activation", questions.ACTIVATION,
        [(value, questions.ACTIVATIONS[value], reading.score, reading.evidence) for value, reading in best_of("activation")],
    )  # fmt: skip
    prior = asked.ask(
        "prior", questions.PRIOR,
        [(value, questions.PRIORS[value], reading.score, reading.evidence) for value, reading in best_of("prior")],
    )  # fmt: skip
    eps = asked.ask(
        "norm_eps", questions.EPSILON,
        [(f"{value:g}", f"{value:g}", reading.score, reading.evidence) for value, reading in best_of("eps")],
    )  # fmt: skip
    return evidence.with_weights(evidence.read_as(generator.config, activation, prior, float(eps)), generator)


def _likely_eps(found: Found) -> float:
    """The epsilon of batch normalisation that the names of the layers suggest."""
    # A widely copied DCGAN, whose layers have these names, passes 0.8 to its normalisations as epsilon, meaning momentum.
    return 0.8 if any("conv_blocks." in f"{module.name}." for module in found.modules) else 1e-5


def _enlarging(generator: LayeredGenerator, asked: Open) -> LayeredGenerator:
    """The generator with the mode of upsampling set from evidence and choices."""
    if not any(layer.upsample > 1 for layer in generator.config.layers):
        return generator
    modes: Any = {"nearest": (0.85, "the most common"), "bilinear": (0.15, "less common")}
    made = {mode: evidence.with_weights(replace(generator.config, upsampling=mode), generator) for mode in modes}
    weighed = []
    for mode, (chance, says) in modes.items():
        off = agreement.mismatches([made[mode]])[0]
        says = says if math.isnan(off) else f"batch statistics off by {off:.3f}"
        weighed.append((mode, questions.UPSAMPLINGS[mode], math.log(chance) + evidence.log_likelihood(off, agreement.NOISE), says))
    return made[asked.ask("upsampling", questions.UPSAMPLING, weighed)]


def _pixels(generator: LayeredGenerator, asked: Open) -> LayeredGenerator:
    """The generator with the meaning of its output set: activation, reshaping and colour order."""
    config = generator.config
    raw = evidence.raw_images(generator, evidence.latents(generator.z_dim))
    plain, says = evidence.bare_output(evidence.trained(generator), raw)
    output = asked.output(plain, says)
    config = replace(config, output=output)
    if config.image_channels == 3 and _is_mlp(config):
        rough = {}
        for folding in ("chw", "hwc"):
            trial = replace(config, folding=folding)
            rough[folding] = evidence.roughness(
                evidence.with_weights(trial, generator)(evidence.latents(generator.z_dim))
            )
        labels = {"chw": "one colour after another", "hwc": "pixel by pixel"}
        folding = asked.ask(
            "folding", "How are its numbers folded into an image?",
            [(value, labels[value], (0.8 if value == "chw" else 0.0) - 8.0 * math.log(max(r, 0.01)), f"roughness {r:.2f}")
             for value, r in rough.items()],
        )  # fmt: skip
        config = replace(config, folding=folding)
    if config.image_channels == 3:
        order = asked.order()
        config = replace(config, order=order)
    return evidence.with_weights(config, generator)


def _statistics(generator: LayeredGenerator, asked: Open) -> None:
    """Ask which statistics batch normalisation uses; replaces the stored ones if measured ones are chosen."""
    if not any(layer.norm == "batch" for layer in generator.config.layers):
        return
    if asked.measured():
        evidence.measure_statistics(generator)


def _one_class(generator: LayeredGenerator, asked: Open) -> LayeredGenerator:
    """The generator for all classes, or restricted to the one that was chosen."""
    if not generator.classes:
        return generator
    question = label_question(generator.classes)
    asked.settled.append(question)
    answer = question.answer(asked.choices)
    return generator if answer == "latent" else labels.only(generator, int(answer))


def _describe(generator: LayeredGenerator) -> str:
    config = generator.config
    weights = sum(value.numel() for value in generator.parameters())
    name = "multilayer perceptron" if _is_mlp(config) else "DCGAN"
    colours = "colour" if config.image_channels == 3 else "grey"
    amount = f"{weights / 1e6:.1f} million" if weights >= 1e5 else f"{weights / 1e3:.1f} thousand"
    latents = f"{config.z_dim} latents"
    if isinstance(config, ConditionalConfig):
        latents = f"{config.noise} latents, {config.condition.classes} classes"
    return f"{name}, {config.resolution} px, {colours}, {latents}, {amount} weights"


def _is_mlp(config: LayeredConfig) -> bool:
    return all(layer.op == "linear" for layer in config.layers)
