"""Keeping: the open workspace of the session; quick edits go straight to it, everything else waits in its own lane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from app import settings as app_settings
from app.jobs import KEEPING, Job, Jobs
from app.notices import Notices

if TYPE_CHECKING:
    from app.settings import Settings
    from app.studies.study import Study
    from app.workspace.store import RecentStudy, Workspace
    from inference.progress import Progress

LISTEN_EVERY_MS = 5000


class WorkspaceClosedError(Exception):
    """The workspace is not open, so nothing may be drawn that could be lost."""

    hint = "See the message about the workspace; when it is open again, boxes can be drawn."


class Keeping(QObject):
    """What lies between the session and its workspace.

    Attributes
    ----------
    opened
        The workspace is open, or could not be opened: opening has come to its end.
    """

    opened = Signal()

    def __init__(self, jobs: Jobs, notices: Notices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace: Workspace | None = None
        self._jobs, self._notices = jobs, notices
        self._views: dict[str, dict[str, Any]] = {}  # the newest, also while it is still being written
        self._said = 0
        self._listener = QTimer(self, interval=LISTEN_EVERY_MS)
        self._listener.timeout.connect(self.pass_on_notices)

    def open(self, settings: Settings, folder: Path | None = None) -> None:
        """Open the workspace in the background."""

        def work(_: Progress) -> Workspace:
            from app.workspace.store import Workspace  # SQLAlchemy is imported after the window is shown

            return Workspace.open(folder or app_settings.workspace_folder(settings), settings.author)

        self._jobs.start(Job("Opening the workspace", work, "workspace", self._take, self._refused))

    def _take(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._listener.start()
        self.pass_on_notices()
        self.opened.emit()

    def _refused(self, error: Exception) -> None:
        self._notices.error("The workspace could not be opened; boxes and results cannot be saved", error)
        self.opened.emit()

    def pass_on_notices(self) -> None:
        """Tell the user what the workspace has said since, such as a backup that failed in the background."""
        said = self.workspace.notices if self.workspace is not None else ()
        new, self._said = said[self._said :], len(said)
        for sentence in new:
            self._notices.warn(sentence)

    def require(self) -> Workspace:
        """Return the open workspace; raises :class:`WorkspaceClosedError`."""
        if self.workspace is None:
            raise WorkspaceClosedError("The workspace is not open, so this could not be saved.")
        return self.workspace

    def recent(self) -> tuple[RecentStudy, ...]:
        """Return the studies opened last, newest first."""
        return self.workspace.recent() if self.workspace is not None else ()

    # -- written in the background ---------------------------------------------------------------------------------

    def remember(self, study: Study, path: Path) -> None:
        """Note that a study was opened just now."""
        self._write("The study could not be added to “Recent”", lambda workspace: workspace.remember(study, path))

    def save_view(self, study_uid: str, state: dict[str, Any]) -> None:
        """Store how a study is being viewed."""
        if self._views.get(study_uid) != state:
            self._views[study_uid] = state
            self._write("The view could not be saved", lambda workspace: workspace.save_view_state(study_uid, state))

    def view(self, study_uid: str) -> dict[str, Any]:
        """Return how a study was viewed last; empty where it never was."""
        if study_uid in self._views:
            return self._views[study_uid]
        return self.workspace.view_state(study_uid) if self.workspace is not None else {}

    def _write(self, problem: str, write: Callable[[Workspace], object]) -> None:
        workspace = self.workspace
        if workspace is not None:
            failed = lambda error: self._notices.error(problem, error)  # noqa: E731
            self._jobs.start(Job("Saving", lambda _: write(workspace), on_failed=failed, quiet=True), KEEPING)

    def close(self) -> None:
        """Close the workspace; the jobs have ended."""
        self._listener.stop()
        if self.workspace is not None:
            self.workspace.close()
            self.workspace = None
