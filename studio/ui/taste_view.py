"""The Taste view: the learnt taste in words and images, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.model.state import FEWEST_RATINGS
from studio.model.taste import Learnt, TasteState
from studio.theme.theme import current
from studio.theme.tokens import HEADER
from studio.ui.charts import Chart
from studio.ui.columns import scrolled
from studio.ui.parts import Card, ElidedLabel, named, quiet_note, section, text_label
from studio.ui.strip import Strip

_PLACES = 6


class Bar(QWidget):
    """A bar, 6 px high, that shows how strongly a word applies."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share
        self.setFixedHeight(6)
        self.setMinimumWidth(80)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.groove))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        painter.setBrush(QColor(tokens.taste))
        painter.drawRoundedRect(QRectF(0, 0, max(6.0, self.width() * self._share), 6), 3, 3)


class Words(Card):
    """The words of a taste, the strongest first."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 14, 16, 14)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self.sentence = ""

    def show_words(self, words: Sequence[tuple[str, float]], pending: bool = False) -> None:
        """Show words, each with its strength, in 0..1; `pending` : none are known yet because they are still being looked for."""
        for child in self.children():
            if isinstance(child, QWidget):
                self._grid.removeWidget(child)
                child.hide()
                child.deleteLater()
        self.sentence = tr(", ").join(tr(word) for word, _ in words)
        if pending:
            self._grid.addWidget(quiet_note(tr("Looking for words: some hundred images are being measured…")), 0, 0, 1, 3)
        elif not words:
            note = quiet_note(tr("No plain word for it yet: it may be about something these measures do not see."))
            self._grid.addWidget(note, 0, 0, 1, 3)
        for row, (word, strength) in enumerate(words):
            self._grid.addWidget(text_label(tr(word), "strong" if row == 0 else ""), row, 0)
            bar = Bar(strength)
            named(bar, tr(word), tr("How strongly what you like has this in common"))
            self._grid.addWidget(bar, row, 1, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(text_label(strength_words(strength), "quiet"), row, 2)
        named(self, tr("Your taste: {words}", words=self.sentence or tr("no words yet")), "")


def strength_words(strength: float) -> str:
    """Return a rank correlation in words."""
    if strength >= 0.6:
        return tr("clearly")
    return tr("mostly") if strength >= 0.35 else tr("a little")


class Ends(Card):
    """A row of images at one end of the taste, with their predicted stars."""

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self.strip, self.stars = Strip(_PLACES, 170), text_label("", "quiet")
        named(self.strip, title, tip)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(ElidedLabel(title, "title"), 1)  # elided, as the longest could make the page wider than a small window
        line.addWidget(self.stars)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 14)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.strip)


class TasteView(QWidget):
    """A page that requests its contents whenever it is shown."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.taste = taste_of(actions)
        self.said = ElidedLabel("", "quiet")
        self.words = Words()
        self.best = Ends(
            tr("It thinks you like these most"), tr("Of the untuned generator's images, its highest guesses")
        )
        self.worst = Ends(tr("and these least"), tr("Of the untuned generator's images, its lowest guesses"))
        self.dropped = Ends(
            tr("You might like these, but it hardly draws them any more"),
            tr("Of the untuned generator's images, its highest guesses among those unlike all that it draws now"),
        )
        self.left_out = section(tr("What teaching leaves out"))
        self.measuring = quiet_note(tr("Looking at what it still draws: some hundred images are being drawn…"))
        self.curve = Chart(
            tr("How often it guesses your choice"),
            tr("Of two images you had not rated yet, over time. Chance is 50 %."),
            "taste",
            Qt.PenStyle.SolidLine,
            0.2,
            lambda share: f"{round(100 * share)} %",
        )
        self.curve.setMinimumHeight(150)
        self.empty = text_label("", "hint")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self._body = QWidget()
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(0, 0, 8, 0)
        inner.setSpacing(12)
        inner.addWidget(section(tr("In words")))
        inner.addWidget(self.words)
        inner.addWidget(section(tr("In pictures")))
        inner.addWidget(self.best)
        inner.addWidget(self.worst)
        inner.addWidget(self.left_out)
        inner.addWidget(self.measuring)
        inner.addWidget(self.dropped)
        inner.addWidget(section(tr("Over time")))
        inner.addWidget(self.curve)
        inner.addStretch(1)
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Taste"), "title"))
        header.addWidget(self.said, 1)
        self.page = scrolled(self._body)
        self.page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self.page, tr("Taste"), "")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(header)
        column.addWidget(self.empty, 1)
        column.addWidget(self.page, 1)
        bind(self.taste, "learnt", self._show)
        bind(actions.state, "taste", self._say)
        for name in ("counts", "task"):
            bind(actions.state, name, self._say_why_empty)
        bind(actions.state, "pixel_art", self._scale)

    def focus_target(self) -> QWidget:
        return self.page

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.taste.watch(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.taste.watch(False)

    def _show(self, learnt: Learnt | None) -> None:
        self.empty.setVisible(learnt is None)
        self.page.setVisible(learnt is not None)
        if learnt is None:
            return
        self.words.show_words(learnt.words, "words" in learnt.pending)
        for end, images, stars in (
            (self.best, learnt.best, learnt.best_stars),
            (self.worst, learnt.worst, learnt.worst_stars),
        ):
            end.strip.show_images(images)
            end.stars.setText(tr("about {stars} stars", stars=f"{sum(stars) / max(1, len(stars)):.1f}"))
        self._show_kept(learnt)
        shares = [share for _, share in learnt.curve]
        self.curve.show_values(shares, max(2, len(shares)), 0.5)
        self.curve.set_words(
            tr("lately {share} %, after {n} guesses", share=round(100 * shares[-1]), n=learnt.curve[-1][0])
            if shares
            else ""
        )
        self._say(None)

    def _show_kept(self, learnt: Learnt) -> None:
        pending = "kept" in learnt.pending
        self.left_out.setVisible(learnt.kept is not None or pending)
        self.measuring.setVisible(pending)
        self.dropped.setVisible(learnt.kept is not None)
        if learnt.kept is None:
            return
        every, liked = (round(100 * share) for share in learnt.kept)
        self.dropped.strip.show_images(learnt.dropped)
        self.dropped.stars.setText(
            tr("still draws {liked} % of what you like, {every} % of all", liked=liked, every=every)
        )

    def _say_why_empty(self, _: object) -> None:
        if self._actions.state.counts.rated < FEWEST_RATINGS:
            text = tr("Nothing learnt yet. Rate a dozen images, and what they have in common shows here.")
        else:
            text = unless_failed(self._actions.state, tr("Looking at what it has learnt…"))
        self.empty.setText(text)
        self._say(None)

    def _say(self, _: object) -> None:
        taste = self._actions.state.taste
        known = taste is not None and taste.count > 0
        if not known and self._actions.state.counts.rated:
            self.said.set_text(unless_failed(self._actions.state, tr("It is reading your ratings…")))
        elif taste is None or not taste.count:
            self.said.set_text(tr("no ratings yet"))
        elif taste.accuracy is None:
            self.said.set_text(tr("learnt from {n} images", n=whole(taste.count)))
        else:
            words = tr(
                "learnt from {n} images · guesses {share} % of your choices",
                n=taste.count,
                share=round(100 * taste.accuracy),
            )
            self.said.set_text(words if taste.auc is None else f"{words} · AUC {taste.auc:.2f}")

    def _scale(self, pixel_art: bool) -> None:
        for end in (self.best, self.worst, self.dropped):
            end.strip.pixel_art = pixel_art
            end.strip.update()


def taste_of(actions: Actions) -> TasteState:
    """Return the one `TasteState` of a project, made on first use."""
    found = actions.findChild(TasteState)
    return found if found is not None else TasteState(actions, actions)
