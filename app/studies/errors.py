"""Errors of reading studies; each message is a sentence for the user, with a hint on what to try."""

from __future__ import annotations

from inference.errors import HintedError


class StudyError(HintedError):
    """Something about a file or study that stops it from being shown."""


class UnsafeFileError(StudyError):
    """A file that exceeds the bounds for untrusted input."""


class DecoderMissingError(StudyError):
    """No decoder for the transfer syntax; the message names syntax and decoder."""
