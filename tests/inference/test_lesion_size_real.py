"""Lesion size on real tumour masks: against extents along all directions, all pairs in a slice, and ITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as everywhere
from highdicom import Volume
from scipy.spatial.distance import cdist

from inference.lesion_size import lesion_size, outline_points

pytestmark = pytest.mark.real_data
MASKS = (
    "mri/ispy2_gt_masks_nii/ACRIN-6698-102212_spy2_vis1_mask.nii.gz",
    "mri/ispy2_gt_masks_nii/ACRIN-6698-104268_spy2_vis1_mask.nii.gz",
    "mri/ispy2_gt_masks_nii/ISPY2-550421_spy2_vis1_mask.nii.gz",
    "mri/pyradiomics_breast1/breast1_label.nrrd",
)


def read(path: Path):
    """Return a mask as ITK's image and as a volume in LPS mm, which is ITK's own frame."""
    image = sitk.Cast(sitk.ReadImage(str(path)) > 0, sitk.sitkUInt8)
    step = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = step[:, ::-1], image.GetOrigin()
    return image, Volume(sitk.GetArrayFromImage(image), affine, "PATIENT")


def widest(points: np.ndarray) -> float:
    """Return the greatest extent along 4,000 directions: the longest distance less at most 0.1 %."""
    n = np.arange(4000) + 0.5
    z, turn = n / 4000, np.pi * (1 + 5**0.5) * n  # Fibonacci's half sphere
    directions = np.stack((np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z))
    parts = np.array_split(directions, 40, axis=1)
    return max(float(np.ptp(points @ part, axis=0).max()) for part in parts)


def all_pairs(points: np.ndarray) -> float:
    return max(float(cdist(points[start : start + 500], points).max()) for start in range(0, len(points), 500))


@pytest.mark.parametrize("name", MASKS)
def test_volume_and_longest_diameters_of_real_tumours(shared_data, name):
    image, mask = read(shared_data / name)
    size = lesion_size(mask)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputeFeretDiameterOn()
    shapes.Execute(image)
    assert size.voxels == shapes.GetNumberOfPixels(1)
    assert size.volume_ml == pytest.approx(shapes.GetPhysicalSize(1) / 1000, rel=1e-5)
    # ITK measures between the centres of voxels: shorter by no more than one voxel's diagonal
    diagonal = float(np.linalg.norm(image.GetSpacing()))
    assert 0 < size.longest_mm - shapes.GetFeretDiameter(1) <= diagonal
    array, linear = mask.array > 0, mask.affine[:3, :3]
    found = widest(outline_points(array) @ linear.T)
    assert found - 1e-6 <= size.longest_mm <= 1.001 * found
    assert size.longest_mm >= size.plane_longest_mm >= size.plane_perpendicular_mm > 0


@pytest.mark.parametrize("name", MASKS)
def test_diameters_in_plane_are_those_of_the_slice(shared_data, name):
    """Both from the definition: all pairs of the slice's outline, and all chords perpendicular to the longest."""
    _, mask = read(shared_data / name)
    size = lesion_size(mask, axis=0)
    across = mask.affine[:3, 1:3]
    best = 0.0
    for plane in mask.array > 0:
        if plane.any():
            outline = outline_points(plane[None], (1, 2))[:, 1:] @ across.T
            best = max(best, all_pairs(outline))
    assert size.plane_longest_mm == pytest.approx(best, abs=1e-6)
    first, last = (np.array(end) for end in size.plane_longest_ends)
    assert np.linalg.norm(last - first) == pytest.approx(size.plane_longest_mm)
    outline = outline_points((mask.array[size.slice_index] > 0)[None], (1, 2))[:, 1:] @ across.T
    normal = np.cross(across[:, 0], across[:, 1])
    side = np.cross(normal / np.linalg.norm(normal), (last - first) / np.linalg.norm(last - first))
    assert 0 < size.plane_perpendicular_mm <= np.ptp(outline @ side) + 1e-6
