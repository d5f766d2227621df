"""Actions per block: each layer of the synthesis gets a shift of its own, along the first eight principal directions of w."""

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.style_rounds import taught


def tune(given: Given) -> Tuned:
    """Train a shift of styles per layer."""
    return taught(given, rank=8, by_block=True)
