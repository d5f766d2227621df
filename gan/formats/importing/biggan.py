"""Weights of BigGAN-PyTorch (BigGAN and BigGAN-deep): a generator's state_dict, such as `G_ema.pth`."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from gan.formats.importing.ask import label_question
from gan.formats.importing.exact import fill, measure, one_form, signed, state
from gan.formats.importing.questions import Open
from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source
from gan.formats.importing.state_dict import Candidate, Module, check_calls, modules
from gan.formats.importing.values import Malformed
from gan.model import Model
from gan.networks.biggan import BigganConfig, BigganGenerator, Statistic, Statistics

_SIGNS = ("blocks.0.0.bn1.gain.", "linear.", "output_layer.0.", "output_layer.2.")
_MOST_BLOCKS = 31
# Where the statistics are, by the name that the first normalisation has for the mean.
_STATISTICS: dict[str, Statistics] = {"stored_mean": "plain", "bn.stored_mean": "counted", "bn.running_mean": "synchronised"}


def can_read(source: Source) -> bool:
    """Whether the file holds a generator whose tensors have the names of this program."""
    return source.container in {"torch", "safetensors"} and signed(source.contents, _SIGNS) is not None


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator, for every class or only for the one that is chosen."""
    if source.container != "safetensors":
        check_calls(source.unpickled.calls)
    found = signed(source.contents, _SIGNS)
    assert found is not None
    asked, notes = Open(choices), [f"The generator is the part {found.path} of the file."] if found.path else []
    generator = _generator(source, found, asked)
    config = generator.config
    if generator.classes:
        question = label_question(config.classes)
        asked.settled.append(question)
        if (answer := question.answer(choices)) != "latent":
            generator = _only(generator, int(answer))
    if asked.measured():
        measure(generator, Statistic)
    notes.append("It comes without a discriminator that can be used: realism is not judged.")
    count = sum(value.numel() for value in generator.parameters()) / 1e6
    family = "BigGAN-deep" if config.deep else "BigGAN"
    facts = [family, f"{config.resolution} px", "colour", f"{config.noise} latents", f"{count:.1f} million weights"]
    if config.classes > 1:
        facts.insert(4, f"{config.classes} classes")
    model = Model(
        name=source.model_name,
        generator=generator,
        card={
            "data": {"kind": "unknown"},
            "licence": "unknown",
            "imported": {"file": source.name, "architecture": family, "part": found.path or None},
        },
    )
    return Imported(model, ", ".join(facts), notes, None, asked.questions, asked.settled)


def _generator(source: Source, found: Candidate, asked: Open) -> BigganGenerator:
    """The generator with its weights."""
    plain, lost = modules(source.load(found.tensors))
    named = {module.name: module for module in plain}
    form = one_form(module for module in plain if _is_layer(module))
    if lost:
        raise Malformed("its layers keep their weights in different ways, which is not known here")
    first = next((name for name in _STATISTICS if f"blocks.0.0.bn1.{name}" in found.tensors), None)
    if first is None:
        raise Malformed("it is of a version of its program that is not known here (no blocks.0.0.bn1.stored_mean)")
    try:
        config = replace(_config(named), form=form, statistics=_STATISTICS[first])
        if config.statistics == "synchronised":
            config = replace(config, adds_gain=_adds_gain(asked))
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed(f"its layers do not fit one another ({error})") from error
    with torch.device("meta"):
        generator = BigganGenerator(config)
    fill(generator.network, _as_here(state(plain), config.statistics))
    return generator.eval()


def _adds_gain(asked: Open) -> bool:
    """Whether normalisations add their gain: on a single device the program's synchronised ones do, which looks like a mistake in it."""
    weighed = [
        ("times", "they multiply by it", math.log(0.85), "trained on several devices"),
        ("plus", "they add it", math.log(0.15), "trained on one device, and as its program draws when it does not train"),
    ]
    return bool(asked.ask("gain", "What do its synchronised batch normalisations do with their gain?", weighed) == "plus")


def _is_layer(module: Module) -> bool:
    """Whether it is a convolution or a linear layer, rather than a table of classes."""
    table = module.name == "shared" or module.name.endswith((".gain", ".bias"))
    weight = module.weight
    return weight is not None and weight.dim() in {2, 4} and not (table and module.beside is None)


def _as_here(tensors: dict[str, Tensor], kept: Statistics) -> dict[str, Tensor]:
    """The tensors with all statistics under the same names, as means and variances."""
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        owner, _, leaf = name.rpartition(".")
        if kept != "plain" and leaf == "accumulation_counter":
            continue
        # Standing statistics are sums over so many batches.
        count = tensors.get(f"{owner}.accumulation_counter") if kept == "counted" and leaf in {"stored_mean", "stored_var"} else None
        if count is not None and count.numel() == 1 and float(count) > 1.0:
            value = value / count
        owner = f"{owner}.bn" if kept == "plain" and leaf in {"stored_mean", "stored_var"} else owner
        found[f"{owner}.{leaf.replace('stored_', 'running_')}" if owner else leaf] = value
    return found


def _config(named: Mapping[str, Module]) -> BigganConfig:
    """The shape of the generator, apart from how its tensors are kept."""

    def ends(name: str, dimensions: int) -> tuple[int, ...]:
        """Shape of a weight."""
        weight = named[name].weight if name in named else None
        if weight is None or weight.dim() != dimensions:
            raise Malformed(f"it is of a version of its program that is not known here (no {name})")
        return tuple(weight.shape)

    deep = "blocks.0.0.conv4" in named
    last = "conv4" if deep else "conv2"
    count = next((i for i in range(_MOST_BLOCKS) if f"blocks.{i}.0.{last}" not in named), _MOST_BLOCKS)
    widths = [ends("blocks.0.0.conv1", 4)[1], *(ends(f"blocks.{i}.0.{last}", 4)[0] for i in range(count))]
    outputs, entering = ends("linear", 2)
    side = math.isqrt(outputs // max(widths[0], 1))
    gain = ends("blocks.0.0.bn1.gain", 2)
    shared, classes = 0, gain[0]
    if "shared" in named:
        classes, shared = ends("shared", 2)
        noise = gain[1] - shared if deep else entering
        hierarchical = gain[1] != shared
        if hierarchical and not deep:
            noise *= count + 1
    else:
        noise, hierarchical = entering, False
    return BigganConfig(
        z_dim=noise + (classes if classes > 1 else 0),
        resolution=side << (count // 2 if deep else count),
        classes=classes,
        shared=shared,
        noise=noise,
        hierarchical=hierarchical,
        deep=deep,
        side=side,
        widths=tuple(widths),
        attention=tuple(f"blocks.{i}.1.theta" in named for i in range(count)),
        label=None if classes > 1 else 0,
    )


def _only(generator: BigganGenerator, label: int) -> BigganGenerator:
    """The generator restricted to one class."""
    with torch.device("meta"):
        made = BigganGenerator(replace(generator.config, z_dim=generator.config.noise, label=label))
    made.load_state_dict(generator.state_dict(), assign=True)
    return made.eval()
