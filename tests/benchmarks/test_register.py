"""Motion correction of one phase of 512×512×60, next to estimating at full resolution and to the rigid step alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from highdicom import Volume
from scipy import ndimage

from app.studies.load import load_stack
from app.studies.scan import scan
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


@pytest.fixture
def exam(shared_data: Path) -> list[Volume]:
    """Five real phases of 448×448×60, interpolated to 512×512×60 as stored integers."""
    study = scan(shared_data / "mri" / "duke-153").studies[0]
    made = []
    for phase in study.dynamics[0].phases:
        volume = load_stack(study, phase.stack_uid).volume
        scale = 512 / volume.array.shape[1]
        affine = np.array(volume.affine)
        affine[:3, 1:3] /= scale
        values = ndimage.zoom(volume.array.astype(np.float32), (1, scale, scale), order=1).astype(volume.array.dtype)
        made.append(Volume(values, affine, "PATIENT", frame_of_reference_uid=volume.frame_of_reference_uid))
    return made


@pytest.mark.benchmark(group="motion correction, 5 x 512x512x60: four phases to the first, applied")
def test_a_whole_series(benchmark: pytest.FixtureRequest, exam: list[Volume]) -> None:
    def correct() -> list[Volume]:
        return [apply(register(exam[0], post), post, exam[0]) for post in exam[1:]]

    corrected = benchmark.pedantic(correct, rounds=1)
    assert [volume.array.shape for volume in corrected] == [exam[0].array.shape] * 4
