"""Tastemaker's library: generators, models of a person's taste, and tuning the former to the latter. It contains no GUI code.

Draw images:

>>> import gan
>>> model = gan.load("dreamscapes")                 # or a bundle folder, or gan.wrap(your_module, z_dim=128)
>>> images = model.sample(seeds=range(16))          # uint8 (16, H, W, 3)

Teach a generator what somebody likes. `rate` is your own function: it maps one image, uint8 (H, W, 3), to 1..5 stars.

>>> session = gan.TuningSession(model)
>>> for grid in range(3):
...     proposals = session.propose(24)
...     ids = range(24 * grid, 24 * grid + 24)      # any numbers by which you know the images
...     session.add({image: proposal.latent for image, proposal in zip(ids, proposals)})
...     session.feedback(gan.Feedback(image, "stars", rate(proposal.pixels)) for image, proposal in zip(ids, proposals))
...     session.fit()
...     for progress in session.run_round():
...         print(progress.step, progress.steps, progress.taste)
>>> session.tuned_model().sample(seeds=range(16))   # the same seeds, closer to what was liked
>>> session.export("mine")                          # weights, ONNX, a sampler, a card; a wrapped module needs format="onnx"

A mistake that the user can correct raises `gan.UserError` with a one-line message; a wrong call raises `ValueError`, `TypeError` or
`KeyError`.

Further modules: `gan.session` (the whole session), `gan.taste` (the taste model alone), `gan.explore` (exploring by hand), `gan.titles`
(titles for images), `gan.measure` (distances between sets of images), `gan.adversarial.command.run` (training on pictures),
`gan.formats.exports` (all export formats), `gan.formats.importing` (foreign files), `gan.simulate` (simulated people).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gan.errors import Cancelled, UserError
from gan.version import __version__

if TYPE_CHECKING:
    from gan.loading import load
    from gan.model import Model, wrap
    from gan.policy.rounds import RoundConfig
    from gan.rewards import RewardWeights
    from gan.session import TuningSession
    from gan.taste import Feedback

__all__ = [
    "Cancelled",
    "Feedback",
    "Model",
    "RewardWeights",
    "RoundConfig",
    "TuningSession",
    "UserError",
    "__version__",
    "load",
    "wrap",
]

# torch takes over a second to import, so names that need it are loaded on first access (PEP 562).
_HOMES = {
    "Feedback": "gan.taste",
    "Model": "gan.model",
    "RewardWeights": "gan.rewards",
    "RoundConfig": "gan.policy.rounds",
    "TuningSession": "gan.session",
    "load": "gan.loading",
    "wrap": "gan.model",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
