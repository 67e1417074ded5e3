"""Training of system 003: patches, labels, augmentation, turns that can be interrupted, what is published."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.card import load_card
from inference.families import mri_curriculum
from inference.training import breast_data, curriculum, curriculum_publish
from inference.training.breast_data import Breast, Images, patch, read_breasts, shifted, whole
from inference.training.checkpoint import read_checkpoint
from inference.training.curriculum_stages import Recipe, resume, start, train

SIZE = (64, 64, 8)  # x, y, z
RECIPE = Recipe(patch_steps=2, patch_batch=2, breast_steps=1, breast_batch=1, seed=4)


def breast_of(seed: int, side: str, *, malignant: bool) -> Breast:
    centre = (30.0 + seed % 5, 34.0, 4.0)
    return Breast(seed, side, f"{seed}-{side}.npy", True, (centre,), (malignant,), ("IDC" if malignant else "OB",),
                  (5.0,), (0.67, 0.67, 3.5))  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Breasts of five examinations: the right one with a bright spot that is malignant, the left one benign."""
    out = tmp_path_factory.mktemp("breasts")
    rng = np.random.default_rng(1)
    for seed in (10000, 10001, 10002, 10003, 10010):
        pair = [breast_of(seed, side, malignant=side == "R") for side in "RL"]
        for breast in pair:
            image = rng.normal(0, 0.1, (6, SIZE[2], *SIZE[:2])).astype(np.float16)
            x, y, z = (round(c) for c in breast.centres[0])
            image[1:5, z - 1 : z + 2, x - 3 : x + 4, y - 3 : y + 4] += 3 if breast.label else 1
            np.save(out / breast.file, image)
        (out / f"{seed}.json").write_text(json.dumps([vars(breast) for breast in pair]))
    return out


def test_breasts_are_read_as_written_and_split_by_examination(folder: Path) -> None:
    breasts = read_breasts(folder)
    assert breasts[0] == breast_of(10000, "L", malignant=False) or breasts[0] == breast_of(10000, "R", malignant=True)
    trained, chosen, held_out = curriculum.split(breasts)
    assert {breast.seed for breast in trained} == {10000, 10001}
    assert {breast.seed for breast in chosen} == {10002, 10010}
    assert {breast.seed for breast in held_out} == {10003}


def test_a_patch_shows_what_lies_around_its_centre() -> None:
    image = np.zeros((6, 12, 128, 128), np.float16)
    image[2, 5, 40, 90] = 7  # z, x, y
    found = patch(image, (40.0, 90.0, 5.0), None)
    assert found.shape == (6, 64, 64, 4)
    spread = np.argwhere(found[2] > 0)
    weights = found[2][tuple(spread.T)]
    centre = (spread * weights[:, None]).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(centre[:2], (31.5, 31.5), atol=0.02)
    assert set(spread[:, 2]) == {1}
    beyond = patch(image - 1, (40.0, 90.0, 0.0), None)
    assert (beyond[:, :, :, 0] == -1).all()


def test_patches_stay_within_a_quarter_and_know_their_label() -> None:
    both = replace(
        breast_of(1, "R", malignant=False),
        centres=((30.0, 30.0, 4.0), (30.0, 70.0, 4.0)),
        malignant=(False, True),
        kinds=("OB", "IDC"),
        radii_mm=(4.0, 4.0),
    )
    rng = np.random.default_rng(0)
    labels = []
    for _ in range(200):
        centre, label = shifted(both, 0, rng)
        assert np.all(np.abs(np.subtract(centre, both.centres[0])) <= (16, 16, 1))
        assert label == int(abs(centre[1] - 70) <= 32)
        labels.append(label)
    assert 0 < sum(labels) < 200


def test_augmentation_moves_all_channels_and_slices_alike() -> None:
    image = np.zeros((6, 4, 64, 64), np.float16)
    image[:, :, 20:28, 30:40] = 1
    moved = whole(image, np.random.default_rng(5))
    assert moved.shape == (6, 64, 64, 4)
    assert not np.array_equal(moved[0, :, :, 0], image[0, 0].astype(np.float32))
    for channel in range(6):
        for z in range(4):
            np.testing.assert_array_equal(moved[channel, :, :, z], moved[0, :, :, 0])
    assert 0.8**2 * 80 * 0.9 < moved[0, :, :, 0].sum() < 1.1**2 * 80 * 1.1
    np.testing.assert_array_equal(whole(image, None)[3, :, :, 2], image[3, 2])


def test_naive_sees_as_many_voxels() -> None:
    recipe = Recipe()
    naive = recipe.naive()
    breast, small = 256 * 256 * 32, 64 * 64 * 4
    seen = recipe.patch_steps * recipe.patch_batch * small + recipe.breast_steps * recipe.breast_batch * breast
    assert naive.patch_steps == 0
    assert 0 <= naive.breast_steps * naive.breast_batch * breast - seen < naive.breast_batch * breast


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(folder: Path) -> None:
    breasts, images = curriculum.split(read_breasts(folder))[0], Images(folder)
    straight = start(RECIPE)
    before = straight.network.c5[1].conv2.weight.detach().clone()
    assert train(straight, breasts, images, lambda _run, _loss: True)
    assert not torch.equal(before, straight.network.c5[1].conv2.weight)
    broken, turns = start(RECIPE), 0
    while not train(broken, breasts, images, lambda _run, _loss: False):
        turns += 1
        broken = resume(RECIPE, broken.state())
    assert turns == 3
    for one, two in zip(straight.network.parameters(), broken.network.parameters(), strict=True):
        torch.testing.assert_close(one, two)


def test_one_command_trains_in_turns_and_publishes(folder: Path, tmp_path: Path) -> None:
    work, exams, out = tmp_path / "work", tmp_path / "no-exams", tmp_path / "mri-curriculum-003"
    exams.mkdir()
    shutil.copytree(folder, work / "breasts")
    command = [str(work), "--exams", str(exams), "--out", str(out), "--batch", "1"]
    command += ["--patch-steps", "1", "--breast-steps", "1"]
    curriculum.main([*command, "--minutes", "0"])  # stops after one step
    state = read_checkpoint(work / "curriculum.safetensors")
    assert (state["stage"], state["step"]) == (1, 1)
    assert not out.exists()
    curriculum.main(command)
    assert read_checkpoint(work / "naive.safetensors")["stage"] == 3  # past its last stage
    card = load_card(out)
    assert card.family == "mri_curriculum"
    assert card.note == curriculum_publish.NOTE
    assert sum(item.bytes for item in card.weights) < 5_400_000
    assert card.training["data"]["phantom"]["breasts_trained"] == 4
    assert card.training["orientation"] == ["axial"]
    for name in ("with_t2", "without_t2"):
        figures = card.metrics[name]
        assert 0 <= figures["auc_breast"]["auc"] <= 1
        assert figures["pointing_game"]["breasts"] == 1
    assert card.metrics["acceptance"]["naive"]["n_positive"] == 1
    assert card.metrics["acceptance"]["curriculum"] == card.metrics["with_t2"]["auc_breast"]
    model = mri_curriculum.load(card, "cpu")
    assert sum(p.numel() for p in model.network.parameters()) == 2_658_170


def test_a_step_that_is_not_finite_is_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    breasts, images = curriculum.split(read_breasts(folder))[0], Images(folder)
    run = start(RECIPE)
    with torch.no_grad():
        run.network.head.weight[0, 0] = float("inf")
    before = run.network.c5[1].conv2.weight.detach().clone()
    train(run, breasts, images, lambda _run, _loss: False)
    assert "step left out" in caplog.text
    assert torch.equal(before, run.network.c5[1].conv2.weight)


def test_a_phantom_becomes_two_breasts_whose_lesions_lie_inside(tmp_path: Path) -> None:
    from inference.prepare.breast_crop import BreastPreprocessing
    from inference.training.phantom_exams import make_exam, write_exam

    exam = make_exam(10_001, size=(16, 100, 100))
    write_exam(tmp_path / "10001.npz", exam)
    out = tmp_path / "breasts"
    keys = BreastPreprocessing(size=(64, 64, 8), in_plane_mm=2.7)
    assert list(breast_data.prepare_all([tmp_path / "10001.npz"], out, keys)) == [10_001]
    assert list(breast_data.prepare_all([tmp_path / "10001.npz"], out, keys)) == []
    breasts = read_breasts(out)
    assert {breast.side for breast in breasts} == {"R", "L"}
    assert sum(len(breast.centres) for breast in breasts) == len(exam.lesions)
    for breast in breasts:
        assert breast.label == int(exam.is_malignant(breast.side))
        image = Images(out)[breast]
        assert image.shape == (6, 8, 64, 64)
        for x, y, z in breast.centres:
            near = image[:, round(z), round(x) - 1 : round(x) + 2, round(y) - 1 : round(y) + 2].astype(float)
            assert near[1:5].max() > near[0].max()  # it enhances
