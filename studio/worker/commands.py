"""Commands: window -> worker. See `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from studio.project.opinions import Opinion
from studio.worker import exploration, exports, jobs, titles

PROTOCOL = 2
"""Raised whenever a field changes its meaning; a worker of another version is refused."""


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image of the project, as the worker knows it."""

    id: int
    latent: bytes  # float32, 4 * z_dim bytes


@dataclass(frozen=True, slots=True)
class Open:
    """Load a generator and everything that the project knows. Answered by `Ready` and `Taste`, or `Failed`."""

    folder: str  # the project's
    model: str  # bundled name or bundle folder
    checkpoint: str | None  # absolute path; None: the untuned generator
    device: str = "auto"
    seed: int = 0
    images: tuple[KnownImage, ...] = ()
    events: tuple[Opinion, ...] = ()
    use_signals: bool = True  # see `UseSignals`
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Know:
    """Ids that the project gave to images of the last `Grid`. The last of these are the ones that `Taste` predicts."""

    images: tuple[KnownImage, ...]
    watch: bool = True  # predict these from now on


@dataclass(frozen=True, slots=True)
class Propose:
    """Choose and draw images to show. Answered by `Grid`; of several waiting ones only the newest is served."""

    generation: int
    count: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """Ratings, already durable in the project. Answered by `Taste`."""

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
    """The dials of a round, as factors of what is usual for each."""

    strength: float = 1.0  # 0.25..4: how far a round may go from the untuned generator
    weights: dict[str, float] = field(
        default_factory=dict
    )  # reward term ("taste", "realism", "novelty") -> factor


@dataclass(frozen=True, slots=True)
class RunRound:
    """Teach. Answered by `Progress` after every step and one `RoundFinished`."""

    checkpoint: str  # absolute path to write to
    steps: int | None = None
    settings: RoundSettings = RoundSettings()
    strip: tuple[int, ...] = ()  # seeds of the before/after strip
    facts: dict[str, Any] = field(default_factory=dict)  # to be kept in the file; see `Timeline.round_facts`


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold the round between two steps."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after `Pause`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the round after the step in hand."""

    keep: bool  # True: keep what was learnt so far; False: back to the state before the round


@dataclass(frozen=True, slots=True)
class Restore:
    """Go to a checkpoint. Answered by `Restored`."""

    checkpoint: str | None  # absolute path; None: the untuned generator
    action: int | None = None  # of the project's history that this belongs to; None: it is one of its own
    quiet: bool = False  # the project is there already, so that there is nothing to note or to tell


@dataclass(frozen=True, slots=True)
class Strip:
    """The same seeds, untuned and tuned. Answered by `StripReady`; only the newest is served."""

    generation: int
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered at once, also during a round, by `Heartbeat` with the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Release:
    """A page of shared memory has been copied out and may be written again."""

    page: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End. A round in hand is dropped."""


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
