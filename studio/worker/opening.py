"""The command that opens a project in a worker. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Sequence

from studio.project.store import Image, Project
from studio.worker import messages as m


def opening(project: Project, device: str = "auto", use_signals: bool = True) -> m.Open:
    """The `Open` command with everything that a worker needs of a project."""
    checkpoint = project.current_checkpoint()
    return m.Open(
        folder=str(project.folder),
        model=project.model,
        checkpoint=None if checkpoint is None else str(checkpoint.path),
        device=device,
        seed=project.seed,
        images=known(project.images()),
        events=project.opinions(),
        use_signals=use_signals,
    )


def known(images: Sequence[Image]) -> tuple[m.KnownImage, ...]:
    """Images as sent to the worker."""
    return tuple(m.KnownImage(image.id, image.latent) for image in images)
