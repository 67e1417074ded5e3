"""Marking a tomosynthesis against its 2D view: partners, and a point of one on the other."""

from __future__ import annotations

import numpy as np
import pytest

from app.studies.framing import framing_of
from app.studies.hanging import steps
from app.studies.hanging.tomosynthesis import ACCURACY_MM, on_other_image, partners_of
from app.studies.load import load_stack
from app.studies.scan import scan
from viewer.layers.types import Framing

MIRRORED = ((-1, 0), (0, 1))
FLAT = Framing((20.0, 0.0, 100.0, 200.0), (100.0, 120.0), chest_wall="right")


def test_the_chest_wall_at_nipple_level_is_the_common_point() -> None:
    other = Framing((0.0, 30.0, 80.0, 230.0), (80.0, 140.0), chest_wall="right")
    assert on_other_image((100.0, 120.0), FLAT, other) == pytest.approx((80.0, 140.0))
    assert on_other_image((70.0, 100.0), FLAT, other) == pytest.approx((50.0, 120.0))


def test_a_volume_that_is_stored_mirrored_is_met_on_the_right_side() -> None:
    other = Framing((0.0, 0.0, 80.0, 200.0), (0.0, 120.0), turn=MIRRORED, chest_wall="right")
    # 30 mm in front of the chest wall, 20 mm above nipple level, in both
    assert on_other_image((70.0, 100.0), FLAT, other) == pytest.approx((30.0, 100.0))


def test_magnification_by_height_is_taken_out() -> None:
    magnified = Framing((0.0, 0.0, 88.0, 220.0), (88.0, 132.0), chest_wall="right")
    assert on_other_image((60.0, 100.0), FLAT, magnified) == pytest.approx((88.0 - 44.0, 132.0 - 22.0))


def test_another_compression_gives_no_scale() -> None:
    deeper = Framing((0.0, 0.0, 160.0, 200.0), (160.0, 120.0), chest_wall="right")
    assert on_other_image((60.0, 120.0), FLAT, deeper) == pytest.approx((120.0, 120.0))


def test_there_and_back_is_the_same_place() -> None:
    other = Framing((3.0, 7.0, 91.0, 190.0), (3.0, 111.0), turn=MIRRORED, chest_wall="right")
    there = on_other_image((63.0, 98.0), FLAT, other)
    assert there is not None
    assert on_other_image(there, other, FLAT) == pytest.approx((63.0, 98.0))


def test_where_nothing_can_be_said_nothing_is() -> None:
    centred = Framing((20.0, 0.0, 100.0, 200.0), (100.0, 120.0))
    left = Framing((0.0, 0.0, 80.0, 200.0), (0.0, 120.0), chest_wall="left")
    assert on_other_image((60.0, 100.0), FLAT, centred) is None
    assert on_other_image((60.0, 100.0), FLAT, left) is None
    assert on_other_image((60.0, 500.0), FLAT, FLAT) is None


def test_a_real_header_pair_meets_within_the_stated_accuracy(dicom, tmp_path) -> None:
    volume = dicom.tomosynthesis("R", "CC", PatientOrientation=["P", "L"])
    dicom.exam(tmp_path, dicom.mammogram("R", "CC"), dicom.mammogram("L", "CC"), volume)
    (study,) = scan(tmp_path).studies
    step = next(one for one in steps(study) if one.name == "R CC tomo | 2D")
    tomo, flat = step.slots
    assert partners_of(study, str(tomo.uid)) == (flat.uid,)
    assert partners_of(study, str(flat.uid)) == (tomo.uid,)
    assert partners_of(study, str(steps(study)[0].slots[1].uid)) == ()
    framings = []
    for slot in (tomo, flat):
        series = study.series_of(str(slot.uid))[0]
        framing, notes = framing_of(load_stack(study, str(slot.uid)), series, slot)
        assert framing is not None
        assert (framing.chest_wall, notes) == ("right", ())
        framings.append(framing)
    point = (140.0, 90.0)  # the phantom's volume shows the very picture of its 2D view
    place = on_other_image(point, *framings)
    assert place is not None
    assert np.hypot(place[0] - point[0], place[1] - point[1]) < ACCURACY_MM


def test_frames_are_ordered_by_position(dicom, tmp_path) -> None:
    dicom.save(dicom.tomosynthesis("L", "MLO"), tmp_path / "a.dcm")
    (study,) = scan(tmp_path).studies
    (series,) = study.series
    assert (series.laterality, series.view) == ("L", "MLO")
    heights = [frame.position_mm[2] for frame in series.stacks[0].frames if frame.position_mm is not None]
    assert heights == sorted(heights)
    assert [frame.index for frame in series.stacks[0].frames] == [4, 3, 2, 1, 0]


@pytest.mark.real_data
def test_a_real_volume_hangs_alone(shared_data) -> None:
    (study,) = scan(shared_data / "mammography-dicom" / "medcognetics_DBT_4frame_j2k_noise.dcm").studies
    overview = steps(study)[0]
    assert [slot.title for slot in overview.slots] == ["L CC tomo"]
    assert overview.slots[0].chest_wall == "left"
