"""Family of system 004 from an exam to a reading, with a network whose answer is known: a voxel's own enhancement."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from highdicom import Volume
from safetensors.torch import save_file
from torch import nn

from inference.card import ModelCard, load_card
from inference.errors import CardError, OutOfScopeError
from inference.exam import DceExam
from inference.families import mri_segmentation as family
from inference.interpret_segmentation import SegmentationInterpretation
from inference.nets.unet_v4 import UNetV4
from inference.prepare.segmentation_keys import PRESETS, SegmentationPreprocessing
from inference.progress import Cancelled, Progress
from inference.result import Status
from inference.run import forget_models, run

WIDTH, SCALE = 2, 100.0
SECONDS = (0.0, 100.0, 190.0, 280.0)


@pytest.fixture(autouse=True)
def _forget():
    yield
    forget_models()


def bright_network(threshold: float) -> UNetV4:
    """Return a network whose logit of tumour is steep in the voxel's own T1c about a threshold, and sees nothing else.

    Its first channel is carried unchanged through the outermost skip connection; every other weight is zero.
    """
    made = UNetV4(WIDTH).eval()
    with torch.no_grad():
        for layer in made.modules():
            if isinstance(layer, nn.Conv3d):
                layer.weight.zero_()
                layer.bias.zero_()
            if isinstance(layer, nn.BatchNorm3d):
                layer.running_var.fill_(1 - layer.eps)
        for step, channel in ((made.enc0[0], 0), (made.enc0[1], 0), (made.dec0[0], 4 * WIDTH), (made.dec0[1], 0)):
            middle = tuple(size // 2 for size in step[0].kernel_size)
            step[0].weight[(0, channel, *middle)] = 1.0
        made.head.weight[1, 0] = 400.0
        made.head.bias[1] = -400.0 * threshold
    return made


def write_card(folder: Path, network: UNetV4, **changes: object) -> ModelCard:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / family.WEIGHTS_FILE
    save_file({k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}, path)
    content = {
        "id": "test-004", "family": "mri_segmentation", "version": "1", "title": "Test 004", "paper": "p", "note": "n",
        "licence": "l", "metrics": {}, "training": {"width": network.width},
        "accepts": {"exam": "DceExam", "orientation": ["axial", "sagittal"], "needs_times": True},
        "preprocessing": {"preset": "default", "motion": "never", "region": "volume", "precision": "float32",
                          "tile": 45, "tile_step": 40},
        "outputs": [{"name": "tumour", "title": "Tumour", "operating_point": 0.5}],
        "interpretation": {"least_ml": 0.0},
        "weights": [{"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                     "bytes": path.stat().st_size}],
        **changes,
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(content))
    return load_card(folder)


GEOMETRIES = {  # array axes (slice, row, column) in LPS, spacing, plane
    "axial": (((0, 0, 1), (0, 1, 0), (1, 0, 0)), (3.5, 0.85, 0.85), "axial"),
    "axial, feet first": (((0, 0, -1), (0, -1, 0), (-1, 0, 0)), (2.0, 1.2, 1.2), "axial"),
    "sagittal": (((-1, 0, 0), (0, 0, -1), (0, 1, 0)), (3.0, 0.7, 0.7), "sagittal"),
    "sagittal, fine": (((1, 0, 0), (0, 0, -1), (0, 1, 0)), (2.5, 0.5, 0.5), "sagittal"),
}


def affine_of(name: str, *, oblique: bool = False) -> np.ndarray:
    axes, spacing, _ = GEOMETRIES[name]
    directions = np.array(axes, float).T
    if oblique:
        a, b = np.deg2rad((17, -9))
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        directions = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]) @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = (12.0, -140.5, 61.0)
    return affine


def exam_with(place: tuple[slice, slice, slice], shape: tuple[int, int, int], name: str, *, oblique=False) -> DceExam:
    """Return grey 100 everywhere, and 3,000 where it enhances."""
    affine = affine_of(name, oblique=oblique)
    pre = np.full(shape, SCALE, np.float32)
    posts = []
    for number in range(3):
        post = pre.copy()
        post[place] = 3000.0 - 100 * number
        posts.append(post)
    volumes = tuple(Volume(a, affine, "PATIENT", frame_of_reference_uid="1.2.3") for a in (pre, *posts))
    return DceExam(volumes, 0, SECONDS, orientation=GEOMETRIES[name][2])


def within_half_a_voxel(found: np.ndarray, true: np.ndarray, image: Volume, grid: Volume) -> bool:
    """Whether a point lies within half a voxel of the image, or of the network's grid along an axis that is coarser."""
    apart = np.abs(np.linalg.inv(image.affine[:3, :3] / image.spacing) @ (found - true))
    along = np.abs((image.affine[:3, :3] / image.spacing).T @ (grid.affine[:3, :3] / grid.spacing)).argmax(axis=1)
    return bool((apart <= 0.5 * np.maximum(image.spacing, np.array(grid.spacing)[along]) + 1e-6).all())


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_bright_voxel_comes_back_within_half_a_voxel(tmp_path, name, oblique):
    shape, index = (7, 23, 25), (3, 11, 14)
    exam = exam_with(tuple(slice(i, i + 1) for i in index), shape, name, oblique=oblique)
    result = run(write_card(tmp_path, bright_network(0.05)), exam, device="cpu")
    probability = result.heatmaps[0].volume
    true = exam.image.affine[:3, :3] @ np.array(index) + exam.image.affine[:3, 3]
    top = np.argwhere(probability.array == np.nanmax(probability.array)).mean(axis=0)
    found = probability.affine[:3, :3] @ top + probability.affine[:3, 3]
    assert within_half_a_voxel(found, true, exam.image, probability)
    mask = result.masks[0].volume
    centre = mask.affine[:3, :3] @ np.argwhere(mask.array).mean(axis=0) + mask.affine[:3, 3]
    assert within_half_a_voxel(centre, true, exam.image, probability)
    assert within_half_a_voxel(np.array(result.findings[0].spot_mm), true, exam.image, probability)
    assert probability.frame_of_reference_uid == "1.2.3"


def test_reading_of_two_blocks(tmp_path):
    """Two cuboids: volume, diameters, box and slice of each, in millimetres of the source."""
    exam = exam_with((slice(0, 0), slice(0, 0), slice(0, 0)), (12, 60, 70), "axial")
    blocks = ((slice(2, 6), slice(10, 25), slice(8, 30)), (slice(8, 10), slice(40, 46), slice(50, 58)))
    for number, block in enumerate(blocks):
        for post in exam.phases[1:]:
            post.array[block] = 3000.0 - 500 * number
    result = run(write_card(tmp_path, bright_network(0.35)), exam, device="cpu")
    assert result.status is Status.FINDINGS
    assert [one.title for one in result.findings] == ["Tumour 1", "Tumour 2"]
    assert [mask.name for mask in result.masks] == ["tumour", "tumour-slice-rule"]
    assert result.masks[1].volume.spatial_shape[0] == 1
    values = {(one.subject, one.name.rsplit("-", 1)[0]): one.value for one in result.quantities}
    true = 4 * 15 * 22 * 3.5 * 0.85 * 0.85 / 1000
    assert values["Tumour 1", "volume"] == pytest.approx(true, rel=0.2)
    assert values["Tumour 1", "plane-longest"] == pytest.approx(np.hypot(15 * 0.85, 22 * 0.85), rel=0.12)
    assert values["Tumour 1", "longest"] == pytest.approx(np.hypot(4 * 3.5, np.hypot(15, 22) * 0.85), rel=0.12)
    sides = 2 * (14 * 12.75 + 14 * 18.7 + 12.75 * 18.7) / 100
    assert values["Tumour 1", "surface"] == pytest.approx(sides, rel=0.12)
    box = result.findings[0]
    index = np.linalg.inv(exam.image.affine)[:3] @ np.array([(*box.corner_mm, 1), (*box.opposite_mm, 1)]).T
    (k0, k1), rows, columns = index
    assert k0 == k1 == pytest.approx(round(k0))
    assert 2 <= k0 <= 5
    assert sorted(rows) == pytest.approx([9.5, 24.5], abs=0.8)
    assert sorted(columns) == pytest.approx([7.5, 29.5], abs=2.0)  # slices of 3 mm
    assert {fact.title for fact in result.facts} >= {"Read", "Grid", "Intensities", "Slopes", "Motion", "Arithmetic"}
    assert "90 s" not in result.facts[3].text
    assert "100 s" in result.facts[3].text
    assert "DCE-out = least-squares slope of 3 phases after contrast at their times, in min⁻¹" in result.facts[3].text
    assert "by 40 (T1c), 18 min⁻¹ (DCE-in) and 7.2 min⁻¹ (DCE-out)" in result.facts[2].text  # 0.3 and 0.12 per second


def test_the_authors_rule_keeps_what_lies_beside_the_tumour(tmp_path):
    exam = exam_with((slice(2, 4), slice(30, 40), slice(30, 40)), (5, 70, 70), "sagittal, fine")
    for post in exam.phases[1:]:
        post.array[2:4, 30:40, 43:47] = 208.0  # 3 pixels beside it: p = 1 / (1 + exp(-400 (208 / 4000 - 0.05))) = 0.69
    masks = {}
    for rule in ("paper", "code"):
        keys = {"least_ml": 0.0, "slice_rule": rule}
        card = write_card(tmp_path / rule, bright_network(0.05), interpretation=keys, id=f"test-004-{rule}")
        masks[rule] = run(card, exam, device="cpu").masks[1]
    assert [int(masks[rule].volume.array.sum()) for rule in masks] == [100, 140]
    assert "rule of the authors' code" in masks["code"].title
    assert "50 %" in masks["code"].rule


def test_without_a_tumour_there_is_no_mask(tmp_path):
    exam = exam_with((slice(0, 0), slice(0, 0), slice(0, 0)), (6, 40, 40), "axial")
    result = run(write_card(tmp_path, bright_network(0.05)), exam, device="cpu")
    assert result.status is Status.NO_FINDING
    assert (result.findings, result.masks, result.quantities) == ((), (), ())
    assert result.scores[0].value < 0.01
    assert len(result.heatmaps) == 1


def test_small_regions_do_not_count(tmp_path):
    exam = exam_with((slice(3, 4), slice(20, 22), slice(20, 22)), (8, 40, 40), "axial")
    card = write_card(tmp_path / "a", bright_network(0.05), interpretation={"least_ml": 0.5})
    result = run(card, exam, device="cpu")
    assert np.nanmax(result.heatmaps[0].volume.array) > 0.9
    assert (result.status, result.findings) == (Status.NO_FINDING, ())
    assert result.scores[0].value < 0.5
    small = write_card(tmp_path / "b", bright_network(0.05), interpretation={"least_ml": 0.001}, id="test-004-b")
    assert run(small, exam, device="cpu").status is Status.FINDINGS


def test_single_slice_and_padding(tmp_path):
    exam = exam_with((slice(0, 1), slice(10, 20), slice(10, 20)), (1, 30, 30), "sagittal")
    for phase in exam.phases:
        phase.array[:, :, :3] = np.nan
    result = run(write_card(tmp_path, bright_network(0.1)), exam, device="cpu")
    assert result.findings
    assert np.isfinite(result.heatmaps[0].volume.array).all()


def test_the_pause_before_contrast_is_said(tmp_path):
    exam = replace(exam_with((slice(2, 4), slice(9, 20), slice(9, 20)), (6, 30, 30), "axial"),
                   seconds=(0.0, 1380.0, 1470.0, 1560.0))  # fmt: skip
    result = run(write_card(tmp_path, bright_network(0.1)), exam, device="cpu")
    assert any("23 min before" in warning for warning in result.warnings)
    assert any("/ 90 s" in fact.text for fact in result.facts)


@pytest.mark.parametrize("change", [{"seconds": (None,) * 4}, {"seconds": (0.0, 100.0, 90.0, 300.0)}])
def test_times_that_do_not_do(tmp_path, change):
    exam = replace(exam_with((slice(2, 4), slice(9, 20), slice(9, 20)), (6, 30, 30), "axial"), **change)
    with pytest.raises(OutOfScopeError, match="times"):
        run(write_card(tmp_path, bright_network(0.1)), exam, device="cpu")


def test_one_phase_after_contrast_is_refused_with_a_sentence(tmp_path):
    exam = exam_with((slice(2, 4), slice(9, 20), slice(9, 20)), (6, 30, 30), "axial")
    short = replace(exam, phases=exam.phases[:2], seconds=exam.seconds[:2])
    with pytest.raises(OutOfScopeError, match="DCE-out"):
        run(write_card(tmp_path, bright_network(0.1)), short, device="cpu")


def test_cancelling(tmp_path):
    exam = exam_with((slice(2, 4), slice(9, 20), slice(9, 20)), (6, 80, 80), "axial")
    card = write_card(tmp_path, bright_network(0.1))
    progress: Progress

    def watch(fraction: float, text: str) -> None:
        if "tile" in text:
            progress.cancel()

    progress = Progress(watch)
    with pytest.raises(Cancelled):
        run(card, exam, progress, device="cpu")


def test_keys():
    assert SegmentationPreprocessing.from_card({}) == SegmentationPreprocessing()
    strict = SegmentationPreprocessing.from_card({"preset": "strict", "percentile": 90.0})
    assert (strict.tile, strict.tile_step, strict.wash_in, strict.percentile) == (37, 37, "difference", 90.0)
    assert set(PRESETS) == {"default", "strict"}
    assert SegmentationPreprocessing.from_card({"constants": [1, 2, 3]}).constants == (1, 2, 3)
    for wrong in (
        {"tyle": 37}, {"preset": "x"}, {"tile": 40}, {"tile": 37, "tile_step": 38}, {"units": "h"},
        {"constants": [1, 2]}, {"motion": "maybe"}, {"tile": "a"},
    ):  # fmt: skip
        with pytest.raises(CardError):
            SegmentationPreprocessing.from_card(wrong)
    assert SegmentationInterpretation.from_card({"floor": 0.4}).floor == 0.4
    assert SegmentationInterpretation.from_card({}) == SegmentationInterpretation()
    code = SegmentationInterpretation.from_card({"slice_rule": "code"})
    assert (code.slice_rule, code.fraction) == ("code", 0.5)
    assert SegmentationInterpretation.from_card({"slice_rule": "code", "fraction": 0.7}).fraction == 0.7
    for wrong in ({"flor": 0.4}, {"floor": 0}, {"fraction": 1.2}, {"slice_rule": "x"}, {"slice_rule": ["code"]}):
        with pytest.raises(CardError):
            SegmentationInterpretation.from_card(wrong)


def test_a_card_whose_weights_have_another_width(tmp_path):
    card = write_card(tmp_path, bright_network(0.1), training={"width": 3})
    with pytest.raises(CardError, match="do not fit"):
        family.load(card, "cpu")


def test_networks_for_the_randomisation_check(tmp_path):
    model = family.load(write_card(tmp_path, bright_network(0.1)), "cpu")
    (network,) = family.modules(model)
    assert sum(isinstance(layer, nn.Conv3d) for layer in network.modules()) == 15
