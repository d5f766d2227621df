"""The networks of a new training run, with random weights or from another generator."""

from collections.abc import Callable
from pathlib import Path

from gan import assets
from gan.adversarial import warm
from gan.adversarial.train import fresh_pair
from gan.data import procedural
from gan.errors import UserError
from gan.loading import load
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

AUTO = "auto"  # start from the bundled model that fits the pictures
_SIDE = 64  # default resolution in pixels
_PALETTE = 16  # colours per image of pixel art
_SQUARES = {16: (128, 128, 128), 32: (128, 128, 128, 96)}  # channels for pixel art, which is all detail
_GENERATOR = {32: (128, 128, 96, 64), 64: (128, 128, 96, 48, 16), 128: (128, 128, 128, 64, 32)}
_DISCRIMINATOR = {16: (128, 128), 32: (96, 128, 128), 64: (48, 96, 128, 128), 128: (48, 96, 128, 128)}
_FINER = {128: 2}  # `subpixel`: full-resolution layers of few channels would take two thirds of the time

Networks = tuple[Generator, Discriminator]


def network_configs(resolution: int, pixel: int = 1) -> tuple[GeneratorConfig, DiscriminatorConfig]:
    """Configurations of the compact pair for 32, 64 or 128 px times `pixel`, the side of a square of one colour in pixel art."""
    drawn, rest = divmod(resolution, pixel)
    widths = _widths(pixel)
    if rest or drawn not in widths:
        raise UserError(f"resolution {resolution} is not one of {', '.join(str(pixel * side) for side in sorted(widths))}")
    finer, palette = _FINER.get(drawn, 1), _PALETTE if pixel > 1 else 0
    return (
        GeneratorConfig(resolution=resolution, channels=widths[drawn], pixel=pixel, palette=palette, subpixel=finer),
        DiscriminatorConfig(resolution=resolution, channels=_DISCRIMINATOR[drawn], pixel=pixel, fold=2 * finer),
    )


def _widths(pixel: int) -> dict[int, tuple[int, ...]]:
    """The generator's channels by the side of what it draws, in squares of one colour."""
    if pixel == 1:
        return _GENERATOR
    return {side: channels for side, channels in (_GENERATOR | _SQUARES).items() if side not in _FINER}


class Start:
    """The start of a run. It is made, and reports a user's mistakes, before a hundred thousand pictures are read.

    Parameters
    ----------
    name : a model to start from, of any resolution (the layers that fit are copied); None: random weights; `AUTO`: the bundled generator
        that fits the pictures, from 64 pixels on.
    resolution : of the images in pixels; None: the model's, or 64.
    images : a folder, or the name of a procedural kind.
    grow : whether to widen a model of the same resolution to the default widths of new networks. This does not change its images.

    Raises
    ------
    UserError
        The resolution is not supported, or the model cannot be trained.
    """

    def __init__(self, name: str | None, resolution: int | None, images: str | Path, grow: bool = False) -> None:
        self._grow = grow
        self._name, self._kind = name, procedural.kind_of(images)
        self._source = None if name in (None, AUTO) else warm.pair(load(name, device="cpu"), name)
        self.resolution = resolution or (self._source[0].resolution if self._source else _SIDE)
        if self._source is None or self._source[0].resolution != self.resolution:
            network_configs(self.resolution, self._pixel(1))

    def _pixel(self, found: int) -> int:
        """Side of the squares to be drawn; `found` is that of a folder's pictures."""
        if self._kind is not None:
            return procedural.KINDS[self._kind].pixel(self.resolution)
        while found > 1 and self.resolution // found not in _widths(found):
            found //= 2
        return found

    def networks(self, found: int, seed: int, say: Callable[[str], None]) -> tuple[Networks, bool]:
        """The networks, and whether it is a warm start, from a model of the same size.

        Parameters
        ----------
        found : side of the squares of one colour that the pictures consist of; 1 if they are not pixel art.
        seed : of random weights.
        """
        pixel, name, source = self._pixel(found), self._name, self._source
        if name == AUTO and self.resolution >= _SIDE and (name := assets.start_for(pixel, self.resolution)) is not None:
            source = warm.pair(load(name, device="cpu"), name)
            say(f"Starting from {name} (--from none starts from random weights).")
        fits = source is not None and source[0].resolution == self.resolution and not self._grow
        if source is not None and fits and not 1 < source[0].config.pixel < pixel:  # its squares are finer than those of the pictures
            _say_squares(source, say)
            return source, True
        made = fresh_pair(seed, *network_configs(self.resolution, pixel))
        _say_squares(made, say)
        if source is not None:
            share, side, drawn = warm.transfer(source, made), self.resolution, source[0].resolution
            size = "" if drawn == side else f" draws {drawn} px: it"
            say(f"{name}{size} gives {100 * share:.0f} % of the weights for {side} px, the rest starts at random.")
        return made, False


def _say_squares(networks: Networks, say: Callable[[str], None]) -> None:
    config = networks[0].config
    if config.pixel > 1:
        squares = config.resolution // config.pixel
        say(f"Pixel art: {squares} x {squares} squares of one colour, which will be drawn with hard edges.")
