"""System 003 on analytic breasts: crop, flip and resampling keep their place; scores, maps and sentences."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inference import run as engine
from inference.breast_maps import FINER, cam_volume, suspicious_place
from inference.card import ModelCard, load_card
from inference.errors import CardError, OutOfScopeError
from inference.exam import DceExam
from inference.families import mri_curriculum as family
from inference.nets.curriculum_resnet import CurriculumResNet, initialise
from inference.prepare.breast_crop import BreastGrid, BreastPreprocessing, breast_grids
from inference.prepare.breast_mask import breast_mask
from inference.prepare.whole_breast import PreparedBreast, PreparedExam, prepare_breasts, sample_through
from inference.progress import Cancelled, Progress
from inference.result import Finding, Heatmap, Status

SMALL = BreastPreprocessing(size=(64, 64, 8), in_plane_mm=2.7)
FRAME = "1.2.3"
# shape, voxel size along (slice, row, column), directions in which these grow, all in the patient
GEOMETRIES = {
    "axial": ((24, 90, 130), (7.0, 2.8, 2.8), "HPL"),
    "axial, turned, from the head": ((24, 90, 130), (7.0, 2.8, 2.8), "FAR"),
    "axial, finer than the network": ((40, 150, 230), (4.0, 1.7, 1.6), "HPL"),
    "sagittal": ((60, 56, 84), (6.0, 3.0, 3.0), "LFP"),
}


def affine_of(shape: tuple[int, ...], spacing: tuple[float, ...], towards: str, tilt: float = 0.0) -> np.ndarray:
    """Return an affine centred on the body; ``tilt`` turns it about the head axis, degrees."""
    axes = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
    turn = np.deg2rad(tilt)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ (np.array([axes[letter] for letter in towards], float) * np.array(spacing)[:, None]).T
    affine[:3, 3] = np.array([0.0, 10.0, 0.0]) - affine[:3, :3] @ (np.array(shape) - 1) / 2
    return affine


def body(shape: tuple[int, ...], affine: np.ndarray, sides: str = "RL") -> np.ndarray:
    """Return 1 in two half ellipsoids in front of a chest, 0 in air, at the voxels of a grid."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(index @ affine[:3, :3].T + affine[:3, 3], -1, 0)
    chest = (y > 0) & (np.abs(x / 165) ** 2.5 + np.abs((y - 100) / 100) ** 2.5 < 1)
    breast = np.zeros(shape, bool)
    for side in sides:
        centre = -82 if side == "R" else 82
        breast |= (y <= 10) & (((x - centre) / 66) ** 2 + (y / 85) ** 2 + (z / 72) ** 2 < 1)
    return (chest | breast).astype(np.float32)


def exam_of(
    name: str = "axial", *, posts: int = 4, sides: str = "RL", tilt: float = 0.0, dtype: Any = np.uint16
) -> DceExam:
    shape, spacing, towards = GEOMETRIES[name]
    affine = affine_of(shape, spacing, towards, tilt)
    noise = np.random.default_rng(2).normal(0, 0.02, shape).astype(np.float32)
    base = 150 * body(shape, affine, sides) * (1 + noise) + 4
    phases = tuple(
        hd.Volume((base * (1 + 0.1 * k)).astype(dtype), affine, "PATIENT", frame_of_reference_uid=FRAME)
        for k in range(posts + 1)
    )
    return DceExam(phases, 0, tuple(70.0 * k for k in range(posts + 1)), orientation=name.split(",")[0])


def grids_of(exam: DceExam, keys: BreastPreprocessing = SMALL) -> tuple[BreastGrid, ...]:
    return breast_grids(breast_mask(exam.phases[0]), keys)


def planted(exam: DceExam, grid: BreastGrid) -> tuple[hd.Volume, np.ndarray]:
    """Return an image that is 0 but for one voxel inside the breast, and that voxel's index."""
    centre = grid.affine[:3, :3] @ (0.53 * np.array(grid.size)) + grid.affine[:3, 3]
    index = np.rint(exam.image.map_reference_to_indices(centre[None])[0]).astype(int)
    image = np.zeros(exam.image.spatial_shape, np.float32)
    image[tuple(index)] = 1000
    return exam.image.with_array(image), index


def centroid_mm(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    index = [
        (values.sum(axis=tuple(a for a in range(3) if a != axis)) * np.arange(values.shape[axis])).sum() / values.sum()
        for axis in range(3)
    ]
    return affine[:3, :3] @ np.array(index) + affine[:3, 3]


@pytest.mark.parametrize("keys", [SMALL, BreastPreprocessing.from_card({"preset": "strict", "size": [64, 64, 8]})])
@pytest.mark.parametrize("tilt", [0.0, 14.0])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_bright_voxel_comes_back_to_its_place(name: str, tilt: float, keys: BreastPreprocessing) -> None:
    exam = exam_of(name, tilt=tilt)
    grids = grids_of(exam, keys)
    assert [grid.side for grid in grids] == ["R", "L"]
    for grid in grids:
        image, index = planted(exam, grid)
        back = exam.image.map_reference_to_indices(centroid_mm(grid.sample(image), grid.affine)[None])[0]
        # A network coarser than the image sees a voxel between two of its own: half a voxel of the coarser grid.
        allowed = 0.5 * np.maximum(1, exam.image.spacing and np.array(_network_step(grid, exam)))
        assert (np.abs(back - index) <= allowed).all(), (grid.side, back - index)


def _network_step(grid: BreastGrid, exam: DceExam) -> list[float]:
    """Size of a network voxel along each axis of the image, in voxels of the image."""
    return np.abs(np.linalg.inv(exam.image.affine)[:3, :3] @ grid.affine[:3, :3]).max(axis=1).tolist()


@pytest.mark.parametrize("name", ["axial", "sagittal"])
def test_at_full_size_a_bright_voxel_comes_back_within_half_a_voxel(name: str) -> None:
    exam = exam_of(name)
    for grid in grids_of(exam, BreastPreprocessing()):
        image, index = planted(exam, grid)
        back = exam.image.map_reference_to_indices(centroid_mm(grid.sample(image), grid.affine)[None])[0]
        assert np.abs(back - index).max() <= 0.5


def test_a_planted_voxel_survives_the_whole_preparation() -> None:
    exam = exam_of()
    grid = grids_of(exam)[1]
    image, index = planted(exam, grid)
    bright = exam.phases[2].with_array((exam.phases[2].array + image.array).astype(np.uint16))
    with_it = replace(exam, phases=(*exam.phases[:2], bright, *exam.phases[3:]))
    before, after = (prepare_breasts(one, SMALL, Progress()).breasts[1] for one in (exam, with_it))
    change = after.channels[2] - before.channels[2]
    place = np.unravel_index(int(np.argmax(change)), change.shape)
    there = before.grid.affine @ np.array([*place, 1.0])
    back = exam.image.map_reference_to_indices(there[None, :3])[0]
    assert (np.abs(back - index) <= 0.5 * np.maximum(1, _network_step(grid, exam)) + 1e-6).all()


def test_the_left_breast_is_mirrored_so_that_medial_comes_last_and_the_wall_ends_the_grid() -> None:
    right, left = grids_of(exam_of())
    mirrored = dict(zip("RL", (right, left), strict=True))
    plain = dict(zip("RL", grids_of(exam_of(), replace(SMALL, mirror=False)), strict=True))
    assert [mirrored[side].affine[0, 0] > 0 for side in "RL"] == [True, False]
    assert [plain[side].affine[0, 0] > 0 for side in "RL"] == [True, True]
    for grid in (right, left):
        ends = np.array([grid.affine @ [i, 63, 0, 1] for i in (0, 63)])[:, :3]
        assert abs(ends[1, 0]) < 4  # midline at x = 0
        assert 150 < abs(ends[0, 0]) < 180
        assert ends[1, 1] == pytest.approx(ends[0, 1])
        assert 10 < ends[0, 1] < 70  # behind the breast, in the chest
        assert np.array(grid.spacing) == pytest.approx([2.7, 2.7, 24 * 7 / 8])


def test_strict_takes_the_field_of_view_as_512_pixels() -> None:
    keys = BreastPreprocessing.from_card({"preset": "strict"})
    for grid in grids_of(exam_of(), keys):
        assert np.array(grid.spacing) == pytest.approx([130 * 2.8 / 512, 90 * 2.8 / 512, 24 * 7 / 32])
        assert grid.affine[0, 0] > 0


def test_joint_scaling_keeps_kinetics_and_blanks_the_chest() -> None:
    exam = exam_of()
    for breast in prepare_breasts(exam, SMALL, Progress()).breasts:
        t1 = breast.channels[:5, breast.inside]
        means = t1.mean(axis=1)
        steps = np.diff(means)
        assert (steps > 0).all()
        assert steps == pytest.approx(np.full(4, steps.mean()), rel=0.05)  # the phases rise by 10 % each
        assert not breast.channels[5].any()
    pooled = np.concatenate(
        [b.channels[:5, b.inside].ravel() for b in prepare_breasts(exam, SMALL, Progress()).breasts]
    )
    assert pooled.mean() == pytest.approx(0, abs=1e-3)
    assert pooled.std() == pytest.approx(1, abs=1e-3)
    kept = prepare_breasts(exam, replace(SMALL, thorax="keep"), Progress()).breasts[0]
    blank = prepare_breasts(exam, SMALL, Progress()).breasts[0]
    deep = np.array([40, 60, 4])  # behind the wall, medial
    assert not blank.inside[tuple(deep)]
    assert blank.channels[1][tuple(deep)] == blank.channels[1].min()
    assert kept.channels[1][tuple(deep)] > blank.channels[1][tuple(deep)]
    assert np.array_equal(kept.channels[:, kept.inside], blank.channels[:, blank.inside])


def test_t2_of_another_grid_lands_in_the_same_place() -> None:
    exam = exam_of()
    for tilt in (0.0, 10.0):
        shape, spacing = (30, 70, 100), (6.0, 3.4, 3.4)
        affine = affine_of(shape, spacing, "FPR", tilt)
        t2 = hd.Volume((300 * body(shape, affine)).astype(np.float32), affine, "PATIENT", frame_of_reference_uid=FRAME)
        for grid in grids_of(exam):
            found = sample_through(t2, grid) > 150
            index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"))
            truth = body(grid.size, grid.affine) > 0.5
            agree = 2 * (found & truth).sum() / (found.sum() + truth.sum())
            assert agree > 0.95, (tilt, grid.side, index.shape)
        prepared = prepare_breasts(replace(exam, t2=t2), SMALL, Progress())
        assert prepared.has_t2
        assert not any("T2" in text for text in prepared.warnings)
        for breast in prepared.breasts:
            assert breast.channels[5, breast.inside].mean() > breast.channels[5].min() + 1


def t2_of(exam: DceExam, *, shift_mm: float = 0.0, frame: str = FRAME, part: Any = ...) -> hd.Volume:
    """Return a T2-weighted volume on the grid of the phases, moved to the head or cut."""
    affine = np.asarray(exam.image.affine, float).copy()
    affine[2, 3] += shift_mm
    values = 300 * body(exam.image.spatial_shape, np.asarray(exam.image.affine)).astype(np.float32)
    values *= 1 + np.random.default_rng(3).normal(0, 0.1, values.shape).astype(np.float32)
    hidden = np.full_like(values, np.nan)
    hidden[part] = values[part]
    return hd.Volume(hidden, affine, "PATIENT", frame_of_reference_uid=frame or None)


@pytest.mark.parametrize(
    ("t2", "why"),
    [
        ({"shift_mm": 900.0}, "shows only 0 % of the right breast"),
        ({"frame": "9.9.9"}, "another frame of reference"),
        ({"part": np.s_[:, :, 60:]}, "of the right breast"),  # index grows to the left
        ({"part": np.s_[:, :, :70]}, "of the left breast"),
        ({"part": np.s_[:10]}, "of the right breast"),
    ],
)
def test_t2_that_does_not_show_both_breasts_is_left_out(toy: ModelCard, t2: dict[str, Any], why: str) -> None:
    exam = exam_of()
    exam = replace(exam, t2=t2_of(exam, **t2))
    prepared = prepare_breasts(exam, SMALL, Progress())
    assert not prepared.has_t2
    assert not any(breast.channels[5].any() for breast in prepared.breasts)
    (warning,) = (text for text in prepared.warnings if "T2" in text)
    assert why in warning
    assert warning.endswith("It was left out; the model read the T1 phases alone.")
    needy = replace(toy, accepts={**toy.accepts, "needs_t2": True})
    with pytest.raises(OutOfScopeError, match=why):
        family.prepare(needy, exam, Progress())
    assert any("no T2" in fact.text for fact in engine.run(toy, exam, device="cpu").facts)


def test_t2_that_shows_nothing_is_left_out() -> None:
    exam = exam_of()
    flat = exam.image.with_array(np.full(exam.image.spatial_shape, 7.0, np.float32))
    prepared = prepare_breasts(replace(exam, t2=flat), SMALL, Progress())
    assert not prepared.has_t2
    assert not any(breast.channels[5].any() for breast in prepared.breasts)
    assert any("empty where the breasts are" in text for text in prepared.warnings)


def test_t2_without_a_frame_of_reference_is_read(toy: ModelCard) -> None:
    exam = exam_of()
    exam = replace(exam, t2=t2_of(exam, frame=""))
    assert family.prepare(replace(toy, accepts={**toy.accepts, "needs_t2": True}), exam, Progress()).has_t2


def test_one_bad_voxel_does_not_shift_the_background() -> None:
    exam = exam_of(dtype=np.float32)
    bad = exam.phases[0].array.copy()
    _, index = planted(exam, grids_of(exam)[0])
    bad[tuple(index)] = -5000
    spoilt = replace(exam, phases=(exam.phases[0].with_array(bad), *exam.phases[1:]))
    pre, post = prepare_breasts(spoilt, SMALL, Progress()).breasts[0].channels[:2]
    assert pre.min() < post.min() - 3  # the voxel is there
    assert np.median(pre) == pytest.approx(np.median(post), abs=0.05)  # most voxels are background


def test_padding_and_number_formats_change_nothing_much() -> None:
    plain = prepare_breasts(exam_of(), SMALL, Progress())
    eight = prepare_breasts(exam_of(dtype=np.uint8), SMALL, Progress())
    padded = exam_of(dtype=np.float32)
    for phase in padded.phases:
        phase.array[:, :3] = np.nan
    nan = prepare_breasts(padded, SMALL, Progress())
    for other in (eight, nan):
        for one, two in zip(plain.breasts, other.breasts, strict=True):
            np.testing.assert_allclose(one.channels, two.channels, atol=0.05)


def test_one_breast_is_read_and_the_other_named() -> None:
    prepared = prepare_breasts(exam_of(sides="L"), SMALL, Progress())
    assert [breast.grid.side for breast in prepared.breasts] == ["L"]
    assert "No right breast was found; the result is for the left one." in prepared.warnings


def test_which_posts_are_read() -> None:
    six = exam_of(posts=6)
    assert prepare_breasts(six, SMALL, Progress()).posts == (0, 1, 2, 3)
    assert any("Of 6 phases" in text for text in prepare_breasts(six, SMALL, Progress()).warnings)
    assert prepare_breasts(six, replace(SMALL, posts="spread"), Progress()).posts == (0, 2, 3, 5)


def test_an_exam_without_breasts_or_values_is_refused_with_a_sentence() -> None:
    exam = exam_of()
    empty = replace(exam, phases=tuple(phase.with_array(np.zeros_like(phase.array)) for phase in exam.phases))
    with pytest.raises(OutOfScopeError, match="No breast was found"):
        prepare_breasts(empty, SMALL, Progress())
    with pytest.raises(OutOfScopeError, match="4 phases after"):
        prepare_breasts(exam_of(posts=3), SMALL, Progress())
    with pytest.raises(CardError, match="unknown preprocessing keys: sizes"):
        BreastPreprocessing.from_card({"sizes": 3})
    with pytest.raises(CardError, match="multiples of 64"):
        BreastPreprocessing.from_card({"size": [256, 256, 30]})


def test_cancelling_stops_the_preparation() -> None:
    progress = Progress(lambda fraction, _: progress.cancel() if fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        prepare_breasts(exam_of(), SMALL, progress)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A model with random weights, written as a real one is, on a small grid."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("models") / "toy"
    folder.mkdir()
    network = CurriculumResNet()
    initialise(network)
    save_file({key: value.half() for key, value in network.state_dict().items()}, folder / family.WEIGHTS_FILE)
    data = (folder / family.WEIGHTS_FILE).read_bytes()
    content = {
        **dict.fromkeys(("id", "version", "title", "paper", "note", "licence"), "toy"),
        "family": "mri_curriculum",
        "accepts": {"exam": "DceExam", "modality": ["MR"], "orientation": ["axial", "sagittal"], "least_posts": 4},
        "preprocessing": {"size": [64, 64, 8], "in_plane_mm": 2.7},
        "outputs": [{"name": "malignant", "title": "Malignant", "operating_point": 0.0}],
        "training": {},
        "metrics": {},
        "weights": [
            {"file": family.WEIGHTS_FILE, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        ],
    }
    (folder / "card.json").write_text(json.dumps(content))
    return load_card(folder)


@pytest.fixture(autouse=True)
def _fresh_memory() -> Any:
    yield
    engine.forget_models()


def test_a_whole_run(toy: ModelCard) -> None:
    exam = exam_of()
    result = engine.run(toy, exam, device="cpu")
    overall, right, left = result.scores
    assert [score.name for score in result.scores] == ["malignant", "malignant-R", "malignant-L"]
    assert [score.subject for score in result.scores] == ["", "Right breast", "Left breast"]
    assert overall.value == max(right.value, left.value)
    assert [one.name for one in result.heatmaps] == ["cam-R", "cam-L"]
    assert {one.value_range for one in result.heatmaps} == {result.heatmaps[0].value_range}
    for one in result.heatmaps:
        assert one.volume.spatial_shape == (2 * FINER, 2 * FINER, 2 * FINER)  # 2 × 2 × 2 cells
        assert one.volume.array.min() >= 0
        assert one.volume.frame_of_reference_uid == FRAME
    assert "There is no T2-weighted volume; the model read the T1 phases alone." in result.warnings
    assert result.status is Status.FINDINGS  # the toy's operating point is 0
    assert any("phases 1, 2, 3, 4 after contrast, no T2" in fact.text for fact in result.facts)


def test_the_probability_is_the_softmax_of_the_networks_own_logits(toy: ModelCard) -> None:
    model = family.load(toy, "cpu")
    prepared = family.prepare(toy, exam_of(), Progress())
    exact = replace(model, arithmetic=torch.float32)
    for breast, found in zip(prepared.breasts, family.predict(exact, prepared, Progress()), strict=True):
        with torch.inference_mode():
            logits = model.network(torch.from_numpy(breast.channels)[None]).logits[0]
        assert found.probability == pytest.approx(float(torch.softmax(logits, 0)[1]), abs=1e-5)
        assert float(found.difference.mean()) == pytest.approx(float(logits[1] - logits[0]), abs=1e-3)


def test_sixteen_bit_arithmetic_stays_close(toy: ModelCard) -> None:
    model = family.load(toy, "cpu")
    prepared = family.prepare(toy, exam_of(), Progress())
    results = {
        kind: family.predict(replace(model, arithmetic=kind), prepared, Progress())
        for kind in (torch.float32, torch.bfloat16)
    }
    for exact, reduced in zip(results[torch.float32], results[torch.bfloat16], strict=True):
        assert reduced.probability == pytest.approx(exact.probability, abs=0.02)
        scale = float(np.abs(exact.difference).max())
        np.testing.assert_allclose(reduced.difference, exact.difference, atol=0.08 * scale)  # a random network


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_maximum_of_a_map_is_the_spot_and_the_box_holds_it(toy: ModelCard, name: str) -> None:
    """One hot cell: its centre is where the receptive field lies, and the spot is within a cell of what was planted."""
    exam = exam_of(name)
    keys = BreastPreprocessing(size=(256, 256, 32), in_plane_mm=0.67)
    for grid in grids_of(exam, keys):
        _, index = planted(exam, grid)
        lesion = exam.image.map_indices_to_reference(index[None].astype(float))[0]
        voxel = np.linalg.inv(grid.affine) @ np.array([*lesion, 1.0])
        cell = np.rint(voxel[:3] / (32, 32, 4)).astype(int)
        cells = np.zeros((8, 8, 8), np.float32)
        cells[tuple(cell)] = 3.0
        breast = PreparedBreast(grid, np.zeros((6, 1, 1, 1), np.float32), np.zeros((1, 1, 1), bool))
        prepared = PreparedExam((breast,), (0, 1, 2, 3), True, ())
        reading = family.interpret(toy, exam, prepared, (family.BreastPrediction(0.9, cells),))
        (finding,) = reading.findings
        assert finding.spot_mm is not None
        expected = (grid.affine @ np.array([*(cell * (32, 32, 4)), 1.0]))[:3]
        np.testing.assert_allclose(finding.spot_mm, expected, atol=1e-6)
        half_cell = np.array(grid.spacing) * (16, 16, 2)
        assert np.linalg.norm(np.array(finding.spot_mm) - lesion) <= np.linalg.norm(half_cell) + 1e-6
        corners = np.array([finding.corner_mm, finding.opposite_mm])
        along = np.reshape(finding.orientation, (2, 3))
        low, high = np.sort(corners @ along.T, axis=0)
        assert (low <= along @ np.array(finding.spot_mm)).all()
        assert (along @ np.array(finding.spot_mm) <= high).all()
        assert finding.title == f"Suspicious region, {'right' if grid.side == 'R' else 'left'} breast"


UNLIKE = "trained on axial series only; this one is sagittal"


@pytest.mark.parametrize(
    ("name", "training", "warned"),
    [
        ("axial", {}, False),
        ("sagittal", {}, True),
        ("sagittal", {"orientation": ["axial"]}, True),
        ("sagittal", {"orientation": ["axial", "sagittal"]}, False),
    ],
)
def test_a_plane_the_model_was_not_trained_on_is_said(
    toy: ModelCard, name: str, training: dict[str, Any], warned: bool
) -> None:
    exam = exam_of(name)
    breast = PreparedBreast(grids_of(exam)[0], np.zeros((6, 1, 1, 1), np.float32), np.zeros((1, 1, 1), bool))
    prepared = PreparedExam((breast,), (0, 1, 2, 3), True, ("Something else.",))
    prediction = (family.BreastPrediction(0.2, np.full((2, 2, 2), -1.0, np.float32)),)
    reading = family.interpret(replace(toy, training=training), exam, prepared, prediction)
    assert reading.warnings[0] == "Something else."
    assert [UNLIKE in text for text in reading.warnings[1:]] == [True] * warned


def test_a_sagittal_exam_is_read_with_the_warning(toy: ModelCard) -> None:
    result = engine.run(toy, exam_of("sagittal"), device="cpu")
    assert len(result.scores) == 3
    assert sum(UNLIKE in text for text in result.warnings) == 1


def test_a_map_without_positive_values_gives_no_place(toy: ModelCard) -> None:
    exam = exam_of()
    breast = PreparedBreast(grids_of(exam)[0], np.zeros((6, 1, 1, 1), np.float32), np.zeros((1, 1, 1), bool))
    prediction = (family.BreastPrediction(0.2, np.full((2, 2, 2), -1.0, np.float32)),)
    reading = family.interpret(toy, exam, PreparedExam((breast,), (0, 1, 2, 3), True, ()), prediction)
    assert reading.findings == ()
    assert not reading.heatmaps[0].volume.array.any()
    assert "That of the right breast." in [fact.text for fact in reading.facts]


def test_cells_keep_their_order() -> None:
    grid = grids_of(exam_of())[0]
    cells = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    shown = cam_volume(cells, grid, exam_of().image)
    for i, j, k in np.ndindex(2, 2, 2):
        place = (shown.affine @ np.array([FINER * k, FINER * j, FINER * i, 1.0]))[:3]
        np.testing.assert_allclose(place, (grid.affine @ np.array([32 * i, 32 * j, 4 * k, 1.0]))[:3])
        assert shown.array[FINER * k, FINER * j, FINER * i] == cells[i, j, k]
    assert shown.array[0, 0, 1] == cells[0, 0, 0] + (cells[1, 0, 0] - cells[0, 0, 0]) / FINER


FULL = BreastPreprocessing()


def one_hot(grid: BreastGrid, image: hd.Volume, cell: tuple[int, int, int]) -> Heatmap:
    cells = np.zeros((8, 8, 8), np.float32)
    cells[cell] = 3.0
    return Heatmap("cam-R", "CAM", cam_volume(cells, grid, image), "logit", (0.0, 3.0))


def centre_mm(grid: BreastGrid, cell: tuple[int, int, int]) -> np.ndarray:
    return (grid.affine @ np.array([*np.multiply(cell, (32, 32, 4)), 1.0]))[:3]


def extent_mm(finding: Finding) -> np.ndarray:
    """Lowest and highest x, y, z, shape (2, 3)."""
    return np.sort(np.array([finding.corner_mm, finding.opposite_mm]), axis=0)


def sliced(slices: int) -> DceExam:
    """Return an axial exam of 168 mm from feet to head in any number of slices."""
    shape, spacing = (slices, 90, 130), (168 / slices, 2.8, 2.8)
    affine = affine_of(shape, spacing, "HPL")
    image = hd.Volume(150 * body(shape, affine), affine, "PATIENT", frame_of_reference_uid=FRAME)
    return DceExam((image, image), 0, (0.0, 70.0), orientation="axial")


@pytest.mark.parametrize("slices", [24, 30, 48, 60, 100])
def test_the_outermost_cells_have_a_place_however_the_slices_lie(slices: int) -> None:
    """The slice nearest to a cell's centre may lie a little beyond the centre of the outermost cell."""
    image = sliced(slices).image
    for grid in grids_of(sliced(slices), FULL):
        for k in range(8):
            place = suspicious_place(one_hot(grid, image, (4, 5, k)), grid, image)
            assert place is not None, (grid.side, k)
            finding, spot = place
            np.testing.assert_allclose(spot, centre_mm(grid, (4, 5, k)), atol=1e-6)
            assert abs(finding.corner_mm[2] - spot[2]) <= 168 / slices / 2 + 1e-6


@pytest.mark.parametrize("name", ["sagittal", "axial"])
def test_every_cell_in_the_image_has_a_place_that_holds_its_centre(name: str) -> None:
    exam = exam_of(name)
    last = np.array(exam.image.spatial_shape) - 0.5
    for grid in grids_of(exam, FULL):
        for cell in np.ndindex(8, 8, 8):
            at = exam.image.map_reference_to_indices(centre_mm(grid, cell)[None])[0]
            if (at < -0.5).any() or (at > last).any() or not {0, 4, 7}.issuperset(cell):
                continue
            place = suspicious_place(one_hot(grid, exam.image, cell), grid, exam.image)
            assert place is not None, (grid.side, cell)
            low, high = extent_mm(place[0])
            slack = np.array(exam.image.spacing).max() / 2  # along the normal: half a slice
            assert (low - slack <= place[1]).all(), (grid.side, cell)
            assert (place[1] <= high + slack).all(), (grid.side, cell)


def test_the_map_reaches_the_midline_and_the_chest_wall_and_the_rectangle_ends_with_the_crop() -> None:
    exam = exam_of()
    for grid in grids_of(exam, FULL):
        shown = one_hot(grid, exam.image, (7, 7, 7))
        edges = np.array([grid.affine @ [*voxel, 1] for voxel in ((-0.5, -0.5, -0.5), (255.5, 255.5, 31.5))])[:, :3]
        of_map = shown.volume.map_reference_to_indices(edges)  # z, y, x
        assert of_map.min() >= -0.5
        footprint = np.array(shown.volume.array.shape) - 0.5
        assert ((of_map.max(axis=0) - footprint) * (1, 8, 8) <= 3.5).all()  # voxels of the crop; none beyond it
        assert ((of_map.max(axis=0) - footprint) * (1, 8, 8) >= 0).all()
        assert shown.volume.array[-1, -1, -1] == 3.0
        first = np.unravel_index(int(np.argmax(shown.volume.array)), shown.volume.array.shape)
        assert first == (7 * FINER, 7 * FINER, 7 * FINER)  # the cell itself, not the held values
        place = suspicious_place(shown, grid, exam.image)
        assert place is not None
        np.testing.assert_allclose(place[1], centre_mm(grid, (7, 7, 7)), atol=1e-6)
        low, high = extent_mm(place[0])
        crop = np.sort(edges, axis=0)
        pixel_mm = 2.8
        assert high[1] == pytest.approx(crop[1, 1], abs=pixel_mm)  # behind the chest wall
        midline = (high[0], crop[1, 0]) if grid.side == "R" else (low[0], crop[0, 0])
        assert midline[0] == pytest.approx(midline[1], abs=pixel_mm)


def test_what_the_card_does_not_accept_is_refused(toy: ModelCard) -> None:
    with pytest.raises(OutOfScopeError, match="needs 4 phases after contrast"):
        engine.run(toy, exam_of(posts=3), device="cpu")
    with pytest.raises(OutOfScopeError, match="coronal"):
        engine.run(toy, replace(exam_of(), orientation="coronal"), device="cpu")


def test_weights_of_another_network_are_refused(toy: ModelCard, tmp_path: Path) -> None:
    content = json.loads((toy.folder / "card.json").read_text())
    save_file({"head.bias": torch.zeros(2)}, tmp_path / family.WEIGHTS_FILE)
    data = (tmp_path / family.WEIGHTS_FILE).read_bytes()
    content["weights"][0] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (tmp_path / "card.json").write_text(json.dumps(content))
    with pytest.raises(CardError, match="do not fit the network"):
        family.load(load_card(tmp_path), "cpu")
