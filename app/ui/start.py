"""Start: shows the window first, then opens workspace and images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer

from app import settings as app_settings
from app.bootstrap import application, catch_everything
from app.jobs import Jobs
from app.notices import Notices
from app.session import Session
from app.ui.main_window import MainWindow


def make_window() -> MainWindow:
    """Return the window with an empty session; needs a QApplication."""
    notices = Notices()
    jobs = Jobs()
    session = Session(jobs, notices)
    notices.setParent(session)
    jobs.setParent(session)
    jobs.failed.connect(lambda job, error: notices.error(f"“{job.title}” failed", error))
    window = MainWindow(session)
    session.setParent(window)
    return window


def run(paths: list[Path], *, on_ready: Callable[[MainWindow], None] | None = None) -> int:
    """Show the window, open ``paths``, and return the exit status when it is closed.

    Parameters
    ----------
    on_ready
        Called once with the window when it is on screen and the workspace is open; for the demo and for tests.
    """
    app = application(app_settings.load())
    window = make_window()
    catch_everything(window.session.notices)
    window.show()

    def opened() -> None:
        window.session.keeping.opened.disconnect(opened)
        recent = window.session.keeping.recent() if window.session.settings.open_last_study else ()
        if paths:
            window.session.open_paths(paths)
        elif recent:
            window.session.open_paths([Path(recent[0].path)], recent[0].study_uid)
        window.session.warm_up_soon()
        if on_ready is not None:
            on_ready(window)

    def after_show() -> None:
        window.finish()
        window.session.keeping.opened.connect(opened)
        window.session.open_workspace()

    QTimer.singleShot(0, after_show)
    return app.exec()
