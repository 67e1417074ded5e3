"""Motion correction of one phase of 512×512×60, next to estimating at full resolution and to the rigid step alone."""

from __future__ import annotations

import numpy as np
import pytest
from highdicom import Volume
from scipy import ndimage

from inference.phantoms.mri import Course, make_dce
from inference.prepare.correction import RegisterSettings
from inference.prepare.register import apply, register

GROUP = "motion correction, one phase of 512x512x60"


@pytest.fixture(scope="module")
def phases() -> tuple[Volume, Volume]:
    """A phantom of a quarter of the matrix, interpolated to 512×512×60 with noise of its own in each phase."""
    course = Course(seconds=(105.0,), motion_mm=4.0, with_t2=False)
    phantom = make_dce(2, size=(30, 256, 256), spacing_mm=(4.0, 1.4, 1.4), lesions=("IDC",), course=course)
    affine = np.array(phantom.pre.affine)
    affine[:3, :3] /= 2
    random = np.random.default_rng(0)
    made = []
    for volume in (phantom.pre, phantom.posts[0]):
        values = ndimage.zoom(volume.array.astype(np.float32), 2, order=1) + random.normal(0, 8, (60, 512, 512))
        frame = phantom.pre.frame_of_reference_uid
        made.append(Volume(np.clip(values, 0, 4095).astype(np.uint16), affine, "PATIENT", frame_of_reference_uid=frame))
    return made[0], made[1]


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize(
    "settings",
    [
        RegisterSettings(),
        RegisterSettings(deformable=False),
        RegisterSettings(estimate_mm=0.1, iterations=10),
    ],
    ids=["estimated at 2.4 mm", "rigid only", "full resolution, 10 iterations"],
)
def test_register(benchmark: pytest.FixtureRequest, phases: tuple[Volume, Volume], settings: RegisterSettings) -> None:
    correction = benchmark.pedantic(register, args=phases, kwargs={"settings": settings}, rounds=1)
    benchmark.extra_info["edges"] = f"{correction.before.edges:.3f} -> {correction.after.edges:.3f}"


@pytest.mark.benchmark(group="motion correction, resampling 512x512x60")
@pytest.mark.parametrize("interpolation", ["bspline", "linear"])
def test_apply(benchmark: pytest.FixtureRequest, phases: tuple[Volume, Volume], interpolation: str) -> None:
    correction = register(*phases, settings=RegisterSettings(deformable=False))
    benchmark.pedantic(apply, args=(correction, phases[1], phases[0]), kwargs={"interpolation": interpolation})
