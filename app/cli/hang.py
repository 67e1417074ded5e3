"""``breastlens hang``: the steps of the hanging protocol of each study, with what lies in which pane and why."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.cli.opened import opened
from app.studies.errors import StudyError
from app.studies.hanging import Hanging, Slot, priors, steps
from app.studies.study import Library, Study

if TYPE_CHECKING:
    from app.studies.load import LoadedStack

_QUADRANTS = ("upper", "lower")


def run(options: argparse.Namespace) -> int:
    """Print how the studies of a path hang; exit status 1 where no image was found."""
    with opened(options.path) as library:
        values = document(library, framed=options.framed)
        print(json.dumps(values, indent=2) if options.json else text(values))
    return 0 if library.studies else 1


def document(library: Library, *, framed: bool = False) -> dict[str, Any]:
    """Return how the studies hang as JSON values.

    Parameters
    ----------
    framed
        Also read the pixels and say how each mammogram is turned and what contradicts its header.
    """
    return {
        "root": str(library.root),
        "studies": [_study(study, library, framed) for study in library.studies],
        "skipped": [{"path": str(item.path), "reason": item.reason} for item in library.skipped],
        "notes": list(library.notes),
    }


def _study(study: Study, library: Library, framed: bool) -> dict[str, Any]:
    earlier = priors(study, library.studies)
    known = (study, *earlier)
    values: dict[str, Any] = {
        "uid": study.uid,
        "patient_name": study.patient_name,
        "patient_id": study.patient_id,
        "date": study.date,
        "priors": [{"uid": prior.uid, "date": prior.date} for prior in earlier],
        "steps": [_step(hanging, known) for hanging in steps(study)],
        "with_priors": [
            {"uid": prior.uid, "steps": [_step(hanging, known) for hanging in steps(study, prior)]} for prior in earlier
        ],
    }
    if framed:
        values["framing"] = _framings(study)
    return values


def _step(hanging: Hanging, known: tuple[Study, ...]) -> dict[str, Any]:
    return {
        "name": hanging.name,
        "layout": hanging.layout,
        "panes": [_pane(slot, known) for slot in hanging.slots],
        "notes": list(hanging.notes),
    }


def _pane(slot: Slot, known: tuple[Study, ...]) -> dict[str, Any]:
    return {
        "title": slot.title,
        "uid": slot.uid,
        "files": _files(slot.uid, known),
        "chest_wall": slot.chest_wall,
        "group": slot.group,
        "zoom": slot.zoom,
        "slab": slot.slab.title if slot.slab is not None else None,
    }


def _files(uid: str | None, known: tuple[Study, ...]) -> list[str]:
    for study in known if uid is not None else ():
        try:
            stack = study.stack(uid or "")
        except KeyError:
            continue
        return [str(path) for path in dict.fromkeys(frame.path for frame in stack.frames)]
    return []


def _framings(study: Study) -> list[dict[str, Any]]:
    """Return how each mammogram is turned, from its pixels and those of the others."""
    from app.studies.exam_walls import ExamWalls

    slots = {slot.uid: slot for hanging in reversed(steps(study)) for slot in reversed(hanging.slots) if slot.uid}
    read = {uid: _read(study, uid) for uid in reversed(slots)}
    walls = ExamWalls()
    for image in read.values():
        if not isinstance(image, StudyError):
            walls.take(image)
    flipped = walls.flipped(study)
    framed = (_framed(image, study, slots[uid], flipped) for uid, image in read.items())
    return [values for values in framed if values]


def _read(study: Study, uid: str) -> LoadedStack | StudyError:
    """Return an image without its pixels, which of a whole exam are many, or why it cannot be read."""
    import numpy as np

    from app.studies.load import load_stack

    try:
        image = load_stack(study, uid)
    except StudyError as error:
        return error
    volume = image.volume
    return replace(image, volume=volume.with_array(np.broadcast_to(np.uint8(0), volume.array.shape)))


def _framed(image: LoadedStack | StudyError, study: Study, slot: Slot, flipped: str) -> dict[str, Any]:
    from app.studies.framing import framing_of

    if isinstance(image, StudyError):
        return {"title": slot.title, "notes": [str(image)]}
    framing, notes = framing_of(image, study.series_of(str(slot.uid))[0], slot, flipped)
    if framing is None:
        return {}
    shown = {"turn": framing.turn, "chest_wall": framing.chest_wall, "region_mm": framing.region_mm}
    return {"title": slot.title, **shown, "level_mm": framing.anchor_mm, "notes": list(notes)}


# --- text --------------------------------------------------------------------------------------------------------


def text(values: dict[str, Any]) -> str:
    """Return the document as lines for a reader; the quadrants of each view are told in one line."""
    lines = [f"{values['root']}: {len(values['studies'])} {_plural(len(values['studies']))}"]
    for study in values["studies"]:
        lines.append(
            f"{study['patient_name'] or 'no name'} [{study['patient_id'] or 'no id'}]  {study['date']}".rstrip()
        )
        lines += _step_lines(study["steps"], "  ")
        for prior, hung in zip(study["priors"], study["with_priors"], strict=True):
            lines.append(f"  With the prior exam of {prior['date']}:")
            lines += _step_lines(hung["steps"], "    ")
        lines += _framing_lines(study.get("framing", []))
    lines += [f"Skipped {item['path']}: {item['reason']}" for item in values["skipped"]]
    return "\n".join([*lines, *(f"Note: {note}" for note in values["notes"])])


def _plural(count: int) -> str:
    return "study" if count == 1 else "studies"


def _step_lines(hung: list[dict[str, Any]], indent: str) -> list[str]:
    lines = []
    for number, step in enumerate(hung, start=1):
        single = len(step["panes"]) == 1
        if single and step["panes"][0]["zoom"].startswith(_QUADRANTS):
            lines.append(f"{indent}{number}  {step['name']}")
            continue
        lines.append(f"{indent}{number}  {step['name']}  ({step['layout']})")
        lines += [f"{indent}     {_pane_line(pane)}" for pane in step["panes"]]
        lines += [f"{indent}     note: {note}" for note in step["notes"]]
    return lines


def _pane_line(pane: dict[str, Any]) -> str:
    if pane["uid"] is None:
        return f"{pane['title']}: not in this exam" if pane["title"] else "(empty)"
    files = pane["files"]
    where = files[0] if len(files) == 1 else f"{len(files)} files"
    title = pane["title"] or "image"
    return f"{title}: {where}" + (f"  [{pane['slab']}]" if pane["slab"] else "")


def _framing_lines(framings: list[dict[str, Any]]) -> list[str]:
    lines = ["  As hung:"] if framings else []
    for framing in framings:
        turn = _turn_words(framing.get("turn"))
        lines.append(f"    {framing['title']}: {turn}, chest wall {framing.get('chest_wall') or 'not known'}")
        lines += [f"      note: {note}" for note in framing["notes"]]
    return lines


_TURNS = {
    ((1, 0), (0, 1)): "as stored",
    ((-1, 0), (0, -1)): "turned upside down",
    ((0, -1), (1, 0)): "turned by a quarter clockwise",
    ((0, 1), (-1, 0)): "turned by a quarter counter-clockwise",
    ((-1, 0), (0, 1)): "mirrored left to right",
    ((1, 0), (0, -1)): "mirrored top to bottom",
    ((0, 1), (1, 0)): "mirrored and turned by a quarter",
    ((0, -1), (-1, 0)): "mirrored and turned by a quarter",
}


def _turn_words(turn: tuple[tuple[int, int], tuple[int, int]] | None) -> str:
    return "cannot be read" if turn is None else _TURNS[turn]
