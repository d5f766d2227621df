"""The Timeline view: all versions that were kept, newest first, with the untuned generator last; any two can be compared."""

from __future__ import annotations

from functools import partial
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import like_rate, version_name, what_is_measured
from studio.model.state import StripImages
from studio.project.records import Checkpoint
from studio.theme.tokens import HEADER
from studio.ui.columns import downwards
from studio.ui.parts import (
    ElidedLabel,
    KeyLegend,
    Rows,
    names_keys,
    quiet_note,
    section,
    tell_all_keys,
    text_label,
)
from studio.ui.seeds_card import SeedsCard
from studio.ui.shell import Shell
from studio.ui.version_card import VersionCard

_NOBODY = -1  # no version is chosen: keys apply to the one in use


class TimelineView(QWidget):
    """A list of `VersionCard`s. Up and Down choose the one that keys apply to."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.cards: list[VersionCard] = []
        self._chosen: int | None = _NOBODY  # id of the version that keys apply to; None: the untuned generator
        self._compared: list[int | None] = []  # ids, at most two
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.note = ElidedLabel("", "quiet")
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Timeline"), "title"))
        header.addWidget(self.note, 1)
        self.comparison = SeedsCard()
        self.comparison.show_way(1)
        self._body = QWidget()
        self._list = QVBoxLayout(self._body)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(12)
        self._list.addStretch(1)
        self.hint: QLabel = text_label("", "hint")
        names_keys(self.hint, tr("No rounds yet. Rate some images, then press {teach} to teach."))
        self.running: QLabel = text_label(tr("The first round is running. What it makes of the generator shows here."), "hint")
        for hint in (self.hint, self.running):
            hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
            hint.setWordWrap(True)
            hint.setMinimumHeight(96)
        self._scroll = downwards(self._body)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(header)
        column.addWidget(self.comparison)
        column.addWidget(self.hint)
        column.addWidget(self.running)
        column.addWidget(self._scroll, 1)
        for name in ("checkpoints", "checkpoint", "loaded"):
            bind(actions.state, name, self._show)
        bind(actions.round, "running", self._show)
        bind(actions.state, "pixel_art", self._show_images)
        bind(actions.round, "strip", self._show_images)

    def focus_target(self) -> QWidget:
        return self

    # -- hands -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = self._place()
        target = {Qt.Key.Key_Up: place - 1, Qt.Key.Key_Down: place + 1, Qt.Key.Key_Home: 0}.get(
            Qt.Key(event.key())
        )
        if event.key() == Qt.Key.Key_End:
            target = len(self.cards) - 1
        if target is None:
            super().keyPressEvent(event)
        elif 0 <= target < len(self.cards):
            self._choose(self.cards[target])
            self._scroll.ensureWidgetVisible(self.cards[target])

    def chosen_card(self) -> VersionCard:
        """Return the card that keys apply to."""
        return self.cards[self._place()]

    def restore(self) -> None:
        """Restore the chosen version."""
        card = self.chosen_card()
        if card.restore.isEnabled():
            self._actions.restore(_id(card))

    def rename(self, card: VersionCard | None = None) -> None:
        """Begin to edit the name of a version, by default the chosen one."""
        card = card or self.chosen_card()
        if card.version is not None:
            self._choose(card)
            card.edit.begin(card.version.name)

    def branch(self, card: VersionCard | None = None) -> None:
        """Start a branch at a version, by default the chosen one."""
        card = card or self.chosen_card()
        if card.version is not None and card.branch.isEnabled():
            name = tr("Branch of {name}", name=version_name(card.version))
            self._chosen = _NOBODY  # keys apply to the branch as soon as it is in use
            self._actions.branch_version(card.version.id, name)

    def delete(self, card: VersionCard | None = None) -> None:
        """Remove a version, by default the chosen one, from the timeline; undo brings it back."""
        card = card or self.chosen_card()
        if card.version is not None and card.delete.isEnabled():
            self._actions.delete_version(card.version.id)
        elif card.version is not None:
            self._actions.say(tr("The version in use cannot be deleted; restore another one first"))

    def compare(self, card: VersionCard | None = None) -> None:
        """Add a version to the comparison or remove it; a third one replaces the first."""
        version = _id(card or self.chosen_card())
        if version in self._compared:
            self._compared.remove(version)
        else:
            self._compared = [*self._compared[-1:], version]
        self._show_comparison()

    def _choose(self, card: VersionCard) -> None:
        self._chosen = _id(card)
        if not card.edit.isVisible():
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._mark()

    def _named(self, card: VersionCard, name: str) -> None:
        if card.version is not None:
            self._actions.rename_version(card.version.id, name)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- what follows from the state ---------------------------------------------------------------------------------

    def _place(self) -> int:
        """Return the index of the chosen version's card, or, if it is gone, of the one in use."""
        ids = [_id(card) for card in self.cards]
        used = self._actions.state.checkpoint
        for wanted in (self._chosen, used.id if used else None):
            if wanted in ids:
                return ids.index(wanted)
        return 0

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show()

    def _show(self, _: object = None) -> None:
        if not self.isVisible():
            return
        self._keep_names()
        state, free = self._actions.state, self._actions.state.loaded and not self._actions.round.running
        used = state.checkpoint.id if state.checkpoint else None
        versions: list[Checkpoint | None] = [*reversed(state.checkpoints), None]
        while len(self.cards) > len(versions):
            gone = self.cards.pop()
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self.cards) < len(versions):
            self._add_card()
        known = {version.id: version for version in state.checkpoints}
        for place, (card, version) in enumerate(zip(self.cards, versions, strict=True)):
            parent = known.get(version.parent) if version is not None and version.parent is not None else None
            below = versions[place + 1] if place + 1 < len(versions) else None
            elsewhere = parent if parent is not None and (below is None or below.id != parent.id) else None
            card.show_version(version, elsewhere, (version.id if version else None) == used, free)
        self._compared = [version for version in self._compared if version is None or version in known]
        self.hint.setVisible(not state.checkpoints and not self._actions.round.running)
        self.running.setVisible(not state.checkpoints and self._actions.round.running)
        kept = len(state.checkpoints)
        self.note.set_text("" if not kept else tr("1 version") if kept == 1 else tr("{n} versions", n=kept))
        self._mark()
        self._show_images()

    def _keep_names(self) -> None:
        """Save a name that is being written on a card that is about to show another version."""
        ids = [*(version.id for version in reversed(self._actions.state.checkpoints)), None]
        for place, card in enumerate(self.cards):
            if card.edit.isVisible() and _id(card) not in ids[place : place + 1]:
                card.edit.keep()

    def _add_card(self) -> None:
        card = VersionCard()
        card.pressed.connect(partial(self._choose, card))
        card.restore.clicked.connect(lambda: self._actions.restore(_id(card)))
        card.rename.clicked.connect(partial(self.rename, card))
        card.branch.clicked.connect(partial(self.branch, card))
        card.delete.clicked.connect(partial(self.delete, card))
        card.compare.clicked.connect(partial(self.compare, card))
        card.edit.kept.connect(partial(self._named, card))
        card.edit.left.connect(partial(self.setFocus, Qt.FocusReason.OtherFocusReason))
        tell_all_keys(card, cast(Shell, self.window()).commands.__getitem__)
        self._list.insertWidget(len(self.cards), card)
        self.cards.append(card)

    def _mark(self) -> None:
        chosen = self._place()
        for place, card in enumerate(self.cards):
            card.mark(place == chosen)

    def _show_images(self, _: object = None) -> None:
        if not self.isVisible():
            return
        for card in self.cards:
            card.show_images(self._actions.version_images(_id(card)), self._actions.state.pixel_art)
        self._show_comparison()

    def _show_comparison(self) -> None:
        for card in self.cards:
            card.compare.setChecked(_id(card) in self._compared)
        order = [_id(card) for card in reversed(self.cards)]
        pair = sorted(self._compared, key=order.index)
        self.comparison.setVisible(len(pair) == 2)
        if len(pair) == 2:
            names = {_id(card): version_name(card.version) for card in self.cards}
            before, after = (self._actions.version_images(version) for version in pair)
            self.comparison.show_strip(StripImages(before, after, names[pair[0]], names[pair[1]]))
            self.comparison.before_label.setText(names[pair[0]])
            self.comparison.now_label.setText(names[pair[1]])
            self.comparison.show_scaling(self._actions.state.pixel_art)


def _id(card: VersionCard) -> int | None:
    return card.version.id if card.version is not None else None


class TimelinePanel(QWidget):
    """The side panel of the Timeline view: the version in use, and how to go back."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("In use")))
        self.rows = Rows()
        self.rows.setToolTip(
            tr(
                "Like rate: how many of its images you would like, by what is known of your taste. "
                "Hash: of the generator's weights; it is the same wherever the same generator is used."
            )
        )
        column.addWidget(self.rows)
        column.addSpacing(12)
        column.addWidget(section(tr("What is measured")))
        for line in what_is_measured().splitlines():
            column.addWidget(quiet_note(line))
        column.addSpacing(12)
        column.addWidget(section(tr("Going back")))
        column.addWidget(
            quiet_note(
                tr(
                    "Restore any version. Nothing is deleted: later rounds stay here, and every rating is kept."
                )
            )
        )
        column.addSpacing(12)
        column.addWidget(section(tr("Keys")))
        column.addWidget(
            KeyLegend(
                tr(
                    "Up, Down choose · {timeline.restore} restores\n"
                    "{timeline.compare} compares two · {timeline.rename} name · {timeline.branch} branch\n"
                    "{timeline.delete} delete · {undo} undo"
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
        self.rows.set_line("name", tr("Version"), version_name(used))
        self.rows.set_line(
            "rate", tr("Like rate, predicted"), "–" if rate is None else f"{round(100 * rate)} %"
        )
        self.rows.set_line("base", tr("Generator"), self._actions.model_name)
        self.rows.set_line("hash", tr("Hash"), state.generator.hash or "–")
