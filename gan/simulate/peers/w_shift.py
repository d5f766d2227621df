"""Actions in W: a shift of w along 32 principal directions, before the last rectifier (Wulff and Torralba 2020, arXiv 2009.06529)."""

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.style_rounds import taught


def tune(given: Given) -> Tuned:
    """Train a shift of w."""
    return taught(given, rank=32, by_block=False)
