"""Presentation: how stored pixel values become grey on the screen, as the file asks for it. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np


class VoiFunction(StrEnum):
    """VOI LUT Function (0028,1056), DICOM PS3.3 C.11.2.1.3."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class Window:
    """Window centre and width in modality units (0028,1050) and (0028,1051).

    ``origin`` says where it comes from: ``"file"``, ``"preset"``, ``"user"`` or ``"computed"``.
    """

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR
    explanation: str = ""
    origin: str = "file"


@dataclass(frozen=True, eq=False)
class VoiLut:
    """One item of VOI LUT Sequence (0028,3010): ``table[0]`` is for modality value ``first``; output: ``bits`` bits."""

    first: int
    table: np.ndarray
    bits: int
    explanation: str = ""
    origin: str = "file"


Voi = Window | VoiLut


@dataclass(frozen=True)
class Padding:
    """Pixel Padding Value and Range Limit as an inclusive range of *modality* values; black whatever the inversion."""

    low: float
    high: float


@dataclass(frozen=True)
class Presentation:
    """Choices stored in the file, the chosen one, and whether grey is inverted *after* the VOI step.

    Attributes
    ----------
    vois
        Every choice of the file in its order; at least one (computed from the pixels when the file has none).
    chosen
        Index into ``vois``.
    invert
        True for MONOCHROME1 or PresentationLUTShape INVERSE (one inversion, never two).
    padding
        Values that stay black; None where the file has none.
    contradictory
        Whether the file asks for an inversion and against it: MONOCHROME1 with Presentation LUT Shape IDENTITY.
    """

    vois: tuple[Voi, ...]
    chosen: int = 0
    invert: bool = False
    padding: Padding | None = None
    contradictory: bool = False

    @property
    def voi(self) -> Voi:
        """The VOI choice in force."""
        return self.vois[self.chosen]

    def with_voi(self, voi: Voi) -> Presentation:
        """Return the presentation with another VOI in force; the choices of the file stay available."""
        kept = tuple(v for v in self.vois if v.origin != "user")
        for index, known in enumerate(kept):
            if known is voi:
                return replace(self, vois=kept, chosen=index)
        return replace(self, vois=(*kept, voi), chosen=len(kept))

    def inverted(self) -> Presentation:
        """Return the presentation with grey inverted."""
        return replace(self, invert=not self.invert)
