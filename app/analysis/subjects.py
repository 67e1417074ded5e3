"""Subjects: what one run of a model reads of a study: one slice, one mammogram, or a whole dynamic examination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.studies.derived import base_uid
from app.studies.hanging.sides import breasts_of
from app.studies.series.views import is_mammographic, view_label_of
from app.studies.study import Dynamic, Series, SeriesKind, Stack, Study

if TYPE_CHECKING:
    from inference.card import ModelCard

WHOLE = -1
"""Slice index of a result that speaks of a whole examination."""
_MODALITY_LETTERS = 2


@dataclass(frozen=True)
class Subject:
    """What one run reads.

    Attributes
    ----------
    stack_uid, slice_index
        Where its result is kept: the stored stack and its native slice from 0; of a whole examination its first phase
        after contrast (the first phase where the pre-contrast one is not known) and :data:`WHOLE`.
    title
        What the user reads, such as ``"R MLO"`` or ``"DCE-MRI, 5 phases"``.
    """

    study: Study
    stack_uid: str
    slice_index: int
    title: str

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole examination."""
        return self.slice_index == WHOLE

    @property
    def dynamic(self) -> Dynamic:
        """The dynamic series of a whole examination; KeyError for a single image."""
        place = self.study.phase_of(self.stack_uid) if self.is_whole else None
        if place is None:
            raise KeyError(self.stack_uid)
        return place[0]


def exam_wanted(card: ModelCard) -> str:
    """Return the class of exam a card reads, by its name in :mod:`inference.exam`."""
    return str(card.accepts.get("exam", "MriSlice"))


def modality_of(series: Series) -> str:
    """Return the DICOM modality, or ``""`` for a research format, which has none."""
    return series.modality if series.modality.isalpha() and len(series.modality) == _MODALITY_LETTERS else ""


def is_unnamed(series: Series) -> bool:
    """Whether a picture in a research format tells neither by header nor by name what it shows."""
    return series.kind is SeriesKind.OTHER and not modality_of(series) and not is_mammographic(series)


def whole_subject(study: Study, dynamic: Dynamic) -> Subject:
    """Return a dynamic series as the subject of a model that reads whole examinations."""
    after = 0 if dynamic.pre_index is None else dynamic.pre_index + 1
    anchor = dynamic.phases[after if after < len(dynamic.phases) else 0].stack_uid
    sides = {"R": ", right breast", "L": ", left breast"}
    side = sides.get(side_of(study, anchor), "")
    return Subject(study, anchor, WHOLE, f"DCE-MRI, {len(dynamic.phases)} phases{side}")


def whole_subjects(study: Study) -> tuple[Subject, ...]:
    """Return every dynamic series of a study as a subject."""
    return tuple(whole_subject(study, dynamic) for dynamic in study.dynamics)


def side_of(study: Study, stack_uid: str) -> str:
    """Return ``"L"`` or ``"R"`` where an MR volume shows one breast, ``""`` for both or where it is not told."""
    found = breasts_of(*study.series_of(stack_uid))
    return found[0].side if len(found) == 1 else ""


def image_subject(study: Study, stack: Stack, slice_index: int) -> Subject:
    """Return one slice or one mammogram as a subject."""
    series, _ = study.series_of(stack.uid)
    title = view_label_of(series, stack) if is_mammographic(series) else stack.title or series.label
    if len(stack.frames) > 1:
        title = f"{title}, slice {slice_index + 1}"
    return Subject(study, stack.uid, slice_index, title)


def subject_for(card: ModelCard, study: Study, stack_uid: str, slice_index: int) -> Subject | None:
    """Return what a model would read of the image a user looks at.

    A model of whole examinations reads the one whose phase is on show. None where the image is of another kind than the
    card reads; :func:`app.analysis.refusal_for` has the sentence.

    Parameters
    ----------
    stack_uid
        Of a stored stack, or of a derived image, which stands for the phase it was made of.
    slice_index
        Native slice from 0.
    """
    uid, wanted = base_uid(stack_uid), exam_wanted(card)
    if wanted == "DceExam":
        place = study.phase_of(uid)
        return None if place is None else whole_subject(study, place[0])
    series, stack = study.series_of(uid)
    fits = is_mammographic(series) == (wanted == "Mammogram") or is_unnamed(series)
    return image_subject(study, stack, slice_index) if fits else None
