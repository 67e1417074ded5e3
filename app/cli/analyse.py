"""``breastlens analyse``: runs models on many studies; writes JSON, pictures, masks, a table; can be resumed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.analysing import chosen, table
from app.cli.analysing.document import write_study
from app.cli.analysing.reading import Given, ReadStudy, read_study
from app.cli.analysing.records import folder_name
from app.cli.arguments import RESEARCH_USE
from app.cli.opened import opened, stacks_named
from app.cli.outcome import complain, meter, meter_done
from app.settings import workspace_folder
from app.studies.errors import StudyError
from app.studies.override import apply_overrides
from app.studies.study import Study
from app.workspace.box import Box
from app.workspace.files import write_atomically
from app.workspace.store import Workspace

TABLE = "table.csv"


class Batch:
    """The studies of one call: read one after the other, each written before the next is begun."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._cards = chosen.models(options.model)
        self.rows: list[table.Row] = []
        self.documents: list[dict[str, Any]] = []
        self.empty: list[str] = []
        self.broken = False
        self._done: set[str] = set()

    def read(self, path: Path, workspace: Workspace | None) -> None:
        """Read every study in a path; of studies that come twice the first is read."""
        with opened(path) as library:
            stacks_named(library, self._options.series)  # says so where nothing is there
            given = Given(self._cards, self._options, library.root, _boxes_of(workspace))
            for n, scanned in enumerate(library.studies, 1):
                if scanned.uid in self._done:
                    continue
                self._done.add(scanned.uid)
                study = apply_overrides(scanned, workspace.override(scanned.uid)) if workspace else scanned
                self._study(study, given, f"{path.name} {n} of {len(library.studies)}: ")

    def _study(self, study: Study, given: Given, prefix: str) -> None:
        folder = self._options.out / folder_name(study)
        found = read_study(study, folder, given, lambda share, text: meter(share, prefix + text))
        rows = table.rows_of(found)
        self.rows += rows
        self.broken |= bool(found.failed)
        if found.reads:
            self.documents.append({"folder": folder.name, **write_study(found, folder)})
        else:
            self.empty.append(_why_empty(found))
        write_atomically(self._options.out / TABLE, b"\xef\xbb\xbf" + table.csv_text(self.rows).encode())

    @property
    def status(self) -> int:
        """Exit status."""
        return 1 if self.broken or self.empty or not self.documents else 0


def run(options: argparse.Namespace) -> int:
    """Analyse every study in the paths; see the parser for the exit status."""
    batch = Batch(options)
    missing = [path for path in options.studies if not path.exists()]
    if missing:
        raise StudyError(f"There is no file or folder {missing[0]}.", "Check the spelling of the path.")
    try:
        with _workspace(options) as workspace:
            for path in options.studies:
                _read(batch, path, workspace, alone=len(options.studies) == 1)
    except KeyboardInterrupt:
        meter_done()
        _tell(batch, options)
        sys.stderr.write("Interrupted. Start the same command again to go on where it was.\n")
        return 130
    meter_done()
    _tell(batch, options)
    if not batch.documents:
        return complain(f"The models could read nothing in {_list(options.studies)}.", "; ".join(batch.empty))
    return batch.status


def _read(batch: Batch, path: Path, workspace: Workspace | None, *, alone: bool) -> None:
    """Read a path; of several, one that cannot be read is told and the others are read."""
    try:
        batch.read(path, workspace)
    except StudyError as error:
        if alone:
            raise
        batch.broken = True
        meter_done()
        complain(f"{path}: {error}", error.hint)


def _tell(batch: Batch, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps({"statement": RESEARCH_USE, "studies": batch.documents}, indent=2))
    elif batch.rows:
        print(table.text(batch.rows))
        print(f"{RESEARCH_USE} Results: {options.out}, a folder per study; table: {options.out / TABLE}")


def _why_empty(found: ReadStudy) -> str:
    reasons = dict.fromkeys(why for _, why in (*found.failed, *found.refused))
    return f"{found.study.patient_id or found.study.uid}: {' '.join(reasons) or 'there is no image a model reads.'}"


def _list(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in paths)


@contextmanager
def _workspace(options: argparse.Namespace) -> Iterator[Workspace | None]:
    """Open the workspace where it is asked for."""
    if not options.workspace:
        yield None
        return
    folder = workspace_folder()
    if not (folder / "workspace.sqlite").exists():
        raise StudyError(f"There is no workspace in {folder}.", "Leave --workspace out, or open the window first.")
    with Workspace.open(folder) as workspace:
        yield workspace


def _boxes_of(workspace: Workspace | None) -> Callable[[str], tuple[Box, ...]]:
    return workspace.boxes if workspace is not None else lambda _: ()
