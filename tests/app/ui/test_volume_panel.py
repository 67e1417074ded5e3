"""Volume panel in the window: the subtraction as a volume, the shared cursor, regions with their size, pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from highdicom import Volume
from PIL import Image

from app.session.regions import Growth, Regions
from app.studies.derived import Derived, DerivedKind
from app.studies.load import LoadedStack
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study
from app.ui.volume_panel import NOT_A_SUBTRACTION, VolumePanel
from app.ui.volume_source import FOLLOW, choices, chosen_uid, refusal, window_of_volume
from viewer.layers.types import MaskLayer
from viewer.presentation import Presentation, Window
from viewer.volume3d.view import VolumeView

AFFINE = np.array([[0, 0, 1.0, -30], [0, 1.0, 0, -20], [2.0, 0, 0, 10], [0, 0, 0, 1]])
SHAPE = (16, 50, 60)
SUBTRACTION = Derived(DerivedKind.SUBTRACTION, "post1", "pre").uid


def stack(uid, slices=16, spacing=(2.0, 1.0, 1.0)):
    frames = tuple(Frame(Path("x.dcm"), n, f"{uid}.{n}") for n in range(slices))
    return Stack(uid, "1.2", frames, 50, 60, "9.9", uid, spacing_mm=spacing)


def study():
    series = Series(
        "1.2", "MR", SeriesKind.MR, 1, "dyn", (stack("pre"), stack("post1"), stack("post2"), stack("few", 2))
    )
    mammogram = Series("1.3", "MG", SeriesKind.MAMMOGRAM, 2, "", (stack("mg", 1),))
    phases = tuple(Phase(uid, float(n), uid) for n, uid in enumerate(("pre", "post1", "post2")))
    dynamics = (Dynamic("d", phases, 0, "time"),)
    return Study("1", "id", "A^B", "", "F", "20260101", "", "", "", (series, mammogram), dynamics)


def loaded(uid, array):
    volume = Volume(array, AFFINE, "PATIENT", frame_of_reference_uid="9.9")
    return LoadedStack(stack(uid), volume, Presentation((Window(100.0, 300.0),)), True, True, None, {})


def phases_loaded():
    pre = np.full(SHAPE, 100, np.int16)
    places = (np.moveaxis(np.indices(SHAPE), 0, -1) - (8, 25, 30)) * (2.0, 1.0, 1.0)
    post = pre + np.where(np.linalg.norm(places, axis=-1) <= 7, 180, 5).astype(np.int16)
    return loaded("pre", pre), loaded(SUBTRACTION, post - pre)


def plain(_of, _reference):
    return False


def test_the_subtraction_of_the_phase_on_show_is_the_volume():
    assert chosen_uid(study(), "post2", FOLLOW, plain) == Derived(DerivedKind.SUBTRACTION, "post2", "pre").uid
    assert chosen_uid(study(), "pre", FOLLOW, plain) == SUBTRACTION
    assert chosen_uid(study(), SUBTRACTION, FOLLOW, plain) == SUBTRACTION
    assert chosen_uid(study(), "post1", "post2", plain) == "post2"
    corrected = chosen_uid(study(), "post1", FOLLOW, lambda of, reference: True)
    assert corrected == Derived(DerivedKind.SUBTRACTION, "post1", "pre", True).uid
    assert chosen_uid(study(), "mg", FOLLOW, plain) == "mg"
    assert chosen_uid(None, None, FOLLOW, plain) is None
    assert len(choices(study(), "post1")) == 6
    assert len(choices(study(), "mg")) == 1


def test_what_is_no_volume_is_refused_in_a_sentence():
    assert "stack of slices" in refusal(study(), "mg")
    assert "stack of slices" in refusal(study(), "few")
    assert refusal(study(), SUBTRACTION) == ""


def test_a_subtraction_begins_at_no_enhancement():
    assert window_of_volume(phases_loaded()[1]) == (0.0, 250.0)
    assert window_of_volume(phases_loaded()[0]) == (-50.0, 250.0)


def test_regions_grow_in_the_background_and_say_how(qtbot, new_session):
    session = new_session()
    regions = Regions(session.jobs, session.notices, session.library)
    pre, subtraction = phases_loaded()
    with qtbot.waitSignal(regions.changed, timeout=60_000):
        regions.grow(subtraction, pre, (1.0, 5.0, 26.0), Growth(100, 30))
    (lesion,) = regions.lesions
    assert lesion.size.volume_ml == pytest.approx(4 / 3 * np.pi * 343 / 1000, rel=0.06)
    assert lesion.size.longest_mm == pytest.approx(15, abs=1)  # 15 voxels of 1 mm along the axes
    assert "100 %" in lesion.provenance[0]
    assert "not motion-corrected" in lesion.provenance[1]
    assert [mask.uid for mask in regions.masks("9.9")] == [lesion.uid]
    assert regions.masks("other") == ()
    regions.show(lesion.uid, visible=False)
    assert not regions.lesions[0].mask.visible
    regions.remove(lesion.uid)
    assert regions.lesions == ()


def test_masks_of_results_are_measured_too(qtbot, new_session):
    session = new_session()
    regions = Regions(session.jobs, session.notices, session.library)
    array = np.zeros(SHAPE, np.uint8)
    array[3:6, 10:20, 10:20] = 1
    volume = Volume(array, AFFINE, "PATIENT", frame_of_reference_uid="9.9")
    with qtbot.waitSignal(regions.changed, timeout=60_000):
        regions.set_masks([MaskLayer("m", "Tumour", volume)], ("by a model",))
    assert regions.lesions[0].size.volume_ml == pytest.approx(0.6)
    assert regions.lesions[0].provenance == ("by a model",)


def test_where_nothing_enhances_the_user_reads_a_sentence(qtbot, new_session):
    session = new_session()
    regions = Regions(session.jobs, session.notices, session.library)
    pre, subtraction = phases_loaded()
    with qtbot.waitSignal(session.notices.posted, timeout=60_000) as caught:
        regions.grow(subtraction, pre, (-25.0, -15.0, 12.0), Growth(100, 10))
    assert "100 % or more" in f"{caught.args[0]}"
    assert regions.lesions == ()


@pytest.fixture
def panel(qtbot, window, monkeypatch):
    made = getattr(window, "volume", None) or VolumePanel(window.display)
    if made.window() is not window:
        window.splitter.insertWidget(2, made)
    return made


def test_the_panel_shows_sentences_where_there_is_no_volume(panel, window):
    panel.toggle()
    assert panel.isVisible() or not window.display.isVisible()
    panel.refresh()
    assert panel.view.message
    panel.close_view()
    assert not panel.isVisible()
    panel.outline()  # answered by a notice


def test_a_region_and_a_click_reach_the_slices(panel, window, qtbot, tmp_path, monkeypatch):
    pre, subtraction = phases_loaded()
    display, images = window.display, window.session.images
    monkeypatch.setattr(images, "loaded", {"pre": pre, SUBTRACTION: subtraction, "post1": subtraction}.get)
    monkeypatch.setattr(type(display), "stack_uid", property(lambda _: "post1"))
    monkeypatch.setattr(type(display), "own", property(lambda _: True))
    monkeypatch.setattr(display, "study_of", lambda _uid: study())
    window.centre.setCurrentWidget(display)
    panel.show()
    panel.refresh()
    qtbot.waitUntil(lambda: "Preparing" not in panel.view.message, timeout=60_000)
    if "OpenGL" in panel.view.message:
        pytest.skip(panel.view.message)
    assert panel.view.message == ""
    assert panel.view.scene.image.uid == SUBTRACTION
    assert panel.cursor.frame_uid == "9.9"
    x, y, _ = panel.view.orbit.screen_of(np.array((0.0, 5.0, 26.0)), panel.view.width(), panel.view.height())
    with qtbot.waitSignal(panel.view.point_picked):
        panel.view.pick(x, y)
    assert np.linalg.norm(np.array(panel.view.scene.cursor_mm) - (0, 5, 26)) < 8
    with qtbot.waitSignal(panel.regions.changed, timeout=60_000):
        panel.outline()
    panel.refresh()
    uid = panel.regions.lesions[0].uid
    assert panel.view.mesh(uid).volume_ml == pytest.approx(panel.regions.lesions[0].size.volume_ml, rel=0.05)
    assert panel.table.table.rowCount() == 1
    assert any("Region 1" in line for line in panel.view.scene.lines)
    panel.controls.toggle_mode()
    panel.refresh()
    assert panel.view.scene.image.mode == "shaded"
    panel.snapshot(tmp_path / "picture")
    with Image.open(tmp_path / "picture.png") as picture:
        assert "Region 1" in picture.text["Description"]
    with pytest.raises(OSError, match="could not be written"):
        panel.snapshot(tmp_path / "nowhere" / "picture.png")


def test_a_plain_stack_offers_no_regions(panel, window, monkeypatch):
    pre, _ = phases_loaded()
    display = window.display
    monkeypatch.setattr(window.session.images, "loaded", {"pre": pre}.get)
    panel._advise(pre)
    assert panel.hint.text() == NOT_A_SUBTRACTION
    assert not panel.table.making.grow.isEnabled()
    assert isinstance(panel.view, VolumeView)
    assert display is panel.display
