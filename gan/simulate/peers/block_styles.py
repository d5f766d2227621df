"""Acting block by block: each layer of the synthesis gets a shift of its own, along the eight widest directions of w."""

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.style_rounds import taught


def tune(given: Given) -> Tuned:
    """Learn."""
    return taught(given, rank=8, by_block=True)
