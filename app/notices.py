"""Notices: the one place that speaks to the user, and how an exception becomes what happened, why, and what to try."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)


class Level(StrEnum):
    """How loud a notice is."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One message: what happened, why, what to try; ``detail`` is for a bug report."""

    level: Level
    what: str
    why: str = ""
    hint: str = ""
    detail: str = ""
    action_title: str = ""
    action: Callable[[], None] | None = None
    topic: str = ""


class Notices(QObject):
    """Where every part of the window leaves its messages.

    Attributes
    ----------
    posted
        A notice for the bar above the images, which does not interrupt.
    raised
        A notice that needs the error dialog.
    outdated
        A topic whose notices no longer hold.
    """

    posted = Signal(object)
    raised = Signal(object)
    outdated = Signal(str)

    def info(self, what: str, why: str = "", hint: str = "", topic: str = "") -> None:
        """Say something the user may want to know."""
        self.posted.emit(Notice(Level.INFO, what, why, hint, topic=topic))

    def warn(self, what: str, why: str = "", hint: str = "", topic: str = "") -> None:
        """Say something the user should know."""
        self.posted.emit(Notice(Level.WARNING, what, why, hint, topic=topic))

    def error(self, what: str, error: BaseException) -> None:
        """Say that something the user asked for did not happen."""
        notice = explain(what, error)
        log.warning("%s: %s", what, error, exc_info=error if is_unexpected(error) else None)
        (self.raised if is_unexpected(error) else self.posted).emit(notice)

    def offer(self, what: str, action_title: str, action: Callable[[], None], topic: str = "") -> None:
        """Say something and offer one thing to do about it."""
        self.posted.emit(Notice(Level.INFO, what, action_title=action_title, action=action, topic=topic))

    def outdate(self, topic: str) -> None:
        """Take back what was said about something that is over, such as the study shown before."""
        self.outdated.emit(topic)


def is_unexpected(error: BaseException) -> bool:
    """Whether an exception is a defect of the program rather than something known about files, models or the disk."""
    return not (hasattr(error, "hint") or isinstance(error, OSError))


def explain(what: str, error: BaseException) -> Notice:
    """Return what happened, why and what to try, in sentences.

    Errors of ours carry ``hint``; an ``OSError`` names its file; anything else is a defect and says so.
    """
    why = str(error) or type(error).__name__
    hint = str(getattr(error, "hint", ""))
    detail = "".join(traceback.format_exception(error)) if is_unexpected(error) else ""
    if isinstance(error, OSError) and not hasattr(error, "hint"):
        why = error.strerror or why
        if error.filename:
            why = f"{why}: {error.filename}"
        hint = "Check that the file exists, that you may read it, and that the disk is not full."
    elif detail:
        why = f"An unexpected error occurred ({type(error).__name__}: {why})."
        hint = "Your boxes and results are saved. Try again; if it happens again, copy the details and report them."
    return Notice(Level.ERROR, what, why, hint, detail)


def install_excepthook(notices: Notices) -> None:
    """Bring exceptions that nobody caught to the user instead of to a terminal nobody sees."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        notices.error("Something went wrong", error.with_traceback(trace))

    sys.excepthook = hook
