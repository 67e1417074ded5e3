"""Errors of the engine; each message is a sentence for the user, with a hint on what to try."""

from __future__ import annotations


class EngineError(Exception):
    """Something the engine cannot do, said in a sentence a user can act on.

    Parameters
    ----------
    message
        What happened and why.
    hint
        What the user may try; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class OutOfScopeError(EngineError):
    """The input is not what the model's card accepts; the message is the reason."""


class CardError(EngineError):
    """A model card or its weights are missing, malformed or altered."""
