"""Pixels for models: what is in memory where it is, else read again; motion-corrected where a correction is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.analysis import Load, Subject
from app.studies.derived import Derived, DerivedKind
from app.studies.recipe import make

if TYPE_CHECKING:
    from app.session.images import Images
    from app.studies.load import LoadedStack
    from inference.prepare.register import Correction
    from inference.progress import Progress


def load_for(images: Images, subject: Subject) -> Load:
    """Return how a model that runs in another thread gets its pixels; nothing is held before it runs.

    A phase of a whole examination is the motion-corrected one where its correction to the pre-contrast phase is in use,
    as in curves and subtractions; a single image is always the stored one.
    """
    study = subject.study
    corrections = _corrections(images, subject) if subject.is_whole else {}
    derived_of = {derived.of: derived for derived in corrections}

    def stored(uid: str, progress: Progress) -> LoadedStack:
        from app.studies.load import load_stack

        there = images.memory.shelf.peek(uid)
        return load_stack(study, uid, progress) if there is None else there

    def load(uid: str, progress: Progress) -> LoadedStack:
        derived = derived_of.get(uid)
        if derived is None:
            return stored(uid, progress)
        there = images.memory.shelf.peek(derived.uid)
        if there is not None:
            return there
        sources = stored(uid, progress.part(0, 0.4)), stored(derived.reference, progress.part(0.4, 0.7))
        return make(study, derived.uid, sources, corrections[derived], progress=progress.part(0.7, 1))

    return load


def _corrections(images: Images, subject: Subject) -> dict[Derived, Correction]:
    """Return the corrections in use, by the image that each makes."""
    dynamic = subject.dynamic
    pre = dynamic.phases[dynamic.pre_index or 0].stack_uid
    found = {}
    for phase in dynamic.phases:
        correction = images.correction(phase.stack_uid, pre) if phase.stack_uid != pre else None
        if correction is not None:
            found[Derived(DerivedKind.CORRECTED, phase.stack_uid, pre)] = correction
    return found
