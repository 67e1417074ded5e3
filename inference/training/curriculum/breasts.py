"""Breasts for the training of system 003: prepared once, kept in 16 bits; drawn as patches or whole, augmented."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from inference.prepare.breast_crop import BreastPreprocessing
from inference.prepare.whole_breast import PreparedBreast, prepare_breasts
from inference.progress import Progress
from inference.training.phantom_exams import PhantomExam, read_exam

PATCH = (64, 64, 4)  # x, y, z, paper 003, section 3.1
OFFSET = (16, 16, 1)  # largest random shift of a patch from the lesion's centre, a quarter of it, SYSTEMS.md §1.4
ROTATION = 15.0  # degrees about z, paper 003, section 3.1
SCALES = (0.8, 1.1)  # in the plane, SYSTEMS.md §1.4
_REACH = 64  # voxels around a patch's centre that a turned and scaled patch can show: 32 · √2 / 0.8, rounded up


@dataclass(frozen=True)
class Breast:
    """One breast on disk.

    Attributes
    ----------
    file
        Array of 16-bit floats, (channel, z, x, y), beside the index.
    centres
        Lesion centres in network voxels (x, y, z).
    malignant, kinds, radii_mm
        Of each lesion.
    """

    seed: int
    side: str
    file: str
    fat_suppressed: bool
    centres: tuple[tuple[float, float, float], ...]
    malignant: tuple[bool, ...]
    kinds: tuple[str, ...]
    radii_mm: tuple[float, ...]
    spacing_mm: tuple[float, float, float]

    @property
    def label(self) -> int:
        """1 where the breast holds a malignant lesion."""
        return int(any(self.malignant))


def write_breasts(exam: PhantomExam, folder: Path, keys: BreastPreprocessing) -> list[Breast]:
    """Prepare an examination as inference does and write its breasts; the index file comes last."""
    prepared = prepare_breasts(exam.exam, keys, Progress())
    breasts = [_write(exam, breast, folder) for breast in prepared.breasts]
    index = json.dumps([asdict(breast) for breast in breasts])
    (folder / f"{exam.seed}.json").write_text(index, encoding="utf-8")
    return breasts


def _write(exam: PhantomExam, breast: PreparedBreast, folder: Path) -> Breast:
    side = breast.grid.side
    file = f"{exam.seed}-{side}.npy"
    np.save(folder / file, breast.channels.transpose(0, 3, 1, 2).astype(np.float16))
    lesions = [lesion for lesion in exam.lesions if lesion.laterality == side]
    inverse = np.linalg.inv(breast.grid.affine)
    centres = [inverse[:3, :3] @ np.array(lesion.centre_mm) + inverse[:3, 3] for lesion in lesions]
    return Breast(
        seed=exam.seed,
        side=side,
        file=file,
        fat_suppressed=exam.fat_suppressed,
        centres=tuple((float(x), float(y), float(z)) for x, y, z in centres),
        malignant=tuple(bool(lesion.malignant) for lesion in lesions),
        kinds=tuple(lesion.kind for lesion in lesions),
        radii_mm=tuple(float(lesion.radius_mm) for lesion in lesions),
        spacing_mm=breast.grid.spacing,
    )


def read_breasts(folder: Path) -> list[Breast]:
    """Return every breast in a folder, by seed and side."""
    found = []
    for path in sorted(folder.glob("*.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            item["centres"] = tuple(tuple(centre) for centre in item["centres"])
            lists = {key: tuple(item[key]) for key in ("malignant", "kinds", "radii_mm", "spacing_mm")}
            found.append(Breast(**{**item, **lists}))
    return found


class Images:
    """The arrays of a folder of breasts, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, np.ndarray] = {}

    def __getitem__(self, breast: Breast) -> np.ndarray:
        """Return one breast, float16 (channel, z, x, y)."""
        if breast.file not in self._open:
            self._open[breast.file] = np.load(self._folder / breast.file, mmap_mode="r")
        return self._open[breast.file]


def whole(image: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """Return a whole breast as float32 (channel, x, y, z), mirrored and rotated at random where ``rng`` is given."""
    size = image.shape[2:]
    if rng is None:
        return image.astype(np.float32).transpose(0, 2, 3, 1)
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return _warped(image, _motion(rng, centre, centre), (size[0], size[1]), _darkest(image)).transpose(0, 2, 3, 1)


def patch(image: np.ndarray, centre: tuple[float, float, float], rng: np.random.Generator | None) -> np.ndarray:
    """Return the patch around a place (x, y, z), float32 (channel, 64, 64, 4), the darkest value beyond the image."""
    width, height, depth = PATCH
    middle = ((width - 1) / 2, (height - 1) / 2)
    first = round(centre[2] - (depth - 1) / 2)
    planes = np.clip(np.arange(first, first + depth), 0, image.shape[1] - 1)
    inside = (np.arange(first, first + depth) >= 0) & (np.arange(first, first + depth) < image.shape[1])
    dark = _darkest(image)
    left, top = (max(0, round(centre[axis]) - _REACH) for axis in (0, 1))
    near = image[:, planes, left : left + 2 * _REACH, top : top + 2 * _REACH]
    place = (centre[0] - left, centre[1] - top)
    motion = np.array([[1, 0, middle[1] - place[1]], [0, 1, middle[0] - place[0]]], float)
    if rng is not None:
        motion = _motion(rng, place, middle)
    values = _warped(near, motion, (width, height), dark)
    if not inside.all():
        values[:, ~inside] = dark[:, None, None, None]
    return values.transpose(0, 2, 3, 1)


def shifted(breast: Breast, lesion: int, rng: np.random.Generator) -> tuple[tuple[float, float, float], int]:
    """Return a random patch centre near a lesion and its label: 1 where the patch holds a malignant centre."""
    x, y, z = (c + rng.uniform(-o, o) for c, o in zip(breast.centres[lesion], OFFSET, strict=True))
    return (x, y, z), label_at(breast, (x, y, z))


def label_at(breast: Breast, place: tuple[float, float, float]) -> int:
    """Return 1 where a patch around a place holds the centre of a malignant lesion (paper 003, section 3.1)."""
    within = [
        all(abs(a - b) <= length / 2 for a, b, length in zip(other, place, PATCH, strict=True))
        for other in breast.centres
    ]
    return int(any(bad and near for bad, near in zip(breast.malignant, within, strict=True)))


def _motion(rng: np.random.Generator, source: tuple[float, float], target: tuple[float, float]) -> np.ndarray:
    """Return a random turn, mirroring and scaling about ``source`` (x, y), moved to ``target``, for OpenCV."""
    angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) * rng.choice((-1.0, 1.0), size=2)
    turn *= rng.uniform(*SCALES)
    # OpenCV's first coordinate runs along the last array axis, which is y here
    swapped_source, swapped_target = np.array(source[::-1]), np.array(target[::-1])
    return np.hstack([turn, (swapped_target - turn @ swapped_source)[:, None]])


def _darkest(image: np.ndarray) -> np.ndarray:
    """Return air's value in each channel: the corner in front of the breast and beside it."""
    return image[:, :, 0, 0].min(axis=1).astype(np.float32)


def _warped(image: np.ndarray, motion: np.ndarray, size: tuple[int, int], dark: np.ndarray) -> np.ndarray:
    out = np.empty((*image.shape[:2], *size), np.float32)
    for channel, planes in enumerate(image):
        for z, plane in enumerate(planes.astype(np.float32)):
            out[channel, z] = cv2.warpAffine(
                plane, motion, size[::-1], flags=cv2.INTER_LINEAR, borderValue=float(dark[channel])
            )
    return out


def prepare_all(exams: Iterable[Path], folder: Path, keys: BreastPreprocessing) -> Iterator[int]:
    """Prepare the examinations that are not there yet, or have been written anew since, and yield their seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in exams:
        index = folder / f"{path.stem}.json"
        if not index.exists() or index.stat().st_mtime < path.stat().st_mtime:
            exam = read_exam(path)
            write_breasts(exam, folder, keys)
            yield exam.seed
