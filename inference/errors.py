"""Errors that speak to the user, and those of the engine; each message is a sentence, with a hint on what to try."""

from __future__ import annotations


class HintedError(Exception):
    """Something that cannot be done, said in a sentence a user can act on.

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


class EngineError(HintedError):
    """Something the engine cannot do."""


class OutOfScopeError(EngineError):
    """The input is not what the model's card accepts; the message is the reason."""


class CardError(EngineError):
    """A model card or its weights are missing, malformed or altered."""
