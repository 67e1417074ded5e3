"""``breastlens phantom``: writes one phantom exam as DICOM, with its truth beside it."""

from __future__ import annotations

import argparse

from app.cli.outcome import meter, meter_done
from app.studies.demo_exams import DCE_VARIANTS, DETECTORS, DICOM, TRUTH, write_dce_exam, write_mammogram_exam
from app.studies.demo_mammograms import MAMMOGRAM_VARIANTS
from app.studies.errors import StudyError
from inference.phantoms import GENERATOR_VERSION
from inference.progress import Progress


def run(options: argparse.Namespace) -> int:
    """Write the exam and print where it is."""
    lesions = _lesions(options)
    progress = Progress(meter)
    try:
        if options.kind == "dce":
            variant = _known(options.variant or DCE_VARIANTS[0], DCE_VARIANTS, "variant")
            write_dce_exam(options.out, options.seed, variant, lesions=lesions, progress=progress)
        else:
            variant = _known(options.variant or "plain", tuple(MAMMOGRAM_VARIANTS), "variant")
            detector = DETECTORS[_known(options.detector, tuple(DETECTORS), "detector")]
            write_mammogram_exam(
                options.out, options.seed, variant, lesions=lesions, detector=detector, progress=progress
            )
    except ValueError as error:  # a lesion that the generator does not know
        raise StudyError(f"{str(error)[:1].upper()}{str(error)[1:]}.", "Name another lesion.") from error
    finally:
        meter_done()
    print(f"Phantom (no patient), seed {options.seed}, generator {GENERATOR_VERSION}, {options.kind}, {variant}:")
    print(f"  images  {options.out / DICOM}")
    print(f"  truth   {options.out / TRUTH}")
    return 0


def _known(name: str, names: tuple[str, ...], what: str) -> str:
    if name not in names:
        raise StudyError(f"There is no {what} {name!r} of this kind of exam.", f"one of: {', '.join(names)}")
    return name


def _lesions(options: argparse.Namespace) -> dict[str, tuple[str, ...]] | None:
    """Return the names per breast; None where they are to be drawn."""
    if options.normal:
        return {}
    if not options.lesion:
        return None
    wanted: dict[str, tuple[str, ...]] = {}
    for text in options.lesion:
        side, _, name = text.partition(":")
        if side not in ("R", "L") or not name:
            raise StudyError(f"The lesion {text!r} names no breast.", "Write it as L:IDC or R:fibroadenoma.")
        wanted[side] = (*wanted.get(side, ()), name)
    return wanted
