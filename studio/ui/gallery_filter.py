"""The filters and the order of the gallery."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import version_name
from studio.project.opinions import MOST_LABELS, MOST_STARS
from studio.project.records import Checkpoint
from studio.project.search import UNTUNED, Query
from studio.ui.flow import Flow
from studio.ui.labels import LabelButton
from studio.ui.parts import button, named, stands_for

_REST_MS = 200  # delay after the last letter typed
_LEAVING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Down)


class SearchField(QLineEdit):
    """A search field from which Enter, Down and Escape lead back to the images; Escape clears it first."""

    left = Signal()

    def event(self, event: QEvent) -> bool:
        # The field handles these keys itself, although they are shortcuts of the view.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in _LEAVING
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in _LEAVING:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class GalleryFilter(Flow):
    """Emits `changed` with the query that the person composed, and `left` when they leave the search field."""

    changed = Signal(object)  # Query
    left = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__(8)
        self._actions = actions
        self.query = Query()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_REST_MS)
        self._typing.timeout.connect(self._typed)
        self.search = SearchField()
        self.search.setPlaceholderText(tr("Search titles, tags, notes"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(200)
        named(
            self.search,
            tr("Search"),
            tr("Words of titles, tags and notes, an image's number or its seed"),
        )
        stands_for(self.search, "gallery.find")
        self.search.textEdited.connect(self._typing.start)
        self.search.textChanged.connect(self._cleared)
        self.search.left.connect(self._leave)

        self.rating = _box(tr("Rating"), tr("Images with these stars"))
        self.rating.addItem(tr("Any rating"), (None, 0))
        self.rating.addItem(tr("Unrated"), (False, 0))
        self.rating.addItem(tr("Rated"), (True, 0))
        for stars in range(1, MOST_STARS + 1):
            words = "★" * stars if stars == MOST_STARS else tr("{stars} or more", stars="★" * stars)
            self.rating.addItem(words, (None, stars))
        self.flag = _box(tr("Mark"), tr("Liked or rejected images"))
        for name, flag in (
            (tr("Any mark"), None),
            (tr("Liked"), "like"),
            (tr("Rejected"), "reject"),
            (tr("No mark"), "none"),
        ):
            self.flag.addItem(name, flag)
        self.labels = [LabelButton(label) for label in range(1, MOST_LABELS + 1)]
        self.tag = _box(tr("Tag"), tr("Images with this tag"))
        self.version = _box(tr("Version"), tr("Images drawn by this version"))
        self.order = _box(tr("Order"), tr("Which images come first"))
        for name, order in (
            (tr("Newest first"), "newest"),
            (tr("Oldest first"), "oldest"),
            (tr("Most stars first"), "stars"),
            (tr("Best predicted first"), "predicted"),
            (tr("Rated last first"), "changed"),
        ):
            self.order.addItem(name, order)
        self.clear = button(tr("Show everything"), tr("Take every filter away"), "chip", "gallery.everything")
        self.clear.clicked.connect(self.show_everything)

        for box in (self.search, self.rating, self.flag):
            self.add(box)
        colours = QWidget()  # keeps the labels on one line
        together = QHBoxLayout(colours)
        together.setContentsMargins(0, 0, 0, 0)
        together.setSpacing(4)
        for made in self.labels:
            made.setToolTip(tr("Only images with a {label}", label=made.accessibleName().lower()))
            made.clicked.connect(self._choose)
            together.addWidget(made)
        self.add(colours)
        for box in (self.tag, self.version):
            self.add(box)
        self.add(self.clear)
        for choice in (self.rating, self.flag, self.tag, self.version, self.order):
            choice.activated.connect(self._choose)
        self.list_tags()
        bind(actions.state, "checkpoints", self._list_versions)
        self._show()

    def list_tags(self) -> None:
        """Offer the tags in use; a tag that no image has any more is removed from the query."""
        tags = self._actions.reader.tags()
        _fill(self.tag, [(tr("Any tag"), None), *((f"{tag} ({n})", tag) for tag, n in tags)])
        self._use_what_is_offered()

    def show_everything(self) -> None:
        """Clear all filters; the order stays."""
        self._use(Query(order=self.query.order))

    def show_query(self, query: Query) -> None:
        """Set the filters to a query that was composed elsewhere, such as for a tag."""
        self._use(query)
        self.list_tags()

    def _list_versions(self, checkpoints: tuple[Checkpoint, ...]) -> None:
        versions = [(version_name(c), c.id) for c in reversed(checkpoints)]
        _fill(self.version, [(tr("Any version"), None), *versions, (tr("Untuned"), UNTUNED)])
        self._use_what_is_offered()

    def _use_what_is_offered(self) -> None:
        """Remove from the query a tag that no image has any more, and a version that was deleted."""
        query = self.query
        if _index_of(self.tag, query.tag) < 0:
            query = replace(query, tag=None)
        if self.version.count() and _index_of(self.version, query.checkpoint) < 0:
            query = replace(query, checkpoint=None)
        self._use(query)

    def _leave(self) -> None:
        self._typing.stop()
        self._typed()
        self.left.emit()

    def _typed(self) -> None:
        if self.search.text() != self.query.text:
            self._use(replace(self.query, text=self.search.text()))

    def _cleared(self, text: str) -> None:
        if not text and self.query.text:
            self._typed()

    def _choose(self, *_: object) -> None:
        rated, stars = self.rating.currentData()
        chosen = Query(
            text=self.search.text(),
            stars=stars,
            rated=rated,
            flag=self.flag.currentData(),
            labels=tuple(made.label for made in self.labels if made.isChecked()),
            tag=self.tag.currentData(),
            checkpoint=self.version.currentData(),
            order=self.order.currentData(),
        )
        self._use(chosen)

    def _use(self, query: Query) -> None:
        changed, self.query = query != self.query, query
        self._show()
        if changed:
            self.changed.emit(query)

    def _show(self) -> None:
        query = self.query
        if self.search.text() != query.text:
            self.search.setText(query.text)
        for box, data in (
            (self.rating, (query.rated, query.stars)),
            (self.flag, query.flag),
            (self.tag, query.tag),
            (self.version, query.checkpoint),
            (self.order, query.order),
        ):
            box.setCurrentIndex(max(0, _index_of(box, data)))
        for made in self.labels:
            made.setChecked(made.label in query.labels)
        self.clear.setVisible(replace(query, order="newest") != Query())


def _box(name: str, tip: str) -> QComboBox:
    made = QComboBox()
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    named(made, name, tip)
    return made


def _fill(box: QComboBox, items: list[tuple[str, object]]) -> None:
    """Replace the items of a combo box and keep the current choice, if it is still there."""
    chosen = box.currentData()
    box.clear()
    for name, data in items:
        box.addItem(name, data)
    box.setCurrentIndex(max(0, _index_of(box, chosen)))


def _index_of(box: QComboBox, data: object) -> int:
    return next((row for row in range(box.count()) if box.itemData(row) == data), -1)
