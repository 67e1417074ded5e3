"""Training of system 002: samples as inference sees them, seeded batches, interruptions, the table, the card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference import registry
from inference.exam import LesionInput
from inference.nets.contrast_resnet import ContrastResNet
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.contrast_choice import subsets_of
from inference.prepare.contrast_settings import CONTRASTS, SUBSETS, ContrastPreprocessing
from inference.prepare.lesion_contrasts import prepare_lesions
from inference.progress import Progress
from inference.training.contrast_card import Evidence, publish
from inference.training.contrast_loop import Recipe, batch, gathered, train
from inference.training.contrast_patches import MARGIN, LesionSamples, cached, lesion_samples
from inference.training.contrast_table import by_time_points, dynamics_in, sweep
from inference.training.phantom_exams import make_exam, write_exam

PLAIN = ContrastPreprocessing(bias="none")
QUICK = Recipe(stages=((32, 1), (48, 1)), batch=4, warm_up=1)


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


def test_an_interrupted_training_gives_the_same_network(tmp_path: Path) -> None:
    patches = gathered([drawn(1, malignant=True), drawn(2, malignant=False)])
    whole = train(patches, QUICK, tmp_path / "whole")
    calls, network = 0, None
    while network is None:
        network = train(patches, QUICK, tmp_path / "parts", minutes=0)
        calls += 1
    assert calls == QUICK.steps
    assert whole is not None
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[key], msg=key)


def test_the_rate_falls_to_nothing_and_the_stages_follow() -> None:
    recipe = Recipe()
    assert recipe.rate_at(0) < recipe.rate_at(recipe.warm_up) > recipe.rate_at(recipe.steps - 1)
    assert recipe.rate_at(recipe.steps - 1) < 1e-3 * recipe.rate
    assert recipe.size(0) == recipe.stages[0][0]
    assert recipe.size(recipe.steps - 1) == 224


def test_the_table_ranks_all_35_and_the_card_can_be_used(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = ContrastResNet().eval()
    lesions = [drawn(seed, malignant=bool(seed % 8 == 7), slices=1) for seed in (3, 7, 11, 15)]
    table = sweep(network, lesions, draws=5)
    assert {one.contrasts for one in table} == set(SUBSETS)
    assert [one.area.value for one in table] == sorted((one.area.value for one in table), reverse=True)
    groups = by_time_points(table)
    assert groups["single"]["subsets"] == 5
    assert groups["two_or_more"]["subsets"] == 30
    assert dynamics_in(("post1", "sub", "t2")) == 1
    folder = tmp_path / "mri-contrasts-002"
    publish(folder, network, Evidence(tuple(lesions), tuple(table), QUICK, PLAIN))
    cards, problems = registry.find_cards_and_problems([tmp_path])
    assert not [problem for problem in problems if "mri-contrasts-002" not in str(problem)]
    (folder / "card.json").read_text(encoding="utf-8").index("DEMO")
    assert (folder / "resnet34.safetensors").stat().st_size < 43e6
    assert cards
