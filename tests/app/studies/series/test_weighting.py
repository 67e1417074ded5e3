"""Weighting of MR stacks: the pulse sequence decides, a name only where it is silent."""

import pytest

from app.studies.hanging.mri import mri_steps
from app.studies.scan import scan

T2 = {"RepetitionTime": 4500.0, "EchoTime": 90.0, "ScanningSequence": "SE"}
PLANAR = {"RepetitionTime": 6000.0, "EchoTime": 70.0, "ScanningSequence": "EP"}
SILENT = {"RepetitionTime": None, "EchoTime": None, "ScanningSequence": None}


def stacks_of(dicom, folder, series):
    for number, values in enumerate(series):
        for k in range(3):
            own = {"SeriesNumber": number, "SeriesInstanceUID": dicom.uid("s", number), **values}
            dicom.save(dicom.mr_slice(k, **own), folder / f"{number}-{k}")
    (study,) = scan(folder).studies
    return study, [stack for one in study.series for stack in one.stacks]


@pytest.mark.parametrize(
    ("values", "weighting", "b_value"),
    [
        ({}, "T1", None),
        ({"SeriesDescription": "T2 tse (not true)"}, "T1", None),
        (T2, "T2", None),
        ({**T2, "EchoTime": 45.0, "SeriesDescription": "STIR tra"}, "T2", None),
        ({**T2, "EchoTime": 45.0, "SeriesDescription": "tra"}, "", None),
        ({**PLANAR, "DiffusionBValue": 800.0}, "DWI", 800.0),
        ({**PLANAR, "SeriesDescription": "ep2d_diff_b1000"}, "DWI", 1000.0),
        ({**PLANAR, "SeriesDescription": "ep2d b0 b50 b800"}, "DWI", None),
        ({**PLANAR, "SeriesDescription": "ep2d_diff_ADC"}, "ADC", None),
        ({**PLANAR, "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "ADC", None),
        ({**SILENT, "SeriesDescription": "AX T2 FSE"}, "T2", None),
        ({**SILENT, "SeriesDescription": "ax t1 fl3d"}, "T1", None),
        ({**SILENT, "SeriesDescription": "T2*-map"}, "", None),
        ({**SILENT, "SeriesDescription": "something"}, "", None),
    ],
)
def test_the_pulse_sequence_tells(dicom, tmp_path, values, weighting, b_value):
    _, (stack,) = stacks_of(dicom, tmp_path, [values])
    assert (stack.weighting, stack.b_value) == (weighting, b_value)


def test_a_scanned_exam_hangs_t2_and_diffusion_beside(dicom, tmp_path):
    wide = {"PixelSpacing": [60.0, 60.0], "origin": (-210.0, -150.0, 0.0)}  # 480 mm across: both breasts
    dynamic = [
        {"AcquisitionTime": f"10{n:02}00", "ContrastBolusAgent": "agent" if n else None, **wide} for n in range(3)
    ]
    others = [{**T2, **wide}, *({**PLANAR, "DiffusionBValue": float(b), **wide} for b in (50, 800))]
    study, _ = stacks_of(dicom, tmp_path, [*others, *dynamic])
    overview = mri_steps(study)[0]
    assert overview.layout == "2x3"
    assert [slot.title for slot in overview.slots] == [
        "Pre", "Post 1", "T2", "Subtraction post 1", "Subtraction MIP post 1", "DWI b 800",
    ]  # fmt: skip
