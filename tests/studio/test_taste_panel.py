"""Beside the Taste view: how well a person can be known, in words, and the switch for what is done in passing."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from scorer_package import install_into
from window_support import Hands

from studio.model import scorers, settings
from studio.model.state import PLAIN, Weights
from studio.ui.rate_panel import RatePanel
from studio.ui.taste_panel import TastePanel, guessing_words, passing_words, steadiness_words
from studio.ui.taste_view import TasteView
from studio.ui.teach_view import TeachPanel
from studio.worker import messages as m
from studio.worker.teaching import reward_weights
from studio.worker.teaching import turned as kept_dials

K, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def known(**facts: object) -> m.Taste:
    return m.Taste(60, 0.75, 48, True, **facts)  # type: ignore[arg-type]


def test_what_is_known_of_a_person_is_said_in_the_panel(hands: Hands) -> None:
    hands.rate_enough()
    taste = known(auc=0.82, repeats=14, consistency=0.91, changed=True, signs_auc=0.62, signs_weight=0.17)
    hands.worker.taste.emit(taste)
    hands.key(K.Key_4, CTRL)
    view, panel = hands.window.page("taste"), hands.window.findChild(TastePanel)
    assert isinstance(view, TasteView) and panel is not None
    assert "AUC 0.82" in view.said.full_text()
    assert "82\N{NO-BREAK SPACE}%" in panel.guessing.text() and "has changed" in panel.guessing.text()
    assert "very steadily" in panel.steadiness.text()
    assert "r = 0.91 over 14 repeats" in panel.steadiness.text()
    assert "AUC 0.62" in panel.passing.text() and "counts a little" in panel.passing.text()


def test_too_little_to_say_is_said_so() -> None:
    for words in (guessing_words, steadiness_words, passing_words):
        assert words(None) == words(known()) != ""
    assert "too little to count" in passing_words(known(signs_auc=0.51))
    assert "differently" in steadiness_words(known(repeats=9, consistency=0.3))
    assert "r = −0.42 over" in steadiness_words(known(repeats=9, consistency=-0.42))


def test_the_switch_reaches_the_worker_and_the_panel(hands: Hands) -> None:
    sent: list[object] = []
    hands.worker._send = sent.append  # type: ignore[method-assign]
    hands.key(K.Key_Comma, CTRL)
    row = hands.window.page("settings").rows["implicit"]
    hands.press(row.control)
    assert not settings.value("implicit")
    assert m.UseSignals(False) in sent
    hands.key(K.Key_4, CTRL)
    panel = hands.window.findChild(TastePanel)
    assert panel is not None and "ratings alone" in panel.passing.text()
    hands.key(K.Key_Comma, CTRL)
    hands.press(row.control)
    assert sent[-1] == m.UseSignals(True)


def test_a_term_without_its_discriminator_cannot_be_turned(hands: Hands) -> None:
    hands.key(K.Key_4, CTRL)
    dials = [
        hands.window.findChild(panel).dials["realism"].slider  # type: ignore[union-attr]
        for panel in (TastePanel, RatePanel)
    ]
    assert all(slider.isEnabled() for slider in dials)
    generator = hands.actions.state.generator
    hands.actions.state.generator = replace(generator, has_discriminator=False)
    for slider in dials:
        assert not slider.isEnabled() and "no discriminator" in slider.accessibleDescription()
    hands.actions.state.generator = generator
    assert all(slider.isEnabled() for slider in dials)


def test_what_is_wished_for_reaches_the_round_and_is_explained(hands: Hands) -> None:
    hands.rate_enough()
    rate = hands.window.findChild(RatePanel)
    hands.key(K.Key_4, CTRL)
    panel = hands.window.findChild(TastePanel)
    assert panel is not None and rate is not None
    assert "warmth" not in set(rate.rows.keys())
    warmth = panel.dials["warmth"]
    assert warmth.slider.accessibleDescription() == "off"
    hands.qtbot.mouseClick(warmth.slider, Qt.MouseButton.LeftButton, pos=QPoint(2, warmth.slider.height() // 2))
    assert hands.actions.state.weights.warmth < 0.0
    panel.dials["contrast"].slider.setValue(150)
    assert panel.dials["contrast"].slider.accessibleDescription() == "+1.5 ×"
    guess = m.Prediction(1, 3.5, 0.5, 1.2, -0.3, None, 1.0, wishes={"warmth": -0.4, "contrast": 0.8})
    hands.actions.state.guess = guess
    assert rate.rows.keys() == ["stars", "taste", "realism", "contrast", "warmth", "reward", "novelty"]
    assert rate.rows.value("contrast") == "+0.8" and rate.rows.value("warmth") == "−0.4"
    assert panel.presets["balanced"].isChecked()  # of what a preset weighs, nothing was turned
    hands.qtbot.mouseDClick(warmth.slider, Qt.MouseButton.LeftButton)
    assert hands.actions.state.weights.warmth == 0.0 and warmth.slider.value() == 0
    assert {"warmth", "contrast"} & set(rate.rows.keys()) == {"contrast"}
    hands.key(K.Key_T)
    ((_, _, asked),) = hands.worker.named("teach")
    assert asked.weights["contrast"] == 1.5 and "warmth" not in asked.weights
    teach = hands.window.findChild(TeachPanel)
    assert teach is not None
    assert teach.reward.keys() == ["taste", "realism", "typicality", "novelty", "contrast", "total"]
    assert teach.reward.value("contrast") == "+1.5 ×"


def test_a_scorer_that_is_installed_has_a_dial(hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(install_into(tmp_path / "installed")))
    scorers.installed.cache_clear()
    try:
        hands.rate_enough()
        hands.key(K.Key_4, CTRL)
        panel = hands.window.findChild(TastePanel)
        assert panel is not None
        dial = panel.dials["scorer:reddest"]
        assert dial.slider.accessibleName() == "reddest" and "scores high" in dial.slider.toolTip()
        dial.slider.setValue(-50)
        assert hands.actions.state.weights.outside == {"reddest": -0.5}
        hands.qtbot.waitUntil(lambda: (hands.project.meta("weights") or {}).get("outside") == {"reddest": -0.5})
        hands.key(K.Key_T)
        ((_, _, asked),) = hands.worker.named("teach")
        assert asked.weights["scorer:reddest"] == -0.5
        turned = reward_weights(asked)
        assert turned.outside == {"reddest": -0.25} and turned == reward_weights(kept_dials(hands.project.meta("weights")))
    finally:
        scorers.installed.cache_clear()


def test_a_scorer_that_is_gone_is_neither_shown_nor_asked(hands: Hands) -> None:
    hands.actions.state.weights = Weights(outside={"reddest": 1.0})
    hands.rate_enough()
    hands.key(K.Key_T)
    ((_, _, asked),) = hands.worker.named("teach")
    assert "scorer:reddest" not in asked.weights
    assert kept_dials({"outside": {"reddest": 1.0}}).weights == {}


def test_the_window_and_the_library_name_the_same_terms() -> None:
    from gan.rewards import PLAIN as known_terms
    from gan.rewards import RewardWeights
    from gan.rewards.outside import PREFIX

    assert PLAIN == known_terms and scorers.SCORER == PREFIX
    assert {*Weights().terms, *PLAIN, "outside"} <= set(vars(RewardWeights()))


def test_a_taste_that_is_being_read_is_not_called_empty(hands: Hands) -> None:
    hands.rate_enough()
    hands.key(K.Key_4, CTRL)
    view, panel = hands.window.page("taste"), hands.window.findChild(TastePanel)
    assert isinstance(view, TasteView) and panel is not None
    assert hands.actions.state.taste is None
    assert "reading your ratings" in view.said.full_text()
    assert "Rate a few" not in panel.sure.text()
