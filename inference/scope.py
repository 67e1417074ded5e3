"""Whether an exam is what a model's card accepts. Reads the card's ``accepts`` only; torch is not imported."""

from __future__ import annotations

from inference.card import ModelCard
from inference.card_text import EXAMS
from inference.errors import OutOfScopeError
from inference.exam import DceExam, Exam, Mammogram, MriSlice

_PLANES = {"axial", "sagittal", "coronal"}


def check_scope(card: ModelCard, exam: Exam) -> None:
    """Raise where the exam is certainly not what the model was made for; see :func:`doubts` for the rest.

    ``card.accepts`` holds ``exam`` (a class name of :mod:`inference.exam`) and, where they matter:

    * ``modality``, ``orientation``, ``views``: lists of what is accepted; an unknown view is a doubt
    * ``contrast``: ``"post"`` (MriSlice)
    * ``fat_suppressed``: true where the model was trained on fat-suppressed MR only; unknown is a doubt
    * ``in_plane_mm``, ``slice_mm``: [lowest, highest] spacing in the plane and between slices
    * ``least_field_mm``: shortest side of a slice
    * ``least_slices``, ``least_posts``: numbers (DceExam)
    * ``needs_pre``, ``needs_times``, ``needs_t2``, ``needs_lesions``: true where a model cannot do without (DceExam)
    * ``implants``, ``partial``, ``for_processing``, ``synthetic``: false where such mammograms are out of scope

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
    _check_spacing(card, exam)
    if card.accepts.get("fat_suppressed") and getattr(exam, "is_fat_suppressed", None) is False:
        raise OutOfScopeError(
            f"{card.title} reads fat-suppressed MR images; in this one fat is not suppressed.",
            "Choose a fat-suppressed series.",
        )
    if isinstance(exam, MriSlice):
        _check_slice(card, exam)
    elif isinstance(exam, Mammogram):
        _check_mammogram(card, exam)
    else:
        _check_dynamic(card, exam)


def _check_spacing(card: ModelCard, exam: Exam) -> None:
    if not exam.has_spacing:
        return
    between, *in_plane = exam.image.spacing
    _check_range(card, "in_plane_mm", min(in_plane), max(in_plane), "pixels")
    if exam.image.spatial_shape[0] > 1:
        _check_range(card, "slice_mm", between, between, "slices")
    _, rows, columns = exam.image.spatial_shape[:3]
    height, width = rows * in_plane[0], columns * in_plane[1]
    if min(height, width) < (least := card.accepts.get("least_field_mm", 0.0)):
        raise OutOfScopeError(
            f"{card.title} reads images of at least {least:g} mm; this one shows {height:.0f} × {width:.0f} mm."
        )


def _check_range(card: ModelCard, key: str, smallest: float, largest: float, what: str) -> None:
    low, high = card.accepts.get(key, (0.0, float("inf")))
    if smallest < low or largest > high:
        found = f"{smallest:.2f} mm" if largest - smallest < 0.005 else f"{smallest:.2f} × {largest:.2f} mm"
        raise OutOfScopeError(
            f"{card.title} reads images whose {what} lie {low:g} to {high:g} mm apart; here they lie {found} apart."
        )


def _check_mammogram(card: ModelCard, exam: Mammogram) -> None:
    accepts = card.accepts
    wanted = accepts.get("views")
    if wanted and exam.view and exam.view not in wanted:
        raise OutOfScopeError(f"{card.title} reads {' and '.join(wanted)} views; this one is {exam.view}.")
    refused = (
        (exam.is_partial, "partial", "a spot, magnification or other partial view"),
        (exam.has_implant, "implants", "a breast with an implant"),
        (exam.is_for_processing, "for_processing", "raw detector values (FOR PROCESSING)"),
        (exam.is_synthetic, "synthetic", "part of a tomosynthesis or made from one"),
    )
    for is_so, key, what in refused:
        if is_so and not accepts.get(key, True):
            raise OutOfScopeError(f"{card.title} was not made for such an image: it is {what}.")


def _check_dynamic(card: ModelCard, exam: DceExam) -> None:
    accepts, title = card.accepts, card.title
    planes = accepts.get("orientation", sorted(_PLANES))
    if exam.orientation and exam.orientation not in planes:
        raise OutOfScopeError(f"{title} reads {' or '.join(planes)} series; this one is {exam.orientation}.")
    if exam.image.spatial_shape[0] < (least := accepts.get("least_slices", 1)):
        raise OutOfScopeError(f"{title} needs at least {least} slices; this series has {exam.image.spatial_shape[0]}.")
    if accepts.get("needs_pre", True) and exam.pre_index is None:
        raise OutOfScopeError(
            f"{title} needs to know which phase was taken before the contrast agent; the study does not tell.",
            "Choose the pre-contrast phase in the phases dialog.",
        )
    if len(exam.posts) < (least := accepts.get("least_posts", 1)):
        raise OutOfScopeError(f"{title} needs {least} phases after contrast; this series has {len(exam.posts)}.")
    if accepts.get("needs_times") and None in exam.post_seconds:
        raise OutOfScopeError(
            f"{title} needs the times of all phases; the files do not say when they were taken.",
            "Enter the times in the phases dialog.",
        )
    if accepts.get("needs_t2") and exam.t2 is None:
        raise OutOfScopeError(f"{title} needs a T2-weighted volume of the same examination; there is none.")
    if accepts.get("needs_lesions") and not exam.lesions:
        raise OutOfScopeError(
            f"{title} classifies lesions that are given to it; none is marked.",
            "Draw a box, click a lesion, or run a model that finds lesions first.",
        )


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
    if isinstance(exam, Mammogram):
        found += _doubts_of_mammogram(card, exam)
    elif isinstance(exam, MriSlice) and card.accepts.get("contrast") == "post" and exam.is_post_contrast is None:
        found.append(
            "The file does not say whether the slice was taken after the contrast agent; the model expects that."
        )
    if card.accepts.get("fat_suppressed") and not isinstance(exam, Mammogram) and exam.is_fat_suppressed is None:
        found.append("The file does not say whether fat is suppressed; the model expects that.")
    if not isinstance(exam, Mammogram) and not exam.orientation:
        found.append("The file does not say how the image lies in the patient; it was read as it is stored.")
    if not exam.has_spacing:
        found.append("The pixel spacing is unknown, so positions and sizes of findings are not in true millimetres.")
    return tuple(found)


def _doubts_of_mammogram(card: ModelCard, exam: Mammogram) -> list[str]:
    found = list(exam.notes)
    if card.accepts.get("views") and not exam.view:
        found.append(f"The file does not say which view it is; the model expects {' or '.join(card.accepts['views'])}.")
    if card.accepts.get("implants") is False and exam.has_implant is None:
        found.append("The file does not say whether the breast has an implant; the model expects none.")
    return found


def _modalities(card: ModelCard) -> str:
    return " or ".join(card.accepts.get("modality", ["any"]))


def _named(exam_class: str) -> str:
    return EXAMS.get(exam_class, exam_class)
