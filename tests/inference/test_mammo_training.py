"""Training of system 001: folds, case and control windows, films' scores, tails, and the bundled card."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from highdicom import Volume

import resources
from inference.card import ModelCard, load_card
from inference.errors import EngineError
from inference.families.mammo_patches import load
from inference.grading import Scale, grade
from inference.nets.patch_resnet import PatchTail
from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram
from inference.progress import Cancelled, Progress
from inference.training.engine import Settings, fit, load_networks
from inference.training.mammo.check import WINDOWS, phantom_scores
from inference.training.mammo.dataset import CALCIFICATION, MODULES, NODULE, Film, Lesion, films, read_exam
from inference.training.mammo.evaluate import image_score, image_scores
from inference.training.mammo.features import Extras, training_windows, turned
from inference.training.mammo.folds import FOLDS, patient_kind, refuse_leaking, splits_of_films
from inference.training.mammo.head import head_scores, with_head
from inference.training.mammo.labels import (
    BENIGN,
    CASE,
    CONTROL,
    DISCARDED,
    STRICT,
    LabelRules,
    area_inside,
    can_be_case,
    window_labels,
)
from inference.training.mammo.publish import MODEL_ID, SHARED_MODEL
from inference.training.mammo.recipe import Recipe
from inference.training.mammo.tables import NATURAL, WindowTable
from inference.training.mammo.task import NETWORK, TailTask, probabilities

RULES = LabelRules()
SIDE, STRIDE = 100.0, 50.0


def lesion(x: float, y: float, radius: float, kind: str = "SPIC", *, malignant: bool = True) -> Lesion:
    return Lesion(x, y, radius, kind, malignant)


def film(patient: str, *lesions: Lesion, name: str = "mdb001.dcm") -> Film:
    return Film(Path(name), patient, "L", lesions)


def labels(module: str, found: Lesion, *corners: tuple[float, float], rules: LabelRules = RULES) -> list[int]:
    return window_labels(module, (found,), np.array(corners, float), SIDE, STRIDE, rules).tolist()


def women(count: int = 60) -> list[Film]:
    """Two films each; every fourth has a malignant mass, every tenth a malignant cluster, every third a benign mass."""
    made: list[Film] = []
    for number in range(count):
        patient = f"P{number}"
        found: list[Lesion] = []
        if number % 10 == 0:
            found.append(lesion(10, 10, 5, "CALC"))
        elif number % 4 == 0:
            found.append(lesion(10, 10, 5))
        elif number % 3 == 0:
            found.append(lesion(10, 10, 5, malignant=False))
        made += [film(patient, *found), film(patient)]
    return made


def test_folds_never_share_a_patient_and_hold_every_kind() -> None:
    chosen = women()
    splits = splits_of_films(chosen, Recipe(seed=1))
    assert len(splits.splits) == FOLDS
    folds = splits.held_out_in([item.patient for item in chosen])
    for number in range(FOLDS):
        own = [item for item, fold in zip(chosen, folds, strict=True) if fold == number]
        assert any(item.is_case(NODULE) for item in own)
        assert any(item.is_case(CALCIFICATION) for item in own)
        assert sum(item.is_control for item in own) >= 10
    named = [name for split in splits.splits for name in split.test]
    assert len(named) == len(set(named)) == 60


def test_folds_depend_on_the_seed_alone() -> None:
    chosen = women()
    assert splits_of_films(chosen, Recipe(seed=1)) == splits_of_films(chosen[::-1], Recipe(seed=1))
    assert splits_of_films(chosen, Recipe(seed=1)).splits != splits_of_films(chosen, Recipe(seed=2)).splits


def test_a_fifth_of_the_patients_is_held_out_where_the_paper_is_followed() -> None:
    (split,) = splits_of_films(women(), Recipe(split="hold-out")).splits
    assert (len(split.train), len(split.test)) == (48, 12)


def written(path: Path, grey: np.ndarray) -> Path:
    import SimpleITK as sitk  # noqa: N813

    sitk.WriteImage(sitk.GetImageFromArray(grey), str(path))
    return path


def test_a_film_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    grey = [rng.integers(0, 255, (16, 12), np.uint8) for _ in range(10)]
    grey[7] = grey[2][:, ::-1]  # the same breast, mirrored, under another name
    paths = [written(tmp_path / f"mdb{number:03}.mha", values) for number, values in enumerate(grey)]
    chosen = [Film(path, f"P{number}", "L", ()) for number, path in enumerate(paths)]
    splits = splits_of_films(chosen, Recipe())
    assert splits.held_out_in(["P2"]) != splits.held_out_in(["P7"])
    with pytest.raises(EngineError, match="identical image"):
        refuse_leaking(chosen, splits)
    refuse_leaking(chosen[:7], splits)


def test_a_patient_is_stratified_by_the_worst_of_her_films() -> None:
    assert patient_kind([film("a"), film("a", lesion(1, 1, 1, "CALC"))]) == "malignant calcification"
    assert patient_kind([film("a", lesion(1, 1, 1)), film("a")]) == "malignant nodule"
    assert patient_kind([film("a", lesion(1, 1, 1, malignant=False))]) == "benign"
    assert patient_kind([film("a"), film("a")]) == "none"


@pytest.mark.parametrize(
    ("corner", "share"),
    [((0, 0), 1.0), ((0, 50), 0.5), ((50, 50), 0.25), ((0, 40), 0.5 + 0.3119), ((200, 0), 0.0)],
)
def test_area_inside_a_window_is_the_analytic_one(corner: tuple[float, float], share: float) -> None:
    # centre (50, 50), radius 20; 10 beyond the middle: ½ + (asin ½ + ½·cos(asin ½))/π … of the disc at distance r/2
    found = area_inside(lesion(50, 50, 20), np.array([corner], float), SIDE)[0] / (np.pi * 400)
    expected = 0.5 + (np.arcsin(0.5) + 0.5 * np.sqrt(0.75)) / np.pi if corner == (0, 40) else share
    assert found == pytest.approx(expected, abs=2e-3)


def test_a_nodule_window_is_a_case_from_80_percent_and_a_control_only_without_any_lesion() -> None:
    # Share of a disc of radius 20 left of a line d beyond its centre: 0.80 at d = 9.84 (solved apart).
    mass = lesion(50, 50, 20)
    held, not_held = (0.0, 50 - 9.9), (0.0, 50 - 9.7)
    assert labels(NODULE, mass, (0, 0), held, not_held, (0, 200)) == [CASE, CASE, DISCARDED, CONTROL]


def test_a_window_whose_corner_misses_the_circle_is_a_control() -> None:
    # corner (66, 66) is 22.6 from the centre of a circle of radius 20, though their bounding boxes overlap
    assert labels(NODULE, lesion(50, 50, 20), (66, 66), (63, 63)) == [CONTROL, DISCARDED]


@pytest.mark.parametrize("other", [lesion(50, 50, 20, malignant=False), lesion(50, 50, 20, "CALC")])
def test_other_lesions_keep_a_nodule_window_from_being_case_or_control(other: Lesion) -> None:
    held = BENIGN if other.belongs_to(NODULE) else DISCARDED
    assert labels(NODULE, other, (0, 0), (0, 200)) == [held, CONTROL]


def test_calcifications_whole_partial_and_the_papers_strict_rule() -> None:
    cluster = lesion(50, 50, 20, "CALC")
    corners = ((0.0, 0.0), (0.0, 40.0), (0.0, 33.0), (0.0, 200.0))  # whole, 81 %, 96 %, none
    assert labels(CALCIFICATION, cluster, *corners) == [CASE, DISCARDED, CASE, CONTROL]
    assert labels(CALCIFICATION, cluster, *corners, rules=STRICT) == [CASE, CONTROL, CONTROL, CONTROL]


def test_an_extended_cluster_is_a_case_where_it_covers_a_quarter() -> None:
    wide = lesion(50, 50, 45, "CALC")  # wider than side minus stride
    # of a disc, left half inside a window is π·45²/2 = 3181 of 10,000; a quarter of it 1590
    assert labels(CALCIFICATION, wide, (0, 50), (50, 50)) == [CASE, DISCARDED]
    assert labels(CALCIFICATION, wide, (0, 50), rules=replace(RULES, extended_cover=0.0)) == [DISCARDED]


def test_lesions_too_large_for_any_window_are_told() -> None:
    large = lesion(0, 0, 80, "CALC")
    assert can_be_case(CALCIFICATION, large, SIDE, RULES)
    assert not can_be_case(CALCIFICATION, large, SIDE, STRICT)
    assert not can_be_case(NODULE, lesion(0, 0, 80), SIDE, RULES)


def test_case_and_control_images() -> None:
    chosen = [
        film("a", lesion(1, 1, 1)),
        film("a"),
        film("b", lesion(1, 1, 1, malignant=False)),
        film("c", lesion(1, 1, 1, "CALC")),
        film("d"),
    ]
    of_window = np.array([0, 0, 1, 2, 3, 4])
    scored = image_scores(NODULE, chosen, of_window, np.array([0.2, 0.9, 0.3, 1.0, 1.0, 0.1]))
    assert scored.truth.tolist() == [1, 0, 0]
    assert scored.score.tolist() == [0.9, 0.3, 0.1]
    assert scored.patient.tolist() == ["a", "a", "d"]


def test_a_films_score_is_its_highest_window() -> None:
    values = np.array([0.1, 0.7, 0.4, 0.6])
    assert image_score(values) == 0.7
    assert image_score(values, "top3") == pytest.approx((0.7 + 0.6 + 0.4) / 3)
    assert image_score(np.zeros(0)) == 0.0


def test_eight_ways_to_turn_are_eight() -> None:
    square = torch.arange(9.0).view(1, 3, 3)
    assert torch.equal(turned(square, 0), square)
    assert len({tuple(turned(square, turn).flatten().tolist()) for turn in range(8)}) == 8


def test_windows_for_training_are_those_read_and_extra_ones() -> None:
    keys = MammogramPreprocessing()
    rng = np.random.default_rng(0)
    grey = rng.integers(20_000, 60_000, (1, 4096, 1600), dtype=np.uint16)
    affine = np.diag([1.0, 0.05, 0.05, 1.0])[[2, 1, 0, 3]]
    breast = np.ones((4096, 1600), bool)
    prepared = PreparedMammogram(Volume(grey, affine, "PATIENT"), breast, 0.05, 1.0, keys)
    mass = lesion(40.0, 100.0, 8.0)  # millimetres: column 800, row 2000
    extras = Extras(upright_per_lesion=5, turned_per_lesion=4, turned_per_film=3)
    windows, turn, origin = training_windows(NODULE, film("a", mass), prepared, extras, rng)
    read = int((origin == NATURAL).sum())
    assert read == len(windows) - 12
    assert (turn[:read] == 0).all()
    around, others = windows.corners[read : read + 9] * 0.05, turn[read + 9 :]
    assert window_labels(NODULE, (mass,), around, 40.0, 2.0, RULES).tolist() == [CASE] * 9
    assert (turn[read : read + 5] == 0).all()
    assert (turn[read + 5 : read + 9] > 0).all()
    assert (others > 0).all()
    assert {tuple(corner) for corner in windows.corners[read + 9 :]} <= {
        tuple(corner) for corner in windows.corners[:read]
    }


def separable(cache: Path, count: int = 48) -> WindowTable:
    """Windows of eight films, cached, whose cases have larger features in the first 64 maps."""
    rng = np.random.default_rng(5)
    truth, film_of = np.arange(count) % 2, np.arange(count) // 6
    features = np.abs(rng.normal(0, 1, (count, 2048, 1, 1))).astype(np.float16)
    features[truth == CASE, :64] += 2
    chosen = tuple(film(f"P{number}", name=f"mdb{number:03}.dcm") for number in range(count // 6))
    for number, item in enumerate(chosen):
        np.savez(cache / f"{item.path.stem}-{NODULE}.npz", features=features[film_of == number])
    corners, origin = np.zeros((count, 2), int), np.full(count, NATURAL)
    seen = features[:, :, 0, 0].astype(np.float32) * 3 + 1
    return WindowTable(NODULE, chosen, film_of, np.arange(count) % 6, corners, origin, truth, seen)


CPU = Settings(device="cpu", precision="float32")


def test_a_tail_learns_and_leaves_the_one_it_started_from_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start, windows = PatchTail().eval(), separable(tmp_path)
    before = {key: value.clone() for key, value in start.state_dict().items()}
    recipe = Recipe(nodule_epochs=1, draws=96, batch=32, head_rate=1e-2)
    task = TailTask(windows, np.flatnonzero(windows.film < 6), start, recipe, tmp_path)
    assert len(task.rows_of(0)) == 32
    assert windows.labels[task.rows_of(0)].sum() == 16
    fit(task, tmp_path / "run", CPU)
    unseen = windows.film >= 6
    features = np.concatenate([np.load(tmp_path / f"mdb00{number}-nodule.npz")["features"] for number in (6, 7)])
    scores, truth = probabilities(task.tail, features, CPU), windows.labels[unseen]
    assert scores[truth == CASE].min() > scores[truth == CONTROL].max()
    assert all(torch.equal(value, before[key]) for key, value in start.state_dict().items())
    statistics = [key for key in before if "running" in key]
    assert all(torch.equal(task.tail.state_dict()[key], before[key]) for key in statistics)


def test_a_tail_stopped_and_gone_on_with_is_that_of_an_unbroken_run(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start, windows = PatchTail().eval(), separable(tmp_path)
    recipe, rows = Recipe(nodule_epochs=2, draws=32, batch=16), np.arange(48)

    def task() -> TailTask:
        return TailTask(windows, rows, start, recipe, tmp_path)

    def stop(fraction: float, _: str) -> None:
        if fraction > 0.4:
            progress.cancel()

    progress = Progress(stop)
    whole = fit(task(), tmp_path / "whole", CPU)
    with pytest.raises(Cancelled):
        fit(task(), tmp_path / "broken", CPU, progress)
    again = fit(task(), tmp_path / "broken", CPU)
    tails = [PatchTail(), PatchTail()]
    for outcome, tail in zip((whole, again), tails, strict=True):
        load_networks(outcome.last, {NETWORK: tail})
    first, second = (tail.state_dict() for tail in tails)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["fc.weight"], start.fc.weight)


def test_a_head_by_logistic_regression_gives_scikit_learns_probabilities(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    windows = separable(tmp_path)
    seen = windows.seen
    tail = with_head(PatchTail(), seen[:36], windows.labels[:36], strength=1e-3)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500))
    expected = model.fit(seen[:36], windows.labels[:36]).predict_proba(seen[36:])[:, 1]
    assert head_scores(tail, seen[36:]) == pytest.approx(expected, abs=2e-3)
    assert expected.std() > 0.1


def test_a_recipe_that_cannot_be_is_refused() -> None:
    with pytest.raises(EngineError, match="split cannot be 'thirds'"):
        Recipe(split="thirds")
    with pytest.raises(EngineError, match="one batch"):
        Recipe(draws=8)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_card(resources.folder("models") / MODEL_ID)


def rates(points: list[list[float]], threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity at the lowest observed score that reaches a threshold."""
    reached = [point for point in points if point[0] >= threshold]
    return reached[-1][1], reached[-1][2]


@pytest.mark.parametrize("module", MODULES)
def test_the_cards_cut_offs_follow_from_its_own_roc(card: ModelCard, module: str) -> None:
    entry = card.interpretation["grading"][module]
    thresholds = {item["grade"]: item["threshold"] for item in entry["cut_offs"]}
    points = entry["roc"]
    t6 = min(t for t, _, specificity in points if specificity >= 0.99)
    t5 = min(t for t, _, specificity in points if specificity >= 0.95)
    t4 = min(t5, max(t for t, sensitivity, _ in points if sensitivity >= 0.95))
    t1 = min(t4, max(t for t, sensitivity, _ in points if sensitivity >= 0.99))
    assert thresholds == {6: t6, 5: t5, 4: t4, 3: t1}
    for item in entry["cut_offs"]:
        assert (item["sensitivity"], item["specificity"]) == pytest.approx(rates(points, item["threshold"]))
    scale = Scale.from_entry(entry)
    assert [grade(t, scale.cut_offs) for t in (t6, np.nextafter(t1, 0))] == [6, 1]
    assert scale.caveats, "fewer than 100 cases: the card must say so"


@pytest.mark.parametrize("module", MODULES)
def test_the_cards_roc_area_is_the_auc_it_states(card: ModelCard, module: str) -> None:
    entry, stated = card.interpretation["grading"][module], card.metrics[module]["image"]
    points = [(1 - specificity, sensitivity) for _, sensitivity, specificity in entry["roc"]]
    wrong, right = np.array([(0.0, 0.0), *points, (1.0, 1.0)]).T
    assert float(np.trapezoid(right, wrong)) == pytest.approx(stated["auc"], abs=2e-3)
    assert stated["interval_95"][0] <= stated["auc"] <= stated["interval_95"][1]
    assert (entry["cases"], entry["controls"]) == (stated["n_positive"], stated["n_negative"])


def test_the_card_says_what_it_is(card: ModelCard) -> None:
    assert "provisional" in card.note
    assert "mini-MIAS" in card.licence
    folds = card.training["data"]["mini-mias"]["folds"]
    assert sum(map(len, folds)) == len({name for fold in folds for name in fold}) == 130
    assert {output.name for output in card.outputs} == set(MODULES)
    for module in MODULES:
        point = card.output(module).operating_point
        assert point in [t for t, _, _ in card.interpretation["grading"][module]["roc"]]
    MammogramPreprocessing.from_card(card.preprocessing)
    own = [item for item in card.weights if not item.model]
    assert [item.model for item in card.weights if item.model] == [SHARED_MODEL]
    assert sum(item.bytes for item in own) < 19_000_000
    assert all(path.stat().st_size == item.bytes for item in card.weights for path in [card.path_of(item)])


@pytest.mark.real_data
def test_mini_mias_is_read_as_it_is_stored(shared_data: Path) -> None:
    import pydicom

    chosen = films(shared_data)
    with (shared_data / "mini-mias" / "annotations.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert (len(chosen), len({item.patient for item in chosen})) == (260, 130)
    assert sum(found.is_malignant for item in chosen for found in item.lesions) == 44
    assert sum(not found.is_malignant for item in chosen for found in item.lesions) == 55
    assert sum(item.is_control for item in chosen) == sum(row["finding"] == "NORM" for row in rows)
    item = next(item for item in chosen if item.path.name == "mdb023.dcm")
    stored = pydicom.dcmread(item.path)
    exam = read_exam(item)
    assert np.array_equal(exam.image.array[0], stored.pixel_array.astype(np.uint16) * 257)
    assert (exam.laterality, exam.view) == (stored.ImageLaterality, stored.ViewPosition)
    assert exam.image.spacing == pytest.approx((1.0, *map(float, stored.PixelSpacing)))
    assert item.lesions[0] == Lesion(538 * 0.2, 343 * 0.2, 29 * 0.2, "CIRC", True)


def test_bundled_weights_give_the_scores_the_card_keeps(card: ModelCard) -> None:
    model = load(card, "cpu")
    kept = card.training["check"]
    found = phantom_scores(model.trunk, model.tails, MammogramPreprocessing.from_card(card.preprocessing))
    assert found["phantom"] == kept["phantom"]
    for module in MODULES:
        assert len(kept[module]) == WINDOWS
        assert found[module] == pytest.approx(kept[module], abs=2e-3)
        assert all(0 < score < 1 for score in kept[module])
