"""System 002 from exam to result: the chain, its answers, and sentences where something is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
import torch
from scipy import special

from inference import run as engine
from inference.card import ModelCard
from inference.errors import CardError, EngineError, OutOfScopeError
from inference.exam import DceExam
from inference.families import mri_contrasts as family
from inference.prepare.contrast_choice import subsets_of
from inference.prepare.contrast_settings import SUBSETS, ContrastPreprocessing
from inference.prepare.lesion_contrasts import PreparedLesions, prepare_lesions
from inference.progress import Cancelled, Progress
from inference.result import Result, Status

PLAIN = ContrastPreprocessing(bias="none")
GEOMETRIES = [((3.0, 1.0, 1.0), (0, 0, 0)), ((3.3, 0.7, 1.2), (0, 0, 0)), ((2.5, 0.9, 0.6), (12, -17, 25))]


@pytest.fixture(autouse=True)
def _fresh_memory() -> Any:
    yield
    engine.forget_models()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, helpers) -> ModelCard:
    """A toy without N4: quick."""
    return helpers.card_in(tmp_path_factory.mktemp("plain002"), bias="none")


def prepared(exam: DceExam, settings: ContrastPreprocessing = PLAIN, subset: tuple = SUBSETS[0]) -> PreparedLesions:
    ranked = subsets_of({"subsets": [{"contrasts": list(subset)}]})
    return prepare_lesions(exam, settings, ranked, "Toy", Progress())


@pytest.mark.parametrize(("spacing", "degrees"), GEOMETRIES, ids=["plain", "anisotropic", "oblique"])
def test_a_planted_voxel_and_its_box_come_back(make_exam: Callable, helpers, spacing: tuple, degrees: tuple) -> None:
    exam = make_exam(helpers.affine(spacing, degrees))
    hot = exam.posts[1].array.copy()
    hot[5, 38, 41] = 4000
    phases = (*exam.phases[:2], exam.posts[1].with_array(hot), *exam.phases[3:])
    (lesion,) = prepared(replace(exam, phases=phases), subset=("pre", "post2", "sub")).lesions
    assert [window.k for window in lesion.windows] == [4, 5, 6]
    image, affine = lesion.images[1, 1], lesion.affines[1]
    # where the patches are finer than the voxel, its brightest pixels surround its centre
    mass = np.where(image > 0.9 * image.max(), image, 0)
    peak = [float((axis * mass).sum() / mass.sum()) for axis in np.indices(mass.shape)]
    mm = (affine @ (0, *peak, 1))[:3]
    assert np.abs(exam.image.map_reference_to_indices(mm[None])[0] - (5, 38, 41)).max() <= 0.5
    assert image.shape == (50, 50)
    assert np.linalg.norm(affine[:3, 1]) == pytest.approx(0.6)


def test_grey_values_by_their_definition(make_exam: Callable) -> None:
    """p1 and p99 of T1pre become 0 and 1 for all dynamics; Sub is symmetric; T2 has its own."""
    exam = make_exam()
    (lesion,) = prepared(exam, subset=("post3", "sub", "t2")).lesions
    pre, post1, post3 = (exam.phases[n].array.astype(float) for n in (0, 1, 3))
    low, high = np.percentile(pre, (1, 99))
    middle = lesion.images[1][:, 25, 25]  # inside the lesion
    inside = (slice(5, 6), slice(36, 40), slice(38, 42))
    assert middle[0] == pytest.approx((post3[inside].mean() - low) / (high - low), abs=0.1)
    assert np.percentile(np.abs(post1 - pre), 99) < 0.25 * (high - low)  # little enhances: Sub is stretched no more
    assert middle[1] == pytest.approx((post1 - pre)[inside].mean() / (0.5 * (high - low)) + 0.5, abs=0.1)
    large = np.zeros(exam.image.spatial_shape)
    large[:, :36] = 150
    spread = tuple(phase.with_array(np.rint(phase.array + (n > 0) * large)) for n, phase in enumerate(exam.phases))
    (wide,) = prepared(replace(exam, phases=spread), subset=("post3", "sub", "t2")).lesions
    most = np.percentile(np.abs(spread[1].array - pre)[:, ::2, ::2], 99)
    assert most > 0.25 * (high - low)
    change = (spread[1].array - pre)[inside].mean()
    assert wide.images[1][1, 25, 25] == pytest.approx(change / (2 * most) + 0.5, abs=0.1)
    assert lesion.images[1][1, 2, 2] == pytest.approx(0.5, abs=0.05)  # no change: the middle of Sub's range
    assert -0.2 < lesion.images[:, 2].mean() < 1.2


def test_one_field_keeps_the_kinetics_and_strict_does_not(make_exam: Callable) -> None:
    exam = make_exam(lesions=make_exam().lesions)
    shade = np.exp(0.5 * np.linspace(-1, 1, exam.image.spatial_shape[1]))[None, :, None]
    shaded = replace(exam, phases=tuple(phase.with_array(phase.array * shade) for phase in exam.phases))
    washes = {}
    for name, settings in {"one": {"bias": "pre"}, "none": {"bias": "none"}, "strict": {"preset": "strict"}}.items():
        keys = ContrastPreprocessing.from_card(settings)
        (lesion,) = prepared(shaded, keys, ("post1", "post2", "post4")).lesions
        washes[name] = lesion.images[1][:, 22:28, 22:28].mean(axis=(1, 2))
    ratio = washes["one"][2] / washes["one"][0]
    assert ratio == pytest.approx(washes["none"][2] / washes["none"][0], rel=0.03)
    assert ratio < 0.9  # washout
    assert washes["strict"][2] / washes["strict"][0] > 0.95  # every phase on a scale of its own: washout is gone


def result_of(card: ModelCard, exam: DceExam) -> Result:
    return engine.run(card, exam, device="cpu")


def with_cut_off(card: ModelCard, cut_off: float) -> ModelCard:
    return replace(card, outputs=(replace(card.outputs[0], operating_point=cut_off),))


def test_lesions_below_the_cut_off_are_no_findings(plain: ModelCard, make_exam: Callable) -> None:
    result = result_of(with_cut_off(plain, 1.0), make_exam())
    assert result.status is Status.NO_FINDING
    assert not result.findings
    assert result.scores
    assert result.heatmaps


def test_the_result_holds_what_was_asked(plain: ModelCard, make_exam: Callable, helpers) -> None:
    geometry = helpers.affine()
    boxes = (helpers.box(geometry, (4, 34, 36), (6, 41, 43)), helpers.box(geometry, (2, 20, 60), (2, 26, 64), "Box 2"))
    exam = make_exam(geometry, lesions=boxes)
    result = result_of(with_cut_off(plain, 0.0), exam)
    overall, *each = result.scores
    assert [score.subject for score in each] == ["Box 1", "Box 2"]
    assert overall.value == max(score.value for score in each)
    assert overall.subject == ""
    assert {score.name for score in result.scores} == {"malignant"}
    assert result.status is Status.FINDINGS
    for score, profile, finding, heatmap in zip(each, result.profiles, result.findings, result.heatmaps, strict=True):
        assert score.value == max(profile.values)
        assert finding.title == score.subject
        assert finding.score == score.value
        np.testing.assert_allclose(finding.spot_mm, profile.points_mm[int(np.argmax(profile.values))])
        assert np.nanmin(heatmap.volume.array) >= 0
        assert np.nanmax(heatmap.volume.array) <= heatmap.value_range[1] + 1e-5
        assert heatmap.volume.frame_of_reference_uid == helpers.frame
    assert [len(profile.values) for profile in result.profiles] == [3, 1]
    assert result.heatmaps[1].name == "gradcam-2"
    corners = np.array([result.findings[1].corner_mm, result.findings[1].opposite_mm])
    index = exam.image.map_reference_to_indices(corners)
    np.testing.assert_allclose(index, [[2, 19.5, 59.5], [2, 26.5, 64.5]], atol=1e-6)
    facts = {fact.title: fact.text for fact in result.facts}
    assert facts["Contrasts"].startswith("T1pre + T1post1 + T1post2: rank 1 of 35")
    assert "T1post4 = phase 4 after contrast (+270 s)" in facts["Phases"]
    assert "Box 1: 3, Box 2: 1" in facts["Lesions"]


def _bilateral(make_exam: Callable, helpers, boxes: dict[str, int], **changes: Any) -> DceExam:
    """Return an exam that reaches 120 mm to both sides, with boxes at columns (3 mm each, x = 0 at column 39.5)."""
    geometry = helpers.affine((3.0, 1.0, 3.0), start=(-118.5, -110, 15))
    lesions = tuple(
        helpers.box(geometry, (4, 30, column), (4, 34, column + 3), title) for title, column in boxes.items()
    )
    return make_exam(geometry, lesions=lesions, **changes)


def test_each_breast_scores_as_its_highest_lesion(plain: ModelCard, make_exam: Callable, helpers) -> None:
    exam = _bilateral(make_exam, helpers, {"Box 1": 60, "Box 2": 15, "Box 3": 50, "Box 4": 25})
    result = result_of(plain, exam)
    assert [score.subject for score in result.scores] == [
        "", "Right breast", "Left breast", "Box 1", "Box 2", "Box 3", "Box 4",
    ]  # fmt: skip
    overall, right, left, *each = result.scores
    assert [score.name for score in (overall, right, left)] == ["malignant", "malignant-R", "malignant-L"]
    values = {score.subject: score.value for score in each}
    assert left.value == max(values["Box 1"], values["Box 3"])  # LPS x > 0
    assert right.value == max(values["Box 2"], values["Box 4"])
    assert overall.value == max(left.value, right.value)
    assert "a breast and the exam as their highest lesion" in result.facts[-1].text
    stored_otherwise = replace(exam, phases=tuple(phase[::-1, :, ::-1] for phase in exam.phases))
    assert [s.subject for s in result_of(plain, stored_otherwise).scores] == [s.subject for s in result.scores]


@pytest.mark.parametrize(
    ("changes", "sides"),
    [({}, ["Left breast"]), ({"laterality": "L"}, []), ({"orientation": ""}, [])],
    ids=["bilateral", "one breast imaged", "plane not known"],
)
def test_only_a_breast_with_lesions_is_given(
    plain: ModelCard, make_exam: Callable, helpers, changes: dict, sides: list[str]
) -> None:
    anywhere = replace(plain, accepts={key: value for key, value in plain.accepts.items() if key != "orientation"})
    result = result_of(anywhere, _bilateral(make_exam, helpers, {"Box 1": 60}, **changes))
    assert [score.subject for score in result.scores] == ["", *sides, "Box 1"]


def test_an_exam_that_ends_at_the_midline_names_no_side(plain: ModelCard, make_exam: Callable) -> None:
    """Of 80 mm around x = 0 nobody knows which breast it shows."""
    assert [score.subject for score in result_of(plain, make_exam()).scores] == ["", "Box 1"]


def test_batches_give_what_single_patches_give(plain: ModelCard, make_exam: Callable) -> None:
    """And the plain way in single precision: p within 0.02, the tolerance stated for bfloat16."""
    exam = make_exam()
    model = family.load(plain, "cpu")
    given = family.prepare(plain, exam, Progress())
    (said,) = family.predict(model, given, Progress())
    network = model.network(given.subset)
    for image, p in zip(given.lesions[0].images, said.malignant, strict=True):
        with torch.inference_mode():
            logits = network(family.network_input(torch.from_numpy(image)[None]))[0].numpy()
        assert p == pytest.approx(special.softmax(logits)[1], abs=0.02)
    alone, _ = family.read_patches(network, torch.from_numpy(given.lesions[0].images[1:2]), "cpu")
    assert alone[0] == pytest.approx(said.malignant[1], abs=2e-3)


def test_how_the_exam_is_stored_does_not_matter(plain: ModelCard, make_exam: Callable) -> None:
    exam = make_exam()

    def mirrored(volume: hd.Volume) -> hd.Volume:
        return volume[::-1, :, ::-1]

    other = replace(exam, phases=tuple(mirrored(phase) for phase in exam.phases))
    first, second = result_of(plain, exam), result_of(plain, other)
    assert second.scores[0].value == pytest.approx(first.scores[0].value, abs=5e-3)
    before, after = (dict(zip(one.points_mm, one.values, strict=True)) for one in (*first.profiles, *second.profiles))
    for (there, p), (same, q) in zip(sorted(before.items()), sorted(after.items()), strict=True):
        np.testing.assert_allclose(there, same, atol=1e-6)
        assert p == pytest.approx(q, abs=5e-3)


def test_a_lesion_elsewhere_in_the_window_is_said(plain: ModelCard, make_exam: Callable, helpers) -> None:
    geometry = helpers.affine()
    near = helpers.box(geometry, (5, 30, 50), (5, 33, 53), "Box 2")
    outside = replace(near, title="Box 3", mask=helpers.volume(near.mask.array, helpers.affine(start=(900, 0, 0))))
    exam = make_exam(geometry, lesions=(helpers.box(geometry, (4, 34, 36), (6, 41, 43)), near, outside))
    result = result_of(plain, exam)
    assert "The patches of Box 1 show Box 2 too" in result.warnings[1]
    assert result.warnings[0].startswith("Box 3 lies outside")
    assert result.warnings[0].endswith("It was left out.")
    assert len(result.scores) == 3


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"lesions": ()}, OutOfScopeError, "none is marked"),
        ({"pre_index": None}, OutOfScopeError, "before the contrast agent"),
        ({"has_spacing": False}, OutOfScopeError, "spacing of this series is not known"),
        ({"orientation": "sagittal"}, OutOfScopeError, "reads axial series"),
        ({"modality": "CT"}, OutOfScopeError, "reads MR images"),
    ],
)
def test_missing_inputs_are_answered_by_a_sentence(
    plain: ModelCard, make_exam: Callable, changes: dict, error: type, sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        result_of(plain, make_exam(**changes))


def test_a_lesion_outside_all_slices_is_refused(plain: ModelCard, make_exam: Callable, helpers) -> None:
    lesion = helpers.box(helpers.affine(), (4, 34, 36), (6, 41, 43))
    away = replace(lesion, mask=helpers.volume(lesion.mask.array, helpers.affine(start=(900, 0, 0))))
    with pytest.raises(EngineError, match="Box 1 lies outside the slices of this series"):
        result_of(plain, make_exam(lesions=(away,)))


def test_fewer_phases_and_no_t2_take_the_best_that_is_there(tmp_path: Path, make_exam: Callable, helpers) -> None:
    ranked = [
        {"contrasts": ["pre", "post3", "sub"], "auc": 0.91, "interval_95": [0.85, 0.96]},
        {"contrasts": ["pre", "sub", "t2"], "auc": 0.88},
        {"contrasts": ["pre", "post1", "sub"], "auc": 0.86, "interval_95": [0.8, 0.9]},
    ]
    card = helpers.card_in(tmp_path, ranked, bias="none")
    result = result_of(card, make_exam(posts=1, t2=False))
    (said,) = (fact.text for fact in result.facts if fact.title == "Contrasts")
    assert said.startswith("T1pre + T1post1 + Sub: rank 3 of 3 trained (35 are possible), AUC 0.86 (0.80–0.90)")
    assert "2 subsets rank higher (the best: T1pre + T1post3 + Sub) but cannot be had here" in said
    assert "T2: the study has no T2-weighted volume" in said


def test_a_t2_that_misses_the_lesion_is_not_used(tmp_path: Path, make_exam: Callable, helpers) -> None:
    ranked = [{"contrasts": ["pre", "sub", "t2"]}, {"contrasts": ["pre", "post1", "sub"]}]
    card = helpers.card_in(tmp_path, ranked, bias="none")
    exam = make_exam()
    used = [fact.text for fact in result_of(card, exam).facts]
    assert used[0].startswith("T1pre + Sub + T2: rank 1")
    away = exam.t2.affine.copy()
    away[2, 3] += 25
    (said, *_) = result_of(card, replace(exam, t2=helpers.volume(exam.t2.array, away))).facts
    assert "T2: it does not show all of the lesions' surroundings" in said.text


def test_t2_lies_on_the_dynamic_grid(make_exam: Callable, helpers) -> None:
    """A ramp along z and x in millimetres on an oblique T2 grid is the same ramp on the patches."""
    geometry = helpers.affine((3, 1, 1), (10, 5, -8))
    exam = make_exam(helpers.affine())
    index = np.moveaxis(np.indices(helpers.shape), 0, -1).reshape(-1, 3)
    geometry[:3, :3] *= 1.5
    geometry[:3, 3] = helpers.affine()[:3, 3] - (12, 12, 12)
    grid = helpers.volume(np.zeros(helpers.shape, np.float32), geometry)
    mm = grid.map_indices_to_reference(index.astype(float))
    ramp = (1000 + 3 * mm[:, 0] + 5 * mm[:, 2]).reshape(helpers.shape).astype(np.float32)
    given = prepared(replace(exam, t2=grid.with_array(ramp)), subset=("pre", "post1", "t2")).lesions[0]
    low, high = np.percentile(ramp, (1, 99))
    for image, affine in zip(given.images, given.affines, strict=True):
        x, _, z = (affine @ (0, 25, 25, 1))[:3]
        assert image[2, 25, 25] == pytest.approx((1000 + 3 * x + 5 * z - low) / (high - low), abs=1e-3)


def test_padding_is_black_and_said(plain: ModelCard, make_exam: Callable) -> None:
    exam = make_exam()
    padded = []
    for phase in exam.phases:
        values = phase.array.astype(np.float32)
        values[:, :, 46:] = np.nan
        padded.append(phase.with_array(values))
    result = result_of(plain, replace(exam, phases=tuple(padded)))
    assert all(np.isfinite(score.value) for score in result.scores)
    assert any("have no image and were read as black" in text for text in result.warnings)
    nothing = tuple(phase.with_array(np.full(phase.shape, np.nan, np.float32)) for phase in exam.phases)
    with pytest.raises(EngineError, match="T1pre: The volume has no valid pixel"):
        result_of(plain, replace(exam, phases=nothing))


def test_phases_that_do_not_differ_are_refused(plain: ModelCard, make_exam: Callable, tmp_path: Path, helpers) -> None:
    card = helpers.card_in(tmp_path, [{"contrasts": ["pre", "post1", "sub"]}], bias="none")
    exam = make_exam()
    with pytest.raises(EngineError, match="same as the one before it"):
        result_of(card, replace(exam, phases=(exam.phases[0],) * 5))


def test_a_single_slice_is_read(toy: ModelCard, make_exam: Callable, helpers) -> None:
    exam = make_exam(t2=False)
    one = replace(
        exam,
        phases=tuple(phase[5:6] for phase in exam.phases),
        lesions=(helpers.box(exam.image[5:6].affine, (0, 34, 36), (0, 41, 43)),),
    )
    result = result_of(toy, one)
    assert len(result.profiles[0].values) == 1
    assert result.heatmaps[0].volume.spatial_shape[0] == 1


def test_cancelling_ends_it(plain: ModelCard, make_exam: Callable) -> None:
    seen: list[str] = []
    progress = Progress(lambda _fraction, text: seen.append(text) or ("patch" in text and progress.cancel()))
    with pytest.raises(Cancelled):
        engine.run(plain, make_exam(), progress, "cpu")


def test_every_subset_may_have_weights_of_its_own(tmp_path: Path, helpers, make_exam: Callable) -> None:
    ranked = [{"contrasts": ["pre", "post1", "sub"], "file": "other.safetensors"}]
    card = helpers.card_in(tmp_path, ranked, bias="none")
    with pytest.raises(CardError, match=r"lists no weights 'other\.safetensors'"):
        result_of(card, make_exam())
    model = family.load(helpers.card_in(tmp_path, bias="none"), "cpu")
    assert len(family.modules(model)) == 1
