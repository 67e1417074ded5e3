"""Main window: puts the panels together and connects them; holds no study and no pixels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.commands import CommandTable
from app.session import Session
from app.ui import geometry, theme
from app.ui.actions import all_commands
from app.ui.asking import Asking
from app.ui.boxes_panel import BoxesPanel
from app.ui.content import Overlay
from app.ui.dialogs import Dialogs
from app.ui.display import Display
from app.ui.findings import FindingsPanel
from app.ui.kinetics_panel import KineticsPanel
from app.ui.layers_panel import LayersPanel
from app.ui.measurements_panel import MeasurementsPanel
from app.ui.menus import fill_menus
from app.ui.notice_bar import ErrorDialog, NoticeBar
from app.ui.palette import HelpSheet, Palette, command_keys, pane_keys, volume_keys
from app.ui.parts import focus_first
from app.ui.start_page import StartPage
from app.ui.status_line import StatusLine
from app.ui.study_browser import StudyBrowser
from app.ui.tool_bar import ToolBar, set_icons
from app.ui.volume_column import VolumeColumn
from app.ui.volume_panel import VolumePanel


class MainWindow(QMainWindow):
    """The window: tool bar, browser | images | panels, status line."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setWindowTitle("BreastLens")
        self.setAcceptDrops(True)
        self.setMinimumSize(1024, 600)
        self.dialogs = Dialogs(session, self)
        self.display = Display(session)
        self.browser = StudyBrowser(session)
        self.asking = Asking(self.display, lambda: self.tabs.setCurrentIndex(0))
        self.findings = FindingsPanel(self.display, self.asking)
        self.boxes = BoxesPanel(self.display)
        self.measurements = MeasurementsPanel(self.display)
        self.kinetics = KineticsPanel(self.display)
        self.volume = VolumePanel(self.display)
        self.status = StatusLine(session)
        self.notice_bar = NoticeBar()
        self.commands = CommandTable(session.notices, self)
        for command in all_commands(self):
            self.addAction(self.commands.add(command))
        self._lay_out()
        fill_menus(self)
        self._connect()
        geometry.restore(self, self.splitter)
        self.volume_column = VolumeColumn(self.splitter, self.volume)
        self._take_settings()
        self.commands.refresh()

    # -- assembly --------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        run = {
            name: lambda n=name: self.commands.dispatch(n)
            for name in ("file.open_folder", "file.open_files", "file.open_demo")
        }
        self.start_page = StartPage(self.session, run)
        self.centre = QStackedWidget()
        self.centre.addWidget(self.start_page)
        self.centre.addWidget(self.display)
        middle = _column(self.notice_bar, self.centre)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.setMinimumWidth(344)
        self.tabs.addTab(self.findings, "Findings")
        self.tabs.addTab(LayersPanel(self.display), "Layers")
        self.tabs.addTab(self.boxes, "Boxes")
        self.tabs.addTab(self.measurements, "Measure")
        self.tabs.addTab(self.kinetics, "Kinetics")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.browser, middle, self.volume, self.tabs):
            self.splitter.addWidget(widget)
        self.splitter.setHandleWidth(1)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([280, 1260, 0, 360])
        self.splitter.setChildrenCollapsible(False)
        self.tool_bar = ToolBar(self.commands, self.display)
        self.setCentralWidget(_column(self.tool_bar, self.splitter, self.status))

    def _connect(self) -> None:
        session, display = self.session, self.display
        for signal in (
            session.library.study_changed,
            session.annotations.changed,
            session.readings.changed,
            session.jobs.changed,
        ):
            signal.connect(self.commands.refresh)
        display.focus_changed.connect(self._focus_changed)
        session.library.changed.connect(self._focus_changed)  # the browser has filled its rows anew
        display.grid.tool_changed.connect(lambda _: self.commands.refresh())
        display.grid.cursor_moved.connect(self.status.show_reading)
        display.grid.action_requested.connect(self._act)
        display.in_use.others += [lambda: session.kinetics.pinned, lambda: self.volume.image_uids]
        display.add_overlays(self._kinetic_overlay, session.kinetics.changed)
        session.kinetics.changed.connect(self.commands.refresh)
        session.settings_changed.connect(self._take_settings)
        session.library.study_changed.connect(self._show_study)
        session.notices.posted.connect(self.notice_bar.post)
        session.notices.raised.connect(self._raise)
        session.notices.outdated.connect(self.notice_bar.outdate)
        session.library.turned.connect(lambda: session.notices.outdate("study"))
        session.images.changed.connect(self._ask_spacing)
        self.browser.stack_chosen.connect(self._show_stack)
        self.browser.study_chosen.connect(session.library.open_study)
        self.browser.dynamic_chosen.connect(lambda _uid: self.dialogs.phases())
        self.browser.skipped_chosen.connect(self.dialogs.skipped)
        self.start_page.recent_chosen.connect(lambda path, uid: session.open_paths([path], uid))

    def finish(self) -> None:
        """Do what can wait until the window is on screen."""
        set_icons(self.commands)
        self.session.readings.find_cards()

    # -- reactions -------------------------------------------------------------------------------------------------

    def _show_study(self) -> None:
        study = self.session.study
        self.centre.setCurrentWidget(self.display if study is not None else self.start_page)
        self.setWindowTitle("BreastLens" if study is None else f"{self.browser_title()} – BreastLens")
        if study is None:
            self.start_page.fill_recent()
            return
        self.focus_images()
        if any(not dynamic.times_known for dynamic in study.dynamics):
            self.session.notices.offer(
                "The times of the dynamic phases are not known.", "Enter times…", self.dialogs.phases, "study"
            )

    def browser_title(self) -> str:
        """Return patient and date of the study."""
        from app.ui.wording import day, person_name

        study = self.session.study
        return (
            ""
            if study is None
            else "  ".join(part for part in (person_name(study.patient_name), day(study.date)) if part)
        )

    def _take_settings(self) -> None:
        self.status.show_device()
        if self.session.settings.theme != theme.name():
            theme.apply(application_of(), self.session.settings.theme)
            set_icons(self.commands)
        for pane in self.display.grid.panes:
            pane.set_smooth(self.session.settings.interpolation)
            pane.cine_fps = self.session.settings.cine_fps

    def _focus_changed(self) -> None:
        self.browser.mark(self.display.stack_uids)
        self.commands.refresh()

    def _show_stack(self, study_uid: str, stack_uid: str) -> None:
        if self.session.study is None or self.session.study.uid != study_uid:
            self.session.library.open_study(study_uid)
        self.display.show_stack(stack_uid)
        self.focus_images()

    def _ask_spacing(self, uid: str) -> None:
        loaded = self.session.images.loaded(uid)
        if loaded is not None and not loaded.spacing_known and uid in self.display.stack_uids:
            self.session.notices.offer(
                "The file does not say how large a pixel is.", "Set spacing…", self.dialogs.spacing, "study"
            )

    def _act(self, action: str) -> None:
        """Do what a key in a pane asked for beyond the grid."""
        if action.startswith("compare_"):
            self.display.comparison.toggle(action.removeprefix("compare_"))  # type: ignore[arg-type]

    def _kinetic_overlay(self, frame_uid: str) -> Overlay:
        kinetics = self.session.kinetics
        return Overlay(heatmaps=kinetics.heatmaps(frame_uid), class_maps=kinetics.class_maps(frame_uid))

    def _raise(self, notice: object) -> None:
        dialog = ErrorDialog(notice, self)  # type: ignore[arg-type]
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @property
    def dynamic_on_show(self) -> bool:
        """Whether the active pane shows a phase of a dynamic series, or an image derived from one."""
        uid, study = self.display.stack_uid, self.session.study
        return uid is not None and study is not None and study.phase_of(uid) is not None

    # -- what commands do ------------------------------------------------------------------------------------------

    def open_demo(self) -> None:
        """Write the demo studies if they are not there yet, and open them."""
        self.session.library.open_demo()

    def set_device(self, name: str) -> None:
        """Choose where models run."""
        self.session.readings.device = name
        self.status.show_device()

    def toggle_linked(self) -> None:
        """Link or unlink the panes."""
        self.display.grid.set_linked(not self.display.grid.linked)

    def toggle_overlays(self) -> None:
        """Show or hide every overlay."""
        self.display.grid.set_overlays_visible(not self.display.grid.overlays_visible)

    def toggle_cine(self) -> None:
        """Play or stop the slices of the active pane."""
        self.display.pane.perform("cine")

    def toggle_full_screen(self) -> None:
        """Fill the screen, or leave it."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def delete_box(self) -> None:
        """Delete the selected box."""
        self.display.marks.delete(self.display.marks.selected)

    def focus_studies(self) -> None:
        """Put the keyboard into the browser."""
        self.browser.tree.setFocus()

    def focus_images(self) -> None:
        """Put the keyboard into the active pane."""
        self.display.pane.setFocus()

    def focus_tab(self, number: int) -> None:
        """Bring a tab forward and put the keyboard into it."""
        self.tabs.setCurrentIndex(number)
        if not focus_first(self.tabs.currentWidget()):
            self.tabs.tabBar().setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_palette(self) -> None:
        """Open the command palette."""
        Palette(self.commands, self).open()

    def show_help(self) -> None:
        """Open the help sheet with the keys of window and pane."""
        HelpSheet([*command_keys(self.commands), *pane_keys(), *volume_keys()], self).open()

    # -- events ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Dismiss the notice with Esc, where the pane had nothing to drop."""
        if event.key() == Qt.Key.Key_Escape:
            self.notice_bar.next()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls() and all(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.session.open_paths([Path(url.toLocalFile()) for url in event.mimeData().urls()])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember view and geometry, stop the jobs, close the workspace."""
        self.display.hanger.save()
        self.volume.save_state()
        self.volume_column.save()
        geometry.save(self, self.splitter)
        self.session.close()
        event.accept()


def application_of() -> QApplication:
    """Return the one application."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def _column(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, QSplitter | QStackedWidget) else 0)
    return holder
