"""Phantom exams written as DICOM and read back by the program: pixels, places, times, grey and truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest

from app.studies.demo_exams import DCE_VARIANTS, DETECTORS, SAGITTAL, Grid, write_dce_exam, write_mammogram_exam
from app.studies.demo_headers import MAMMOGRAM_PATIENT, save
from app.studies.demo_mammograms import MAMMOGRAM_VARIANTS, mammogram_dataset, stored_values
from app.studies.load import LoadedStack, load_stack
from app.studies.scan import scan
from app.studies.series.views import side_and_view
from app.studies.study import Series, Study
from inference.phantoms.mammo import MAXIMUM, Detector, make_mammogram
from inference.phantoms.mri import DcePhantom
from viewer.windowing import render_grey16

SMALL = Grid((6, 56, 56), (12.0, 6.4, 6.4))
LESIONS = {"R": ("fibroadenoma",), "L": ("invasive ductal", "cyst")}
DETECTOR = Detector((287, 240), 0.7528)


def only_study(folder: Path) -> Study:
    library = scan(folder)
    assert len(library.studies) == 1
    assert library.skipped == ()
    return library.studies[0]


# --- dynamic examinations -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=DCE_VARIANTS)
def examination(request, tmp_path_factory) -> tuple[str, Path, tuple[DcePhantom, ...], Study]:
    folder = tmp_path_factory.mktemp("dce")
    phantoms = write_dce_exam(folder, 11, request.param, lesions=LESIONS, grid=SMALL)
    return request.param, folder, phantoms, only_study(folder / "dicom")


def test_every_phase_comes_back_voxel_by_voxel_in_its_place(examination):
    _, _, phantoms, study = examination
    assert len(study.dynamics) == len(phantoms)
    loaded = [[load_stack(study, phase.stack_uid).volume for phase in dynamic.phases] for dynamic in study.dynamics]
    for phantom in phantoms:
        wanted = (phantom.pre, *phantom.posts)
        # Sagittal breasts: which dynamic is which is told by the place alone.
        middle = [volumes[0].affine[0, 3] for volumes in loaded]
        found = loaded[int(np.argmin(np.abs(np.array(middle) - phantom.pre.affine[0, 3])))]
        assert len(found) == len(wanted)
        for one, truth in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one.affine, truth.affine, atol=2e-3)
            assert np.array_equal(one.array, truth.array)


def test_times_and_the_phase_before_contrast(examination):
    variant, _, phantoms, study = examination
    for dynamic in study.dynamics:
        assert dynamic.pre_index == 0
        if variant == "no times at all":
            assert not dynamic.times_known
            continue
        assert [phase.seconds for phase in dynamic.phases] == pytest.approx([0.0, *phantoms[0].seconds], abs=0.01)


def test_t2_is_found_beside_the_dynamic(examination):
    _, _, phantoms, study = examination
    stacks = [stack for series in study.series for stack in series.stacks if stack.weighting == "T2"]
    assert len(stacks) == len(phantoms)
    shapes = sorted(phantom.t2.spatial_shape for phantom in phantoms)
    assert sorted(load_stack(study, stack.uid).volume.spatial_shape for stack in stacks) == shapes


def test_truth_beside_the_files_tells_lesions_masks_and_boxes(examination):
    variant, folder, phantoms, _ = examination
    for phantom in phantoms:
        place = folder / "truth" / phantom.laterality if variant == SAGITTAL else folder / "truth"
        truth = json.loads((place / "truth.json").read_text())
        masks = np.load(place / "masks.npz")
        assert [one["histology"] for one in truth["lesions"]] == ["fibroadenoma", "invasive ductal", "cyst"]
        assert truth["malignant"] == {side: side == "L" for side in phantom.laterality or "RL"}
        shown = 0
        for one in truth["lesions"]:
            mask = masks[one["mask"]]
            assert list(mask.shape) == truth["shape"]
            if one["box"] is None:
                assert not mask.any()
                continue
            shown += 1
            inside = mask[tuple(slice(*span) for span in one["box"])]
            assert inside.sum() == mask.sum() == one["voxels"]
            centre = np.linalg.inv(truth["affine_lps"]) @ (*one["centre_lps_mm"], 1)
            assert np.abs(centre[:3] - np.argwhere(mask).mean(axis=0)).max() < 2.0
        assert shown >= 1


def test_same_seed_same_woman_in_every_plane(tmp_path):
    axial = write_dce_exam(tmp_path / "a", 11, lesions=LESIONS, grid=SMALL)[0]
    sides = write_dce_exam(tmp_path / "s", 11, SAGITTAL, lesions=LESIONS, grid=SMALL)
    for phantom in sides:
        assert [one.histology for one in phantom.lesions] == [one.histology for one in axial.lesions]
        assert all((one.laterality == phantom.laterality) or not one.mask.any() for one in phantom.lesions)
    with pytest.raises(ValueError, match="'oblique'"):
        write_dce_exam(tmp_path, 3, "oblique")


# --- mammograms -----------------------------------------------------------------------------------------------------


def views_of(folder: Path) -> dict[tuple[str, str], tuple[Study, Series, LoadedStack]]:
    study = only_study(folder)
    return {side_and_view(series): (study, series, load_stack(study, series.stacks[0].uid)) for series in study.series}


def picture(loaded: LoadedStack) -> np.ndarray:
    return render_grey16(loaded.volume.array[0], loaded.presentation)


@pytest.fixture(scope="module")
def mammograms(tmp_path_factory) -> dict[str, dict[tuple[str, str], LoadedStack]]:
    """Every variant of one woman, loaded."""
    loaded = {}
    for variant in MAMMOGRAM_VARIANTS:
        folder = tmp_path_factory.mktemp("mg")
        lesions = {"L": ("spiculated mass", "malignant calcifications"), "R": ("oval mass",)}
        write_mammogram_exam(folder, 8, variant, lesions=lesions, detector=DETECTOR)
        views = views_of(folder / "dicom")
        assert set(views) == {(side, view) for side in "RL" for view in ("CC", "MLO")}
        assert all(series.stacks[0].raw == ("processing" in variant) for _, series, _ in views.values())
        loaded[variant] = {name: one for name, (_, _, one) in views.items()}
        loaded[variant]["truth"] = json.loads((folder / "truth" / "truth.json").read_text())
    return loaded


def windowed(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, output 0 to 65535."""
    fraction = np.clip((values.astype(float) - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return np.floor(fraction * 65535 + 0.5).astype(np.uint16)


VIEWS = [(side, view) for side in "RL" for view in ("CC", "MLO")]


@pytest.mark.parametrize("name", VIEWS)
def test_the_plain_picture_is_the_window_of_the_standard(mammograms, name):
    phantom = make_mammogram(8, *name, detector=DETECTOR, lesions={"L": ("spiculated mass", "malignant calcifications"),
                                                                    "R": ("oval mass",)}[name[0]])  # fmt: skip
    assert np.array_equal(picture(mammograms["plain"][name]), windowed(phantom.image.array[0], *phantom.window))


PRESENTED = [
    name for name in MAMMOGRAM_VARIANTS if not any(word in name for word in ("sigmoid", "processing", "marker"))
]


@pytest.mark.parametrize("variant", PRESENTED)
def test_every_way_to_store_it_shows_the_same_picture(mammograms, variant):
    for name in VIEWS:
        shown, plain = picture(mammograms[variant][name]), picture(mammograms["plain"][name])
        if MAMMOGRAM_VARIANTS[variant].mirrored:
            shown = shown[:, ::-1]
        # The mirrored window is the same real number computed the other way round: at most the last bit differs.
        assert np.abs(shown.astype(int) - plain).max() <= 1, variant


def test_a_sigmoid_window_is_a_sigmoid_and_its_inverted_pair_the_same(mammograms):
    for name in VIEWS:
        shown = picture(mammograms["sigmoid"][name])
        stored = np.asarray(mammograms["sigmoid"][name].volume.array[0], float)
        expected = 65535 / (1 + np.exp(-4 * (stored - 2050) / 3000))  # PS3.3 C.11.2.1.3.1
        np.testing.assert_allclose(shown, expected, atol=0.51)
        pair = picture(mammograms["monochrome1 sigmoid"][name])
        assert np.abs(pair.astype(int) - shown).max() <= 1


def test_raw_images_are_detector_counts(mammograms):
    for name in VIEWS:
        plain, raw = (mammograms[variant][name].volume.array[0] for variant in ("plain", "for processing"))
        air = np.asarray(plain) == 0
        assert np.median(np.asarray(raw)[air]) > 3 * np.median(np.asarray(raw)[~air])
        inverted = mammograms["monochrome1 for processing"][name].volume.array[0]
        assert np.array_equal(MAXIMUM - np.asarray(inverted), raw)


def test_marker_and_dust_are_white_and_small(mammograms):
    for name in VIEWS:
        loaded = (mammograms[variant][name] for variant in ("plain", "marker and dust"))
        plain, marked = (np.asarray(one.volume.array[0]) for one in loaded)
        assert 50 < (plain != marked).sum() < 0.02 * plain.size
        assert np.all(marked[plain != marked] == MAXIMUM)


def test_padding_is_black_and_brighter_than_anything_in_the_file(mammograms):
    loaded = mammograms["padding"]["L", "CC"]
    assert loaded.presentation.padding is not None
    values = np.asarray(loaded.volume.array[0])
    assert (values == 16383).mean() > 0.1
    assert picture(loaded)[values == 16383].max() == 0


def test_patient_orientation_follows_the_mirrored_pixels(mammograms):
    letters = {name: mammograms[name]["L", "CC"].edge_letters for name in ("plain", "mirrored", "mirrored, wrong tags")}
    assert letters["plain"][:2] == letters["mirrored"][1::-1]  # left and right change places
    assert letters["plain"] == letters["mirrored, wrong tags"]


@pytest.mark.parametrize("variant", ["plain", "mirrored", "monochrome1 inverse", "padding"])
def test_truth_outlines_lie_on_what_they_name(mammograms, variant):
    truth = mammograms[variant]["truth"]
    seen = 0
    for view in truth["views"]:
        grey = picture(mammograms[variant][view["laterality"], view["view"]]).astype(float)
        for lesion in view["lesions"]:
            if "mass" not in lesion["kind"]:
                continue
            row, column = lesion["centre"]
            reach = lesion["radius_mm"] / view["pixel_mm"]
            y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
            away = np.hypot(y - row, x - column)
            seen += 1
            assert grey[away < 0.5 * reach].mean() > grey[(away > 2.2 * reach) & (away < 3 * reach)].mean()
    assert seen == 4  # two masses in two views each


def test_both_views_show_the_same_lesions(mammograms):
    views = {(one["laterality"], one["view"]): one for one in mammograms["plain"]["truth"]["views"]}
    for side in "RL":
        cc, mlo = views[side, "CC"], views[side, "MLO"]
        assert [one["kind"] for one in cc["lesions"]] == [one["kind"] for one in mlo["lesions"]]
        for one, other in zip(cc["lesions"], mlo["lesions"], strict=True):
            assert one["number"] == other["number"]
            assert one["radius_mm"] == other["radius_mm"]
            assert abs(one["centre"][1] - other["centre"][1]) * cc["pixel_mm"] < 10  # posterior nipple line rule


@pytest.mark.parametrize("matrix", ["2560x3328", "3328x4096"])
def test_large_detectors_keep_matrix_and_spacing(tmp_path, matrix):
    columns, rows = (int(part) for part in matrix.split("x"))
    detector = DETECTORS[matrix]
    assert detector.shape == (rows, columns)
    small = make_mammogram(8, "L", "MLO", detector=DETECTOR, lesions=())
    # The picture itself does not matter here: a noisy one of the full matrix takes seconds to draw.
    values = np.random.default_rng(1).integers(0, MAXIMUM, (1, rows, columns), np.uint16)
    affine = np.array([[0, 0, detector.pixel_mm, 0], [0, detector.pixel_mm, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    phantom = replace(small, image=hd.Volume(values, affine, "PATIENT"), pixel_mm=detector.pixel_mm)
    save(mammogram_dataset(phantom, MAMMOGRAM_PATIENT, 1), tmp_path / "one.dcm")
    _, _, loaded = views_of(tmp_path)["L", "MLO"]
    assert np.array_equal(loaded.volume.array, values)
    assert loaded.volume.spacing[1:] == pytest.approx((0.065, 0.065))


def test_padded_values_need_more_bits(tmp_path):
    phantom = make_mammogram(8, "L", "CC", detector=DETECTOR, lesions=())
    stored = stored_values(phantom, MAMMOGRAM_VARIANTS["padding"])
    assert stored.max() == 16383
    assert stored[stored != 16383].max() <= MAXIMUM
    with pytest.raises(ValueError, match="'upside down'"):
        write_mammogram_exam(tmp_path, 8, "upside down")
