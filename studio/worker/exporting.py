"""Exports in the worker: turns a command into a call of `gan.formats.exports`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gan.errors import Cancelled
from gan.formats.exports import OF_IMAGES, ExportSettings
from gan.formats.exports import export as export_model
from gan.formats.rated import Rated
from gan.model import Model
from gan.session import TuningSession
from studio.worker import messages as m
from studio.worker.exports import Export, ExportRow
from studio.worker.sessions import array

UNTUNED_LIKE_RATE = (
    0.2  # by definition: an image counts as liked if its predicted liking is above the untuned 80th percentile
)


def export(
    session: TuningSession,
    command: Export,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] = lambda: False,
) -> Path:
    """Run an export command; returns the folder.

    Raises
    ------
    UserError, Cancelled
        As `gan.formats.exports.export`.
    """
    settings = ExportSettings(**command.settings)
    folder = Path(command.folder).resolve()
    of_images = settings.format in OF_IMAGES
    as_it_was = of_images or settings.format == "state_dict"  # no new generator is made that needs a name
    model = described(session, session.model.name if as_it_was else folder.name, command.like_rate)
    rows = [rated(row) for row in command.rows] if of_images else None
    seeds = command.seeds if of_images else None
    return export_model(
        model, folder, settings, rows=rows, seeds=seeds, events=command.log, progress=progress, cancel=cancel
    )


def export_told(
    session: TuningSession, command: Export, send: Callable[[m.Event], None], cancel: Callable[[], bool]
) -> m.Exported | m.ExportStopped:
    """Run an export command and report its progress; returns how it ended. Raises UserError."""
    try:
        export(session, command, lambda done, text: send(m.Exporting(float(done), text)), cancel)
    except Cancelled:
        return m.ExportStopped()
    return m.Exported(command.folder)


def described(session: TuningSession, name: str, like_rate: float | None) -> Model:
    """The current generator, whose card says which share of its images the taste model expects to be liked."""
    model = session.tuned_model(name)
    tuning = model.card.get("tuning")
    if isinstance(tuning, dict) and like_rate is not None and model.tuned:
        shares = {"like_rate_predicted": like_rate, "like_rate_predicted_untuned": UNTUNED_LIKE_RATE}
        model.card["tuning"] = {**tuning, **shares}
    return model


def rated(row: ExportRow) -> Rated:
    """A row of the project in the library's form."""
    values = {**asdict(row), "latent": np.asarray(array(row.latent))}
    return Rated(**values)
