"""Events: worker -> window. See `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from studio.worker import exploration, exports, jobs, titles


@dataclass(frozen=True, slots=True)
class FrameRef:
    """Pixels that travelled in shared memory: uint8 (count, height, width, 3)."""

    batch: int
    count: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class FramePage:
    """A part of a batch lies in one page of the ring; the client copies it out and answers `Release`."""

    batch: int
    total: int  # bytes of the whole batch
    offset: int  # of this part within the batch, bytes
    length: int  # bytes
    page: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The process runs; torch is not loaded yet."""

    protocol: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The generator is loaded."""

    device: str  # for people: "CPU, 2 cores", "NVIDIA H200"
    model: str
    resolution: int  # pixels
    z_dim: int
    hash: str  # 10 hex digits
    pixel_art: bool  # enlarge with hard pixels
    has_discriminator: bool
    parameters: int  # of the generator
    card: dict[str, Any]  # provenance, JSON-like
    square: int = 1  # pixels to the side of the squares that pixel art is drawn of


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed image; its pixels are in the grid's frames at the same position."""

    latent: bytes
    kind: str  # "thompson" | "random" | "repeat"


@dataclass(frozen=True, slots=True)
class Grid:
    """The answer to `Propose`."""

    generation: int
    proposals: tuple[Proposal, ...]
    frames: FrameRef  # of the first of them; `GridPart`s with the others follow


@dataclass(frozen=True, slots=True)
class GridPart:
    """More images of a grid that was answered already."""

    generation: int
    start: int  # place of the first of them
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the taste model thinks of an image, and the terms of its reward (standard deviations from untuned)."""

    image: int
    stars: float  # 1 to 5
    spread: float  # one standard deviation of the doubt, in stars
    taste: float
    realism: float | None  # None: no discriminator
    novelty: float | None  # None: not measured for a single image
    reward: float
    gated: bool = False  # too unreal to earn a reward
    wishes: dict[str, float] = field(default_factory=dict)  # sharpness and the like, and scorers that count


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known of the person's taste so far."""

    count: int  # images with a standing opinion
    accuracy: (
        float | None
    )  # share of pairs guessed the right way round before they were rated; None: too few to say
    guesses: int  # ratings that were guessed before they were learnt
    trusted: bool  # enough for a round
    predictions: tuple[Prediction, ...] = ()
    auc: float | None = (
        None  # share of pairs of a liked and another image guessed right; None: too few to say
    )
    repeats: int = 0  # images rated again after a while
    consistency: float | None = None  # correlation of those ratings with the first ones; None: too few
    changed: bool = False  # the taste is another than it was at first
    signs_auc: float | None = (
        None  # as `auc`, by what is done in passing alone; None: too few, or switched off
    )
    signs_weight: float = 0.0  # how far that is believed, 0..1,
    tags_weight: float = 0.0  # and tags; 0: not at all


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a round."""

    step: int
    steps: int
    seconds_left: float
    elapsed: float  # seconds since the round began, pauses included
    taste: float
    realism: float
    kl: float  # nats
    kl_limit: float
    diversity: float  # 1.0: as diverse as the untuned generator's own best fifth
    diversity_limit: float
    reward: float
    images_per_second: float
    paused: bool = False
    note: str = ""  # what the guard says
    start_taste: float = 0.0  # before the first step


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """The end of a round. When `checkpoint` is set, that file is already on disk."""

    kept: bool
    reason: str  # one sentence for people
    checkpoint: str | None  # absolute path; None: the generator is as it was before the round
    stopped: bool  # by the person
    metrics: dict[
        str, float | None
    ]  # like_rate_predicted, taste, realism, diversity, kl, seconds, steps; start_...
    seeds: tuple[int, ...]  # of the strip
    before: FrameRef | None  # the strip's images before this round
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
    """The answer to `Restore`; unasked where the version in use cannot be read, which leaves the untuned generator."""

    checkpoint: str | None
    action: int | None = None  # as asked
    asked: bool = True
    quiet: bool = False  # as asked


@dataclass(frozen=True, slots=True)
class Exporting:
    """An export is at work."""

    fraction: float  # 0..1
    text: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle is complete on disk."""

    folder: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A command could not be done; the worker goes on."""

    command: str  # class name of the command, or "Worker"
    message: str  # one line for people
    detail: str = ""  # traceback, for "copy debug info"
    early: bool = False  # nothing went wrong: the ratings do not show a taste yet


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should hear, and need not act on."""

    text: str


@dataclass(frozen=True, slots=True)
class Busy:
    """What the worker is doing now: "" (waiting), "loading", "proposing", "teaching", "exporting", ..."""

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
