"""The side panel of the Taste view: how sure the model is, and the weights of the reward."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model import settings
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.model.scorers import SCORER, installed
from studio.model.state import FEWEST_RATINGS, PLAIN, Generator, Weights
from studio.model.taste import Learnt, presets
from studio.ui import terms
from studio.ui.dials import Dial
from studio.ui.parts import Meter, named, quiet_note, section
from studio.ui.rate_panel import lacking
from studio.ui.taste_view import taste_of
from studio.worker.messages import Taste

TERMS = ("taste", "realism", "typicality", "novelty")


def confidence_words(confidence: float) -> str:
    """Return how sure the taste model is of unrated images, in words."""
    if confidence >= 0.65:
        return tr("It is fairly sure of most images.")
    if confidence >= 0.4:
        return tr("It is sure of some images and unsure of others.")
    return tr("It is still guessing about most images.")


def guessing_words(taste: Taste | None) -> str:
    """Return how well the model tells liked images from others before they are rated, in words."""
    if taste is None or taste.auc is None:
        return tr("How well it tells what you like from what you do not shows after some guesses.")
    words = tr(
        "Of one image you then liked and one you did not, it picked the right one {share} % of the time.",
        share=round(100 * taste.auc),
    ).replace(" %", "\N{NO-BREAK SPACE}%")  # keeps number and sign on one line
    if taste.changed:
        words += " " + tr("Your taste has changed since you began; it follows the newer ratings.")
    return words


def steadiness_words(taste: Taste | None) -> str:
    """Return how well ratings agree with earlier ones of the same images, in words."""
    if taste is None or taste.consistency is None:
        return tr("How steady you are shows once some images have come up again.")
    r = taste.consistency
    how = (
        tr("very steadily")
        if r >= 0.85
        else tr("fairly steadily")
        if r >= 0.6
        else tr("rather differently each time")
    )
    return tr(
        "You rate the same image {how}: r = {r} over {n} repeats.", how=how, r=f"{r:.2f}".replace("-", "−"), n=taste.repeats
    )


def passing_words(taste: Taste | None) -> str:
    """Return what is learnt from implicit signals and tags, in words."""
    if not settings.value("implicit"):
        return tr("It learns from ratings alone, as chosen in Settings.")
    said = signs_words(taste)
    if taste is not None and taste.tags_weight:
        said += " " + tr("Your tags hint at what you like, too, and count a little.")
    return said


def signs_words(taste: Taste | None) -> str:
    """Return what is learnt from looking at images, enlarging and saving them, in words."""
    if taste is None or taste.signs_auc is None:
        return tr(
            "What you enlarge, save or look at for long does not count yet: too little is known of what it means."
        )
    if not taste.signs_weight:
        return tr(
            "What you enlarge, save or look at for long tells too little to count (AUC {auc}; chance is 0.50).",
            auc=f"{taste.signs_auc:.2f}",
        )
    return tr(
        "What you enlarge, save or look at for long hints at what you like (AUC {auc}; chance is 0.50) and counts a little.",
        auc=f"{taste.signs_auc:.2f}",
    )


class TastePanel(QWidget):
    """Shows the confidence, and presets and sliders of the reward's weights."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("How sure it is")))
        self.meter, self.sure = Meter(), quiet_note()
        column.addWidget(self.meter)
        column.addWidget(self.sure)
        column.addSpacing(12)
        column.addWidget(section(tr("How well you can be known")))
        self.guessing, self.steadiness, self.passing = quiet_note(), quiet_note(), quiet_note()
        for note in (self.guessing, self.steadiness, self.passing):
            column.addWidget(note)
        column.addSpacing(12)
        column.addWidget(section(tr("What a round is rewarded for")))
        chips = QGridLayout()
        chips.setSpacing(8)
        self.presets: dict[str, QPushButton] = {}
        for place, preset in enumerate(presets()):
            chip = QPushButton(preset.name)
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            named(chip, preset.name, preset.tip)
            chip.clicked.connect(lambda _=False, weights=preset.weights: actions.set_weights(**weights))
            self.presets[preset.key] = chip
            chips.addWidget(chip, place // 2, place % 2)
        column.addLayout(chips)
        column.addSpacing(4)
        self.dials: dict[str, Dial] = {}
        for term in TERMS:
            self._add(column, term, 0, 100 if term != "typicality" else 0)
        column.addSpacing(12)
        column.addWidget(section(tr("And for plain measures")))
        for term in (*PLAIN, *(f"{SCORER}{name}" for name in installed())):
            self._add(column, term, -200, 0)
        column.addWidget(
            quiet_note(tr("The next round uses these. Nothing changes until you teach. A double click resets one."))
        )
        column.addStretch(1)
        bind(actions.state, "weights", self._show_weights)
        bind(actions.state, "generator", self._show_generator)
        bind(taste_of(actions), "learnt", self._show_learnt)
        bind(actions.state, "taste", self._show_taste)
        for name in ("counts", "task"):
            bind(actions.state, name, self._show_count)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_taste(self._actions.state.taste)  # the settings may have changed

    def _add(self, column: QVBoxLayout, term: str, least: int, usual: int) -> None:
        dial = self.dials[term] = Dial(terms.name(term), terms.tip(term), least, 200, usual)
        dial.slider.valueChanged.connect(partial(self._turn, term))
        column.addWidget(dial)

    def _turn(self, term: str, value: int) -> None:
        self._actions.set_weight(term, value / 100)

    def _show_generator(self, _: Generator) -> None:
        self._show_weights(self._actions.state.weights)

    def _show_weights(self, weights: Weights) -> None:
        for term, dial in self.dials.items():
            value = weights.factor(term)
            dial.set_weight(value, lacking(self._actions, term))
            dial.slider.blockSignals(True)
            dial.slider.setValue(round(100 * value))
            dial.slider.blockSignals(False)
        for preset in presets():
            self.presets[preset.key].setChecked(
                all(abs(getattr(weights, term) - preset.weights[term]) < 0.005 for term in TERMS)
            )

    def _show_taste(self, taste: Taste | None) -> None:
        self.guessing.setText(guessing_words(taste))
        self.steadiness.setText(steadiness_words(taste))
        self.passing.setText(passing_words(taste))

    def _show_count(self, _: object) -> None:
        self._show_learnt(taste_of(self._actions).learnt)

    def _show_learnt(self, learnt: Learnt | None) -> None:
        confidence = learnt.confidence if learnt else 0.0
        self.meter.set_share(confidence if learnt else None, confidence >= 0.4)
        if learnt:
            words = confidence_words(confidence)
        elif self._actions.state.counts.rated >= FEWEST_RATINGS:
            words = unless_failed(self._actions.state, tr("Looking at what it has learnt…"))
        else:
            words = tr("Nothing yet. Rate a few images and it starts to guess.")
        self.sure.setText(words)
        named(
            self.meter,
            tr("Confidence: {share} %", share=round(100 * confidence)),
            tr("How much of its doubt about unrated images is gone"),
        )
