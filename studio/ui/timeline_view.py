"""The Timeline view: every version that was kept, the newest first, the untuned generator last."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import like_rate, measured
from studio.project.records import Checkpoint
from studio.ui.parts import Card, ElidedLabel, Rows, button, named, quiet_note, section, text_label
from studio.ui.strip import Strip


class VersionCard(Card):
    """One version: its name, what it measured, the same eight seeds, and the way back to it."""

    def __init__(self, actions: Actions, checkpoint: Checkpoint | None, in_use: bool) -> None:
        super().__init__()
        name = tr("Round {n}", n=checkpoint.round) if checkpoint else tr("Untuned")
        self.setProperty("current", in_use)
        self.strip = Strip(8, 88)
        self.strip.show_images(actions.version_images(checkpoint.id if checkpoint else None))
        named(self.strip, tr("{name}, eight images", name=name), tr("The same eight seeds in every version"))
        self.restore = button(
            tr("In use") if in_use else tr("Restore"),
            tr("This is the version in use")
            if in_use
            else tr("Go back to {name}; nothing is deleted", name=name),
        )
        self.restore.setAccessibleName(
            tr("Restore {name}", name=name) if not in_use else tr("{name} is in use", name=name)
        )
        self.restore.setEnabled(not in_use)
        self.restore.clicked.connect(lambda: actions.restore(checkpoint.id if checkpoint else None))
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(text_label(name, "title"))
        words = (
            (measured(checkpoint.metrics) or tr(checkpoint.reason))
            if checkpoint
            else tr("the generator as it came")
        )
        line.addWidget(ElidedLabel(words, "quiet"), 1)
        line.addWidget(self.restore)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 12)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.strip)


class TimelineView(QWidget):
    """A list of `VersionCard`s."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.cards: list[VersionCard] = []
        self.note = ElidedLabel("", "quiet")
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addWidget(text_label(tr("Timeline"), "title"))
        header.addWidget(self.note, 1)
        self._body = QWidget()
        self._list = QVBoxLayout(self._body)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(12)
        self._list.addStretch(1)
        self.hint: QLabel = text_label(tr("No rounds yet. Rate some images, then press T to teach."), "hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(96)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._body)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(14)
        column.addLayout(header)
        column.addWidget(self.hint)
        column.addWidget(scroll, 1)
        for name in ("checkpoints", "checkpoint", "loaded", "pixel_art"):
            bind(actions.state, name, self._show)
        bind(actions.round, "running", self._show)
        bind(actions.round, "strip", self._show)

    def focus_target(self) -> QWidget:
        return self

    def _show(self, _: object) -> None:
        state, running = self._actions.state, self._actions.round.running
        for card in self.cards:
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        used = state.checkpoint.id if state.checkpoint else None
        versions: list[Checkpoint | None] = [*reversed(state.checkpoints), None]
        self.cards = [VersionCard(self._actions, v, (v.id if v else None) == used) for v in versions]
        for place, card in enumerate(self.cards):
            card.strip.pixel_art = state.pixel_art
            if not state.loaded or running:
                card.restore.setEnabled(False)
            self._list.insertWidget(place, card)
        self.hint.setVisible(not state.checkpoints)
        kept = len(state.checkpoints)
        self.note.set_text("" if not kept else tr("1 round") if kept == 1 else tr("{n} rounds", n=kept))


class TimelinePanel(QWidget):
    """The right side of the Timeline view: the version in use, and how to go back."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("In use")))
        self.rows = Rows()
        column.addWidget(self.rows)
        column.addSpacing(12)
        column.addWidget(section(tr("Going back")))
        column.addWidget(
            quiet_note(
                tr(
                    "Restore any version. Nothing is deleted: later rounds stay here, and every rating is kept."
                )
            )
        )
        column.addStretch(1)
        bind(actions.state, "checkpoint", self._show)
        bind(actions.state, "generator", self._show)

    def _show(self, _: object) -> None:
        state = self._actions.state
        used = state.checkpoint
        rate = like_rate(used.metrics) if used else None
        self.rows.set_line("name", tr("Version"), tr("round {n}", n=used.round) if used else tr("untuned"))
        self.rows.set_line(
            "rate", tr("Like rate, predicted"), "–" if rate is None else f"{round(100 * rate)} %"
        )
        self.rows.set_line("base", tr("Generator"), self._actions.model_name)
        self.rows.set_line("hash", tr("Hash"), state.generator.hash or "–")
