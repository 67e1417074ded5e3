"""``breastlens kinetics``: curve, classes and parameter maps of a dynamic series."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.cli.arguments import RESEARCH_USE
from app.cli.opened import opened
from app.cli.outcome import meter, meter_done
from app.studies.kinetics import dynamic_named, load_phases
from inference import kinetics
from inference.kinetics import KineticClass, KineticsError, KineticSettings, region
from inference.progress import Progress

if TYPE_CHECKING:
    from app.studies.study import Dynamic
    from inference.kinetics import ClassReport, Curve, KineticMaps, Phases, Region

ORDER = (KineticClass.WASHOUT, KineticClass.PLATEAU, KineticClass.PERSISTENT)


def run(options: argparse.Namespace) -> int:
    """Print curve, classes and volumes; write the maps if asked for."""
    settings = KineticSettings(options.peak, options.change)
    with opened(options.path) as library:
        study, dynamic = dynamic_named(library.studies, options.dynamic)
        phases = load_phases(study, dynamic, options.injected, Progress(meter).part(0, 0.8))
        maps = kinetics.compute(phases, None, Progress(meter).part(0.8, 1.0))
        meter_done()
    chosen = _region(options, phases)
    classes = kinetics.classify(maps, settings)
    curve = kinetics.curve_of(phases, chosen, maps.noise.floor, settings) if chosen is not None else None
    report = kinetics.report_of(maps, classes, settings, chosen)
    written = _write_maps(options.maps, maps, settings) if options.maps is not None else ()
    document = _document(dynamic, maps, settings, curve, report)
    document["maps"] = [str(path) for path in written]
    print(json.dumps(document, indent=2) if options.json else _text(document))
    return 0


def _region(options: argparse.Namespace, phases: Phases) -> Region | None:
    grid = phases.pre
    if options.point is not None and options.radius > 0:
        return region.sphere(grid, options.point, options.radius)
    if options.point is not None:
        return region.neighbourhood(grid, options.point, title="Point, 3 x 3 voxels")
    if options.box is not None:
        return region.cuboid(grid, options.box[:3], options.box[3:], "Box")
    if options.mask is not None:
        return region.mask_region(grid, _mask(options.mask), options.mask.name)
    return None


def _mask(path: Path) -> Any:
    """Return a mask file as a volume, with the affine that SimpleITK reads, LPS mm."""
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation
    from highdicom import Volume

    if not path.exists():
        raise KineticsError(f"There is no mask {path}.", "Check the spelling of the path.")
    try:
        return Volume.from_simpleitk(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise KineticsError(f"{path} cannot be read as a mask.", "Give NIfTI, NRRD or MetaImage.") from error


def _write_maps(folder: Path, maps: KineticMaps, settings: KineticSettings) -> tuple[Path, ...]:
    """Write the classes (0 none, 1 persistent, 2 plateau, 3 washout) and every parameter map that is defined."""
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

    folder.mkdir(parents=True, exist_ok=True)
    volumes = {"classes": maps.volume(kinetics.classify(maps, settings))}
    for name in kinetics.PARAMETERS:
        try:
            volumes[name] = kinetics.parameter_map(maps, name)
        except KineticsError:  # times unknown, or one phase only: the notes say so
            continue
    written = []
    for name, volume in volumes.items():
        path = folder / f"{name}.nii.gz"
        sitk.WriteImage(_image(volume), str(path))
        written.append(path)
    return tuple(written)


def _image(volume: Any) -> Any:
    """Return a volume as an image whose axes are column, row, slice, as other programs write them."""
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

    image = sitk.GetImageFromArray(volume.array)
    steps = np.asarray(volume.affine, float)[:3, 2::-1]  # columns i, j, k; LPS mm, which ITK uses too
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin(np.asarray(volume.affine, float)[:3, 3].tolist())
    return image


def _document(
    dynamic: Dynamic, maps: KineticMaps, settings: KineticSettings, curve: Curve | None, report: ClassReport
) -> dict[str, Any]:
    timing = maps.timing
    return {
        "statement": RESEARCH_USE,
        "dynamic": dynamic.uid,
        "time_base": timing.basis,
        "notes": [*timing.warnings, "Phases as stored, not motion-corrected."],
        "thresholds": {"peak_percent": settings.peak_percent, "change_percent": settings.change_percent},
        "curve": _curve(dynamic, curve, timing) if curve is not None else None,
        "region": {
            "title": report.title,
            "ml": round(report.total_ml, 4),
            "classes": {
                kind.name.lower(): {
                    "voxels": report.voxels[kind],
                    "ml": round(report.ml(kind), 4),
                    "percent": round(report.percent(kind), 2),
                }
                for kind in ORDER
            },
            "worst_curve": report.worst.name.lower(),
            "most_common": report.common.name.lower(),
        },
    }


def _curve(dynamic: Dynamic, curve: Curve, timing: kinetics.TimeBase) -> dict[str, Any]:
    unit = "seconds" if timing.known else "phase"
    return {
        "title": curve.title,
        "voxels": curve.voxels,
        "type": curve.kind.name.lower(),
        "initial_peak_percent": _number(curve.initial_peak),
        "delayed_change_percent": _number(curve.change),
        "phases": [
            {
                "phase": dynamic.phases[index].label,
                unit: round(curve.times[n], 1),
                "signal": round(curve.signal[n], 2),
                "sd": round(curve.sd[n], 2),
                "enhancement_percent": _number(curve.enhancement[n]),
            }
            for n, index in enumerate(timing.shown)
        ],
    }


def _number(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def _text(document: dict[str, Any]) -> str:
    lines = [document["time_base"], *(f"Note: {note}" for note in document["notes"])]
    curve, found = document["curve"], document["region"]
    if curve is not None:
        lines.append(f"{curve['title']}, {curve['voxels']} voxels: {curve['type']}")
        for row in curve["phases"]:
            time = f"{row['seconds']:6.0f} s" if "seconds" in row else f"{row['phase']}"
            percent = row["enhancement_percent"]
            shown = "     -" if percent is None else f"{percent:+6.0f}"
            lines.append(f"  {row['phase']:<10}{time}  {row['signal']:9.1f} ± {row['sd']:.1f}  {shown} %")
    limits = document["thresholds"]
    lines.append(
        f"{found['title']}, {found['ml']:g} ml, classified from {limits['peak_percent']:g} %, "
        f"plateau ±{limits['change_percent']:g} %"
    )
    for name, row in found["classes"].items():
        lines.append(f"  {name:<12}{row['ml']:10.3f} ml  {row['percent']:5.1f} %")
    lines.append(f"  worst curve: {found['worst_curve']}, most common: {found['most_common']}")
    lines += [f"Written: {path}" for path in document["maps"]]
    return "\n".join([*lines, document["statement"]])
