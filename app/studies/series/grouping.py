"""Grouping: frames from many files into patients' studies and series, with duplicates and missing UIDs handled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from app.studies.files import tags
from app.studies.series import mammography, mr, weighting
from app.studies.series.archives import exam_in
from app.studies.series.frames import FrameFacts, synthetic_uid
from app.studies.series.named_views import named_views
from app.studies.series.stacking import StackFacts, stacks_of
from app.studies.study import Series, SeriesKind, Skipped, Stack, Study


def without_duplicates(
    facts: Sequence[FrameFacts],
) -> tuple[tuple[FrameFacts, ...], tuple[Skipped, ...], tuple[str, ...]]:
    """Return the frames without second copies, the copies with their reason, and notes.

    A copy has the SOP Instance UID of another file and the same place, time and numbers. Files that share a UID and
    differ in these were anonymised carelessly: they are kept, under UIDs of their own.
    """
    seen: dict[tuple[object, ...], FrameFacts] = {}
    first_of_uid: dict[str, Path] = {}
    copies: dict[Path, Skipped] = {}
    kept: list[FrameFacts] = []
    reused = 0
    for fact in facts:
        uid, path = fact.frame.sop_instance_uid, fact.frame.path
        identity = _identity(fact)
        if uid and identity in seen and seen[identity].frame.path != path:
            same = seen[identity].frame.path.name
            copies[path] = Skipped(path, f"A copy of {same}: the same image (SOP Instance UID {uid}).")
            continue
        seen[identity] = fact
        if not uid or first_of_uid.setdefault(uid, path) != path:
            reused += bool(uid)
            fact = _with_sop_uid(fact, synthetic_uid(uid, *identity, "" if uid else path.name))
        kept.append(fact)
    notes = (f"{reused} images carry the SOP Instance UID of another image; they are kept apart.",) if reused else ()
    return tuple(kept), tuple(copies.values()), notes


def _identity(fact: FrameFacts) -> tuple[object, ...]:
    frame = fact.frame
    return (
        frame.sop_instance_uid,
        fact.series_uid,
        fact.size,
        tags.integer(fact.header, "NumberOfFrames") or 1,
        frame.index,
        frame.instance_number,
        frame.position_mm,
        fact.temporal_position,
        fact.trigger_s,
        fact.acquired_s,
    )


def _with_sop_uid(fact: FrameFacts, uid: str) -> FrameFacts:
    return replace(fact, frame=replace(fact.frame, sop_instance_uid=uid))


def studies_of(facts: Iterable[FrameFacts], root: Path) -> tuple[Study, ...]:
    """Return the studies of the frames; ``root`` makes UIDs of files without one independent of where they lie."""
    by_study: dict[str, list[FrameFacts]] = {}
    for fact in facts:
        by_study.setdefault(_study_uid(fact, root), []).append(fact)
    return tuple(_study(uid, members, root) for uid, members in by_study.items())


def _study_uid(fact: FrameFacts, root: Path) -> str:
    if exam := exam_in(tags.text(fact.header, "PatientID")):
        return synthetic_uid("study", exam)
    stated = tags.text(fact.header, "StudyInstanceUID")
    if stated:
        return stated
    who = (tags.text(fact.header, keyword) for keyword in ("PatientID", "PatientName", "StudyDate", "StudyDescription"))
    return synthetic_uid("study", *who, _folder(fact, root))


def _series_uid(fact: FrameFacts, root: Path) -> str:
    if fact.series_uid:
        return fact.series_uid
    what = (tags.text(fact.header, keyword) for keyword in ("Modality", "SeriesNumber", "SeriesDescription"))
    return synthetic_uid("series", _study_uid(fact, root), *what, _folder(fact, root))


def _folder(fact: FrameFacts, root: Path) -> str:
    folder = fact.frame.path.parent
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name


def _study(uid: str, facts: Sequence[FrameFacts], root: Path) -> Study:
    header = facts[0].header
    by_series: dict[str, list[FrameFacts]] = {}
    for fact in facts:
        by_series.setdefault(_series_uid(fact, root), []).append(fact)
    series: list[Series] = []
    phases: list[StackFacts] = []
    for series_uid, members in by_series.items():
        found, stacks = _series(series_uid, members)
        series.extend(found)
        phases.extend(stacks)
    return Study(
        uid=uid,
        patient_id=exam_in(tags.text(header, "PatientID")) or tags.text(header, "PatientID"),
        patient_name=exam_in(tags.text(header, "PatientName")) or tags.text(header, "PatientName"),
        birth_date=tags.text(header, "PatientBirthDate"),
        sex=tags.text(header, "PatientSex"),
        date=tags.text(header, "StudyDate"),
        time=tags.text(header, "StudyTime"),
        description=tags.text(header, "StudyDescription"),
        accession=tags.text(header, "AccessionNumber"),
        series=tuple(sorted(named_views(series), key=_by_number)),
        dynamics=mr.dynamics_of(phases),
    )


def _by_number(series: Series) -> tuple[int, str, str]:
    return series.number if series.number is not None else 1 << 31, series.label, series.uid


def _series(uid: str, facts: Sequence[FrameFacts]) -> tuple[list[Series], tuple[StackFacts, ...]]:
    """Return a series; mammograms of several views under one UID become one entry per view and modifiers."""
    kind = mammography.kind_of(facts[0].header)
    stacks = stacks_of(uid, kind, facts)
    notes = (
        ()
        if facts[0].series_uid
        else ("The files have no Series Instance UID; they are grouped by folder and number.",)
    )
    if not tags.text(facts[0].header, "StudyInstanceUID"):
        notes = (*notes, "The files have no Study Instance UID; they are grouped by patient, date and folder.")
    if kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS):
        return _breast_series(uid, kind, stacks, notes), ()
    if kind is SeriesKind.MR:
        stacks = tuple(_titled(stack, stacks) for stack in stacks)
        notes = (*notes, *_calculated_notes(stacks))
        return [_entry(uid, kind, stacks, notes)], stacks
    return [_entry(uid, kind, tuple(_projection(stack) for stack in stacks), notes)], ()


def _titled(stack: StackFacts, of: Sequence[StackFacts]) -> StackFacts:
    """Return the stack numbered among its series' stacks; a name like a subtraction's is a sign that it is one."""
    shown = stack.stack
    title = _title(stack, of)
    if not shown.derived and mr.looks_calculated(shown.title):
        note = (
            f"Taken as calculated from other images because of its name, “{shown.title}”; Image Type does not say so."
        )
        shown = replace(shown, derived=True, notes=(*shown.notes, note))
    kind, b_value = weighting.weighting_of(stack)
    dark = weighting.fat_suppressed_of(stack)
    shown = replace(shown, title=title, weighting=kind, b_value=b_value, fat_suppressed=dark)
    return replace(stack, stack=shown)


def _title(stack: StackFacts, of: Sequence[StackFacts]) -> str:
    """Return the description, with b-value or number where a series holds several stacks."""
    if len(of) == 1:
        return stack.stack.title
    values = [weighting.weighting_of(one)[1] for one in of]
    value = values[of.index(stack)]
    told = value is not None and len(set(values)) == len(values)
    part = f"b {value:.0f}" if told else f"{of.index(stack) + 1} of {len(of)}"
    return f"{stack.stack.title} · {part}".removeprefix(" · ")


def _calculated_notes(stacks: Sequence[StackFacts]) -> tuple[str, ...]:
    if any(stack.stack.derived for stack in stacks):
        return ("Derived images (Image Type or name): kept apart from the acquired phases.",)
    return ()


def _breast_series(uid: str, kind: SeriesKind, stacks: Sequence[StackFacts], notes: tuple[str, ...]) -> list[Series]:
    groups: dict[tuple[str, ...], list[StackFacts]] = {}
    for stack in stacks:
        header = stack.first.header
        side = stack.first.laterality or mammography.laterality_of(header)
        key = (side, mammography.view_of(header), *mammography.modifiers_of(header))
        groups.setdefault(key, []).append(_breast_image(stack, kind))
    for members in groups.values():  # processed before raw
        members.sort(key=lambda stack: stack.stack.raw)
    if len(groups) == 1:
        return [_entry(uid, kind, next(iter(groups.values())), notes)]
    return [_entry(f"{uid}#{'-'.join(part or '?' for part in key)}", kind, groups[key], notes) for key in groups]


def _breast_image(stack: StackFacts, kind: SeriesKind) -> StackFacts:
    header, shown = stack.first.header, stack.stack
    side = stack.first.laterality or mammography.laterality_of(header)
    words = (side, mammography.view_of(header), *mammography.modifiers_of(header))
    technique = mammography.technique_of(header)
    title = " ".join(word for word in (*words, technique) if word) or shown.title
    notes = shown.notes
    raw = mammography.is_raw(header)
    if raw:
        title, notes = f"{title} (raw)", (*notes, "For Processing: raw detector values, not prepared for viewing.")
    if not side:
        notes = (*notes, "The file does not say which breast this is.")
    if not mammography.view_of(header):
        notes = (*notes, "The file does not say which view this is.")
    implant = mammography.implant_of(header)
    shown = replace(shown, title=title, raw=raw, technique=technique, notes=notes, has_implant=implant)
    if kind is SeriesKind.MAMMOGRAM:
        shown = replace(shown, frame_of_reference_uid=stack.first.frame.sop_instance_uid)
    return _projection(replace(stack, stack=shown))


def _projection(stack: StackFacts) -> StackFacts:
    """Give a projection image the spacing its header means; volumes keep theirs."""
    shown = stack.stack
    if shown.spacing_basis == "patient":
        return stack
    spacing, basis, notes = mammography.spacing_of(stack.first.header)
    if spacing is None and shown.spacing_mm is not None:  # tomosynthesis: pixel measures without a position
        spacing, basis, notes = shown.spacing_mm[1:], "patient", ()
    across = shown.spacing_mm[0] if shown.spacing_mm is not None else 1.0
    known = None if spacing is None else (across, *spacing)
    return replace(stack, stack=replace(shown, spacing_mm=known, spacing_basis=basis, notes=(*shown.notes, *notes)))


def _entry(uid: str, kind: SeriesKind, stacks: Sequence[StackFacts], notes: tuple[str, ...]) -> Series:
    header = stacks[0].first.header
    breast = kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS)
    shown: tuple[Stack, ...] = tuple(stack.stack for stack in stacks)
    return Series(
        uid=uid,
        modality=tags.text(header, "Modality").upper(),
        kind=kind,
        number=tags.integer(header, "SeriesNumber"),
        description=tags.text(header, "SeriesDescription") or tags.text(header, "ProtocolName"),
        stacks=shown,
        laterality=stacks[0].first.laterality or mammography.laterality_of(header),
        view=mammography.view_of(header) if breast else "",
        view_modifiers=mammography.modifiers_of(header) if breast else (),
        body_part=tags.text(header, "BodyPartExamined"),
        manufacturer=tags.text(header, "Manufacturer"),
        notes=notes,
    )
