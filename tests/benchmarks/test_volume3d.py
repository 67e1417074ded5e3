"""Volume view: pictures per second while turning a 448 × 448 × 60 volume; longest diameter against all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from highdicom import Volume
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import pdist

from inference.lesion_size import lesion_size, longest_distance, outline_points
from viewer.volume3d.furniture import volume_corners
from viewer.volume3d.orbit import orbit_around
from viewer.volume3d.ray import pick
from viewer.volume3d.scene import Mode, Scene3D, SceneImage, VolumeViewError

SHAPE = (60, 448, 448)
AFFINE = np.array([[0, 0, 0.76, 0], [0, 0.76, 0, 0], [1.1, 0, 0, 0], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def volume():
    """Blobs of enhancement in noise, as a subtraction."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.standard_normal(SHAPE).astype(np.float32), 3)
    return Volume((smooth * 4000).astype(np.int16), AFFINE, "PATIENT", frame_of_reference_uid="1.2")


def image(volume: Volume, mode: Mode) -> SceneImage:
    high = float(np.percentile(volume.array, 99.9))
    return SceneImage("v", volume, 0.0, high, mode, 0.3 * high, 0.85)


@pytest.mark.parametrize("moving", [True, False], ids=["turning", "still"])
@pytest.mark.parametrize("mode", ["mip", "shaded"])
def test_a_picture_of_640_by_720(benchmark, volume, mode, moving):
    """Turning: what the pace allows; still: every pixel (the plain alternative)."""
    from viewer.volume3d.pace import Pace
    from viewer.volume3d.renderer import Renderer

    try:
        renderer = Renderer()
    except VolumeViewError as error:
        pytest.skip(str(error))
    renderer.show(Scene3D(image(volume, mode)))
    orbit = orbit_around(volume_corners(SHAPE, AFFINE), 640 / 720, "anterior")
    pace, turn = Pace(), iter(range(100_000))

    def draw():
        from time import perf_counter

        reduction = pace.reduction(640 * 720) if moving else 1.0
        width, height = round(640 / reduction), round(720 / reduction)
        begun = perf_counter()
        renderer.draw(orbit.turned(3.0 * next(turn), 20), width, height, coarse=moving)
        pace.took(perf_counter() - begun, width * height)

    benchmark.pedantic(draw, rounds=20, iterations=1, warmup_rounds=5)
    renderer.close()


def test_a_click_in_mip(benchmark, volume):
    orbit = orbit_around(volume_corners(SHAPE, AFFINE), 1.0)
    scene = image(volume, "mip")
    benchmark(lambda: pick(scene, *orbit.ray(300, 300, 640, 640)))


def ball() -> Volume:
    places = np.moveaxis(np.indices((30, 60, 60)), 0, -1) - (15, 30, 30)
    inside = np.linalg.norm(places * (1.1, 0.76, 0.76), axis=-1) <= 12
    return Volume(inside.astype(np.uint8), AFFINE, "PATIENT")


def test_size_of_a_24_mm_lesion(benchmark):
    mask = ball()
    benchmark(lambda: lesion_size(mask))


@pytest.mark.parametrize("way", ["hull", "all pairs"])
def test_longest_distance(benchmark, way):
    points = outline_points(ball().array > 0) @ AFFINE[:3, :3].T
    hull, plain = longest_distance(points)[0], pdist(points).max()
    assert hull == pytest.approx(plain)
    benchmark((lambda: longest_distance(points)) if way == "hull" else (lambda: pdist(points).max()))
