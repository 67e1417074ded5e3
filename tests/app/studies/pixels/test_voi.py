"""Grey values: modality and VOI tables in every packing, windows, inversion and padding, against pydicom."""

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence

from app.studies.pixels import voi
from viewer.presentation import Padding, VoiFunction, VoiLut, Window


def image(dicom, pixels=None, **values):
    pixels = np.arange(16, dtype=np.uint16).reshape(4, 4) if pixels is None else pixels
    photometric = values.pop("PhotometricInterpretation", "MONOCHROME2")
    return dicom.with_pixels(dicom.dataset(dicom.MG, "MG", **values), pixels, photometric)


def lut_item(descriptor, data, vr="US", signed=False, explanation=""):
    made = pydicom.Dataset()
    made.add_new("LUTDescriptor", "SS" if signed else "US", descriptor)
    made.add_new("LUTData", vr, data)
    if explanation:
        made.LUTExplanation = explanation
    return made


def test_every_window_of_the_file_with_function_and_explanation(dicom):
    made = image(
        dicom,
        WindowCenter=[2653, 2713.5, 2569],
        WindowWidth=[900, 750, 1050],
        WindowCenterWidthExplanation=["NORMAL", "HARDER", "SOFTER"],
        VOILUTFunction="SIGMOID",
    )
    shown = voi.presentation_of(made, 0, np.zeros(1))
    assert shown.vois == (
        Window(2653, 900, VoiFunction.SIGMOID, "NORMAL"),
        Window(2713.5, 750, VoiFunction.SIGMOID, "HARDER"),
        Window(2569, 1050, VoiFunction.SIGMOID, "SOFTER"),
    )
    assert shown.chosen == 0


@pytest.mark.parametrize("width", [0, -200])
def test_widths_that_cannot_be_are_left_out(dicom, width):
    made = image(dicom, WindowCenter=[40, 80], WindowWidth=[width, 100])
    assert voi.windows_of(made) == (Window(80, 100),)


@pytest.mark.parametrize("bad", [("ABC", "100"), ("40", ""), ("", ""), ("nan", "100"), ("40", "inf")])
def test_windows_that_are_text_or_absent_give_a_computed_one(dicom, tmp_path, bad):
    made = image(dicom)
    with pydicom.config.disable_value_validation():
        made._dict[pydicom.tag.Tag(0x00281050)] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(0x00281050), "DS", len(bad[0]), bad[0].encode(), 0, False, True
        )
        made._dict[pydicom.tag.Tag(0x00281051)] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(0x00281051), "DS", len(bad[1]), bad[1].encode(), 0, False, True
        )
    (window,) = voi.presentation_of(made, 0, np.arange(1001)).vois
    assert window.origin == "computed"
    assert (window.center, window.width) == pytest.approx((500, 990))


def test_computed_window_leaves_padding_out(dicom):
    values = np.concatenate([np.zeros(5000), np.arange(1000, 2001)])
    window = voi.computed_window(values, Padding(0, 0))
    assert (window.center, window.width) == pytest.approx((1500, 990))
    flat = voi.computed_window(np.full(10, 7), None)
    assert flat.center == 7
    assert flat.width > 0
    assert voi.computed_window(np.array([np.nan, 1.0, 2.0]), None).center == pytest.approx(1.5)


def test_voi_lut_comes_before_windows_and_keeps_its_explanation(dicom):
    table = list(range(0, 4096, 4))
    made = image(dicom, WindowCenter=1, WindowWidth=2)
    made.VOILUTSequence = Sequence([lut_item([1024, 100, 12], table, explanation="NORMAL")])
    lut, window = voi.presentation_of(made, 0, np.zeros(1)).vois
    assert isinstance(lut, VoiLut)
    assert (lut.first, lut.bits, lut.explanation) == (100, 12, "NORMAL")
    assert lut.table.tolist() == table
    assert isinstance(window, Window)


def test_eight_bit_entries_packed_two_to_a_word():
    entries = bytes(range(0, 250, 2))  # 125 entries, padded to a whole word
    packed = lut_item([125, 0, 8], entries + b"\0", vr="OW")
    words = np.frombuffer(entries + b"\0", "<u2").tolist()
    for made in (packed, lut_item([125, 0, 8], words)):
        lut = voi._lut(made, signed=False, big_endian=False)
        assert lut.table.tolist() == list(entries)
        assert lut.bits == 8


def test_zero_entries_means_65536_and_negative_first_values():
    table = np.arange(65536, dtype="<u2")
    lut = voi._lut(lut_item([0, 0, 16], table.tobytes(), vr="OW"), signed=False, big_endian=False)
    assert len(lut.table) == 65536
    assert lut.table[-1] == 65535
    stored_as_us = lut_item([4, 65436, 8], [1, 2, 3, 4])
    assert voi._lut(stored_as_us, signed=True, big_endian=False).first == -100
    assert voi._lut(stored_as_us, signed=False, big_endian=False).first == 65436
    assert voi._lut(lut_item([4, -100, 8], [1, 2, 3, 4], signed=True), signed=True, big_endian=False).first == -100


def test_big_endian_table_bytes():
    lut = voi._lut(lut_item([3, 0, 12], np.array([1, 300, 4095], ">u2").tobytes(), vr="OW"), False, True)
    assert lut.table.tolist() == [1, 300, 4095]


def test_a_table_shorter_than_its_descriptor_is_not_used(dicom):
    made = image(dicom, WindowCenter=10, WindowWidth=20)
    made.VOILUTSequence = Sequence([lut_item([1024, 0, 12], [1, 2, 3])])
    assert voi.presentation_of(made, 0, np.zeros(1)).vois == (Window(10, 20),)


def test_bits_that_the_table_exceeds_are_raised():
    assert voi._lut(lut_item([3, 0, 8], [0, 1000, 4095]), False, False).bits == 12


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", False),
    ],
)
def test_one_inversion_never_two(dicom, photometric, shape, inverted):
    made = image(dicom, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    assert voi.presentation_of(made, 0, np.zeros(1)).invert is inverted


def test_monochrome1_of_other_classes_is_inverted_whatever_the_shape_says(dicom):
    made = dicom.with_pixels(dicom.dataset(dicom.CR, "CR"), np.zeros((4, 4), np.uint16), "MONOCHROME1")
    made.PresentationLUTShape = "IDENTITY"
    assert voi.is_inverted(made)


@settings(max_examples=40, deadline=None)
@given(
    slope=st.sampled_from([1.0, 2.0, 0.5, -1.0, 3.7e-3]),
    intercept=st.sampled_from([0.0, -1024.0, 12.5, 40000.0, -70000.0]),
    dtype=st.sampled_from([np.uint8, np.int16, np.uint16]),
    seed=st.integers(0, 999),
)
def test_rescale_agrees_with_pydicom(dicom, slope, intercept, dtype, seed):
    info = np.iinfo(dtype)
    stored = np.random.default_rng(seed).integers(info.min, info.max, (5, 7), dtype, endpoint=True)
    made = image(dicom, stored, RescaleSlope=slope, RescaleIntercept=intercept)
    values = voi.modality_values(stored, made)
    assert values == pytest.approx(apply_modality_lut(stored, made), rel=1e-6)
    assert values.dtype.kind == (
        "f" if slope != 1 or intercept % 1 else stored.dtype.kind if not intercept else values.dtype.kind
    )
    assert (values.dtype == np.float32) == (slope != 1 or intercept % 1 != 0)


def test_modality_lut_agrees_with_pydicom(dicom):
    stored = np.arange(-20, 44, dtype=np.int16).reshape(8, 8)
    made = image(dicom, stored)
    made.ModalityLUTSequence = Sequence([lut_item([30, -10, 16], list(range(1000, 1300, 10)), signed=True)])
    assert np.array_equal(voi.modality_values(stored, made), apply_modality_lut(stored, made))


@pytest.mark.parametrize(
    ("stored", "value", "limit", "values", "expected"),
    [
        (np.uint16, 0, None, {}, (0, 0)),
        (np.uint16, 0, 30, {}, (0, 30)),
        (np.uint16, 4095, 4000, {}, (4000, 4095)),
        (np.int16, -2000, None, {"RescaleIntercept": -1024, "RescaleSlope": 1}, (-3024, -3024)),
        (np.int16, 63536, None, {}, (-2000, -2000)),
        (np.uint16, 10, None, {"RescaleIntercept": 1, "RescaleSlope": -2}, (-19, -19)),
    ],
)
def test_padding_in_modality_values(dicom, stored, value, limit, values, expected):
    made = image(dicom, np.zeros((4, 4), stored), **values)
    made.add_new("PixelPaddingValue", "US" if value >= 0 else "SS", value)
    if limit is not None:
        made.add_new("PixelPaddingRangeLimit", "US", limit)
    assert voi.padding_of(made) == Padding(*expected)


def test_windows_and_rescale_of_each_frame_of_an_enhanced_file(dicom):
    made = dicom.with_pixels(dicom.dataset(dicom.ENHANCED_MR, "MR"), np.zeros((2, 4, 4), np.uint16))
    shared = pydicom.Dataset()
    shared.PixelValueTransformationSequence = dicom.sequence(RescaleSlope=2.0, RescaleIntercept=-5.0)
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for center in (100, 300):
        frame = pydicom.Dataset()
        frame.FrameVOILUTSequence = dicom.sequence(WindowCenter=center, WindowWidth=50)
        frames.append(frame)
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    assert voi.windows_of(made, 1) == (Window(300, 50),)
    assert voi.rescale_of(made, 1) == (2.0, -5.0)


def test_voi_tables_of_a_real_mammogram_agree_with_pydicom(shared_data):
    path = shared_data / "mammography-dicom" / "fodicom_GH133_GE_RMLO_jpegll.dcm"
    header = pydicom.dcmread(path, stop_before_pixels=True)
    values = np.arange(4096, dtype=np.uint16)
    shown = voi.presentation_of(header, 0, values)
    luts = [choice for choice in shown.vois if isinstance(choice, VoiLut)]
    assert len(luts) == 3
    for index, lut in enumerate(luts):
        expected = apply_voi_lut(values, header, index=index, prefer_lut=True)
        mine = lut.table[np.clip(values.astype(int) - lut.first, 0, len(lut.table) - 1)]
        assert np.array_equal(mine, expected)
    assert [choice.explanation for choice in shown.vois[3:]] == ["NORMAL", "HARDER", "SOFTER"]
    assert {choice.function for choice in shown.vois[3:]} == {VoiFunction.SIGMOID}
