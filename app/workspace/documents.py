"""Documents: boxes and edits as JSON that keeps every bit of a number."""

from __future__ import annotations

import json
import math
from typing import Any

from app.workspace.box import Box, Edit
from app.workspace.errors import WorkspaceError


def _number(value: Any) -> Any:
    # numpy scalars reach us from gestures and models; their Python value is the same number
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be stored")


def dumps(value: Any) -> str:
    """Return compact JSON; floats are written so that they read back bit for bit."""
    return json.dumps(value, default=_number, ensure_ascii=False, separators=(",", ":"))


def plain_box(box: Box | None) -> Box | None:
    """Return the box with plain floats, as it reads back from the database.

    Raises
    ------
    WorkspaceError
        For a coordinate that is not a number, which no viewer could draw again.
    """
    if box is None:
        return None
    numbers = (*box.corner_mm, *box.opposite_mm, *box.orientation)
    if len(numbers) != 12 or not all(math.isfinite(n) for n in numbers):
        raise WorkspaceError(
            f"The box {box.uid} has a coordinate that is not a number, so it cannot be stored.",
            "Draw the box again; if it happens again, the image has no usable geometry.",
        )
    return Box.from_dict(json.loads(dumps(box.as_dict())))


def plain_edit(edit: Edit) -> Edit:
    """Return the edit with plain boxes; WorkspaceError where before and after are not the same box."""
    before, after = plain_box(edit.before), plain_box(edit.after)
    if before is not None and after is not None and (before.uid, before.study_uid) != (after.uid, after.study_uid):
        raise WorkspaceError("An edit must keep the box's uid and study; this one joins two different boxes.")
    return Edit(before, after, edit.text)


def edit_as_dict(edit: Edit) -> dict[str, Any]:
    """Return an edit as JSON values."""
    return {
        "before": None if edit.before is None else edit.before.as_dict(),
        "after": None if edit.after is None else edit.after.as_dict(),
        "text": edit.text,
    }


def edit_from_dict(values: dict[str, Any]) -> Edit:
    """Rebuild an edit from :func:`edit_as_dict`."""
    before, after = values["before"], values["after"]
    return Edit(
        before=None if before is None else Box.from_dict(before),
        after=None if after is None else Box.from_dict(after),
        text=values["text"],
    )
