"""Colour tables and class colours as people with other colour vision see them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from viewer.colours import (
    CLASSES,
    DIVERGING,
    KINETIC_CLASSES,
    TABLES,
    is_diverging,
    map_colours,
    rgb,
    shown_range,
    strength,
    table,
)

# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG
# 2009, severity 1.0, on linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)]),
    "deuteranopia": np.array([
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)]),
}  # fmt: skip
# IEC 61966-2-1 (sRGB), D65
XYZ = np.array([
    (0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041)
])  # fmt: skip
WHITE = XYZ.sum(axis=1)


def seen_lab(colours, vision):
    """CIELAB of uint8 RGB as seen."""
    fraction = np.asarray(colours, float) / 255
    linear = np.where(fraction <= 0.04045, fraction / 12.92, ((fraction + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ VISION[vision].T, 0, 1)
    ratio = linear @ XYZ.T / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", TABLES)
def test_lightness_rises_all_the_way_for_everybody(name, vision):
    lightness = seen_lab(table(name), vision)[:, 0]
    assert (np.diff(lightness[::4]) > 0).all()
    assert np.diff(lightness).min() > -0.35  # a step of one in one 8-bit channel
    assert lightness[-1] - lightness[0] > 55


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", DIVERGING)
def test_a_signed_table_is_even_from_zero_both_ways_and_its_ends_differ_for_everybody(name, vision):
    lab = seen_lab(table(name), vision)
    way = np.sign(lab[0, 0] - lab[128, 0])
    assert (np.diff(lab[:128:4, 0]) * way < 0).all()
    assert (np.diff(lab[128::4, 0]) * way > 0).all()
    for share in (10, 32, 64):
        assert np.linalg.norm(lab[share] - lab[255 - share]) > 25
    assert np.linalg.norm(lab[0] - lab[255]) > 60


@pytest.mark.parametrize("name", DIVERGING)
def test_the_two_signs_are_equally_light(name):
    lightness = seen_lab(table(name), "normal")[:, 0]
    assert np.abs(lightness - lightness[::-1]).max() < 3


@pytest.mark.parametrize("vision", VISION)
def test_kinetic_classes_are_told_apart_by_everybody(vision):
    lab = seen_lab(np.array([rgb(colour) for colour in KINETIC_CLASSES]), vision)
    for one, other in combinations(lab, 2):
        assert np.linalg.norm(one - other) > 30  # CIE76; 2.3 is just noticeable


@pytest.mark.parametrize("vision", VISION)
def test_the_class_palette_is_told_apart_by_everybody(vision):
    lab = seen_lab(np.array([rgb(colour) for colour in CLASSES.values()]), vision)
    assert min(np.linalg.norm(one - other) for one, other in combinations(lab, 2)) > 10


def test_tables_are_those_of_opencv_and_an_unknown_name_is_inferno():
    assert table("viridis").shape == (256, 3)
    assert table("viridis")[0].tolist() == pytest.approx([68, 1, 84], abs=2)
    assert np.array_equal(table("no such table"), table("inferno"))


def test_a_signed_map_has_zero_in_the_middle_and_clear():
    assert is_diverging("blue-orange")
    assert not is_diverging("inferno")
    assert shown_range((-1.0, 3.0), "blue-orange") == (-3.0, 3.0)
    assert shown_range((0.0, 3.0), "inferno") == (0.0, 3.0)
    values = np.array([[-3.0, -0.3, 0.0, 0.3, 3.0, np.nan]])
    drawn = strength(values, (-1.0, 3.0), "blue-orange", 0.0)[0]
    assert drawn.tolist() == pytest.approx([1, 0.4, 0, 0.4, 1, 0])
    assert strength(values, (-1.0, 3.0), "blue-orange", 1.0)[0].tolist() == [1, 0, 0, 0, 1, 0]
    assert strength(values, (0.0, 3.0), "inferno", 0.1)[0].tolist() == [0, 0, 0, 1, 1, 0]
    colours = map_colours(values, (-1.0, 3.0), "blue-orange")[0].astype(int)
    assert colours[0][2] > colours[0][0]  # below zero blue
    assert colours[4][0] > colours[4][2]  # above zero orange
    assert colours[2].max() < 60
