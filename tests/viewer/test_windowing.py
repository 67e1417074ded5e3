"""Windowing against formulas written out by hand, pydicom's functions, and double precision value by value."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from viewer.presentation import Padding, Presentation, VoiFunction, VoiLut, Window
from viewer.windowing import render_grey, render_grey16, window_of

LINEAR, EXACT, SIGMOID = VoiFunction.LINEAR, VoiFunction.LINEAR_EXACT, VoiFunction.SIGMOID


def shown(*vois, invert=False, padding=None, chosen=0):
    return Presentation(tuple(vois), chosen, invert, padding)


def test_linear_of_the_standards_own_example():
    # PS3.3 C.11.2.1.2.1: c=2048 w=4096 → x <= 0 is 0, x > 4095 is 255, between ((x − 2047.5)/4095 + 0.5)·255
    x = np.array([-5, 0, 1, 2047, 2048, 4095, 5000], np.int16)
    expected = [0, 0, 1 / 4095 * 255, 2047 / 4095 * 255, 2048 / 4095 * 255, 255, 255]
    assert render_grey(x, shown(Window(2048, 4096))).tolist() == [int(np.floor(v + 0.5)) for v in expected]


def test_a_width_of_one_is_a_step_at_half_below_the_centre():
    x = np.array([9, 10, 11], np.uint8)
    assert render_grey(x, shown(Window(10, 1))).tolist() == [0, 255, 255]  # 10 > 9.5


def test_linear_exact_does_not_subtract():
    x = np.array([0, 25, 50, 75, 100], np.uint16)
    assert render_grey(x, shown(Window(50, 100, EXACT))).tolist() == [0, 64, 128, 191, 255]


def test_sigmoid_is_half_at_the_centre_and_e_to_the_minus_four_a_width_away():
    values = render_grey16(np.array([100.0, 300.0, -100.0]), shown(Window(100, 200, SIGMOID)))
    expected = [0.5, 1 / (1 + np.exp(-4)), 1 / (1 + np.exp(4))]
    assert values.tolist() == [int(np.floor(v * 65535 + 0.5)) for v in expected]


@settings(max_examples=60, deadline=None)
@given(
    center=st.floats(-500, 3000),
    width=st.floats(1.5, 5000),
    function=st.sampled_from(list(VoiFunction)),
)
def test_agrees_with_pydicom_for_every_function(center, width, function):
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = center, width, function.value
    x = np.arange(4096, dtype=np.uint16)
    with np.errstate(over="ignore"):
        oracle = apply_voi_lut(x, dataset) / 4095 * 65535
    ours = render_grey16(x, shown(Window(float(dataset.WindowCenter), float(dataset.WindowWidth), function)))
    assert np.abs(ours - oracle).max() <= 0.5 + 1e-6


def test_voi_lut_clamps_at_both_ends_and_scales_by_its_bits():
    lut = VoiLut(first=10, table=np.array([0, 100, 1023], np.uint16), bits=10)
    x = np.array([0, 10, 11, 12, 500], np.uint16)
    expected = [0, 0, round(100 / 1023 * 255), 255, 255]
    assert render_grey(x, shown(lut)).tolist() == expected
    assert render_grey(x.astype(np.float32), shown(lut)).tolist() == expected


def test_inversion_comes_after_the_voi_and_padding_and_nan_stay_black():
    x = np.array([-2000, 0, 50, 100], np.int16)
    window = Window(50, 100, EXACT)
    inverted = shown(window, invert=True, padding=Padding(-2000, -1000))
    assert render_grey(x, inverted).tolist() == [0, 255, 128, 0]
    assert render_grey(np.array([np.nan, 0.0, np.inf, -np.inf]), inverted).tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "<i2", ">u2", "i4", "f4", "f8", "?"])
def test_every_type_gives_what_double_precision_gives(dtype):
    x = (np.random.default_rng(1).normal(40, 30, 5000)).clip(0, 120).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x = np.rint(x)
    oracle = np.floor(np.clip((x.astype(float) - 30) / 77 + 0.5, 0, 1) * 255 + 0.5)
    assert np.array_equal(render_grey(x, shown(Window(30, 77, EXACT))), oracle)


def test_signed_values_do_not_wrap():
    x = np.array([[-32768, -1, 0, 1, 32767]], np.int16)
    grey = render_grey(x, shown(Window(0, 65535, EXACT)))
    assert np.all(np.diff(grey[0].astype(int)) >= 0)
    assert grey[0, 0] == 0
    assert grey[0, -1] == 255


def test_colour_passes_through_until_a_window_is_asked_for():
    rgb = np.random.default_rng(2).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    assert np.array_equal(render_grey(rgb, shown(Window(20, 10))), rgb)
    asked = render_grey(rgb, shown(Window(127.5, 255, EXACT, origin="user")))
    assert np.abs(asked.astype(int) - rgb).max() <= 1
    narrow = render_grey(rgb, shown(Window(20, 1, origin="user")))
    assert set(np.unique(narrow)) <= {0, 255}
    assert np.array_equal(render_grey(rgb.astype(np.uint16) * 257, shown(Window(20, 10))), rgb)


def test_three_columns_of_grey_are_not_colour_when_said_so():
    x = np.array([[[0, 50, 100]], [[0, 50, 100]]], np.uint8)
    assert render_grey(x, shown(Window(50, 100, EXACT)), colour=False)[0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("values", [np.full(9, np.nan), np.zeros(9), np.array([], np.float32), np.full(4, 7, "i2")])
def test_an_automatic_window_of_degenerate_pixels_has_a_width(values):
    assert window_of(values).width > 0


def test_real_sigmoid_windows_of_a_mammogram_agree_with_pydicom(shared_data):
    path = next((shared_data / "mammography-dicom").glob("*GH133*"))
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array[::7, ::7]
    top = 2**dataset.BitsStored - 1
    for index, (center, width) in enumerate(zip(dataset.WindowCenter, dataset.WindowWidth, strict=True)):
        window = Window(float(center), float(width), VoiFunction(dataset.VOILUTFunction))
        oracle = apply_voi_lut(pixels, dataset, index=index, prefer_lut=False) / top * 65535
        assert np.abs(render_grey16(pixels, shown(window)) - oracle).max() <= 0.5 + 1e-6
    for index, item in enumerate(dataset.get("VOILUTSequence", [])):
        first, bits = item.LUTDescriptor[1], item.LUTDescriptor[2]
        lut = VoiLut(int(first), np.array(item.LUTData, np.uint16), int(bits))
        oracle = apply_voi_lut(pixels, dataset, index=index) / (2**bits - 1) * 65535
        assert np.abs(render_grey16(pixels, shown(lut)) - oracle).max() <= 0.5 + 1e-6
