"""From modules to a chain of layers: their order, and plausible strides and paddings.

All possible chains are kept, ranked by how common their steps and their image size are; for the weights of the steps see `geometry`.
"""

import math
from dataclasses import dataclass, replace

from gan.formats.importing.geometry import Geometry, Link, State, walk
from gan.formats.importing.state_dict import Module
from gan.formats.importing.values import Malformed
from gan.networks.layered import Activation, Layer, Normalisation

_SIZES = {
    28: 0.22,
    32: 0.25,
    64: 0.3,
    128: 0.12,
    256: 0.06,
    16: 0.02,
    512: 0.01,
    48: 0.01,
    96: 0.02,
    1024: 0.005,
}
_GREY = {28: 2.0, 32: 0.6}  # factors for grey images: MNIST and Fashion-MNIST are 28 px
_BARE_STEM = math.log(0.1)  # log-odds of a linear layer that is reshaped without any activation, where the names do not tell
SMALLEST = 8  # pixels of an image
_MOST_LINKS = 32  # the limit of a bundle too; each further layer multiplies the number of possible chains


@dataclass(frozen=True)
class Chain:
    """One interpretation of a state_dict."""

    score: float  # log of its plausibility, up to a constant
    layers: tuple[Layer, ...]  # with "relu" as a placeholder wherever an activation is possible
    resolution: int
    sizes: tuple[int, ...]  # in pixels: at the input of the first convolution, then after each; of a multilayer perceptron, of its image
    channels: int


def size_score(size: int, channels: int) -> float:
    """Log of how common images of this size in pixels are, up to a constant."""
    return math.log(_SIZES.get(size, 3e-4) * (_GREY.get(size, 1.0) if channels == 1 else 1.0))


def links(modules: list[Module]) -> tuple[list[Link], list[Module]]:
    """The weighted modules in order, each with its normalisation and PReLU, and the modules that are left over."""
    found: list[Link] = []
    unused: list[Module] = []
    kinds = [module.kind for module in modules]
    last_main = max((i for i, kind in enumerate(kinds) if kind in {"conv", "linear"}), default=-1)
    # With names like conv1, conv2, bn1, bn2, all layers come before all normalisations: then the first belongs to the first layer.
    runs = last_main > 0 and not any(kind in {"batch", "affine"} for kind in kinds[:last_main])
    for module, kind in zip(modules, kinds, strict=True):
        if module.weight is not None and not module.weight.numel():
            raise Malformed(f"the weights of its layer {module.name or next(iter(module.tensors))!r:.60} are empty")
        if kind in {"conv", "linear"}:
            found.append(Link(module))
            continue
        first = next(iter(module.tensors.values()))
        width = first.shape[0] if first.dim() else 0
        order = range(len(found)) if runs else range(len(found) - 1, max(len(found) - 2, -1), -1)
        if kind == "prelu":
            place = next((i for i in order if found[i].prelu is None and _fits(found[i], width)), None)
        else:
            place = next((i for i in order if found[i].norm is None and _fits(found[i], width)), None)
        if kind == "other" or place is None:
            unused.append(module)
        elif kind == "prelu":
            found[place] = replace(found[place], prelu=module)
        else:
            found[place] = replace(found[place], norm=module)
    return _telling([_with_gaps(found, i) for i in range(len(found))]), unused


def _telling(found: list[Link]) -> list[Link]:
    """The links, with `gap` None in containers without any gap: an nn.ModuleList numbers only its layers, whatever comes between."""
    telling = {link.main.place[0] for link in found if link.gap and link.main.place}
    return [link if link.main.place and link.main.place[0] in telling else replace(link, gap=None) for link in found]


def _fits(link: Link, width: int) -> bool:
    weight = link.main.weight
    assert weight is not None
    if width == 1:  # a PReLU with one slope for all channels
        return True
    if weight.dim() == 4:
        return width in {weight.shape[0], weight.shape[1], weight.shape[0] // 4}
    return width > 0 and weight.shape[0] % width == 0


def _with_gaps(found: list[Link], index: int) -> Link:
    link = found[index]
    own = [module for module in (link.main, link.norm, link.prelu) if module is not None]
    following = found[index + 1].main.place if index + 1 < len(found) else None
    before = [
        module.place[1] for module in own if module.place and following and module.place[0] == following[0]
    ]
    gap = following[1] - max(before) - 1 if following and before and following[1] > max(before) else None
    here, norm = link.main.place, link.norm.place if link.norm else None
    inner = norm[1] - here[1] - 1 if here and norm and here[0] == norm[0] and norm[1] > here[1] else None
    return replace(link, gap=gap, inner_gap=inner)


# ------------------------------------------------------------------------------------------------------------------ chains


def chains(found: list[Link], hints: dict[int, float] | None = None) -> list[Chain]:
    """Interpretations of the links as a generator, the most plausible first.

    Parameters
    ----------
    hints : log-odds by image size, derived from the discriminator in the same file.

    Raises
    ------
    Malformed
        They form no chain from a latent to an image.
    """
    if len(found) > _MOST_LINKS:
        raise Malformed(f"it has {len(found)} layers, where a chain from random numbers to an image has at most {_MOST_LINKS}")
    linears = []
    for link in found:
        if link.main.kind != "linear":
            break
        linears.append(link)
    convolutions = found[len(linears) :]
    if any(link.main.kind == "linear" for link in convolutions) or not found:
        raise Malformed(_why_not(found))
    width = None
    for link in linears:
        weight = link.main.weight
        assert weight is not None
        if width is not None and weight.shape[1] != width:
            raise Malformed(
                "its layers do not follow one another, so its architecture cannot be told from its weights"
            )
        width = int(weight.shape[0])
    made = _multilayer(linears) if not convolutions else _convolutional(linears, convolutions)
    if not made:
        raise Malformed(_why_not(found))
    scored = [
        replace(
            chain,
            layers=(*chain.layers[:-1], replace(chain.layers[-1], activation="none")),
            score=chain.score + (hints or {}).get(chain.resolution, 0.0),
        )
        for chain in made
    ]
    return sorted(scored, key=lambda chain: -chain.score)


def _why_not(found: list[Link]) -> str:
    """Why the layers are no generator, as a clause that guesses what they are."""
    first, last = (link.main.weight for link in (found[0], found[-1])) if found else (None, None)
    if first is None or last is None:
        return "it holds no layers of a generator"
    ends = {int(last.shape[0])} | ({int(last.shape[1])} if last.dim() == 4 else set())
    takes = {int(first.shape[1]), int(first.shape[0])} if first.dim() == 4 else {int(first.shape[1])}
    if first.dim() == 4 and takes & {1, 3, 6}:
        return (
            "it takes images, not random numbers: it is a discriminator or classifier, not a generator"
            if last.dim() == 2 or not ends & {3}
            else "it takes images, not random numbers: it turns pictures into pictures"
        )
    if last.dim() == 2 and (last.shape[0] <= 16 or first.shape[1] > 4 * last.shape[0]):
        return f"it gives {last.shape[0]} number{'s' if last.shape[0] > 1 else ''}, not an image: it may be a discriminator"
    if last.dim() == 2:
        return f"it gives {last.shape[0]} numbers, which fold into no square image"
    return "its layers form no chain from random numbers to a square image of one or three channels"


def _multilayer(linears: list[Link]) -> list[Chain]:
    last = linears[-1].main.weight
    assert last is not None
    outputs = int(last.shape[0])
    for channels in (1, 3):
        side = math.isqrt(outputs // channels)
        if side * side * channels == outputs and side >= SMALLEST and linears[0].main.weight is not None:
            if int(linears[0].main.weight.shape[1]) > outputs:
                return []
            if len(linears) == 1:  # any table of numbers is that
                raise Malformed("it holds a single layer, and no generator is that small")
            layers = _linear_layers(linears, (channels, side, side))
            return [Chain(0.0, layers, side, (side,), channels)]
    return []


def _convolutional(linears: list[Link], convolutions: list[Link]) -> list[Chain]:
    weight = convolutions[0].main.weight
    assert weight is not None
    made: list[Chain] = []
    starts: list[State] = []
    if linears:
        last = linears[-1].main.weight
        assert last is not None
        for channels in {int(weight.shape[0]), int(weight.shape[1])}:
            side = math.isqrt(int(last.shape[0]) // channels) if channels else 0
            if side and side * side * channels == int(last.shape[0]) and side <= 64:
                starts.append(State(0.0 if side in {2, 4, 7, 8, 16} else -1.0, channels, side, ()))
    else:
        starts.append(State(0.0, int(weight.shape[0]), 1, ()))
    for start in starts:
        for state in walk(convolutions, start, linears[-1].gap if linears else None):
            if state.channels not in {1, 3} or not SMALLEST <= state.size:
                continue
            size = size_score(state.size, state.channels)
            grows = state.steps[0].upsample > 1
            stem = _linear_layers(linears, (start.channels, start.size, start.size), grows) if linears else ()
            layers = (*stem, *_convolution_layers(convolutions, state.steps, start.channels))
            sizes = [start.size]
            for layer in layers[len(stem) :]:
                sizes.append(layer.size_after(sizes[-1]))
            chain = Chain(state.score + size, layers, state.size, tuple(sizes), state.channels)
            made.append(chain)
            if stem and linears[-1].gap is None and stem[-1].norm == "none" and stem[-1].activation == "relu":
                bare = (*stem[:-1], replace(stem[-1], activation="none"), *layers[len(stem) :])
                made.append(replace(chain, score=chain.score + _BARE_STEM, layers=bare))
    return made


def _linear_layers(
    linears: list[Link], shape: tuple[int, int, int], grows: bool = False
) -> tuple[Layer, ...]:
    """Linear layers; the last output is reshaped to `shape`. `grows` : whether the next layer upsamples it first."""
    layers = []
    for number, link in enumerate(linears):
        weight = link.main.weight
        assert weight is not None
        final = number == len(linears) - 1
        layer = Layer(
            "linear",
            link.main.name,
            int(weight.shape[1]),
            int(weight.shape[0]),
            "bias" in link.main.tensors,
            shape=shape if final else None,
            reparametrised=link.main.reparametrised,
        )
        # In one nn.Sequential, a separate module (nn.Unflatten) reshapes the output, before the normalisation or after it.
        folds = final and link.gap is not None and not link.inner_gap
        layers.append(_finished(layer, link, int(folds) + int(final and grows)))
    return tuple(layers)


def _convolution_layers(
    convolutions: list[Link], steps: tuple[Geometry, ...], channels: int
) -> tuple[Layer, ...]:
    layers = []
    for number, (link, step) in enumerate(zip(convolutions, steps, strict=True)):
        weight = link.main.weight
        assert weight is not None
        ends = (int(weight.shape[0]), int(weight.shape[1]))
        inputs, outputs = ends if step.operation == "deconv" else ends[::-1]
        layer = Layer(
            step.operation,
            link.main.name,
            inputs,
            outputs,
            "bias" in link.main.tensors,
            int(weight.shape[2]),
            *step[1:],
            reparametrised=link.main.reparametrised,
        )
        following = steps[number + 1].upsample if number + 1 < len(steps) else 1
        layers.append(_finished(layer, link, int(following > 1) + int(step.shuffle > 1)))
    return tuple(layers)


def _finished(layer: Layer, link: Link, taken: int) -> Layer:
    """The layer with its normalisation and activation; `taken` of the modules without weights after it are no activations."""
    if link.norm is not None:
        values = link.norm.tensors
        width = int(next(value for value in values.values() if value.dim() == 1).shape[0])
        if width not in {layer.outputs, (layer.shape or (0,))[0]}:
            raise Malformed("its normalisations do not fit its layers")
        norm: Normalisation = "layer" if layer.op == "linear" and width == layer.outputs else "instance"
        if link.norm.kind == "batch":
            norm = "batch"
        layer = replace(
            layer, norm=norm, norm_name=link.norm.name, norm_width=width, norm_affine="weight" in values,
            norm_last=bool(link.inner_gap) and layer.shape is None,
        )  # fmt: skip
    activation: Activation = "relu"
    if link.prelu is not None and link.prelu.weight is not None:
        return replace(
            layer, activation="prelu", activation_name=link.prelu.name, activation_width=int(link.prelu.weight.shape[0])
        )  # fmt: skip
    if link.gap is not None and link.gap <= taken and not layer.norm_last:
        activation = "none"
    return replace(layer, activation=activation)
