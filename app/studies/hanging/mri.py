"""Hanging of breast MRI: pre | first post | subtraction | its projection; time, planes and other series as steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.studies.derived import Derived, DerivedKind, base_uid
from app.studies.hanging import companions
from app.studies.hanging.plain import hang_plainly
from app.studies.hanging.sides import Breast, breasts_of, partner_of, side_note
from app.studies.hanging.types import Hanging, Slot
from app.studies.study import ALL_AFTER, Dynamic, SeriesKind, Stack, Study

LAYOUTS = ((1, "1"), (2, "1x2"), (3, "1x3"), (4, "2x2"), (6, "2x3"), (8, "2x4"), (10, "2x5"), (12, "3x4"), (15, "3x5"))
MOST = 20
PLANES = ("axial", "sagittal", "coronal")


def mri_steps(study: Study) -> tuple[Hanging, ...]:
    """Return the steps of an MRI exam; the first is the overview."""
    dynamics = _best_first(study)
    if not dynamics:
        return _without_dynamic(study)
    rows = _rows_of(study, dynamics)
    hung = {row.dynamic.uid for row in rows}
    beside = companions.slots_of(study, rows[0].first)
    steps = [_overview(rows, beside), *_steps_of(rows)]
    if beside:
        steps.insert(_after_subtractions(steps), _beside(rows[0], beside))
    for number, dynamic in enumerate((one for one in dynamics if one.uid not in hung), start=2):
        further = [Row(study, dynamic, breast) for breast in breasts_of(*study.series_of(dynamic.phases[0].stack_uid))]
        steps += [replace(step, name=f"{step.name}, dynamic {number}") for step in _main_steps(further)]
    return (*steps, *_left_over(study, steps))


@dataclass(frozen=True)
class Row:
    """A dynamic series, or one breast of it."""

    study: Study
    dynamic: Dynamic
    breast: Breast
    linked: str = ""  # not empty where another row shows the other breast

    @property
    def first(self) -> Stack:
        """The first phase."""
        return self.study.stack(self.dynamic.phases[0].stack_uid)

    @property
    def pre(self) -> int:
        """The phase that is subtracted: the pre-contrast one, or the first where that is not known."""
        return self.dynamic.pre_index or 0

    @property
    def posts(self) -> range:
        """The phases after it."""
        return range(self.pre + 1, len(self.dynamic.phases))

    def phase(self, index: int, *, follows: bool = False) -> Slot:
        """Show a phase."""
        phase = self.dynamic.phases[index]
        return self._slot(phase.stack_uid, phase.label, follows)

    def subtraction(self, index: int, *, projected: bool = False, follows: bool = False) -> Slot:
        """Show a phase minus the pre-contrast phase, or the projection of that."""
        phase, reference = self.dynamic.phases[index], self.dynamic.phases[self.pre]
        uid = Derived(DerivedKind.SUBTRACTION, phase.stack_uid, reference.stack_uid).uid
        slot = self._slot(uid, f"subtraction {'MIP ' if projected else ''}{phase.label}", follows)
        return replace(slot, slab=self.breast.slab) if projected else slot

    def _slot(self, uid: str, what: str, follows: bool) -> Slot:
        title = f"{self.breast.side} {what[:1].upper()}{what[1:]}".strip()
        return Slot(uid, title, follows=follows, start_mm=self.breast.start_mm, link=self.linked)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before trusting the subtraction."""
        said = [side_note(*self.study.series_of(self.dynamic.phases[0].stack_uid))]
        if ALL_AFTER in self.dynamic.notes:
            said.append(ALL_AFTER)
        elif self.dynamic.pre_index is None:
            said.append(
                "Which phase is before contrast is not known: the first is subtracted. Set it under “Dynamic phases”."
            )
        elif not self.posts:
            said.append("No phase after the pre-contrast one was found: there is nothing to subtract.")
        return tuple(sentence for sentence in said if sentence)


# --- which dynamic series hang -----------------------------------------------------------------------------------


def _best_first(study: Study) -> list[Dynamic]:
    """Acquired before calculated, more phases before fewer; of equal ones the first."""
    dynamics = [dynamic for dynamic in study.dynamics if len(dynamic.phases) > 1]
    return sorted(dynamics, key=lambda one: (study.stack(one.phases[0].stack_uid).derived, -len(one.phases)))


def _rows_of(study: Study, dynamics: Sequence[Dynamic]) -> list[Row]:
    """Return one row, or right and left: of one sagittal volume, or of two dynamic series of one breast each."""
    best = dynamics[0]
    rows = [Row(study, best, breast) for breast in breasts_of(*study.series_of(best.phases[0].stack_uid))]
    if len(rows) == 1 and rows[0].breast.side:
        partner = partner_of(study, best)
        if partner is not None:
            rows += [Row(study, partner, breasts_of(*study.series_of(partner.phases[0].stack_uid))[0])]
    if len(rows) < 2:
        return rows
    return sorted((replace(row, linked=row.breast.side) for row in rows), key=lambda row: row.breast.side != "R")


# --- steps -------------------------------------------------------------------------------------------------------


def _overview(rows: Sequence[Row], beside: Sequence[Slot]) -> Hanging:
    notes = tuple(dict.fromkeys(note for row in rows for note in row.notes))
    if len(rows) > 1:
        slots = tuple(slot for row in rows for slot in _four(row))
        return Hanging("Overview", "2x4", slots, active=1, notes=notes)
    row, four = rows[0], _four(rows[0])
    if not beside:
        return Hanging("Overview", "2x2", four, active=1, notes=notes)
    right = list(beside[:2])
    if len(right) < 2:  # the last phase shows washout
        right.append(row.phase(row.posts[-1]) if len(row.posts) > 1 else Slot())
    return Hanging("Overview", "2x3", (*four[:2], right[0], *four[2:], right[1]), active=1, notes=notes)


def _four(row: Row) -> tuple[Slot, Slot, Slot, Slot]:
    if not row.posts:
        shown = [row.phase(n) for n in range(len(row.dynamic.phases))][:4]
        return (*shown, *(Slot(),) * (4 - len(shown)))  # type: ignore[return-value]
    post = row.posts[0]
    return (
        row.phase(row.pre),
        row.phase(post, follows=True),
        row.subtraction(post, follows=True),
        row.subtraction(post, projected=True, follows=True),
    )


def _main_steps(rows: Sequence[Row]) -> list[Hanging]:
    return [_overview(rows, ()), *_steps_of(rows)]


def _steps_of(rows: Sequence[Row]) -> list[Hanging]:
    """Return the steps after the overview; those of right and left are steps of their own."""
    named = [(row, f" {row.breast.side}" if len(rows) > 1 else "") for row in rows]
    steps = [
        _side_by_side(f"Time{name}", [row.phase(n) for n in range(len(row.dynamic.phases))]) for row, name in named
    ]
    with_posts = [(row, name) for row, name in named if row.posts]
    steps += [_side_by_side(f"Subtractions{name}", [row.subtraction(n) for n in row.posts]) for row, name in with_posts]
    if with_posts:
        large = [row.subtraction(row.posts[0], projected=True, follows=True) for row, _ in with_posts]
        steps.append(_side_by_side("MIP large", large))
    steps += [_planes(row, name) for row, name in with_posts]
    return [step for step in steps if len(step.slots) > 1 or not step.name.startswith("Subtractions")]


def _planes(row: Row, name: str) -> Hanging:
    slot = row.subtraction(row.posts[0], follows=True)
    own = row.first.orientation
    slots = tuple(
        replace(slot, plane="native" if plane == own else plane, title=f"{slot.title}, {plane}") for plane in PLANES
    )
    return Hanging(f"Planes{name}", "1x3", slots, active=PLANES.index(own) if own in PLANES else 0)


def _beside(row: Row, beside: Sequence[Slot]) -> Hanging:
    reference = [row.phase(row.posts[0], follows=True)] if row.posts else []
    return _side_by_side("T2 and diffusion", [*beside, *reference])


def _after_subtractions(steps: Sequence[Hanging]) -> int:
    return next((n for n, step in enumerate(steps) if step.name == "MIP large"), len(steps))


def _side_by_side(name: str, slots: Sequence[Slot]) -> Hanging:
    notes = (f"The first {MOST} of {len(slots)} phases are shown.",) if len(slots) > MOST else ()
    shown = tuple(slots[:MOST])
    layout = next((layout for count, layout in LAYOUTS if len(shown) <= count), "4x5")
    rows, columns = (1, 1) if layout == "1" else (int(part) for part in layout.split("x"))
    return Hanging(name, layout, (*shown, *(Slot(),) * (rows * columns - len(shown))), notes=notes)


def _left_over(study: Study, steps: Iterable[Hanging]) -> list[Hanging]:
    shown = {base_uid(uid) for step in steps for uid in step.stack_uids if uid is not None}
    groups = companions.left_over(study, shown)
    names = ["Other series", *(f"Other series {n}" for n in range(2, len(groups) + 1))]
    return [_side_by_side(name, group) for name, group in zip(names, groups, strict=False)]


def _without_dynamic(study: Study) -> tuple[Hanging, ...]:
    """Hang an MRI exam without a dynamic series: what there is, and why nothing is subtracted."""
    volumes = [
        stack
        for series in study.series
        for stack in series.stacks
        if series.kind is SeriesKind.MR and len(stack.frames) > 1 and stack.weighting
    ]
    note = "No dynamic series was found (no two phases on one grid): there is nothing to subtract."
    if len(volumes) < 2:
        plain = hang_plainly(study)
        return (replace(plain, notes=(*plain.notes, note)) if volumes else plain,)
    order = {"T1": 0, "T2": 1, "DWI": 2, "ADC": 3}
    volumes.sort(key=lambda stack: (not stack.contrast_agent, order.get(stack.weighting, 4), -(stack.b_value or 0.0)))
    slots = [Slot(stack.uid, companions.title_of(stack)) for stack in volumes[:4]]
    overview = replace(_side_by_side("Overview", slots), notes=(note,))
    return (overview, *_left_over(study, (overview,)))
