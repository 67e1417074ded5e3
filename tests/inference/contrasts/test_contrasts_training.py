"""Training of system 002: samples as inference sees them, seeded batches, interruptions, the search, the card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet34

from app.__main__ import main
from inference import registry
from inference.card import load_card
from inference.errors import EngineError
from inference.exam import LesionInput
from inference.nets.contrast_resnet import ContrastResNet
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.contrast_choice import subsets_of
from inference.prepare.contrast_settings import CONTRASTS, SUBSETS, ContrastPreprocessing
from inference.prepare.lesion_contrasts import prepare_lesions
from inference.progress import Cancelled, Progress
from inference.training.contrasts import sides
from inference.training.contrasts.initial import found_weights, new_network
from inference.training.contrasts.patches import MARGIN, LesionSamples, cached, lesion_samples
from inference.training.contrasts.recipe import FINE_TUNING, SCRATCH, Recipe, recipe_of
from inference.training.contrasts.samples import batch, gathered
from inference.training.contrasts.search import ranked
from inference.training.contrasts.table import by_time_points, dynamics_in, sweep
from inference.training.contrasts.task import NETWORK, ContrastTask, Material, train_network
from inference.training.engine import Settings
from inference.training.phantom_exams import make_exam, write_exam

PLAIN = ContrastPreprocessing(bias="none")
QUICK = Recipe(stages="32:1 48:1", batch=4, warm_up=1)
ON_CPU = Settings(device="cpu")
TINY = ("stages=32:2", "batch=4", "warm_up=1", "epoch=1")
TRIOS = "pre+post3+sub post1+post4+t2"


@pytest.fixture(scope="module")
def phantom():
    return make_exam(10_001, (8, 96, 96))


def drawn(seed: int, *, malignant: bool, slices: int = 3, shared: bool = False) -> LesionSamples:
    """Patches whose contrast c is c everywhere, a little brighter where malignant."""
    level = np.arange(7, dtype=np.float16)[None, :, None, None] + np.float16(malignant) / 4
    offered = np.ones(7, bool)
    return LesionSamples(
        np.broadcast_to(level, (slices, 7, 72, 72)).copy(), np.full(slices, shared), offered, malignant, seed
    )


def test_samples_are_what_inference_reads(phantom) -> None:
    made = list(lesion_samples(phantom, PLAIN))
    assert [one.malignant for one in made] == [lesion.malignant for lesion in phantom.lesions if lesion.mask.any()]
    image = phantom.exam.image
    lesions = tuple(
        LesionInput(str(n), f"Lesion {n}", "mask", image.with_array(lesion.mask.astype(np.uint8)))
        for n, lesion in enumerate(phantom.lesions)
    )
    for subset in (("pre", "post3", "sub"), ("post1", "post4", "t2")):
        ranked = subsets_of({"subsets": [{"contrasts": list(subset)}]})
        read = prepare_lesions(replace(phantom.exam, lesions=lesions), PLAIN, ranked, "Toy", Progress())
        index = [CONTRASTS.index(name) for name in subset]
        for one, other in zip(made, read.lesions, strict=True):
            inner = one.images[:, index, MARGIN:-MARGIN, MARGIN:-MARGIN]
            np.testing.assert_allclose(inner, other.images, atol=5e-3)
            assert one.offered.all()
            assert bool(other.others) == bool(one.shared.any())


def test_the_cache_gives_the_same_and_notices_another_generator(phantom, tmp_path: Path) -> None:
    path = write_exam(tmp_path / "10001.npz", phantom)
    first = cached(path, tmp_path / "cache", PLAIN)
    written = tmp_path / "cache" / "10001.npz"
    stamp = written.stat().st_mtime_ns
    again = cached(path, tmp_path / "cache", PLAIN)
    assert written.stat().st_mtime_ns == stamp
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        assert (one.malignant, one.seed, one.is_held_out) == (other.malignant, 10_001, False)
    with np.load(written) as archive:
        np.savez(written, **{**archive, "version": np.array("0")})
    cached(path, tmp_path / "cache", PLAIN)
    with np.load(written) as archive:
        assert str(archive["version"]) == GENERATOR_VERSION


def test_patches_with_another_lesion_are_left_out_and_classes_weigh_the_same() -> None:
    samples = [drawn(1, malignant=True), drawn(2, malignant=False, slices=9), drawn(3, malignant=False, shared=True)]
    patches = gathered(samples)
    assert len(patches.images) == 12
    assert patches.weight[patches.malignant].sum() == pytest.approx(0.5)
    assert patches.weight.sum() == pytest.approx(1)


def test_batches_are_seeded_and_take_only_what_is_offered() -> None:
    one = drawn(1, malignant=True)
    few = replace(one, offered=np.array([name not in ("post4", "t2") for name in CONTRASTS]), malignant=False)
    patches = gathered([one, few])
    recipe = replace(QUICK, gain=0.0, noise=0.0, batch=16)
    images, labels = batch(patches, recipe, 1)
    again, _ = batch(patches, recipe, 1)
    other, _ = batch(patches, recipe, 0)
    assert images.shape == (16, 3, 48, 48)
    assert other.shape == (16, 3, 32, 32)
    torch.testing.assert_close(images, again)
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    values = images.mean(dim=(2, 3)) * std + mean
    seen = {tuple(CONTRASTS[int(v)] for v in row) for row in values.floor()}
    assert seen <= set(SUBSETS)
    assert len(seen) > 3
    assert not {"post4", "t2"} & {name for row in values[labels == 0] for name in (CONTRASTS[int(v)] for v in row)}


def test_a_batch_of_one_trio_holds_that_trio() -> None:
    patches = gathered([drawn(1, malignant=True), drawn(2, malignant=False)])
    images, _ = batch(patches, replace(QUICK, gain=0.0, noise=0.0), 0, ("pre", "post3", "t2"))
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    assert ((images.mean(dim=(2, 3)) * std + mean + 0.1).floor() == torch.tensor([0, 3, 6])).all()


class Stopped(Progress):
    """A progress that is cancelled at its second report, as by Ctrl+C."""

    _reports = 0

    def report(self, fraction: float, text: str = "") -> None:
        self._reports += 1
        if self._reports == 2:
            self.cancel()
        super().report(fraction, text)


def test_an_interrupted_training_gives_the_same_network(tmp_path: Path) -> None:
    given = Material([drawn(1, malignant=True), drawn(2, malignant=False)])
    whole, _ = train_network(tmp_path / "whole", given, QUICK, ON_CPU, Progress())
    with pytest.raises(Cancelled):
        train_network(tmp_path / "parts", given, QUICK, ON_CPU, Stopped())
    network, outcome = train_network(tmp_path / "parts", given, QUICK, ON_CPU, Progress())
    assert outcome.steps == 2
    for key, value in whole.state_dict().items():
        assert torch.equal(value, network.state_dict()[key]), key


def test_the_running_mean_is_what_is_kept(tmp_path: Path) -> None:
    given = Material([drawn(1, malignant=True), drawn(2, malignant=False)])
    mean, _ = train_network(tmp_path / "mean", given, QUICK, ON_CPU, Progress())
    last, _ = train_network(tmp_path / "last", given, replace(QUICK, average=0.0), ON_CPU, Progress())
    assert not torch.equal(mean.fc.weight, last.fc.weight)
    torch.testing.assert_close(mean.bn1.running_mean, last.bn1.running_mean)


def test_the_rate_falls_to_nothing_and_the_stages_follow() -> None:
    recipe = SCRATCH
    assert recipe.share_at(0) < recipe.share_at(recipe.warm_up) > recipe.share_at(recipe.steps - 1)
    assert recipe.share_at(recipe.steps - 1) < 1e-3
    assert recipe.size(0) == 112
    assert recipe.size(recipe.steps - 1) == 224
    paper = FINE_TUNING
    assert paper.rate == 1e-3
    assert [paper.share_at(epoch * paper.epoch) for epoch in (0, 6, 7, 14)] == pytest.approx([1, 1, 0.05, 0.0025])


def test_changes_mean_a_recipe() -> None:
    assert recipe_of({"init": "torchvision", "rate": "0.002"}, 3) == replace(FINE_TUNING, rate=0.002, seed=3)
    assert recipe_of({"only": "sub+pre+post3"}, 1).subsets == (("pre", "post3", "sub"),)
    assert len(recipe_of({}, 1).subsets) == 35
    for bad in ({"stages": "112"}, {"stages": ""}, {"only": "pre+post9+t2"}, {"schedule": "none"}, {"batch": "0"}):
        with pytest.raises(EngineError):
            recipe_of(bad, 1)


def test_torchvision_weights_are_taken_from_a_file(tmp_path: Path) -> None:
    torch.manual_seed(8)
    theirs = resnet34().state_dict()
    path = tmp_path / "weights" / "resnet34.safetensors"
    path.parent.mkdir()
    save_file(theirs, path)
    recipe = replace(QUICK, init="torchvision")
    recipe = replace(recipe, weights=found_weights(recipe, tmp_path))
    network = new_network(recipe)
    assert torch.equal(network.layer4[2].conv2.weight, theirs["layer4.2.conv2.weight"])
    assert network.fc.weight.shape == (2, 512)
    frozen = ContrastTask(
        Material([drawn(1, malignant=True), drawn(2, malignant=False)]), replace(recipe, freeze_norm=True)
    )
    frozen.prepare()
    assert frozen.network.training
    assert not frozen.network.bn1.training


def test_weights_that_are_not_there_or_of_another_network_are_a_sentence(tmp_path: Path) -> None:
    recipe = replace(QUICK, init="torchvision")
    with pytest.raises(EngineError, match="none are given") as caught:
        found_weights(recipe, tmp_path)
    assert "resnet34.tv_in1k" in str(caught.value.hint)
    with pytest.raises(EngineError, match="is not there"):
        found_weights(replace(recipe, weights=str(tmp_path / "no.pth")), None)
    wrong = tmp_path / "wrong.safetensors"
    save_file({"conv1.weight": torch.zeros(3)}, wrong)
    with pytest.raises(EngineError, match="does not hold"):
        new_network(replace(recipe, weights=str(wrong)))
    wrong.write_bytes(b"nothing")
    with pytest.raises(EngineError, match="cannot be read"):
        new_network(replace(recipe, weights=str(wrong)))


def test_the_validation_side_chooses_the_epoch() -> None:
    train = [drawn(1, malignant=True), drawn(2, malignant=False)]
    validation = [drawn(4, malignant=True, slices=1), drawn(5, malignant=False, slices=1)]
    task = ContrastTask(Material(train, validation, SUBSETS[0]), QUICK)
    assert task.best == ("auc",)
    assert 0 <= task.evaluate({NETWORK: task.network.eval()})["auc"] <= 1
    assert ContrastTask(Material(train), QUICK).best == ()


def test_folds_hold_every_patient_out_once_and_leaks_are_refused() -> None:
    lesions = [drawn(seed, malignant=bool(seed % 2), slices=1) for seed in range(12)]
    for one in lesions:
        one.images[:, 0] += np.float16(one.seed)  # no two alike
    splits = sides.in_folds(lesions, 3, 1)
    assert len({patient for split in splits.splits for patient in split.test}) == 12
    assert all(split.validation for split in splits.splits)
    sides.check(lesions, splits, Progress())
    lesions[3] = replace(lesions[0], seed=3)
    with pytest.raises(EngineError, match="identical image"):
        sides.check(lesions, sides.held_out(lesions), Progress())


def test_the_ranking_pools_folds_and_says_how_sure_it_is() -> None:
    def result(scores: list[float]) -> dict[str, Any]:
        test = [[seed, seed % 2, score] for seed, score in enumerate(scores)]
        return {"test": test, "epoch": 1, "seconds": 2.0, "images_per_s": 3.0}

    good = [result([0.1, 0.9, 0.2, 0.8]), result([0.3, 0.7, 0.1, 0.6])]
    bad = [result([0.9, 0.1, 0.8, 0.2]), result([0.3, 0.7, 0.1, 0.6])]
    rows, table = ranked({SUBSETS[3]: bad, SUBSETS[7]: good})
    assert [one.contrasts for one in table] == [SUBSETS[7], SUBSETS[3]]
    assert rows[0]["auc"] == 1
    assert rows[1]["mean_of_folds"] == 0.5
    assert rows[0]["first_in"] == 1
    assert rows[0]["accuracy"] == 1


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small phantom examinations, benign and malignant on either side."""
    folder = tmp_path_factory.mktemp("exams")
    for seed in range(10_000, 10_012):
        write_exam(folder / f"{seed}.npz", make_exam(seed, (8, 96, 96)))
    return folder


def command(exams: Path, work: Path, *more: str) -> list[str]:
    changes = [part for change in TINY for part in ("--set", change)]
    return ["train", "002", "--exams", str(exams), "--work", str(work), "--device", "cpu", *changes, *more]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_command_searches_and_publishes(exams: Path, tmp_path: Path, capsys: Any) -> None:
    work, out = tmp_path / "work", tmp_path / "mri-contrasts-002"
    search = command(exams, work, "--set", f"only={TRIOS}", "--folds", "2", "--json")
    assert main([*search, "--fold", "1"]) == 0
    done = {path.name for path in (work / "search-done").iterdir()}
    assert len(done) == 2
    capsys.readouterr()
    assert main(search) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert [row["rank"] for row in rows] == [1, 2]
    assert done < {path.name for path in (work / "search-done").iterdir()}
    assert not list((work / "search").rglob("*.safetensors"))
    assert main(command(exams, work, "--out", str(out))) == 0
    assert "T1pre" in capsys.readouterr().out
    card = load_card(out)
    assert card.training["recipe"]["stages"] == "32:2"
    assert len(card.training["splits"]["test"]) == 3
    assert card.metrics["calibration_plot"].startswith("<svg")
    assert card.metrics["command"].startswith("breastlens train 002 --exams EXAMS --work WORK --set stages=32:2 ")
    assert {tuple(one["contrasts"]) for one in card.interpretation["subsets"]} == set(SUBSETS)


def test_the_table_ranks_all_35_and_the_card_can_be_used(tmp_path: Path) -> None:
    from inference.training.contrasts.publish import Evidence, publish

    torch.manual_seed(0)
    network = ContrastResNet().eval()
    lesions = [drawn(seed, malignant=bool(seed % 8 == 7), slices=1) for seed in (3, 7, 11, 15)]
    lesions += [drawn(seed, malignant=bool(seed % 2), slices=1) for seed in (4, 5)]
    table = sweep(network, lesions[:4], draws=5)
    assert {one.contrasts for one in table} == set(SUBSETS)
    assert [one.area.value for one in table] == sorted((one.area.value for one in table), reverse=True)
    groups = by_time_points(table)
    assert groups["single"]["subsets"] == 5
    assert groups["two_or_more"]["subsets"] == 30
    assert dynamics_in(("post1", "sub", "t2")) == 1
    folder = tmp_path / "mri-contrasts-002"
    best = tuple((one.seed, one.malignant, 0.5) for one in lesions[:4])
    splits = sides.held_out(lesions)
    publish(folder, network, Evidence(tuple(lesions), tuple(table), QUICK, PLAIN, splits, "breastlens train 002", best))
    cards, problems = registry.find_cards_and_problems([tmp_path])
    assert not [problem for problem in problems if "mri-contrasts-002" not in str(problem)]
    (folder / "card.json").read_text(encoding="utf-8").index("DEMO")
    assert (folder / "resnet34.safetensors").stat().st_size < 43e6
    assert cards
