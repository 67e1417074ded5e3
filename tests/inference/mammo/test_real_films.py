"""System 001 on real mammograms: markers stay out, lesions stay in, a result comes back in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app import analysis
from app.studies.load import load_stack
from app.studies.scan import scan
from inference import run as engine
from inference.card import load_card
from inference.exam import Mammogram
from inference.families import mammo_patches
from inference.prepare.mammogram_mask import breast_mask
from inference.progress import Progress
from inference.result import Result

CARD = Path(__file__).parents[3] / "resources" / "models" / "mammo-patches-001"
#: Read off the films by eye: rows and columns of the lead marker and of the white border beside the film.
MARKED = {
    "mdb111": ((slice(25, 165), slice(250, 335)), (slice(None), slice(0, 203))),
    "mdb012": ((slice(0, 110), slice(565, 650)), (slice(None), slice(822, 1024))),
}
#: Centre (row, column) of their lesions: mini-mias/annotations.csv.
LESIONS = {"mdb111": (449, 505), "mdb012": (566, 471)}


def exam_in(path: Path) -> Mammogram:
    (study,) = scan(path).studies
    (series,) = study.series
    exam = analysis.exam_for(study, load_stack(study, series.stacks[0].uid), 0)
    assert isinstance(exam, Mammogram)
    return exam


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(MARKED))
def test_mask_of_a_film_leaves_marker_and_border_out_and_the_lesion_in(shared_data: Path, name: str) -> None:
    exam = exam_in(shared_data / "mini-mias" / f"{name}.dcm")
    grey = exam.image.array[0]
    mask = breast_mask(grey, exam.background)
    assert mask is not None
    for where in MARKED[name]:
        assert grey[where].max() > 50_000  # the marker is there
        assert not mask[where].any()
    row, column = LESIONS[name]
    assert mask[row, column]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["fodicom_GH133_GE_RMLO_jpegll.dcm", "nema_wg04_MG1_film_LMLO_j2k_lossy.dcm"], ids=["digital", "film"]
)
def test_a_real_mammogram_gives_a_result_in_its_place(shared_data: Path, name: str) -> None:
    if not CARD.is_dir():
        pytest.skip("no model of system 001 is bundled yet")
    card = load_card(CARD)
    exam = exam_in(shared_data / "mammography-dicom" / name)
    prepared = mammo_patches.prepare(card, exam, Progress())
    assert 9 <= len(prepared.windows["nodule"]) <= 27
    result = engine.run(card, exam, device="cpu")
    assert isinstance(result, Result)
    assert {score.name for score in result.scores} == {n for n, windows in prepared.windows.items() if len(windows)}
    assert all(0 <= score.value <= 1 for score in result.scores)
    size = np.array(exam.image.spatial_shape[1:]) - 0.5
    for heatmap in result.heatmaps:
        assert heatmap.volume.frame_of_reference_uid == exam.image.frame_of_reference_uid
        cells = np.argwhere(np.isfinite(heatmap.volume.array)).astype(float)
        places = exam.image.map_reference_to_indices(heatmap.volume.map_indices_to_reference(cells))[:, 1:]
        assert ((places > -0.501) & (places < size + 0.001)).all()  # the outermost on the edge itself
        score = next(score for score in result.scores if score.name == heatmap.name)
        assert np.nanmax(heatmap.volume.array) == pytest.approx(score.value, abs=1e-6)
