"""Measured table: measurements of a study as rows for a file, with units, basis, points and origin. Qt-free."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from app.measured import basis_text, pixel_size, statistics_text, unit_of, value_text
from app.workspace.measurement import Measurement

NAMES = (
    "length",
    "longest diameter",
    "perpendicular diameter",
    "angle",
    "area",
    "long axis",
    "short axis",
    "pixels",
    "mean",
    "SD",
    "minimum",
    "maximum",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet takes a cell that begins so for a formula
DIGITS = 6  # significant digits of plain numbers; the columns with units are rounded to what a pixel supports


def row_of(one: Measurement) -> dict[str, str | float | int]:
    """Return one measurement as a flat row; lengths in ``unit``, areas in its square, angles in degrees."""
    row, column = one.spacing_mm[1:]
    known = unit_of(one.basis) == "mm"
    values = {name.lower().replace(" ", "_"): _plain(one.value(name)) for name in NAMES}
    return {
        "kind": one.kind,
        "value": value_text(one),
        "statistics": statistics_text(one),
        "basis": basis_text(one.basis),
        "unit": unit_of(one.basis),
        **values,
        "label": one.label,
        "taxonomy": one.taxonomy,
        "note": one.note,
        "author": one.author,
        "created": one.created,
        "method": one.method,
        "row_spacing_mm": _plain(row) if known else "",
        "column_spacing_mm": _plain(column) if known else "",
        "pixel_side": _plain(pixel_size(one)),
        "points": "; ".join(" ".join(f"{value:.4f}" for value in point) for point in one.points_mm),
        "orientation": " ".join(f"{value:.6f}" for value in one.orientation),
        "study_uid": one.study_uid,
        "stack_uid": one.stack_uid,
        "image": one.image,
        "sop_instance_uid": one.sop_instance_uid,
        "frame_of_reference_uid": one.frame_of_reference_uid,
        "uid": one.uid,
    }


def _plain(value: float | None) -> float | int | str:
    if value is None:
        return ""
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.{DIGITS}g}")


def csv_text(measurements: Iterable[Measurement]) -> str:
    """Return measurements as CSV with a header (RFC 4180); texts cannot become formulas of a spreadsheet."""
    rows = [row_of(one) for one in measurements]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(rows[0] if rows else row_names())
    for row in rows:
        writer.writerow([_safe(value) for value in row.values()])
    return out.getvalue()


def row_names() -> tuple[str, ...]:
    """Return the names of the columns."""
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    grid = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    line = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    return tuple(row_of(Measurement("", "", "", "", "", "length", line, axes, grid, "patient")))


def _safe(value: Any) -> Any:
    # Numbers stay numbers; the points and cosines of a plane are texts that may begin with a minus sign.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def document(one: Measurement) -> dict[str, Any]:
    """Return one measurement as JSON values."""
    return {
        **one.as_dict(),
        "values": [{"name": name, "value": value, "unit": unit} for name, value, unit in one.values],
        "value": value_text(one),
        "basis_text": basis_text(one.basis),
        "unit": unit_of(one.basis),
    }
