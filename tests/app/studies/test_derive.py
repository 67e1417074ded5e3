"""Derived images: exact subtraction in every type, grids that fit or are refused, padding, windows, correction."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import highdicom
import numpy as np
import pytest

from app.studies.derive import CORRECTED, NOT_CORRECTED, subtract
from app.studies.derived import Derived, DerivedKind
from app.studies.errors import StudyError
from app.studies.load import LoadedStack, load_stack
from app.studies.recipe import is_corrected, make, sources_of, title_of
from app.studies.scan import scan
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study
from viewer.presentation import Padding, Presentation, Window
from viewer.windowing import render_grey

AFFINE = np.array([[0, 0, 0.5, -20.0], [0, 0.5, 0, -30.0], [2.0, 0, 0, 5.0], [0, 0, 0, 1]])
SHAPE = (6, 10, 12)


def phase(
    array: np.ndarray, uid: str = "p", affine: np.ndarray = AFFINE, frame: str = "1.2.3", padding: Padding | None = None
) -> LoadedStack:
    frames = tuple(Frame(Path(f"{uid}.dcm"), k, f"9.{uid}.{k}") for k in range(len(array)))
    stack = Stack(uid, uid, frames, *array.shape[1:3], frame, spacing_mm=(2.0, 0.5, 0.5), notes=(f"note of {uid}",))
    channels = None
    if array.ndim == 4:
        tint = highdicom.RGBColorChannels
        channels = {highdicom.RGB_COLOR_CHANNEL_DESCRIPTOR: [tint.R, tint.G, tint.B]}
    volume = highdicom.Volume(
        array,
        affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=frame,
        channels=channels,  # type: ignore[arg-type]
    )
    return LoadedStack(
        stack, volume, Presentation((Window(50, 100),), padding=padding), True, True, None, {"Series": uid}
    )


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f4", "f8", ">u2"])
def test_no_value_wraps_in_any_type(dtype: str) -> None:
    random = np.random.default_rng(4)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        first, second = (random.normal(0, 1e4, SHAPE).astype(kind) for _ in range(2))
    else:
        info = np.iinfo(kind)
        low, high = max(info.min, -(2**40)), min(info.max, 2**40)
        first, second = (random.integers(low, high, SHAPE, dtype=np.int64, endpoint=True).astype(kind) for _ in "ab")
        first.flat[0], second.flat[0] = low, high
        first.flat[1], second.flat[1] = high, low
    result = np.asarray(subtract(phase(first), phase(second), "x").volume.array)
    wide = np.longdouble if kind.kind == "f" else object
    expected = first.astype(wide) - second.astype(wide)
    if kind.kind == "f":
        np.testing.assert_allclose(result, expected.astype(result.dtype), rtol=1e-6)
    else:
        assert result.dtype.kind == "i"
        assert (result.astype(object) == expected).all()


@pytest.mark.parametrize(("top", "dtype"), [(4095, "int16"), (32766, "int16"), (65535, "int32")])
def test_the_smallest_type_that_loses_nothing_is_taken(top: int, dtype: str) -> None:
    first = np.full(SHAPE, top, np.uint16)
    assert subtract(phase(first), phase(np.zeros(SHAPE, np.uint16)), "x").volume.array.dtype == dtype


def test_an_integer_and_a_float_phase_can_be_subtracted() -> None:
    first, second = np.full(SHAPE, 700, np.uint16), np.full(SHAPE, 0.25, np.float32)
    result = subtract(phase(first), phase(second), "x").volume.array
    assert result.dtype.kind == "f"
    assert (result == 699.75).all()


def test_geometry_frames_and_name_are_those_of_the_post_contrast_phase() -> None:
    post, pre = phase(np.full(SHAPE, 9, np.uint16), "post"), phase(np.full(SHAPE, 4, np.uint16), "pre")
    made = subtract(post, pre, "uid", "Subtraction post 1 − pre")
    np.testing.assert_array_equal(made.volume.affine, post.volume.affine)
    assert made.volume.frame_of_reference_uid == post.volume.frame_of_reference_uid
    assert (made.stack.uid, made.stack.title, made.stack.derived) == ("uid", "Subtraction post 1 − pre", True)
    assert made.stack.frames is post.stack.frames
    assert made.stack.notes == (NOT_CORRECTED, "note of post", "note of pre")
    assert subtract(post, pre, "uid", motion_corrected=True).stack.notes[0] == CORRECTED
    assert (post.volume.array == 9).all()


def shifted(**where: float) -> np.ndarray:
    affine = AFFINE.copy()
    for axis, by in where.items():
        affine["xyz".index(axis), 3] += by
    return affine


def turned(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ AFFINE


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (phase(np.zeros((6, 10, 13), np.uint16)), "matrix"),
        (phase(np.zeros(SHAPE, np.uint16), affine=shifted(x=0.25)), "mm apart"),
        (phase(np.zeros(SHAPE, np.uint16), affine=shifted(z=1.0)), "mm apart"),
        (phase(np.zeros(SHAPE, np.uint16), affine=shifted(z=12.0)), "no slice in common"),
        (phase(np.zeros(SHAPE, np.uint16), affine=turned(3.0)), "orientations"),
        (phase(np.zeros(SHAPE, np.uint16), affine=AFFINE @ np.diag([1, 1.1, 1.1, 1])), "distances between voxels"),
        (phase(np.zeros(SHAPE, np.uint16), frame="9.9"), "frames of reference"),
        (phase(np.zeros((*SHAPE, 3), np.uint8)), "colour"),
    ],
)
def test_phases_that_do_not_lie_on_each_other_are_refused(other: LoadedStack, why: str) -> None:
    with pytest.raises(StudyError, match=why) as refused:
        subtract(phase(np.ones(SHAPE, np.uint16)), other, "x")
    assert refused.value.hint


def test_rounding_of_positions_in_the_file_is_no_difference() -> None:
    other = phase(np.zeros(SHAPE, np.uint16), affine=shifted(x=1e-4, y=-1e-4, z=1e-4) + 0.0)
    assert (subtract(phase(np.ones(SHAPE, np.uint16)), other, "x").volume.array == 1).all()


@pytest.mark.parametrize("missing", [2, -1])
def test_slices_that_one_phase_lacks_are_blank_and_said(missing: int) -> None:
    whole = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)
    part = whole[missing:] if missing > 0 else whole[:missing]
    pre = phase(part, "pre", shifted(z=2.0 * missing) if missing > 0 else AFFINE)
    made = subtract(phase(whole + np.uint16(3), "post"), pre, "x")
    blank = (0, 1) if missing > 0 else (5,)
    assert made.blank_slices == blank
    rest = [k for k in range(6) if k not in blank]
    assert (made.volume.array[rest] == 3).all()
    assert "Blank where one phase has no slice" in made.stack.notes[1]
    assert not render_grey(np.asarray(made.volume.array[list(blank)]), made.presentation).any()


def test_blank_slices_of_either_phase_are_blank() -> None:
    post = replace(phase(np.full(SHAPE, 9, np.uint16)), blank_slices=(1,))
    pre = replace(phase(np.full(SHAPE, 4, np.uint16)), blank_slices=(4,))
    made = subtract(post, pre, "x")
    assert made.blank_slices == (1, 4)
    assert (made.volume.array[[0, 2, 3, 5]] == 5).all()
    assert made.volume.array[[1, 4]].max() < 5


def test_padding_of_either_phase_stays_black_and_is_the_lowest_value() -> None:
    first, second = np.full(SHAPE, 100, np.uint16), np.full(SHAPE, 140, np.uint16)
    first[:, 0], second[:, :, 0] = 0, 65535
    made = subtract(phase(first, padding=Padding(0, 0)), phase(second, padding=Padding(65535, 65535)), "x")
    array, padding = np.asarray(made.volume.array), made.presentation.padding
    assert padding is not None
    inside = np.zeros(SHAPE, bool)
    inside[:, 1:, 1:] = True
    assert (array[inside] == -40).all()
    assert (array[~inside] == padding.low).all()
    assert padding.low < array[inside].min()
    grey = render_grey(array, made.presentation.inverted())
    assert not grey[~inside].any()
    assert (grey[inside] == 255).all()


def test_the_window_starts_at_zero_and_lets_a_lesion_be_seen() -> None:
    random = np.random.default_rng(2)
    pre = random.normal(200, 5, (20, 64, 64))
    pre[:, :20] = np.abs(random.normal(0, 4, (20, 20, 64)))  # air
    post = pre + random.normal(0, 7, pre.shape)
    post[8:12, 40:48, 40:48] += 300  # 256 voxels of 80,000
    made = subtract(phase(post.clip(0).astype(np.uint16)), phase(pre.clip(0).astype(np.uint16)), "x")
    window, signed = made.presentation.vois
    assert isinstance(window, Window)
    assert isinstance(signed, Window)
    assert window.center - window.width / 2 == 0
    assert signed.center == 0
    assert window.origin == signed.origin == "computed"
    grey = render_grey(np.asarray(made.volume.array), made.presentation)
    assert grey[8:12, 40:48, 40:48].mean() > 200
    assert grey[14:].mean() < 10
    assert not made.presentation.invert


def test_an_image_without_enhancement_still_has_a_window() -> None:
    made = subtract(phase(np.zeros(SHAPE, np.uint16)), phase(np.full(SHAPE, 7, np.uint16)), "x")
    window = made.presentation.voi
    assert isinstance(window, Window)
    assert window.width > 0


def a_study() -> Study:
    stacks = [phase(np.zeros(SHAPE, np.uint16), uid).stack for uid in ("a", "b")]
    members = tuple(Series(one.uid, "MR", SeriesKind.MR, None, one.uid, (one,)) for one in stacks)
    dynamic = Dynamic("d", (Phase("a", 0.0, "pre"), Phase("b", 90.0, "post 1")), 0, "key")
    return Study("1", "", "", "", "", "", "", "", "", members, (dynamic,))


PLAIN = Derived(DerivedKind.SUBTRACTION, "b", "a").uid
MOVED = Derived(DerivedKind.CORRECTED, "b", "a").uid
BOTH = Derived(DerivedKind.SUBTRACTION, "b", "a", motion_corrected=True).uid


def test_a_derived_image_knows_its_sources_and_its_name() -> None:
    assert (sources_of("a"), sources_of(PLAIN), sources_of(BOTH)) == ((), ("b", "a"), (MOVED, "a"))
    assert [is_corrected(uid) for uid in ("a", PLAIN, MOVED, BOTH)] == [False, False, True, True]
    assert title_of(a_study(), PLAIN) == "Subtraction post 1 − pre"
    assert title_of(a_study(), MOVED) == "Post 1, motion-corrected"


def test_a_phase_that_was_never_registered_is_refused_in_a_sentence() -> None:
    images = [phase(np.zeros(SHAPE, np.uint16), uid) for uid in ("b", "a")]
    with pytest.raises(StudyError, match="has not been registered to pre") as refused:
        make(a_study(), MOVED, images, None)
    assert "Ctrl\\+M".replace("\\", "") in refused.value.hint


def test_a_corrected_phase_lies_on_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = phase(np.zeros(SHAPE, np.uint16), "a")
    moving = phase(np.full(SHAPE, 5, np.uint16), "b")
    engine = ModuleType("inference.prepare.register")
    engine.apply = lambda one, volume, reference, progress: reference.with_array(volume.array + one.by)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "inference.prepare.register", engine)
    monkeypatch.setattr("inference.prepare.register", engine, raising=False)
    made = make(a_study(), MOVED, (moving, fixed), SimpleNamespace(by=np.uint16(2), stage="rigid"))  # type: ignore[arg-type]
    assert (made.volume.array == 7).all()
    assert made.stack.notes[0] == "Motion-corrected (rigid)"
    assert made.stack.frames is moving.stack.frames
    subtraction = make(a_study(), BOTH, (made, fixed), None)
    assert (subtraction.volume.array == 7).all()
    assert subtraction.stack.notes[0] == "Motion-corrected (rigid)"


def test_a_real_subtraction_is_exact(shared_data: Path) -> None:
    study = scan(shared_data / "mri" / "duke-153").studies[0]
    phases = study.dynamics[0].phases
    pre, post = (load_stack(study, phases[n].stack_uid) for n in (0, 1))
    uid = Derived(DerivedKind.SUBTRACTION, phases[1].stack_uid, phases[0].stack_uid).uid
    made = make(study, uid, (post, pre), None)
    naive = post.volume.array.astype(np.float64) - pre.volume.array.astype(np.float64)
    np.testing.assert_array_equal(made.volume.array, naive)
    assert made.volume.array.dtype == np.int16
    window = made.presentation.voi
    assert isinstance(window, Window)
    assert 200 < window.width < 400  # the mass enhances by about 270
