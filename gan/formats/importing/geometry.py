"""Strides and paddings: the plausible ways through a sequence of convolutions, weighted by how common each step is.

A state_dict tells the width and kernel size of every layer, but neither stride nor padding. The weights here are estimates of what is
common in published code, not measurements.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from gan.formats.importing.state_dict import Module
from gan.networks.layered import Layer, Operation

_BEAM = 400
_LARGEST = 1024


@dataclass(frozen=True)
class Link:
    """A layer with weights, and the normalisation and PReLU that follow it."""

    main: Module
    norm: Module | None = None
    prelu: Module | None = None
    gap: int | None = (
        None  # number of modules without weights between this link and the next; None if the names do not tell
    )
    inner_gap: int | None = None  # the same between the layer and its normalisation


class Geometry(NamedTuple):
    """Stride, padding and resampling of one convolution."""

    operation: Operation
    stride: int
    padding: int
    output_padding: int = 0
    upsample: int = 1
    shuffle: int = 1


_TREBLING = Geometry("deconv", 3, 1)  # of kernel 5, as the last layer of a widely copied DCGAN of 96 px


def _transposed(kernel: int, size: int) -> list[tuple[float, Geometry]]:
    """Plausible geometries of a transposed convolution, without duplicates, each with its weight; `size` is the input's width in pixels."""
    chances: dict[Geometry, float] = {}
    for chance, step in _walks(kernel, size):
        chances[step] = chances.get(step, 0.0) + chance
    return [(chance, step) for step, chance in chances.items()]


def _walks(kernel: int, size: int) -> list[tuple[float, Geometry]]:
    """The same, with possible duplicates."""
    if size == 1:  # a stem: the kernel is the whole output
        common = [(0.97, Geometry("deconv", 1, 0))]
        if kernel == 4:  # some double 1 x 1 to 2 x 2
            common.append((0.01, Geometry("deconv", 2, 1)))
        return common
    if kernel == 1:
        return [(0.95, Geometry("deconv", 1, 0))]
    if kernel % 2:
        half = kernel // 2
        return [
            (0.65, Geometry("deconv", 2, half, 1)),
            (0.12, Geometry("deconv", 1, half)),
            (0.06, Geometry("deconv", 2, half)),  # 4 -> 7, on the way to 28
            (0.05, Geometry("deconv", 2, 0)),
            (0.03, Geometry("deconv", 1, 0)),
            (0.02, Geometry("deconv", 2, max(half - 1, 0))),
            (0.01, Geometry("deconv", 2, 0, 1)),
        ]
    half = (kernel - 2) // 2
    steps = [
        (0.85, Geometry("deconv", 2, half)),
        (0.04, Geometry("deconv", 1, 0)),
        (0.03, Geometry("deconv", 2, 0)),
        (0.01, Geometry("deconv", 1, half)),
        (0.01, Geometry("deconv", 2, half + 1)),
    ]
    if kernel >= 8 and (kernel - 4) % 2 == 0:
        steps.append((0.5, Geometry("deconv", 4, (kernel - 4) // 2)))
    return steps


def _straight(kernel: int, gap: int | None, shuffle: int, first: bool) -> list[tuple[float, Geometry]]:
    """The same for an ordinary convolution, which enlarges only with upsampling before it or a pixel shuffle after it."""
    if kernel % 2 == 0:
        return []
    if shuffle > 1:
        return [(0.9, Geometry("conv", 1, kernel // 2, 0, 1, shuffle))]
    # One module without weights in between is usually an activation, but right after the stem it may be the upsampling.
    doubling = {None: 0.6, 0: 0.0, 1: 0.5 if first else 0.12}.get(gap, 0.8) if kernel > 1 else 0.05
    return [
        (doubling + 1e-6, Geometry("conv", 1, kernel // 2, 0, 2)),
        (0.95 - doubling, Geometry("conv", 1, kernel // 2)),
        (0.01, Geometry("conv", 1, 0)),
    ]


class State(NamedTuple):
    """A partly read chain of layers: its output so far, and how plausible its geometry is."""

    score: float
    channels: int
    size: int
    steps: tuple[Geometry, ...]


def walk(convolutions: list[Link], state: State, last_gap: int | None) -> list[State]:
    """Beam search for plausible geometries of all convolutions, starting from `state`; keeps the best `_BEAM` after each step.

    `last_gap` : modules without weights before the first convolution, as `Link.gap`.
    """
    states, transposed = [state], _transposed_share(convolutions)
    for number, link in enumerate(convolutions):
        weight = link.main.weight
        assert weight is not None
        first, second, kernel = weight.shape[0], weight.shape[1], weight.shape[2]
        gap = convolutions[number - 1].gap if number else last_gap
        final = number == len(convolutions) - 1
        bias = link.main.tensors.get("bias")
        grown: list[State] = []
        for at in states:
            ways: list[tuple[float, Geometry, int]] = []
            if first == at.channels and (bias is None or bias.shape[0] == second):
                # What comes between two of them is rarely more than an activation.
                usual = transposed * (0.3 if gap is not None and gap > 1 else 1.0)
                ways += [(usual * p, step, second) for p, step in _transposed(kernel, at.size)]
            if second == at.channels and at.size > 1 and (bias is None or bias.shape[0] == first):
                shuffle = 2 if _shuffles(convolutions, number, first) else 1
                ways += [
                    ((1.0 - transposed) * p, step, first // shuffle**2)
                    for p, step in _straight(kernel, gap, shuffle, number == 0)
                ]
            if final and kernel == 5 and number and first == at.channels and _even(convolutions[number - 1]):
                ways.append((0.3, _TREBLING, second))
            before = at.steps[-1] if at.steps else None
            for chance, step, channels in ways:
                if before is not None and number > 1 and step[:3] != before[:3]:
                    chance *= 0.35  # most generators repeat one geometry
                if before is not None and step.operation != before.operation and not final:
                    chance *= 0.2
                if before is not None and step.upsample != before.upsample and not final:
                    chance *= 0.5
                if final and step.stride > 1 and step != _TREBLING and kernel % 2 and _even(convolutions[number - 1]):
                    chance *= 0.03  # a final odd kernel after even ones hardly ever enlarges
                layer = Layer(step.operation, "", 1, step.shuffle**2, False, kernel, *step[1:])
                size = layer.size_after(at.size)
                if 1 <= size <= _LARGEST and chance > 0.0:
                    grown.append(State(at.score + math.log(chance), channels, size, (*at.steps, step)))
        states = sorted(grown, key=lambda state: -state.score)[:_BEAM]
    return states


def _transposed_share(convolutions: list[Link]) -> float:
    """How many of the layers that could be either are transposed convolutions, in a generator with these layers.

    The shape of a layer as wide as the one before it does not tell. Where all are like that up to the last, the last does: generators of
    upsampling and ordinary convolutions end in one, those of transposed convolutions mostly in a transposed one.
    """
    shapes = [link.main.weight.shape for link in convolutions if link.main.weight is not None]
    *inner, last = shapes
    alike = bool(inner) and all(shape[0] == shape[1] and shape[2] == last[2] for shape in inner)
    return 0.25 if alike and last[0] < last[1] else 0.7


def _even(link: Link) -> bool:
    weight = link.main.weight
    return weight is not None and weight.dim() == 4 and weight.shape[2] % 2 == 0


def _shuffles(convolutions: list[Link], number: int, outputs: int) -> bool:
    """Whether a pixel shuffle must follow: the next layer takes a quarter of the channels, or a quarter of them makes an image."""
    if number + 1 == len(convolutions):
        return outputs in {4, 12}
    following = convolutions[number + 1].main.weight
    return (
        following is not None
        and outputs not in following.shape[:2]
        and outputs % 4 == 0
        and outputs // 4 in following.shape[:2]
    )
