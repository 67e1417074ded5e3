"""The MRI phantom: geometry, truth and what contrast does, slice by slice and as an examination."""

from __future__ import annotations

import numpy as np
import pytest

from inference.phantoms.anatomy import draw_anatomy
from inference.phantoms.lesions import HISTOLOGIES, KINDS, draw_histology, draw_lesion
from inference.phantoms.mri import Course, make_dce, make_slice
from inference.progress import Cancelled, Progress


def test_same_seed_same_slice():
    first, second = make_slice(7, size=(96, 96)), make_slice(7, size=(96, 96))
    assert np.array_equal(first.image.array, second.image.array)
    assert np.array_equal(first.mask, second.mask)
    assert not np.array_equal(first.image.array, make_slice(8, size=(96, 96)).image.array)


@pytest.mark.parametrize("plane", ["axial", "sagittal"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_and_masks(plane: str, kind: str):
    phantom = make_slice(3, plane=plane, size=(192, 192), kind=kind)
    assert phantom.image.array.shape == (1, 192, 192)
    assert phantom.kind == kind
    assert phantom.malignant == (kind in ("IDC", "OM"))
    assert phantom.mask.any() == (kind != "MG")


def test_axial_geometry_is_lps_with_the_front_upwards():
    affine = make_slice(1, size=(64, 64)).image.affine
    assert affine[0, 2] > 0  # columns run to the patient's left
    assert affine[1, 1] > 0  # rows run to her back
    assert affine[2, 0] > 0
    assert np.count_nonzero(affine[:3, :3]) == 3


def test_sagittal_geometry_has_the_head_upwards():
    affine = make_slice(1, plane="sagittal", size=(64, 64)).image.affine
    assert affine[2, 1] < 0
    assert affine[1, 2] > 0


def test_mask_lies_on_the_side_it_names_and_in_front_of_the_chest():
    sides = set()
    for seed in range(12):
        phantom = make_slice(seed, size=(128, 128), kind="IDC")
        rows, columns = np.nonzero(phantom.mask)
        if rows.size == 0:
            continue
        middle = phantom.image.affine @ (0, rows.mean(), columns.mean(), 1)
        assert (middle[0] > 0) == (phantom.laterality == "L")
        assert middle[1] < 30  # the heart lies deeper and is never labelled
        sides.add(phantom.laterality)
    assert sides == {"L", "R"}


def test_heart_is_bright_left_of_the_midline():
    ratios = []
    for seed in range(8):
        phantom = make_slice(seed, size=(128, 128), kind="MG", subtraction=False)
        affine = phantom.image.affine
        x = affine[0, 3] + affine[0, 2] * np.arange(128)
        y = affine[1, 3] + affine[1, 1] * np.arange(128)
        chest = phantom.image.array[0][(y > 45) & (y < 85)].astype(float)
        ratios.append(chest[:, (x > 10) & (x < 60)].mean() / chest[:, (x < -10) & (x > -60)].mean())
    assert np.median(ratios) > 1.3


def test_unknown_plane_is_refused():
    with pytest.raises(ValueError, match="'coronal'"):
        make_slice(1, plane="coronal")


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve by counting pairs, ties one half."""
    difference = positive[:, None] - negative[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def test_no_single_property_gives_the_diagnosis_away():
    """SYSTEMS.md §4.3 (a): size or strength of uptake alone stay below AUC 0.75; kinetics help but do not decide."""
    rng = np.random.default_rng(0)
    anatomy = draw_anatomy(rng)
    kinds = rng.choice(["OB", "IDC", "OM"], 1500, p=(0.47, 0.35, 0.18))
    lesions = [draw_lesion(rng, anatomy, draw_histology(rng, kind), 0) for kind in kinds]
    malignant = np.array([lesion.histology.malignant for lesion in lesions])
    for rule, highest in (("mean_radius_mm", 0.70), ("irregularity", 0.90), ("kep", 0.93), ("ktrans", 0.85)):
        values = np.array([getattr(lesion, rule) for lesion in lesions])
        assert 0.5 < auc(values[malignant], values[~malignant]) < highest, rule


def test_histology_counts_are_those_of_the_published_set():
    totals = {kind: sum(h.frequency for h in HISTOLOGIES if h.kind == kind) for kind in KINDS[1:]}
    assert totals == {"OB": 108, "IDC": 82, "OM": 41}


SMALL = {"size": (16, 96, 96), "spacing_mm": (6.0, 3.6, 3.6)}


def test_examination_has_aligned_grids_and_a_t2_of_its_own():
    phantom = make_dce(5, **SMALL, lesions=("IDC",), course=Course(motion_mm=0))
    assert len(phantom.posts) == len(phantom.seconds) == 4
    for post in phantom.posts:
        assert np.array_equal(post.affine, phantom.pre.affine)
        assert post.frame_of_reference_uid == phantom.pre.frame_of_reference_uid
    assert phantom.t2 is not None
    assert phantom.t2.frame_of_reference_uid == phantom.pre.frame_of_reference_uid
    assert phantom.t2.array.shape != phantom.pre.array.shape
    np.testing.assert_allclose(phantom.pre.spacing, SMALL["spacing_mm"])


def test_lesions_enhance_by_their_curve_and_lie_where_they_say():
    found = {}
    for seed in range(8):
        phantom = make_dce(seed, **SMALL, lesions=("IDC",), course=Course(motion_mm=0, with_t2=False))
        lesion = phantom.lesions[0]
        if lesion.mask.sum() < 25:
            continue
        means = [float(v.array[lesion.mask].mean()) for v in (phantom.pre, *phantom.posts)]
        found.setdefault(lesion.curve, []).append(means[-1] / means[1] - 1)
        indices = np.argwhere(lesion.mask).mean(axis=0)
        centre = (phantom.pre.affine @ (*indices, 1))[:3]
        assert np.linalg.norm(centre - lesion.centre_mm) < 0.6 * lesion.radius_mm + 5
        assert lesion.box is not None
        assert lesion.mask[lesion.box].sum() == lesion.mask.sum()
        assert means[1] > 1.1 * means[0]
    assert "washout" in found
    assert np.mean(found["washout"]) < -0.04
    for curve in set(found) - {"washout"}:
        assert np.mean(found[curve]) > np.mean(found["washout"])


def test_normal_examination_and_unknown_lesion():
    phantom = make_dce(1, **SMALL, lesions=(), course=Course(with_t2=False))
    assert phantom.lesions == ()
    assert phantom.t2 is None
    with pytest.raises(ValueError, match="'wart'"):
        make_dce(1, **SMALL, lesions=("wart",))
    with pytest.raises(ValueError, match="square pixels"):
        make_dce(1, size=(2, 8, 8), spacing_mm=(3, 1, 2))


def test_examination_can_be_cancelled():
    progress = Progress(lambda fraction, _text: progress.cancel() if fraction > 0.2 else None)
    with pytest.raises(Cancelled):
        make_dce(1, **SMALL, progress=progress)
