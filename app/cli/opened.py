"""Opening of a path on the command line: scan it, choose one stack, load it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.cli.outcome import meter, meter_done
from app.studies.errors import StudyError
from app.studies.study import Library, Stack, Study
from inference.progress import Progress


@contextmanager
def opened(path: Path) -> Iterator[Library]:
    """Scan a path; a zip is unpacked into a folder that is gone afterwards."""
    from app.studies.scan import scan

    if not path.exists():
        raise StudyError(f"There is no file or folder {path}.", "Check the spelling of the path.")
    with tempfile.TemporaryDirectory(prefix="breastlens-") as folder:
        library = scan(path, Progress(meter), unpack_into=Path(folder))
        meter_done()
        yield library


def stacks_named(library: Library, series: str | None) -> list[tuple[Study, Stack]]:
    """Return the stacks that a series UID, stack UID or series number names; all where it is None.

    Raises
    ------
    StudyError
        Where nothing was found at all, or nothing of that name.
    """
    everything = [(study, stack) for study in library.studies for s in study.series for stack in s.stacks]
    if not everything:
        reasons = "; ".join(f"{item.path.name}: {item.reason}" for item in library.skipped[:3])
        raise StudyError(f"No image was found in {library.root}.", reasons or "Choose a folder that holds images.")
    if series is None:
        return everything
    named = [
        (study, stack)
        for study, stack in everything
        if series in (stack.uid, stack.series_uid) or series == str(study.series_of(stack.uid)[0].number)
    ]
    if not named:
        raise StudyError(f"There is no series {series!r} in {library.root}.", "breastlens scan PATH lists the series.")
    return named
