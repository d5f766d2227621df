"""Information on the studio for bug reports."""

from studio.model.actions import Actions
from studio.ui.status_bar import task_words


def debug_info(actions: Actions) -> str:
    """Return a few lines of text without any image or rating; the labels are English, the worker's state and message as shown."""
    state = actions.state
    message = state.message
    lines = [
        f"generator: {actions.model_name} {state.generator.hash}, {state.generator.resolution} px",
        f"device: {state.device}",
        f"worker: {task_words(state.task)}",
        f"ratings: {state.counts.rated}, rounds: {len(state.checkpoints)}",
        f"last message: {message.text if message else '-'}",
        message.detail if message else "",
    ]
    return "\n".join(lines).rstrip()
