"""Settings: validated, saved whole, and never lost to a broken or newer file."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from app import settings as module
from app.settings import Settings, SettingsError, home, load, load_with_notices, save, workspace_folder


def file() -> Path:
    return home() / "settings.json"


def write(document: Any) -> None:
    file().write_text(json.dumps(document))


def test_home_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREASTLENS_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("BREASTLENS_HOME")
    assert "BreastLens" in home().parts


def test_the_first_start_has_defaults_and_writes_nothing() -> None:
    assert load_with_notices() == (Settings(), ())
    assert not file().exists()


def test_saved_settings_come_back() -> None:
    chosen = Settings(author="Ä.B. 2", device="cuda:1", heatmap_opacity=1 / 3, cine_fps=25, open_last_study=True)
    save(chosen)
    assert load_with_notices() == (chosen, ())
    assert [path.name for path in home().iterdir()] == ["settings.json"]


def test_workspace_folder(tmp_path: Path) -> None:
    assert workspace_folder() == home() / "workspace"
    save(Settings(workspace=str(tmp_path / "ws")))
    assert workspace_folder() == tmp_path / "ws"
    assert workspace_folder(Settings()) == home() / "workspace"


def test_every_setting_explains_itself() -> None:
    for setting in fields(Settings):
        assert setting.metadata["title"]
        assert setting.metadata["help"].endswith(".")
        if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
            low, high = setting.metadata["range"]
            assert low <= setting.default <= high


def test_the_colour_tables_are_the_viewers() -> None:
    from viewer.colours import TABLES

    (tables,) = (f.metadata["choices"] for f in fields(Settings) if f.name == "heatmap_table")
    assert tables == TABLES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heatmap_opacity", 0.0),
        ("heatmap_opacity", float("nan")),
        ("heatmap_opacity", "0.5"),
        ("heatmap_opacity", True),
        ("cine_fps", 0),
        ("cine_fps", 2.5),
        ("cine_fps", None),
        ("device", "tpu"),
        ("device", "cuda:x"),
        ("heatmap_table", "jet"),
        ("author", "x" * 17),
        ("author", "a\nb"),
        ("author", None),
        ("interpolation", 1),
        ("memory_share", 1.5),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_falls_back_alone(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"\({name}\) must"):
        replace(Settings(), **{name: value})
    write({"version": 1, "settings": {"author": "OK", name: value}})
    settings, notices = load_with_notices()
    assert settings == (Settings() if name == "author" else Settings(author="OK"))
    assert len(notices) == 1
    assert "The default is used." in notices[0]


@settings_of_hypothesis(deadline=None)
@given(opacity=st.floats(0.05, 1.0), fps=st.integers(1, 60), author=st.text("abcXYZ -.é", max_size=16))
def test_any_allowed_settings_survive(opacity: float, fps: int, author: str) -> None:
    chosen = Settings(heatmap_opacity=opacity, cine_fps=fps, author=author)
    save(chosen)
    assert load() == chosen


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"version": 1}', '{"settings": {}}', "\x00\x01", "[" * 9999]
)
def test_a_corrupt_file_is_kept_aside_and_defaults_are_used(content: str) -> None:
    file().write_text(content)
    settings, notices = load_with_notices()
    assert settings == Settings()
    (kept,) = home().iterdir()
    assert kept.read_text() == content
    assert "is damaged" in notices[0]
    assert str(kept) in notices[0]
    save(Settings(author="AB"))
    assert load_with_notices() == (Settings(author="AB"), ())
    assert kept.exists()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file().write_bytes(b"\xff\xfe\x00")
    assert "is damaged" in load_with_notices()[1][0]


def test_a_newer_file_is_kept_and_what_is_known_is_taken_over() -> None:
    write({"version": 2, "settings": {"author": "AB", "cine_fps": "fast", "voice": "on"}})
    settings, notices = load_with_notices()
    assert settings == Settings(author="AB")
    assert "newer version" in notices[0]
    (kept,) = home().iterdir()
    assert json.loads(kept.read_text())["version"] == 2


def test_keys_of_another_version_stay_in_the_file() -> None:
    write({"version": 1, "settings": {"author": "AB", "retired_setting": [1, 2]}})
    assert load_with_notices() == (Settings(author="AB"), ())
    save(replace(load(), author="CD"))
    assert json.loads(file().read_text())["settings"]["retired_setting"] == [1, 2]
    assert load().author == "CD"


def test_a_failed_save_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    save(Settings(author="AB"))

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.Path, "replace", full)
    with pytest.raises(SettingsError, match="No space left"):
        save(Settings(author="CD"))
    assert load().author == "AB"
    assert [path.name for path in home().iterdir()] == ["settings.json"]


def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    file().mkdir()
    settings, notices = load_with_notices()
    assert settings == Settings()
    assert "cannot be read" in notices[0]
