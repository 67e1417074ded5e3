"""Library: the studies that are open, the one on show, and what the user corrected about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app import settings as app_settings
from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.keeping import Keeping
from app.studies.derived import base_uid
from app.studies.study import Dynamic, Library, Skipped, Study

if TYPE_CHECKING:
    from inference.progress import Progress


class OpenStudies(QObject):
    """Every study that was opened, and the current one.

    Attributes
    ----------
    changed
        Studies were added, or what was skipped changed.
    turned
        Another study is the current one, or the same one again: what belongs to it must be brought back. Comes before
        ``study_changed``, which views listen to.
    respaced
        Stack uid whose spacing the user gave: its pixels must be read again.
    closed
        A study that no pane shows any more and whose pixels may go; it stays in the list.
    """

    changed = Signal()
    turned = Signal()
    study_changed = Signal()
    respaced = Signal(str)
    closed = Signal(object)

    def __init__(self, jobs: Jobs, notices: Notices, keeping: Keeping, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.studies: tuple[Study, ...] = ()
        self.skipped: tuple[Skipped, ...] = ()
        self.study: Study | None = None
        self._jobs, self._notices, self._keeping = jobs, notices, keeping
        self._sources: dict[str, Path] = {}
        self._overridden: dict[str, Study] = {}  # other studies than the current one, with what the user corrected
        keeping.opened.connect(self._overridden.clear)

    @property
    def stack_uids(self) -> list[str]:
        """Every stack of the current study."""
        study = self.study
        return [stack.uid for series in study.series for stack in series.stacks] if study is not None else []

    def study_of(self, uid: str) -> Study | None:
        """Return the open study that a stack or derived image belongs to, with the user's corrections; None for none.

        The current study goes before others that hold the same stack.
        """
        stack_uid = base_uid(uid)
        if self.study is not None and _holds(self.study, stack_uid):
            return self.study
        found = next((study for study in self.studies if _holds(study, stack_uid)), None)
        if found is None:
            return None
        if found.uid not in self._overridden:
            self._overridden[found.uid] = self._with_overrides(found)
        return self._overridden[found.uid]

    # -- opening ---------------------------------------------------------------------------------------------------

    def open_paths(self, paths: list[Path], study_uid: str = "") -> None:
        """Scan files, folders, zips or DICOMDIRs in the background, add what is found, and open the first study."""

        def work(progress: Progress) -> list[Library]:
            from app.studies.scan import scan

            into = app_settings.home() / "unpacked"
            parts = [progress.part(n / len(paths), (n + 1) / len(paths)) for n in range(len(paths))]
            return [scan(path, part, unpack_into=into) for path, part in zip(paths, parts, strict=True)]

        self._notices.outdate("opening")
        name = paths[0].name if len(paths) == 1 else f"{len(paths)} items"
        take = lambda libraries: self._take(libraries, study_uid)  # noqa: E731
        failed = lambda error: self._notices.error(f"“{name}” could not be opened", error)  # noqa: E731
        self._jobs.start(Job(f"Reading {name}", work, "scan", take, failed))

    def open_demo(self) -> None:
        """Write the demo studies of fictitious patients where they are not there yet, and open them."""

        def work(progress: Progress) -> list[Path]:
            from app.studies.demo import write_demo

            folder = write_demo(app_settings.home() / "demo", progress)
            return sorted(path for path in folder.iterdir() if path.is_dir())  # a note for people lies beside them

        self._jobs.start(Job("Preparing the demo studies", work, "demo", self.open_paths))

    def _take(self, libraries: list[Library], study_uid: str) -> None:
        found = [study for library in libraries for study in library.studies]
        for library in libraries:
            self._sources.update({study.uid: library.root for study in library.studies})
            for sentence in library.notes:
                self._notices.info(sentence, topic="opening")
        new = {study.uid for study in found}
        self.studies = (*(study for study in self.studies if study.uid not in new), *found)
        self._overridden.clear()
        self.skipped = tuple(one for library in libraries for one in library.skipped)
        self.changed.emit()
        self._tell_skipped(libraries, nothing_found=not found)
        if found:
            self.open_study(study_uid if study_uid in new else _newest(found).uid)

    def _tell_skipped(self, libraries: list[Library], *, nothing_found: bool) -> None:
        if nothing_found:
            where = ", ".join(str(library.root) for library in libraries)
            reason = f"{self.skipped[0].path.name}: {self.skipped[0].reason}" if self.skipped else ""
            self._notices.warn(f"No images were found in {where}", reason, "Choose another folder or file.", "opening")
        elif self.skipped:
            count = len(self.skipped)
            files = "1 file was" if count == 1 else f"{count} files were"
            self._notices.info(
                f"{files} skipped; each is listed with its reason under “Skipped files”.", topic="opening"
            )

    def open_study(self, uid: str) -> None:
        """Make a study the current one."""
        study = next(study for study in self.studies if study.uid == uid)
        self.study = self._with_overrides(study)
        if uid in self._sources:
            self._keeping.remember(self.study, self._sources[uid])
        self.turned.emit()
        self.study_changed.emit()

    def close_study(self) -> None:
        """Show no study; the pixels of the one that was shown leave memory."""
        closed, self.study = self.study, None
        self.turned.emit()
        self.study_changed.emit()
        if closed is not None:
            self.closed.emit(closed)

    def reopen(self) -> None:
        """Open the current study again, now that overrides, boxes and results are at hand."""
        if self.study is not None:
            self.open_study(self.study.uid)

    # -- what the user corrects ------------------------------------------------------------------------------------

    def _with_overrides(self, study: Study) -> Study:
        workspace = self._keeping.workspace
        override = workspace.override(study.uid) if workspace is not None else {}
        if not override:
            return study
        from app.studies.override import apply_overrides

        return apply_overrides(study, override)

    def set_phases(
        self, dynamic: Dynamic, order: Sequence[str], pre: int | None, seconds: Sequence[float | None]
    ) -> None:
        """Keep order, pre-contrast phase and times of a dynamic series as the user said them."""
        from app.studies.override import reorder, with_dynamic

        if self.study is not None:
            self._override(with_dynamic(self.study, reorder(dynamic, order, pre, seconds)))

    def set_spacing(self, stack_uid: str, spacing_mm: Sequence[float]) -> None:
        """Keep the pixel spacing the user gave: (row, column) or (row, column, slice) in mm."""
        from app.studies.override import with_spacing

        if self.study is not None:
            self._override(with_spacing(self.study, stack_uid, spacing_mm), stack_uid)

    def _override(self, study: Study, respaced: str = "") -> None:
        from app.studies.override import overrides_of

        self._keeping.require().save_override(study.uid, overrides_of(study))
        self.study = study
        self._overridden.pop(study.uid, None)
        if respaced:
            self.respaced.emit(respaced)
        self.study_changed.emit()

    def note_dynamic(self, dynamic: Dynamic) -> None:
        """Take up what became known of a dynamic series from its pixels; nothing is hung or read again."""
        from app.studies.override import with_dynamic

        if self.study is not None and any(known.uid == dynamic.uid for known in self.study.dynamics):
            self.study = with_dynamic(self.study, dynamic)
            self.changed.emit()


def _holds(study: Study, stack_uid: str) -> bool:
    return any(stack.uid == stack_uid for series in study.series for stack in series.stacks)


def _newest(studies: Sequence[Study]) -> Study:
    """Return the newest study of the first patient; earlier ones are its priors."""
    first = studies[0]
    same = [one for one in studies if one.patient_id and one.patient_id == first.patient_id]
    return max(same, key=lambda one: (one.date, one.time)) if same else first
