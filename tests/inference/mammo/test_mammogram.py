"""From presented grey to the swept image: mask, contrast, geometry, refusals."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from inference.errors import CardError, EngineError
from inference.prepare.mammogram import MammogramPreprocessing, prepare_mammogram
from inference.prepare.mammogram_clahe import equalise
from inference.prepare.mammogram_mask import breast_mask, metal
from inference.progress import Cancelled, Progress


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    return 2 * float((mask & truth).sum()) / float(mask.sum() + truth.sum())


@pytest.mark.parametrize("clip", [2.0, 40.0])
@pytest.mark.parametrize("shape", [(512, 512), (501, 389)])
def test_equalisation_is_opencvs_of_8_bits_and_keeps_16(clip: float, shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    noise = np.random.default_rng(1).normal(0, 8, shape)
    image = np.clip(90 + 60 * np.sin(y / 40) * np.cos(x / 70) + noise, 0, 255).astype(np.uint8)
    ours = equalise(image.astype(np.uint16) * 257, clip)
    theirs = cv2.createCLAHE(clip, (8, 8)).apply(image)
    assert np.abs(ours / 257 - theirs).max() <= 1.0  # OpenCV truncates its tables to whole grey levels
    fine = np.clip(image.astype(np.int32) * 257 + np.random.default_rng(2).integers(-128, 129, shape), 0, 65535)
    mapped = equalise(fine.astype(np.uint16), clip)
    assert len(np.unique(mapped)) > 20 * 256
    assert np.abs(mapped.astype(float) - ours).max() < 257 * 0.5 * (clip + 1) + 257


def test_equalisation_does_not_depend_on_stored_bits(making: Any) -> None:
    grey = making[0]()
    coarse = (grey >> 8) * np.uint16(257)
    assert np.abs(equalise(grey, 2.0).astype(float) - equalise(coarse, 2.0)).mean() < 2.5 * 257


def test_mask_is_the_breast_without_markers_borders_and_padding(making: Any) -> None:
    film, _, half_disc, _ = making
    grey = film()
    grey[40:90, 380:450] = 65_000  # a label beside the breast
    grey[:3] = 64_000  # a bright edge line that touches label and breast
    grey[:, -20:] = 65_535  # the white border of a film
    background = np.zeros(grey.shape, bool)
    background[-40:] = True
    grey[background] = 65_535  # padding may be stored as the brightest value
    truth = half_disc() & ~background
    mask = breast_mask(grey, background)
    assert mask is not None
    assert not mask[40:90, 380:450].any()
    assert not mask[:, -20:].any()
    assert not mask[background].any()
    assert overlap(mask, truth) > 0.97


def test_letters_over_the_edge_are_taken_out_but_what_lies_within_the_breast_stays(making: Any) -> None:
    film, _, half_disc, _ = making
    grey = film()
    assert half_disc()[300:330, 100:140].all()
    grey[300:330, 100:140] = 65_535  # a clip, or a mass as bright as one: no maximum, but not blacked out either
    edge = int(np.flatnonzero(half_disc()[320])[-1])
    grey[360:390, edge - 15 : edge + 15] = 65_535  # a letter that lies half on the breast
    grey[200:203, 80:83] = 65_535  # a calcification of 1.2 mm
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    burnt = 90_000 * np.exp(-(((y - 420) / 45) ** 2 + ((x - 110) / 45) ** 2))  # a dense mass that the window saturates
    grey = np.maximum(grey, burnt.clip(0, 65_535)).astype(np.uint16)
    mask = breast_mask(grey)
    assert mask is not None
    assert mask[302:328, 102:138].all()
    assert metal(grey)[302:328, 102:138].all()
    assert not mask[362:388, edge - 12 : edge].any()
    assert mask[195:208, 75:88].all()
    assert mask[400:440, 90:130].all()
    assert overlap(mask, half_disc()) > 0.97


def test_swept_image_keeps_its_place(making: Any, prepared: Any) -> None:
    film, exam_of, half_disc, _ = making
    grey = film()
    grey[250:258, 120:128] = 60_000
    swept = prepared(grey, clahe_clip=0)
    assert swept.grid.array.shape == (1, 1024, 768)
    assert swept.grid.array.dtype == np.uint16
    assert swept.grid.frame_of_reference_uid == "1.2.3.4"
    assert swept.mm_per_pixel == pytest.approx(0.25)
    assert swept.resize_factor == pytest.approx(1.6)
    spot = np.argwhere(swept.grey > 55_000).mean(axis=0)
    found = swept.grid.map_indices_to_reference(np.array([[0.0, *spot]]))[0]
    expected = exam_of(grey).image.map_indices_to_reference(np.array([[0.0, 253.5, 123.5]]))[0]
    np.testing.assert_allclose(found, expected, atol=0.1)
    # Edges stay in place: the first pixel's outer corner is the source's.
    corner = swept.grid.map_indices_to_reference(np.array([[0.0, -0.5, -0.5]]))[0]
    np.testing.assert_allclose(corner, exam_of(grey).image.map_indices_to_reference(np.array([[0.0, -0.5, -0.5]]))[0])
    truth = cv2.resize(half_disc().astype(np.uint8), (768, 1024), interpolation=cv2.INTER_NEAREST) > 0
    assert overlap(swept.mask, truth) > 0.97
    assert not swept.grey[~cv2.dilate(swept.mask.astype(np.uint8), np.ones((5, 5))).astype(bool)].any()


def test_strict_masks_nothing_and_enlarging_is_flagged_or_refused(making: Any, prepared: Any) -> None:
    film, exam_of, *_ = making
    grey = film()
    assert prepared(grey, preset="strict").grey[5, -5] > 0
    assert prepared(grey).warnings == ()
    (warning,) = prepared(grey, largest_upscaling=1.5).warnings
    assert "1.6 times" in warning
    with pytest.raises(EngineError, match=r"enlarged 1.6 times") as caught:
        prepared(grey, largest_upscaling=1.5, upscaling="refuse")
    assert caught.value.hint
    with pytest.raises(EngineError, match="only 200 × 100 pixels"):
        prepare_mammogram(exam_of(grey[:200, :100]), MammogramPreprocessing(), Progress())


@pytest.mark.parametrize(
    ("grey", "said"),
    [
        (np.zeros((640, 480), np.uint16), "same value"),
        (np.full((640, 480), np.nan, np.float32), "same value"),
        (np.arange(640 * 60, dtype=np.uint16).reshape(640, 60), "narrow"),
    ],
    ids=["empty", "nan", "strip"],
)
def test_images_that_cannot_be_swept_get_a_sentence(prepared: Any, grey: np.ndarray, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        prepared(grey)
    assert caught.value.hint


def test_an_image_without_an_outline_is_read_whole_and_says_so(making: Any, prepared: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 65535, (640, 480)).astype(np.uint16)
    padding = np.zeros(noise.shape, bool)
    padding[:40] = True
    swept = prepared(noise, padding)
    assert any("No breast can be told" in warning for warning in swept.warnings)
    assert swept.mask[80:].all()
    assert not swept.mask[:60].any()
    strict = prepared(noise, preset="strict")
    assert strict.warnings == ()
    kept = dict(keys for keys in making[3].items() if keys[0] == "height")
    enlarged = cv2.createCLAHE(40.0, (8, 8)).apply(noise)
    size = (round(480 * kept["height"] / 640), kept["height"])
    np.testing.assert_array_equal(strict.grey, cv2.resize(enlarged, size, interpolation=cv2.INTER_LINEAR))


def test_nothing_but_padding_gets_a_sentence(making: Any, prepared: Any) -> None:
    with pytest.raises(EngineError, match="padding"):
        prepared(making[0](), np.ones((640, 480), bool))


def test_nan_is_padding(making: Any, prepared: Any) -> None:
    grey = making[0]().astype(np.float32)
    grey[:60] = np.nan
    swept = prepared(grey)
    assert not swept.mask[:90].any()
    np.testing.assert_array_equal(swept.mask[200:800], prepared(making[0]()).mask[200:800])


def test_keys_are_checked() -> None:
    keys = MammogramPreprocessing.from_card({"preset": "strict", "clahe_tiles": [4, 6]})
    assert keys.clahe_clip == 40
    assert keys.clahe_tiles == (4, 6)
    for wrong in ({"sharpen": 1}, {"preset": "loose"}, {"maximum": "median"}, {"nodule_stride": 0}, {"height": 300}):
        with pytest.raises(CardError):
            MammogramPreprocessing.from_card(wrong)


def test_cancelling_stops_it(making: Any) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        prepare_mammogram(making[1](making[0]()), MammogramPreprocessing(), progress)
