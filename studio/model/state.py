"""The state of the window, as observable values; no actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.model.property import Property
from studio.model.scorers import SCORER, installed
from studio.project.records import Checkpoint, Counts
from studio.worker.messages import Prediction, Progress, Reading, Taste

GRID = 24  # images per grid
FEWEST_RATINGS = 12  # before a round can be started; the worker decides in the end
USEFUL_RATINGS = 50  # from about here a round is worthwhile
STRIP_SEEDS = tuple(range(1, 9))  # seeds of the before/after strip, always the same, so that rounds can be compared
PREVIEW_EVERY = 4  # steps between two strips during a round
GRID_VIEWS = ("rate", "loupe", "duel", "survey")  # keys of the views that show the grid's images
DRAWING_VIEWS = ("rate", "duel", "survey")  # those that show nothing else
PLAIN = ("sharpness", "colourfulness", "contrast", "symmetry", "brightness", "warmth")  # plain measures that a round may be rewarded for
SERIES = ("taste", "realism", "variety", "distance")


@dataclass(frozen=True)
class Weights:
    """The sliders of a round, as factors of the defaults."""

    taste: float = 1.0
    realism: float = 1.0
    typicality: float = 0.0
    novelty: float = 1.0
    strength: float = 1.0
    # Plain measures: positive for more of each, negative for less.
    sharpness: float = 0.0
    colourfulness: float = 0.0
    contrast: float = 0.0
    symmetry: float = 0.0
    brightness: float = 0.0
    warmth: float = 0.0
    outside: Mapping[str, float] = field(default_factory=dict)  # likewise, for outside scorers by name

    def factor(self, term: str) -> float:
        """The factor of one term, which may be an outside scorer."""
        value: float = self.outside.get(term.removeprefix(SCORER), 0.0) if term.startswith(SCORER) else getattr(self, term)
        return value

    @property
    def wishes(self) -> dict[str, float]:
        """The factors of plain measures and outside scorers that are not zero."""
        plain = {name: value for name in PLAIN if (value := getattr(self, name))}
        # Looking for installed scorers takes time, so it is only done if a slider is not zero.
        return plain | {f"{SCORER}{name}": value for name, value in self.outside.items() if value and name in installed()}

    @property
    def terms(self) -> dict[str, float]:
        """The factors of all reward terms, for the worker."""
        usual = {name: getattr(self, name) for name in ("taste", "realism", "typicality", "novelty")}
        return usual | self.wishes


@dataclass(frozen=True)
class Generator:
    """The generator in use, as the worker described it."""

    name: str = ""
    hash: str = ""
    resolution: int = 0  # pixels
    parameters: int = 0
    has_discriminator: bool = True
    square: int = 1  # side in pixels of its squares of one colour
    imported: bool = False  # from another program
    folded: bool = False  # weights were changed or left out on import, so the original code does not accept them
    graph: bool = False  # an ONNX graph, which torch cannot change

    @property
    def squares(self) -> int:
        """Side of an image in squares of one colour: in pixels, unless it is enlarged pixel art."""
        return self.resolution // self.square


@dataclass(frozen=True)
class Message:
    """One line in the status bar. `kind` is "plain" or "bad"; a bad one stays until the next."""

    text: str
    kind: str = "plain"
    detail: str = ""  # for "copy debug info"


@dataclass(frozen=True)
class PastRound:
    """A finished round, kept or not."""

    number: int
    kept: bool
    reason: str
    checkpoint: int | None = None
    like_rate: float | None = None  # predicted, 0..1


@dataclass(frozen=True)
class StripImages:
    """Images of the same seeds by two versions."""

    before: list[QImage] = field(default_factory=list)
    after: list[QImage] = field(default_factory=list)
    before_name: str = ""
    after_name: str = ""


class StudioState(QObject):
    """The state of the project, the worker and the taste."""

    project_name: Property[str] = Property("")
    seed: Property[int] = Property(0)
    counts: Property[Counts] = Property(Counts(0, 0, 0, 1))
    undo_label: Property[str | None] = Property(None)
    redo_label: Property[str | None] = Property(None)
    checkpoints: Property[tuple[Checkpoint, ...]] = Property(())
    checkpoint: Property[Checkpoint | None] = Property(None)  # in use; None: the untuned generator
    rounds: Property[tuple[PastRound, ...]] = Property(())

    task: Property[str] = Property("starting")  # as `WorkerClient.busy`; "" is idle, "failed" cannot continue
    reading: Property[Reading | None] = Property(None)  # what the worker has to look at first, if that takes a while
    loaded: Property[bool] = Property(False)  # whether the generator is loaded
    device: Property[str] = Property("")
    generator: Property[Generator] = Property(Generator())

    taste: Property[Taste | None] = Property(None)
    guess: Property[Prediction | None] = Property(None)  # for the selected image
    row: Property[int] = Property(0)  # selected row of the grid
    selected: Property[tuple[int, ...]] = Property(
        ()
    )  # images that keys rate and mark, in the current view
    drawing: Property[bool] = Property(False)  # whether a new grid is being drawn
    unseen: Property[bool] = Property(False)  # whether an unrequested grid waits behind another view
    grid_due: Property[bool] = Property(False)  # the version or the worker has changed; a grid is requested once a view shows it

    weights: Property[Weights] = Property(Weights())
    auto_advance: Property[bool] = Property(False)
    pixel_art: Property[bool] = Property(False)  # whether to enlarge by whole factors
    cell_size: Property[int | None] = Property(None)  # logical pixels; None fits the grid into the window
    message: Property[Message | None] = Property(None)
    view: Property[str] = Property("")  # key of the current view


class RoundState(QObject):
    """The running round, or the last one."""

    running: Property[bool] = Property(False)
    paused: Property[bool] = Property(False)
    stopping: Property[bool] = Property(False)
    number: Property[int] = Property(0)
    progress: Property[Progress | None] = Property(None)
    outcome: Property[PastRound | None] = Property(None)
    refusal: Property[str] = Property("")  # why no round was started, until something changes
    strip: Property[StripImages] = Property(StripImages())
    stepped = Signal()  # `series` has grown or was cleared

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.series: dict[str, list[float]] = {name: [] for name in SERIES}
        self.ready = 0.0  # share, 0..1, of the work before the first step
        self.rated = False  # whether the person rated images while it ran

    def begin(self, number: int) -> None:
        """Clear the curves for round `number`."""
        for values in self.series.values():
            values.clear()
        self.number, self.progress, self.outcome = number, None, None
        self.refusal, self.ready, self.rated = "", 0.0, False
        self.paused, self.stopping, self.running = False, False, True
        self.stepped.emit()

    def step(self, progress: Progress) -> None:
        """Add one step to the curves; before the first step there are no values yet."""
        if not progress.step:
            share = progress.elapsed / max(1e-9, progress.elapsed + progress.seconds_left)
            self.ready = max(self.ready, share)  # a new estimate does not reduce what was shown
        self.progress = progress
        if not progress.step:
            return
        for name, value in zip(
            SERIES, (progress.taste, progress.realism, progress.diversity, progress.kl), strict=True
        ):
            self.series[name].append(value)
        self.stepped.emit()


class ExportState(QObject):
    """The state of an export: idle, running, done, or failed with a reason."""

    running: Property[bool] = Property(False)
    fraction: Property[float] = Property(0.0)
    text: Property[str] = Property("")
    folder: Property[str] = Property("")  # of the last completed export
    error: Property[str] = Property("")
