"""The single `Training` of a window."""

from studio.model.actions import Actions
from studio.model.training import Training
from studio.worker.jobs_client import JobsClient

LOG = "training.log"


def training_of(actions: Actions) -> Training:
    """Return the training of a window's actions; it is created by the first call, without a process."""
    found = actions.findChild(Training)
    if found is None:
        found = Training(JobsClient(actions.project.folder / LOG), actions)
    return found
