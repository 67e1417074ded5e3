"""Documents: boxes, measurements and edits as JSON that keeps every bit of a number."""

from __future__ import annotations

import json
import math
from typing import Any

from app.workspace.box import Box, Edit, Mark
from app.workspace.errors import WorkspaceError
from app.workspace.measurement import KINDS, Measurement

# Key that tells a measurement from a box in an edit; edits of boxes stay as version 0.1 wrote them.
_TYPE = "type"


def _number(value: Any) -> Any:
    # numpy scalars reach us from gestures and models; their Python value is the same number
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be stored")


def dumps(value: Any) -> str:
    """Return compact JSON; floats are written so that they read back bit for bit."""
    return json.dumps(value, default=_number, ensure_ascii=False, separators=(",", ":"))


def plain_mark(mark: Mark | None) -> Mark | None:
    """Return the box or measurement with plain numbers, as it reads back from the database.

    Raises
    ------
    WorkspaceError
        For a coordinate or value that is not a number, which no viewer could draw again.
    """
    if mark is None:
        return None
    measured = isinstance(mark, Measurement)
    if not (_is_whole_measurement(mark) if isinstance(mark, Measurement) else _is_whole_box(mark)):
        name = "measurement" if measured else "box"
        raise WorkspaceError(
            f"The {name} {mark.uid} has a coordinate that is not a number, so it cannot be stored.",
            f"Draw the {name} again; if it happens again, the image has no usable geometry.",
        )
    return type(mark).from_dict(json.loads(dumps(mark.as_dict())))


def _is_whole_box(box: Box) -> bool:
    numbers = (*box.corner_mm, *box.opposite_mm, *box.orientation)
    return len(numbers) == 12 and all(math.isfinite(n) for n in numbers)


def _is_whole_measurement(one: Measurement) -> bool:
    numbers = [*(n for point in one.points_mm for n in point), *one.orientation, *one.affine]
    numbers += [quantity.value for quantity in one.values]
    sizes = len(one.points_mm) >= 2, all(len(point) == 3 for point in one.points_mm), len(one.orientation) == 6
    return one.kind in KINDS and all(sizes) and len(one.affine) == 12 and all(math.isfinite(n) for n in numbers)


def plain_edit(edit: Edit) -> Edit:
    """Return the edit with plain marks; WorkspaceError where before and after are not the same one."""
    before, after = plain_mark(edit.before), plain_mark(edit.after)
    if before is not None and after is not None and _identity(before) != _identity(after):
        raise WorkspaceError("An edit must keep the box's uid and study; this one joins two different boxes.")
    return Edit(before, after, edit.text)


def _identity(mark: Mark) -> tuple[type, str, str]:
    return type(mark), mark.uid, mark.study_uid


def edit_as_dict(edit: Edit) -> dict[str, Any]:
    """Return an edit as JSON values."""
    return {"before": _as_dict(edit.before), "after": _as_dict(edit.after), "text": edit.text}


def edit_from_dict(values: dict[str, Any]) -> Edit:
    """Rebuild an edit from :func:`edit_as_dict`."""
    return Edit(before=_from_dict(values["before"]), after=_from_dict(values["after"]), text=values["text"])


def _as_dict(mark: Mark | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    return {_TYPE: "measurement", **mark.as_dict()} if isinstance(mark, Measurement) else mark.as_dict()


def _from_dict(values: dict[str, Any] | None) -> Mark | None:
    if values is None:
        return None
    return Measurement.from_dict(values) if values.get(_TYPE) == "measurement" else Box.from_dict(values)
