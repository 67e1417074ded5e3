"""Volume scene: what the volume view shows of an image, worked out from plain values. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.studies.derived import DerivedKind, parse
from app.studies.study import Study
from app.ui.volume_source import title_of, window_of_volume
from app.ui.wording import day, person_name
from viewer.layers.types import MaskLayer
from viewer.volume3d.furniture import volume_corners
from viewer.volume3d.scene import Mode, Scene3D, SceneImage

if TYPE_CHECKING:
    from highdicom import Volume

    from app.studies.load import LoadedStack
    from app.ui.volume_shown import Shown
    from inference.lesion_size import LesionSize


@dataclass(frozen=True)
class Look:
    """How the user wants a volume drawn; numbers as fractions, see the controls; ``cut`` of the depth front to back."""

    mode: Mode = "mip"
    brightness: float = 1.0
    threshold: float = 0.25
    opacity: float = 0.85
    cut: float = 0.0


def scene_of(
    study: Study,
    loaded: LoadedStack,
    look: Look,
    shown: Shown,
    lesions: Iterable[tuple[MaskLayer, LesionSize]] = (),
) -> Scene3D:
    """Return the scene of an image with its regions and texts."""
    lesions = tuple(lesions)
    image = scene_image(loaded, look, shown.volume)
    if look.mode == "mip":
        how = f"MIP  W {image.low:.0f}–{image.high:.0f}"
    else:
        how = f"Shaded from {image.threshold:.0f}  W {image.low:.0f}–{image.high:.0f}"
    if image.posterior_mm is not None:
        how += f"  {back_of(image.volume)[1] - image.posterior_mm:.0f} mm cut away at the back"
    sizes = [f"{mask.title}: {size_text(size)}" for mask, size in lesions if mask.visible]
    whose = (person_name(study.patient_name), study.patient_id, day(study.date))
    return Scene3D(
        image,
        tuple(mask for mask, _ in lesions),
        lines=tuple(
            line for line in (title_of(study, loaded), *loaded.stack.notes[:1], how, shown.note, *sizes) if line
        ),
        title="  ".join(dict.fromkeys(part for part in whose if part)),
    )


def scene_image(loaded: LoadedStack, look: Look, volume: Volume) -> SceneImage:
    """Return an image with the window, threshold and opacity that the controls ask for."""
    low, high = window_of_volume(loaded)
    high = low + (high - low) / look.brightness
    threshold = low + (high - low) * look.threshold
    front, back = back_of(volume)
    posterior = back - look.cut * (back - front) if look.cut > 0 else None
    return SceneImage(loaded.stack.uid, volume, low, high, look.mode, threshold, look.opacity, posterior)


def back_of(volume: Volume) -> tuple[float, float]:
    """Return the LPS y in mm at which a volume begins in front and ends at the back."""
    y = volume_corners(volume.spatial_shape, np.asarray(volume.affine, float))[:, 1]
    return float(y.min()), float(y.max())


def is_subtraction(loaded: LoadedStack) -> bool:
    """Whether an image is one phase minus another."""
    derived = parse(loaded.stack.uid)
    return derived is not None and derived.kind is DerivedKind.SUBTRACTION


def reference_of(loaded: LoadedStack) -> str:
    """Return the stack that was subtracted, "" for other images."""
    derived = parse(loaded.stack.uid)
    return derived.reference if derived is not None else ""


def size_text(size: LesionSize) -> str:
    """Return volume and diameters in one line."""
    return (
        f"{size.volume_ml:.2f} ml · longest {size.longest_mm:.1f} mm · "
        f"{size.plane_name} {size.plane_longest_mm:.1f} × {size.plane_perpendicular_mm:.1f} mm"
    )
