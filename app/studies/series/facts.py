"""Acquisition facts of a stack for corners and reports, each with its unit."""

from __future__ import annotations

from pydicom.dataset import Dataset

from app.studies.files import tags
from app.studies.study import Series, Stack

_FACTS = (
    ("Manufacturer", "Manufacturer", ""),
    ("Model", "ManufacturerModelName", ""),
    ("Intent", "PresentationIntentType", ""),
    ("Tube voltage", "KVP", "kV"),
    ("Thickness", "BodyPartThickness", "mm"),
    ("Compression", "CompressionForce", "N"),
    ("Field", "MagneticFieldStrength", "T"),
    ("TR", "RepetitionTime", "ms"),
    ("TE", "EchoTime", "ms"),
    ("Flip angle", "FlipAngle", "°"),
    ("Slice thickness", "SliceThickness", "mm"),
)


def facts_of(series: Series, stack: Stack, header: Dataset) -> dict[str, str]:
    """Return what is known of the acquisition, title → text with unit; unknown facts are left out."""
    facts = {"Series": series.description, "Side": series.laterality, "View": series.view}
    facts["Matrix"] = f"{stack.columns} × {stack.rows}"
    if stack.spacing_mm is not None:
        facts["Pixel spacing"] = f"{stack.spacing_mm[1]:.4g} × {stack.spacing_mm[2]:.4g} mm ({stack.spacing_basis})"
    if stack.contrast_agent:
        facts["Contrast"] = stack.contrast_agent
    for title, keyword, unit in _FACTS:
        value = tags.number(header, keyword) if unit else None
        facts[title] = f"{value:.4g} {unit}".replace(" °", "°") if value is not None else tags.text(header, keyword)
    if tags.text(header, "LossyImageCompression") == "01":
        facts["Compression of the file"] = "lossy"
    if tags.text(header, "BurnedInAnnotation").upper() == "YES":
        facts["Burned-in text"] = "yes"
    return {title: value for title, value in facts.items() if value}
