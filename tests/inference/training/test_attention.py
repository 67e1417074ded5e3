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
from inference.progress import Cancelled, Progress
from inference.training.attention.ahead import Ahead
from inference.training.attention.augment import plain, planted, variant
from inference.training.attention.features import FeatureSet, Variant, extract
from inference.training.attention.localisation import point, pointed_rows
from inference.training.attention.one_split import Plan, Trained
from inference.training.attention.publish import Evidence, publish
from inference.training.attention.recipe import Amounts, Recipe, joint_loss
from inference.training.attention.score import challenge_score
from inference.training.attention.sides import folds, held_out_patients
from inference.training.attention.slices import TARGETS, Sample, breastdm, contralateral, ispy1, mask_is_plausible
from inference.training.attention.tails import TailTask, predict
from inference.training.attention.trunk import TrunkTask
from inference.training.attention.validation import read_held_out, summarise
from inference.training.engine import Settings, fit, load_networks
from inference.training.split_sets import Split, Splits, patient_hash

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
    nowhere = np.zeros((8, 11), np.float32)
    for slices, hits in ((axial, 15), (sagittal, 7)):  # issue 5: the floor hits 62 % and 25 %
        found = [point(sample, nowhere, Recipe().preprocessing, plausible=True) for sample in slices]
        assert sum(one is not None and one.floor_hit for one in found) == hits
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
        name=np.array([f"slice-{k}" for k in range(count)]),
        patient=np.array([f"{'breastdm' if k % 2 else 'phantom'}-{k}" for k in range(count)]),
        source=np.array(["breastdm" if k % 2 else "phantom" for k in range(count)]),
        plain=np.ones(count, bool),
    )


SMALL = Recipe(epochs=2, per_epoch=12, batch=4)


ON_CPU = Settings(device="cpu")


def new_tail() -> Tail:
    torch.manual_seed(0)
    return Tail().eval()


def test_the_tails_learn_leave_batchnorm_alone_and_keep_an_epoch_for_each_task(
    features: FeatureSet, tmp_path: Path
) -> None:
    tail, rows = new_tail(), np.arange(24) < 16

    def loss(trained: Tail) -> float:
        with torch.inference_mode():
            prediction = trained(torch.from_numpy(features.features).float())
        return float(
            joint_loss(prediction, torch.from_numpy(features.targets), torch.from_numpy(features.cells), SMALL)
        )

    before, statistics = loss(tail), tail.state_dict()["block.bn1.running_mean"].clone()
    outcome = fit(TailTask(tail, features, rows, ~rows, SMALL), tmp_path, ON_CPU)
    assert loss(tail) < before
    assert torch.equal(tail.state_dict()["block.bn1.running_mean"], statistics)
    assert set(outcome.best) == set(CHECKPOINTS)
    assert (outcome.steps, outcome.stopped_early) == (6, False)


class Stop(Progress):
    """Is cancelled after so many reports."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def report(self, fraction: float, text: str = "") -> None:
        self._left -= 1
        if self._left < 0:
            self.cancel()
        super().report(fraction, text)


def test_tails_that_go_on_are_those_of_an_unbroken_training(features: FeatureSet, tmp_path: Path) -> None:
    rows = np.arange(24) < 16
    found = []
    for name, stops in (("unbroken", ()), ("broken", (3, 2))):
        for after in stops:
            with pytest.raises(Cancelled):
                fit(TailTask(new_tail(), features, rows, ~rows, SMALL), tmp_path / name, ON_CPU, Stop(after))
        tail = new_tail()
        outcome = fit(TailTask(tail, features, rows, ~rows, SMALL), tmp_path / name, ON_CPU)
        found.append((tail.state_dict(), outcome.values))
    assert found[0][1] == found[1][1]
    assert all(torch.equal(value, found[1][0][key]) for key, value in found[0][0].items())


def test_detached_attention_learns_nothing_from_the_labels(features: FeatureSet, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, epochs=1, attention_weight=0.0, weight_decay=0.0)
    rows = np.ones(24, bool)
    for detach in (True, False):
        chosen, tail = dataclasses.replace(recipe, detach_attention=detach), new_tail()
        fit(TailTask(tail, features, rows, ~rows, chosen), tmp_path / str(detach), ON_CPU)
        assert torch.equal(tail.attention.weight, new_tail().attention.weight) is detach
        assert not torch.equal(tail.fc.weight, new_tail().fc.weight)


@pytest.mark.slow
def test_a_trunk_that_goes_on_is_that_of_an_unbroken_training_and_its_early_layers_stay(tmp_path: Path) -> None:
    recipe = Recipe(trunk_steps=2, trunk_batch=1)
    samples = [slice_with_lesion("a"), dataclasses.replace(slice_with_lesion("b"), source="phantom")]
    found = []
    for name in ("unbroken", "broken"):
        torch.manual_seed(0)
        trunk = Trunk().eval()
        first = {key: value.clone() for key, value in trunk.state_dict().items()}
        if name == "broken":
            stopped = TrunkTask(trunk, new_tail(), samples, recipe)
            with pytest.raises(Cancelled):
                fit(stopped, tmp_path / name, ON_CPU, Stop(1))
            stopped.close()
            torch.manual_seed(0)
            trunk = Trunk().eval()
        task = TrunkTask(trunk, new_tail(), samples, recipe)
        fit(task, tmp_path / name, ON_CPU)
        task.close()
        state = trunk.state_dict()
        changed = {key.split(".")[0] for key, value in state.items() if not torch.equal(value, first[key])}
        assert changed == {"layer3", "layer4"}
        assert not any("running" in key for key in state if not torch.equal(state[key], first[key]))
        found.append(state)
    assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


def test_batches_made_ahead_are_those_of_their_steps() -> None:
    ahead = Ahead(lambda step: (torch.tensor([step]),), steps=6)
    assert [int(ahead(step)[0]) for step in (0, 1, 2, 5, 1, 2)] == [0, 1, 2, 5, 1, 2]
    ahead.close()


def test_a_map_points_where_its_highest_cell_is_and_the_floor_where_it_is_bright() -> None:
    image, mask = np.zeros((512, 512), np.float32), np.zeros((512, 512), bool)
    image[400:420, 400:420] = 200
    mask[190:220, 130:160] = True
    sample = Sample("s", image, mask, TARGETS["malignant"], True, "p", "ispy1")
    keys = Recipe().preprocessing
    cells = np.zeros((8, 11), np.float32)
    cells[3, 3] = 1  # network pixel (96, 96): row 96.5 * 512 / 240 - 0.5 = 205.4, column 142.7
    found = point(sample, cells, keys, plausible=True)
    assert found is not None
    assert (found.hit, found.distance, found.floor_hit) == (True, 0, False)
    assert found.floor_distance == pytest.approx(np.hypot(409.5 - 219, 409.5 - 159), abs=1.5)
    assert found.energy > 10 * found.uniform == pytest.approx(10 * 900 / 512**2)
    cells[3, 4] = 2
    beside = point(sample, cells, keys, plausible=True)
    assert beside is not None
    assert beside.distance == pytest.approx(128.5 * 512 / 345 - 0.5 - 159, abs=1)
    assert not beside.hit
    level = point(sample, np.ones((8, 11), np.float32), keys, plausible=True)
    assert level is not None
    assert level.energy == pytest.approx(level.uniform, rel=1e-4)
    row = pointed_rows([found, beside])["sagittal"]
    assert (row["hits"], row["slices"], row["patients"], row["floor"]) == (1, 2, 1, 0.0)
    assert point(dataclasses.replace(sample, mask=np.zeros_like(mask)), cells, keys, plausible=True) is None


def test_folds_are_three_shuffles_by_patient_with_an_inner_side_where_asked() -> None:
    kinds = [("breastdm", "OB"), ("ispy1", "malignant"), ("phantom", "MG"), ("phantom", "IDC")]
    samples = [
        dataclasses.replace(slice_with_lesion(f"{source}-{kind}-{k}"), source=source, targets=TARGETS[kind])
        for source, kind in kinds
        for k in range(6)
    ]
    made = dict(folds(samples, seed=1, count=3, select="both"))
    assert [len(splits.splits) for splits in made.values()] == [9, 9]
    for outer, inner in zip(made["fold"].splits, made["inner"].splits, strict=True):
        assert outer.test == inner.test
        assert (len(outer.test), outer.validation) == (8, ())
        assert set(inner.train) | set(inner.validation) == set(outer.train)
        assert len(inner.validation) == 3
    assert [name for name, _ in folds(samples, 1, 3, "inner")] == ["inner"]


def test_a_trained_model_is_published_and_found_again(features: FeatureSet, tmp_path: Path) -> None:
    away = np.arange(24) < 12
    outcome = fit(TailTask(new_tail(), features, ~away, away, SMALL), tmp_path / "run", ON_CPU)
    tails = {name: new_tail() for name in CHECKPOINTS}
    for name, tail in tails.items():
        load_networks(outcome.best[name], {"tail": tail})
    scores, maps = read_held_out(tails, features, away)
    assert scores.shape == (12, 5)
    np.testing.assert_array_equal(scores[:, 1], predict(tails["detection"], features, away)[0][:, 1])
    hashes = [tuple(sorted(map(patient_hash, features.patient[rows].tolist()))) for rows in (~away, away)]
    splits = Splits("half", 1, (Split("held out", hashes[0], (), hashes[1]),))
    taken = {name: epoch for name, (_, epoch) in outcome.values.items()}
    speed = {"trunk": None, "tails": 10.0}
    trained = Trained(Trunk().eval(), tails, taken, features, away, scores, maps, [], 60.0, speed)
    summary = summarise(features, away, scores, maps)
    evidence = Evidence(trained, summary, splits, Plan(tmp_path, SMALL, Amounts(), ON_CPU), "breastlens train 000", 60)
    publish(tmp_path / "published", evidence)
    card = load_card(tmp_path / "published")
    assert card.note == "provisional, demonstration only"
    assert card.training["data"]["phantom"] == {
        "patients": 12, "patients_held_out": 6, "slices": 12, "variants": 12,
    }  # fmt: skip
    assert card.training["splits"]["splits"][0]["test"] == list(hashes[1])
    assert card.metrics["auc"]["all"]["malignant"]["n_positive"] == 6
    assert 0 <= card.metrics["calibration"]["malignant"]["expected_calibration_error"] <= 1
    model = load(card, "cpu")
    for name, tail in tails.items():
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
    made = (
        Variant(grey[k], mask[k], f"p{k}", TARGETS["IDC"], k == 0, f"phantom-{k}", "phantom", True) for k in range(2)
    )
    features = extract(trunk, made, SlicePreprocessing())
    assert features.features.dtype == np.float16
    scale = expected.abs().mean()
    assert np.abs(features.features - expected.numpy()).mean() < 0.05 * scale  # bfloat16 has eight bits
    assert features.cells[0, 3, 5] == 1
    assert features.cells[0].sum() == 1
    assert np.isnan(features.cells[1]).all()
    assert not FeatureSet.is_there(tmp_path / "cache", {"of": "this"})
    features.save(tmp_path / "cache", {"of": "this"})
    assert FeatureSet.is_there(tmp_path / "cache", {"of": "this"})
    assert not FeatureSet.is_there(tmp_path / "cache", {"of": "that"})
    np.testing.assert_array_equal(FeatureSet.open(tmp_path / "cache").cells, features.cells)
