"""Mammograms: which files are, their side and view from coded attributes, and what their pixel spacing means."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from app.studies.files import tags
from app.studies.files.sop_classes import BREAST_TOMOSYNTHESIS, MAMMOGRAPHY_FOR_PRESENTATION, MAMMOGRAPHY_FOR_PROCESSING
from app.studies.study import SeriesKind

# PS3.16 CID 4014 "View for Mammography": SNOMED CT and the older SRT (SNM3, 99SDM) codes of the same concepts.
_VIEW_CODES = {
    "399260004": "ML", "R-10224": "ML",
    "399368009": "MLO", "R-10226": "MLO",
    "399352003": "LM", "R-10228": "LM",
    "399099002": "LMO", "R-10230": "LMO",
    "399162004": "CC", "R-10242": "CC",
    "399196006": "FB", "R-10244": "FB",
    "399188001": "SIO", "R-102D0": "SIO",
    "441555000": "ISO", "R-40AAA": "ISO",
    "399192008": "XCCL", "R-1024A": "XCCL", "Y-X1770": "XCCL",
    "399101009": "XCCM", "R-1024B": "XCCM", "Y-X1771": "XCCM",
    "127457009": "SPECIMEN", "G-8310": "SPECIMEN",
}  # fmt: skip
# PS3.16 CID 4015 "View Modifier for Mammography", SNOMED CT and SRT.
_MODIFIER_CODES = {
    "399161006": "CV", "R-102D2": "CV",
    "399011000": "AT", "R-102D1": "AT",
    "442580003": "AX", "R-40AB2": "AX",
    "399197002": "RL", "R-102D3": "RL",
    "399226006": "RM", "R-102D4": "RM",
    "414493004": "RI", "R-102CA": "RI",
    "415670009": "RS", "R-102C9": "RS",
    "399209000": "ID", "R-102D5": "ID",
    "399163009": "M", "R-102D6": "M",
    "399055006": "S", "R-102D7": "S",
    "399110001": "TAN", "R-102C2": "TAN",
    "442581004": "NP", "R-40AB3": "NP",
    "441752004": "AC", "P2-00161": "AC",
    "442593008": "IMF", "R-40ABE": "IMF",
}  # fmt: skip
# Breast Projection X-Ray Image Storage, For Presentation and For Processing (PS3.4 B.5).
_BREAST_PROJECTIONS = frozenset(("1.2.840.10008.5.1.4.1.1.13.1.4", "1.2.840.10008.5.1.4.1.1.13.1.5"))
_TECHNIQUES = (
    (frozenset(("GENERATED_2D", "SYNTHETIC_2D", "C-VIEW", "S-VIEW", "V-PREVIEW")), "synthetic 2D"),
    (frozenset(("TOMO_PROJ", "TOMO_PROJECTION", "PROJECTION")), "projections"),
    (frozenset(("LOW_ENERGY",)), "low energy"),
    (frozenset(("HIGH_ENERGY",)), "high energy"),
    (frozenset(("RECOMBINED",)), "recombined"),
    (frozenset(("STEREO", "STEREO_SCOUT", "STEREO_MINUS", "STEREO_PLUS")), "stereotactic"),
)
#: A contact view is magnified by less (0018,1114), a view on the magnification table by 1.5 to 2.
_MAGNIFICATION = 1.35
_BREAST_ONLY_VIEWS = frozenset(("CC", "MLO", "LMO", "XCC", "XCCL", "XCCM", "FB", "SIO", "ISO", "CV", "AT"))
_VIEWS = _BREAST_ONLY_VIEWS | {"ML", "LM"}
_PROJECTION_MODALITIES = frozenset(("MG", "CR", "DX", "RG", "RF", "DR", "OT", "SC"))
_RADIOGRAPHIC = frozenset(("CR", "DX", "RG", "DR"))
# Written-out views: PS3.16 CID 4014 meanings, in private codes and in View Position of older systems.
_VIEW_NAMES = {
    "CRANIOCAUDAL": "CC",
    "MEDIOLATERALOBLIQUE": "MLO",
    "MEDIOLATERAL": "ML",
    "LATEROMEDIAL": "LM",
    "LATEROMEDIALOBLIQUE": "LMO",
    "XCC": "XCCL",
}
_SIDE_AND_VIEW = re.compile(rf"(?:([LR])[ _-]?)?({'|'.join(sorted(_VIEWS))})")
_SIDES = {"L": "L", "R": "R", "B": "B", "LEFT": "L", "RIGHT": "R", "BOTH": "B"}
_OPPOSITE = {"A": "P", "P": "A", "R": "L", "L": "R", "H": "F", "F": "H"}


def kind_of(header: Dataset) -> SeriesKind:
    """Return what a file is shown as: mammogram, tomosynthesis, MR or other."""
    sop_class, modality = tags.text(header, "SOPClassUID"), tags.text(header, "Modality").upper()
    frames = tags.integer(header, "NumberOfFrames") or 1
    if sop_class == BREAST_TOMOSYNTHESIS or (modality == "MG" and frames > 1):
        return SeriesKind.TOMOSYNTHESIS
    if sop_class in (MAMMOGRAPHY_FOR_PRESENTATION, MAMMOGRAPHY_FOR_PROCESSING) or modality == "MG":
        return SeriesKind.MAMMOGRAM
    if modality == "MR":
        return SeriesKind.MR
    if modality in _PROJECTION_MODALITIES and frames == 1 and _has_breast_view(header):
        return SeriesKind.MAMMOGRAM
    return SeriesKind.OTHER


def is_raw(header: Dataset) -> bool:
    """Whether an image is For Processing, by Presentation Intent Type (0008,0068) or its storage class."""
    intent = tags.text(header, "PresentationIntentType").upper()
    return intent == "FOR PROCESSING" or (not intent and tags.text(header, "SOPClassUID") == MAMMOGRAPHY_FOR_PROCESSING)


def implant_of(header: Dataset) -> bool | None:
    """Return Breast Implant Present (0028,1300), None where the file does not say."""
    return {"YES": True, "NO": False}.get(tags.text(header, "BreastImplantPresent").upper())


def technique_of(header: Dataset) -> str:
    """Return what kind of image of its view a file is, by Image Type (0008,0008) and class; "" for the plain one.

    2D images made from a tomosynthesis carry GENERATED_2D; the energies of contrast mammography LOW_ENERGY, HIGH_ENERGY
    and RECOMBINED; single images of a tomosynthesis TOMO_PROJ or a class of their own.
    """
    words = {word.upper().replace(" ", "_") for word in tags.texts(header, "ImageType")}
    for named, technique in _TECHNIQUES:
        if words & named:
            return technique
    if tags.text(header, "SOPClassUID") in _BREAST_PROJECTIONS:
        return "projections"
    several = (tags.integer(header, "NumberOfFrames") or 1) > 1
    return "projections" if several and tags.text(header, "SOPClassUID") == MAMMOGRAPHY_FOR_PROCESSING else ""


def _has_breast_view(header: Dataset) -> bool:
    """Whether an image of another modality tag (RG, CR, a digitised film) is a mammogram all the same."""
    view = view_of(header)
    if _coded_view(header) or view in _BREAST_ONLY_VIEWS:
        return True
    told = bool(view) or tags.text(header, "Modality").upper() in _RADIOGRAPHIC
    return "BREAST" in tags.text(header, "BodyPartExamined").upper() and told


def laterality_of(header: Dataset) -> str:
    """Return ``"L"``, ``"R"``, ``"B"`` or ``""`` from Image, Frame or series Laterality, in this order."""
    anatomy = next(tags.functional_groups(header, 0, "FrameAnatomySequence"), None)
    stated = (
        tags.text(header, "ImageLaterality"),
        tags.text(anatomy, "FrameLaterality") if anatomy is not None else "",
        tags.text(header, "Laterality"),
    )
    side = next((_SIDES[side.upper()] for side in stated if side.upper() in _SIDES), "")
    return side or _view_position(header)[0]


def view_of(header: Dataset) -> str:
    """Return the view (``"CC"``, ``"MLO"`` …) from View Code Sequence, else View Position; ``""`` where unknown."""
    coded = _coded_view(header)
    if coded:
        return coded
    stated = _view_position(header)[1]
    if stated:
        return stated
    # CBIS-DDSM on TCIA writes the view into Patient Orientation.
    misplaced = tags.text(header, "PatientOrientation").upper()
    return misplaced if misplaced in ("CC", "MLO") else ""


def _view_position(header: Dataset) -> tuple[str, str]:
    """Return side and view of View Position (0018,5101), which some systems write as ``RMLO`` or ``L-CC``."""
    stated = tags.text(header, "ViewPosition").upper()
    match = _SIDE_AND_VIEW.fullmatch(stated)
    return (match[1] or "", _VIEW_NAMES.get(match[2], match[2])) if match else ("", _named_view(stated))


def _named_view(words: str) -> str:
    """Return the view that is written out, in whatever way, "" for other words."""
    return _VIEW_NAMES.get(re.sub(r"[^A-Z]", "", words.upper()), "")


def _coded_view(header: Dataset) -> str:
    item = tags.first_item(header, "ViewCodeSequence")
    if item is None:
        return ""
    # A private code still has the meaning that its scheme gives it.
    return _VIEW_CODES.get(tags.text(item, "CodeValue").upper(), "") or _named_view(tags.text(item, "CodeMeaning"))


def modifiers_of(header: Dataset) -> tuple[str, ...]:
    """Return the view modifiers by their usual letters: magnification M, spot compression S, implant displaced ID.

    A view whose Estimated Radiographic Magnification Factor (0018,1114) says that it was magnified is M without a code.
    """
    view = tags.first_item(header, "ViewCodeSequence")
    found = tags.items(view, "ViewModifierCodeSequence") if view is not None else ()
    names = [name for item in found if (name := _modifier(item))]
    if (tags.number(header, "EstimatedRadiographicMagnificationFactor") or 1.0) >= _MAGNIFICATION:
        names.append("M")
    return tuple(dict.fromkeys(names))


def _modifier(item: Dataset) -> str:
    return _MODIFIER_CODES.get(tags.text(item, "CodeValue").upper(), "") or tags.text(item, "CodeMeaning")


def spacing_of(header: Dataset) -> tuple[tuple[float, float] | None, str, tuple[str, ...]]:
    """Return row and column spacing in mm of a projection image, what it is measured at, and notes for the user.

    PS3.3 10.7.1: Pixel Spacing with Pixel Spacing Calibration Type is in the patient (geometry: corrected for
    magnification; fiducial: from an object of known size); Imager Pixel Spacing is at the detector's front plane, and
    divided by the Estimated Radiographic Magnification Factor (0018,1114) it is in the breast.
    """
    pixel, imager = _pair(header, "PixelSpacing"), _pair(header, "ImagerPixelSpacing")
    calibration = tags.text(header, "PixelSpacingCalibrationType").upper()
    if pixel is not None and (calibration or (imager is not None and not _same(pixel, imager))):
        return pixel, *_calibrated(calibration)
    if imager is not None:
        return _at_detector(imager, tags.number(header, "EstimatedRadiographicMagnificationFactor"))
    if pixel is not None:
        return pixel, "detector plane", ()
    scanned = _pair(header, "NominalScannedPixelSpacing")
    if scanned is not None:
        return scanned, "detector plane", ("Distances are on the film (Nominal Scanned Pixel Spacing).",)
    return None, "unknown", ("The file has no pixel spacing: distances are not known.",)


def _calibrated(calibration: str) -> tuple[str, tuple[str, ...]]:
    if calibration == "FIDUCIAL":
        return "calibrated", ()
    if calibration == "GEOMETRY":
        return "magnification-corrected", ()
    note = "Pixel Spacing differs from the spacing at the detector and the file does not say how it was calibrated."
    return "calibrated", (note,)


def _at_detector(imager: tuple[float, float], factor: float | None) -> tuple[tuple[float, float], str, tuple[str, ...]]:
    # A factor below 1 cannot be (the breast lies between focus and detector); above 3 no unit magnifies.
    if factor is None or not 1.0 < factor <= 3.0:
        return imager, "detector plane", ()
    note = f"Distances are corrected for a magnification of {factor:.3g}."
    return (imager[0] / factor, imager[1] / factor), "magnification-corrected", (note,)


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) < 1e-4 * max(a, b) for a, b in zip(one, other, strict=True))


def _pair(header: Dataset, keyword: str) -> tuple[float, float] | None:
    values = tags.vector(header, keyword, 2)
    return (values[0], values[1]) if values is not None and min(values) > 0 else None


def edge_letters_of(header: Dataset) -> tuple[str, str, str, str] | None:
    """Return the letters at the left, right, top and bottom edge from Patient Orientation (0020,0020), else None."""
    directions = tuple(part.upper() for part in tags.texts(header, "PatientOrientation"))
    if len(directions) != 2 or any(set(part) - set(_OPPOSITE) for part in directions):
        return None
    right, bottom = directions
    return _opposite(right), right, _opposite(bottom), bottom


def _opposite(letters: str) -> str:
    return "".join(_OPPOSITE[letter] for letter in letters)
