"""Recipe: which images a derived image is made from, what it is called, and making it. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.studies.derived import Derived, DerivedKind, parse
from app.studies.errors import StudyError
from app.studies.study import Study

if TYPE_CHECKING:
    from app.studies.dynamic_windows import DynamicWindows
    from app.studies.load import LoadedStack
    from inference.prepare.register import Correction
    from inference.progress import Progress


def sources_of(uid: str) -> tuple[str, ...]:
    """Return the uids of the images that a derived image is made from, which may be derived; () for a stored stack."""
    derived = parse(uid)
    if derived is None:
        return ()
    if derived.kind is DerivedKind.SUBTRACTION and derived.motion_corrected:
        return Derived(DerivedKind.CORRECTED, derived.of, derived.reference).uid, derived.reference
    return derived.of, derived.reference


def is_corrected(uid: str) -> bool:
    """Whether an image is, or is made from, a motion-corrected phase."""
    derived = parse(uid)
    return derived is not None and (derived.kind is DerivedKind.CORRECTED or derived.motion_corrected)


def title_of(study: Study, uid: str) -> str:
    """Return what a derived image is called: ``"Subtraction post 1 − pre"``, ``"Post 1, motion-corrected"``."""
    derived = parse(uid)
    if derived is None:
        return study.series_of(uid)[0].label
    of = _label(study, derived.of)
    if derived.kind is DerivedKind.CORRECTED:
        return f"{of.capitalize()}, motion-corrected"
    return f"Subtraction {of} − {_label(study, derived.reference)}"


def _label(study: Study, uid: str) -> str:
    place = study.phase_of(uid)
    return study.series_of(uid)[0].label if place is None else place[0].phases[place[1]].label


def make(
    study: Study,
    uid: str,
    sources: Sequence[LoadedStack],
    correction: Correction | None,
    windows: DynamicWindows | None = None,
    progress: Progress | None = None,
) -> LoadedStack:
    """Make a derived image.

    Parameters
    ----------
    sources
        In the order of :func:`sources_of`.
    correction
        How ``of`` moved against ``reference``; only a motion-corrected phase needs it.
    windows
        Give all subtractions of a dynamic series the same window.

    Raises
    ------
    StudyError
        Where the sources do not fit together, or no correction is there.
    """
    from app.studies import derive

    derived = parse(uid)
    assert derived is not None
    title = title_of(study, uid)
    of, reference = sources
    if derived.kind is DerivedKind.SUBTRACTION:
        shared = windows.of_subtraction(study, uid, sources) if windows is not None else ()
        return derive.subtract(of, reference, uid, title, motion_corrected=derived.motion_corrected, windows=shared)
    if correction is None:
        raise StudyError(
            f"{_label(study, derived.of).capitalize()} has not been registered to "
            f"{_label(study, derived.reference)} yet, so there is no motion-corrected image of it.",
            "Start the motion correction (Ctrl+M), or show the subtraction without it.",
        )
    return derive.corrected(of, reference, correction, uid, title, progress)
