"""Motion between phases: left alone when small, taken out when large, and always said."""

from __future__ import annotations

import numpy as np
import pytest
from highdicom import Volume
from scipy import ndimage

from inference.exam import DceExam
from inference.phantoms.dynamic import Course, make_dce
from inference.prepare.motion import aligned
from inference.progress import Progress

SPACING = np.array([3.0, 2.0, 2.0])
SHAPE = (20, 56, 56)


def phase(shift_mm: float, gain: float = 1.0) -> Volume:
    """Return a lumpy ellipsoid in air that lies ``shift_mm`` further to the back."""
    place = (np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2) * SPACING[:, None, None, None]
    place[1] -= shift_mm
    body = ((place / np.array([26.0, 44.0, 44.0])[:, None, None, None]) ** 2).sum(0) < 1
    lumps = np.sin(place[1] / 5) + np.cos(place[2] / 6 + place[0] / 9) + np.sin((place[1] + place[2]) / 8)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]) * SPACING
    values = ndimage.gaussian_filter(np.where(body, 300 + 60 * lumps, 3.0), 0.6) * gain
    return Volume(values.astype(np.float32), affine, "PATIENT", frame_of_reference_uid="1.2.3")


def breasts(bend_mm: float, gain: float = 1.0, noise: float = 0.0) -> Volume:
    """Return two lumpy breasts on a chest that stays; one breast moves to the front, the other to the back."""
    shape = (20, 72, 120)
    place = (np.indices(shape) - (np.array(shape)[:, None, None, None] - 1) / 2) * SPACING[:, None, None, None]
    free = np.clip((30 - place[1]) / 50, 0, 1)  # the skin in front moves, the chest does not
    place[1] += bend_mm * free * np.tanh(place[2] / 20)
    aside = (np.abs(place[2]) - 55) / 45
    breast = (place[0] / 28) ** 2 + ((place[1] - 30) / 75) ** 2 + aside**2 < 1
    chest = (place[1] > 30) & (np.abs(place[2]) < 105)
    lumps = np.sin(place[1] / 5) + np.cos(place[2] / 6 + place[0] / 9) + np.sin((place[1] + place[2]) / 8)
    values = ndimage.gaussian_filter(np.where(breast | chest, 300 + 60 * lumps, 3.0), 0.6) * gain
    values += noise * np.random.default_rng(7).normal(size=shape)
    return Volume(values.astype(np.float32), phase(0.0).affine, "PATIENT", frame_of_reference_uid="1.2.3")


def exam(shift_mm: float) -> DceExam:
    return DceExam((phase(0.0), phase(0.0, 1.3), phase(shift_mm, 1.25)), 0, (0.0, 100.0, 190.0), orientation="axial")


def test_small_motion_is_measured_and_left():
    still = exam(0.0)
    pre, posts, moved = aligned(still, "measure", 1.0, Progress())
    assert pre is still.phases[0]
    assert posts[1] is still.phases[2]
    assert not moved.corrected
    assert len(moved.measured_mm) == 2
    assert max(moved.measured_mm) < 0.3
    assert "not more than 1 mm" in moved.sentence


def test_large_motion_is_taken_out():
    shaken = exam(4.0)
    pre, posts, moved = aligned(shaken, "measure", 1.0, Progress())
    assert moved.corrected
    assert moved.measured_mm[1] == pytest.approx(4.0, abs=0.6)
    assert "more than 1 mm" in moved.sentence
    assert posts[0] is shaken.phases[1]  # the reference
    inside = (slice(5, 15), slice(16, 40), slice(16, 40))
    wanted = phase(0.0, 1.25).array[inside]
    before = np.abs(shaken.phases[2].array[inside] - wanted).mean()
    assert np.abs(posts[1].array[inside] - wanted).mean() < 0.35 * before
    np.testing.assert_allclose(pre.array[inside], phase(0.0).array[inside], atol=5)


@pytest.mark.parametrize("bend_mm", [4.0, 6.0])
def test_breasts_that_move_against_each_other_are_measured_and_taken_out(bend_mm: float) -> None:
    """No rigid motion follows them."""
    still, bent = breasts(0.0, 1.2), breasts(bend_mm, 1.2)
    shaken = DceExam((breasts(0.0), breasts(0.0, 1.3), bent), 0, (0.0, 100.0, 190.0), orientation="axial")
    _, posts, moved = aligned(shaken, "measure", 1.0, Progress())
    assert moved.corrected
    assert moved.measured_mm[0] < 0.3
    assert 0.6 * bend_mm < moved.measured_mm[1] < 1.1 * bend_mm
    before = np.abs(bent.array - still.array).mean()
    assert np.abs(posts[1].array - still.array).mean() < 0.7 * before


def test_uptake_and_noise_are_no_motion() -> None:
    """A dynamic phantom without motion; its contrast agent and its noise differ from phase to phase."""
    course = Course(seconds=(105.0, 195.0), motion_mm=0, with_t2=False)
    drawn = make_dce(11, size=(32, 192, 192), spacing_mm=(4.0, 1.8, 1.8), course=course)  # the noisiest of 10
    _, _, moved = aligned(DceExam((drawn.pre, *drawn.posts), 0, (0.0, *drawn.seconds)), "measure", 1.0, Progress())
    assert not moved.corrected
    assert max(moved.measured_mm) < 0.5


def test_no_second_correction_and_none_at_all():
    shaken = exam(4.0)
    for mode, sentence in (("measure", "corrected for motion before"), ("never", "not looked for")):
        given = DceExam(shaken.phases, 0, shaken.seconds, motion_corrected=mode == "measure")
        pre, posts, moved = aligned(given, mode, 1.0, Progress())
        assert pre is shaken.phases[0]
        assert posts == shaken.posts
        assert sentence in moved.sentence


def test_phases_that_cannot_be_registered_are_used_as_they_are():
    flat = phase(0.0).with_array(np.ones(SHAPE, np.float32))
    pre, posts, moved = aligned(DceExam((flat, flat, flat), 0, (0.0, 90.0, 180.0)), "always", 1.0, Progress())
    assert (pre is flat, len(posts), moved.corrected) == (True, 2, False)
    assert "could not be measured" in moved.sentence


def test_padding_does_not_stop_it():
    padded = phase(0.0).array.copy()
    padded[:2] = np.nan
    holed = phase(0.0).with_array(padded)
    pre, _, moved = aligned(DceExam((holed, phase(0.0, 1.3)), 0, (0.0, 90.0)), "measure", 1.0, Progress())
    assert np.isfinite(pre.array).all()
    assert len(moved.measured_mm) == 1
