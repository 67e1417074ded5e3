"""Volume view without a window: viewpoints, rays, boxes, pace; and that nothing imports VTK early."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from highdicom import Volume
from scipy.spatial.transform import Rotation

from viewer.layers.types import BoxShape
from viewer.planes import letters_of
from viewer.volume3d.furniture import box_lines, volume_corners
from viewer.volume3d.orbit import STANDARD, orbit_around, standard_axes
from viewer.volume3d.pace import BAND_S, DEARER, MOVING_S, Pace
from viewer.volume3d.ray import hit_mesh, pick, samples
from viewer.volume3d.scene import SceneImage

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", (20, -30, 40), degrees=True).as_matrix() @ np.diag((2.1, 0.8, 0.7))
OBLIQUE[:3, 3] = (10, -40, 33)
SHAPE = (30, 64, 60)


def scene_image(array, mode="mip", affine=OBLIQUE, **parts):
    volume = Volume(array, affine, "PATIENT", frame_of_reference_uid="1.2.3")
    return SceneImage("image", volume, 0.0, 100.0, mode, **{"threshold": 10.0, "opacity": 0.9, **parts})


def mm(index, affine=OBLIQUE):
    return affine[:3, :3] @ index + affine[:3, 3]


def test_the_window_and_the_view_import_no_vtk():
    code = "import viewer.volume3d.view, app.ui.volume_panel, sys; print([m for m in sys.modules if m[:3] == 'vtk'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("side", "right", "up"),
    [
        ("anterior", "L", "H"),
        ("posterior", "R", "H"),
        ("left", "P", "H"),
        ("right", "A", "H"),
        ("head", "R", "A"),
        ("foot", "L", "A"),
    ],
)
def test_standard_views_show_the_patient_as_a_reader_expects(side, right, up):
    axes = standard_axes(side)
    assert letters_of(axes[0]) == right
    assert letters_of(axes[1]) == up
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)


def test_a_screen_position_and_the_ray_through_it_agree():
    orbit = orbit_around(volume_corners(SHAPE, OBLIQUE), 1.3).turned(33, -21).panned(17, -9, 400).zoomed(1.4)
    point = mm((12.3, 40.1, 7.7))
    x, y, depth = orbit.screen_of(point, 520, 400)
    start, direction = orbit.ray(x, y, 520, 400)
    assert np.allclose(start - depth * direction, point)
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_a_drag_moves_what_is_in_front_along_with_the_hand():
    orbit = orbit_around(volume_corners(SHAPE, OBLIQUE), 1.0)
    front = orbit.centre_mm + 10 * orbit.axes[2]
    before, after = orbit.screen_of(front, 300, 300), orbit.turned(5, 8).screen_of(front, 300, 300)
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert np.allclose(orbit.turned(5, 8).screen_of(orbit.centre_mm, 300, 300), (150, 150, 0))
    many = orbit
    for _ in range(500):
        many = many.turned(3.1, 1.7)
    assert np.allclose(many.axes @ many.axes.T, np.eye(3), atol=1e-12)


def test_every_standard_view_holds_the_volume_at_first():
    corners = volume_corners(SHAPE, OBLIQUE)
    for side in STANDARD:
        places = orbit_around(corners, 1.5, side).screen_of(corners, 600, 400)
        assert places[:, 0].min() > 0
        assert places[:, 0].max() < 600
        assert places[:, 1].min() > 0
        assert places[:, 1].max() < 400


@pytest.mark.parametrize("side", sorted(STANDARD))
@pytest.mark.parametrize("mode", ["mip", "shaded"])
def test_a_click_returns_the_voxel_within_half_of_one(side, mode):
    array = np.zeros(SHAPE, np.int16)
    array[22, 10, 50] = 100
    orbit = orbit_around(volume_corners(SHAPE, OBLIQUE), 1.2, side).turned(13, 7)
    x, y, _ = orbit.screen_of(mm((22, 10, 50)), 600, 500)
    found = pick(scene_image(array, mode), *orbit.ray(x, y, 600, 500))
    index = np.linalg.inv(OBLIQUE[:3, :3]) @ (found - OBLIQUE[:3, 3])
    assert np.abs(index - (22, 10, 50)).max() <= (0.5 if mode == "mip" else 1.0)


def test_mip_takes_the_greatest_and_shaded_the_nearest_along_the_ray():
    array = np.zeros(SHAPE, np.float32)
    array[20:26, 20:40, 20:40] = 60  # nearer to the viewer, less bright
    array[4:8, 20:40, 20:40] = 100
    affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
    orbit = orbit_around(volume_corners(SHAPE, affine), 1.0, "head")
    x, y, _ = orbit.screen_of(np.array((30.0, 30.0, 0.0)), 400, 400)
    ray = orbit.ray(x, y, 400, 400)
    assert 3 <= pick(scene_image(array, "mip", affine), *ray)[2] <= 8
    assert 24.5 <= pick(scene_image(array, "shaded", affine), *ray)[2] <= 26
    assert pick(scene_image(np.zeros(SHAPE, np.float32), "shaded", affine), *ray) is None


def test_a_ray_beside_the_volume_meets_nothing():
    image = scene_image(np.ones(SHAPE, np.int16))
    assert samples(image, np.array((1000.0, 0, 0)), np.array((0, 1.0, 0))) is None
    assert pick(image, np.array((1000.0, 0, 0)), np.array((0, 1.0, 0))) is None


def test_values_that_are_no_numbers_never_win():
    array = np.zeros(SHAPE, np.float32)
    array[10] = np.nan
    array[20, 30, 30] = 50
    orbit = orbit_around(volume_corners(SHAPE, OBLIQUE), 1.0)
    x, y, _ = orbit.screen_of(mm((20, 30, 30)), 500, 500)
    assert np.linalg.norm(pick(scene_image(array), *orbit.ray(x, y, 500, 500)) - mm((20, 30, 30))) < 1.0


def test_the_nearest_triangle_is_hit_on_either_side():
    vertices = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 5], [4, 0, 5], [0, 4, 5]], float)
    triangles = np.array([[0, 1, 2], [3, 5, 4]])
    down = np.array((0, 0, -1.0))
    assert hit_mesh(vertices, triangles, np.array((1.0, 1.0, 20.0)), down) == pytest.approx(15)
    assert hit_mesh(vertices, triangles, np.array((5.0, 5.0, 20.0)), down) is None
    assert hit_mesh(vertices, triangles[:0], np.array((1.0, 1.0, 20.0)), down) is None


def test_boxes_lie_where_their_corners_are():
    row, column = OBLIQUE[:3, 2] / 0.7, OBLIQUE[:3, 1] / 0.8
    one, other = mm((9, 10.5, 20.5)), mm((9, 30.5, 45.5))
    flat = BoxShape("b", "1.2.3", tuple(one), tuple(other), (*row, *column))
    corners, edges = box_lines(flat)
    used = corners[sorted({n for edge in edges for n in edge})]
    expected = [mm((9, j, i)) for i in (20.5, 45.5) for j in (10.5, 30.5)]
    assert len(edges) == 4
    assert np.allclose(np.sort(used, axis=0), np.sort(expected, axis=0), atol=1e-6)
    deep = BoxShape("b", "1.2.3", tuple(one), tuple(mm((14, 30.5, 45.5))), (*row, *column))
    corners, edges = box_lines(deep)
    assert len(edges) == 12
    assert min(np.linalg.norm(corners - mm((14, 30.5, 45.5)), axis=1)) < 1e-6


def test_the_pace_keeps_pictures_and_bands_short():
    pace = Pace()
    pace.took(30.0, 100)  # the first one prepares the volume and does not count
    pace.took(1e-6 * 40_000, 40_000)
    pixels = 1_000_000
    assert pixels / pace.reduction(pixels) ** 2 * 1e-6 == pytest.approx(MOVING_S)
    assert pace.reduction(10_000) == 1.0
    for _ in range(20):  # 4 µs a pixel
        rows = pace.rows(500)
        pace.took_rows(4e-6 * 500 * rows, 500, rows)
    assert pace.rows(500) * 500 * 4e-6 == pytest.approx(BAND_S, abs=4e-6 * 500)
    assert pace.rows(1000) == pytest.approx(pace.rows(500) / 2, abs=1)
    for _ in range(20):
        pace.took_rows(1e-9, 500, pace.rows(500))  # empty bands
    assert pace.rows(500) * 500 * DEARER * 1e-6 == pytest.approx(BAND_S, abs=500e-6 * DEARER)
    pace.forget()
    assert pace.reduction(pixels) > 1


def test_the_bands_of_a_view_are_its_rows():
    orbit = orbit_around(volume_corners(SHAPE, OBLIQUE), 1.3).turned(33, -21).panned(17, -9, 400).zoomed(1.4)
    point = mm((12.3, 40.1, 7.7))
    x, y, depth = orbit.screen_of(point, 520, 400)
    for top, bottom in ((0, 16), (190, 260), (399, 400)):
        assert orbit.band(top, bottom, 400).screen_of(point, 520, bottom - top) == pytest.approx((x, y - top, depth))


def test_what_is_cut_away_is_not_picked():
    affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
    array = np.zeros(SHAPE, np.int16)
    array[15, 10, 30], array[15, 50, 30] = 60, 100  # in front, and brighter at the back
    ray = np.array((30.0, -50.0, 15.0)), np.array((0, 1.0, 0))
    assert pick(scene_image(array, affine=affine), *ray)[1] == pytest.approx(50, abs=0.3)
    assert pick(scene_image(array, affine=affine, posterior_mm=40.0), *ray)[1] == pytest.approx(10, abs=0.3)
    assert pick(scene_image(array, affine=affine, posterior_mm=-5.0), *ray) is None


@pytest.mark.parametrize("error", [ImportError("libGL.so.1: cannot open shared object file")])
def test_without_opengl_the_view_says_so(qtbot, monkeypatch, error):
    from viewer.volume3d.picture import Picture
    from viewer.volume3d.scene import Scene3D, VolumeViewError
    from viewer.volume3d.view import VolumeView

    def refuse(_self):
        raise VolumeViewError(f"The volume view cannot start: {error}.")

    monkeypatch.setattr(Picture, "_ensure", refuse)
    view = VolumeView()
    qtbot.addWidget(view)
    view.show()
    view.set_scene(Scene3D(scene_image(np.ones(SHAPE, np.int16))))
    assert "cannot start" in view.message
    view.grab()
    view.look_from("left")
    view.pick(10, 10)
    assert SimpleNamespace(message=view.message).message
