"""Hanging: which images go into which pane when a study opens, as pure functions of what the scan found."""

from __future__ import annotations

from app.studies.hanging.mammography import mammograms_of, mammography_steps
from app.studies.hanging.mri import mri_steps
from app.studies.hanging.plain import hang_plainly
from app.studies.hanging.priors import priors
from app.studies.hanging.types import Hanging, Slot
from app.studies.study import SeriesKind, Study

__all__ = ["Hanging", "Slot", "hang", "modality_of", "priors", "steps"]


def steps(study: Study, prior: Study | None = None) -> tuple[Hanging, ...]:
    """Return the steps of the hanging protocol of a study; the first is the overview.

    Parameters
    ----------
    prior
        An earlier exam of the same patient, shown below the current one, matched view by view.
    """
    if mammograms_of(study):
        return mammography_steps(study, prior)
    if any(series.kind is SeriesKind.MR for series in study.series):
        return mri_steps(study)
    return (hang_plainly(study),)


def hang(study: Study) -> Hanging:
    """Return the overview of a study."""
    return steps(study)[0]


def modality_of(study: Study) -> str:
    """Return what the remembered layout is kept under: ``"mammography"``, ``"mri"`` or ``"other"``."""
    if mammograms_of(study):
        return "mammography"
    return "mri" if any(series.kind is SeriesKind.MR for series in study.series) else "other"
