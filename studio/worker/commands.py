"""Commands: messages from the window to the worker. See `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from studio.project.opinions import Opinion
from studio.worker import exploration, exports, jobs, titles

PROTOCOL = 2
"""Raised whenever a field changes its meaning; a worker of another version is refused."""


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image of the project, as sent to the worker."""

    id: int
    latent: bytes  # float32, 4 * z_dim bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """How to tell that a generator is the one that a project was made with."""

    hash: str  # as in `Ready`; "" if the project does not know it
    files: tuple[tuple[int, str], ...] = ()  # images with the files of their pixels, if the hash is not known


@dataclass(frozen=True, slots=True)
class Open:
    """Load a generator and all data of the project. Answered by `Ready` and `Taste`, or `Failed`."""

    folder: str  # of the project
    model: str  # bundled name or bundle folder
    checkpoint: str | None  # absolute path; None: the untuned generator
    device: str = "auto"
    seed: int = 0
    images: tuple[KnownImage, ...] = ()
    events: tuple[Opinion, ...] = ()
    use_signals: bool = True  # see `UseSignals`
    proof: Proof | None = None  # if the generator was moved: refuse another one
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Know:
    """The ids that the project gave to images of the latest `Grid`. `Taste` predicts those of the last `Know`."""

    images: tuple[KnownImage, ...]
    watch: bool = True  # whether to predict these from now on


@dataclass(frozen=True, slots=True)
class Propose:
    """Choose and draw images to show. Answered by `Grid`; of several pending ones, only the latest is answered."""

    generation: int
    count: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """Ratings that are stored in the project already. Answered by `Taste`."""

    events: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True)
class UseSignals:
    """Learn from implicit signals, or ignore them. Answered by `Taste`."""

    on: bool


@dataclass(frozen=True, slots=True)
class Predict:
    """Predict these images. Answered by `Taste`."""

    images: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw these images again, from their latents. Answered by `Drawn`."""

    request: int
    images: tuple[KnownImage, ...]


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """The sliders of a round, as factors of the defaults."""

    strength: float = 1.0  # 0.25..4: how far the round may go from the untuned generator
    weights: dict[str, float] = field(
        default_factory=dict
    )  # reward term ("taste", "realism", "novelty") -> factor


@dataclass(frozen=True, slots=True)
class RunRound:
    """Run a round. Answered by `Progress` after every step, then by `RoundFinished`."""

    checkpoint: str  # absolute path to write to
    steps: int | None = None
    settings: RoundSettings = RoundSettings()
    strip: tuple[int, ...] = ()  # seeds of the before/after strip
    facts: dict[str, Any] = field(default_factory=dict)  # stored in the file; see `Timeline.round_facts`


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause the round between two steps."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Continue after `Pause`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the round after the current step."""

    keep: bool  # True: keep the result so far; False: go back to the state before the round


@dataclass(frozen=True, slots=True)
class Restore:
    """Switch to a checkpoint. Answered by `Restored`."""

    checkpoint: str | None  # absolute path; None: the untuned generator
    action: int | None = None  # id in the project's history that this is part of; None: an action of its own
    quiet: bool = False  # the project is at that checkpoint already: nothing to record or report


@dataclass(frozen=True, slots=True)
class Strip:
    """Draw the same seeds, untuned and tuned. Answered by `StripReady`; only the latest one."""

    generation: int
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered at once, also during a round, by `Heartbeat` with the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Release:
    """A page of shared memory has been copied and may be overwritten."""

    page: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process. A running round is discarded."""


Command = (
    Open
    | Know
    | Propose
    | Feedback
    | UseSignals
    | Predict
    | Draw
    | RunRound
    | Pause
    | Resume
    | Stop
    | Restore
    | Strip
    | exports.Command
    | Ping
    | Release
    | Shutdown
    | jobs.Command
    | exploration.Command
    | titles.Command
)
