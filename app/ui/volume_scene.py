"""Volume scene: what the volume view shows of an image, worked out from plain values. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.studies.derived import DerivedKind, parse
from app.studies.study import Study
from app.ui.volume_source import title_of, window_of_volume
from app.ui.wording import day, person_name
from viewer.layers.types import BoxShape, MaskLayer, Point
from viewer.volume3d.scene import Mode, Scene3D, SceneImage

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from inference.lesion_size import LesionSize


@dataclass(frozen=True)
class Look:
    """How the user wants a volume drawn; the last three as fractions, see the controls."""

    mode: Mode = "mip"
    brightness: float = 1.0
    threshold: float = 0.25
    opacity: float = 0.85


def scene_of(
    study: Study,
    loaded: LoadedStack,
    look: Look,
    lesions: Iterable[tuple[MaskLayer, LesionSize]] = (),
    boxes: Iterable[BoxShape] = (),
    cursor_mm: Point | None = None,
) -> Scene3D:
    """Return the scene of an image with its regions, boxes and texts."""
    lesions = tuple(lesions)
    image = scene_image(loaded, look)
    if look.mode == "mip":
        how = f"MIP  W {image.low:.0f}–{image.high:.0f}"
    else:
        how = f"Shaded from {image.threshold:.0f}  W {image.low:.0f}–{image.high:.0f}"
    sizes = [f"{mask.title}: {size_text(size)}" for mask, size in lesions if mask.visible]
    whose = (person_name(study.patient_name), study.patient_id, day(study.date))
    return Scene3D(
        image,
        tuple(mask for mask, _ in lesions),
        tuple(boxes),
        cursor_mm,
        (title_of(study, loaded), *loaded.stack.notes[:1], how, *sizes),
        "  ".join(dict.fromkeys(part for part in whose if part)),
    )


def scene_image(loaded: LoadedStack, look: Look) -> SceneImage:
    """Return an image with the window, threshold and opacity that the controls ask for."""
    low, high = window_of_volume(loaded)
    high = low + (high - low) / look.brightness
    threshold = low + (high - low) * look.threshold
    return SceneImage(loaded.stack.uid, loaded.volume, low, high, look.mode, threshold, look.opacity)


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
