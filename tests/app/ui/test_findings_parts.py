"""Parts of the findings panel: scores, grades with their arithmetic, charts, masks, what each says and does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QCheckBox, QLabel
from pytestqt.qtbot import QtBot

from app.ai_state import AiState, Reading
from app.jobs import Job, Jobs
from app.session.overlays import Overlays
from app.settings import Settings
from app.ui.findings.asked import heading_of, loudest_first
from app.ui.findings.fold import Fold
from app.ui.findings.grade_card import GradeCard
from app.ui.findings.grade_strip import GradeStrip
from app.ui.findings.masks import Masks
from app.ui.findings.places import maximum_mm
from app.ui.findings.profiles import Profiles
from app.ui.findings.reading_card import Around, ReadingCard
from app.ui.findings.running import Running
from app.ui.findings.scores import Scores
from app.ui.findings.texts import digits_for, mask_ml, per_cent, quantity_text
from app.ui.findings.values import Quantities
from app.ui.findings.what_if import arithmetic, moved, points
from app.ui.findings.who_reads import Verdict, WhoReads
from app.ui.layers import MODEL_COLOURS, map_entries, mask_layers
from app.ui.parts import ScoreBar
from inference.progress import Progress
from inference.result import Quantity, Result
from tests.app.ui import results

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # what offscreen cannot do


def texts(widget: object) -> list[str]:
    assert isinstance(widget, QObject)
    return [label.text() for label in widget.findChildren(QLabel)]


class Gone:
    """Stands for the panes: remembers where it was sent."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float, float]] = []

    def go_to(self, point: tuple[float, float, float]) -> None:
        self.points.append(point)

    def slice_numbers(self, points: tuple[tuple[float, float, float], ...]) -> tuple[int, ...]:
        return tuple(round(z / 3) + 11 for _, _, z in points)


# -- scores ------------------------------------------------------------------------------------------------------------


def test_scores_stand_under_what_they_speak_of(qtbot: QtBot) -> None:
    part = Scores(results.curriculum_result())
    qtbot.addWidget(part)
    assert texts(part) == ["Right breast", "Left breast"]
    bars = part.findChildren(ScoreBar)
    assert [bar.score.value for bar in bars] == [0.4, 0.4, 0.1]
    assert "Counts as positive from 0.50" in bars[0].toolTip()


# -- grades ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "value", "said"),
    [
        (0.9, 6, "0.90 ≥ 0.78 (grade 6), the highest threshold → grade 6"),
        (0.71, 5, "0.71 ≥ 0.65 (grade 5) and < 0.78 (grade 6) → grade 5"),
        (0.1, 1, "0.10 < 0.21, the lowest threshold → grade 1"),
        (0.6461, 5, "0.6461 ≥ 0.6460 (grade 5)"),  # as many digits as tell the score from its threshold
    ],
)
def test_the_arithmetic_of_a_grade(score: float, value: int, said: str) -> None:
    assert said in arithmetic(results.grade(score, value))


def test_digits_tell_thresholds_apart() -> None:
    assert digits_for([0.2, 0.4]) == 2
    assert digits_for([0.9931, 0.9933]) == 4
    assert digits_for([]) == 2


@pytest.mark.parametrize(("share", "text"), [(0.41, "41 %"), (1.0, "100 %"), (0.996, "99.6 %"), (0.0, "0 %")])
def test_per_cent_never_rounds_to_all(share: float, text: str) -> None:
    assert per_cent(share) == text


def test_moving_a_threshold_regrades_and_takes_others_along() -> None:
    given = results.grade(0.71, 5)
    lower = moved(given, 0, 0.7)
    assert (lower.value, lower.cut_offs[0].sensitivity, lower.cut_offs[0].specificity) == (6, 0.5, 0.97)
    assert lower.cut_offs[1:] == given.cut_offs[1:]
    across = moved(given, 0, 0.5)  # below grade 5's own threshold, which comes along
    assert [cut.threshold for cut in across.cut_offs] == [0.5, 0.5, 0.311, 0.21]
    upwards = moved(given, 2, 0.778)
    assert [cut.threshold for cut in upwards.cut_offs] == [0.778, 0.778, 0.778, 0.21]
    assert upwards.value == 3
    assert given.value == 5


def test_operating_points_to_choose_from_are_the_roc_and_the_cut_offs_once() -> None:
    thresholds = [point.threshold for point in points(results.grade())]
    assert thresholds == sorted({0.9, 0.778, 0.7, 0.646, 0.5, 0.311, 0.21, 0.0})


def test_the_grade_card_shows_grade_table_images_and_caveats(qtbot: QtBot) -> None:
    card = GradeCard(results.grade())
    qtbot.addWidget(card)
    words = "\n".join(texts(card))
    assert card.number.text() == "5"
    assert "quantusMM grade (BI-RADS-like)" in words
    assert "115 validation images with and 207 without" in words
    assert "Few cases." in words
    rows = [[cell.text() for cell in cells] for cells in card.table.cells]
    assert rows[0] == ["6", "0.78", "41 %", "99 %"]
    assert rows[-1] == ["1", "< 0.21", "", ""]
    assert card.table.cells[1][0].property("tone") == ""  # the row of this image's grade is bright
    assert card.table.cells[0][0].property("tone") == "quiet"


def test_bi_rads_is_never_said_bare_and_the_definition_is_one_click_away(qtbot: QtBot) -> None:
    card = GradeCard(results.grade())
    qtbot.addWidget(card)
    for text in texts(card):
        assert "BI-RADS" not in text.replace("(BI-RADS-like)", "").replace("not an ACR BI-RADS", "")
    card.definition.head.click()
    assert card.definition.body is not None
    assert "biopsy" in card.definition.body.text()  # type: ignore[attr-defined]
    assert "There is no grade 2" in card.definition.body.text()  # type: ignore[attr-defined]


def test_what_if_shows_another_grade_and_the_stored_one_stays(qtbot: QtBot) -> None:
    card = GradeCard(results.grade())
    qtbot.addWidget(card)
    part = card.what_if
    assert part.verdict.text() == "These are the card's thresholds."
    part.which.setCurrentIndex(1)  # the threshold of grade 5
    part.slider.setValue(part.slider.value() + 2)  # one operating point up is 0.7, the next 0.778
    assert card.shown.value == 4
    assert part.verdict.text() == "What if: grade 4 (stored: 5)"
    assert card.reason.text().startswith("What if: ")
    assert card.number.text() == "5"
    assert card.grade == results.grade()
    part.slider.setValue(part.slider.value() - 1)
    assert card.shown.value == 5
    assert part.verdict.text() == "What if: grade 5, as stored"
    part.back.click()
    assert card.shown == card.grade


def test_a_threshold_that_was_taken_along_comes_back_with_the_slider(qtbot: QtBot) -> None:
    card = GradeCard(results.grade())
    qtbot.addWidget(card)
    part = card.what_if
    part.which.setCurrentIndex(1)
    part.slider.setValue(part.slider.maximum())
    assert card.shown.cut_offs[0].threshold == card.shown.cut_offs[1].threshold == 0.9
    part.slider.setValue(4)
    assert card.shown.cut_offs[0].threshold == 0.778


def test_the_mark_of_the_score_lies_in_the_field_of_its_grade(qtbot: QtBot) -> None:
    strip = GradeStrip(results.grade())
    qtbot.addWidget(strip)
    assert [name for name, _, _ in strip.fields] == [1, 3, 4, 5, 6]
    assert strip.place_of(0.0) == 0.0
    assert strip.place_of(1.0) == 1.0
    assert strip.place_of(0.646) == pytest.approx(3 / 5)
    assert strip.place_of((0.646 + 0.778) / 2) == pytest.approx(3.5 / 5)


# -- charts, numbers, masks --------------------------------------------------------------------------------------------


def test_a_bar_is_gone_to_by_key_and_says_its_slice(qtbot: QtBot) -> None:
    result, places = results.contrasts_result(), Gone()
    part = Profiles(result.profiles, result.scores, places)  # type: ignore[arg-type]
    qtbot.addWidget(part)
    chart = part.charts[0]
    assert chart.text() == "Slice 13: 0.84  (largest)"
    part.show()
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    qtbot.keyClick(chart, Qt.Key.Key_Right)  # already at the end
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert [z for _, _, z in places.points] == [9.0, 9.0, 0.0]
    assert "Slice 11: 0.10" in texts(part)


@pytest.mark.parametrize(("value", "text"), [(6.416, "6.42 ml"), (24.71, "24.7 ml"), (310.4, "310 ml")])
def test_numbers_have_as_many_digits_as_they_mean(value: float, text: str) -> None:
    assert quantity_text(Quantity("v", "Volume", value, "ml")) == text


def test_quantities_say_their_basis_and_subject(qtbot: QtBot) -> None:
    part = Quantities(results.segmentation_result().quantities)
    qtbot.addWidget(part)
    assert texts(part) == ["Tumour 1", "Volume", "6.42 ml", "voxels"]


def test_the_volume_of_a_mask_is_its_voxels() -> None:
    (mask,) = results.segmentation_result().masks
    assert mask_ml(mask) == pytest.approx(10 * 3.0 / 1000)  # 3 × 3 voxels and one apart, of 3 mm³ each


def test_hiding_a_mask_and_another_colour_reach_the_panes(qtbot: QtBot) -> None:
    overlays, one = Overlays(Settings()), results.stored(results.segmentation_result())
    part = Masks(one, overlays)
    qtbot.addWidget(part)
    (layer,) = mask_layers([one], results.FRAME, overlays.values)
    assert (layer.visible, layer.colour) == (True, MODEL_COLOURS[4])
    part.eyes[0].setChecked(False)
    part.colours[0].choose(MODEL_COLOURS[1])
    (layer,) = mask_layers([one], results.FRAME, overlays.values)
    assert (layer.visible, layer.colour) == (False, MODEL_COLOURS[1])


def test_the_maximum_of_a_map_is_a_place_of_the_body() -> None:
    heatmap = results.segmentation_result().heatmaps[0]
    assert maximum_mm(heatmap) == (4.0, 4.0, 6.0)
    empty = results.volume(np.full((1, 3, 3), np.nan, np.float32))
    assert maximum_mm(SimpleNamespace(volume=empty)) is None  # type: ignore[arg-type]


# -- cards -------------------------------------------------------------------------------------------------------------


def card_of(qtbot: QtBot, result: Result, *, is_open: bool = True) -> tuple[ReadingCard, Gone, list[bool]]:
    one, overlays, places, folded = results.stored(result), Overlays(Settings()), Gone(), []
    reading = Reading(AiState.FINDINGS, stored=one, model_id=result.provenance.model_id)
    around = Around(overlays, map_entries([one], results.FRAME), places)  # type: ignore[arg-type]
    card = ReadingCard(heading_of(reading, {}), reading, around, is_open=is_open, on_fold=folded.append)
    qtbot.addWidget(card)
    return card, places, folded


@pytest.mark.parametrize(
    "result",
    [
        results.mammogram_result(),
        results.contrasts_result(),
        results.curriculum_result(),
        results.segmentation_result(),
    ],
    ids=["001", "002", "003", "004"],
)
@pytest.mark.parametrize("width", [300, 420])
def test_no_text_is_cut_in_a_narrow_panel(qtbot: QtBot, result: Result, width: int) -> None:
    card, _, _ = card_of(qtbot, result)
    for fold in card.findChildren(Fold):
        fold.head.setChecked(True)
    assert card.minimumSizeHint().width() <= 300
    card.resize(width, 2000)
    card.show()
    card.resize(width, card.heightForWidth(width) if card.hasHeightForWidth() else card.sizeHint().height())
    qtbot.wait(1)
    for label in card.findChildren(QLabel):
        if not label.isVisible() or not label.text():
            continue
        assert label.width() >= label.minimumSizeHint().width(), label.text()
        if label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
        else:
            assert label.width() >= label.sizeHint().width(), label.text()
    for fold in card.findChildren(Fold):
        assert fold.head.fontMetrics().horizontalAdvance(fold.head.text()) + 30 <= width - 24, fold.head.text()


def test_a_card_folds_and_remembers(qtbot: QtBot) -> None:
    card, _, folded = card_of(qtbot, results.segmentation_result(), is_open=False)
    assert card.body is None  # nothing is made before it is looked at
    card.head.click()
    assert card.body is not None
    assert card.body.isVisibleTo(card)
    card.head.click()
    assert not card.body.isVisibleTo(card)
    assert folded == [True, False]
    words = texts(card)
    assert "Provisional: DEMO" in words
    assert "A warning." in words
    assert "AI: findings" in words


def test_the_maximum_of_a_map_is_one_press_away(qtbot: QtBot) -> None:
    card, places, _ = card_of(qtbot, results.segmentation_result())
    button = next(b for b in card.findChildren(QObject) if getattr(b, "text", str)() == "Maximum")
    button.click()  # type: ignore[attr-defined]
    assert places.points == [(4.0, 4.0, 6.0)]


def test_a_model_that_said_nothing_has_a_card_with_the_reason(qtbot: QtBot) -> None:
    reading = Reading(AiState.OUT_OF_SCOPE, "It reads mammograms.", model_id="mammo-001")
    heading = heading_of(reading, {"mammo-001": "Mammograms"})
    assert (heading.title, heading.state, heading.tone) == ("Mammograms", "out of scope · It reads mammograms.", "warn")
    around = Around(Overlays(Settings()), (), Gone())  # type: ignore[arg-type]
    card = ReadingCard(heading, reading, around, is_open=True, on_fold=lambda _: None)
    qtbot.addWidget(card)
    assert "AI: out of scope · It reads mammograms." in texts(card)
    assert card.body is None
    assert card.head.focusPolicy() is Qt.FocusPolicy.NoFocus  # nothing to open


def test_findings_come_before_silence() -> None:
    made = [Reading(state, model_id=f"m{n}") for n, state in enumerate(
        (AiState.NO_FINDING, AiState.NOT_RUN, AiState.FINDINGS, AiState.OUT_OF_SCOPE)
    )]  # fmt: skip
    assert [one.model_id for one in loudest_first(made)] == ["m2", "m3", "m0", "m1"]


def test_why_a_model_cannot_read_is_a_sentence_before_it_runs(qtbot: QtBot) -> None:
    part = WhoReads()
    qtbot.addWidget(part)
    part.show_verdicts(
        (Verdict("a", "One", reads="this image"), Verdict("b", "Two", reason="Two reads mammograms; this is none."))
    )
    assert part.head.text() == "Can read this: 1 of 2 models"
    part.head.click()
    assert "Two reads mammograms; this is none." in texts(part)
    assert "reads this image" in texts(part)


def test_running_models_can_be_watched_and_stopped(qtbot: QtBot, jobs: Jobs) -> None:
    part = Running(jobs)
    qtbot.addWidget(part)
    assert not part.isVisibleTo(part.parentWidget()) or not part.jobs

    def work(progress: Progress) -> None:
        while True:
            progress.report(0.5, "half way")
            progress.check()

    for n in range(4):
        jobs.start(Job(f"Model {n}", work, f"analyse {n}"), "compute")
    jobs.start(Job("Something else", lambda _: None, "thumbnails"))
    qtbot.waitUntil(lambda: part.rows[0].bar.value() == 500)
    assert [row.isVisibleTo(part) for row in part.rows] == [True, True, True]
    assert part.more.text() == "1 more waiting"
    part.rows[0].stop.click()
    qtbot.waitUntil(lambda: len(part.jobs) == 3)
    jobs.cancel_all()
    qtbot.waitUntil(lambda: not part.jobs)


def test_eyes_of_the_maps_and_of_the_layers_are_one(qtbot: QtBot) -> None:
    card, _, _ = card_of(qtbot, results.mammogram_result())
    eyes = {eye.text() or eye.accessibleName(): eye for eye in card.findChildren(QCheckBox)}
    assert (eyes["Nodules"].isChecked(), eyes["Calcifications"].isChecked()) == (True, False)
    card._around.overlays.set("mammo-001/nodule", visible=False)
    assert not eyes["Nodules"].isChecked()
    eyes["Calcifications"].click()
    assert card._around.overlays.values["mammo-001/calcification"]["visible"]
