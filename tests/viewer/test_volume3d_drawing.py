"""Volume view drawn by VTK off-screen: places on the screen, surfaces, gestures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from highdicom import RGB_COLOR_CHANNEL_DESCRIPTOR, Volume
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from viewer.layers.types import MaskLayer
from viewer.volume3d.furniture import volume_corners
from viewer.volume3d.orbit import STANDARD, orbit_around
from viewer.volume3d.scene import Scene3D, SceneImage, VolumeViewError

TURN = Rotation.from_euler("xyz", (20, -30, 40), degrees=True).as_matrix()
SHAPE = (30, 64, 60)


def affine(mirror=1):
    matrix = np.eye(4)
    matrix[:3, :3] = TURN @ np.diag((2.1 * mirror, 0.8, 0.7))
    matrix[:3, 3] = (10, -40, 33)
    return matrix


def scene_image(array, mode="mip", matrix=None, frame="1.2.3"):
    volume = Volume(array, affine() if matrix is None else matrix, "PATIENT", frame_of_reference_uid=frame)
    return SceneImage("image", volume, 0.0, 100.0, mode, 10.0, 0.9)


@pytest.fixture(scope="module")
def renderer():
    from viewer.volume3d.renderer import Renderer

    try:
        made = Renderer()
    except VolumeViewError as error:
        pytest.skip(str(error))
    yield made
    made.close()


def centroid(picture):
    grey = picture[..., 0].astype(float)
    rows, columns = np.nonzero(grey)
    weight = grey[rows, columns]
    return (columns @ weight / weight.sum() + 0.5, rows @ weight / weight.sum() + 0.5)


@pytest.mark.parametrize("hardware", [False, True])
@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize("mode", ["mip", "shaded"])
def test_a_bright_voxel_appears_where_the_arithmetic_says(renderer, mirror, mode, hardware, monkeypatch):
    """Both by the processor and by the mapper of graphics cards, here in software."""
    monkeypatch.setattr(renderer, "hardware", hardware)
    renderer.show(Scene3D())
    matrix = affine(mirror)
    array = np.zeros(SHAPE, np.float32)
    array[22, 10, 50] = 100
    renderer.show(Scene3D(scene_image(array, mode, matrix)))
    point = matrix[:3, :3] @ (22, 10, 50) + matrix[:3, 3]
    for side in STANDARD:
        orbit = orbit_around(volume_corners(SHAPE, matrix), 1.2, side).turned(13, 7).panned(11, 5, 500)
        picture = renderer.draw(orbit, 600, 500)
        assert centroid(picture) == pytest.approx(orbit.screen_of(point, 600, 500)[:2], abs=0.7)


def test_mip_is_the_windowed_maximum(renderer):
    matrix = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
    array = np.random.default_rng(0).integers(0, 20, SHAPE).astype(np.int16)
    array[6:9, 20:44, 20:40] = 60
    array[14:17, 25:35, 20:40] = 120  # above the window: white
    renderer.show(Scene3D(scene_image(array, "mip", matrix)))
    orbit = orbit_around(volume_corners(SHAPE, matrix), 1.0, "foot")
    picture = renderer.draw(orbit, 400, 400)[..., 0]
    for point, value in (((30, 22, 0), 153), ((30, 30, 0), 255)):
        x, y, _ = orbit.screen_of(np.array(point, float), 400, 400)
        assert picture[int(y), int(x)] == pytest.approx(value, abs=3)


def test_a_surface_keeps_the_volume_of_its_mask_and_agrees_with_vtk(renderer):
    from vtkmodules.vtkFiltersCore import vtkMassProperties

    from viewer.volume3d.surface import poly_data, surface_of

    for mirror in (1, -1):
        matrix = affine(mirror)
        places = np.moveaxis(np.indices(SHAPE), 0, -1) @ matrix[:3, :3].T + matrix[:3, 3]
        middle = matrix[:3, :3] @ (15, 32, 30) + matrix[:3, 3]
        local = (places - middle) @ Rotation.from_euler("z", 30, degrees=True).as_matrix()
        inside = np.sum((local / (13, 9, 7)) ** 2, axis=-1) <= 1
        mesh = surface_of(Volume(inside.astype(np.uint8), matrix, "PATIENT"))
        true = 4 / 3 * np.pi * 13 * 9 * 7 / 1000
        assert mesh.volume_ml == pytest.approx(true, rel=0.02)
        mass = vtkMassProperties()
        mass.SetInputData(poly_data(mesh))
        mass.Update()
        assert mesh.volume_ml == pytest.approx(mass.GetVolume() / 1000, rel=1e-3)
        assert mesh.vertices.mean(axis=0) == pytest.approx(middle, abs=0.5)


def test_a_mask_at_the_edge_of_its_grid_is_closed_and_an_empty_one_is_empty(renderer):
    from viewer.volume3d.surface import surface_of

    whole = Volume(np.ones((4, 5, 6), np.uint8), np.eye(4), "PATIENT")
    assert surface_of(whole, smooth=False).volume_ml == pytest.approx(0.120, rel=0.12)  # corners are bevelled
    assert len(surface_of(whole.with_array(np.zeros((4, 5, 6), np.uint8))).triangles) == 0


def test_a_mask_is_seen_in_its_colour_over_the_tissue(renderer):
    array = np.full(SHAPE, 100, np.int16)
    mask = np.zeros(SHAPE, np.uint8)
    mask[12:18, 26:38, 24:36] = 1
    image = scene_image(array)
    layer = MaskLayer("m", "Region", image.volume.with_array(mask), "#ff0000", 1.0)
    renderer.show(Scene3D(image, (layer,)))
    orbit = orbit_around(volume_corners(SHAPE, affine()), 1.0)
    x, y, _ = orbit.screen_of(affine()[:3, :3] @ (14.5, 31.5, 29.5) + affine()[:3, 3], 300, 300)
    red, green, _ = renderer.draw(orbit, 300, 300)[int(y), int(x)].astype(int)
    assert red > 100
    assert green < 90
    renderer.show(Scene3D(image, (replace(layer, visible=False),)))
    assert renderer.meshes == ()
    assert renderer.draw(orbit, 300, 300)[int(y), int(x)].min() > 200


def ball_mask(uid, colour, centre, opacity=0.75):
    matrix = affine()
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ matrix[:3, :3].T
    inside = np.linalg.norm(places - matrix[:3, :3] @ centre, axis=-1) <= 5
    volume = Volume(inside.astype(np.uint8), matrix, "PATIENT", frame_of_reference_uid="1.2.3")
    return MaskLayer(uid, uid, volume, colour, opacity)


def looking_along(axis, sign):
    """A view along an axis of the array, from its end or from its beginning, and where its middle is seen."""
    back = sign * affine()[:3, axis] / np.linalg.norm(affine()[:3, axis])
    up = affine()[:3, 0] / np.linalg.norm(affine()[:3, 0])
    home = orbit_around(volume_corners(SHAPE, affine()), 1.0)
    return replace(home, axes=np.stack((np.cross(up, back), up, back)))


@pytest.mark.parametrize("hardware", [False, True])
@pytest.mark.parametrize("mode", ["mip", "shaded"])
@pytest.mark.parametrize("sign", [1, -1])
def test_of_two_surfaces_the_nearer_is_seen_in_whatever_order_they_come(renderer, mode, sign, hardware, monkeypatch):
    monkeypatch.setattr(renderer, "hardware", hardware)
    renderer.show(Scene3D())
    red, blue = ball_mask("r", "#ff0000", (15, 15, 30)), ball_mask("b", "#0000ff", (15, 48, 30))  # blue has more j
    orbit = looking_along(1, sign)
    seen = []
    for masks in ((red, blue), (blue, red)):
        renderer.show(Scene3D())
        renderer.show(Scene3D(scene_image(np.zeros(SHAPE, np.int16), mode), masks))
        seen.append(renderer.draw(orbit, 200, 200)[100, 100].astype(int))
    assert np.abs(seen[0] - seen[1]).max() <= 2
    assert (seen[0][2] > seen[0][0] + 30) == (sign == 1)


@pytest.mark.parametrize("hardware", [False, True])
def test_shaded_tissue_hides_the_surface_behind_it_but_for_a_faint_shine(renderer, hardware, monkeypatch):
    monkeypatch.setattr(renderer, "hardware", hardware)
    array = np.zeros(SHAPE, np.int16)
    array[10:20, 35:45, 25:35] = 100
    blue = ball_mask("b", "#0000ff", (15, 15, 30))
    bluish = []
    for sign in (1, -1):  # the tissue before the surface, and behind it
        renderer.show(Scene3D())
        renderer.show(Scene3D(scene_image(array, "shaded"), (blue,)))
        red, _, blue_part = renderer.draw(looking_along(1, sign), 200, 200)[100, 100].astype(int)
        bluish.append(blue_part - red)
    assert bluish[0] < 60 < 100 < bluish[1]


def test_the_sharp_picture_is_made_of_bands_without_seams(renderer):
    from viewer.volume3d.picture import Picture

    smooth = gaussian_filter(np.random.default_rng(1).standard_normal(SHAPE), 3)
    array = (100 * smooth / smooth.max()).astype(np.float32)
    orbit = orbit_around(volume_corners(SHAPE, affine()), 1.0).turned(20, 10)
    picture = Picture()
    picture.renderer = renderer
    renderer.show(Scene3D())
    picture.take(Scene3D(scene_image(array)))
    picture.draw(orbit, 240, 240)
    assert not picture.sharp
    bands = 1
    while picture.sharpen(orbit, 240, 240):
        bands += 1
    assert picture.sharp
    assert bands > 2
    made = np.frombuffer(picture.image.constBits(), np.uint8).reshape(240, -1)[:, : 3 * 240].reshape(240, 240, 3)
    whole = renderer.draw(orbit, 240, 240)
    assert np.abs(made[3:-3].astype(int) - whole[3:-3]).mean() < 1.0
    assert np.abs(made[3:-3].astype(int) - whole[3:-3]).mean(axis=(1, 2)).max() < 4.0


def test_colour_images_and_images_without_values_are_refused(renderer):
    for array in (np.zeros((4, 5, 6, 3), np.uint8), np.full((4, 5, 6), np.nan, np.float32)):
        with pytest.raises(VolumeViewError):
            renderer.show(Scene3D(replace(scene_image(np.zeros((4, 5, 6))), volume=_volume(array))))
    renderer.show(Scene3D())


def _volume(array):
    channels = {"channels": {RGB_COLOR_CHANNEL_DESCRIPTOR: ["R", "G", "B"]}} if array.ndim == 4 else {}
    return Volume(array, np.eye(4), "PATIENT", **channels)


@pytest.fixture
def view(qtbot, renderer):
    from viewer.volume3d.view import VolumeView

    array = np.zeros(SHAPE, np.int16)
    array[22, 10, 50] = 100
    made = VolumeView()
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.show()
    made.set_scene(Scene3D(scene_image(array)))
    assert made.message == ""
    return made


def test_a_click_reports_the_millimetres_and_a_drag_turns(view, qtbot):
    point = affine()[:3, :3] @ (22, 10, 50) + affine()[:3, 3]
    x, y, _ = view.orbit.screen_of(point, view.width(), view.height())
    with qtbot.waitSignal(view.point_picked) as caught:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y)))
    assert np.linalg.norm(np.array(caught.args[0]) - point) < 2.1
    before = view.orbit.axes
    with qtbot.assertNotEmitted(view.point_picked):
        QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(100, 100))
        QTest.mouseMove(view, QPoint(140, 110))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(140, 110))
    assert not np.allclose(view.orbit.axes, before)


def test_keys_turn_zoom_and_look_from_the_sides(view, qtbot):
    for key, side in zip("123456", STANDARD, strict=True):
        QTest.keyClick(view, key)
        assert view.orbit.axes[2] == pytest.approx(STANDARD[side][0])
    high = view.orbit.height_mm
    QTest.keyClick(view, "+")
    assert view.orbit.height_mm < high
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.orbit.axes[2] != pytest.approx(STANDARD["foot"][0])
    QTest.keyClick(view, "r")
    assert view.orbit.axes[2] == pytest.approx(STANDARD["foot"][0])
    with qtbot.waitSignal(view.mode_toggled):
        QTest.keyClick(view, "m")
    with pytest.raises(ValueError, match="not one of"):
        view.look_from("above")


def test_the_cursor_moves_without_rendering_anew(view, monkeypatch):
    view.image()
    renderer = view._picture.renderer
    drawn = []
    monkeypatch.setattr(renderer, "draw", lambda *a, **k: drawn.append(a) or np.zeros((2, 2, 3), np.uint8))
    before = view.grab().toImage()
    view.set_cursor((40.0, 0.0, 60.0))
    assert view.grab().toImage() != before
    assert not drawn


def test_another_phase_keeps_the_viewpoint_and_another_place_does_not(view):
    view.look_from("left")
    turned = view.orbit
    view.set_scene(Scene3D(scene_image(np.ones(SHAPE, np.int16))))
    assert view.orbit is turned
    view.set_scene(Scene3D(scene_image(np.ones((10, 20, 20), np.int16), frame="9.9")))
    assert view.orbit is not turned
    view.set_message("The images could not be read.")
    assert view.point_at(5, 5) is None
    view.grab()


def test_the_volume_keeps_filling_the_view_until_the_user_zooms(view):
    view.resize(900, 380)
    view.grab()
    corners = view.orbit.screen_of(volume_corners(SHAPE, affine()), view.width(), view.height())
    assert 0.85 < np.ptp(corners[:, 1]) / view.height() <= 1
    view.set_orbit(view.orbit.zoomed(2))
    zoomed = view.orbit.height_mm
    view.resize(500, 500)
    view.grab()
    assert view.orbit.height_mm == zoomed
