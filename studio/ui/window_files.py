"""What the window does with files and the clipboard: projects, dropped folders, copied images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QInputDialog, QMenu, QMessageBox

from studio.i18n import tr
from studio.model.training_access import training_of
from studio.project import recent
from studio.project.store import is_project
from studio.ui import views
from studio.ui.leaving import leave
from studio.ui.parts import message_box, set_role
from studio.ui.shell import Shell

BUNDLE_FILES = ("config.json", "model.safetensors")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a bundle."""
    return all((folder / name).is_file() for name in BUNDLE_FILES)


def holds_pictures(folder: Path) -> bool:
    """Whether a folder has a picture in it, or in a subfolder among its first 50 entries."""
    if not folder.is_dir():
        return False
    return any(
        file.suffix.lower() in _PICTURES
        for place in (folder, *(inner for inner in _listed(folder)[:50] if inner.is_dir()))
        for file in _listed(place)
    )


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not readable, for example
        return []


def dropped_path(data: QMimeData) -> Path | None:
    """Return the dragged file or folder if it is a single local one, otherwise None."""
    urls = data.urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None


class WindowFiles(QObject):
    """Opens projects, handles drops on the window, and copies images to the clipboard."""

    def __init__(self, window: Shell) -> None:
        super().__init__(window)
        self._window = window

    # -- projects ------------------------------------------------------------------------------------------------

    def new_project(self, model: str) -> None:
        """Request a new project on a bundled generator."""
        self._go_to(None, model)

    def rename_project(self) -> None:
        """Ask for another name for the project, unless something is running that would have to stop."""
        actions = self._window.actions_
        if actions.round.running or actions.exports.running or training_of(actions).busy:
            actions.say(tr("Wait until what runs has ended"))
            return
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(tr("Rename project"))
        dialog.setLabelText(tr("Name of the project and of its folder"))
        dialog.setTextValue(actions.state.project_name)
        dialog.setOkButtonText(tr("Rename"))
        for box in dialog.findChildren(QDialogButtonBox):
            set_role(box.button(QDialogButtonBox.StandardButton.Ok), "primary")
        dialog.resize(360, dialog.sizeHint().height())
        dialog.textValueSelected.connect(self._rename)
        self._window.open_dialog(dialog)

    def _rename(self, name: str) -> None:
        if name.strip() and name.strip() != self._window.actions_.state.project_name:
            self._window.rename_wanted.emit(name)

    def choose_project(self) -> None:
        """Ask which project to open."""
        start = str(self._window.actions_.project.folder.parent)
        picked = QFileDialog.getExistingDirectory(self._window, tr("Open a project"), start)
        if picked and not self._open_folder(Path(picked)):
            self._window.complain(tr("{folder} is not a Tastemaker project.", folder=picked))

    def show_recent(self) -> None:
        """Open a menu of the recent projects."""
        menu = self.recent_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        below = self._window.top_bar.project  # the name of the current project
        menu.popup(below.mapToGlobal(below.rect().bottomLeft()))
        first = next((action for action in menu.actions() if action.isEnabled()), None)
        if first is not None:
            menu.setActiveAction(first)  # Enter opens it

    def recent_menu(self) -> QMenu:
        """Return a menu of the recent projects without the current one."""
        menu = QMenu(tr("Recent projects"), self._window)
        here = self._window.actions_.project.folder
        for folder in recent.recent_projects():
            if folder == here:
                continue
            action = menu.addAction(folder.name)
            action.setToolTip(str(folder))
            action.triggered.connect(lambda _=False, folder=folder: self._go_to(folder))
        if menu.isEmpty():
            menu.addAction(tr("No other project yet")).setEnabled(False)
        menu.setToolTipsVisible(True)
        return menu

    def locate_generator(self) -> None:
        """Ask where the project's generator is now, after its folder was moved."""
        actions, window = self._window.actions_, self._window
        missing = actions.missing
        if missing is None:
            return
        near = next((folder for folder in missing.parents if folder.is_dir()), missing.parent)
        picked = QFileDialog.getExistingDirectory(window, tr("Where is the generator “{name}” now?", name=missing.name), str(near))
        if not picked:
            return
        # Who picks the folder around it means the one of the same name inside.
        folder = next((one for one in (Path(picked), Path(picked) / missing.name) if is_bundle(one)), None)
        if folder is None:
            window.complain(tr("There is no generator in {folder}.", folder=picked))
        elif actions.known_again():
            actions.locate(folder)
        else:
            box = message_box(
                tr("This project does not know its generator well enough to tell whether it is the one in {folder}. Is it?", folder=folder),
                parent=window,
            )
            cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
            box.addButton(tr("Use it"), QMessageBox.ButtonRole.AcceptRole)
            box.setDefaultButton(cancel)
            box.setEscapeButton(cancel)
            box.accepted.connect(partial(actions.locate, folder))
            window.open_dialog(box)

    def _go_to(self, folder: Path | None, model: Path | str | None = None) -> None:
        leave(self._window, lambda: self._window.project_wanted.emit(folder, model))

    def _open_folder(self, folder: Path) -> bool:
        if is_project(folder):
            if folder.resolve() == self._window.actions_.project.folder.resolve():
                self._window.actions_.say(tr("This project is open already"))
            else:
                self._go_to(folder)
        elif is_bundle(folder):
            self._go_to(None, folder)
        else:
            return False
        return True

    # -- what is dropped in --------------------------------------------------------------------------------------

    def can_take(self, data: QMimeData) -> bool:
        """Whether a drop may be accepted: a single local file or folder."""
        return dropped_path(data) is not None

    def take(self, data: QMimeData) -> bool:
        """Open the project, generator or pictures that were dropped. Returns False for anything else, after a message."""
        path = dropped_path(data)
        if path is None:
            return False
        if self._open_folder(path) or any(taker(path) for taker in self._window.takers):
            return True
        self._window.complain(
            tr("{name} is neither a project, nor a generator, nor a folder of pictures.", name=path.name)
        )
        return False

    # -- images out ----------------------------------------------------------------------------------------------

    def image_at_hand(self) -> QImage | None:
        """Return the image to copy: the selected one of the current view."""
        view = self._window.page(self._window.view) if self._window.view else None
        if isinstance(view, views.ImageView):
            return view.image_at_hand()
        actions = self._window.actions_
        cell = actions.grid.cell(actions.state.row) if self._window.view == "rate" else None
        return cell.pixels if cell else None

    def copy_image(self) -> None:
        """Put the selected image on the clipboard."""
        image = self.image_at_hand()
        if image is None:
            return
        QGuiApplication.clipboard().setImage(image)
        for chosen in self._window.actions_.state.selected[:1]:
            self._window.actions_.note_in_passing("copy", chosen)
        self._window.actions_.say(tr("Image copied"))
