"""The opinions of a project, and how many of them a session has been told."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from gan.session import TuningSession
from studio.project.opinions import standing
from studio.worker import messages as m
from studio.worker.sessions import feedback, tell_signals_and_tags, use_signals_and_tags

FEWEST_HEARD, STEPS_HEARD = 4, 10  # a restart's opinions are passed in steps of at least so many, and in at most so many steps


class Opinions:
    """All opinions, for a session that learns from them, also one that is recreated on another device.

    Attributes
    ----------
    use_signals : whether signals and tags are learnt from.
    """

    def __init__(self) -> None:
        self.use_signals = True
        self._all: list[m.Opinion] = []
        self._untold = 0  # how many of them, from the end, the session was not told yet
        self._retracted = False  # whether the session still has some that are no longer current

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def all(self) -> Sequence[m.Opinion]:
        """Every opinion, in order."""
        return self._all

    def start(self, opinions: Sequence[m.Opinion] | None = None) -> None:
        """Begin with another session, and with these opinions; None: the same."""
        self._all = standing(self._all if opinions is None else opinions)
        self._untold, self._retracted = len(self._all), False

    def add(self, opinions: Sequence[m.Opinion]) -> None:
        """Note new opinions."""
        self._all.extend(opinions)
        self._untold += len(opinions)
        self._retracted |= any(isinstance(opinion, m.Retracted) for opinion in opinions)

    def tell(self, session: TuningSession, at_once: bool) -> None:
        """Tell a session what it was not told yet. Nothing is told twice if memory runs out in between.

        Many opinions, as after a start, are told in steps, each predicted before it is learnt, so that the accuracy of predictions is known
        again; unless `at_once`.
        """
        learner = session.learner
        use_signals_and_tags(learner, self.use_signals)
        untold = self._all[len(self._all) - self._untold :]
        if self._retracted:
            tell_signals_and_tags(learner, untold)  # they are never taken back
            learner.replace(feedback(self._all))
            self._all, self._untold, self._retracted = standing(self._all), 0, False
            return
        # Signals and tags do not count: a step with too few opinions fits no model, and what follows would not be predicted.
        opinions = [place for place, event in enumerate(untold, 1) if not isinstance(event, (m.Signal, m.Tag))]
        step = max(FEWEST_HEARD, math.ceil(len(opinions) / STEPS_HEARD))
        for start, end in itertools.pairwise([0, *([] if at_once else opinions[step - 1 : -1 : step]), len(untold)]):
            if start:
                learner.fit()
            learner.feedback(feedback(untold[start:end]))
            tell_signals_and_tags(learner, untold[start:end])
            self._untold -= end - start
