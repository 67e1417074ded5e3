"""Steps: to the next or previous pane, series, window choice or box."""

from __future__ import annotations

from app.ui.display import Display


def step_pane(display: Display, step: int) -> None:
    """Make the next visible pane the active one and give it the keyboard."""
    grid = display.grid
    visible = [n for n, pane in enumerate(grid.panes) if pane.isVisibleTo(grid)]
    if visible:
        here = visible.index(grid.active_index) if grid.active_index in visible else 0
        grid.set_active(visible[(here + step) % len(visible)])
        display.pane.setFocus()


def step_series(display: Display, step: int) -> None:
    """Show the next or previous stack of the study in the active pane."""
    stacks = display.session.library.stack_uids
    if display.stack_uid in stacks:
        display.show_stack(stacks[(stacks.index(display.stack_uid) + step) % len(stacks)])


def step_box(display: Display, step: int) -> None:
    """Jump to the next or previous box of the study."""
    boxes = display.session.annotations.boxes
    uids = [box.uid for box in boxes]
    here = uids.index(display.marks.selected) if display.marks.selected in uids else -max(step, 0)
    if boxes:
        box = boxes[(here + step) % len(boxes)]
        display.marks.jump(box, box.stack_uid)
