"""Browse: the rows of the study browser, worked out from what a scan found. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass

from app.studies.hanging.mammography import mammograms_of
from app.studies.hanging.sides import breasts_of
from app.studies.study import Dynamic, Series, Stack, Study
from app.ui.wording import day, person_name, phase_title, series_title, stack_summary


@dataclass(frozen=True)
class Row:
    """One row: ``kind`` is patient, study, dynamic or stack; ``uid`` is that of the study, dynamic or stack."""

    kind: str
    title: str
    subtitle: str = ""
    uid: str = ""
    study_uid: str = ""
    tip: str = ""
    children: tuple[Row, ...] = ()


def browser_rows(studies: tuple[Study, ...]) -> tuple[Row, ...]:
    """Return patients → studies → dynamic acquisitions and stacks."""
    patients: dict[tuple[str, str], list[Study]] = {}
    for study in studies:
        patients.setdefault((study.patient_id, study.patient_name), []).append(study)
    return tuple(_patient(*who, theirs) for who, theirs in patients.items())


def _patient(patient_id: str, name: str, studies: list[Study]) -> Row:
    title = person_name(name) or patient_id or "No patient name"
    newest_first = sorted(studies, key=lambda study: (study.date, study.time), reverse=True)
    subtitle = patient_id if title != patient_id else ""
    earlier = _earlier_mammograms(newest_first) if patient_id or name else set()
    rows = tuple(_study(study, prior=study.uid in earlier) for study in newest_first)
    return Row("patient", title, subtitle, children=rows)


def _earlier_mammograms(newest_first: list[Study]) -> set[str]:
    """Return the uids of the mammography exams of a patient but the latest one: they hang as priors."""
    dated = [study for study in newest_first if study.date and mammograms_of(study)]
    return {study.uid for study in dated if study.date < dated[0].date}


def _study(study: Study, *, prior: bool) -> Row:
    modalities = "/".join(dict.fromkeys(series.modality for series in study.series if series.modality))
    title = study.description or f"{modalities or 'Images'} study"
    said = (day(study.date), modalities if study.description else "", "prior" if prior else "")
    subtitle = " · ".join(part for part in said if part)
    rows = (*(_dynamic(study, dynamic) for dynamic in study.dynamics), *_stacks_outside(study))
    tip = f"{title}\n{subtitle}\nAn earlier exam: J hangs it below the latest one." if prior else ""
    return Row("study", title, subtitle, study.uid, study.uid, tip, children=rows)


def _dynamic(study: Study, dynamic: Dynamic) -> Row:
    phases = tuple(
        _stack(study, *study.series_of(phase.stack_uid), title=phase_title(study, study.stack(phase.stack_uid)))
        for phase in dynamic.phases
    )
    pre = f"Pre-contrast: {dynamic.pre_reason}" if dynamic.pre_reason else ""
    made = _subtractions(dynamic)
    offered = f"\nWith {made}: Shift+S on a phase, or Q for the next step." if made else ""
    tip = f"Phases ordered by {dynamic.key}. {pre}{offered}\n" + "\n".join(dynamic.notes)
    times = "times unknown" if not dynamic.times_known else ""
    said = (f"{len(phases)} phases", made, times, f"by {dynamic.key.split(' (')[0]}")
    subtitle = " · ".join(part for part in said if part)
    (breast, *further) = breasts_of(*study.series_of(dynamic.phases[0].stack_uid))
    title = f"{breast.side} dynamic series" if breast.side and not further else "Dynamic series"
    return Row("dynamic", title, subtitle, dynamic.uid, study.uid, tip.strip(), phases)


def _subtractions(dynamic: Dynamic) -> str:
    """Return how many subtractions a dynamic series offers, "" for none."""
    count = len(dynamic.phases) - 1 - (dynamic.pre_index or 0)
    return "" if count < 1 else "1 subtraction" if count == 1 else f"{count} subtractions"


def _stacks_outside(study: Study) -> list[Row]:
    """Return the stacks that are no phase of a dynamic acquisition."""
    return [
        _stack(study, series, stack)
        for series in study.series
        for stack in series.stacks
        if study.phase_of(stack.uid) is None
    ]


def _stack(study: Study, series: Series, stack: Stack, title: str = "") -> Row:
    name = title or series_title(series)
    if not title and len(series.stacks) > 1 and stack.title and stack.title not in name:
        name = f"{name} · {stack.title.removeprefix(series.label).removeprefix(' · ')}"
    tip = "\n".join((series.description or name, *series.notes, *stack.notes))
    return Row("stack", name, stack_summary(series, stack), stack.uid, study.uid, tip)
