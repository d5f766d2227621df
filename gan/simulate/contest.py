"""Runs peers beside our own method: each learns from a run's own ratings, or asks the same person as often, and is judged alike."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan.errors import UserError
from gan.model import Model
from gan.session import TuningSession
from gan.simulate.evaluate import Judge
from gan.simulate.peers.base import PEERS, Given, Peer, counted
from gan.simulate.peers.strength import SHARES, weakened
from gan.simulate.rater import Person
from gan.simulate.report import Rated
from gan.taste import Feedback

Record = dict[str, Any]


class Ground:
    """What peers share: one session with the untuned generator, and the features of its images.

    Parameters
    ----------
    model : untuned, on the device to use.
    cache : folder of pools; None: no cache.
    """

    def __init__(self, model: Model, cache: Path | None) -> None:
        self.model = Model(model.name, model.generator, None, model.discriminator, model.card, model.device)
        self._session, self._cache = TuningSession(self.model, str(model.device), cache=cache), cache
        self._known = 0  # images added to the session so far; each run's have their own ids
        while self._session.prepare():  # peers may use the whole pool, as our rounds do
            pass

    def given(self, rated: Rated, judge: Judge, seed: int, lapses: float, peer: Peer) -> Given:
        """What a peer may use after a run with the ratings `rated`; the session is fitted to them."""
        session = self._session
        ids: dict[bytes, int] = {}
        for latent in rated.latents:
            ids.setdefault(latent.tobytes(), self._known + len(ids))
        session.add({i: np.frombuffer(latent, np.float32).copy() for latent, i in ids.items()})
        self._known += len(ids)
        session.replace_feedback(
            Feedback(image=ids[latent.tobytes()], kind="stars", value=float(stars), time=float(order))
            for order, (latent, stars) in enumerate(zip(rated.latents, rated.stars.tolist(), strict=True))
        )
        session.fit()
        count = len(rated.stars)
        if not peer.interactive:
            return Given(self.model, session, rated.latents, rated.stars, seed, count)
        person = Person(judge.rater, judge.bench.images, seed, lapses)
        return Given(self.model, session, rated.latents[:0], rated.stars[:0], seed, count, person, cache=self._cache)

    def compete(self, peer: Peer, run: Record, judge: Judge) -> Record:
        """Let a peer learn from the same ratings as our run (its record), and judge the result. Returns plain JSON."""
        given = self.given(Rated.of(run["rated"]), judge, run["seed"], run["lapses"], peer)
        begun = time.monotonic()
        with _same_chance(given.seed), counted(self.model, given.tally):
            tuned = peer.tune(given)
        seconds, images = time.monotonic() - begun, given.tally.images
        found = judge.judge_model(tuned).record()
        weaker = {}
        if peer.kind == "peer":
            for share in SHARES:
                if (less := weakened(tuned, share)) is not None:
                    weaker[str(share)] = judge.judge_model(less).record()
        return {**found, "images": images, "seconds": round(seconds, 1), "strengths": weaker}


@contextmanager
def _same_chance(seed: int) -> Iterator[None]:
    """Libraries used by a peer may draw from global generators: seed these, and restore them afterwards."""
    state = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)


def chosen(names: str, kind: str) -> list[Peer]:
    """Peers of a kind ("peer" or "ablation"), given "all", "none" or names separated by commas.

    Raises
    ------
    UserError
        There is no peer of a given name.
    """
    every = [peer for peer in PEERS.values() if peer.kind == kind]
    if names in ("all", "none"):
        return every if names == "all" else []
    known = {peer.name: peer for peer in every}
    found = []
    for name in names.split(","):
        if name not in known:
            raise UserError(f"no {kind} named {name!r}: there are all, none, {', '.join(known)}")
        found.append(known[name])
    return list(dict.fromkeys(found))


def installed(peers: list[Peer]) -> tuple[list[Peer], list[str]]:
    """The peers that can run here, and one line about each of the others."""
    lines = [
        f"{peer.title} is left out: it needs {' and '.join(peer.missing)} (pip install tastemaker-studio[benchmark])"
        for peer in peers
        if peer.missing
    ]
    return [peer for peer in peers if not peer.missing], lines
