"""Slices become volumes by position: order, gaps, slabs, orientations, and millimetres against two other libraries."""

import random

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from hypothesis import given, settings
from hypothesis import strategies as st

from app.studies.hanging.sides import side_shown
from app.studies.load import load_stack
from app.studies.scan import scan
from app.studies.study import SeriesKind


def written(dicom, folder, slices, names=None):
    for number, made in enumerate(slices):
        dicom.save(made, folder / (names[number] if names else f"{number:04}"))
    return scan(folder)


def only_stack(library):
    (study,) = library.studies
    (series,) = study.series
    (stack,) = series.stacks
    return study, stack


@pytest.mark.parametrize("orientation", ["axial", "sagittal", "coronal", "oblique"])
def test_shuffled_slices_have_the_millimetres_of_simpleitk_and_nibabel(dicom, tmp_path, orientation):
    cosines = {
        "axial": (1, 0, 0, 0, 1, 0),
        "sagittal": (0, 1, 0, 0, 0, -1),
        "coronal": (1, 0, 0, 0, 0, -1),
        "oblique": dicom.OBLIQUE,
    }[orientation]
    numbers = list(range(7))
    random.Random(3).shuffle(numbers)
    slices = [dicom.mr_slice(k, orientation=cosines, InstanceNumber=50 - number) for number, k in enumerate(numbers)]
    study, stack = only_stack(
        written(dicom, tmp_path, slices, [f"z{n}" for n in random.Random(5).sample(range(99), 7)])
    )
    loaded = load_stack(study, stack.uid)
    assert stack.orientation == ("axial" if orientation == "oblique" else orientation)
    assert stack.spacing_mm == pytest.approx((2.5, 0.7, 1.3), abs=1e-6)

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(frame.path) for frame in stack.frames])
    oracle = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(oracle), loaded.volume.array)
    for k, j, i in ((0, 0, 0), (6, 5, 7), (3, 1, 4)):
        expected = oracle.TransformIndexToPhysicalPoint((i, j, k))
        assert (loaded.volume.affine @ (k, j, i, 1))[:3] == pytest.approx(expected, abs=1e-4)

    sitk.WriteImage(oracle, tmp_path / "oracle.nii.gz")
    to_ras = nibabel.load(tmp_path / "oracle.nii.gz").affine
    ras = to_ras @ (4, 2, 5, 1)
    assert (loaded.volume.affine @ (5, 2, 4, 1))[:3] == pytest.approx((-ras[0], -ras[1], ras[2]), abs=1e-3)


def test_spacing_comes_from_positions_not_from_slice_thickness(dicom, tmp_path):
    _, stack = only_stack(
        written(dicom, tmp_path, [dicom.mr_slice(k, step=3.99, SliceThickness=3.0) for k in range(5)])
    )
    assert stack.spacing_mm[0] == pytest.approx(3.99)
    assert stack.notes == ()


def test_a_missing_slice_is_a_blank_place_and_positions_stay_right(dicom, tmp_path):
    study, stack = only_stack(written(dicom, tmp_path, [dicom.mr_slice(k) for k in range(9) if k != 4]))
    assert len(stack.frames) == 9
    assert stack.frames[4].sop_instance_uid == ""
    assert any("Slice 5 missing" in note for note in stack.notes)
    loaded = load_stack(study, stack.uid)
    assert loaded.blank_slices == (4,)
    assert not loaded.volume.array[4].any()
    assert loaded.volume.array[8, 0, 1] == 801
    assert (loaded.volume.affine @ (8, 0, 0, 1))[:3] == pytest.approx(stack.frames[8].position_mm)


def test_two_slabs_are_two_stacks(dicom, tmp_path):
    sagittal = (0, 1, 0, 0, 0, -1)
    right = [dicom.mr_slice(k, orientation=sagittal, origin=(-100, 0, 0), InstanceNumber=k) for k in range(6)]
    left = [dicom.mr_slice(k, orientation=sagittal, origin=(60, 0, 0), InstanceNumber=k + 6) for k in range(6)]
    (study,) = written(dicom, tmp_path, right + left).studies
    stacks = study.series[0].stacks
    assert [len(stack.frames) for stack in stacks] == [6, 6]
    assert {stack.uid for stack in stacks} == {f"{study.series[0].uid}#1", f"{study.series[0].uid}#2"}
    # The panes say which breast it is; a sentence about it would only take their room.
    assert [side_shown(study.series[0], stack, 0, "native") for stack in stacks] == ["L", "R"]
    assert [stack.notes for stack in stacks] == [(), ()]


def test_uneven_spacing_is_said(dicom, tmp_path):
    places = [0, 1, 2.3, 3.1, 4.6]
    _, stack = only_stack(written(dicom, tmp_path, [dicom.mr_slice(k, InstanceNumber=int(k * 10)) for k in places]))
    assert any("unevenly spaced" in note for note in stack.notes)
    assert len(stack.frames) == 5


def test_mixed_orientations_are_separate_stacks_and_localisers_are_named(dicom, tmp_path):
    planes = [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1)]
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    slices = [dicom.mr_slice(k, orientation=plane, ImageType=kind) for plane in planes for k in range(3)]
    (study,) = written(dicom, tmp_path, slices).studies
    stacks = study.series[0].stacks
    assert sorted(stack.orientation for stack in stacks) == ["axial", "coronal", "sagittal"]
    assert all(any("mixes" in note for note in stack.notes) for stack in stacks)
    assert all("Localiser images." in stack.notes for stack in stacks)


def test_slices_without_position_keep_their_numbers_and_say_so(dicom, tmp_path):
    slices = [dicom.mr_slice(k, ImagePositionPatient=None) for k in (2, 0, 1)]
    study, stack = only_stack(written(dicom, tmp_path, slices))
    assert [frame.instance_number for frame in stack.frames] == [1, 2, 3]
    assert any("no position" in note for note in stack.notes)
    loaded = load_stack(study, stack.uid)
    assert not loaded.has_patient_axes


def test_many_images_at_one_position_are_one_stack(dicom, tmp_path):
    slices = [dicom.mr_slice(0, InstanceNumber=n, AcquisitionTime=f"1000{n:02}") for n in range(1, 6)]
    _, stack = only_stack(written(dicom, tmp_path, slices))
    assert [frame.instance_number for frame in stack.frames] == [1, 2, 3, 4, 5]
    assert any("same position" in note for note in stack.notes)


def test_echoes_and_dixon_images_are_not_mixed(dicom, tmp_path):
    slices = [
        dicom.mr_slice(k, EchoTime=echo, ImageType=["ORIGINAL", "PRIMARY", kind], InstanceNumber=k)
        for k in range(4)
        for echo, kind in ((2.0, "W"), (2.0, "F"), (80.0, "M"))
    ]
    (study,) = written(dicom, tmp_path, slices).studies
    assert [len(stack.frames) for stack in study.series[0].stacks] == [4, 4, 4]
    assert study.dynamics == ()


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), angle=st.floats(-3, 3), tilt=st.floats(-1.2, 1.2), step=st.floats(0.3, 9))
def test_any_order_and_obliquity_sorts_along_the_normal(dicom, order, angle, tilt, step):
    from pathlib import Path

    from app.studies.series.frames import frames_of
    from app.studies.series.stacking import stacks_of

    row = (np.cos(angle), np.sin(angle), 0.0)
    column = (-np.sin(angle) * np.cos(tilt), np.cos(angle) * np.cos(tilt), np.sin(tilt))
    slices = [dicom.mr_slice(k, orientation=(*row, *column), step=step, InstanceNumber=n) for n, k in enumerate(order)]
    facts = [frames_of(Path(f"f{n}"), made)[0] for n, made in enumerate(slices)]
    (found,) = stacks_of("1.2", SeriesKind.MR, facts)
    assert [order[int(frame.path.name[1:])] for frame in found.stack.frames] == list(range(6))
    assert found.stack.spacing_mm[0] == pytest.approx(step, abs=1e-4)


def test_a_rotating_projection_is_one_stack_without_place(dicom, tmp_path):
    turns = [(np.cos(angle), np.sin(angle), 0, 0, 0, -1) for angle in (0.0, 0.4, 0.8, 1.2)]
    kind = ["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"]
    slices = [dicom.mr_slice(0, orientation=turn, ImageType=kind, InstanceNumber=9 - n) for n, turn in enumerate(turns)]
    study, stack = only_stack(written(dicom, tmp_path, slices))
    assert [frame.instance_number for frame in stack.frames] == [6, 7, 8, 9]
    assert stack.derived
    assert not load_stack(study, stack.uid).has_patient_axes
