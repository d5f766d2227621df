"""State_dicts of DCGANs and multilayer perceptrons: the architecture from names, shapes and order (`chain`), the rest from `evidence`."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gan.formats.importing import agreement, entrances, evidence, labels, relatives
from gan.formats.importing.ask import label_question, rank
from gan.formats.importing.chain import Chain, chains, links
from gan.formats.importing.result import Imported, Question
from gan.formats.importing.source import Source, check_weights
from gan.formats.importing.state_dict import Candidate, Module, candidates, check_calls, modules, orders
from gan.formats.importing.values import Malformed
from gan.model import Model
from gan.networks.conditional import Condition, ConditionalConfig
from gan.networks.layered import DcganGenerator, LayeredConfig, LayeredGenerator, MlpGenerator

_MOST_UNUSED = 0.1  # share of the weights that may be left over
_HINT = math.log(50.0)
_MOST_CHAINS, _UNLIKELY = 24, 12.0  # limits for chains that are built and compared: their number, and how far below the best log score
_GROUPS = {32: 0.2, 8: 0.15, 16: 0.1, 1: 0.1, 4: 0.05}  # numbers of groups in group normalisation, and how common each is
_WORST_FIT = 0.5  # mismatch of the best reading (`evidence.mismatch`) from which there is a warning; correct readings are below 0.1
_SIDEWAYS = re.compile(r"(?:^|[._])(?:c_sc|shortcut|skip|res|res_?blocks?|residual|downsample)\d*(?:[._]|$)")


class _Open:
    """Collects the questions of an import as they arise."""

    def __init__(self, choices: Mapping[str, str]) -> None:
        self.choices = choices
        self.questions: list[Question] = []
        self.settled: list[Question] = []

    def ask(self, key: str, text: str, weighed: list[tuple[str, str, float, str]]) -> Any:
        """The answer taken to a question; arguments as for `rank`."""
        question, answer, is_open = rank(key, text, weighed, self.choices)
        if question is not None:
            (self.questions if is_open else self.settled).append(question)
        return answer


def can_read(source: Source) -> bool:
    """Whether this is any file of weights; this family is tried last."""
    return source.container in {"torch", "safetensors", "pickle"}


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """The generator of a checkpoint that holds plain layers."""
    if source.container != "safetensors":
        check_calls(source.unpickled.calls)
    found = candidates(source.contents)
    chosen, made, unused, table, folded, tensors, condition = _first_generator(source, found)
    asked = _Open(choices)
    notes: list[str] = []
    if chosen.path:
        notes.append(f"The generator is the part {chosen.path} of the file.")

    generator = labels.choose(_choose_chain(made, tensors, folded, asked), table, asked.ask, condition)
    generator = _enlarging(_groups(generator, asked), asked)
    generator = _hidden_parts(generator, asked, tensors, notes)
    generator = _pixels(generator, asked)
    _statistics(generator, asked)
    generator = _one_class(generator, asked)

    left_out = [name for module in unused for name in module.tensors]
    if left_out:
        notes.append(
            f"{len(unused)} modules have no place in the generator and were left out: {', '.join(m.name for m in unused[:5])}."
        )
    notes.append("It comes without a discriminator that can be used: realism is not judged.")
    model = Model(
        name=re.sub(r"[^\w.+-]+", "-", source.path.stem).strip("-.") or "imported",
        generator=generator,
        card={
            "data": {"kind": "unknown"},
            "licence": "unknown",
            "imported": {"file": source.name, "architecture": generator.kind, "part": chosen.path or None, "folded": folded},
        },
    )
    return Imported(model, _describe(generator), notes, None, asked.questions, asked.settled)


def _first_generator(
    source: Source, found: list[Candidate]
) -> tuple[Candidate, list[Chain], list[Module], Module | None, bool, dict[str, Tensor], Condition | None]:
    """The most promising dictionary of tensors that is a chain of layers.

    Returns
    -------
    The dictionary, its chains, the modules left over, the embedding of labels if any, whether weights were folded (spectral or weight
    normalisation, two entrances), its tensors, and how a label enters if it has an entrance of its own.

    Raises
    ------
    Malformed
        None is a chain of layers; the message is about the most promising one.
    """
    problem: Malformed | None = None
    for candidate in found:
        try:
            tensors = source.load(candidate.tensors)
            all_modules, folded = modules(tensors)
            condition = None
            if (with_one := entrances.merged(all_modules)) is not None:
                tensors, condition = with_one
                all_modules, folded = modules(tensors)[0], True
            made, unused, table = _chains(
                orders(all_modules, source.container != "safetensors"), _hints(candidate, found)
            )
            unused_count = sum(value.numel() for module in unused for value in module.tensors.values())
            if unused_count > _MOST_UNUSED * sum(value.numel() for value in tensors.values()):
                raise Malformed(
                    f"it is of an architecture that is not known here (its part {unused[0].name or next(iter(unused[0].tensors))!r:.60} "
                    "has no place in a chain of layers)"
                )
            return candidate, made, unused, table, folded, tensors, condition
        except Malformed as error:
            problem = problem or error
    # The names of what is promising alone: a discriminator beside it may be of any kind.
    known = relatives.named(f"{one.path}.{name}" for one in found if one.score >= 0 for name in one.tensors)
    raise Malformed(known) if known else problem or Malformed("it holds no generator")


def _chains(
    tried: list[list[Module]], hints: dict[int, float]
) -> tuple[list[Chain], list[Module], Module | None]:
    """The chains of the first order of modules that has any, the modules left over, and the embedding of class labels, if any."""
    problem: Malformed | None = None
    for order in tried:
        table, others = labels.table_of(order)
        for way, modules_of_way in ((None, order), (table, others)):
            if modules_of_way is order or table is not None:
                try:
                    linked, unused = links(modules_of_way)
                    made = chains(linked, hints)
                    _refuse_branches(modules_of_way, unused)
                    return made, unused, way
                except Malformed as error:
                    problem = problem or error
    sideways = any(_SIDEWAYS.search(module.name) for module in tried[0])  # "c_sc" is no label
    if not sideways and any(labels.is_named_so(module) for module in tried[0]):
        raise Malformed("it takes class labels in a way that is not known here")
    raise problem or Malformed("it holds no layers of a generator")


def _refuse_branches(found: list[Module], unused: list[Module]) -> None:
    """Refuse modules that fit one another in sequence by accident: mostly residual blocks of one width."""
    odd = [module for module in unused if module.kind == "batch"]
    weighted = [module for module in found if module.weight is not None]
    odd += [module for module in weighted[1:] if _SIDEWAYS.search(module.name) and _leads_without(found, module)]
    if odd:
        raise Malformed(
            f"it is of an architecture that is not known here (its part {odd[0].name!r:.60} has no place in a chain of layers)"
        )


def _leads_without(found: list[Module], aside: Module) -> bool:
    """Whether the other modules form a chain without `aside`, which is then a parallel branch."""
    try:
        chains(links([module for module in found if module is not aside])[0])
    except Malformed:
        return False
    return True


def _hints(candidate: Candidate, found: list[Candidate]) -> dict[int, float]:
    """Log-odds of image sizes, from what the discriminator in the same file takes."""
    beside = candidate.discriminator_beside(found)
    if beside is None:
        return {}
    shapes = [ref.shape for ref in beside.tensors.values()]
    square = [shape for shape in shapes if len(shape) == 4 and shape[2] > 1]
    linear = [shape for shape in shapes if len(shape) == 2]
    if not square and linear:
        return {
            math.isqrt(linear[0][1] // channels): _HINT for channels in (1, 3) if linear[0][1] % channels == 0
        }
    if linear and square:  # halved by every convolution, then flattened
        side = math.isqrt(max(linear[0][1] // max(square[-1][0], 1), 1))
        return {side * 2**halvings: _HINT for halvings in (len(square) - 1, len(square))}
    if square:  # halved by every one but the last, which looks at all that is left
        return {square[-1][2] * 2 ** (len(square) - 1): _HINT}
    return {}


def _choose_chain(made: list[Chain], tensors: dict[str, Tensor], folded: bool, asked: _Open) -> LayeredGenerator:
    """The network of the most plausible or the chosen chain, with its weights loaded."""
    built, problem = [], None
    for chain in [chain for chain in made[:_MOST_CHAINS] if chain.score > made[0].score - _UNLIKELY]:
        try:
            built.append((chain, _build(chain, tensors, folded)))
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


def _build(chain: Chain, tensors: dict[str, Tensor], folded: bool) -> LayeredGenerator:
    """The network of a chain, with its weights loaded."""
    first = chain.layers[0]
    try:
        config = LayeredConfig(first.inputs, chain.resolution, chain.channels, chain.layers, renamed=folded)
    except ValueError as error:
        raise Malformed(f"its layers do not fit one another ({error})") from error
    if not evidence.fits(config):
        raise Malformed("its layers have absurd sizes")
    kind = MlpGenerator if _is_mlp(config) else DcganGenerator
    with torch.device("meta"):
        generator = kind(config)
    named, _ = modules(tensors)
    by_name = {module.name: module.tensors for module in named}
    state: dict[str, Tensor] = {}
    for number, layer in enumerate(chain.layers):
        mine = by_name[layer.name]
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


def _groups(generator: LayeredGenerator, asked: _Open) -> LayeredGenerator:
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


def _hidden_parts(generator: LayeredGenerator, asked: _Open, tensors: dict[str, Tensor], notes: list[str]) -> LayeredGenerator:
    """The generator with activation, prior and epsilon set from evidence and choices."""
    # A widely copied DCGAN, whose tensors have these names, passes 0.8 to its normalisations as epsilon, meaning momentum.
    likely_eps = 0.8 if any("conv_blocks." in name for name in tensors) else 1e-5
    found = evidence.readings(generator, likely_eps)
    if min(reading.off for reading in found) > _WORST_FIT:  # because of skip connections without weights, for example
        notes.append("Read as a plain chain of layers, it has not the batch statistics that it learnt: its images may be wrong.")

    def best_of(field: str) -> list[tuple[Any, evidence.Reading]]:
        best: dict[Any, evidence.Reading] = {}
        for reading in found:
            best.setdefault(getattr(reading, field), reading)
        return list(best.items())

    activations = {
        "relu": "ReLU", "leaky_relu:0.2": "Leaky ReLU, slope 0.2", "leaky_relu:0.01": "Leaky ReLU, slope 0.01",
        "leaky_relu:0.1": "Leaky ReLU, slope 0.1", "leaky_relu:0.3": "Leaky ReLU, slope 0.3",
        "elu": "ELU", "gelu": "GELU", "silu": "SiLU", "selu": "SELU", "tanh": "tanh",
    }  # fmt: skip
    activation = asked.ask(
        "activation", "Which function bends its hidden layers?",
        [(value, activations[value], reading.score, reading.evidence) for value, reading in best_of("activation")],
    )  # fmt: skip
    priors = {"normal": "normal, N(0, 1)", "uniform": "uniform, from -1 to 1"}
    prior = asked.ask(
        "prior", "From which random numbers did it learn to draw?",
        [(value, priors[value], reading.score, reading.evidence) for value, reading in best_of("prior")],
    )  # fmt: skip
    eps = asked.ask(
        "norm_eps", "Which epsilon do its batch normalisations add?",
        [(f"{value:g}", f"{value:g}", reading.score, reading.evidence) for value, reading in best_of("eps")],
    )  # fmt: skip
    return evidence.with_weights(evidence.read_as(generator.config, activation, prior, float(eps)), generator)


def _enlarging(generator: LayeredGenerator, asked: _Open) -> LayeredGenerator:
    """The generator with the mode of upsampling set from evidence and choices."""
    if not any(layer.upsample > 1 for layer in generator.config.layers):
        return generator
    modes: Any = {
        "nearest": ("by repeating pixels", 0.85, "the most common"),
        "bilinear": ("smoothly (bilinear)", 0.15, "less common"),
    }
    made = {mode: evidence.with_weights(replace(generator.config, upsampling=mode), generator) for mode in modes}
    weighed = []
    for mode, (label, chance, says) in modes.items():
        off = agreement.mismatches([made[mode]])[0]
        says = says if math.isnan(off) else f"batch statistics off by {off:.3f}"
        weighed.append((mode, label, math.log(chance) + evidence.log_likelihood(off, agreement.NOISE), says))
    return made[asked.ask("upsampling", "How are its images enlarged between layers?", weighed)]


def _pixels(generator: LayeredGenerator, asked: _Open) -> LayeredGenerator:
    """The generator with the meaning of its output set: activation, reshaping and colour order."""
    config = generator.config
    raw = evidence.raw_images(generator, evidence.latents(generator.z_dim))
    plain, says = evidence.bare_output(generator, raw)
    output = asked.ask(
        "output", "What follows its last layer?",
        [
            ("tanh", "tanh: pixels from -1 to 1", math.log(0.85), "the most common"),
            ("sigmoid", "sigmoid: pixels from 0 to 1", math.log(0.1), "common where pixels run from 0 to 1"),
            ("none", "nothing: the numbers are pixels from -1 to 1", math.log(plain), says),
        ],
    )  # fmt: skip
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
        order = asked.ask(
            "order", "In which order are its colours?",
            [("rgb", "red, green, blue", math.log(0.95), "the most common"),
             ("bgr", "blue, green, red", math.log(0.05), "where OpenCV read its pictures")],
        )  # fmt: skip
        config = replace(config, order=order)
    return evidence.with_weights(config, generator)


def _statistics(generator: LayeredGenerator, asked: _Open) -> None:
    """Ask which statistics batch normalisation uses; replaces the stored ones if measured ones are chosen."""
    if not any(layer.norm == "batch" for layer in generator.config.layers):
        return
    source = asked.ask(
        "statistics", "Which statistics do its batch normalisations use?",
        [("stored", "those stored in the file", math.log(0.95), "a network switched to evaluation"),
         ("measured", "those of its own images, measured now", math.log(0.05), "a network that draws as it trains")],
    )  # fmt: skip
    if source == "measured":
        evidence.measure_statistics(generator)


def _one_class(generator: LayeredGenerator, asked: _Open) -> LayeredGenerator:
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
