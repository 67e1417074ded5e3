"""Dynamic acquisitions: one series or many, every key that orders them, faked times, pre-contrast and its reason."""

import numpy as np
import pytest

from app.studies.override import SET_BY_USER, apply_overrides, as_dict, from_dict, overrides_of, reorder, with_spacing
from app.studies.scan import scan
from app.studies.series import mr

SLICES = 4


def dynamic_files(dicom, folder, phases, *, one_series=False, slices=SLICES):
    """Write phases in scrambled order; each is a dict of attributes, ``per_slice`` a function of the slice number."""
    scrambled = [(p, k) for k in range(slices) for p in reversed(range(len(phases)))]
    for number, (p, k) in enumerate(scrambled):
        attributes = dict(phases[p])
        per_slice = attributes.pop("per_slice", lambda _: {})
        given = {"SeriesNumber": 5 if one_series else 5 + p, "SeriesDescription": "dyn", **attributes, **per_slice(k)}
        dicom.save(
            dicom.mr_slice(k, InstanceNumber=number + 1, value=p + 1, **given), folder / f"{(number * 37) % 101}"
        )
    return scan(folder)


def found(library):
    (study,) = library.studies
    (dynamic,) = study.dynamics
    return study, dynamic


def order_of(study, dynamic):
    """Which written phase each found phase holds, by the value of its pixels."""
    from app.studies.load import load_stack

    return [int(load_stack(study, phase.stack_uid).volume.array[0, 0, 0]) - 1 for phase in dynamic.phases]


@pytest.mark.parametrize("one_series", [True, False])
@pytest.mark.parametrize(
    ("keyword", "values", "key", "seconds"),
    [
        ("TemporalPositionIdentifier", [1, 2, 3], "Temporal Position", [None] * 3),
        ("TriggerTime", [0, 70000, 140000.5], "Trigger Time", [0, 70, 140.0005]),
        ("AcquisitionTime", ["095958.5", "100100", "100230"], "Acquisition Time", [0, 61.5, 151.5]),
        ("AcquisitionTime", ["235830", "000000", "000130.25"], "Acquisition Time", [0, 90, 180.25]),
        ("ContentTime", ["1001", "1003", "1004"], "Content Time", [None] * 3),
        ("AcquisitionNumber", [3, 7, 12], "Acquisition Number", [None] * 3),
    ],
)
def test_each_key_orders_phases(dicom, tmp_path, keyword, values, key, seconds, one_series):
    phases = [{keyword: value, "SeriesNumber": None} if not one_series else {keyword: value} for value in values]
    if not one_series:
        for number, phase in enumerate(phases):
            phase["SeriesInstanceUID"] = dicom.uid("series", number)
    study, dynamic = found(dynamic_files(dicom, tmp_path, phases, one_series=one_series))
    assert order_of(study, dynamic) == [0, 1, 2]
    assert dynamic.key.startswith(key)
    expected = [None if second is None else pytest.approx(second, abs=1e-3) for second in seconds]
    assert [phase.seconds for phase in dynamic.phases] == expected
    assert dynamic.times_known == (None not in seconds)
    assert any("not known" in note for note in dynamic.notes) == (None in seconds)


def test_a_time_of_its_own_for_every_slice_is_ranked_at_each_position(dicom, tmp_path):
    phases = [{"per_slice": lambda k, p=p: {"AcquisitionTime": f"10{p * 2:02}{k * 3:02}.25"}} for p in range(3)]
    study, dynamic = found(dynamic_files(dicom, tmp_path, phases, one_series=True))
    assert order_of(study, dynamic) == [0, 1, 2]
    assert dynamic.key.startswith("Acquisition Time")
    assert [phase.seconds for phase in dynamic.phases] == [0, 120, 240]


def test_series_number_is_the_last_resort_and_pre_contrast_is_not_guessed(dicom, tmp_path):
    study, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": "000000"}] * 3))
    assert order_of(study, dynamic) == [0, 1, 2]
    assert dynamic.key.startswith("Series Number")
    assert dynamic.pre_index is None
    assert not dynamic.times_known
    assert [phase.label for phase in dynamic.phases] == ["phase 1", "phase 2", "phase 3"]


@pytest.mark.parametrize("faked", [["000000", "000000.2", "000000.4"], ["080000", "120000", "160000"]])
def test_times_that_cannot_be_right_are_unknown(dicom, tmp_path, faked):
    _, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": time} for time in faked]))
    assert [phase.seconds for phase in dynamic.phases] == [None] * 3
    assert any("cannot be right" in note for note in dynamic.notes)


def test_keys_that_contradict_each_other_are_reported(dicom, tmp_path):
    phases = [{"TriggerTime": 1000 * p, "AcquisitionTime": f"10{10 - p:02}00"} for p in range(3)]
    _, dynamic = found(dynamic_files(dicom, tmp_path, phases, one_series=True))
    assert any("different orders" in note for note in dynamic.notes)


def test_pre_contrast_by_the_contrast_agent(dicom, tmp_path):
    phases = [
        {"AcquisitionTime": f"10{2 * p:02}00", "ContrastBolusAgent": "Gadovist" if p else "None"} for p in range(3)
    ]
    _, dynamic = found(dynamic_files(dicom, tmp_path, phases))
    assert dynamic.pre_index == 0
    assert "Contrast/Bolus Agent" in dynamic.pre_reason
    assert [phase.label for phase in dynamic.phases] == ["pre", "post 1", "post 2"]


def test_pre_contrast_by_description(dicom, tmp_path):
    names = ["t1 dyn pre", "t1 dyn 1st pass", "t1 dyn 2nd pass"]
    phases = [{"AcquisitionTime": f"10{2 * p:02}00", "SeriesDescription": name} for p, name in enumerate(names)]
    _, dynamic = found(dynamic_files(dicom, tmp_path, phases))
    assert dynamic.pre_index == 0
    assert "Series Description" in dynamic.pre_reason


def test_first_in_time_is_pre_contrast_only_with_a_warning(dicom, tmp_path):
    _, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": f"10{2 * p:02}00"} for p in range(3)]))
    assert dynamic.pre_index == 0
    assert any("please check" in note for note in dynamic.notes)


@pytest.mark.parametrize(
    "other",
    [
        {"ImageType": ["DERIVED", "PRIMARY", "M", "SUBTRACT"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "SUB"]},
        {"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"]},
        {"ImageType": ["DERIVED", "SECONDARY"]},
        {"SeriesDescription": "dyn_SUB 2-1"},
        {"ScanOptions": "FS"},
        {"FrameOfReferenceUID": "1.2.3.4"},
        {"PixelSpacing": [0.9, 0.9]},
        {"size": (8, 8)},
        {"RepetitionTime": 600.0, "EchoTime": 12.0, "ScanningSequence": "SE"},
        {"origin": (-50.0, -40.0, 11.2)},
        {"ImageType": ["ORIGINAL", "PRIMARY", "F"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]},
        {"SeriesDescription": "VOLSER Analysis Mask"},
    ],
)
def test_what_is_not_a_phase(dicom, tmp_path, other):
    phases = [{"AcquisitionTime": f"10{2 * p:02}00"} for p in range(3)] + [{"AcquisitionTime": "101000", **other}]
    study, dynamic = found(dynamic_files(dicom, tmp_path, phases))
    assert order_of(study, dynamic) == [0, 1, 2]
    assert len(study.series) == 4


def test_a_subtraction_by_name_only_carries_a_note(dicom, tmp_path):
    library = dynamic_files(dicom, tmp_path, [{"SeriesDescription": "ax dyn sub 3-1"}])
    (stack,) = library.studies[0].series[0].stacks
    assert stack.derived
    assert any("because of its name" in note for note in stack.notes)


def test_a_phase_that_lacks_a_slice_is_still_a_phase_on_the_same_grid(dicom, tmp_path):
    dynamic_files(dicom, tmp_path, [{"TemporalPositionIdentifier": p + 1} for p in range(3)], one_series=True, slices=6)
    (tmp_path / "37").unlink()  # second file written: slice 0 of phase 1
    (study,) = scan(tmp_path).studies
    (dynamic,) = study.dynamics
    lengths = [len(study.stack(phase.stack_uid).frames) for phase in dynamic.phases]
    assert sorted(lengths) == [5, 6, 6]
    assert any("same number of slices" in note for note in dynamic.notes)


def test_t2_and_diffusion_are_no_dynamics(dicom, tmp_path):
    for kind in ({"RepetitionTime": 4000.0, "EchoTime": 90.0}, {"ScanningSequence": "EP"}):
        folder = tmp_path / str(len(kind))
        assert (
            dynamic_files(dicom, folder, [{"AcquisitionTime": f"10{p:02}00", **kind} for p in range(2)])
            .studies[0]
            .dynamics
            == ()
        )


def test_brightness_that_contradicts_the_order_warns(dicom, tmp_path):
    _, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": f"10{2 * p:02}00"} for p in range(3)]))
    assert mr.with_brightness_check(dynamic, [100.0, 180.0, 170.0]) == dynamic
    warned = mr.with_brightness_check(dynamic, [170.0, 180.0, 100.0])
    assert any("Brightness disagrees" in note for note in warned.notes)
    values = np.zeros((4, 64, 64), np.int16)
    values[:, 16:48, 16:48] = 200
    assert mr.breast_brightness(values) == 200


def test_duke_153_has_one_dynamic_of_five_phases_in_order(shared_data):
    (study,) = scan(shared_data / "mri" / "duke-153").studies
    (dynamic,) = study.dynamics
    titles = [study.stack(phase.stack_uid).title for phase in dynamic.phases]
    assert titles == ["ax dyn pre", *(f"ax dyn {n} pass" for n in ("1st", "2nd", "3rd", "4th"))]
    # Differences of Acquisition Time as printed in the headers: 07:48:53.7675, 08:11:44.9025, 08:13:46.3125 …
    assert [phase.seconds for phase in dynamic.phases] == pytest.approx(
        [0, 1371.135, 1492.545, 1615.1975, 1736.7175], abs=2e-3
    )
    assert dynamic.key == "Acquisition Time (0008,0032)"
    assert dynamic.pre_index == 0
    assert any(note.startswith("23 minutes") for note in dynamic.notes)
    assert {len(study.stack(phase.stack_uid).frames) for phase in dynamic.phases} == {60}
    assert len(study.series) == 6


# --- overrides ---------------------------------------------------------------------------------------------------


def test_the_user_reorders_and_it_survives_as_json(dicom, tmp_path):
    import json

    _, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": "000000"}] * 3))
    uids = [phase.stack_uid for phase in dynamic.phases]
    changed = reorder(dynamic, [uids[2], uids[0], uids[1]], 0, (0.0, 90.0, 180.0))
    assert changed.key == SET_BY_USER
    assert [phase.label for phase in changed.phases] == ["pre", "post 1", "post 2"]
    assert from_dict(json.loads(json.dumps(as_dict(changed)))) == changed
    overrides = json.loads(json.dumps({"dynamics": [as_dict(changed)], "spacings": {uids[0]: [0.5, 0.6, 4.0]}}))
    again = apply_overrides(scan(tmp_path).studies[0], overrides)
    assert again.dynamics == (changed,)
    assert again.stack(uids[0]).spacing_mm == (4.0, 0.5, 0.6)
    assert overrides_of(again) == overrides


@pytest.mark.parametrize(("pre", "seconds"), [(3, None), (0, (0.0, 90.0)), (0, (0.0, 90.0, 90.0)), (-1, None)])
def test_an_impossible_order_is_refused(dicom, tmp_path, pre, seconds):
    from app.studies.errors import StudyError

    _, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": "000000"}] * 3))
    with pytest.raises(StudyError):
        reorder(dynamic, [phase.stack_uid for phase in dynamic.phases], pre, seconds)


def test_overrides_of_files_that_are_gone_are_left_out(dicom, tmp_path):
    study, dynamic = found(dynamic_files(dicom, tmp_path, [{"AcquisitionTime": "000000"}] * 3))
    gone = as_dict(reorder(dynamic, ["1.2.3", dynamic.phases[0].stack_uid], None))
    assert apply_overrides(study, {"dynamics": [gone], "spacings": {"1.2.3": [1, 1]}}) == study
    with pytest.raises(KeyError):
        with_spacing(study, "1.2.3", (1, 1))


PASSES = ("ax dyn pre", "ax dyn 1st pass", "ax dyn 2nd pass", "ax dyn 3rd pass")


def test_the_layout_of_duke_each_phase_a_series_with_subtractions_between(dicom, tmp_path):
    """TCIA Duke-Breast-Cancer-MRI: no Trigger Time, the pre-contrast minutes before, SUB and MIP by name."""
    phases = [
        {"SeriesNumber": 5 + 2 * p, "SeriesDescription": name, "AcquisitionTime": time, "AcquisitionDate": "19900101"}
        for p, (name, time) in enumerate(zip(PASSES, ("101010", "103310", "103510", "103710"), strict=True))
    ]
    subtracted = {"SeriesNumber": 8, "SeriesDescription": "ax dyn sub 1", "AcquisitionTime": "103310"}
    study, dynamic = found(dynamic_files(dicom, tmp_path, [*phases, subtracted]))
    assert order_of(study, dynamic) == [0, 1, 2, 3]
    assert (dynamic.pre_index, [phase.seconds for phase in dynamic.phases]) == (0, [0.0, 1380.0, 1500.0, 1620.0])
    assert "23 minutes between pre and post 1" in " ".join(dynamic.notes)


def test_duke_with_its_times_removed_asks_for_them(dicom, tmp_path):
    phases = [{"SeriesNumber": 5 + p, "SeriesDescription": name} for p, name in enumerate(PASSES)]
    study, dynamic = found(dynamic_files(dicom, tmp_path, phases))
    assert order_of(study, dynamic) == [0, 1, 2, 3]
    assert dynamic.key == "Series Number (0020,0011)"
    assert {phase.seconds for phase in dynamic.phases} == {None}
    assert "please enter them" in " ".join(dynamic.notes)


@pytest.mark.parametrize(
    ("vendor", "attributes", "key"),
    [
        ("GE", lambda p: {"TriggerTime": 90_000.0 * p, "AcquisitionTime": "120000"}, "Trigger Time"),
        (
            "Philips",
            lambda p: {"TemporalPositionIdentifier": p + 1, "TriggerTime": 90_000.0 * p, "AcquisitionTime": "120000"},
            "Temporal Position",
        ),
        ("I-SPY 1", lambda p: {"AcquisitionTime": f"12{p * 90 // 60:02d}{p * 90 % 60:02d}"}, "Acquisition Time"),
    ],
)
def test_right_and_left_sagittal_volumes_in_one_series_are_two_acquisitions(dicom, tmp_path, vendor, attributes, key):
    sagittal = (0, 1, 0, 0, 0, -1)
    number = 0
    for p in range(3):
        for x in (-110.0, 60.0):
            for k in range(5):
                number += 1
                made = dicom.mr_slice(
                    k, orientation=sagittal, origin=(x, -40.0, 10.0), value=p + 1, InstanceNumber=number,
                    SeriesDescription="SAG T1 dyn", Manufacturer=vendor, **attributes(p),
                )  # fmt: skip
                dicom.save(made, tmp_path / str(number))
    (study,) = scan(tmp_path).studies
    assert len(study.dynamics) == 2
    for dynamic in study.dynamics:
        assert order_of(study, dynamic) == [0, 1, 2]
        assert dynamic.key.startswith(key)
        assert [phase.seconds for phase in dynamic.phases] == [0.0, 90.0, 180.0]
        assert "please check" in " ".join(dynamic.notes)  # nothing says that the first is pre-contrast
    sides = [{np.sign(study.stack(phase.stack_uid).frames[0].position_mm[0]) for phase in dynamic.phases}
             for dynamic in study.dynamics]  # fmt: skip
    assert sorted(map(list, sides)) == [[-1.0], [1.0]]


@pytest.mark.parametrize(
    ("orientation", "position"),
    [((-1, 0, 0, 0, -1, 0), "HFP"), ((-1, 0, 0, 0, 1, 0), "FFS"), ((1, 0, 0, 0, -1, 0), "FFP")],
)
def test_prone_and_feet_first_patients_lie_where_simpleitk_says(dicom, tmp_path, orientation, position):
    import SimpleITK

    from app.studies.load import load_stack

    paths = [
        dicom.save(dicom.mr_slice(k, orientation=orientation, PatientPosition=position), tmp_path / f"{k}")
        for k in (2, 0, 3, 1)
    ]
    (study,) = scan(tmp_path).studies
    loaded = load_stack(study, study.series[0].stacks[0].uid)
    assert loaded.has_patient_axes
    for path in paths:
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        image = reader.Execute()
        frame = next(k for k, frame in enumerate(loaded.stack.frames) if frame.path == path)
        corner = loaded.volume.affine @ [frame, 4, 7, 1]
        np.testing.assert_allclose(corner[:3], image.TransformIndexToPhysicalPoint((7, 4, 0)), atol=1e-5)
        assert loaded.volume.array[frame, 4, 7] == image[7, 4, 0]
