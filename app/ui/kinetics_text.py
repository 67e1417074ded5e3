"""Kinetics in words and rows: verdict of a curve, table of classes, provenance, CSV. Qt-free."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from inference.kinetics import KineticClass
from inference.kinetics.report import WHOLE

if TYPE_CHECKING:
    from inference.kinetics import ClassReport, Curve, KineticSettings, TimeBase

ORDER = (KineticClass.WASHOUT, KineticClass.PLATEAU, KineticClass.PERSISTENT)
HEAD = ("Class", "ml", "%")


def verdict(curve: Curve, settings: KineticSettings, known: bool) -> str:
    """Return what a curve says: ``"Washout · +198 % at 60 s, then −22 %"``."""
    if not curve.defined:
        return "Pre-contrast signal is noise here: no per cent enhancement."
    at = f"{curve.initial_time:.0f} s" if known else f"phase {curve.initial_time:.0f}"
    text = f"{_signed(curve.initial_peak)} % at {at}"
    if not math.isnan(curve.change):
        text += f", then {_signed(curve.change)} % of the signal"
    if curve.kind is KineticClass.NONE:
        below = settings.gate == "highest" or curve.initial_peak < settings.peak_percent
        return f"Below {settings.peak_percent:g} %, no type · {text}" if below else f"No type · {text}"
    return f"{curve.kind.title} · {text}"


def _signed(value: float) -> str:
    rounded = round(value)
    return f"+{rounded}" if rounded > 0 else f"−{-rounded}" if rounded < 0 else "0"


def threshold_text(settings: KineticSettings) -> str:
    """Return the thresholds in a sentence."""
    gate = "initial peak" if settings.gate == "initial" else "highest phase"
    return (
        f"Classified from {settings.peak_percent:g} % ({gate}); plateau ±{settings.change_percent:g} % of the signal."
    )


def class_rows(report: ClassReport) -> tuple[tuple[str, str, str], ...]:
    """Return the rows of the table: class, ml, per cent of what is classified; then all of it and the region."""
    rows = [(kind.title, ml_text(report.ml(kind)), f"{report.percent(kind):.1f}") for kind in ORDER]
    enhancing = report.enhancing * report.voxel_ml
    share = 100 * enhancing / report.total_ml if report.total_ml else 0.0
    rows.append(("Enhancing", ml_text(enhancing), f"{share:.1f} of region"))
    rows.append(("Region", ml_text(report.total_ml), ""))
    return tuple(rows)


def ml_text(ml: float) -> str:
    """Return a volume with as many digits as a voxel allows."""
    return f"{ml:.3f}" if ml < 1 else f"{ml:.2f}" if ml < 100 else f"{ml:.0f}"


def worst_text(report: ClassReport, settings: KineticSettings) -> str:
    """Return worst and most common curve of a region."""
    if report.enhancing == 0:
        return f"Nothing reaches {settings.peak_percent:g} %."
    common = f"most common {report.common.title.lower()}"
    peak = f"highest voxel +{report.peak_percent:.0f} %"
    if report.title == WHOLE:
        return f"{common[0].upper()}{common[1:]}; {peak}."
    worst = report.worst.title.lower() if report.worst is not KineticClass.NONE else "none"
    return f"Worst curve: {worst} (≥ {settings.cluster} joined voxels); {common}; {peak}."


def csv_text(
    curves: Iterable[Curve], report: ClassReport | None, timing: TimeBase, names: Sequence[str], notes: Iterable[str]
) -> str:
    """Return curves, table and notes as comma-separated values, one block after the other; a point for decimals."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    unit = "seconds" if timing.known else "phase"
    write.writerow(("curve", "voxels", "phase", unit, "signal", "sd", "enhancement_percent", "type"))
    for curve in curves:
        values = zip(names, curve.times, curve.signal, curve.sd, curve.enhancement, strict=True)
        for name, time, signal, sd, enhancement in values:
            row = (f"{time:.1f}", f"{signal:.2f}", f"{sd:.2f}", f"{enhancement:.2f}", curve.kind.title)
            write.writerow((curve.title, curve.voxels, name, *row))
    if report is not None:
        write.writerow(())
        write.writerow(("region", "class", "voxels", "ml", "percent_of_classified"))
        for kind in (*ORDER, KineticClass.NONE):
            share = f"{report.percent(kind):.2f}" if kind is not KineticClass.NONE else ""
            write.writerow((report.title, kind.title, report.voxels[kind], f"{report.ml(kind):.4f}", share))
    write.writerow(())
    for note in notes:
        write.writerow(("note", note))
    return out.getvalue()
