"""The grid: layouts, the active pane, tools, and panes that follow each other in millimetres."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from viewer.keys import ACTIONS, KEYS, SPOKEN
from viewer.pane_actions import DONE_HERE, OF_THE_GRID


def stack(slices=10, size=60):
    return np.random.default_rng(8).integers(0, 250, (slices, size, size)).astype(np.uint8)


@pytest.mark.parametrize(("name", "count"), [("1", 1), ("1x2", 2), ("2x1", 2), ("2x2", 4)])
def test_layouts_fill_the_grid_edge_to_edge(grid, name, count):
    grid.set_layout(name)
    shown = [pane for pane in grid.panes if pane.isVisible()]
    assert len(shown) == count
    covered = np.zeros((grid.height(), grid.width()), int)
    for pane in shown:
        box = pane.geometry()
        covered[box.top() : box.bottom() + 1, box.left() : box.right() + 1] += 1
    assert covered.max() == 1
    rows, columns = {"1": (1, 1), "1x2": (1, 2), "2x1": (2, 1), "2x2": (2, 2)}[name]
    gap = (rows - 1) * grid.width() + (columns - 1) * grid.height() - (rows - 1) * (columns - 1)
    assert (covered == 0).sum() == gap  # lines one pixel wide


def test_a_double_click_enlarges_a_pane_and_gives_it_back(grid, qtbot):
    grid.set_layout("2x2")
    with qtbot.waitSignal(grid.active_changed) as signal:
        qtbot.mousePress(grid.panes[2], Qt.MouseButton.LeftButton, pos=QPoint(9, 9))
    assert signal.args == [2]
    qtbot.mouseDClick(grid.panes[2], Qt.MouseButton.LeftButton, pos=QPoint(9, 9))
    assert grid.visible_panes == (grid.panes[2],)
    assert grid.panes[2].size() == grid.size()
    qtbot.keyClick(grid.panes[2], Qt.Key.Key_Return)
    assert len(grid.visible_panes) == 4
    grid.set_layout("1x2")
    assert grid.active_index == 0


def test_tools_are_armed_in_every_pane_by_key(grid, qtbot):
    with qtbot.waitSignal(grid.tool_changed) as signal:
        qtbot.keyClick(grid.panes[0], Qt.Key.Key_B)
    assert signal.args == ["box"]
    assert {pane.tool.name for pane in grid.panes} == {"box"}
    with pytest.raises(ValueError, match="lasso"):
        grid.set_tool("lasso")
    with pytest.raises(ValueError, match="5x5"):
        grid.set_layout("5x5")
    qtbot.keyClick(grid.panes[0], Qt.Key.Key_O)
    assert not grid.overlays_visible
    assert not any(pane.overlays_visible for pane in grid.panes)


def test_the_cursor_is_shared_in_millimetres_across_grids_and_planes(grid, make, qtbot):
    grid.set_layout("2x2")
    grid.panes[0].set_content(make.content(stack(), make.affine((3, 1, 1))))
    coarse = make.affine((5, 2, 2), origin=(-10, -6, -4))
    grid.panes[1].set_content(make.content(stack(9, 50), coarse, uid="t2"))
    grid.panes[2].set_content(make.content(stack(), make.affine((3, 1, 1)), uid="pre", plane="sagittal"))
    grid.panes[3].set_content(make.content(stack(), make.affine((3, 1, 1)), uid="stranger", frame="5.5"))
    grid.panes[3].set_slice(1)
    pane = grid.panes[0]
    pane.set_slice(4)
    assert grid.panes[1].slice_index == 3  # z 12 mm is slice (12 + 4) / 5 = 3.2
    x, y = pane.shot.screen_of(20, 33)
    pane.point_at(x, y)
    assert pane.cursor_mm == pytest.approx((33, 20, 12))
    for other in grid.panes[1:3]:
        assert other.cursor_mm == pytest.approx((33, 20, 12))
    assert grid.panes[2].slice_index == 33
    assert grid.panes[3].cursor_mm is None
    assert grid.panes[3].slice_index == 1
    grid.set_linked(False)
    pane.set_slice(0)
    assert grid.panes[1].slice_index == 3


def test_linked_panes_share_pan_and_zoom_in_millimetres(grid, make):
    grid.set_layout("1x2")
    grid.panes[0].set_content(make.content(stack(), make.affine((3, 1, 1))))
    grid.panes[1].set_content(make.content(stack(9, 50), make.affine((5, 2, 2), origin=(-10, -6, -4)), uid="t2"))
    pane = grid.panes[0]
    pane.set_camera(pane.camera.zoomed(2.5, (30, 40)))
    pane.rotate()
    first, second = (p.shot.mm_at(100, 120)[:2] for p in grid.panes[:2])
    assert first == pytest.approx(second)


def test_signals_name_the_pane(grid, make, qtbot):
    grid.set_layout("1x2")
    grid.panes[1].set_content(make.content(stack()))
    with qtbot.waitSignal(grid.slice_changed) as signal:
        grid.panes[1].set_slice(7)
    assert signal.args == [1, 7]
    with qtbot.waitSignal(grid.presentation_changed) as signal:
        grid.panes[1].invert()
    assert signal.args[0] == 1
    with qtbot.waitSignal(grid.cursor_moved) as signal:
        grid.panes[1].report_cursor(150, 200)
    reading = signal.args[0]
    assert reading.pane == 1
    assert reading.value == grid.panes[1].content.image.volume.array[reading.voxel]


def test_a_box_selected_in_one_pane_is_selected_in_its_neighbours(grid, make):
    from viewer.layers.types import BoxShape

    box = BoxShape("b", "1.2.3", (9.5, 9.5, 3), (29.5, 39.5, 3), (1, 0, 0, 0, 1, 0))
    grid.set_layout("1x2")
    for pane in grid.panes[:2]:
        pane.set_content(make.content(stack(), boxes=(box,)))
    grid.panes[0].select_box("b", by_user=True)
    assert grid.panes[1].selected_box == "b"


def test_no_key_is_given_twice_and_every_action_is_done_somewhere():
    counted = Counter(key for entry in KEYS for key in entry.keys)
    assert [key for key, count in counted.items() if count > 1] == []
    grids = set(OF_THE_GRID)
    from viewer.presets import BY_NAME
    from viewer.tools.catalogue import TOOLS

    for key, action in ACTIONS.items():
        known = action in DONE_HERE or action in grids or action.removeprefix("tool:") in TOOLS
        known = known or action.removeprefix("preset:") in BY_NAME
        assert known, key
    assert set(SPOKEN) <= set(counted)


def test_importing_the_grid_is_light():
    heavy = "{'torch', 'vtk', 'scipy', 'cv2', 'highdicom', 'pyqtgraph'}"
    code = f"import sys, viewer.grid; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_windowing_needs_no_qt():
    modules = "viewer.windowing, viewer.layers.types, viewer.planes, viewer.shot, viewer.sampling, viewer.pyramid"
    code = f"import sys, {modules}; print('PySide6' in sys.modules, 'highdicom' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_opening_an_image_leaves_the_neighbours_zoom_alone(grid, make):
    grid.set_layout("1x2")
    grid.panes[0].set_content(make.content(stack()))
    grid.panes[0].set_camera(grid.panes[0].camera.zoomed(3))
    camera = grid.panes[0].camera
    grid.panes[1].set_content(make.content(stack(), uid="post"))
    grid.panes[1].set_plane("axial")
    assert grid.panes[0].camera == camera
    grid.panes[1].fit()
    assert grid.panes[0].fitted
