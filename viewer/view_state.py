"""View state: plane, slice, camera and window of a pane as JSON values, and back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.camera import Turn
from viewer.framed_view import ZOOMS
from viewer.planes import PLANES
from viewer.presentation import Presentation, VoiFunction, Window
from viewer.presets import as_window
from viewer.reslice import ReslicedPlane
from viewer.slab import Slab

if TYPE_CHECKING:
    from viewer.pane import Pane


def as_state(pane: Pane) -> dict[str, Any]:
    """Return what a pane shows, as JSON values; empty without an image."""
    if pane.content is None:
        return {}
    camera = pane.camera
    return {
        "image": pane.content.image.uid,
        "plane": pane.plane,
        "slice": pane.slice_index,
        "oblique": _oblique_state(pane),
        "slab": _slab_state(pane.slab),
        "fitted": pane.fitted,
        "placing": pane.placing,
        "centre_mm": list(camera.centre_mm),
        "zoom": camera.zoom / pane.ratio,
        "turn": [list(row) for row in camera.turn],
        "cursor_mm": list(pane.cursor_mm) if pane.cursor_mm is not None else None,
        "presentation": _presentation_state(pane.presentation),
    }


def _slab_state(slab: Slab | None) -> dict[str, Any] | None:
    if slab is None:
        return None
    return {"mode": slab.mode, "thickness_mm": None if math.isinf(slab.thickness_mm) else slab.thickness_mm}


def _oblique_state(pane: Pane) -> dict[str, Any] | None:
    plane = pane.shot.plane if pane.shot is not None else None
    if not isinstance(plane, ReslicedPlane) or plane.name != "oblique":
        return None
    return {"directions": plane.directions.ravel().tolist(), "pivot_mm": list(plane.pivot_mm)}


def _restore_slab(pane: Pane, state: object) -> None:
    if state is None:
        pane.set_slab(None)
        return
    if not isinstance(state, dict) or state.get("mode") not in ("max", "mean", "min"):
        return
    whole = state.get("thickness_mm") is None
    thickness = [math.inf] if whole else _numbers([state["thickness_mm"]], 1)
    if thickness is not None and thickness[0] > 0:
        pane.set_slab(Slab(state["mode"], thickness[0]))


def _restore_plane(pane: Pane, state: dict[str, Any]) -> None:
    oblique = state.get("oblique")
    if state.get("plane") not in PLANES:
        return
    if state["plane"] != "oblique":
        pane.set_plane(state["plane"])
    elif isinstance(oblique, dict):
        numbers, pivot = _numbers(oblique.get("directions"), 9), _numbers(oblique.get("pivot_mm"), 3)
        if numbers is None or pivot is None:
            return
        directions = np.array(numbers).reshape(3, 3)
        if np.allclose(directions.T @ directions, np.eye(3), atol=1e-6):
            pane.set_oblique(directions, pivot)


def _presentation_state(presentation: Presentation | None) -> dict[str, Any]:
    if presentation is None:
        return {}
    state: dict[str, Any] = {"invert": presentation.invert, "chosen": presentation.chosen}
    voi = presentation.voi
    if isinstance(voi, Window) and voi.origin in ("user", "preset"):
        window = {"center": voi.center, "width": voi.width, "function": voi.function.value}
        state["window"] = {**window, "explanation": voi.explanation, "origin": voi.origin}
    return state


def window_state(presentation: Presentation) -> dict[str, Any]:
    """Return the state that gives another image the window and inversion in force, whoever chose them."""
    voi = as_window(presentation.voi)
    window = {"center": voi.center, "width": voi.width, "function": voi.function.value, "explanation": voi.explanation}
    return {"invert": presentation.invert, "window": {**window, "origin": "user"}}


def from_state(pane: Pane, state: dict[str, Any]) -> None:
    """Take up what fits; a state comes from a file and may be of another version, so each value is checked."""
    if pane.content is None or state.get("image", pane.content.image.uid) != pane.content.image.uid:
        return
    _restore_plane(pane, state)
    if "slab" in state:
        _restore_slab(pane, state["slab"])
    point = _numbers(state.get("cursor_mm"), 3)
    if point is not None:
        pane.cursor_mm = (point[0], point[1], point[2])
    if isinstance(state.get("slice"), int):
        pane.set_slice(state["slice"])
    _restore_camera(pane, state)
    if isinstance(state.get("presentation"), dict):
        _restore_presentation(pane, state["presentation"])


def _restore_camera(pane: Pane, state: dict[str, Any]) -> None:
    turn = _turn(state.get("turn"))
    camera = replace(pane.camera, turn=turn) if turn is not None else pane.camera
    centre, zoom = _numbers(state.get("centre_mm"), 2), _numbers([state.get("zoom")], 1)
    if state.get("fitted", True) or centre is None or zoom is None or zoom[0] <= 0:
        pane.camera = camera
        pane.fit(quietly=True)
        return
    pane.set_camera(replace(camera, centre_mm=(centre[0], centre[1]), zoom=zoom[0] * pane.ratio), quietly=True)
    placing = state.get("placing")
    if pane.framing is not None and placing in (*ZOOMS, "true", "scale"):
        pane.placing = "fit"  # justified, at the scale that follows
        # another screen may have other pixels: its true size is another, so that the scale alone is taken up
        pane.place("scale" if placing == "true" else str(placing), quietly=True)


def _restore_presentation(pane: Pane, state: dict[str, Any]) -> None:
    if pane.content is None:
        return
    presentation = pane.content.image.presentation
    chosen = state.get("chosen")
    if isinstance(chosen, int) and 0 <= chosen < len(presentation.vois):
        presentation = replace(presentation, chosen=chosen)
    presentation = replace(presentation, invert=bool(state.get("invert", presentation.invert)))
    window = _window(state.get("window"))
    pane.set_presentation(presentation.with_voi(window) if window is not None else presentation)


def _window(state: object) -> Window | None:
    if not isinstance(state, dict):
        return None
    numbers = _numbers([state.get("center"), state.get("width")], 2)
    known = {function.value for function in VoiFunction}
    if numbers is None or state.get("function") not in known:
        return None
    origin = "preset" if state.get("origin") == "preset" else "user"
    return Window(numbers[0], numbers[1], VoiFunction(state["function"]), str(state.get("explanation", "")), origin)


def _numbers(values: object, count: int) -> list[float] | None:
    if not isinstance(values, (list, tuple)) or len(values) != count:
        return None
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in values):
        return None
    return [float(value) for value in values]


def _turn(rows: object) -> Turn | None:
    known: set[Turn] = set()
    for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        known |= {((a, 0), (0, b)), ((0, a), (b, 0))}
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows):
        return None
    return next((turn for turn in known if [list(row) for row in turn] == [list(row) for row in rows]), None)
