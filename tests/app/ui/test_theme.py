"""Theme: legible text in both themes, colours that everybody tells apart, what follows a change of theme."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QPushButton, QSpinBox

from app.session.kinetic_layers import COLOURS as KINETIC
from app.session.regions import COLOURS as REGIONS
from app.ui import theme
from app.ui.kinetics_curves import PIN_COLOURS
from app.ui.layers import UNLABELLED
from app.workspace.taxonomy import load as load_taxonomy
from viewer.colours import ACTIVE, BACKGROUND, REFERENCE, TONES, rgb

GROUNDS = ("window", "panel", "raised")
# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG
# 2009, severity 1.0, on linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)]),
    "deuteranopia": np.array([
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)]),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    fraction = np.array(rgb(colour)) / 255
    return np.where(fraction <= 0.04045, fraction / 12.92, ((fraction + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1."""
    low, high = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def least_difference(colours: list[str]) -> tuple[float, str, str, str]:
    """CIE76 of the two most alike, as those see them who see them most alike."""
    import cv2

    def lab(colour: str, vision: str) -> np.ndarray:
        seen = np.clip(VISION[vision] @ linear(colour), 0, 1)
        return cv2.cvtColor(seen.astype(np.float32)[None, None], cv2.COLOR_LRGB2Lab)[0, 0]

    return min(
        (float(np.linalg.norm(lab(one, vision) - lab(other, vision))), one, other, vision)
        for vision in VISION
        for one, other in combinations(colours, 2)
    )


@pytest.mark.parametrize("name", theme.THEMES)
def test_every_text_is_legible_on_every_ground(name: str) -> None:
    colours = theme.colours(name)
    for text in ("text", "text_quiet", "text_faint", "warn", "alert", "good", "accent"):
        for ground in GROUNDS:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text in ("text", "text_quiet"):
        for ground in ("hover", "selection"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["accent_text"], colours["accent"]) >= 4.5


def test_what_is_written_over_images_is_legible_on_black() -> None:
    assert min(contrast(tone, BACKGROUND) for tone in TONES.values()) >= 4.5


@pytest.mark.parametrize(
    ("what", "colours", "least"),
    [
        ("states of the AI", list(TONES.values()), 20),
        ("kinetic classes", list(KINETIC.values()), 30),
        ("surfaces of the volume view", list(REGIONS), 15),
        ("pinned curves beside the classes", [*PIN_COLOURS, *KINETIC.values()], 15),
        ("lines in a pane", [ACTIVE, REFERENCE], 30),
        *((f"{name} theme", [theme.colours(name)[t] for t in ("good", "warn", "alert")], 16) for name in theme.THEMES),
    ],
)
def test_what_differs_only_in_colour_is_told_apart_by_everybody(what: str, colours: list[str], least: float) -> None:
    assert least_difference(colours)[0] > least, (what, least_difference(colours))


@pytest.mark.parametrize("name", ["mammography", "mri"])
def test_label_groups_are_told_apart_by_everybody(name: str) -> None:
    groups = sorted({term.colour for term in load_taxonomy(name).terms})
    assert len(groups) >= 4
    assert least_difference([*groups, UNLABELLED])[0] > 15


def test_icons_and_style_sheet_follow_the_theme(qtbot, qapp: QApplication) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    theme.apply(qapp, "dark")
    theme.dress(button, "stack")

    def brightness() -> float:
        image = button.icon().pixmap(32, 32).toImage()
        shades = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
        return max(shade.lightness() for shade in shades if shade.alpha() > 250)

    dark = brightness()
    theme.apply(qapp, "light")
    assert brightness() < dark - 60
    assert qapp.palette().window().color().name() == theme.colour("window")
    theme.apply(qapp, "no such theme")
    assert theme.name() == "dark"
    assert brightness() == dark


@pytest.mark.parametrize("kind", [QSpinBox, QDoubleSpinBox])
def test_numbers_stand_as_far_in_as_texts(qtbot, kind: type) -> None:
    spin = kind()
    qtbot.addWidget(spin)
    theme.inset(spin)
    assert spin.lineEdit().textMargins().left() == 6
