"""Messages between the window and the process that trains, besides `studio.worker.messages`.

Every job has a number; its events carry it, so that what a job that was given up still says is not taken for the next one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.worker.events import FrameRef

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
    """Read one picture of the folder that was looked at last, uncropped. Answered by `Whole`; nothing, if it cannot be read."""

    name: str  # relative to the folder
    side: int  # pixels of its longer side, at most


@dataclass(frozen=True, slots=True)
class Train:
    """Train on a folder. Answered by `Looking`, `Training`, `Samples`, `Said` and `Trained`, or `Failed`."""

    job: int
    folder: str
    out: str  # the bundle to write: a new folder
    resolution: int  # pixels
    minutes: float
    start_from: str | None  # a bundled name or a bundle folder; None: random weights
    leave_out: tuple[str, ...] = ()
    keep_copies: bool = False
    device: str = "auto"
    seed: int = 0
    go_on_from: str = ""  # the bundle of an earlier run; a copy of it is trained further, and it stays as it is


@dataclass(frozen=True, slots=True)
class Halt:
    """End a job: what was trained so far is written first."""

    job: int


# -- process -> window -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A generator that training can start from."""

    name: str
    resolution: int  # pixels


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from; said once, at the start."""

    starts: tuple[Start, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """Pictures are being read."""

    job: int
    fraction: float  # 0..1


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that can be used."""

    name: str  # relative to the folder
    width: int  # of the whole picture, upright
    height: int
    copy_of: str = ""  # name of the picture that is kept instead


@dataclass(frozen=True, slots=True)
class Looked:
    """What is in a folder."""

    job: int
    array: str  # a .npy file: uint8 (N, R, R, 3), the pictures as they are cropped, row for row
    pictures: tuple[Picture, ...]
    skipped: tuple[tuple[str, str], ...]  # name, why
    few: int  # pictures; with fewer, copying is to be feared
    pixel: int = 1  # side of the squares of one colour that pixel art consists of; 1: no pixel art
    pixel_art: bool = False  # also where it is at its own size, without such squares
    start: str = ""  # the bundled generator that had best be started from, if there is one


@dataclass(frozen=True, slots=True)
class Whole:
    """One whole picture."""

    name: str
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Training:
    """How a training run stands."""

    job: int
    images: int  # seen so far, earlier sittings included
    fraction: float  # of the run, 0..1
    images_per_second: float
    seconds_left: float
    series: dict[str, float]  # "generator", "discriminator", "gap"


@dataclass(frozen=True, slots=True)
class Samples:
    """What the generator draws of the same seeds now, and the training picture nearest to each."""

    job: int
    images: int  # seen by then
    drawn: FrameRef
    nearest: FrameRef
    copied: tuple[bool, ...]  # so near that it looks copied


@dataclass(frozen=True, slots=True)
class Said:
    """A line about a training run."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A run has ended or was halted; the bundle is complete on disk."""

    job: int
    folder: str
    finished: bool  # False: halted before its time


Command = LookAt | ShowWhole | Train | Halt
Event = Choices | Looking | Looked | Whole | Training | Samples | Said | Trained
