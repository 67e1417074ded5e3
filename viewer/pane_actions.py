"""Actions of the key table, carried out on a pane; those of the whole grid are passed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from viewer.presets import with_preset, with_window, without_padding
from viewer.windowing import window_of

if TYPE_CHECKING:
    from viewer.pane import Pane

ZOOM_STEP = 1.25
OF_THE_GRID = (
    *("overlays", "maximise", "next_pane", "true_size", "same_size"),
    *("compare_swipe", "compare_blink", "compare_difference"),
)


def step_window(pane: Pane, step: int) -> None:
    """Go through the choices of the file; a window of the user's counts as a place before the first."""
    presentation = pane.presentation
    if presentation is None:
        return
    kept = [voi for voi in presentation.vois if voi.origin not in ("user", "preset")]
    if not kept:
        return
    places = [place for place, voi in enumerate(kept) if voi is presentation.voi]
    at = (places[0] + step) % len(kept) if places else 0
    pane.set_presentation(presentation.with_voi(kept[at]))


def auto_window(pane: Pane) -> None:
    """Take the window from the pixels of the slice shown, padding left out."""
    shot, visual, presentation = pane.shot, pane.image_visual, pane.presentation
    if shot is None or visual is None or presentation is None:
        return
    values = visual.slice_values(shot)
    window = window_of(without_padding(values, presentation.padding), explanation="auto")
    pane.set_presentation(with_window(presentation, window))


def preset(pane: Pane, name: str) -> None:
    """Take one of the presets, worked out from the slice shown."""
    shot, visual, presentation = pane.shot, pane.image_visual, pane.presentation
    if shot is not None and visual is not None and presentation is not None:
        pane.set_presentation(with_preset(presentation, name, visual.slice_values(shot)))


def reset_window(pane: Pane) -> None:
    """Go back to the window the file asks for; zoom and slice stay."""
    if pane.content is not None:
        pane.set_presentation(pane.content.image.presentation)


def delete_selected(pane: Pane) -> None:
    """Ask for the selected box or measurement to be deleted."""
    mark = pane.selected_shape or pane.selected_measurement
    if mark is not None:
        pane.box_delete_requested.emit(mark.uid)


DONE_HERE: dict[str, Callable[[Pane], object]] = {
    "previous_slice": lambda pane: pane.set_slice(pane.slice_index - 1),
    "next_slice": lambda pane: pane.set_slice(pane.slice_index + 1),
    "back_ten": lambda pane: pane.set_slice(pane.slice_index - 10),
    "on_ten": lambda pane: pane.set_slice(pane.slice_index + 10),
    "first_slice": lambda pane: pane.set_slice(0),
    "last_slice": lambda pane: pane.set_slice(pane.slice_count - 1),
    "slab": lambda pane: pane.toggle_slab(),
    "slab_mode": lambda pane: pane.next_slab_mode(),
    "slab_thicker": lambda pane: pane.step_thickness(1),
    "slab_thinner": lambda pane: pane.step_thickness(-1),
    "oblique": lambda pane: pane.toggle_oblique(),
    "cine": lambda pane: pane.set_cine(None if pane.cine else pane.cine_fps),
    "zoom_in": lambda pane: pane.set_camera(pane.camera.zoomed(ZOOM_STEP)),
    "zoom_out": lambda pane: pane.set_camera(pane.camera.zoomed(1 / ZOOM_STEP)),
    "fit": lambda pane: pane.fit(),
    "one_to_one": lambda pane: pane.one_to_one(),
    "rotate": lambda pane: pane.rotate(),
    "flip_horizontal": lambda pane: pane.flip_horizontal(),
    "flip_vertical": lambda pane: pane.flip_vertical(),
    "reset_view": lambda pane: pane.reset_view(),
    "smooth": lambda pane: pane.set_smooth(not (pane.image_visual is not None and pane.image_visual.smooth)),
    "invert": lambda pane: pane.invert(),
    "next_window": lambda pane: step_window(pane, 1),
    "previous_window": lambda pane: step_window(pane, -1),
    "auto_window": auto_window,
    "reset_window": reset_window,
    "delete_box": delete_selected,
    "cancel": lambda pane: pane.cancel(),
}


def perform(pane: Pane, action: str) -> bool:
    """Carry an action out; tools and layout go to the grid. False for an unknown action or one without effect."""
    if action.startswith("preset:"):
        preset(pane, action.removeprefix("preset:"))
        return True
    if action == "cancel":
        return pane.cancel()  # with nothing to drop the key is for others
    if action in DONE_HERE:
        DONE_HERE[action](pane)
        return True
    if action.startswith("tool:") or action in OF_THE_GRID:
        pane.action_requested.emit(action)
        return True
    return False
