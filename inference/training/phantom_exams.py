"""Phantom examinations shared by the training of systems 002, 003 and 004: written once, read by everybody.

``python -m inference.training.phantom_exams FOLDER --first 10000 --count 160`` writes one compressed file per seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np

from inference.exam import DceExam
from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.dynamic import Course, DcePhantom, LesionTruth, make_dce
from inference.phantoms.kinetics import GRE_2D
from inference.progress import Progress

SIZE, SPACING_MM = (32, 400, 400), (3.5, 0.85, 0.85)
HELD_OUT_EVERY = 4
_ARRIVAL_S = 60.0  # the bolus arrives this long after the start of the pre-contrast phase
_FACTS = ("kind", "histology", "malignant", "laterality", "centre_mm", "radius_mm", "curve")
_RATES = ("ktrans_per_min", "kep_per_min")


@dataclass(frozen=True)
class PhantomExam:
    """One examination and what is true about it.

    Attributes
    ----------
    exam
        Pre-contrast phase first, ``seconds`` after its start; uint16.
    lesions
        Every lesion; a normal breast has none.
    fat_suppressed
        Whether the T1-weighted sequence suppresses fat.
    """

    exam: DceExam
    lesions: tuple[LesionTruth, ...]
    seed: int
    fat_suppressed: bool

    @property
    def is_held_out(self) -> bool:
        """Whether the seed belongs to the test set."""
        return is_held_out(self.seed)

    def is_malignant(self, laterality: str) -> bool:
        """Whether the breast ``"R"`` or ``"L"`` holds a malignant lesion."""
        return any(lesion.malignant and lesion.laterality == laterality for lesion in self.lesions)


def is_held_out(seed: int) -> bool:
    """Whether an examination is kept for testing: every fourth seed, so that later ones may be added to both sets."""
    return seed % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def draw_lesions(seed: int) -> dict[str, tuple[str, ...]]:
    """Draw what each breast shows, by lesion type.

    Three examinations in four hold a cancer, as 305 of the 408 of the set of system 003 (arXiv 1906.06058, section 2),
    most in one breast only, so that about 40 % of the breasts are malignant (there 40.4 %).
    """
    rng = np.random.default_rng((seed, 21))
    cancer = ("IDC", "IDC", "OM")[rng.integers(3)]
    index, other = ("R", "L") if rng.random() < 0.5 else ("L", "R")
    foci = 1 + int(rng.random() < 0.18)  # multifocal 15-20 %: SYSTEMS.md §4.1
    if rng.random() < 0.75:
        beside = ("OB",) if rng.random() < 0.15 else ()
        opposite = rng.choice(3, p=(0.50, 0.42, 0.08))
        return {index: (cancer,) * foci + beside, other: ((), ("OB",), (cancer,))[opposite]}
    return {index: ("OB",) * foci, other: ("OB",) if rng.random() < 0.4 else ()}


def make_exam(seed: int, size: tuple[int, int, int] = SIZE, progress: Progress | None = None) -> PhantomExam:
    """Return the examination of one seed: phases 65 to 95 s apart, one in four without fat suppression.

    Parameters
    ----------
    size
        Slices, rows, columns; the field of view stays the same.
    """
    rng = np.random.default_rng((seed, 22))
    step = rng.uniform(65, 95)
    first = _ARRIVAL_S + rng.uniform(40, 65)
    suppressed = bool(rng.random() >= 0.25)
    course = Course(
        seconds=tuple(float(round(first + i * step, 1)) for i in range(4)),
        arrival_s=_ARRIVAL_S,
        motion_mm=float(rng.uniform(0.1, 1.0)),
        protocol=None if suppressed else GRE_2D,
    )
    spacing = (SPACING_MM[0] * SIZE[0] / size[0], *(SPACING_MM[1] * SIZE[1] / size[1],) * 2)
    phantom = make_dce(
        seed, size=size, spacing_mm=spacing, lesions=draw_lesions(seed), course=course, progress=progress
    )
    return _as_exam(phantom, fat_suppressed=suppressed)


def _as_exam(phantom: DcePhantom, *, fat_suppressed: bool) -> PhantomExam:
    exam = DceExam(
        phases=(phantom.pre, *phantom.posts),
        pre_index=0,
        seconds=(0.0, *phantom.seconds),
        t2=phantom.t2,
        orientation="axial",
    )
    return PhantomExam(exam, phantom.lesions, phantom.seed, fat_suppressed)


def write_exam(path: Path, phantom: PhantomExam) -> Path:
    """Write one examination to ``path``; it appears complete, in one step.

    The file is a compressed archive of arrays as :func:`numpy.load` reads it: ``phases`` (phases, slices, rows,
    columns) uint16, ``affine``, ``seconds``, ``t2``, ``t2_affine``, ``masks`` (bits packed along columns) and one array
    per fact of the lesions.
    """
    exam = phantom.exam
    masks = np.array([lesion.mask for lesion in phantom.lesions], bool).reshape(-1, *exam.image.spatial_shape)
    arrays = {
        "version": np.array(GENERATOR_VERSION),
        "seed": np.array(phantom.seed),
        "fat_suppressed": np.array(phantom.fat_suppressed),
        "frame": np.array(str(exam.image.frame_of_reference_uid)),
        "phases": np.stack([volume.array for volume in exam.phases]),
        "affine": exam.image.affine,
        "seconds": np.array(exam.seconds, float),
        "masks": np.packbits(masks, axis=-1),
        **{name: np.array([getattr(lesion, name) for lesion in phantom.lesions]) for name in (*_FACTS, *_RATES)},
    }
    if exam.t2 is not None:
        arrays |= {"t2": exam.t2.array, "t2_affine": exam.t2.affine}
    temporary = path.with_suffix(".part")
    # Level 1: half the size in a fifth of the time that numpy.savez_compressed takes for noisy images.
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)
    os.replace(temporary, path)  # noqa: PTH105 - atomic on the same file system
    return path


def read_exam(path: Path) -> PhantomExam:
    """Read an examination that :func:`write_exam` wrote; about a third of a second at full size."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    frame = str(arrays["frame"])
    phases = tuple(
        hd.Volume(values, arrays["affine"], "PATIENT", frame_of_reference_uid=frame) for values in arrays["phases"]
    )
    t2 = None
    if "t2" in arrays:
        t2 = hd.Volume(arrays["t2"], arrays["t2_affine"], "PATIENT", frame_of_reference_uid=frame)
    exam = DceExam(phases, 0, tuple(arrays["seconds"].tolist()), t2=t2, orientation="axial")
    return PhantomExam(exam, _lesions(arrays), int(arrays["seed"]), bool(arrays["fat_suppressed"]))


def _lesions(arrays: dict[str, np.ndarray]) -> tuple[LesionTruth, ...]:
    columns = arrays["phases"].shape[-1]
    masks = np.unpackbits(arrays["masks"], axis=-1, count=columns).astype(bool)
    facts = {name: arrays[name].tolist() for name in (*_FACTS, *_RATES)}
    facts["centre_mm"] = [tuple(centre) for centre in facts["centre_mm"]]
    return tuple(LesionTruth(mask=mask, **{name: v[i] for name, v in facts.items()}) for i, mask in enumerate(masks))


def write_exams(
    folder: Path, seeds: Iterable[int], size: tuple[int, int, int] = SIZE, progress: Progress | None = None
) -> Iterator[Path]:
    """Write the examinations that are not there yet, ``<seed>.npz`` each, and yield their paths."""
    progress = progress or Progress()
    folder.mkdir(parents=True, exist_ok=True)
    seeds = list(seeds)
    for number, seed in enumerate(seeds):
        progress.report(number / max(len(seeds), 1), f"Phantom examination {seed}")
        path = folder / f"{seed}.npz"
        yield path if path.exists() else write_exam(path, make_exam(seed, size))


def main() -> None:
    """Write examinations into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=160)
    options = parser.parse_args()
    for path in write_exams(options.folder, range(options.first, options.first + options.count)):
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
