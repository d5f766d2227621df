"""The command that opens a project in a worker. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.project.store import Image, Project
from studio.worker import messages as m

_DRAWN_AGAIN = 4  # images that a generator must draw as they were, if the project does not know its hash


def opening(project: Project, device: str = "auto", use_signals: bool = True, moved: Path | None = None) -> m.Open:
    """The `Open` command with everything that a worker needs of a project. `moved` : folder of its generator, if it was moved."""
    checkpoint = project.current_checkpoint()
    return m.Open(
        folder=str(project.folder),
        model=project.model if moved is None else str(moved),
        checkpoint=None if checkpoint is None else str(checkpoint.path),
        device=device,
        seed=project.seed,
        images=known(project.images()),
        events=project.opinions(),
        use_signals=use_signals,
        proof=None if moved is None else proof(project),
    )


def proof(project: Project) -> m.Proof:
    """By what the project's generator is known again; neither a hash nor files if by nothing but its size."""
    known = project.meta("model_hash")
    if known is not None:
        return m.Proof(str(known))
    shown = project.current_grid()
    files = [(image, project.image_file(image)) for image in (shown.images if shown is not None else ())]
    return m.Proof("", tuple((image, str(file)) for image, file in files if file.is_file())[:_DRAWN_AGAIN])


def known(images: Sequence[Image]) -> tuple[m.KnownImage, ...]:
    """Images as sent to the worker."""
    return tuple(m.KnownImage(image.id, image.latent) for image in images)
