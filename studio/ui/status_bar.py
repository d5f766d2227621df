"""The status bar: the worker's task and device, and the number of ratings saved."""

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind, changed
from studio.model.rounds import course, reading_words, time_left
from studio.model.state import Message
from studio.model.training_access import training_of
from studio.theme.theme import current
from studio.theme.tokens import STATUS_BAR
from studio.ui.parts import ElidedLabel, button, named, set_role, tell_keys, text_label

_SHOWN_MS = 6000


def task_words(task: str) -> str:
    """Return the worker's task in words."""
    words = {
        "": tr("Ready"),
        "starting": tr("Starting the worker"),
        "loading": tr("Loading the generator"),
        "proposing": tr("Drawing a grid"),
        "learning": tr("Learning"),
        "predicting": tr("Learning"),
        "drawing": tr("Drawing"),
        "teaching": tr("Teaching"),
        "paused": tr("Paused"),
        "restoring": tr("Restoring"),
        "exporting": tr("Exporting"),
        "failed": tr("The worker could not start"),
    }
    return words.get(task, task.capitalize())


class Dot(QWidget):
    """A dot of 8 px: green if the worker waits, amber if it works, red if it failed; the text beside it says the same."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(8, 8)
        self._task = ""

    def show_task(self, task: str) -> None:
        self._task = task
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        colour = tokens.bad if self._task == "failed" else tokens.accent if self._task else tokens.good
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QRectF(self.rect()))


class StatusBar(QFrame):
    """Shows task, device, ratings saved and the last message, and at the right seed and image size."""

    def __init__(self, actions: Actions, start_again: QAction, locate: QAction) -> None:
        super().__init__()
        self._actions, self._training = actions, training_of(actions)
        self.setObjectName("statusbar")
        self.setFixedHeight(STATUS_BAR)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        self._dot = Dot()
        self.task, self.device, self.saved = text_label(), text_label("", "quiet"), text_label("", "quiet")
        self.message, self.seed = ElidedLabel(), text_label("", "quiet")
        row.addWidget(self._dot)
        row.addWidget(self.task)
        self.again, self.locate = button(start_again.text(), ""), button(tr("Locate…"), "")
        for control, action in ((self.again, start_again), (self.locate, locate)):
            set_role(control, "slim")
            control.clicked.connect(action.trigger)
            tell_keys(control, action)
            row.addWidget(control)
        for label in (self.device, self.saved, self.message):
            row.addSpacing(10)
            row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.seed)
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.setInterval(_SHOWN_MS)
        self._fade.timeout.connect(lambda: self.message.set_text(""))
        state = actions.state
        bind(state, "task", self._show_task)
        bind(state, "reading", self._show_task)
        bind(state, "device", self._show_device)
        bind(state, "counts", self._show_saved)
        bind(state, "generator", self._show_seed)
        bind(state, "seed", self._show_seed)
        bind(state, "message", self._show_message)
        bind(actions.round, "progress", self._show_device)
        bind(actions.round, "progress", self._show_task)
        bind(actions.round, "running", self._show_device)
        for name in ("running", "paused", "stopping"):
            bind(actions.round, name, self._show_task)
        for name in ("phase", "progress"):
            changed(self._training, name).connect(self._show_task)

    def _show_task(self, _: object) -> None:
        task = self._actions.state.task
        round_ = self._actions.round
        if round_.running and not task:
            task = "teaching"  # the worker has not reported it yet
        if task == "teaching" and round_.paused:
            task = "paused"
        training = self._training.busy  # in a separate process, while the worker stays ready
        self._dot.show_task(task or ("training" if training else ""))
        words = task_words(task)
        if task == "teaching" and round_.stopping:
            words = f"{words} · {tr('stopping after this step')}"
        elif task == "teaching" and round_.running and round_.progress is not None:
            words = f"{words} · {course(round_.progress)} · {time_left(round_.progress.seconds_left)}"
        elif task in ("learning", "drawing") and (left := self._actions.state.reading) is not None:
            words = f"{words} · {reading_words(left)}"
        if training:
            done = self._training.progress.fraction if self._training.progress else 0.0
            words += " · " + tr("training {share} %", share=round(100 * done))
        self.task.setText(words)
        self.again.setVisible(task == "failed")
        self.locate.setVisible(task == "failed" and self._actions.missing is not None)
        named(self.task, tr("Worker: {state}", state=words), tr("What the worker process is doing"))

    def _show_device(self, _: object) -> None:
        text, progress = self._actions.state.device, self._actions.round.progress
        if progress is not None and self._actions.round.running and (speed := progress.images_per_second) >= 0.05:
            text += f" · {tr('{n} images/s', n=round(speed) if speed >= 10.0 else f'{speed:.1f}')}"
        self.device.setText(text)
        self.device.setVisible(bool(text))
        named(self.device, tr("Device: {device}", device=text), tr("What the generator runs on"))

    def _show_saved(self, _: object) -> None:
        count = self._actions.state.counts.rated
        text = tr("1 rating saved") if count == 1 else tr("{n} ratings saved", n=whole(count))
        self.saved.setText(text)
        named(self.saved, text, tr("Each rating is on disk before anything learns from it"))

    def _show_seed(self, _: object) -> None:
        state = self._actions.state
        text = tr("seed {n}", n=state.seed)
        if state.generator.resolution:
            text += f" · {state.generator.resolution} px"
        self.seed.setText(text)
        named(self.seed, text, tr("The project's seed and the size of its images"))

    def _show_message(self, message: Message | None) -> None:
        self._fade.stop()
        self.message.set_text(message.text if message else "")
        if message is None:
            return
        set_role(self.message, "bad" if message.kind == "bad" else "")
        if message.kind != "bad":
            self._fade.start()
