"""Acting in W: one shift of w along its 32 widest directions, the last rectifier undone (Wulff and Torralba 2020, arXiv 2009.06529)."""

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.style_rounds import taught


def tune(given: Given) -> Tuned:
    """Learn."""
    return taught(given, rank=32, by_block=False)
