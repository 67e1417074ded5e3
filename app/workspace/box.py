"""Box: a reader's rectangle in an image plane, in LPS millimetres, with its label and origin; and what an edit is."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from app.workspace.measurement import Measurement

Point = tuple[float, float, float]
Cosines = tuple[float, float, float, float, float, float]


def new_uid() -> str:
    """Return a DICOM UID of the UUID-derived root (PS3.5 B.2), so that an annotation can become a DICOM object."""
    return f"2.25.{uuid.uuid4().int}"


def now() -> str:
    """Return the present moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Box:
    """One annotated rectangle.

    Attributes
    ----------
    corner_mm, opposite_mm
        Two opposite corners (outer pixel edges), LPS mm in the frame of reference.
    orientation
        Row and column direction cosines of the plane (0020,0037).
    label
        Code of a term in the taxonomy (``resources/taxonomies``), such as ``"IDC"``; empty while unlabelled.
    source
        ``"reader"``, or ``"model <id>"`` for a finding a reader accepted.
    method
        ``"drag"``, ``"extreme points"`` or ``"accepted"``.
    """

    study_uid: str
    stack_uid: str
    sop_instance_uid: str
    frame_of_reference_uid: str
    corner_mm: Point
    opposite_mm: Point
    orientation: Cosines
    label: str = ""
    taxonomy: str = ""
    note: str = ""
    source: str = "reader"
    method: str = "drag"
    author: str = ""
    created: str = field(default_factory=now)
    uid: str = field(default_factory=new_uid)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Box:
        """Rebuild a box from :meth:`as_dict`; unknown keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        kept = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        return cls(**kept)


Mark: TypeAlias = "Box | Measurement"


@dataclass(frozen=True)
class Edit:
    """One undoable change of one box or measurement.

    ``None`` means absent, so add, move, relabel and delete are the same thing.
    """

    before: Mark | None
    after: Mark | None
    text: str = ""

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise ValueError("an edit needs a box or measurement before or after")

    @property
    def mark(self) -> Mark:
        """The box or measurement as it is afterwards, or as it was."""
        mark = self.after or self.before
        assert mark is not None
        return mark

    @property
    def mark_uid(self) -> str:
        """Uid of the box or measurement that is edited."""
        return self.mark.uid

    @property
    def study_uid(self) -> str:
        """Uid of the study it belongs to."""
        return self.mark.study_uid

    def reversed(self) -> Edit:
        """Return the edit that takes this one back."""
        return Edit(before=self.after, after=self.before, text=self.text)
