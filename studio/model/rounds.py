"""Finished rounds, read from the project: kept ones are checkpoints, the others events of the log."""

from collections.abc import Sequence

from studio.i18n import signed, tr, whole
from studio.model.state import SERIES, PastRound
from studio.project.records import Checkpoint
from studio.project.store import Project
from studio.worker.messages import Progress, Reading
from studio.worker.shown import FinishedRound


def version_name(version: Checkpoint | None, inside: bool = False) -> str:
    """Return a version's name for display, None being the untuned generator; `inside` a line, or at its start."""
    if version is None:
        return tr("untuned") if inside else tr("Untuned")
    if version.name:
        return version.name
    return tr("round {n}", n=version.round) if inside else tr("Round {n}", n=version.round)


def like_rate(metrics: dict[str, float | None]) -> float | None:
    """Return the share of images that the taste model expects to be liked, if it was measured."""
    value = metrics.get("like_rate_predicted")
    return None if value is None else float(value)


def measured(metrics: dict[str, float | None]) -> str:
    """Describe the measured effects of a round in one line."""
    parts = []
    if (rate := like_rate(metrics)) is not None:
        parts.append(tr("like rate {share} %", share=round(100 * rate)))
    if (taste := metrics.get("taste")) is not None:
        parts.append(tr("taste {v} SD", v=signed(taste, 2)))
    if (variety := metrics.get("diversity")) is not None:
        parts.append(tr("variety {v:.2f}", v=variety))
    if (distance := metrics.get("kl")) is not None:
        parts.append(tr("distance {v:.1f}", v=distance))
    return " · ".join(parts)


def what_is_measured() -> str:
    """Say what the words of `measured` mean."""
    return tr(
        "Like rate: how many of its images you are expected to like.\n"
        "Taste: how far they are above those of the untuned generator, in standard deviations (SD) of its images; 0 is no better.\n"
        "Variety: how different they are; 1 is as different as the fifth of the untuned images that suits you best.\n"
        "Distance: how far it is from the untuned generator, which is at 0."
    )


def outcome_of(finished: FinishedRound, number: int) -> PastRound:
    """Describe how the round that just ended went."""
    result, checkpoint = finished.result, finished.checkpoint
    reason = tr(result.reason) or (tr("Kept.") if result.kept else tr("Reverted."))
    if result.kept and (done := measured(result.metrics)):
        reason = f"{reason.rstrip('.。')}: {done}"
    return PastRound(
        checkpoint.round if checkpoint else number,
        result.kept,
        reason,
        checkpoint.id if checkpoint else None,
        like_rate(result.metrics),
    )


def line_of(used: Checkpoint | None, versions: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the rounds that led to the version in use, the first one first; a branch is a copy of a round, not another one."""
    known = {version.id: version for version in versions}
    line: list[Checkpoint] = []
    while used is not None:
        if not used.path.name.startswith("branch-"):
            line.insert(0, used)
        used = None if used.parent is None else known.get(used.parent)
    return line


def from_round_to_round(line: Sequence[Checkpoint]) -> dict[str, list[float]]:
    """Return what was measured before the first of some rounds and after each, by the names of the curves; none where one is unknown."""
    found: dict[str, list[float]] = {}
    for name, (key, start) in zip(SERIES, (("taste", 0.0), ("realism", 0.0), ("diversity", 1.0), ("kl", 0.0)), strict=True):
        first = line[0].metrics.get(f"start_{key}") if line else None
        after = [version.metrics.get(key) for version in line]
        known = [float(value) for value in after if value is not None]
        found[name] = [start if first is None else float(first), *known] if line and len(known) == len(line) else []
    return found


def time_left(seconds: float) -> str:
    """Return a round's remaining time in words."""
    if seconds < 1.5:
        return tr("almost done")
    if seconds < 90:
        return tr("about {n} s left", n=round(seconds))
    return tr("about {n} min left", n=round(seconds / 60))


def reading_words(left: Reading) -> str:
    """Describe what the worker has to look at before it can learn, with the time that it takes."""
    return tr("looking at {n} more images first, {left}", n=whole(left.images), left=time_left(left.seconds))


def course(progress: Progress) -> str:
    """Describe where a round is: before its first step, or at which step."""
    if not progress.step:
        return tr("getting ready")
    return tr("step {step} of {steps}", step=progress.step, steps=progress.steps)


class RoundLog:
    """The rounds of one project; reads only what was added to the log since the last call."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._read = 0  # id of the last event read
        self._dropped: list[tuple[float, str]] = []  # when, why

    def rounds(self) -> tuple[PastRound, ...]:
        """Return all finished rounds, newest first."""
        for event in self._project.log(self._read, ("taught",)):
            self._read = event.id
            if not event.extra.get("kept"):
                self._dropped.append((event.time, str(event.extra.get("reason", ""))))
        # A branch is a copy of a checkpoint, not another round.
        checkpoints = [c for c in self._project.checkpoints() if not c.path.name.startswith("branch-")]
        dated = [(c.created, _kept(c)) for c in checkpoints]
        for when, why in self._dropped:
            number = 1 + max((c.round for c in checkpoints if c.created < when), default=0)
            dated.append((when, PastRound(number, False, why)))
        return tuple(past for _, past in sorted(dated, key=lambda pair: pair[0], reverse=True))


def _kept(checkpoint: Checkpoint) -> PastRound:
    return PastRound(
        checkpoint.round, checkpoint.kept, checkpoint.reason, checkpoint.id, like_rate(checkpoint.metrics)
    )
