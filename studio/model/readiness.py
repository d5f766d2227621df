"""Why the worker does not answer, in words that several views show."""

from studio.i18n import tr
from studio.model.state import StudioState


def unless_failed(state: StudioState, words: str) -> str:
    """Return `words` about waiting for the worker; if it could not start, nothing is to be waited for, and that is said instead."""
    return tr("The worker could not start; the line below says why.") if state.task == "failed" else words
