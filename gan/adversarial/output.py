"""What a training run writes to disk while it runs: state, curve, bundle, samples, snapshots, TensorBoard events."""

import csv
import io
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gan.adversarial.config import VERSION, TrainProgress
from gan.data import procedural
from gan.errors import UserError, is_out_of_memory, reason
from gan.files import atomic_write, check_place, locked, write_bytes
from gan.formats import bundle
from gan.model import Model

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from gan.adversarial.train import Trainer

STATE = "training.pt"
CURVE = "curve.csv"
SAMPLES = "samples.png"
SNAPSHOTS = "snapshots"
_LOCK = "training.lock"
SAVE_SECONDS = 120.0  # between two saves of everything
_SAMPLE_SECONDS = 30.0  # between two saves of the samples alone


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Keep other runs out of `out`: each would replace what the other saves.

    Raises
    ------
    UserError
        Another process is training there, or no folder can be made there.
    """
    check_place(out)
    with ExitStack() as held:
        try:
            held.enter_context(locked(out / _LOCK))
        except BlockingIOError:
            raise UserError(f"another process is training in {out}: wait until it ends, or choose another --out") from None
        except OSError as error:
            raise UserError(f"cannot write {out}: {reason(error)}") from error
        yield


def read_state(out: Path) -> dict[str, Any] | None:
    """The state saved by an earlier run, on the CPU; None if there is none.

    Raises
    ------
    UserError
        The file is damaged or from a newer version, or a new run must not write to `out`.
    """
    path = out / STATE
    if not path.exists():
        if bundle.is_bundle(out) and not (out / CURVE).exists():  # the run would replace it, and nothing could bring it back
            raise UserError(f"{out} holds a generator that was not trained there: choose another --out")
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _not_resumed(path, error) from error
    if not isinstance(state, dict) or type(state.get("version")) is not int:
        raise _not_resumed(path, KeyError())
    if state["version"] > VERSION:
        raise UserError(f"{path} was made by a newer Tastemaker")
    return state


@contextmanager
def resuming(out: Path) -> Iterator[None]:
    """Turn the errors of a state that is read but does not fit into one line for the user."""
    try:
        yield
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise _not_resumed(out / STATE, error) from error


def _not_resumed(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be resumed from ({type(error).__name__}): move it away to start anew")


class Output:
    """The output folder of a run.

    Parameters
    ----------
    source : origin of the pictures, for the card: {"kind": ..., "count": ...}.
    snapshots : thousands of images between bundles that are kept in `snapshots/`; None: none.
    tensorboard : whether to write event files to `events/`.
    """

    def __init__(
        self,
        out: Path,
        source: dict[str, Any],
        trainer: "Trainer",
        save_seconds: float = SAVE_SECONDS,
        snapshots: float | None = None,
        tensorboard: bool = False,
    ) -> None:
        self.out, self.source, self.trainer = out, source, trainer
        self.save_seconds, self.snapshots = save_seconds, snapshots
        for stale in out.glob(f".{STATE}.*"):  # left half-written by a killed run
            stale.unlink(missing_ok=True)
        self._rows = _read_curve(out / CURVE, trainer.images_seen)
        self._writer = _event_writer(out / "events", trainer.images_seen) if tensorboard else None
        self._saved = self._sampled = time.monotonic()
        self._snapshots_made = self._snapshots_due()

    def report(self, report: TrainProgress) -> None:
        """Record a report, and write what is due."""
        self._rows.append({k: f"{v:.6g}" if isinstance(v, float) else str(v) for k, v in asdict(report).items()})
        if self._writer is not None:
            for name, value in asdict(report).items():
                if name != "images" and math.isfinite(value):
                    self._writer.add_scalar(name, value, report.images)
        now = time.monotonic()
        if now - self._saved >= self.save_seconds:
            self.save()
        elif now - self._sampled >= _SAMPLE_SECONDS:
            self._samples(self._model(), self.out / SAMPLES)
        if self._snapshots_due() > self._snapshots_made:
            self._snapshots_made = self._snapshots_due()
            folder = self.out / SNAPSHOTS / f"kimg{self.trainer.images_seen // 1000:06d}"
            bundle.save(self._model(), folder)
            self._samples(self._model(), folder / SAMPLES)

    def save(self) -> None:
        """Save everything. The state is written before the bundle made from it, and each atomically, so that no file is ever incomplete."""
        model = self._model()
        bundle.check(model)  # a state that makes no valid bundle would break every run resumed from it
        self.trainer.save(self.out / STATE)
        write_bytes(self.out / CURVE, _csv(self._rows).encode())
        bundle.save(model, self.out)
        self._samples(model, self.out / SAMPLES)
        self._saved = time.monotonic()

    def close(self) -> None:
        """Finish the event files."""
        if self._writer is not None:
            self._writer.close()

    def _snapshots_due(self) -> int:
        return int(self.trainer.images_seen / 1000.0 / self.snapshots) if self.snapshots else 0

    def _model(self) -> Model:
        trainer, drawn = self.trainer, procedural.KINDS.get(self.source["kind"])
        training = {**asdict(trainer.config), "images_seen": trainer.images_seen, "rollbacks": trainer.stability.rollbacks}
        return Model(
            name=self.out.name,
            generator=trainer.average,
            adapter=None,
            discriminator=trainer.discriminator,
            card={
                "data": self.source,
                "licence": drawn.licence if drawn else "that of the pictures it was trained on",
                "pixel_art": drawn.pixel_art if drawn else trainer.average.config.pixel > 1,
                "training": training,
            },
            device=trainer.device,
        )

    def _samples(self, model: Model, path: Path) -> None:
        """Samples of the same 64 seeds each time, so that progress is visible."""
        import numpy as np

        from gan.data.sheet import contact_sheet

        sheet = contact_sheet(model.sample(range(64)), columns=8)
        with atomic_write(path) as stream:
            sheet.save(stream, format="PNG")
        if self._writer is not None and path.parent == self.out:
            self._writer.add_image("samples", np.asarray(sheet.convert("RGB")), self.trainer.images_seen, dataformats="HWC")
        self._sampled = time.monotonic()


def _event_writer(folder: Path, images_seen: int) -> "SummaryWriter":
    """A writer that first discards events of a killed run past `images_seen`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError("--tensorboard needs a package that is not installed: pip install tensorboard") from error
    return SummaryWriter(str(folder), purge_step=images_seen + 1)


def _read_curve(path: Path, images_seen: int) -> list[dict[str, str]]:
    """Rows of an earlier run's curve up to the point from which it is resumed."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        try:
            return [row for row in csv.DictReader(stream) if int(row["images"]) <= images_seen]
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise UserError(f"{path} is damaged ({type(error).__name__}): move it away, the run goes on without it") from error


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    if rows:
        columns = dict.fromkeys(name for row in rows for name in row)  # earlier versions wrote fewer columns
        writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
