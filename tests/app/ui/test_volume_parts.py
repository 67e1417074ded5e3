"""Parts of the volume view: its column, the breasts alone, masks written as NIfTI, how regions are outlined."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from highdicom import Volume
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from app.session.regions import Growth, Lesion
from app.ui import volume_export
from app.ui.growth_row import FIXED, GrowthRow
from app.ui.volume_column import SHARE, VolumeColumn
from app.ui.volume_shown import BREASTS_ONLY, breasts_of
from inference.lesion_size import lesion_size
from inference.prepare.breast_mask import BreastMask
from inference.progress import Progress
from viewer.layers.types import MaskLayer

AFFINE = np.array([[0, 0, -0.8, 40], [0, 0.9, 0.0, -30], [2.0, 0, 0, -11], [0, 0, 0, 1]])
SHAPE = (12, 40, 50)


class Panel(QWidget):
    """What the column needs of the panel."""

    opened, closing = Signal(), Signal()

    class Library(QObject):
        study_changed = Signal()

    def __init__(self):
        super().__init__()
        self.library = self.Library()
        self.session = SimpleNamespace(library=self.library, study=None)
        self.setMinimumWidth(100)
        self.hide()

    @property
    def shown(self):
        return not self.isHidden()

    def open_view(self):
        self.show()
        self.opened.emit()

    def close_view(self):
        self.closing.emit()
        self.hide()


def column(qtbot):
    holder = QWidget()
    qtbot.addWidget(holder)
    splitter, panel = QSplitter(holder), Panel()
    for widget in (QWidget(), QWidget(), panel, QWidget()):
        splitter.addWidget(widget)
    splitter.setStretchFactor(1, 1)
    splitter.setChildrenCollapsible(False)
    splitter.resize(1503, 300)
    splitter.setSizes([200, 1000, 0, 300])
    made = VolumeColumn(splitter, panel)
    made.holder = holder  # Qt deletes the rest with it
    holder.show()
    return splitter, panel, made


def test_the_view_takes_its_share_of_the_images_and_gives_it_back(qtbot):
    splitter, panel, _ = column(qtbot)
    before = splitter.sizes()
    panel.open_view()
    assert splitter.sizes()[2] == pytest.approx(SHARE * before[1], abs=12)
    assert [splitter.sizes()[n] for n in (0, 3)] == [before[n] for n in (0, 3)]
    panel.close_view()
    qtbot.waitUntil(lambda: abs(splitter.sizes()[1] - before[1]) <= 2)


def test_width_and_whether_it_was_open_are_remembered_until_there_is_a_study(qtbot):
    splitter, panel, made = column(qtbot)
    panel.open_view()
    sizes = splitter.sizes()
    splitter.setSizes([sizes[0], sizes[1] + 50, sizes[2] - 50, sizes[3]])
    width = panel.width()
    made.save()
    splitter, panel, made = column(qtbot)
    assert not panel.shown
    panel.library.study_changed.emit()
    assert not panel.shown
    panel.session.study = object()
    panel.library.study_changed.emit()
    assert panel.shown
    assert panel.width() == pytest.approx(width, abs=2)
    panel.close_view()
    made.save()
    _, panel, _ = column(qtbot)
    panel.session.study = object()
    panel.library.study_changed.emit()
    assert not panel.shown


def region():
    whole = np.zeros(SHAPE, np.uint8)
    whole[4:7, 10:16, 20:31] = 1
    whole[5, 16, 25] = 1
    image = Volume(np.zeros(SHAPE, np.int16), AFFINE, "PATIENT", frame_of_reference_uid="1.2")
    mask = image.with_array(whole)[3:9, 8:20, 15:40]
    lesion = Lesion("m", MaskLayer("m", "Region 1", mask), lesion_size(mask), "1.2", provenance=("Grown so.",))
    return image, whole, lesion


def test_an_exported_mask_lies_where_the_region_lies(tmp_path):
    image, whole, lesion = region()
    path = volume_export.save(lesion, image, tmp_path / "mask")
    assert path.name == "mask.nii.gz"
    read = sitk.ReadImage(str(path))
    assert read.GetPixelID() == sitk.sitkUInt8
    assert np.array_equal(sitk.GetArrayFromImage(read), whole)
    for index in ((0, 0, 0), (5, 16, 25)):
        expected = AFFINE[:3, :3] @ index + AFFINE[:3, 3]
        assert read.TransformIndexToPhysicalPoint(index[::-1]) == pytest.approx(tuple(expected), abs=1e-4)
    nibabel = pytest.importorskip("nibabel")
    notes = nibabel.load(path).header.extensions[0].get_content()
    assert "Grown so." in (notes.decode() if isinstance(notes, bytes) else notes)


def test_a_mask_without_its_image_is_cropped_but_in_its_place(tmp_path):
    _, whole, lesion = region()
    read = sitk.ReadImage(str(volume_export.save(lesion, None, tmp_path / "mask.nii")))
    assert np.count_nonzero(sitk.GetArrayFromImage(read)) == whole.sum()
    expected = AFFINE[:3, :3] @ (5, 16, 25) + AFFINE[:3, 3]
    assert read[read.TransformPhysicalPointToIndex(tuple(expected))] == 1


def test_where_nothing_can_be_written_an_error_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        volume_export.save(region()[2], None, tmp_path / "file" / "mask.nii")


@pytest.mark.parametrize("problem", ["", "No chest wall was found."])
def test_the_breasts_alone_are_shown_where_they_are_found(monkeypatch, problem):
    image, whole, _ = region()
    values = image.with_array(np.random.default_rng(0).integers(-5, 100, SHAPE).astype(np.int32))
    monkeypatch.setattr(
        "inference.prepare.breast_mask.breast_mask", lambda pre, _: BreastMask(pre.with_array(whole), problem)
    )
    shown = breasts_of(values, image, Progress())
    if problem:
        assert shown.volume is values
        assert problem in shown.note
        return
    assert shown.note == BREASTS_ONLY
    assert shown.volume.spatial_shape == (7, 11, 15)  # two voxels around
    first = np.linalg.inv(AFFINE) @ shown.volume.affine[:, 3]
    assert first[:3] == pytest.approx((2, 8, 18))
    inside = whole[2:9, 8:19, 18:33] > 0
    assert np.array_equal(shown.volume.array[inside], values.array[whole > 0])
    assert np.all(shown.volume.array[~inside] == values.array.min())


def test_regions_are_outlined_by_half_of_their_own_unless_a_threshold_is_chosen(qtbot):
    row = GrowthRow(lambda: None)
    qtbot.addWidget(row)
    assert row.growth.per_cent is None
    row.rule.setCurrentIndex(row.rule.findData(FIXED))
    row.per_cent.setValue(120)
    row.strands.setChecked(False)
    assert row.growth == Growth(120, Growth.reach_mm, 0.0)
    row.save()
    again = GrowthRow(lambda: None)
    qtbot.addWidget(again)
    assert again.growth == row.growth
