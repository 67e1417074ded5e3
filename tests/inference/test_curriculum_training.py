"""Training of system 003: patches, labels, both stages on the engine, folds, leaks, what is published."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.__main__ import main
from inference.card import load_card
from inference.errors import EngineError
from inference.families import mri_curriculum
from inference.progress import Cancelled, Progress
from inference.training.curriculum import breasts as breast_data
from inference.training.curriculum import sides
from inference.training.curriculum.breasts import Breast, Images, patch, read_breasts, shifted, whole
from inference.training.curriculum.measures import advantage, area_of_patients, figures
from inference.training.curriculum.networks import new_network, train_network
from inference.training.curriculum.publish import NOTE
from inference.training.curriculum.reading import BreastRead, read
from inference.training.curriculum.recipe import Recipe
from inference.training.curriculum.tasks import NETWORK, BreastTask, Material, PatchTask
from inference.training.engine import Settings, fit
from inference.training.engine.journal import read_journal
from inference.training.split_sets import Splits, patient_hash

SIZE = (64, 64, 8)  # x, y, z
RECIPE = Recipe(patch_steps=2, patch_batch=2, patch_epoch=1, breast_steps=2, breast_batch=2, breast_epoch=1, seed=4)
ON_CPU = Settings(device="cpu")
TINY = ("patch_steps=1", "patch_batch=2", "breast_steps=1", "breast_batch=1")
SEEDS = (10000, 10001, 10002, 10003, 10004, 10010)


def breast_of(seed: int, side: str, *, malignant: bool) -> Breast:
    centre = (30.0 + seed % 5, 34.0, 4.0)
    return Breast(seed, side, f"{seed}-{side}.npy", True, (centre,), (malignant,), ("IDC" if malignant else "OB",),
                  (5.0,), (0.67, 0.67, 3.5))  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Breasts of six examinations: the right one with a bright spot that is malignant, the left one benign."""
    out = tmp_path_factory.mktemp("breasts")
    rng = np.random.default_rng(1)
    for seed in SEEDS:
        pair = [breast_of(seed, side, malignant=side == "R") for side in "RL"]
        for breast in pair:
            image = rng.normal(0, 0.1, (6, SIZE[2], *SIZE[:2])).astype(np.float16)
            x, y, z = (round(c) for c in breast.centres[0])
            image[1:5, z - 1 : z + 2, x - 3 : x + 4, y - 3 : y + 4] += 3 if breast.label else 1
            np.save(out / breast.file, image)
        (out / f"{seed}.json").write_text(json.dumps([vars(breast) for breast in pair]))
    return out


@pytest.fixture
def work(folder: Path, tmp_path: Path) -> Path:
    """A folder in which the breasts of these examinations are prepared already."""
    shutil.copytree(folder, tmp_path / "work" / "breasts")
    (tmp_path / "exams").mkdir()
    for seed in SEEDS:
        exam = tmp_path / "exams" / f"{seed}.npz"
        exam.touch()
        os.utime(exam, (0, 0))
    return tmp_path / "work"


def material(folder: Path) -> Material:
    breasts = read_breasts(folder)
    split = sides.held_out(breasts).splits[0]
    return Material(sides.on_side(breasts, split, "train"), sides.on_side(breasts, split, "validation"), Images(folder))


def command(work: Path, *more: str) -> list[str]:
    changes = [part for change in TINY for part in ("--set", change)]
    return [
        "train",
        "003",
        "--exams",
        str(work.parent / "exams"),
        "--work",
        str(work),
        "--device",
        "cpu",
        *changes,
        *more,
    ]


def test_breasts_are_read_as_written_and_split_by_examination(folder: Path) -> None:
    breasts = read_breasts(folder)
    assert breasts[0] == breast_of(10000, "L", malignant=False) or breasts[0] == breast_of(10000, "R", malignant=True)
    split = sides.held_out(breasts).splits[0]
    found = {
        side: {one.seed for one in sides.on_side(breasts, split, side)} for side in ("train", "validation", "test")
    }
    assert found == {"train": {10000, 10001, 10004}, "validation": {10002, 10010}, "test": {10003}}
    with pytest.raises(EngineError, match="too few"):
        sides.held_out([one for one in breasts if one.seed != 10003])


def test_folds_test_every_patient_once_and_keep_a_side_for_the_epoch(folder: Path) -> None:
    breasts = read_breasts(folder)
    splits = sides.in_folds(breasts, 3, 1)
    tested = [patient for split in splits.splits for patient in split.test]
    assert sorted(tested) == sorted(patient_hash(str(seed)) for seed in SEEDS)
    assert all(split.validation for split in splits.splits)
    sides.check(breasts, Images(folder), splits, Progress())


def test_the_same_picture_on_two_sides_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "breasts"
    shutil.copytree(folder, copy)
    mirrored = np.load(copy / "10000-R.npy")[..., ::-1]
    np.save(copy / "10003-L.npy", mirrored)
    breasts = read_breasts(copy)
    with pytest.raises(EngineError, match=r"examination 10000, R .training. and examination 10003, L .test."):
        sides.check(breasts, Images(copy), sides.held_out(breasts), Progress())


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
    recipe = Recipe(t2_dropout=0.1)
    naive = recipe.naive()
    breast, small = 256 * 256 * 32, 64 * 64 * 4
    seen = recipe.patch_steps * recipe.patch_batch * small + recipe.breast_steps * recipe.breast_batch * breast
    assert naive.patch_steps == 0
    assert naive.t2_dropout == 0.1
    assert naive.breast_rate == recipe.patch_rate
    assert 0 <= naive.breast_steps * naive.breast_batch * breast - seen < naive.breast_batch * breast


@pytest.mark.parametrize("change", [{"keep": "first"}, {"breast_steps": 0}])
def test_a_recipe_that_cannot_be_is_a_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(EngineError):
        Recipe(**change)


class CancelledAfter(Progress):
    """A progress that is cancelled at its n-th report, as by Ctrl+C."""

    def __init__(self, reports: int) -> None:
        super().__init__()
        self._left = reports

    def report(self, fraction: float, text: str = "") -> None:
        self._left -= 1
        if self._left < 0:
            self.cancel()
        super().report(fraction, text)

    def part(self, start: float, stop: float, prefix: str = "") -> Progress:
        del start, stop, prefix
        return self


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    given = material(folder)
    straight = train_network(tmp_path / "straight", given, RECIPE, ON_CPU, Progress())
    assert not torch.equal(new_network(RECIPE).c5[1].conv2.weight, straight.network.c5[1].conv2.weight)
    broken, turns = None, 0
    while broken is None:
        try:
            broken = train_network(tmp_path / "broken", given, RECIPE, ON_CPU, CancelledAfter(1))
        except Cancelled:
            turns += 1
    assert turns == 3
    assert straight.epochs == broken.epochs
    for one, two in zip(straight.network.parameters(), broken.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_stage_two_starts_from_stage_one_and_its_head_where_it_is_transferred(folder: Path) -> None:
    given = material(folder)
    for transfer in (True, False):
        out = folder.parent / f"head-{transfer}"
        recipe = replace(RECIPE, transfer_head=transfer, breast_rate=0.0, keep="last")
        trained = train_network(out, given, recipe, ON_CPU, Progress()).network
        stage = new_network(recipe)
        fit(PatchTask(stage, given, recipe), out / "stage-1", ON_CPU)  # as it was left
        assert torch.equal(stage.c5[1].conv2.weight, trained.c5[1].conv2.weight)
        assert torch.equal(stage.head.weight, trained.head.weight) == transfer


def test_accumulated_breasts_give_the_gradient_of_the_whole_batch(folder: Path, tmp_path: Path) -> None:
    given, recipe = material(folder), replace(RECIPE, breast_steps=1, keep="last")
    networks = []
    for parts in (1, 2):
        task = BreastTask(new_network(recipe), given, recipe)
        fit(task, tmp_path / str(parts), Settings(device="cpu", precision="float32", accumulate=parts))
        networks.append(task.network)
    for one, two in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=2e-5, rtol=0)  # Adam's first step is the sign of the gradient


def test_a_stage_is_measured_on_the_validation_side(folder: Path) -> None:
    given = material(folder)
    network = new_network(RECIPE)
    with torch.no_grad():
        network.head.weight.zero_()
    for kind in (PatchTask, BreastTask):
        metrics = kind(network, given, RECIPE).evaluate({NETWORK: network.eval()})
        assert metrics["log_likelihood"] == pytest.approx(np.log(0.5), abs=1e-3)
        assert metrics["auc"] == 0.5


def test_a_step_that_is_not_finite_is_left_out(folder: Path, tmp_path: Path) -> None:
    task = PatchTask(new_network(RECIPE), material(folder), replace(RECIPE, keep="last"))
    with torch.no_grad():
        task.network.head.weight[0, 0] = float("inf")
    before = task.network.c5[1].conv2.weight.detach().clone()
    fit(task, tmp_path, ON_CPU)
    assert [event["step"] for event in read_journal(tmp_path) if event["event"] == "skipped"] == [0, 1]
    assert torch.equal(before, task.network.c5[1].conv2.weight)


def a_read(seed: int, side: str, label: int, probability: float) -> BreastRead:
    return BreastRead(seed, side, label, probability, 1.0, bool(seed % 2) if label else None)


def test_figures_per_breast_and_patient() -> None:
    reads = [a_read(1, "R", 1, 0.9), a_read(1, "L", 0, 0.6), a_read(2, "R", 1, 0.5), a_read(2, "L", 0, 0.1),
             a_read(3, "R", 0, 0.7), a_read(3, "L", 0, 0.2)]  # fmt: skip
    found = figures(reads, 0.5)
    assert found["auc_breast"]["auc"] == pytest.approx(6 / 8, abs=1e-3)
    assert found["sensitivity_breast"] == 1
    assert found["specificity_breast"] == 0.5
    assert (found["pointing_game"]["hits"], found["pointing_game"]["breasts"]) == (1, 2)
    by_patient = area_of_patients(reads)
    assert by_patient is not None
    assert by_patient.value == 0.5  # 0.9 and 0.5 against 0.7
    worse = [replace(one, probability=0.3) for one in reversed(reads)]
    difference = advantage(reads, worse)
    assert difference is not None
    assert difference.value == pytest.approx(0.25)
    with pytest.raises(ValueError, match="different breasts"):
        advantage(reads, worse[1:])


def test_one_command_trains_in_turns_and_publishes(work: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "mri-curriculum-003"
    assert main(command(work, "--out", str(out), "--minutes", "0.00001")) == 0
    assert "the same command goes on" in capsys.readouterr().out
    assert not out.exists()
    assert main(command(work, "--out", str(out))) == 0
    assert "AUC breast" in capsys.readouterr().out
    card = load_card(out)
    assert card.family == "mri_curriculum"
    assert card.note == NOTE
    assert sum(item.bytes for item in card.weights) < 5_400_000
    assert card.training["data"]["phantom"]["breasts_trained"] == 6
    assert card.training["orientation"] == ["axial"]
    assert card.training["splits"]["test"] == [patient_hash("10003")]
    for name in ("with_t2", "without_t2"):
        measured = card.metrics[name]
        assert 0 <= measured["auc_breast"]["auc"] <= 1
        assert measured["pointing_game"]["breasts"] == 1
    assert card.metrics["acceptance"]["naive"]["n_positive"] == 1
    assert card.metrics["acceptance"]["curriculum"] == card.metrics["with_t2"]["auc_breast"]
    assert card.metrics["calibration_plot"].startswith("<svg")
    assert 0 <= card.metrics["calibration"]["before"]["brier"] <= 1
    said = card.metrics["command"]
    assert said.startswith("breastlens train 003 --exams EXAMS --work WORK --set patch_steps=1 ")
    assert said.endswith("--device cpu --out resources/models/mri-curriculum-003")
    model = mri_curriculum.load(card, "cpu")
    assert sum(p.numel() for p in model.network.parameters()) == 2_658_170
    again = read(model.network, read_breasts(work / "breasts")[:1], Images(work / "breasts"), with_t2=True)
    assert 0 <= again[0].probability <= 1


def test_folds_are_independent_runs_that_go_on_and_reach_the_card(work: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(command(work, "--folds", "2", "--fold", "2", "--json")) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert [(row["fold"], row["network"]) for row in rows] == [(2, "curriculum"), (2, "naive")]
    stamp = (work / "fold-2" / "naive" / "stage-2" / "last.safetensors").stat().st_mtime_ns
    assert main(command(work, "--folds", "2", "--json", "--out", str(tmp_path / "none"))) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["fold"] for row in answer["rows"]] == [1, 1, 2, 2, "all", "all"]
    assert answer["rows"][2] == rows[0]
    assert (work / "fold-2" / "naive" / "stage-2" / "last.safetensors").stat().st_mtime_ns == stamp
    assert "Curriculum minus naive" in answer["notes"][0]
    assert not (tmp_path / "none").exists()
    assert len(Splits.read(work / "splits.json").splits) == 2
    assert (work / "calibration-naive.svg").is_file()
    out = tmp_path / "mri-curriculum-003"
    assert main(command(work, "--set", "compare=no", "--out", str(out))) == 0
    assert "cross_validation" not in load_card(out).metrics  # of another recipe: that one compares
    assert main(command(work, "--out", str(out))) == 0
    assert load_card(out).metrics["cross_validation"]["folds"] == 2


@pytest.mark.parametrize(
    ("more", "said"), [(("--fold", "9"), "no fold 9 of 5"), (("--set", "keep=worst"), "best or last")]
)
def test_bad_input_is_a_sentence(work: Path, capsys: Any, more: tuple[str, ...], said: str) -> None:
    assert main(command(work, *more)) == 1
    assert said in capsys.readouterr().err


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
