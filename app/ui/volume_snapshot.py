"""Volume snapshot: the volume view as a PNG file that says how it was made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from app.session.regions import Lesion
from app.ui.volume_scene import size_text
from viewer.volume3d.view import VolumeView


def save(view: VolumeView, lesions: Iterable[Lesion], path: Path) -> None:
    """Save the view with its texts in device pixels; provenance goes into the file's description as well.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    image = view.image()
    lines = [*view.scene.lines]
    for lesion in lesions:
        lines += [f"{lesion.title}: {size_text(lesion.size)}", *lesion.provenance]
    image.setText("Description", "\n".join(lines))
    image.setText("Software", "BreastLens, research use only")
    path = path if path.suffix else path.with_suffix(".png")
    if not image.save(str(path), "PNG"):
        raise OSError(f"The picture could not be written to {path}. Check that the folder exists and is writable.")
