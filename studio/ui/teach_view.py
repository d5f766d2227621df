"""The Teach view: the running round, and the same seeds before and after."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from studio.i18n import signed, tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import course, from_round_to_round, line_of, time_left, version_name
from studio.project.records import Checkpoint
from studio.ui import terms
from studio.ui.charts import SMOOTHING, Chart
from studio.ui.columns import downwards
from studio.ui.dials import weight_words
from studio.ui.parts import ElidedLabel, Rows, button, named, quiet_note, section, text_label
from studio.ui.rate_panel import known, lacking
from studio.ui.seeds_card import SeedsCard
from studio.worker.messages import Progress

_EVEN = 0.1  # SD; typical difference in taste between two batches
_RECENT = 4  # steps that are averaged to tell how a round is going


class TeachView(QWidget):
    """Shows progress and three buttons in the header, four curves, and two strips."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.status = ElidedLabel("", "quiet")
        self.pause = button(tr("Pause"), tr("Hold the round between two steps"), command="pause")
        self.keep = button(
            tr("Stop and keep"), tr("End the round now and keep what it learnt"), command="stop"
        )
        self.revert = button(tr("Revert"), "")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.why = quiet_note()
        self.next = button(tr("Rate the next grid"), tr("See what it draws now"), "chip", "view.rate")
        self.more = button(tr("Rate more images"), tr("Back to the images, so that there is more to learn from"), "chip", "view.rate")
        named(self.progress, tr("Progress of the round"), tr("How much of the round is done"))
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addWidget(text_label(tr("Teach"), "title"))
        header.addWidget(self.status, 1)
        for control in (self.pause, self.keep, self.revert):
            header.addWidget(control)

        style = Qt.PenStyle
        std = tr("in standard deviations of the untuned generator")
        self.charts = {
            "taste": Chart(
                tr("Taste"), tr("Predicted taste, {unit}", unit=std), "taste", style.SolidLine, 0.5
            ),
            "realism": Chart(
                tr("Realism"),
                tr("The discriminator's view, {unit}", unit=std),
                "realism",
                style.DashLine,
                0.5,
            ),
            "variety": Chart(
                tr("Variety"),
                tr("How different the images are from each other; 1 at the start"),
                "variety",
                style.DotLine,
                0.2,
            ),
            "distance": Chart(
                tr("Distance from start (KL)"),
                tr("How far the generator moved, and the limit of this round, in nats"),
                "distance",
                style.DashDotLine,
                1.0,
            ),
        }
        curves = QGridLayout()
        curves.setSpacing(12)
        for place, chart in enumerate(self.charts.values()):
            curves.addWidget(chart, place // 2, place % 2)
            curves.setRowStretch(place // 2, 1)

        self.seeds = SeedsCard()

        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(12)
        inner.addLayout(curves, 1)
        inner.addWidget(self.seeds)
        self.page = downwards(body)
        self.page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that keys scroll it where it does not fit
        named(self.page, tr("Curves and images of the round"), "")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 12, 16, 12)
        outer.setSpacing(12)
        outer.addLayout(header)
        outer.addWidget(self.progress)
        told = QHBoxLayout()
        told.setSpacing(12)
        told.addWidget(self.why, 1)
        for way in (self.next, self.more):
            told.addWidget(way, 0, Qt.AlignmentFlag.AlignRight)  # also where nothing is told beside it
        outer.addLayout(told)
        outer.addWidget(self.page, 1)

        self.pause.clicked.connect(actions.pause_or_resume)
        self.keep.clicked.connect(actions.stop_and_keep)
        self.revert.clicked.connect(actions.revert)
        for control in (self.next, self.more):
            control.clicked.connect(lambda: actions.view_wanted.emit("rate"))
        round_, state = actions.round, actions.state
        round_.stepped.connect(self._draw)
        for name in ("running", "paused", "stopping", "outcome"):
            bind(round_, name, self._show_round)
        for name in ("counts", "loaded", "task", "checkpoint"):
            bind(state, name, self._show_round)
        bind(round_, "refusal", self._show_round)
        bind(round_, "progress", self._get_ready)
        bind(round_, "strip", self.seeds.show_strip)
        bind(state, "pixel_art", self.seeds.show_scaling)
        for name in ("generator", "checkpoint", "checkpoints"):
            bind(state, name, self._draw)
        bind(round_, "running", self._draw)
        self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._actions.show_kept_strip()

    def focus_target(self) -> QWidget:
        return self.pause if self._actions.round.running else self.page

    def _show_round(self, _: object = None) -> None:
        round_, checkpoint = self._actions.round, self._actions.state.checkpoint
        self.pause.setText(tr("Resume") if round_.paused else tr("Pause"))
        self.pause.setAccessibleName(self.pause.text())
        free = round_.running and not round_.stopping
        if not free and self.pause.hasFocus():
            self.page.setFocus(
                Qt.FocusReason.OtherFocusReason
            )  # otherwise Revert would get the focus, and a late Space would press it
        self.pause.setEnabled(free)
        self.keep.setEnabled(free)
        self.revert.setEnabled(
            not round_.stopping if round_.running else checkpoint is not None and self._actions.state.loaded
        )
        self.revert.setToolTip(
            tr("Drop this round and go back to where it began")
            if round_.running
            else tr("Go back to the version before the last round; the round stays on the timeline")
        )
        if not round_.running and (self.progress.maximum(), self.progress.value()) != (1, 0):
            # Without this, the bar would be repainted at once, twice, which lays out the window.
            self.progress.setUpdatesEnabled(False)
            self.progress.setRange(0, 1)
            self.progress.setValue(0)
            self.progress.setUpdatesEnabled(True)
        self._show_status()

    def _show_status(self) -> None:
        round_, actions = self._actions.round, self._actions
        progress = round_.progress
        if round_.running and round_.stopping:
            text = tr("Round {n} · stopping after this step", n=round_.number)
        elif round_.running and progress is None:
            text = tr("Round {n} · starting", n=round_.number)
        elif round_.running and progress is not None:
            left = tr("paused") if round_.paused else time_left(progress.seconds_left)
            text = f"{tr('Round {n}', n=round_.number)} · {course(progress)} · {left}"
        elif round_.outcome is not None:
            verdict = tr("kept") if round_.outcome.kept else tr("reverted")
            text = tr("Round {n} · {verdict}", n=round_.outcome.number, verdict=verdict)
        elif actions.state.task == "failed":
            text = tr("The worker could not start; the line below says why. Ratings are safe.")
        elif not actions.state.loaded:
            text = tr("The generator is still loading")
        elif round_.refusal:
            text = tr("Round {n} was not taught", n=round_.number)
        elif missing := actions.missing_ratings:
            text = tr("Rate 1 more image, then teach") if missing == 1 else tr("Rate {n} more images, then teach", n=missing)
        else:
            text = tr("Ready to teach your {n} ratings", n=whole(actions.state.counts.rated))
        self.status.set_text(text)
        why = ""
        if round_.running and progress is not None:
            why = self._note(progress)
        elif not round_.running:
            said = round_.outcome.reason if round_.outcome is not None else round_.refusal
            why = "\n".join(filter(None, (tr(said), self._between())))
        self.why.setText(tr(why))
        self.why.setVisible(bool(why))
        kept = round_.outcome is not None and round_.outcome.kept
        self.next.setVisible(not round_.running and kept)
        lacking = round_.outcome is not None or bool(round_.refusal) or actions.missing_ratings > 0
        self.more.setVisible(not round_.running and not kept and lacking)

    def _line(self) -> list[Checkpoint]:
        """The rounds that the curves go along; none while one runs, whose steps they follow, nor after the first, whose steps tell more."""
        state, round_ = self._actions.state, self._actions.round
        line = [] if round_.running else line_of(state.checkpoint, state.checkpoints)
        return line if len(line) > 1 or round_.progress is None else []

    def _between(self) -> str:
        """What the curves show between two rounds, in words; "" if they are empty or show the steps of one that came to nothing."""
        used = self._actions.state.checkpoint
        if used is None or not self._line():
            return ""
        return tr(
            "The curves go from round to round, from the untuned generator to {version}. While a round runs, they follow its steps.",
            version=version_name(used, inside=True),
        )

    def _note(self, progress: Progress) -> str:
        if progress.step or not progress.note:
            return progress.note
        note = tr(progress.note)
        return tr(
            "{note}. Later rounds begin sooner. You can go on rating meanwhile.",
            note=note[:1].upper() + note[1:],
        )

    def _get_ready(self, progress: Progress | None) -> None:
        if progress is not None and not progress.step:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * self._actions.round.ready))
            self._show_status()

    def _draw(self, _: object = None) -> None:
        round_, state = self._actions.round, self._actions.state
        progress, series = round_.progress, round_.series
        steps, smoothing = progress.steps if progress else 16, SMOOTHING
        line = self._line()
        if line or (progress is None and not round_.running):  # of earlier rounds only the results are saved, not the steps
            progress, series, steps, smoothing = None, from_round_to_round(line), len(line) + 1, 1.0
        limits = {} if progress is None else {"distance": progress.kl_limit, "variety": progress.diversity_limit}
        if progress is not None and not progress.step:
            limits.clear()  # nothing was measured yet
        for name, chart in self.charts.items():
            baseline = 1.0 if name == "variety" else 0.0
            chart.show_values(series[name], steps, baseline, limits.get(name), smoothing)
        words = dict.fromkeys(series, "")
        if progress is None:
            for name, values in series.items():
                if values:
                    words[name] = tr("{value} SD", value=signed(values[-1], 2)) if name in ("taste", "realism") else f"{values[-1]:.2f}"
        if progress is not None and progress.step:
            words = {
                "taste": tr("{value} SD", value=signed(progress.taste, 2)),
                "realism": tr("{value} SD", value=signed(progress.realism, 2)),
                "variety": tr(
                    "{value:.2f} · limit {limit:.2f}",
                    value=progress.diversity,
                    limit=progress.diversity_limit,
                ),
                "distance": tr("{value:.1f} of {limit:.1f}", value=progress.kl, limit=progress.kl_limit),
            }
            self.progress.setRange(0, progress.steps)
            self.progress.setValue(progress.step)
        if not state.generator.has_discriminator:
            words["realism"] = tr("off: the generator has no discriminator")
        for name, chart in self.charts.items():
            chart.set_words(words[name])
        self._show_status()


class TeachPanel(QWidget):
    """The side panel of the Teach view: the guard, the reward, and the rounds so far."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("Guard")))
        self.guard = Rows()
        column.addWidget(self.guard)
        column.addWidget(
            quiet_note(tr("If a limit breaks, the best version so far is kept and you are told."))
        )
        column.addSpacing(12)
        column.addWidget(section(tr("Reward")))
        self.reward = Rows()
        self.reward.setToolTip(
            tr(
                "Mean of the last step's images, in standard deviations of the untuned generator, and its weight"
            )
        )
        column.addWidget(self.reward)
        column.addSpacing(12)
        column.addWidget(section(tr("Rounds")))
        self.rounds = Rows()
        column.addWidget(self.rounds)
        column.addStretch(1)
        actions.round.stepped.connect(self._show_guard)
        self._show_guard()
        bind(actions.round, "progress", self._show_reward)
        for name in ("weights", "generator"):
            bind(actions.state, name, self._show_reward)
        for name in ("rounds", "counts"):
            bind(actions.state, name, self._show_rounds)
        bind(actions.round, "running", self._show_rounds)

    def _show_guard(self) -> None:
        progress, taste = self._actions.round.progress, self._actions.round.series["taste"]
        if progress is None or not taste:
            for key, name in (("taste", tr("Taste")), ("variety", tr("Variety")), ("kl", tr("Distance"))):
                self.guard.set_line(key, name, "–", "quiet", "")
            return
        words, role = _course(taste, progress.start_taste)
        self.guard.set_line("taste", tr("Taste"), words, role, "")
        value, limit = progress.diversity, progress.diversity_limit
        if value >= limit:
            words, role = tr("{value:.2f} · limit {limit:.2f}", value=value, limit=limit), "good"
        else:
            words, role = tr("{value:.2f} · under {limit:.2f}", value=value, limit=limit), "bad"
        self.guard.set_line("variety", tr("Variety"), words, role, "")
        value, limit = progress.kl, progress.kl_limit
        if value <= limit:
            words, role = tr("{value:.1f} · limit {limit:.1f}", value=value, limit=limit), "good"
        else:
            words, role = tr("{value:.1f} · over {limit:.1f}", value=value, limit=limit), "bad"
        self.guard.set_line("kl", tr("Distance"), words, role, "")

    def _show_reward(self, _: object) -> None:
        progress, weights = self._actions.round.progress, self._actions.state.weights
        if progress is not None and not progress.step:
            progress = None  # nothing was measured yet
        means = {"taste": None, "realism": None} if progress is None else {"taste": progress.taste, "realism": progress.realism}
        lines = [*weights.terms, "total"]
        if self.reward.keys() != lines:
            self.reward.clear()
        for key, weight in weights.terms.items():
            words = weight_words(weight, sign=key in weights.wishes)
            if key in means:
                words = f"{known(means[key], 2)} · {weight:.1f} ×"
            self.reward.set_line(key, terms.name(key), lacking(self._actions, key) or words, "", "")
        total = "–" if progress is None else signed(progress.reward, 2)
        self.reward.set_line("total", tr("In all"), total, "strong", "strong")

    def _show_rounds(self, _: object) -> None:
        actions = self._actions
        lines = []
        if actions.round.running:
            ratings = tr("{n} ratings", n=whole(actions.state.counts.rated))
            lines.append((tr("{n} · running", n=actions.round.number), ratings, "quiet", "strong"))
        for past in actions.state.rounds[:12]:
            verdict = tr("kept") if past.kept else tr("reverted")
            value = tr(past.reason)
            if past.kept and past.like_rate is not None:
                value = tr("like rate {share} %", share=round(100 * past.like_rate))
            lines.append((tr("{n} · {verdict}", n=past.number, verdict=verdict), value, "quiet", ""))
        lines.append((tr("Untuned"), tr("where it began"), "quiet", ""))
        self.rounds.set_lines(lines)


def _course(taste: Sequence[float], start: float) -> tuple[str, str]:
    """How the taste changes in a round, in words, and their style. No gain is not "bad": there may be nothing left to gain."""
    recent = taste[-_RECENT:]
    gain = sum(recent) / len(recent) - start
    if gain > _EVEN:
        return tr("higher than at the start"), "good"
    return (tr("as at the start"), "quiet") if gain >= -_EVEN else (tr("lower than at the start"), "bad")
