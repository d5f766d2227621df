"""Events: messages from the worker to the window. See `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from studio.worker import exploration, exports, jobs, titles
from studio.worker.pixels import FramePage, FrameRef


@dataclass(frozen=True, slots=True)
class Hello:
    """The process is running; torch is not loaded yet."""

    protocol: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The generator is loaded."""

    device: str  # for display: "CPU, 2 cores", "NVIDIA H200"
    model: str
    resolution: int  # pixels
    z_dim: int
    hash: str  # 10 hex digits
    pixel_art: bool  # whether to enlarge with hard edges
    has_discriminator: bool
    parameters: int  # of the generator
    card: dict[str, Any]  # provenance, JSON-like
    square: int = 1  # side in pixels of the squares of one colour in pixel art


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed image; its pixels are at the same index in the grid's frames."""

    latent: bytes
    kind: str  # "informative" | "random" | "repeat"


@dataclass(frozen=True, slots=True)
class Grid:
    """The answer to `Propose`."""

    generation: int
    proposals: tuple[Proposal, ...]
    frames: FrameRef  # pixels of the first images; `GridPart`s with the others follow


@dataclass(frozen=True, slots=True)
class GridPart:
    """More images of a grid that was sent already."""

    generation: int
    start: int  # index of the first of these images
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Prediction:
    """The taste model's prediction for an image, and its reward terms (in untuned standard deviations)."""

    image: int
    stars: float  # 1 to 5
    spread: float  # one standard deviation of the prediction, in stars
    taste: float
    realism: float | None  # None without a discriminator
    novelty: float | None  # None for a single image
    reward: float
    gated: bool = False  # too unreal to earn a reward
    wishes: dict[str, float] = field(default_factory=dict)  # plain measures such as sharpness, and outside scorers with a weight


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known about the person's taste so far."""

    count: int  # images with a current opinion
    accuracy: (
        float | None
    )  # share of pairs of ratings whose prior predictions are in the right order; None: too few
    guesses: int  # ratings that were predicted before they were learnt
    trusted: bool  # enough ratings for a round
    predictions: tuple[Prediction, ...] = ()
    auc: float | None = (
        None  # share of pairs of a liked and another image predicted in the right order; None: too few
    )
    repeats: int = 0  # images rated again after a while
    consistency: float | None = None  # correlation of those ratings with the earlier ones; None: too few
    changed: bool = False  # whether the taste has changed since the start
    signs_auc: float | None = (
        None  # as `auc`, from implicit signals alone; None: too few, or switched off
    )
    signs_weight: float = 0.0  # learnt weight of implicit signals, 0..1
    tags_weight: float = 0.0  # learnt weight of tags, 0..1


@dataclass(frozen=True, slots=True)
class Reading:
    """How much has to be drawn and read before the ratings can be learnt from; sent again and again, at the end with zeros."""

    images: int
    seconds: float  # about


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a round after a step."""

    step: int
    steps: int
    seconds_left: float
    elapsed: float  # since the round began, including pauses
    taste: float
    realism: float
    kl: float  # nats
    kl_limit: float
    diversity: float  # 1.0: as diverse as the best fifth of the untuned generator's images
    diversity_limit: float
    reward: float
    images_per_second: float
    paused: bool = False
    note: str = ""  # from the guard
    start_taste: float = 0.0  # before the first step


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """The end of a round. If `checkpoint` is set, that file is already on disk."""

    kept: bool
    reason: str  # one sentence for people
    checkpoint: str | None  # absolute path; None: the generator is as before the round
    stopped: bool  # by the person
    metrics: dict[
        str, float | None
    ]  # like_rate_predicted, taste, realism, diversity, kl, seconds, steps; start_...
    seeds: tuple[int, ...]  # of the strip
    before: FrameRef | None  # the images of `seeds` before this round
    after: FrameRef | None


@dataclass(frozen=True, slots=True)
class StripReady:
    """The answer to `Strip`."""

    generation: int
    seeds: tuple[int, ...]
    before: FrameRef  # untuned
    after: FrameRef  # as tuned now


@dataclass(frozen=True, slots=True)
class Drawn:
    """The answer to `Draw`."""

    request: int
    images: tuple[int, ...]
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Restored:
    """The answer to `Restore`. Also sent if the current version cannot be read: then it is None, the untuned generator."""

    checkpoint: str | None
    action: int | None = None  # as in the command
    asked: bool = True
    quiet: bool = False  # as in the command


@dataclass(frozen=True, slots=True)
class Exporting:
    """Progress of an export."""

    fraction: float  # 0..1
    text: str


@dataclass(frozen=True, slots=True)
class Exported:
    """An export is complete on disk."""

    folder: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A command failed; the worker continues."""

    command: str  # class name of the command, or "Worker"
    message: str  # one line for display
    detail: str = ""  # traceback, for "copy debug info"
    early: bool = False  # nothing went wrong: the ratings do not show a taste yet
    number: int | None = None  # of the job or request that failed, where these have numbers; None: whatever is running


@dataclass(frozen=True, slots=True)
class Notice:
    """Information for the person that needs no action."""

    text: str


@dataclass(frozen=True, slots=True)
class Busy:
    """The current task of the worker: "" (idle), "loading", "proposing", "teaching", "exporting", ..."""

    task: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to `Ping`."""

    number: int


Event = (
    FramePage
    | Hello
    | Ready
    | Grid
    | GridPart
    | Taste
    | Progress
    | Reading
    | RoundFinished
    | StripReady
    | Drawn
    | Restored
    | Exporting
    | Exported
    | Failed
    | Notice
    | Busy
    | Heartbeat
    | jobs.Event
    | exploration.Event
    | titles.Event
    | exports.Event
)
