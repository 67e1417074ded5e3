"""Training of system 004: its loss, its sampler, turns that go on where the last one stopped, and what is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.card import load_card
from inference.errors import EngineError
from inference.families.mri_segmentation import load
from inference.nets.unet_v4 import UNetV4
from inference.prepare.sagittal import Axis, SagittalGrid
from inference.progress import Cancelled, Progress
from inference.training.engine import Settings, fit
from inference.training.segmentation.breasts import Case, Sampler, Sampling
from inference.training.segmentation.command import split
from inference.training.segmentation.publish import publish
from inference.training.segmentation.task import Recipe, SegmentationTask, generalised_dice

_SHAPE = (24, 90, 90)
_TINY = Recipe(width=4, rate=1e-3, batch=1, steps=4, epoch_steps=2)
_PATCHES = Sampling(tumour_share=0.5)


def _case(seed: int, *, tumour: bool) -> Case:
    """Noise of 24 sagittal slices, but channel 0 is 2 in the tumour, a block of 4 × 40 × 40 voxels, and 0 elsewhere.

    Places of tumour patches are its middle; all others lie in slices that it does not reach.
    """
    rng = np.random.default_rng(seed)
    malignant = np.zeros(_SHAPE, bool)
    malignant[10:14, 25:65, 25:65] = tumour
    source = rng.normal(1, 0.3, (3, *_SHAPE)).astype(np.float16)
    source[0] = 2 * malignant
    a, b, c = (Axis(count, count) for count in _SHAPE)
    places = rng.integers((2, 20, 20), (5, 70, 70), (50, 3))
    return Case(
        seed=seed,
        source=source,
        start=(0, 0, 0),
        malignant=malignant,
        grid=SagittalGrid((a, b, c), np.diag([3.0, 0.4, 0.4, 1.0])),
        tumour=np.tile([[12, 45, 45]], (5, 1)) if tumour else np.zeros((0, 3), int),
        bright=places[:10],
        benign=places[10:20] if tumour else np.zeros((0, 3), int),
        breast=places,
    )


# -- loss --------------------------------------------------------------------------------------------------------------


def _logits(tumour: list[float]) -> torch.Tensor:
    """Return logits (n, 2, 1, 1, 1) of some probabilities of tumour, one voxel a patch."""
    p = torch.tensor(tumour, dtype=torch.float64)
    return torch.stack((torch.zeros_like(p), torch.log(p / (1 - p))), 1).view(-1, 2, 1, 1, 1)


def test_generalised_dice_by_hand() -> None:
    """Tumour voxel p = 3/4, other voxel p = 1/2, in two patches of one batch, which are summed before the quotient.

    D1 = 2 · 3/4 / (1 + 9/16 + 1/4) = 24/29; D0 = 2 · 1/2 / (1 + 1/16 + 1/4) = 16/21.
    """
    labels = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    loss = generalised_dice(_logits([0.75, 0.5]), labels)
    assert float(loss) == pytest.approx(2 - 24 / 29 - 16 / 21, abs=1e-6)


@pytest.mark.parametrize(("labels", "expected"), [([1.0, 0.0], 0.0), ([0.0, 0.0], 4 / 3), ([0.0, 1.0], 2.0)])
def test_generalised_dice_of_a_certain_answer(labels: list[float], expected: float) -> None:
    """Answer (tumour, other). Without any tumour D1 = 0 / 1 and D0 = 2 · 1 / (2 + 1), so 2 − 2/3 = 4/3 in all."""
    loss = generalised_dice(_logits([1 - 1e-9, 1e-9]), torch.tensor(labels).view(2, 1, 1, 1))
    assert float(loss) == pytest.approx(expected, abs=1e-5)


def test_generalised_dice_is_0_where_nothing_is_tumour_and_nothing_is_said_to_be() -> None:
    loss = generalised_dice(_logits([1e-9, 1e-9]), torch.zeros(2, 1, 1, 1))
    assert float(loss) == pytest.approx(0, abs=1e-4)


# -- sampler -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "counts"), [(0.2, {1}), (0.5, {2, 3}), (0.0, {0}), (1.0, {5})])
def test_every_batch_holds_its_share_of_tumour_patches(share: float, counts: set[int]) -> None:
    sampler = Sampler([_case(1, tumour=True), _case(2, tumour=False)], Sampling(tumour_share=share))
    rng, found = np.random.default_rng(0), set()
    for _ in range(4):
        patches, labels = sampler.batch(5, rng)
        assert patches.shape == (5, 3, 19, 75, 75)
        assert labels.shape == (5, 1, 37, 37)
        with_tumour = labels.any(axis=(1, 2, 3))
        found.add(int(with_tumour.sum()))
        assert labels[with_tumour, 0, 18, 18].all()  # moved by no more than a quarter of a patch
    assert found == counts


def test_patches_and_labels_are_flipped_together_and_channels_scaled_within_the_gain() -> None:
    sampling = Sampling(slices=4, size=45, tumour_share=1.0, flips=1.0, gain=1.15)
    patches, labels = Sampler([_case(1, tumour=True)], sampling).batch(6, np.random.default_rng(3))
    shown = patches[:, 0, 9:-9, 19:-19, 19:-19]
    np.testing.assert_array_equal(shown > 0, labels > 0)
    factors = shown.max(axis=(1, 2, 3)) / 2
    assert np.all((factors >= 1 / 1.15 - 1e-6) & (factors <= 1.15 + 1e-6))
    assert np.ptp(factors) > 0.01


def test_the_same_generator_gives_the_same_batch() -> None:
    sampler = Sampler([_case(1, tumour=True), _case(2, tumour=False)], Sampling())
    one, two, other = (sampler.batch(2, np.random.default_rng((1, step, 42)))[0] for step in (7, 7, 8))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


# -- turns -------------------------------------------------------------------------------------------------------------


def test_the_network_learns_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    cases, settings = [_case(1, tumour=True), _case(2, tumour=False)], Settings(device="cpu", precision="float32")
    whole, broken = (SegmentationTask(cases, _TINY, _PATCHES) for _ in range(2))
    fit(whole, tmp_path / "whole", settings)
    progress = Progress(lambda _, text: progress.cancel() if text.startswith("step 3 ") else None)
    with pytest.raises(Cancelled):
        fit(broken, tmp_path / "broken", settings, progress)
    resumed = SegmentationTask(cases, _TINY, _PATCHES)
    fit(resumed, tmp_path / "broken", settings)
    torch.testing.assert_close(resumed.network.state_dict(), whole.network.state_dict(), rtol=0, atol=0)
    before = SegmentationTask(cases, _TINY, _PATCHES).network.state_dict()["head.weight"]
    assert not torch.equal(whole.network.state_dict()["head.weight"], before)


def test_the_rate_falls_along_a_cosine_to_a_hundredth() -> None:
    task = SegmentationTask([], _TINY, Sampling())
    assert [task.rate(step) for step in (0, 2, 4, 9)] == pytest.approx([1.0, 0.505, 0.01, 0.01])


def test_examinations_are_split_once_and_no_side_is_empty(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.npz" for seed in range(10_000, 10_100)]
    known, inner, held_out = split(paths)
    assert sorted([*known, *inner, *held_out]) == paths
    assert (len(held_out), len(inner)) == (25, 7)
    with pytest.raises(EngineError, match="too few") as caught:
        split(paths[:1])
    assert "phantom_exams" in caught.value.hint


# -- what is published -------------------------------------------------------------------------------------------------


def test_what_is_published_is_a_card_that_inference_reads(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = UNetV4(4)
    x = torch.randn(1, 3, 19, 75, 75)
    network.train()(x)  # running statistics that are not 0 and 1
    network.eval()
    publish(tmp_path, network, {"steps": 3, "remarks": ["Test."]}, {"acceptance": {"median_dice": 0.5}})
    card = load_card(tmp_path)
    assert (card.id, card.family) == ("mri-segmentation-004", "mri_segmentation")
    assert "DEMO" in card.note
    assert card.training["width"] == 4
    assert card.metrics["acceptance"]["median_dice"] == 0.5
    assert card.interpretation["slice_rule"] == "paper"
    assert "width 4" in card.paper
    exact = replace(card, preprocessing={**card.preprocessing, "precision": "float32"})
    model = load(exact, "cpu")
    with torch.inference_mode():
        true, found = network(x).softmax(1), model.network(x).softmax(1)
    torch.testing.assert_close(found, true, atol=2e-3, rtol=0)  # weights have 16 bits
    assert float(true.std()) > 0.01
