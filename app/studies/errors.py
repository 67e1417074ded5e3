"""Errors of reading studies; each message is a sentence for the user, with a hint on what to try."""

from __future__ import annotations


class StudyError(Exception):
    """Something about a file or study that stops it from being shown, said so that a user can act on it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnsafeFileError(StudyError):
    """A file that exceeds the bounds for untrusted input."""


class DecoderMissingError(StudyError):
    """No decoder for the transfer syntax; the message names syntax and decoder."""
