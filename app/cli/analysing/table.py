"""Table: what was read of all studies, a row for each model and image or series, and what was not."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from app.cli.analysing.reading import Read, ReadStudy
from inference.result import Score, Status

WIDEST = 44  # characters of a column


@dataclass(frozen=True)
class Row:
    """One line of the table; ``seconds`` are those of the computation, whenever it was done."""

    patient: str
    study: str
    model: str
    subject: str
    status: str
    scores: str
    grade: str
    seconds: str
    run: str


def rows_of(found: ReadStudy) -> list[Row]:
    """Return the rows of a study: images that were read, then reasons for what was not."""
    groups: dict[tuple[str, str, bool], list[Read]] = {}
    for read in found.reads:
        several = (read.result.provenance.model_id, read.subject.stack_uid, read.subject.is_whole)
        groups.setdefault(several, []).append(read)
    rows = [_row(found, group) for group in groups.values()]
    for reasons, status in ((found.refused, "out of scope"), (found.failed, "failed")):
        rows += [_other(found, model, why, status) for model, why in dict.fromkeys(reasons)]
    return rows


def _named(found: ReadStudy) -> tuple[str, str]:
    study = found.study
    return study.patient_id or "no id", " ".join(part for part in (study.date, study.description) if part) or study.uid


def _row(found: ReadStudy, group: Sequence[Read]) -> Row:
    top = max(group, key=lambda read: read.suspicion)
    positive = sum(read.result.status is Status.FINDINGS for read in group)
    status, subject = top.result.status.value, top.subject.title
    if len(group) > 1:
        status = f"findings on {positive} of {len(group)}" if positive else f"no finding on {len(group)}"
        subject = f"{subject} (highest score)"
    seconds = sum(sum(read.result.provenance.seconds.values()) for read in group)
    return Row(
        *_named(found),
        model=top.result.provenance.model_id,
        subject=subject,
        status=status,
        scores=", ".join(_score(score) for score in top.result.scores),
        grade=", ".join(f"{one.title} {one.value}" for one in top.result.grades),
        seconds=f"{seconds:.1f}",
        run="before" if all(read.before for read in group) else "now",
    )


def _score(score: Score) -> str:
    return f"{score.name}{f' ({score.subject})' if score.subject else ''} {score.value:.2f}"


def _other(found: ReadStudy, model: str, why: str, status: str) -> Row:
    return Row(*_named(found), model, why, status, "", "", "", "")


def text(rows: Sequence[Row]) -> str:
    """Return the table as text; reasons stand below it, since they are sentences."""
    names = [field.name for field in fields(Row)]
    read = [row for row in rows if row.seconds]
    lines = []
    if read:
        cells = [names, *([_short(cell) for cell in astuple(row)] for row in read)]
        widths = [max(len(line[n]) for line in cells) for n in range(len(names))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
        ]
    lines += [f"{row.status}: {row.patient}, {row.model}: {row.subject}" for row in rows if not row.seconds]
    return "\n".join(lines)


def _short(cell: str) -> str:
    return cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…"


def csv_text(rows: Sequence[Row]) -> str:
    """Return the table as CSV."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow([field.name for field in fields(Row)])
    writer.writerows(astuple(row) for row in rows)
    return made.getvalue()
