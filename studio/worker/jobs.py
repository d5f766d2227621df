"""Messages between the window and the process that trains, in addition to `studio.worker.messages`.

Every job has a number, which its events carry, so that late events of an abandoned job are not taken for those of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.worker.pixels import FrameRef

PICTURES = "pictures.txt"
"""In the folder of a run: the path, as the file system spells it, of the folder of pictures that it was trained on."""

# -- window -> process -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookAt:
    """Read a folder of pictures. Answered by `Looking` and `Looked`, or `Failed`."""

    job: int
    folder: str
    resolution: int  # pixels


@dataclass(frozen=True, slots=True)
class ShowWhole:
    """Read one picture of the folder that was read last, uncropped. Answered by `Whole`, or not at all if it cannot be read."""

    name: str  # relative to the folder
    side: int  # largest length of its longer side in pixels


@dataclass(frozen=True, slots=True)
class Train:
    """Train on a folder. Answered by `Looking`, `Training`, `Samples`, `Said` and `Trained`, or `Failed`."""

    job: int
    folder: str
    out: str  # the bundle to write, in a new folder
    resolution: int  # pixels
    minutes: float
    start_from: str | None  # a bundled name or a bundle folder; None: random weights
    leave_out: tuple[str, ...] = ()
    keep_copies: bool = False
    device: str = "auto"
    seed: int = 0
    go_on_from: str = ""  # the bundle of an earlier run, of which a copy is trained further


@dataclass(frozen=True, slots=True)
class Halt:
    """End a job; what was trained so far is written first."""

    job: int


# -- process -> window -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A generator that training can start from."""

    name: str
    resolution: int  # pixels


@dataclass(frozen=True, slots=True)
class Choices:
    """The available starts; sent once, at the beginning."""

    starts: tuple[Start, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """Pictures are being read."""

    job: int
    fraction: float  # 0..1


@dataclass(frozen=True, slots=True)
class Picture:
    """A usable picture."""

    name: str  # relative to the folder
    width: int  # of the whole picture, upright
    height: int
    copy_of: str = ""  # name of the picture that is used instead


@dataclass(frozen=True, slots=True)
class Looked:
    """The pictures in a folder."""

    job: int
    array: str  # a .npy file: uint8 (N, R, R, 3), the cropped pictures, one per row
    pictures: tuple[Picture, ...]
    skipped: tuple[tuple[str, str], ...]  # name, why
    few: int  # number of pictures below which a generator may copy them
    pixel: int = 1  # side of the squares of one colour in enlarged pixel art; 1: none
    pixel_art: bool = False  # whether it is pixel art, also at its own size, without such squares
    start: str = ""  # the recommended bundled generator to start from, if any


@dataclass(frozen=True, slots=True)
class Whole:
    """One whole picture."""

    name: str
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Training:
    """Progress of a training run."""

    job: int
    images: int  # seen so far, including earlier sessions
    fraction: float  # of the run, 0..1
    images_per_second: float
    seconds_left: float
    series: dict[str, float]  # "generator", "discriminator", "gap"


@dataclass(frozen=True, slots=True)
class Samples:
    """Images of the same seeds by the current generator, and the training picture nearest to each."""

    job: int
    images: int  # seen at that time
    drawn: FrameRef
    nearest: FrameRef
    copied: tuple[bool, ...]  # whether each looks copied


@dataclass(frozen=True, slots=True)
class Said:
    """A line about a training run."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A run has ended or was halted; its bundle is complete on disk."""

    job: int
    folder: str
    finished: bool  # False: halted early


Command = LookAt | ShowWhole | Train | Halt
Event = Choices | Looking | Looked | Whole | Training | Samples | Said | Trained
