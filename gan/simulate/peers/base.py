"""The interface of peers, that is other ways of learning from a person's ratings, and the list of them.

To add a peer, write a module with `tune(given) -> Tuned` and add an entry to `_LISTED`.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from gan.model import Model
from gan.networks import latents
from gan.rewards import MOVING_WEIGHTS
from gan.rewards.scorer import Scorer, Scores
from gan.session import TuningSession
from gan.simulate.rater import Person

_UNSHOWN = 1_000_000  # beyond the seeds of runs


class Tuned(Protocol):
    """The result of a peer: a generator of fresh images. A `Model` is one."""

    def sample(self, seeds: Iterable[int]) -> np.ndarray:
        """One image per seed, uint8 (N, H, W, 3); the same seed always gives the same image."""
        ...


@dataclass
class Tally:
    """The cost of a peer."""

    images: int = 0  # drawn by the generator


@dataclass(frozen=True)
class Given:
    """What a peer may use. It must not change any of it, in particular not the session, which all peers share."""

    model: Model  # untuned
    session: TuningSession  # fitted to the ratings below; with the taste (`learner.model`), `scorer` and the `pool` of images already read
    latents: np.ndarray  # float32 (n, z_dim): rated images in order, including repeats; empty for an interactive peer
    stars: np.ndarray  # int64 (n,) in 1..5
    seed: int  # of all randomness
    ratings: int  # number of ratings that an interactive peer may ask for
    person: Person | None = None  # answers an interactive peer
    tally: Tally = field(default_factory=Tally)  # filled by the generator's forward hook; add what is drawn in other ways
    cache: Path | None = None  # folder with the cached pool of the untuned generator, for a peer with its own session

    def random(self) -> torch.Generator:
        """A new random generator: the same for the same seed."""
        return torch.Generator().manual_seed(self.seed)

    def unshown(self) -> torch.Generator:
        """A random generator for latents that nobody was shown: with its own seed, a session draws the first grid to be rated."""
        return torch.Generator().manual_seed(_UNSHOWN + self.seed)

    @cached_property
    def scorer(self) -> Scorer:
        """The session's scorer with the weights for policies that move latents, as most peers do."""
        scorer = copy.copy(self.session.scorer)
        scorer.set_weights(MOVING_WEIGHTS)
        return scorer

    def score(self, z: Tensor) -> Scores:
        """Scores of the images of latents (N, z_dim), which are drawn."""
        return self.scorer.score_latents(z)

    def rate(self, z: Tensor, given: int) -> np.ndarray:
        """The person's stars int64 (N,) for the images of latents (N, z_dim), after `given` earlier ratings.

        Raises
        ------
        ValueError
            More than `ratings` are asked for in all, or there is no person.
        """
        if self.person is None or given + len(z) > self.ratings:
            raise ValueError(f"{given + len(z)} ratings asked for, of {self.ratings if self.person else 0}")
        return self.person.rate(self.session.draw(z.cpu().numpy()), given / self.ratings, (given + len(z)) / self.ratings)


@dataclass(frozen=True)
class Moved:
    """The untuned generator behind a map of latents: it draws `generator(move(z))`."""

    model: Model  # untuned
    move: Callable[[Tensor], Tensor]  # (N, z_dim) float32 on the CPU -> (N, z_dim); independent rows, no state
    weaker: Callable[[float], Callable[[Tensor], Tensor]] | None = None  # the map at a share of its strength; None: it is blended with z

    def sample(self, seeds: Iterable[int]) -> np.ndarray:
        """As in `Tuned.sample`."""
        from gan.networks import to_uint8

        parts = latents(seeds, self.model.z_dim).split(64)
        return np.concatenate([to_uint8(self.model.draw(self.move(z))) for z in parts])


@dataclass(frozen=True)
class Peer:
    """An entry in the list of peers."""

    name: str  # on the command line and in the journal
    title: str  # in tables and plots
    module: str
    function: str = "tune"  # of the module: given -> Tuned
    kind: Literal["peer", "ablation"] = "peer"
    interactive: bool = False  # it asks the person itself, for as many ratings as ours had; otherwise it learns from our ratings
    needs: tuple[str, ...] = ()  # importable packages besides the project's own

    @property
    def missing(self) -> list[str]:
        """Required packages that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]

    def tune(self, given: Given) -> Tuned:
        """Run the peer."""
        tuned: Tuned = getattr(import_module(self.module), self.function)(given)
        return tuned


@contextmanager
def counted(model: Model, tally: Tally) -> Iterator[Tally]:
    """Count the images that the model's generator draws inside the `with` block."""

    def count(module: torch.nn.Module, arguments: object, images: Tensor) -> None:
        tally.images += len(images)

    handle = model.generator.register_forward_hook(count)
    try:
        yield tally
    finally:
        handle.remove()


_HERE = "gan.simulate.peers"
_ABLATIONS = f"{_HERE}.ablations"
_LISTED: tuple[Peer, ...] = (
    Peer("expert-iteration", "expert iteration", f"{_HERE}.expert_iteration"),
    Peer("evolution", "interactive evolution", f"{_HERE}.interactive_evolution", interactive=True),
    Peer("cma-es", "CMA-ES", f"{_HERE}.cma_es", needs=("cma",)),
    Peer("preferential-bo", "preferential BO", f"{_HERE}.preferential_bo", interactive=True, needs=("botorch",)),
    Peer("hero", "HERO-like", f"{_HERE}.hero"),
    Peer("ddpo", "DDPO, one step", f"{_HERE}.ddpo"),
    Peer("d3po", "D3PO, one step", f"{_HERE}.d3po"),
    Peer("pathwise", "pathwise", f"{_HERE}.pathwise"),
    Peer("w-shift", "shift in W", f"{_HERE}.w_shift"),
    Peer("block-styles", "shift of styles by block", f"{_HERE}.block_styles"),
    Peer("one-round", "ours in one round", _ABLATIONS, "one_round", "ablation"),
    Peer("lower-bound", "a lower bound of taste", _ABLATIONS, "lower_bound", "ablation"),
    Peer("typicality", "typicality as well", _ABLATIONS, "typicality", "ablation"),
    Peer("learning-discriminator", "a learning discriminator", _ABLATIONS, "learning_discriminator", "ablation"),
    Peer("no-foresight", "no foresight", _ABLATIONS, "no_foresight", "ablation"),
    Peer("no-kl", "no KL", _ABLATIONS, "no_kl", "ablation"),
    Peer("no-guard", "no guard", _ABLATIONS, "no_guard", "ablation"),
    Peer("no-realism", "no realism", _ABLATIONS, "no_realism", "ablation"),
    Peer("no-novelty", "no novelty", _ABLATIONS, "no_novelty", "ablation"),
    Peer("no-grouping", "no grouping", _ABLATIONS, "no_grouping", "ablation"),
    Peer("shift", "shift, not choice", _ABLATIONS, "shift", "ablation"),
    Peer("random-proposals", "random proposals", _ABLATIONS, "random_proposals", "ablation", interactive=True),
)
PEERS: dict[str, Peer] = {peer.name: peer for peer in _LISTED}
