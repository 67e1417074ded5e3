"""Conformance: every card, on ordinary and on awkward exams, gives a whole Result or a sentence, in bounded time.

The list of cards is the registry's, so a model added later is held to the same rules without a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import highdicom as hd
import numpy as np
import pytest

from inference import run as engine
from inference.card import ModelCard
from inference.errors import EngineError
from inference.exam import DceExam, Exam, LesionInput, Mammogram, MriSlice
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import Course, DcePhantom, make_dce, make_slice
from inference.registry import find_cards
from inference.result import Heatmap, Result, Status

CARDS = find_cards()
LONGEST_S = 300  # on two busy cores; a hang fails, a slow machine does not


def _with(volume: hd.Volume, array: np.ndarray, affine: np.ndarray | None = None) -> hd.Volume:
    return hd.Volume(
        np.ascontiguousarray(array),
        volume.affine if affine is None else affine,
        volume.coordinate_system,
        frame_of_reference_uid=volume.frame_of_reference_uid,
    )


# -- exams ---------------------------------------------------------------------------------------------------------


@cache
def _phantom() -> DcePhantom:
    return make_dce(
        406, size=(14, 208, 208), spacing_mm=(4.0, 1.55, 1.55), lesions=("IDC",), course=Course(motion_mm=0.0)
    )


@cache
def _dynamic() -> DceExam:
    phantom = _phantom()
    box = phantom.lesions[0].box
    assert box is not None
    mask = np.zeros(phantom.pre.spatial_shape, np.uint8)
    mask[box] = 1
    return DceExam(
        phases=(phantom.pre, *phantom.posts),
        pre_index=0,
        seconds=(0.0, *phantom.seconds),
        t2=phantom.t2,
        lesions=(LesionInput("one", "Box 1", "box", _with(phantom.pre, mask)),),
        orientation="axial",
        is_fat_suppressed=True,
    )


@cache
def _slice() -> MriSlice:
    phantom = make_slice(7, kind="IDC")
    return MriSlice(phantom.image, True, "axial", is_fat_suppressed=True)


@cache
def _mammogram() -> Mammogram:
    phantom = make_mammogram(
        14, "L", "MLO", detector=Detector((574, 478), 0.376), lesions=("spiculated mass", "malignant calcifications")
    )
    grey = (phantom.image.array.astype(np.uint32) * 65535 // 4095).astype(np.uint16)
    return Mammogram(_with(phantom.image, grey), laterality="L", view="MLO", has_implant=False)


def _ordinary(card: ModelCard) -> Exam:
    return {"MriSlice": _slice, "Mammogram": _mammogram, "DceExam": _dynamic}[card.accepts["exam"]]()


# -- what may be awkward about them --------------------------------------------------------------------------------


def _each(exam: Exam, change: Callable[[np.ndarray], np.ndarray]) -> Exam:
    """Change the pixels of every image of an exam."""
    if isinstance(exam, DceExam):
        t2 = None if exam.t2 is None else _with(exam.t2, change(exam.t2.array))
        return replace(exam, phases=tuple(_with(one, change(one.array)) for one in exam.phases), t2=t2)
    return replace(exam, image=_with(exam.image, change(exam.image.array)))


def _to_bits(bits: int) -> Callable[[Exam], Exam]:
    def change(array: np.ndarray) -> np.ndarray:
        top = 2**bits - 1
        kind = np.uint8 if bits == 8 else np.uint16
        return (array.astype(np.float64) * top / array.max()).round().astype(kind)

    return lambda exam: _each(exam, change)


def _nan_padding(exam: Exam) -> Exam:
    def change(array: np.ndarray) -> np.ndarray:
        padded = array.astype(np.float32)
        padded[:, :6], padded[..., -6:] = np.nan, np.nan
        return padded

    return _each(exam, change)


def _empty_side(exam: Exam) -> Exam:
    def change(array: np.ndarray) -> np.ndarray:
        half = array.copy()
        half[..., : half.shape[-1] // 2] = 0
        return half

    return _each(exam, change)


def _empty(exam: Exam) -> Exam:
    return _each(exam, np.zeros_like)


def _constant(exam: Exam) -> Exam:
    return _each(exam, lambda array: np.full_like(array, 700))


def _anisotropic(exam: Exam) -> Exam:
    def stretched(volume: hd.Volume) -> hd.Volume:
        affine = volume.affine.copy()
        affine[:3, 2] *= 1.5
        return _with(volume, volume.array, affine)

    if isinstance(exam, DceExam):
        lesions = tuple(replace(one, mask=stretched(one.mask)) for one in exam.lesions)
        t2 = None if exam.t2 is None else stretched(exam.t2)
        return replace(exam, phases=tuple(map(stretched, exam.phases)), t2=t2, lesions=lesions)
    return replace(exam, image=stretched(exam.image))


def _oblique(exam: Exam) -> Exam:
    angle = np.deg2rad(12)
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]

    def turned(volume: hd.Volume) -> hd.Volume:
        return _with(volume, volume.array, turn @ volume.affine)

    if isinstance(exam, DceExam):
        lesions = tuple(replace(one, mask=turned(one.mask)) for one in exam.lesions)
        t2 = None if exam.t2 is None else turned(exam.t2)
        return replace(exam, phases=tuple(map(turned, exam.phases)), t2=t2, lesions=lesions)
    return replace(exam, image=turned(exam.image)) if isinstance(exam, MriSlice) else exam


def _single_slice(exam: Exam) -> Exam:
    if not isinstance(exam, DceExam):
        return exam
    middle = exam.phases[0].spatial_shape[0] // 2
    return replace(exam, phases=tuple(one[middle : middle + 1] for one in exam.phases))


def _phase_missing(exam: Exam) -> Exam:
    return replace(exam, phases=exam.phases[:-1], seconds=exam.seconds[:-1]) if isinstance(exam, DceExam) else exam


def _only_pre(exam: Exam) -> Exam:
    return replace(exam, phases=exam.phases[:1], seconds=exam.seconds[:1]) if isinstance(exam, DceExam) else exam


def _no_times(exam: Exam) -> Exam:
    return replace(exam, seconds=(None,) * len(exam.seconds)) if isinstance(exam, DceExam) else exam


def _no_t2(exam: Exam) -> Exam:
    return replace(exam, t2=None) if isinstance(exam, DceExam) else exam


def _no_lesions(exam: Exam) -> Exam:
    return replace(exam, lesions=()) if isinstance(exam, DceExam) else exam


def _tiny(exam: Exam) -> Exam:
    if isinstance(exam, DceExam):
        return replace(exam, phases=tuple(one[:, :10, :10] for one in exam.phases))
    return replace(exam, image=exam.image[:, :10, :10])


def _wrong_modality(exam: Exam) -> Exam:
    return replace(exam, modality="CT")


MAY_READ = {
    "ordinary": lambda exam: exam,
    "anisotropic": _anisotropic,
    "oblique": _oblique,
    "one phase missing": _phase_missing,
    "no T2": _no_t2,
    "times unknown": _no_times,
    "empty side": _empty_side,
    "NaN padding": _nan_padding,
    "8 bit": _to_bits(8),
    "12 bit": _to_bits(12),
    "16 bit": _to_bits(16),
    "single slice": _single_slice,
    "lesions not marked": _no_lesions,
    "empty": _empty,
    "constant": _constant,
}
MUST_REFUSE = {"wrong modality": _wrong_modality, "tiny": _tiny, "only pre-contrast": _only_pre}


@pytest.fixture(scope="module", autouse=True)
def _memory() -> object:
    yield
    engine.forget_models()


def _cases(exams: dict[str, Callable[[Exam], Exam]]) -> list[object]:
    """Every card with every exam that differs from the ordinary one for it."""
    dynamic_only = {_single_slice, _phase_missing, _only_pre, _no_times, _no_t2, _no_lesions}
    return [
        pytest.param(card, make, id=f"{card.id}: {what}")
        for card in CARDS
        for what, make in exams.items()
        if card.accepts["exam"] == "DceExam" or make not in dynamic_only
    ]


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize(("card", "make"), _cases(MAY_READ))
def test_a_result_or_a_sentence(card: ModelCard, make: Callable[[Exam], Exam]) -> None:
    exam = make(_ordinary(card))
    try:
        result = engine.run(card, exam, device="cpu")
    except EngineError as error:
        _is_a_sentence(str(error))
        return
    _is_whole(card, exam, result)


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_the_ordinary_exam_is_read(card: ModelCard) -> None:
    first = engine.run(card, _ordinary(card), device="cpu")
    _is_whole(card, _ordinary(card), first)
    assert first.heatmaps, "a model that shows no map cannot be checked by a reader"
    again = engine.run(card, _ordinary(card), device="cpu")
    assert [score.value for score in again.scores] == [score.value for score in first.scores]


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize(("card", "make"), _cases(MUST_REFUSE))
def test_what_cannot_be_read_is_refused(card: ModelCard, make: Callable[[Exam], Exam]) -> None:
    with pytest.raises(EngineError) as refused:
        engine.run(card, make(_ordinary(card)), device="cpu")
    _is_a_sentence(str(refused.value))


def _is_a_sentence(text: str) -> None:
    assert text[0].isupper() or text[0] in "“\"'"
    assert text.rstrip().endswith((".", "!", "?"))
    assert "Traceback" not in text
    assert len(text) > 20


def _is_whole(card: ModelCard, exam: Exam, result: Result) -> None:
    assert isinstance(result.status, Status)
    assert result.scores
    for score in result.scores:
        assert 0 <= score.value <= 1
    for heatmap in result.heatmaps:
        _lies_on(exam, heatmap)
    for mask in result.masks:
        assert set(np.unique(mask.volume.array)) <= {0, 1}
        assert (mask.volume.frame_of_reference_uid or "") == (exam.image.frame_of_reference_uid or "")
    for finding in result.findings:
        assert np.isfinite([*finding.corner_mm, *finding.opposite_mm]).all()
        assert 0 <= finding.score <= 1
    for quantity in result.quantities:
        assert np.isfinite(quantity.value)
        assert quantity.unit
        assert quantity.basis
    for profile in result.profiles:
        assert len(profile.points_mm) == len(profile.values) > 0
    if result.status is Status.NO_FINDING:
        assert not result.findings
    made = result.provenance
    assert (made.model_id, made.weights_sha256) == (card.id, card.weights_sha256)
    assert made.model_note
    for text in (*result.warnings, *(fact.text for fact in result.facts)):
        assert text.strip()


def _lies_on(exam: Exam, heatmap: Heatmap) -> None:
    """A map's values are finite or "not read", and its grid meets the image it speaks of."""
    array = heatmap.volume.array
    assert array.ndim == 3
    assert not np.isinf(array).any()
    assert (heatmap.volume.frame_of_reference_uid or "") == (exam.image.frame_of_reference_uid or "")
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    of_map = heatmap.volume.map_indices_to_reference(corners * (np.array(array.shape) - 1))
    of_image = exam.image.map_indices_to_reference(corners * (np.array(exam.image.spatial_shape) - 1))
    slack = 40.0  # attention cells reach beyond the image
    assert (of_map.min(0) <= of_image.max(0) + slack).all()
    assert (of_map.max(0) >= of_image.min(0) - slack).all()
