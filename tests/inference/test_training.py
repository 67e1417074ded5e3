"""Training of system 000: the loss, the figures of merit, augmentation, splits, and a model published and read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from inference.card import load_card
from inference.families.mri_attention import CHECKPOINTS, load
from inference.nets.attention_resnet import Prediction, Tail, Trunk
from inference.training.augment import plain, planted, variant
from inference.training.dataset import TARGETS, Sample, breastdm, contralateral, ispy1, mask_is_plausible
from inference.training.evaluate import challenge_score
from inference.training.features import FeatureSet, Variant, extract
from inference.training.loop import Recipe, epochs, joint_loss
from inference.training.provisional import Amounts
from inference.training.publish import Evidence, publish
from inference.training.validation import choose_checkpoints, held_out_patients

NAN = float("nan")


def test_the_papers_areas_give_the_papers_score() -> None:
    assert challenge_score(0.869, (0.728, 0.659, 0.805, 0.761)) == pytest.approx(0.8167, abs=5e-5)


def test_the_loss_is_bce_over_what_is_known() -> None:
    torch.manual_seed(0)
    logits, attention = torch.randn(2, 5), torch.randn(2, 8, 11)
    targets = torch.tensor([[1.0, 0, 0, NAN, NAN], [0.0, 1, 0, 0, 0]])
    cells = torch.rand(2, 8, 11)
    cells[0] = NAN
    recipe = Recipe(lesion_cell_weight=1.0, attention_weight=0.7)
    known = torch.tensor([[True, True, True, False, False], [True] * 5])
    labels = functional.binary_cross_entropy(logits.sigmoid()[known], targets[known])
    places = functional.binary_cross_entropy(attention[1].sigmoid(), cells[1])
    loss = joint_loss(Prediction(logits, attention), targets, cells, recipe)
    torch.testing.assert_close(loss, labels + 0.7 * places)


def test_a_batch_with_nothing_known_gives_no_gradient_and_no_nan() -> None:
    logits, attention = torch.zeros(1, 5, requires_grad=True), torch.zeros(1, 8, 11, requires_grad=True)
    unknown = torch.full((1, 5), NAN), torch.full((1, 8, 11), NAN)
    loss = joint_loss(Prediction(logits, attention), *unknown, Recipe())
    loss.backward()
    assert loss.item() == 0


def test_type_of_a_real_malignant_lesion_is_unknown_and_no_benign_type_is_malignant() -> None:
    assert np.isnan(TARGETS["malignant"][3:]).all()
    assert all(sum(TARGETS[kind][1:]) == 1 for kind in ("MG", "OB", "IDC", "OM"))
    assert [TARGETS[kind][0] for kind in ("MG", "OB", "IDC", "OM")] == [0, 0, 1, 1]


def slice_with_lesion(patient: str = "p", left: int = 60) -> Sample:
    """Two dim breasts on air with one bright square in the left half."""
    image = np.full((200, 240), 10, np.float32)
    image[40:190, 20:110] = image[40:190, 130:220] = 60
    mask = np.zeros(image.shape, bool)
    mask[80:110, left : left + 30] = True
    image[mask] = 200
    return Sample("s", image, mask, TARGETS["malignant"], True, patient, "breastdm")


def test_image_and_mask_of_a_variant_stay_together() -> None:
    rng = np.random.default_rng(0)
    sample = slice_with_lesion()
    for _ in range(20):
        grey, mask = variant(sample, rng)
        assert grey.shape == mask.shape == (240, 345)
        inside, outside = grey[mask > 0.99], grey[mask < 0.01]
        if inside.size > 50:
            assert inside.mean() > outside.mean() + 0.2
    grey, mask = plain(sample)
    assert np.argwhere(mask > 0.5).mean(axis=0) == pytest.approx([94.5 * 1.2 + 0.1, 74.5 * 1.4375 + 0.22], abs=0.5)


def test_the_other_side_holds_no_lesion() -> None:
    sample = slice_with_lesion()
    other = contralateral(sample)
    assert other is not None
    assert other.image.max() == 60
    assert not other.mask.any()
    assert other.targets == TARGETS["MG"]
    assert other.patient == sample.patient
    np.testing.assert_array_equal(other.image, other.image[:, ::-1])
    assert contralateral(slice_with_lesion(left=105)) is None


def test_a_lesion_is_planted_into_its_own_patient_only() -> None:
    sample = slice_with_lesion()
    other = contralateral(sample)
    assert other is not None
    both = planted(sample, np.random.default_rng(1), other)
    assert both.mask.sum() == pytest.approx(900, abs=40)
    assert both.image[both.mask].mean() > 180
    with pytest.raises(ValueError, match="own patient"):
        planted(sample, np.random.default_rng(1), slice_with_lesion("another"))


def test_a_mask_beside_the_tumour_is_noticed() -> None:
    sample = slice_with_lesion()
    assert mask_is_plausible(sample.image, sample.mask)
    assert not mask_is_plausible(sample.image, np.roll(sample.mask, 70, axis=0))
    assert not mask_is_plausible(sample.image, np.zeros_like(sample.mask))


def test_real_slices_are_grouped_by_patient(shared_data: Path) -> None:
    axial = list(breastdm(shared_data / "mri/breastdm_slices_512"))
    sagittal = list(ispy1(shared_data / "mri/ispy1_slices_512"))
    assert (len(axial), len({sample.patient for sample in axial})) == (24, 6)
    assert (len(sagittal), len({sample.patient for sample in sagittal})) == (28, 20)
    assert sum(sample.targets == TARGETS["OB"] for sample in axial) == 4
    assert all(sample.mask.any() for sample in axial)
    held_out = held_out_patients([sample.patient for sample in (*axial, *sagittal)], seed=1)
    assert len(held_out) == 7
    assert held_out == held_out_patients([sample.patient for sample in (*sagittal, *axial)], seed=1)


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    """Random features in which channel 0 shows the lesion."""
    rng = np.random.default_rng(0)
    count = 24
    kinds = np.array(["MG", "OB", "IDC", "OM"] * (count // 4))
    values = rng.random((count, 2048, 8, 11), np.float32)
    cells = np.zeros((count, 8, 11), np.float32)
    for k in np.flatnonzero(kinds != "MG"):
        cells[k, 2 + k % 5, 1 + k % 9] = 1
    values[:, :200] += 20 * cells[:, None]
    return FeatureSet(
        features=values.astype(np.float16),
        targets=np.array([TARGETS[kind] for kind in kinds], np.float32),
        cells=cells,
        patient=np.array([f"{'breastdm' if k % 2 else 'phantom'}-{k}" for k in range(count)]),
        source=np.array(["breastdm" if k % 2 else "phantom" for k in range(count)]),
        plain=np.ones(count, bool),
    )


SMALL = Recipe(epochs=2, per_epoch=32, batch=8)


def test_training_is_reproducible_lowers_the_loss_and_leaves_batchnorm_alone(features: FeatureSet) -> None:
    torch.manual_seed(0)
    tail = Tail().eval()
    rows = np.ones(24, bool)

    def loss(trained: Tail) -> float:
        with torch.inference_mode():
            prediction = trained(torch.from_numpy(features.features).float())
        return float(
            joint_loss(prediction, torch.from_numpy(features.targets), torch.from_numpy(features.cells), SMALL)
        )

    before = loss(tail)
    (*_, (_, first)), (*_, (_, second)) = epochs(tail, features, rows, SMALL), epochs(tail, features, rows, SMALL)
    assert loss(first) < before
    assert loss(tail) == before
    torch.testing.assert_close(first.fc.weight, second.fc.weight, rtol=0, atol=0)
    assert torch.equal(first.block.bn1.running_mean, tail.block.bn1.running_mean)


def test_detached_attention_learns_nothing_from_the_labels(features: FeatureSet) -> None:
    torch.manual_seed(0)
    tail = Tail().eval()
    recipe = dataclasses.replace(SMALL, epochs=1, attention_weight=0.0, weight_decay=0.0)
    for detach in (True, False):
        chosen = dataclasses.replace(recipe, detach_attention=detach)
        ((_, trained),) = epochs(tail, features, np.ones(24, bool), chosen)
        assert torch.equal(trained.attention.weight, tail.attention.weight) is detach
        assert not torch.equal(trained.fc.weight, tail.fc.weight)


def test_a_trained_model_is_published_and_found_again(features: FeatureSet, tmp_path: Path) -> None:
    torch.manual_seed(0)
    held_out = frozenset(f"{'breastdm' if k % 2 else 'phantom'}-{k}" for k in range(12))
    validation = choose_checkpoints(Tail().eval(), features, held_out, dataclasses.replace(SMALL, epochs=1))
    assert set(validation.tails) == set(CHECKPOINTS)
    assert validation.scores.shape == (12, 5)
    trunk = Trunk().eval()
    evidence = Evidence(features, held_out, validation, SMALL, Amounts(), 60.0)
    publish(tmp_path / "published", trunk, evidence)
    card = load_card(tmp_path / "published")
    assert card.note == "provisional, demonstration only"
    assert card.training["data"]["phantom"] == {
        "patients": 12, "patients_held_out": 6, "slices": 12, "variants": 12,
    }  # fmt: skip
    assert card.metrics["auc"]["all"]["malignant"]["n_positive"] == 6
    model = load(card, "cpu")
    for name, tail in validation.tails.items():
        half = tail.fc.weight.detach().half().float()
        torch.testing.assert_close(model.tails[name].fc.weight, half, rtol=0, atol=0)
    assert {path.stat().st_mode & 0o777 for path in card.folder.glob("*.safetensors")} == {0o644}


def test_features_are_the_trunks(tmp_path: Path) -> None:
    from inference.prepare.mri_slice import SlicePreprocessing, network_input

    torch.manual_seed(0)
    trunk = Trunk().eval()
    rng = np.random.default_rng(0)
    grey = rng.random((2, 240, 345), np.float32)
    mask = np.zeros((2, 240, 345), np.float32)
    mask[:, 80:112, 144:176] = 1
    expected = trunk(network_input(torch.from_numpy(grey))).detach()
    made = (Variant(grey[k], mask[k], TARGETS["IDC"], k == 0, f"phantom-{k}", "phantom", True) for k in range(2))
    features = extract(trunk, made, SlicePreprocessing())
    assert features.features.dtype == np.float16
    scale = expected.abs().mean()
    assert np.abs(features.features - expected.numpy()).mean() < 0.05 * scale  # bfloat16 has eight bits
    assert features.cells[0, 3, 5] == 1
    assert features.cells[0].sum() == 1
    assert np.isnan(features.cells[1]).all()
    features.save(tmp_path / "cache")
    np.testing.assert_array_equal(FeatureSet.open(tmp_path / "cache").cells, features.cells)
