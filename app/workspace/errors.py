"""Errors of the workspace; each message is a sentence for the user, with a hint on what to try."""

from __future__ import annotations

from inference.errors import HintedError


class WorkspaceError(HintedError):
    """Something the workspace cannot do."""


class ConflictError(WorkspaceError):
    """An edit does not fit what is stored; nothing was overwritten."""


class DamagedError(WorkspaceError):
    """The database file is not readable as a database any more."""


class TaxonomyError(WorkspaceError):
    """A taxonomy file is missing or malformed."""
