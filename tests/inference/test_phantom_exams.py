"""The examinations that training shares, and the acceptance criteria measured on them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from inference.phantoms import acceptance, acceptance_cards
from inference.phantoms.acceptance import LesionMeasures, criteria, cross_validated, kinetics_rule, measure
from inference.phantoms.acceptance_cards import times_after_contrast
from inference.training import phantom_exams
from inference.training.phantom_exams import draw_lesions, is_held_out, make_exam, read_exam, write_exams

SIZE = (8, 64, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    where = tmp_path_factory.mktemp("exams")
    assert [path.name for path in write_exams(where, range(40, 43), SIZE)] == ["40.npz", "41.npz", "42.npz"]
    return where


def test_what_is_read_is_what_was_made(folder: Path):
    made, read = make_exam(41, SIZE), read_exam(folder / "41.npz")
    assert (read.seed, read.fat_suppressed, read.exam.pre_index) == (41, made.fat_suppressed, 0)
    assert read.exam.seconds == made.exam.seconds
    for one, other in zip((*read.exam.phases, read.exam.t2), (*made.exam.phases, made.exam.t2), strict=True):
        assert np.array_equal(one.array, other.array)
        assert np.array_equal(one.affine, other.affine)
    assert len(read.lesions) == len(made.lesions) > 0
    for one, other in zip(read.lesions, made.lesions, strict=True):
        assert np.array_equal(one.mask, other.mask)
        first, second = asdict(replace(one, mask=0)), asdict(replace(other, mask=0))
        assert first == second


def test_what_is_there_is_not_written_again(folder: Path):
    before = (folder / "40.npz").stat().st_mtime_ns
    assert list(write_exams(folder, [40], SIZE)) == [folder / "40.npz"]
    assert (folder / "40.npz").stat().st_mtime_ns == before
    assert not list(folder.glob("*.part"))


def test_every_fourth_examination_is_held_out():
    assert [seed for seed in range(10_000, 10_008) if is_held_out(seed)] == [10_003, 10_007]


def test_two_breasts_in_five_are_malignant_as_in_the_published_set():
    drawn = [draw_lesions(seed) for seed in range(3000)]
    malignant = [any(name != "OB" for name in one[side]) for one in drawn for side in "RL"]
    assert np.mean(malignant) == pytest.approx(0.404, abs=0.03)
    assert 0.2 < np.mean([not one[side] for one in drawn for side in "RL"]) < 0.4
    assert np.mean([len(one["R"]) + len(one["L"]) for one in drawn]) > 1.3


def test_one_in_four_is_not_fat_suppressed_and_fat_is_then_bright():
    exams = [make_exam(seed, SIZE) for seed in range(60, 72)]
    fat = {True: [], False: []}
    for one in exams:
        front = one.exam.phases[0].array[:, : SIZE[1] // 3]
        fat[one.fat_suppressed].append(np.percentile(front, 98) / np.percentile(one.exam.phases[0].array, 50))
    assert fat[True]
    assert fat[False]
    assert np.median(fat[False]) > np.median(fat[True])


# --- acceptance -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "area_with_interval", partial(acceptance.area_with_interval, draws=25))


def measured(separation: float, size_tells: bool = False, count: int = 160) -> list[LesionMeasures]:
    rng = np.random.default_rng(4)
    made = []
    for number in range(count):
        malignant = number % 2 == 0
        change = float(np.exp(rng.normal(-separation if malignant else 0.0, 0.1)))
        size = float(np.exp(rng.normal(2.0 if malignant and size_tells else 0.0, 0.5)))
        bright = float(np.exp(rng.normal(0, 0.3)))
        curve = (2 * bright, 2 * bright * change, change, change**0.5)
        made.append(LesionMeasures(number // 2, malignant, (size, 10 * size), (1.0, bright, bright, 2 * bright), curve))
    return made


def test_size_that_tells_fails_the_first_criterion_only():
    trivial, kinetics = criteria(measured(0.18))
    assert trivial.met is True
    assert kinetics.met is True  # two normal distributions 1.8 standard deviations apart: AUC Φ(1.8/√2) = 0.898
    trivial, kinetics = criteria(measured(0.18, size_tells=True))
    assert trivial.met is False
    assert "NOT MET" in trivial.line
    assert kinetics.met is True


def test_curves_that_tell_too_much_or_too_little_fail_the_second():
    assert criteria(measured(0.5))[1].met is False
    assert criteria(measured(0.02))[1].met is False


def test_the_area_is_that_of_two_normal_distributions():
    found = kinetics_rule(measured(0.18, count=3000))
    assert found.value == pytest.approx(0.898, abs=0.02)
    assert found.low < found.value < found.high


def test_no_lesion_is_scored_by_a_model_that_saw_its_examination():
    # One feature per examination identifies it: a model that saw the examination would know the answer.
    exam = np.repeat(np.arange(50), 4)
    truth = np.repeat(np.random.default_rng(0).permutation([0.0, 1.0] * 25), 4)
    values = np.eye(50)[exam]
    scores = cross_validated(values, truth, exam)
    assert np.abs(scores).max() < 1e-9


def test_measures_of_an_examination(folder: Path):
    phantom = read_exam(folder / "41.npz")
    found = list(measure(phantom))
    assert 0 < len(found) <= len(phantom.lesions)
    lesion = max(phantom.lesions, key=lambda one: one.mask.sum())
    biggest = max(found, key=lambda one: one.size[0])
    assert biggest.size[0] == pytest.approx(lesion.mask.sum() * np.prod(phantom.exam.image.spacing) / 1000)
    before, after = (float(phantom.exam.phases[n].array[lesion.mask].mean()) for n in (0, 1))
    assert biggest.brightness[3] == pytest.approx(after / before)


class Card:
    def __init__(self, metrics: dict | None = None, interpretation: dict | None = None) -> None:
        self.metrics, self.interpretation = metrics or {}, interpretation or {}


def test_the_other_criteria_are_read_from_cards(monkeypatch: pytest.MonkeyPatch):
    cards = {
        "mri-curriculum-003": Card({"acceptance": {"curriculum": {"auc": 0.8}, "naive": {"auc": 0.6}}}),
        "mri-segmentation-004": Card({"acceptance": {"median_dice": 0.69}}),
        "mri-contrasts-002": Card(
            interpretation={
                "subsets": [
                    {"contrasts": ["pre", "post3", "sub"], "auc": 0.84},
                    {"contrasts": ["t2", "pre", "sub"], "auc": 0.81},
                ]
            }
        ),
    }
    monkeypatch.setattr(acceptance_cards, "_card_of", cards.get)
    assert acceptance_cards.curriculum().met is True
    assert acceptance_cards.segmentation().met is False
    assert acceptance_cards.subsets().met is True
    assert "0.840 (1 trios) against 0.810 (1)" in acceptance_cards.subsets().line
    monkeypatch.setattr(acceptance_cards, "_card_of", lambda _model: None)
    found = (acceptance_cards.curriculum(), acceptance_cards.segmentation(), acceptance_cards.subsets())
    assert [one.met for one in found] == [None] * 3
    assert all("not measured" in one.line for one in found)


def test_times_that_a_trio_shows():
    assert times_after_contrast(("t2", "pre", "sub")) == 1
    assert times_after_contrast(("T1pre", "T1post1", "Sub")) == 1  # the subtraction is of the first phase
    assert times_after_contrast(("pre", "post3", "sub")) == 2
    assert times_after_contrast(("post2", "post3", "post4")) == 3


def test_the_command_prints_the_table(monkeypatch, capsys):
    monkeypatch.setattr(acceptance, "_exams", lambda _folder, _seeds: [None])
    monkeypatch.setattr(acceptance, "measure", lambda _phantom: measured(0.18))
    monkeypatch.setattr("sys.argv", ["acceptance"])
    monkeypatch.setattr(acceptance_cards, "_card_of", lambda _model: None)
    assert acceptance.main() == 0
    out = capsys.readouterr().out
    assert "160 lesions (80 malignant) of 80 exams" in out
    assert [line[:3] for line in out.splitlines() if line.startswith("(")] == ["(a)", "(b)", "(c)", "(d)", "(e)"]


def test_the_generation_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(phantom_exams, "SIZE", (2, 24, 24))
    monkeypatch.setattr(phantom_exams.write_exams, "__defaults__", ((2, 24, 24), None))
    monkeypatch.setattr("sys.argv", ["phantom_exams", str(tmp_path), "--first", "5", "--count", "1"])
    phantom_exams.main()
    assert capsys.readouterr().out == f"{tmp_path / '5.npz'}\n"
    assert json.loads(str(read_exam(tmp_path / "5.npz").seed)) == 5
