"""Patients, studies, series, stacks and phases: what a scan finds, as plain values without pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.studies.derived import base_uid

# A note of a dynamic series that the hanging repeats to the user.
ALL_AFTER = (
    "Every phase is named as post-contrast: the pre-contrast one is missing, or has another matrix or place. "
    "Subtractions of these phases show what changes between them, not enhancement."
)


class SeriesKind(StrEnum):
    """How a series is shown and which models may read it."""

    MAMMOGRAM = "mammogram"
    TOMOSYNTHESIS = "tomosynthesis"
    MR = "mr"
    OTHER = "other"


@dataclass(frozen=True)
class Skipped:
    """A file that was not taken, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Frame:
    """One image of a stack: where its pixels are and where it lies in space.

    Attributes
    ----------
    index
        Frame number in the file, from 0.
    position_mm, orientation
        (0020,0032) and (0020,0037); None where the file has none.
    """

    path: Path
    index: int
    sop_instance_uid: str
    instance_number: int | None = None
    position_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, float, float, float, float, float] | None = None


@dataclass(frozen=True)
class Stack:
    """Frames that make one volume or one image, in display order (along the normal where known).

    Attributes
    ----------
    uid
        Stable identity across scans: series UID, or series UID + ``"#"`` + number when a series holds several stacks.
    frame_of_reference_uid
        (0020,0052); for an image without one (a mammogram) its own SOP Instance UID.
    spacing_mm
        Slice, row and column spacing; None where unknown.
    spacing_basis
        ``"patient"``, ``"detector plane"``, ``"magnification-corrected"``, ``"calibrated"``, ``"given by the user"``
        or ``"unknown"``.
    acquired_s
        Acquisition time in seconds since midnight; trigger time is in ``trigger_s``.
    raw
        A mammogram For Processing: detector values, not prepared for viewing.
    technique
        What kind of image of its view a mammogram is, where not the plain one: ``"synthetic 2D"``, ``"projections"``
        (of a tomosynthesis), ``"low energy"``, ``"high energy"``, ``"recombined"``, ``"stereotactic"``.
    notes
        Gaps, duplicates, mixed orientations … sentences for the user.
    weighting
        Of an MR stack: ``"T1"``, ``"T2"`` (and STIR), ``"DWI"``, ``"ADC"``, or "" where not known.
    b_value
        Diffusion b-value in s/mm² (0018,9087); None where there is none.
    fat_suppressed
        Of an MR stack: whether fat is suppressed, by Scan Options (0018,0022); None where that is not told.
    has_implant
        Breast Implant Present (0028,1300) of a mammogram; None where the file does not say.
    """

    uid: str
    series_uid: str
    frames: tuple[Frame, ...]
    rows: int
    columns: int
    frame_of_reference_uid: str
    title: str = ""
    orientation: str = ""
    spacing_mm: tuple[float, float, float] | None = None
    spacing_basis: str = "unknown"
    derived: bool = False
    acquired_s: float | None = None
    trigger_s: float | None = None
    temporal_position: int | None = None
    contrast_agent: str = ""
    transfer_syntax: str = ""
    raw: bool = False
    technique: str = ""
    notes: tuple[str, ...] = ()
    weighting: str = ""
    b_value: float | None = None
    fat_suppressed: bool | None = None
    has_implant: bool | None = None


@dataclass(frozen=True)
class Series:
    """One series (0020,000E) with its stacks."""

    uid: str
    modality: str
    kind: SeriesKind
    number: int | None
    description: str
    stacks: tuple[Stack, ...]
    laterality: str = ""
    view: str = ""
    view_modifiers: tuple[str, ...] = ()
    body_part: str = ""
    manufacturer: str = ""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What a user reads in the browser: ``"R MLO"`` for a mammogram, else the description."""
        side_and_view = f"{self.laterality} {self.view}".strip()
        if self.kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS) and side_and_view:
            return side_and_view
        return self.description or f"{self.modality} series {self.number if self.number is not None else '?'}"


@dataclass(frozen=True)
class Phase:
    """One time point of a dynamic series; ``seconds`` after the first phase, None where the files do not say."""

    stack_uid: str
    seconds: float | None
    label: str


@dataclass(frozen=True)
class Dynamic:
    """A DCE-MRI acquisition: phases in time order and how that order was found.

    Attributes
    ----------
    pre_index
        Which phase is pre-contrast; None where not known.
    key
        The attribute that gave the order, such as ``"Acquisition Time (0008,0032)"``, or ``"set by the user"``.
    pre_reason
        Why that phase is taken as pre-contrast.
    notes
        Warnings: times unknown, brightness disagrees, long pause before the first pass …
    """

    uid: str
    phases: tuple[Phase, ...]
    pre_index: int | None
    key: str
    pre_reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def times_known(self) -> bool:
        """Whether every phase has a time."""
        return all(phase.seconds is not None for phase in self.phases)


@dataclass(frozen=True)
class Study:
    """One study (0020,000D)."""

    uid: str
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    date: str
    time: str
    description: str
    accession: str
    series: tuple[Series, ...]
    dynamics: tuple[Dynamic, ...] = ()

    def stack(self, uid: str) -> Stack:
        """Return the stack with that uid, of a derived image the phase it was made of; KeyError where there is none."""
        return self.series_of(uid)[1]

    def series_of(self, stack_uid: str) -> tuple[Series, Stack]:
        """Return the series and stack of a stack uid, of a derived image its phase; KeyError where there is none."""
        stack_uid = base_uid(stack_uid)
        for series in self.series:
            for stack in series.stacks:
                if stack.uid == stack_uid:
                    return series, stack
        raise KeyError(stack_uid)

    def has(self, uid: str) -> bool:
        """Whether an image, stored or derived, is of this study."""
        uid = base_uid(uid)
        return any(stack.uid == uid for series in self.series for stack in series.stacks)

    def phase_of(self, stack_uid: str) -> tuple[Dynamic, int] | None:
        """Return the dynamic acquisition a stack (or the phase of a derived image) belongs to, and its place in it."""
        stack_uid = base_uid(stack_uid)
        for dynamic in self.dynamics:
            for index, phase in enumerate(dynamic.phases):
                if phase.stack_uid == stack_uid:
                    return dynamic, index
        return None


@dataclass(frozen=True)
class Library:
    """What a scan found: studies in order of patient and date, and every file that was skipped, with its reason."""

    root: Path
    studies: tuple[Study, ...]
    skipped: tuple[Skipped, ...] = ()
    files: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
