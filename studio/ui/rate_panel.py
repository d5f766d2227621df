"""The side panel of the Rate view: what is known of the taste, the selected image, weights of the reward, and keys."""

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.i18n import signed, tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.model.rounds import reading_words
from studio.model.state import USEFUL_RATINGS, Generator, Weights
from studio.ui import terms
from studio.ui.dials import Dial
from studio.ui.parts import KeyLegend, Meter, Rows, named, quiet_note, section, text_label
from studio.ui.tags_editor import TagsEditor
from studio.worker.messages import Prediction, Taste


def known(value: float | None, digits: int = 1) -> str:
    """Return a term of the reward as text; a dash if it was not measured."""
    return "–" if value is None else signed(value, digits)


def lacking(actions: Actions, term: str) -> str:
    """Return a note if the generator lacks something that a term of the reward needs; otherwise ""."""
    without = term == "realism" and not actions.state.generator.has_discriminator
    return tr("off: no discriminator") if without else ""


class RatePanel(QWidget):
    """The side panel of the Rate view."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)

        column.addWidget(section(tr("What it knows")))
        line = QHBoxLayout()
        self.share = text_label("", "strong")
        line.addWidget(text_label(tr("Guesses your choice")))
        line.addStretch(1)
        line.addWidget(self.share)
        column.addLayout(line)
        self.meter = Meter()
        column.addWidget(self.meter)
        self.honest = quiet_note()
        column.addWidget(self.honest)
        column.addSpacing(12)

        column.addWidget(section(tr("This image")))
        self.rows = Rows()
        column.addWidget(self.rows)
        column.addSpacing(4)
        self.marks = TagsEditor(actions)
        column.addWidget(self.marks)
        column.addSpacing(12)

        column.addWidget(section(tr("Reward")))
        self.dials: dict[str, Dial] = {}
        for name in ("taste", "realism", "novelty", "strength"):
            title, tip = terms.names()[name]
            dial = Dial(title, tip, *((25, 300) if name == "strength" else (0, 200)), 100)
            dial.slider.valueChanged.connect(partial(self._turn, name))
            self.dials[name] = dial
            column.addWidget(dial)
        column.addSpacing(12)

        column.addWidget(section(tr("Keys")))
        column.addWidget(
            KeyLegend(
                tr(
                    "{stars1}–{stars5} stars · {clear} clear · {like} like · {reject} reject\n"
                    "arrows move · {undo} undo · {keys} all shortcuts"
                )
            )
        )
        column.addStretch(1)
        bind(actions.state, "taste", self._show_taste)
        for name in ("counts", "task"):
            bind(actions.state, name, self._show_counts)
        bind(actions.state, "guess", self._show_guess)
        bind(actions.state, "reading", self._show_counts)
        bind(actions.state, "weights", self._show_weights)
        bind(actions.state, "generator", self._show_generator)

    def _turn(self, name: str, value: int) -> None:
        self._actions.set_weights(**{name: value / 100})

    def _show_counts(self, _: object) -> None:
        self._show_taste(self._actions.state.taste)

    def _show_taste(self, taste: Taste | None) -> None:
        count = taste.count if taste else 0
        accuracy = taste.accuracy if taste else None
        useful = bool(taste and taste.trusted)
        self.share.setText("–" if accuracy is None else f"{round(100 * accuracy)} %")
        self.meter.set_share(accuracy, useful)
        # Counts images that were rated, compared or chosen among, so it can exceed the status bar's number of rated ones.
        after = (tr("after 1 image") if count == 1 else tr("after {n} images", n=whole(count))).capitalize()
        if count == 0 and self._actions.state.counts.rated:  # the first fit takes seconds
            left = self._actions.state.reading
            words = tr("It is reading your ratings…") if left is None else f"{tr('It is reading your ratings…')} {reading_words(left)}."
            words = unless_failed(self._actions.state, words)
        elif count == 0:
            words = tr("Nothing yet. Rate a few images and it starts to guess.")
        elif accuracy is None:
            words = tr("{after}: too few to say. Useful from about {n}.", after=after, n=USEFUL_RATINGS)
        elif count < USEFUL_RATINGS:
            words = tr("{after}. Useful from about {n}.", after=after, n=USEFUL_RATINGS)
        elif not useful:
            words = tr("{after}. Not better than chance so far.", after=after)
        else:
            words = f"{after}."
        self.honest.setText(words)
        named(
            self.meter,
            tr("Guesses your choice: {share}", share=self.share.text()),
            tr(
                "Of two images you had not rated yet, how often it guessed which you would prefer. Chance is 50 %."
            ),
        )

    def _show_guess(self, guess: Prediction | None) -> None:
        values: dict[str, float | None] = {}
        if guess is not None:
            own = {"taste": guess.taste, "realism": guess.realism, "novelty": guess.novelty, "reward": guess.reward}
            values = {**own, **guess.wishes}
        middle = ("taste", "realism", *self._actions.state.weights.wishes)
        if self.rows.keys() != ["stars", *middle, "reward", "novelty"]:
            self.rows.clear()
        stars = "–" if guess is None else f"★ {guess.stars:.1f} ± {guess.spread:.1f}"
        self.rows.set_line("stars", tr("Predicted"), stars, "", "")
        for name in middle:
            self.rows.set_line(name, terms.name(name), known(values.get(name)))
        self.rows.set_line("reward", tr("Reward"), known(values.get("reward")), "strong", "strong")
        self.rows.set_line("novelty", terms.name("novelty"), known(values.get("novelty")))  # within the grid
        self.rows.setToolTip(
            tr(
                "In standard deviations of the untuned generator's images. The reward weighs them: at 1 × realism counts a quarter of "
                "taste; novelty counts for all images of a round together, and is no part of this one's reward."
            )
        )

    def _show_generator(self, _: Generator) -> None:
        self._show_weights(self._actions.state.weights)

    def _show_weights(self, weights: Weights) -> None:
        self._show_guess(self._actions.state.guess)
        for name, dial in self.dials.items():
            value = getattr(weights, name)
            if name == "strength":
                words = tr("gentle") if value < 0.75 else tr("bold") if value > 1.5 else tr("balanced")
                dial.set_words(f"{words} · {value:.1f} ×")
            else:
                dial.set_weight(value, lacking(self._actions, name))
            dial.slider.blockSignals(True)
            dial.slider.setValue(round(100 * value))
            dial.slider.blockSignals(False)
