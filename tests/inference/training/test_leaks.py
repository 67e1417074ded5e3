"""The leak check: patients and images on two sides are found whatever their file, type or orientation."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.leaks import Item, Leaks, find_leaks, image_hash, refuse_leaks
from inference.training.mammo.dataset import films
from inference.training.splits import k_folds


def image(seed: int, shape: tuple[int, ...] = (24, 16)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4096, shape, dtype=np.uint16)


def written(path: Path, values: np.ndarray, *, vector: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=vector), str(path))
    return path


def test_a_set_without_leaks_passes() -> None:
    two = [Item(f"P{number}", side, image(number)) for number, side in enumerate(("train", "test"))]
    for items in (two, [Item("P1", "train", image(1)), Item("P1", "train", image(1))], []):
        refuse_leaks(items)
        assert find_leaks(items) == Leaks((), ())


def test_a_patient_on_two_sides_is_refused() -> None:
    items = [
        Item("Anna", "train", image(1), "a.dcm"),
        Item("Berta", "test", image(2), "b.dcm"),
        Item("Anna", "validation", image(3), "c.dcm"),
    ]
    with pytest.raises(EngineError, match=r"1 patient is .* a\.dcm \(training\) and c\.dcm \(validation\)") as caught:
        refuse_leaks(items)
    assert "Anna" not in str(caught.value)  # logs keep no patient's id
    assert caught.value.hint


def test_patients_and_images_are_counted() -> None:
    items = [Item(name, side, image(ord(name))) for name in "ABC" for side in ("train", "test")]
    items += [Item("D", "train", image(9)), Item("E", "test", image(9))]
    with pytest.raises(EngineError, match="3 patients and 4 identical images are on more than one side"):
        refuse_leaks(items)
    with pytest.raises(EngineError, match=r"1 identical image is .* image 1 \(training\) and image 2 \(test\)"):
        refuse_leaks(items[-2:])


@pytest.mark.parametrize("mirrored", [np.s_[:, ::-1], np.s_[::-1], np.s_[::-1, ::-1], np.s_[:]])
@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.float32, np.float64, ">u2"])
def test_mirror_images_and_other_types_of_number_are_the_same_image(mirrored: slice, dtype: type) -> None:
    assert image_hash(image(1)[mirrored].astype(dtype)) == image_hash(image(1))


def test_what_is_another_image() -> None:
    values = image(1)
    other = values.copy()
    other[3, 4] += 1
    different = [
        values,
        other,
        values.T,
        values.reshape(16, 24),
        values[:-1],
        values / 2,
        -values.astype(int),
        image(2),
    ]
    assert len({image_hash(one) for one in different}) == len(different)


def test_fractions_missing_values_and_volumes_have_hashes() -> None:
    values = image(1, (3, 24, 16)) / 7
    values[0, 0, 0] = np.nan
    assert image_hash(values) == image_hash(values[..., ::-1].copy())
    assert image_hash(values) != image_hash(values[::-1])  # slices in another order are another volume
    assert image_hash(np.array([[0.5, -0.0]])) == image_hash(np.array([[0.5, 0.0]]))
    assert image_hash(np.array([[True, False]])) == image_hash(np.array([[1.0, 0.0]]))


def test_files_of_the_same_values_are_the_same_image(tmp_path: Path) -> None:
    values = image(1)
    small = (values // 16).astype(np.uint8)
    np.save(tmp_path / "a.npy", values)
    same = [tmp_path / "a.npy", *(written(tmp_path / f"a{end}", values) for end in (".png", ".dcm", ".mha", ".nii.gz"))]
    assert {image_hash(path) for path in same} == {image_hash(values)}
    assert image_hash(written(tmp_path / "mirrored.png", np.ascontiguousarray(values[:, ::-1]))) == image_hash(values)
    colour = written(tmp_path / "colour.png", np.repeat(small[..., None], 3, axis=-1), vector=True)
    assert image_hash(colour) == image_hash(small)
    found = find_leaks([Item("A", "train", same[1]), Item("B", "test", same[2])])
    assert [[str(place) for place in one] for one in found.images] == [["a.png (training)", "a.dcm (test)"]]


def test_blank_images_are_nobodys() -> None:
    blank = [Item(name, side, np.zeros((8, 8))) for name, side in (("A", "train"), ("B", "test"))]
    assert find_leaks(blank) == Leaks((), ())


@pytest.mark.parametrize("name", ["there-is-none.dcm", "text.png", "text.npy"])
def test_what_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    for text in ("text.png", "text.npy"):
        (tmp_path / text).write_text("no image")
    with pytest.raises(EngineError, match=f"{name} cannot be read"):
        find_leaks([Item("A", "train", tmp_path / name)])


def test_a_side_has_one_of_three_names() -> None:
    with pytest.raises(ValueError, match="side must be one of train, validation, test"):
        Item("A", "training", image(1))


def test_it_reports_and_can_be_cancelled() -> None:
    heard: list[float] = []
    items = [Item("A", "train", image(1)), Item("B", "train", image(2))]
    find_leaks(items, Progress(lambda fraction, _: heard.append(fraction)))
    assert heard == [0.5, 1.0]
    cancelled = Progress()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        find_leaks(iter(items), cancelled)


def test_260_films_take_seconds() -> None:
    film = image(1, (1024, 1024))
    start = time.perf_counter()
    found = find_leaks(Item(str(number), "train", film + number) for number in range(260))
    assert time.perf_counter() - start < 20  # 1 s on a quiet core
    assert not found.images


@pytest.mark.real_data
@pytest.mark.slow
def test_the_films_of_mini_mias_do_not_leak_until_one_is_copied(shared_data: Path) -> None:
    chosen = films(shared_data)
    patients = [film.patient for film in chosen]
    sides = k_folds(patients, 5, 0).splits[0].sides(patients)
    items = [Item(film.patient, str(side), film.path) for film, side in zip(chosen, sides, strict=True)]
    refuse_leaks(items)
    first = next(item for item in items if item.side == "train")
    assert isinstance(first.image, Path)
    copied = sitk.GetArrayFromImage(sitk.ReadImage(str(first.image)))[..., ::-1].astype(np.float32)
    with pytest.raises(EngineError, match="1 identical image is on"):
        refuse_leaks([first, Item("somebody", "test", copied, "mirrored copy")])
