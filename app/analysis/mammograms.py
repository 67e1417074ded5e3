"""Mammograms: presented grey as the panes show it, background, and what the header says about the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.analysis.subjects import modality_of
from app.studies.breast_outline import outline_of
from app.studies.breast_region import REDUCED_PX
from app.studies.series.views import side_and_view
from app.studies.study import Series, SeriesKind, Stack
from inference.errors import OutOfScopeError
from inference.exam import Mammogram
from viewer.windowing import render_grey16

if TYPE_CHECKING:
    from highdicom import Volume

    from app.analysis.exams import Image
    from viewer.presentation import Presentation

# View modifiers (PS3.16 CID 4015, letters of app.studies.series.mammography) under which only a part of the breast is
# shown: cleavage, axillary tail, axillary tissue, magnification, spot, tangential, infra-mammary fold.
_PARTIAL = frozenset(("CV", "AT", "AX", "M", "S", "TAN", "IMF"))
_PARTIAL_WORDS = ("spot", "magnif", "tangential", "specimen", "biopsy")
_PARTIAL_TECHNIQUES = frozenset(("stereotactic",))
_IMPLANT_DISPLACED = "ID"
_SYNTHETIC = frozenset(("synthetic 2D", "projections"))
_CONTRAST = frozenset(("high energy", "recombined"))


def mammogram_exam(series: Series, loaded: Image, slice_index: int) -> Mammogram:
    """Return a mammogram as a model is given it.

    Raises
    ------
    OutOfScopeError
        For the high-energy and recombined images of contrast mammography, which are no mammograms in grey.
    """
    stack = loaded.stack
    if stack.technique in _CONTRAST:
        raise OutOfScopeError(
            f"This is a {stack.technique} image of contrast mammography, which no model here was made for.",
            "Choose the low-energy image of the same view.",
        )
    image = loaded.volume[slice_index : slice_index + 1]
    padding = background(image, loaded.presentation)
    shown, notes = as_told_by_the_picture(presented(image, loaded.presentation), padding, loaded.presentation)
    return Mammogram(
        image=shown,
        background=padding,
        notes=notes,
        modality=modality_of(series),
        has_spacing=loaded.spacing_known,
        **stated(series, stack),
    )


def stated(series: Series, stack: Stack) -> dict[str, Any]:
    """Return what the headers say of a mammogram, as fields of :class:`inference.exam.Mammogram`."""
    side, view = side_and_view(series)
    displaced = _IMPLANT_DISPLACED in series.view_modifiers
    return {
        "laterality": side if side in ("L", "R") else "",
        "view": view,
        "is_partial": is_partial(series, stack),
        "has_implant": True if displaced else stack.has_implant,
        "is_for_processing": stack.raw,
        "is_synthetic": series.kind is SeriesKind.TOMOSYNTHESIS or stack.technique in _SYNTHETIC,
    }


def is_partial(series: Series, stack: Stack) -> bool:
    """Whether a view shows a part of the breast only, by its coded modifiers, their words, or how it was taken."""
    words = " ".join(series.view_modifiers).lower()
    return (
        bool(_PARTIAL & set(series.view_modifiers))
        or any(word in words for word in _PARTIAL_WORDS)
        or side_and_view(series)[1] == "SPECIMEN"
        or stack.technique in _PARTIAL_TECHNIQUES
    )


def presented(image: Volume, presentation: Presentation | None) -> Volume:
    """Return the grey of an image: the file's first VOI, inverted once where asked; uint16 over the full range.

    Where the file has no VOI, a pane shows all but the outermost percentiles; a model is given all values, so that the
    brightest are told apart. A colour image comes back as it is, for the engine to refuse, and so does a sketch, which
    has no presentation.
    """
    if presentation is None or image.array.ndim != 3:
        return image
    if presentation.voi.origin == "computed":
        from app.studies.pixels.voi import full_window

        presentation = replace(presentation, vois=(full_window(image.array, presentation.padding),), chosen=0)
    return image.with_array(render_grey16(image.array, presentation, colour=False))


def as_told_by_the_picture(
    image: Volume, padding: np.ndarray | None, presentation: Presentation | None
) -> tuple[Volume, tuple[str, ...]]:
    """Return grey with dark air where a file contradicts itself about it, and a sentence where it was inverted."""
    if presentation is None or not presentation.contradictory or image.array.ndim != 3 or image.array.dtype.kind != "u":
        return image, ()
    grey = image.array[0]
    step = max(1, max(grey.shape) // REDUCED_PX)
    outline = outline_of(
        grey[::step, ::step], padding[::step, ::step] if padding is not None else None, bright_air=False, oblique=False
    )
    if outline is None or outline.bright:
        return image, ()
    inverted = np.iinfo(grey.dtype).max - grey
    if padding is not None:
        inverted[padding] = 0
    return image.with_array(inverted[None]), (
        "The file contradicts itself (MONOCHROME1 with Presentation LUT Shape IDENTITY) and its picture shows bright "
        "air, so the model was given it inverted.",
    )


def background(image: Volume, presentation: Presentation | None) -> np.ndarray | None:
    """Return where the file says there is no image (Pixel Padding Value), bool (rows, columns); None without one."""
    padding = presentation.padding if presentation is not None else None
    if padding is None or image.array.ndim != 3:
        return None
    values = np.asarray(image.array[0])
    return (values >= padding.low) & (values <= padding.high)
