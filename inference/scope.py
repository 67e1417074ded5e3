"""Whether an exam is what a model's card accepts. Reads the card's ``accepts`` only; torch is not imported."""

from __future__ import annotations

from inference.card import ModelCard
from inference.errors import OutOfScopeError
from inference.exam import Exam, MriSlice

_PLANES = {"axial", "sagittal", "coronal"}


def check_scope(card: ModelCard, exam: Exam) -> None:
    """Raise where the exam is certainly not what the model was made for; see :func:`doubts` for the rest.

    ``card.accepts`` holds ``exam`` (a class name of :mod:`inference.exam`) and, where they matter, ``modality`` and
    ``orientation`` (lists) and ``contrast`` (``"post"``).

    Raises
    ------
    OutOfScopeError
        With the reason as a sentence.
    """
    accepts = card.accepts
    wanted = accepts.get("exam")
    if wanted and type(exam).__name__ != wanted:
        raise OutOfScopeError(f"{card.title} reads {_named(wanted)}; this is {_named(type(exam).__name__)}.")
    if exam.modality and exam.modality not in accepts.get("modality", [exam.modality]):
        raise OutOfScopeError(
            f"{card.title} reads {' or '.join(accepts['modality'])} images; this one is {exam.modality}."
        )
    if exam.image.array.ndim != 3:
        raise OutOfScopeError(f"{card.title} reads grey images; this one is in colour.")
    if isinstance(exam, MriSlice):
        _check_slice(card, exam)


def _check_slice(card: ModelCard, exam: MriSlice) -> None:
    if exam.image.spatial_shape[0] != 1:
        raise OutOfScopeError(f"{card.title} reads one slice at a time; {exam.image.spatial_shape[0]} were given.")
    planes = card.accepts.get("orientation", sorted(_PLANES))
    if exam.orientation and exam.orientation not in planes:
        raise OutOfScopeError(
            f"{card.title} reads {' or '.join(planes)} slices; this one is {exam.orientation}.",
            "Choose a series in another plane.",
        )
    if card.accepts.get("contrast") == "post" and exam.is_post_contrast is False:
        raise OutOfScopeError(
            f"{card.title} reads slices taken after the contrast agent; this one was taken before it.",
            "Choose a post-contrast phase.",
        )


def doubts(card: ModelCard, exam: Exam) -> tuple[str, ...]:
    """Return what is not known about an exam that is not out of scope, one sentence each, for ``Result.warnings``."""
    found: list[str] = []
    if not exam.modality:
        found.append("The file does not say which modality it is; the model expects " + _modalities(card) + ".")
    if isinstance(exam, MriSlice):
        if card.accepts.get("contrast") == "post" and exam.is_post_contrast is None:
            found.append(
                "The file does not say whether the slice was taken after the contrast agent; the model expects that."
            )
        if not exam.orientation:
            found.append("The file does not say how the slice lies in the patient; it was read as it is stored.")
        if not exam.has_spacing:
            found.append(
                "The pixel spacing is unknown, so positions and sizes of findings are not in true millimetres."
            )
    return tuple(found)


def _modalities(card: ModelCard) -> str:
    return " or ".join(card.accepts.get("modality", ["any"]))


def _named(exam_class: str) -> str:
    return {"MriSlice": "a slice of breast MRI", "Mammogram": "a mammogram"}.get(exam_class, exam_class)
