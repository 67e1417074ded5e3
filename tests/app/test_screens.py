"""Screens: pitches in one text of the settings, read back and bounded."""

from __future__ import annotations

import pytest

from app.screens import key_of, pitch_of, pitches, with_pitch
from app.settings import Settings, SettingsError


def test_a_pitch_is_kept_for_its_screen_and_resolution():
    key = key_of("Eizo; RX=560", 2048, 2560)
    text = with_pitch("", key, 0.165)
    text = with_pitch(text, key_of("", 1920, 1080), 0.2765)
    text = with_pitch(text, key, 0.16512)
    assert pitches(text) == {"screen 1920x1080": 0.2765, "Eizo RX 560 2048x2560": 0.16512}
    assert pitch_of(text, key_of("Eizo; RX=560", 1024, 1280)) is None
    assert Settings(screens=text).screens == text


@pytest.mark.parametrize("pitch", [0.0, -0.2, 5.0, float("nan"), float("inf")])
def test_a_pitch_that_no_screen_has_is_refused(pitch):
    with pytest.raises(ValueError, match="not that of a screen"):
        with_pitch("", "a 1920x1080", pitch)


def test_nonsense_in_the_file_is_left_out():
    assert pitches("a 10x10=0.2; b; c=x; d 1x1=99; =0.3;;") == {"a 10x10": 0.2}
    with pytest.raises(SettingsError, match="Calibrated screens"):
        Settings(screens="what")


def test_the_oldest_screens_are_forgotten():
    text = ""
    for number in range(40):
        text = with_pitch(text, f"s{number} 100x100", 0.2)
    assert len(pitches(text)) == 32
    assert pitch_of(text, "s39 100x100") == 0.2
    assert Settings(screens=text)
