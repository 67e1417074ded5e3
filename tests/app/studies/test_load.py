"""Loading: values, colour, enhanced and tomosynthesis files, damaged frames, spacing given by the user, thumbnails."""

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence

from app.studies.errors import StudyError
from app.studies.load import load_stack
from app.studies.override import with_spacing
from app.studies.scan import scan
from app.studies.study import SeriesKind
from app.studies.thumbnails import thumbnail
from inference.progress import Cancelled, Progress
from viewer.presentation import Window


def opened(path):
    (study,) = scan(path).studies
    return study, study.series[0], study.series[0].stacks


def test_integers_stay_integers_and_slopes_are_applied_file_by_file(dicom, tmp_path):
    for k, slope in enumerate((1.0, 2.0, 0.25)):
        dicom.save(dicom.mr_slice(k, value=100, RescaleSlope=slope, RescaleIntercept=1), tmp_path / f"{k}")
    study, _, (stack,) = opened(tmp_path)
    volume = load_stack(study, stack.uid).volume
    assert volume.array.dtype == np.float32
    assert volume.array[:, 0, 0].tolist() == [101, 201, 26]


def test_whole_intercept_keeps_integers(dicom, tmp_path):
    dicom.save(dicom.mr_slice(0, value=24, RescaleSlope=1, RescaleIntercept=-1024), tmp_path / "a")
    study, _, (stack,) = opened(tmp_path)
    array = load_stack(study, stack.uid).volume.array
    assert array.dtype.kind == "i"
    assert (array == -1000).all()


def test_colour_has_an_rgb_channel(dicom, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)
    made = dicom.with_pixels(dicom.dataset("1.2.840.10008.5.1.4.1.1.7", "OT"), pixels)
    study, series, (stack,) = opened(dicom.save(made, tmp_path / "a"))
    loaded = load_stack(study, stack.uid)
    assert series.kind is SeriesKind.OTHER
    assert loaded.volume.array.shape == (1, 6, 5, 3)
    assert np.array_equal(loaded.volume.array[0], pixels)
    assert loaded.volume.number_of_channel_dimensions == 1
    assert thumbnail(study, stack.uid, 4).shape == (4, 3, 3)


def enhanced(dicom, phases=2, slices=3):
    """Enhanced MR with frames in scrambled order; the pixel value is 10·phase + slice."""
    order = [(p, k) for k in reversed(range(slices)) for p in range(phases)]
    made = dicom.dataset(dicom.ENHANCED_MR, "MR", FrameOfReferenceUID=dicom.uid("frame"))
    shared = pydicom.Dataset()
    shared.PixelMeasuresSequence = dicom.sequence(PixelSpacing=[0.5, 0.8], SliceThickness=7.0)
    shared.PlaneOrientationSequence = dicom.sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelValueTransformationSequence = dicom.sequence(RescaleSlope=1, RescaleIntercept=0, RescaleType="US")
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for p, k in order:
        frame = pydicom.Dataset()
        frame.PlanePositionSequence = dicom.sequence(ImagePositionPatient=[-10, -20, 3.0 * k])
        frame.FrameContentSequence = dicom.sequence(
            TemporalPositionIndex=p + 1,
            StackID="1",
            InStackPositionNumber=k + 1,
            DimensionIndexValues=[1, k + 1, p + 1],
            FrameAcquisitionDateTime=f"20240102{['235950', '000050', '000150'][p]}.5",
        )
        frame.FrameVOILUTSequence = dicom.sequence(WindowCenter=50 + p, WindowWidth=20)
        frames.append(frame)
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    pixels = np.stack([np.full((4, 6), 10 * p + k, np.uint16) for p, k in order])
    return dicom.with_pixels(made, pixels)


def test_enhanced_mr_becomes_one_stack_per_phase(dicom, tmp_path):
    study, _, stacks = opened(dicom.save(enhanced(dicom, phases=3), tmp_path / "e"))
    assert [len(stack.frames) for stack in stacks] == [3, 3, 3]
    assert stacks[0].spacing_mm == pytest.approx((3.0, 0.5, 0.8))
    (dynamic,) = study.dynamics
    assert dynamic.key.startswith("Temporal Position")
    assert [phase.seconds for phase in dynamic.phases] == pytest.approx([0, 60, 120])
    for number, phase in enumerate(dynamic.phases):
        loaded = load_stack(study, phase.stack_uid)
        assert loaded.volume.array[:, 0, 0].tolist() == [10 * number, 10 * number + 1, 10 * number + 2]
        assert loaded.presentation.vois == (Window(50 + number, 20),)
        assert loaded.volume.affine @ (2, 1, 1, 1) == pytest.approx((-9.2, -19.5, 6, 1))


@pytest.mark.parametrize("one_series", [True, False])
def test_enhanced_mr_with_a_file_per_phase_and_no_temporal_index(dicom, tmp_path, one_series):
    """Siemens XA writes each phase as a multi-frame file; only the acquisition times tell them apart."""
    for p in (2, 0, 1):
        made = enhanced(dicom, phases=3)
        keep = [n for n, frame in enumerate(made.PerFrameFunctionalGroupsSequence)
                if frame.FrameContentSequence[0].TemporalPositionIndex == p + 1]  # fmt: skip
        pixels = np.frombuffer(made.PixelData, np.uint16).reshape(-1, 4, 6)[keep]
        made.PerFrameFunctionalGroupsSequence = Sequence([made.PerFrameFunctionalGroupsSequence[n] for n in keep])
        for frame in made.PerFrameFunctionalGroupsSequence:
            del frame.FrameContentSequence[0].TemporalPositionIndex
        made.SOPInstanceUID, made.InstanceNumber = dicom.uid("phase", p), 3 - p
        if not one_series:
            made.SeriesInstanceUID, made.SeriesNumber = dicom.uid("series", p), 9 - p
        dicom.save(dicom.with_pixels(made, pixels), tmp_path / str(p))
    (study,) = scan(tmp_path).studies
    (dynamic,) = study.dynamics
    assert dynamic.key.startswith("Acquisition Time")
    assert [phase.seconds for phase in dynamic.phases] == pytest.approx([0, 60, 120])
    for number, phase in enumerate(dynamic.phases):
        values = load_stack(study, phase.stack_uid).volume.array
        assert values[:, 0, 0].tolist() == [10 * number + k for k in range(3)]


def test_tomosynthesis_is_one_stack_with_side_and_letters(dicom, tmp_path):
    made = dicom.dataset(dicom.TOMO, "MG", FrameOfReferenceUID="1.2.3", PatientOrientation=["P", "L"])
    shared = pydicom.Dataset()
    shared.FrameAnatomySequence = dicom.sequence(FrameLaterality="R")
    shared.PixelMeasuresSequence = dicom.sequence(PixelSpacing=[0.1, 0.1], SliceThickness=1.0)
    shared.PlaneOrientationSequence = dicom.sequence(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in range(5):
        frame = pydicom.Dataset()
        frame.PlanePositionSequence = dicom.sequence(ImagePositionPatient=[-60, -10, 1.5 * k])
        frames.append(frame)
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    made.ViewCodeSequence = dicom.code("399162004")
    pixels = np.stack([np.full((6, 4), k, np.uint16) for k in range(5)])
    study, series, (stack,) = opened(dicom.save(dicom.with_pixels(made, pixels), tmp_path / "t"))
    assert (series.kind, series.label) == (SeriesKind.TOMOSYNTHESIS, "R CC")
    assert stack.spacing_mm == pytest.approx((1.5, 0.1, 0.1))
    loaded = load_stack(study, stack.uid)
    assert sorted(loaded.volume.array[:, 0, 0].tolist()) == [0, 1, 2, 3, 4]
    for k in range(5):
        assert (loaded.volume.affine @ (k, 0, 0, 1))[2] == pytest.approx(1.5 * loaded.volume.array[k, 0, 0])
    assert loaded.edge_letters == ("A", "P", "R", "L")


def test_a_loop_without_geometry_is_shown_in_stored_order(dicom, tmp_path):
    made = dicom.dataset("1.2.840.10008.5.1.4.1.1.3.1", "US")
    pixels = np.stack([np.full((4, 4), k, np.uint8) for k in (5, 1, 9)])
    study, _, (stack,) = opened(dicom.save(dicom.with_pixels(made, pixels), tmp_path / "u"))
    loaded = load_stack(study, stack.uid)
    assert loaded.volume.array[:, 0, 0].tolist() == [5, 1, 9]
    assert not loaded.spacing_known
    assert not loaded.has_patient_axes


def test_a_damaged_slice_is_blank_and_reported_the_rest_is_shown(dicom, tmp_path):
    for k in range(5):
        dicom.save(dicom.mr_slice(k, value=k + 1), tmp_path / f"{k}")
    study, _, (stack,) = opened(tmp_path)
    damaged = stack.frames[3].path
    damaged.write_bytes(damaged.read_bytes()[:-40])
    loaded = load_stack(study, stack.uid)
    assert loaded.volume.array[:, 0, 0].tolist() == [1, 2, 3, 1, 5]
    assert loaded.blank_slices == (3,)
    assert any("Slice 4 cannot be shown" in note for note in loaded.stack.notes)


def test_a_stack_of_which_nothing_can_be_read_raises(dicom, tmp_path):
    path = dicom.save(dicom.mr_slice(0), tmp_path / "a")
    study, _, (stack,) = opened(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StudyError):
        load_stack(study, stack.uid)
    path.unlink()
    with pytest.raises(StudyError):
        load_stack(study, stack.uid)


def test_loading_can_be_cancelled(dicom, tmp_path):
    study, _, (stack,) = opened(dicom.save(dicom.mr_slice(0), tmp_path / "a"))
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        load_stack(study, stack.uid, progress)


def test_spacing_given_by_the_user(dicom, tmp_path):
    made = dicom.with_pixels(dicom.dataset(dicom.MG, "MG"), np.eye(4, dtype=np.uint16))
    study, _, (stack,) = opened(dicom.save(made, tmp_path / "a"))
    assert not load_stack(study, stack.uid).spacing_known
    for loaded in (
        load_stack(study, stack.uid, spacing_mm=(0.1, 0.2)),
        load_stack(with_spacing(study, stack.uid, (0.1, 0.2)), stack.uid),
    ):
        assert loaded.spacing_known
        assert loaded.stack.spacing_basis == "given by the user"
        assert loaded.volume.affine @ (0, 2, 3, 1) == pytest.approx((0.6, 0.2, 0, 1))
    with pytest.raises(StudyError):
        load_stack(study, stack.uid, spacing_mm=(0.1, -0.2))


@pytest.mark.parametrize("flip", [False, True])
def test_nifti_lies_where_nibabel_says(tmp_path, flip):
    array = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)  # x, y, z of the file
    affine = np.array([[-0.7, 0, 0, 50], [0, 1.3, 0, -20], [0, 0, -2.5 if flip else 2.5, 7], [0, 0, 0, 1.0]])
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "v.nii.gz")
    study, series, (stack,) = opened(tmp_path)
    loaded = load_stack(study, stack.uid)
    assert loaded.has_patient_axes
    assert series.kind is SeriesKind.OTHER
    to_voxel = np.linalg.inv(affine)
    for k, j, i in ((0, 0, 0), (3, 2, 1), (1, 0, 1)):
        x, y, z, _ = loaded.volume.affine @ (k, j, i, 1)
        voxel = tuple(np.round(to_voxel @ (-x, -y, z, 1))[:3].astype(int))
        assert loaded.volume.array[k, j, i] == array[voxel]


def test_pictures_of_a_folder_are_one_study(tmp_path):
    for name in ("2", "10", "1"):
        sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 5), int(name), np.uint8)), tmp_path / f"{name}.png")
    (study,) = scan(tmp_path).studies
    assert [series.description for series in study.series] == ["1", "2", "10"]
    loaded = load_stack(study, study.series[2].stacks[0].uid)
    assert not loaded.spacing_known
    assert loaded.volume.array[0, 0, 0] == 10
    assert loaded.presentation.voi == Window(128, 256, explanation="8 bit", origin="computed")


def test_thumbnails_have_the_proportions_of_the_patient(dicom, tmp_path):
    dicom.save(
        dicom.mr_slice(0, size=(40, 40), PixelSpacing=[2.0, 1.0], WindowCenter=100, WindowWidth=400), tmp_path / "a"
    )
    study, _, (stack,) = opened(tmp_path)
    small = thumbnail(study, stack.uid, 20)
    assert small.shape == (20, 10)
    assert small.dtype == np.uint8


# --- real files against SimpleITK and pydicom --------------------------------------------------------------------


def test_a_real_dynamic_phase_against_simpleitk(shared_data):
    (study,) = scan(shared_data / "mri" / "duke-153" / "26-ax_t1_tse_plus_c").studies
    (stack,) = study.series[0].stacks
    loaded = load_stack(study, stack.uid)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(frame.path) for frame in stack.frames])
    oracle = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(oracle), loaded.volume.array)
    expected = oracle.TransformIndexToPhysicalPoint((200, 17, 39))
    assert (loaded.volume.affine @ (39, 17, 200, 1))[:3] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "mammography-dicom/fodicom_GH133_GE_RMLO_jpegll.dcm",
        "mammography-dicom/medcognetics_DBT_4frame_j2k_noise.dcm",
        "transfer-syntaxes/RG3_RLE.dcm",
        "transfer-syntaxes/RG3_JLSL.dcm",
    ],
)
def test_real_values_against_pydicom(shared_data, name):
    path = shared_data / name
    study, _, (stack,) = opened(path)
    loaded = load_stack(study, stack.uid)
    source = pydicom.dcmread(path)
    expected = apply_modality_lut(source.pixel_array, source)
    assert np.array_equal(loaded.volume.array.squeeze(), expected)
    assert loaded.presentation.invert == (source.PhotometricInterpretation == "MONOCHROME1")
