"""Measurement: a reader's length, diameters, angle or region on a slice, with the values it had when it was drawn."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from app.workspace.box import Cosines, Point, new_uid, now

KINDS = {
    "length": "Length",
    "bidimensional": "Two diameters",
    "angle": "Angle",
    "ellipse": "Ellipse",
    "freehand": "Freehand region",
}
Affine = tuple[float, ...]


class Quantity(NamedTuple):
    """One value: ``("length", 12.34, "mm")``; the unit is empty for pixel values and counts."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Attributes
    ----------
    image
        The image it was drawn on and its pixel statistics are of: ``stack_uid``, or a derived image made of it.
    kind, points_mm
        As in :class:`viewer.layers.types.MeasurementShape`; LPS mm in the frame of reference, in the geometry of
        ``affine``. Where the pixel spacing is unknown the geometry counts pixels.
    orientation
        Row and column direction cosines of the plane (0020,0037).
    affine
        First three rows of the image's affine, row by row: (slice k, row j, column i, 1) of a voxel centre to LPS mm,
        as it was when the points were set. It tells which pixels they lie on when the spacing is corrected later.
    basis
        What a millimetre meant then: the stack's ``spacing_basis``.
    values
        What was measured, with units; statistics are of the slice's modality values, the SD is the sample's (n - 1).
    label, taxonomy
        As in :class:`~app.workspace.box.Box`.
    method
        ``"drag"``, ``"clicks"`` or ``"freehand"``.
    """

    study_uid: str
    stack_uid: str
    sop_instance_uid: str
    frame_of_reference_uid: str
    image: str
    kind: str
    points_mm: tuple[Point, ...]
    orientation: Cosines
    affine: Affine
    basis: str
    values: tuple[Quantity, ...] = ()
    label: str = ""
    taxonomy: str = ""
    note: str = ""
    method: str = "drag"
    author: str = ""
    created: str = field(default_factory=now)
    uid: str = field(default_factory=new_uid)

    @property
    def title(self) -> str:
        """Return the kind in words."""
        return KINDS.get(self.kind, self.kind)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Slice, row and column spacing of the image when the points were set."""
        across, down, along = (math.hypot(*self.affine[axis::4]) for axis in range(3))
        return across, down, along

    def value(self, name: str) -> float | None:
        """Return one of the values, None where it was not measured."""
        return next((float(one.value) for one in self.values if one.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Measurement:
        """Rebuild a measurement from :meth:`as_dict`; unknown keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        kept = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        kept["points_mm"] = tuple(tuple(point) for point in values["points_mm"])
        kept["values"] = tuple(Quantity(*one) for one in values.get("values", ()))
        return cls(**kept)
