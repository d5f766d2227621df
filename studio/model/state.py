"""What the window shows, as observable values. Nothing here acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.model.property import Property
from studio.model.scorers import SCORER, installed
from studio.project.records import Checkpoint, Counts
from studio.worker.messages import Prediction, Progress, Taste

GRID = 24  # images to a grid
FEWEST_RATINGS = 12  # before a round can be asked for; the worker has the last word
USEFUL_RATINGS = 50  # from about here a round is worth its time
STRIP_SEEDS = tuple(range(1, 9))  # of the before/after strip: the same always, so that rounds can be compared
PREVIEW_EVERY = 4  # steps between drawings of the strip while a round runs
GRID_VIEWS = ("rate", "loupe", "duel", "survey")  # keys of the views that show the grid's images
DRAWING_VIEWS = ("rate", "duel", "survey")  # those of them that show nothing else
PLAIN = ("sharpness", "colourfulness", "contrast", "symmetry", "brightness", "warmth")  # measures that a round may be rewarded for
SERIES = ("taste", "realism", "variety", "distance")


@dataclass(frozen=True)
class Weights:
    """The dials of a round, as factors of what is usual for each."""

    taste: float = 1.0
    realism: float = 1.0
    typicality: float = 0.0
    novelty: float = 1.0
    strength: float = 1.0
    # Plain measures: more of each, or less where negative.
    sharpness: float = 0.0
    colourfulness: float = 0.0
    contrast: float = 0.0
    symmetry: float = 0.0
    brightness: float = 0.0
    warmth: float = 0.0
    outside: Mapping[str, float] = field(default_factory=dict)  # likewise, of scorers that other packages bring

    def factor(self, term: str) -> float:
        """Of one term, which may be a scorer."""
        value: float = self.outside.get(term.removeprefix(SCORER), 0.0) if term.startswith(SCORER) else getattr(self, term)
        return value

    @property
    def wishes(self) -> dict[str, float]:
        """Of the plain measures and the scorers that count."""
        plain = {name: value for name in PLAIN if (value := getattr(self, name))}
        # Looking for what is installed takes a while, so that is asked only where a dial is turned.
        return plain | {f"{SCORER}{name}": value for name, value in self.outside.items() if value and name in installed()}

    @property
    def terms(self) -> dict[str, float]:
        """Of the reward, as the worker takes them."""
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
    square: int = 1  # pixels to the side of what it draws in one colour
    imported: bool = False  # another program made it
    folded: bool = False  # its weights were normalised and are not any more: no original code takes them
    graph: bool = False  # it is run as another program's graph: torch cannot take it apart


@dataclass(frozen=True)
class Message:
    """One line in the status bar. `kind` is "plain" or "bad"; a bad one stays until the next."""

    text: str
    kind: str = "plain"
    detail: str = ""  # for "copy debug info"


@dataclass(frozen=True)
class PastRound:
    """A round that ended, kept or not."""

    number: int
    kept: bool
    reason: str
    checkpoint: int | None = None
    like_rate: float | None = None  # predicted, 0..1


@dataclass(frozen=True)
class StripImages:
    """The same seeds twice."""

    before: list[QImage] = field(default_factory=list)
    after: list[QImage] = field(default_factory=list)
    before_name: str = ""
    after_name: str = ""


class StudioState(QObject):
    """The project, the worker and what is known of the person's taste."""

    project_name: Property[str] = Property("")
    seed: Property[int] = Property(0)
    counts: Property[Counts] = Property(Counts(0, 0, 0, 1))
    undo_label: Property[str | None] = Property(None)
    redo_label: Property[str | None] = Property(None)
    checkpoints: Property[tuple[Checkpoint, ...]] = Property(())
    checkpoint: Property[Checkpoint | None] = Property(None)  # in use; None is the untuned generator
    rounds: Property[tuple[PastRound, ...]] = Property(())

    task: Property[str] = Property("starting")  # as WorkerClient.busy; "" is waiting, "failed" cannot go on
    loaded: Property[bool] = Property(False)  # the generator is
    device: Property[str] = Property("")
    generator: Property[Generator] = Property(Generator())

    taste: Property[Taste | None] = Property(None)
    guess: Property[Prediction | None] = Property(None)  # of the selected image
    row: Property[int] = Property(0)  # selected in the grid
    selected: Property[tuple[int, ...]] = Property(
        ()
    )  # images that keys rate and mark, in whatever view is on show
    drawing: Property[bool] = Property(False)  # a new grid is on its way
    unseen: Property[bool] = Property(False)  # a grid nobody asked for waits behind another view
    grid_due: Property[bool] = Property(False)  # another version draws now; a grid of it is made once one is looked at

    weights: Property[Weights] = Property(Weights())
    auto_advance: Property[bool] = Property(False)
    pixel_art: Property[bool] = Property(False)  # enlarge by whole factors
    cell_size: Property[int | None] = Property(None)  # logical pixels; None fits the grid into the window
    message: Property[Message | None] = Property(None)
    view: Property[str] = Property("")  # key of the one on show


class RoundState(QObject):
    """The round that runs, or the last one."""

    running: Property[bool] = Property(False)
    paused: Property[bool] = Property(False)
    stopping: Property[bool] = Property(False)
    number: Property[int] = Property(0)
    progress: Property[Progress | None] = Property(None)
    outcome: Property[PastRound | None] = Property(None)
    refusal: Property[str] = Property("")  # why the last one was not taught, until something changes
    strip: Property[StripImages] = Property(StripImages())
    stepped = Signal()  # `series` grew or was emptied

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.series: dict[str, list[float]] = {name: [] for name in SERIES}
        self.ready = 0.0  # the share, 0..1, of what is done before the first step
        self.rated = False  # whether the person went on rating while it ran

    def begin(self, number: int) -> None:
        """Empty the curves for round `number`."""
        for values in self.series.values():
            values.clear()
        self.number, self.progress, self.outcome = number, None, None
        self.refusal, self.ready, self.rated = "", 0.0, False
        self.paused, self.stopping, self.running = False, False, True
        self.stepped.emit()

    def step(self, progress: Progress) -> None:
        """Add one step to the curves; what comes before the first step has no values yet."""
        if not progress.step:
            share = progress.elapsed / max(1e-9, progress.elapsed + progress.seconds_left)
            self.ready = max(self.ready, share)  # a new estimate does not take back what was shown
        self.progress = progress
        if not progress.step:
            return
        for name, value in zip(
            SERIES, (progress.taste, progress.realism, progress.diversity, progress.kl), strict=True
        ):
            self.series[name].append(value)
        self.stepped.emit()


class ExportState(QObject):
    """An export: idle, at work, done, or failed with a reason."""

    running: Property[bool] = Property(False)
    fraction: Property[float] = Property(0.0)
    text: Property[str] = Property("")
    folder: Property[str] = Property("")  # of the last finished export
    error: Property[str] = Property("")
