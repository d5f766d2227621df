"""Messages about exports. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.project.store import Project

OF_IMAGES = ("images", "sheet", "video", "dataset")
"""Formats that are made of a project's images, not of its generator alone."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One image of the project with its feedback; the fields are those of `gan.formats.rated.Rated`."""

    id: int
    latent: bytes  # float32, little-endian
    stars: int = 0
    flag: str | None = None
    label: int = 0
    tags: tuple[str, ...] = ()
    note: str = ""
    title: str = ""
    why: str = ""
    seed: int | None = None
    round: int = 0
    created: float | None = None
    rated: float | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """Write the tuned generator, or images of it. Answered by `Exporting` and `Exported`, `ExportStopped` or `Failed`."""

    folder: str
    settings: dict[str, Any] = field(
        default_factory=dict
    )  # fields of `gan.formats.exports.ExportSettings`; empty: a bundle
    rows: tuple[ExportRow, ...] = ()  # for formats of images
    log: tuple[dict[str, Any], ...] = ()  # for a data set
    like_rate: float | None = None  # predicted, of the current version
    seeds: tuple[int, ...] | None = None  # images of these seeds instead of favourites


@dataclass(frozen=True, slots=True)
class CancelExport:
    """Cancel the running export; nothing of it remains."""


@dataclass(frozen=True, slots=True)
class ExportStopped:
    """An export was cancelled; nothing was written."""


Command = Export | CancelExport
Event = ExportStopped


def command(
    project: Project, folder: str, settings: Mapping[str, Any], seeds: tuple[int, ...] | None = None
) -> Export:
    """The command that exports the current state of a project.

    Raises
    ------
    ProjectError
        The project cannot be read.
    """
    kind = settings.get("format", "bundle")
    checkpoint = project.current_checkpoint()
    like_rate = None if checkpoint is None else checkpoint.metrics.get("like_rate_predicted")
    rows = _rows(project, everything=kind == "dataset") if kind in OF_IMAGES and seeds is None else ()
    log = _log(project) if kind == "dataset" else ()
    return Export(folder, dict(settings), rows, log, like_rate, seeds)


def _rows(project: Project, everything: bool) -> tuple[ExportRow, ...]:
    images = project.images()
    states = project.state(image.id for image in images)
    if not everything:
        images = tuple(image for image in images if states[image.id].rated)
    rounds = {checkpoint.id: checkpoint.round for checkpoint in project.checkpoints()}
    last = project.last_said()
    rows = []
    for image in images:
        state = states[image.id]
        rows.append(
            ExportRow(
                id=image.id,
                latent=image.latent,
                stars=state.stars,
                flag=state.flag,
                label=state.label,
                tags=state.tags,
                note=state.note,
                title=state.title,
                why=image.kind,
                seed=image.seed,
                round=rounds.get(image.checkpoint, 0) if image.checkpoint is not None else 0,
                created=image.created,
                rated=last.get(image.id),
            )
        )
    return tuple(rows)


def _log(project: Project) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "id": event.id,
            "time": event.time,
            "session": event.session,
            "kind": event.kind,
            "image": event.image,
            "value": event.value,
            "extra": event.extra,
        }
        for event in project.log()
    )
