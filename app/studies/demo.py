"""The demo studies: fictitious patients from the phantom generator, written as real DICOM."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from app.studies.demo_dce import DCE_LAYOUTS, DceLayout, write_dce
from app.studies.demo_headers import MAMMOGRAM_PATIENT, save
from app.studies.demo_mammograms import MAMMOGRAM_VARIANTS, mammogram_dataset
from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import make_dce
from inference.progress import Progress

_MAMMOGRAM_SEED, _MRI_SEED = 14, 406
_MRI_LESIONS = ("invasive ductal", "fibroadenoma")
_PREFIX = "phantoms-"
_STORED_AS = {
    ("R", "CC"): "plain",
    ("L", "CC"): "sigmoid",
    ("R", "MLO"): "monochrome1 inverse",
    ("L", "MLO"): "sigmoid",
}
# What the left breast shows in both its views; the right one is normal.
_MAMMOGRAM_LESIONS = {"L": ("spiculated mass", "malignant calcifications"), "R": ()}


def write_demo(folder: Path, progress: Progress | None = None) -> Path:
    """Write a four-view mammogram and a dynamic breast MRI, unless they are there already.

    Parameters
    ----------
    folder
        Where the studies go; made when absent. They lie in one of its folders, named by the generator version, which
        appears complete in one step; those of other versions are removed.
    progress
        Reported per image; cancelling leaves ``folder`` as it was.

    Returns
    -------
    Path
        ``folder``.
    """
    folder, progress = Path(folder), progress or Progress()
    target = folder / f"{_PREFIX}{GENERATOR_VERSION}"
    if not target.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent) as temporary:
            fresh = Path(temporary) / "studies"
            write_mammograms(fresh / "mammogram", progress.part(0.0, 0.45))
            phantom = make_dce(_MRI_SEED, lesions=_MRI_LESIONS, progress=progress.part(0.45, 0.85))
            write_dce(fresh / "mri", phantom, progress=progress.part(0.85, 0.99))
            progress.check()
            _publish(fresh, target)
    progress.report(1.0, "Demo studies are ready")
    return folder


def _publish(fresh: Path, target: Path) -> None:
    """Move the new studies into place and remove those of other versions."""
    target.parent.mkdir(exist_ok=True)
    for old in target.parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(old, ignore_errors=True)
    fresh.replace(target)


def write_mammograms(folder: Path, progress: Progress | None = None, *, reduction: int = 1) -> tuple[Path, ...]:
    """Write R/L CC and MLO for presentation; the right MLO is MONOCHROME1, as some vendors store it.

    Parameters
    ----------
    reduction
        Divides the matrix and multiplies the pixel size (tests use 4).
    """
    progress = progress or Progress()
    folder.mkdir(parents=True, exist_ok=True)
    detector = Detector((2294 // reduction, 1914 // reduction), 0.0941 * reduction)
    paths = []
    views = [(side, view) for view in ("CC", "MLO") for side in ("R", "L")]
    for number, (side, view) in enumerate(views, start=1):
        progress.report((number - 1) / 4, f"Demo mammogram {side} {view}")
        phantom = make_mammogram(_MAMMOGRAM_SEED, side, view, detector=detector, lesions=_MAMMOGRAM_LESIONS[side])
        dataset = mammogram_dataset(phantom, MAMMOGRAM_PATIENT, number, MAMMOGRAM_VARIANTS[_STORED_AS[side, view]])
        paths.append(save(dataset, folder / f"{side}_{view}.dcm"))
    progress.report(1.0, "Demo mammograms written")
    return tuple(paths)


__all__ = [
    "DCE_LAYOUTS",
    "DceLayout",
    "save",
    "write_dce",
    "write_demo",
    "write_mammograms",
]
