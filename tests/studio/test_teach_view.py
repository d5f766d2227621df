"""The Teach view: a round as it runs, stops, is kept or reverted."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from window_support import Hands

from studio.model.rounds import time_left
from studio.model.scaling import scaled
from studio.model.state import FEWEST_RATINGS, Message
from studio.ui.charts import Curve, smooth, thinned, value_range
from studio.ui.strip import Strip
from studio.ui.teach_view import TeachPanel, TeachView
from studio.ui.timeline_view import TimelineView
from studio.ui.toasts import Toasts
from studio.worker import messages as m

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def taught(hands: Hands) -> Hands:
    """A studio with enough ratings, in whose first round nothing happened yet."""
    hands.rate_enough()
    hands.key(K.Key_T)
    return hands


def view(hands: Hands) -> TeachView:
    found = hands.window.page("teach")
    assert isinstance(found, TeachView)
    return found


def panel(hands: Hands) -> TeachPanel:
    found: QWidget = hands.window.panels.currentWidget()
    assert isinstance(found, TeachPanel)
    return found


def test_too_few_ratings_are_explained_in_one_line(hands: Hands) -> None:
    hands.actions.rate("stars", 4, 0)
    hands.press(hands.window.top_bar.teach)
    assert not hands.worker.named("teach")
    assert hands.window.view == "rate"
    assert hands.window.status.message.full_text() == f"Rate {FEWEST_RATINGS - 1} more images to teach"
    for row in range(1, FEWEST_RATINGS - 1):
        hands.actions.rate("stars", 3, row)
    hands.key(K.Key_T)
    assert hands.window.status.message.full_text() == "Rate 1 more image to teach"
    hands.actions.rate("like", row=FEWEST_RATINGS)
    hands.key(K.Key_T)
    assert hands.worker.named("teach")


def test_realism_is_said_to_be_off_without_a_discriminator(taught: Hands) -> None:
    """Imported generators often come without one: a curve at zero would say that realism is fine."""
    generator = taught.actions.state.generator
    assert generator.has_discriminator
    taught.worker.step(1)
    assert view(taught).charts["realism"].value.text() == "−0.04 SD"
    taught.actions.state.generator = replace(generator, has_discriminator=False)
    assert view(taught).charts["realism"].value.text() == "off: the generator has no discriminator"
    assert panel(taught).reward.value("realism") == "off: no discriminator"


def test_a_round_is_shown_as_it_runs(taught: Hands) -> None:
    assert taught.window.view == "teach"
    assert "starting" in view(taught).status.full_text()
    for step in range(1, 7):
        taught.worker.step(step, taste=0.1 * step)
    shown = view(taught)
    assert shown.status.full_text() == "Round 1 · step 6 of 24 · about 18 s left"
    assert (shown.progress.value(), shown.progress.maximum()) == (6, 24)
    words = {name: chart.value.text() for name, chart in shown.charts.items()}
    assert words == {
        "taste": "+0.60 SD",
        "realism": "−0.04 SD",
        "variety": "0.96 · limit 0.92",
        "distance": "3.1 of 6.0",
    }
    assert taught.actions.round.series["taste"] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert "images/s" in taught.window.status.device.text()
    assert panel(taught).guard.value("kl") == "3.1 · limit 6.0"
    assert panel(taught).rounds.value("0") == "20 ratings"


def test_a_round_with_nothing_to_gain_is_no_fault(taught: Hands) -> None:
    def said(key: str) -> tuple[str, str]:
        value = panel(taught).guard._lines[key][1]
        return value.full_text(), value.property("role")

    for step in range(1, 13):
        taught.worker.step(step, taste=1.5 - 0.02 * (step % 4), start=1.5)
    assert said("taste") == ("as at the start", "quiet")
    for step in range(13, 17):
        taught.worker.step(step, taste=1.7, start=1.5)
    assert said("taste") == ("higher than at the start", "good")
    for step in range(17, 21):
        taught.worker.step(step, taste=1.2, start=1.5)
    assert said("taste") == ("lower than at the start", "bad")


def test_what_a_round_gained_before_its_first_step_counts(taught: Hands) -> None:
    """A choice is fitted first: from then on it may stay where it is, far above where it began."""
    taught.worker.step(1, taste=0.9)
    assert panel(taught).guard.value("taste") == "higher than at the start"


def test_before_any_round_the_seeds_are_shown_once(hands: Hands) -> None:
    hands.window.show_view("teach")
    seeds = view(hands).seeds
    hands.worker.request_strip(())
    assert seeds.before.isVisible() and seeds.before_label.text() == "Now: untuned"
    assert not seeds.now.isVisible() and not seeds.now_label.isVisible()
    assert not any(chip.isVisible() for chip in seeds._chips.buttons())
    hands.rate_enough()
    hands.actions.teach()
    hands.worker.finish()
    assert seeds.now.isVisible() and all(chip.isVisible() for chip in seeds._chips.buttons())
    assert (seeds.before_label.text(), seeds.now_label.text()) == ("Before: untuned", "Now: round 1")


def test_after_a_restart_the_curves_go_from_round_to_round(hands: Hands, open_studio: Callable[[], Hands]) -> None:
    hands.rate_enough()
    for _ in range(2):
        hands.actions.teach()
        hands.worker.finish()
    hands.worker.request_strip(())
    hands.close()
    again = open_studio()
    again.window.show_view("teach")
    shown = view(again)
    assert shown.seeds.now.images and shown.seeds.now_label.text() == "Now: round 2", "the worker has not drawn them yet"
    again.first_grid()
    assert shown.charts["taste"].curve._values == [0.0, 0.9, 0.9] and shown.charts["taste"].value.text() == "+0.90 SD"
    assert shown.charts["distance"].curve._values == [0.0, 3.1, 3.1] and shown.charts["distance"].value.text() == "3.10"
    assert shown.charts["realism"].curve._values == []  # it was not measured
    assert "from the untuned generator to round 2" in shown.why.text() and shown.why.isVisible()
    again.actions.teach()
    assert shown.charts["taste"].curve._values == [] and not shown.why.isVisible()


def test_the_curves_from_round_to_round_grow_as_rounds_end(hands: Hands) -> None:
    hands.window.show_view("teach")
    shown = view(hands)
    hands.rate_enough()
    for number in (1, 2, 3):
        hands.actions.teach()
        for step in (1, 2, 3, 4, 5):
            hands.worker.step(step)
        assert len(shown.charts["taste"].curve._values) == 5 and "from round to round" not in shown.why.text()
        hands.worker.finish()
        if number == 1:  # the steps of the first tell more than its two ends
            assert len(shown.charts["taste"].curve._values) == 5
            continue
        assert shown.charts["taste"].curve._values == [0.0] + [0.9] * number
        assert shown.why.text().endswith("While a round runs, they follow its steps.") and "\n" in shown.why.text()


def test_too_early_for_a_round_is_said_calmly(taught: Hands) -> None:
    toasts = taught.window.findChild(Toasts)
    assert toasts is not None
    said = "No clear taste shows in the ratings yet: rate some more images, then teach again"
    taught.worker.not_taught.emit(said[:1].lower() + said[1:])
    assert not taught.actions.round.running and view(taught).why.text() == said
    assert taught.actions.state.message == Message(said, "plain") and toasts.shown is None
    taught.key(K.Key_T)
    taught.key(K.Key_G)
    taught.worker.not_taught.emit(said[:1].lower() + said[1:])
    assert toasts.shown is not None and not toasts.shown.property("bad")


def test_a_broken_limit_is_said_in_words_as_well(taught: Hands) -> None:
    inside = m.Progress(1, 24, 23.0, 1.0, 0.5, -0.04, 3.1, 6.0, 0.96, 0.92, 1.0, 171.0)
    taught.worker.progress.emit(inside)
    guard = panel(taught).guard
    assert (guard.value("variety"), guard.value("kl")) == ("0.96 · limit 0.92", "3.1 · limit 6.0")
    taught.worker.progress.emit(replace(inside, step=2, kl=6.3, diversity=0.81))
    assert (guard.value("variety"), guard.value("kl")) == ("0.81 · under 0.92", "6.3 · over 6.0")


def test_the_curves_are_painted_in_their_colour_and_dash(taught: Hands) -> None:
    for step in range(1, 13):
        taught.worker.step(step, taste=math.sqrt(step))
    for name, colour in (
        ("taste", "#f0b45a"),
        ("realism", "#6fb7e9"),
        ("variety", "#7fce8c"),
        ("distance", "#c9a0f0"),
    ):
        curve = view(taught).charts[name].curve
        image = curve.grab().toImage()
        names = [
            image.pixelColor(x, y).name() for x in range(0, image.width(), 1) for y in range(image.height())
        ]
        assert names.count(colour) > 40
    dashes = {chart.curve._dash for chart in view(taught).charts.values()}
    assert len(dashes) == 4


def test_pause_and_resume(taught: Hands) -> None:
    taught.worker.step(1)
    taught.press(view(taught).pause)
    assert view(taught).pause.text() == "Resume"
    assert "paused" in view(taught).status.full_text()
    assert taught.window.status.task.text() == "Paused"
    taught.key(K.Key_Space)
    assert [one[0] for one in taught.worker.asked if one[0] in ("pause", "resume")] == ["pause", "resume"]
    assert view(taught).pause.text() == "Pause"


def test_stop_and_keep(taught: Hands) -> None:
    taught.worker.step(1)
    taught.press(view(taught).keep)
    assert taught.worker.named("stop") == [("stop", True)]
    assert not view(taught).pause.isEnabled()
    taught.worker.finish(True, "Stopped after 1 step; taste rose.")
    assert "kept" in view(taught).status.full_text()
    assert taught.window.top_bar.chip.text() == "dreamscapes · round 1"
    assert panel(taught).rounds.value("0") == "like rate 46 %"


def test_revert_drops_the_round_that_runs(taught: Hands) -> None:
    taught.worker.step(2)
    taught.press(view(taught).revert)
    assert taught.worker.named("stop") == [("stop", False)]
    taught.worker.finish(False, "Stopped on request; nothing was changed.")
    assert taught.project.checkpoints() == ()
    assert panel(taught).rounds.value("0") == "Stopped on request; nothing was changed."
    assert taught.window.top_bar.chip.text() == "dreamscapes · untuned"
    assert not view(taught).revert.isEnabled()


def test_revert_after_a_round_goes_one_back_and_loses_nothing(taught: Hands) -> None:
    taught.worker.finish()
    taught.drawn()
    taught.press(taught.window.top_bar.teach)
    taught.worker.finish()
    taught.drawn()
    taught.key(K.Key_Backspace, CTRL)
    first, second = taught.project.checkpoints()
    assert taught.actions.state.checkpoint == first
    assert second.path.is_file()
    assert taught.project.counts().rated == 20


def test_the_timeline_restores_any_version(taught: Hands) -> None:
    taught.worker.finish()
    taught.drawn()
    taught.key(K.Key_3, CTRL)
    timeline = taught.window.page("timeline")
    assert isinstance(timeline, TimelineView)
    assert [card.restore.text() for card in timeline.cards] == ["In use", "Restore"]
    assert all(len(card.strip.images) == 8 for card in timeline.cards)
    taught.press(timeline.cards[-1].restore)
    taught.drawn()
    assert taught.actions.state.checkpoint is None
    assert [card.restore.text() for card in timeline.cards] == ["Restore", "In use"]
    taught.press(timeline.cards[0].restore)
    taught.drawn()
    assert taught.actions.state.checkpoint is not None
    assert not timeline.hint.isVisible()


def test_the_dials_reach_the_worker(hands: Hands) -> None:
    from studio.ui.rate_panel import RatePanel

    dials = hands.window.panels.currentWidget()
    assert isinstance(dials, RatePanel)
    dials.dials["realism"].slider.setValue(150)
    dials.dials["novelty"].slider.setValue(0)
    dials.dials["strength"].slider.setValue(200)
    dials.dials["taste"].slider.setValue(30)
    hands.qtbot.mouseDClick(dials.dials["taste"], Qt.MouseButton.LeftButton)
    hands.rate_enough()
    hands.key(K.Key_T)
    ((_, _, settings),) = hands.worker.named("teach")
    assert settings == m.RoundSettings(2.0, {"taste": 1.0, "realism": 1.5, "typicality": 0.0, "novelty": 0.0})


def test_a_worker_that_dies_in_a_round_leaves_the_ratings(taught: Hands) -> None:
    taught.worker.step(3)
    taught.worker.finish(False, "The worker crashed during the round; the generator is as it was before it.")
    taught.worker.restarted.emit(
        "The worker crashed (exit code -9) and was started again. Your ratings are safe."
    )
    assert "ratings are safe" in taught.window.status.message.full_text()
    assert not taught.actions.round.running
    assert taught.project.counts().rated == 20
    assert taught.actions.state.message.kind == "bad"
    taught.worker.be_ready()
    assert "ratings are safe" in taught.window.status.message.full_text()
    assert taught.actions.state.message.kind == "plain"  # it is over, so that it fades
    taught.drawn()
    taught.key(K.Key_T)
    assert len(taught.worker.named("teach")) == 2


def test_why_there_was_no_round_goes_as_soon_as_something_changes(taught: Hands) -> None:
    toasts = taught.window.findChild(Toasts)
    assert toasts is not None
    taught.worker.failed.emit("RunRound", "there are too few ratings to teach from", "")
    assert toasts.shown is None  # the view says it at its head
    taught.key(K.Key_T)
    taught.key(K.Key_G)
    taught.worker.failed.emit("RunRound", "there are too few ratings to teach from", "")
    assert toasts.shown is not None and toasts.shown.property("bad")
    taught.key(K.Key_4)
    assert toasts.shown is None or not toasts.shown.isVisible()


def test_after_a_round_the_next_grid_is_one_click_away(taught: Hands) -> None:
    assert not view(taught).next.isVisible()
    taught.worker.step(6)
    taught.worker.finish()
    assert not view(taught).more.isVisible()
    assert view(taught).next.isVisible() and "(G)" in view(taught).next.toolTip()
    taught.press(view(taught).next)
    assert taught.window.view == "rate" and taught.worker.grids == 2
    taught.drawn()
    taught.key(K.Key_T)
    assert not view(taught).next.isVisible()  # while the next one runs


def test_the_way_to_the_images_is_a_button_not_a_bar(hands: Hands) -> None:
    hands.window.show_view("teach")
    page = view(hands)
    assert page.more.isVisible() and not page.why.isVisible()
    assert page.more.width() < page.width() / 4


def test_where_more_must_be_rated_the_images_are_one_click_away(taught: Hands) -> None:
    assert not view(taught).more.isVisible()  # while a round runs
    taught.worker.failed.emit("RunRound", "no clear taste shows in the ratings yet", "")
    assert view(taught).more.isVisible() and not view(taught).next.isVisible()
    assert "(G)" in view(taught).more.toolTip()
    taught.press(view(taught).more)
    assert taught.window.view == "rate" and taught.worker.grids == 1  # the same images


def test_a_round_that_cannot_start_says_why(taught: Hands) -> None:
    taught.worker.failed.emit("RunRound", "there are too few ratings to teach from", "")
    assert not taught.actions.round.running
    said = "There are too few ratings to teach from"
    assert taught.window.status.message.full_text() == view(taught).why.text() == said
    assert view(taught).status.full_text() == "Round 1 was not taught"
    assert taught.window.top_bar.teach.isEnabled()
    taught.actions.rate("stars", 4, 22)
    assert taught.window.status.message.full_text() == "" and not view(taught).why.isVisible()
    assert view(taught).status.full_text().startswith("Ready to teach")
    taught.worker.failed.emit("RunRound", "the round could not be saved", "")
    taught.key(K.Key_T)
    assert taught.window.status.message.full_text() == "" and taught.actions.round.running


def test_what_comes_before_the_first_step_is_said_with_how_long_it_takes(taught: Hands) -> None:
    def read(images: int, elapsed: float, left: float) -> None:
        note = f"looking at what the generator draws: {images:,} of 9,216 images"
        nothing = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        taught.worker.progress.emit(m.Progress(0, 16, left, elapsed, *nothing, 120.0, note=note))

    read(2304, 20.0, 60.0)
    shown = view(taught)
    assert shown.status.full_text() == "Round 1 · getting ready · about 60 s left"
    assert shown.why.text() == (
        "Looking at what the generator draws: 2,304 of 9,216 images. Later rounds begin sooner. "
        "You can go on rating meanwhile."
    )
    assert shown.progress.value() / shown.progress.maximum() == pytest.approx(0.25)
    assert panel(taught).reward.value("total") == "–" and shown.charts["taste"].value.text() == ""
    read(4608, 30.0, 100.0)  # a slower machine than was thought
    assert "4,608" in shown.why.text() and shown.progress.value() == 250, "never back"
    taught.key(K.Key_G)
    assert taught.window.status.task.text() == "Teaching · getting ready · about 2 min left"
    taught.actions.rate("stars", 5, 3)
    assert taught.stars(3) == 5 and taught.actions.round.running
    taught.worker.step(6)
    assert taught.window.status.task.text() == "Teaching · step 6 of 24 · about 18 s left"
    assert (shown.progress.value(), shown.progress.maximum()) == (6, 24) and not shown.why.text()
    taught.worker.finish()
    assert taught.window.status.task.text() == "Ready"


def test_a_curve_without_values_says_what_it_will_show(theme: object, qtbot: object) -> None:
    def painted(hint: str, values: list[float]) -> QImage:
        curve = Curve("taste", Qt.PenStyle.SolidLine, 1.0, hint)
        curve.resize(300, 100)
        curve.show_values(values, 4, 0.0, None)
        return curve.grab().toImage()

    assert painted("Predicted taste", []) != painted("Realism", [])
    assert painted("Predicted taste", [0.0, 1.0]) == painted("", [0.0, 1.0])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "almost done"), (14.2, "about 14 s left"), (100, "about 2 min left")]
)
def test_time_left_is_said_as_people_do(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


def test_smoothing_starts_at_the_first_value_and_follows() -> None:
    assert smooth([]) == []
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    followed = smooth([0.0] + [1.0] * 30)
    assert followed == sorted(followed)
    assert followed[-1] == pytest.approx(1.0, abs=1e-4)


def test_more_values_than_pixels_keep_their_peaks_and_their_end() -> None:
    values = [0.0] * 10_000
    values[777], values[4321], values[-1] = 5.0, -3.0, 1.0
    found = thinned(values, 400)
    assert len(found) <= 401
    assert {(777, 5.0), (4321, -3.0), (9999, 1.0)} <= set(found)
    assert [place for place, _ in found] == sorted(place for place, _ in found)
    assert thinned(values[:400], 400) == list(enumerate(values[:400]))


def test_a_curve_is_painted_again_only_for_other_values(qtbot: QtBot) -> None:
    curve, painted = Curve("taste", Qt.PenStyle.SolidLine, 1.0), []
    qtbot.addWidget(curve)
    curve.resize(300, 100)
    curve.show()
    curve.update = lambda: painted.append(1)  # type: ignore[assignment, method-assign]
    curve.show_values([0.0, 1.0], 16, 0.0, None)
    curve.show_values([0.0, 1.0], 16, 0.0, None)
    assert len(painted) == 1
    curve.show_values([0.0, 1.0], 16, 0.0, 0.5)
    assert len(painted) == 2


def test_a_flat_curve_keeps_its_height() -> None:
    assert value_range([1.0, 1.0], 0.2) == pytest.approx((0.9, 1.1))
    assert value_range([-3.0, 5.0], 0.2) == (-3.0, 5.0)


def test_the_points_of_a_curve_run_from_edge_to_edge(theme: object, qtbot: object) -> None:
    curve = Curve("taste", Qt.PenStyle.SolidLine, 1.0)
    curve.resize(302, 112)
    curve.show_values([0.0, 1.0, 2.0, 4.0], 4, 0.0, None)
    points = curve.points([0.0, 1.0, 2.0, 4.0])
    xs = [points.at(i).x() for i in range(4)]
    assert xs[0] == 4.0 and 270 < xs[3] < 294, "what is left is for the value of the rule"
    assert [after - before for before, after in pairwise(xs)] == pytest.approx([(xs[3] - 4.0) / 3] * 3)
    assert points.at(3).y() == pytest.approx(6.0)
    assert points.at(0).y() == pytest.approx(106.0)


def test_rules_have_their_values_beside_them(theme: object, qtbot: object) -> None:
    def right_edge(baseline: float, limit: float | None) -> QImage:
        curve = Curve("taste", Qt.PenStyle.SolidLine, 1.0)
        curve.resize(302, 112)
        curve.show_values([1.0, 2.0], 2, baseline, limit)
        end = round(curve.points([1.0, 2.0]).at(1).x()) + 8
        return curve.grab(QRect(end, 0, 302 - end, 112)).toImage()

    plain, limited = right_edge(1.0, None), right_edge(1.0, 3.9)
    assert plain != limited and right_edge(3.0, None) != plain
    assert right_edge(1.0, 1.01) != limited, "one of two values that would cover each other"


def test_keys_scroll_a_page_that_does_not_fit(taught: Hands) -> None:
    taught.worker.finish()
    taught.drawn()
    taught.window.resize(1000, 500)
    shown = view(taught)
    taught.window.show_view("teach")
    assert taught.window.focusWidget() is shown.page
    bar = shown.page.verticalScrollBar()
    taught.qtbot.waitUntil(lambda: bar.maximum() > 0)
    taught.key(K.Key_End)
    assert bar.value() == bar.maximum()
    taught.key(K.Key_Home)
    assert bar.value() == 0


def test_a_strip_scales_each_image_once(
    qtbot: object, theme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counted(image: QImage, *how: object) -> QImage:
        made.append(image.cacheKey())
        return scaled(image, *how)

    monkeypatch.setattr("studio.ui.strip.scaled", counted)
    images = []
    for shade in range(4):
        image = QImage(16, 16, QImage.Format.Format_RGB32)
        image.fill(shade)
        images.append(image)
    strip = Strip(3)
    strip.resize(300, 100)
    strip.show_images(images[:3])
    strip.grab()
    strip.show_images([*images[1:3], images[3]])  # as while a round runs: some of them anew
    strip.grab()
    assert made == [image.cacheKey() for image in images]
    strip.resize(200, 100)
    strip.grab()
    assert len(made) == 7


def test_a_space_that_comes_late_reverts_nothing(taught: Hands) -> None:
    taught.worker.finish()
    taught.key(K.Key_T)
    assert taught.window.focusWidget() is view(taught).pause
    taught.worker.finish()
    asked = len(taught.worker.asked)
    taught.key(K.Key_Space)
    assert taught.window.focusWidget() is view(taught).page and view(taught).revert.isEnabled()
    assert not [one for one in taught.worker.asked[asked:] if one[0] == "restore"]
