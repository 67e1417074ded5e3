"""Settings: what a user chose, as one frozen record; form, validation and documentation come from its fields."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.screens import PATTERN

VERSION = 1
FILE_NAME = "settings.json"


class SettingsError(ValueError):
    """A value outside its range, or settings that cannot be saved; the message is a sentence for the user."""


def _setting(default: Any, title: str, help: str, **allowed: Any) -> Any:  # noqa: A002 - the word the form shows
    """Return a field whose metadata is title, help and what is allowed: `choices`, `range`, `pattern` or nothing."""
    return field(default=default, metadata={"title": title, "help": help, **allowed})


@dataclass(frozen=True)
class Settings:
    """Everything a user can choose; each field's metadata holds `title`, `help` and `choices`, `range` or `pattern`.

    A field with `hidden` is written by the program itself, such as by a dialog of its own, and is no row of the form.

    Raises
    ------
    SettingsError
        For a value of the wrong type or outside what is allowed; the message names the setting.
    """

    author: str = _setting(
        "", "Initials", "Written beside each box you draw.", pattern=r"[\w .\-]{0,16}", allowed="at most 16 letters"
    )
    workspace: str = _setting(
        "", "Workspace folder", "Where boxes and results are kept; on a local disk. Empty for the usual place."
    )
    device: str = _setting(
        "auto",
        "Compute device",
        "Where models run. Automatic takes the graphics card if there is one.",
        pattern=r"auto|cpu|cuda(:\d+)?",
        allowed="“auto”, “cpu”, “cuda” or “cuda:0”, “cuda:1” …",
    )
    interpolation: bool = _setting(
        True, "Smooth enlarged images", "Interpolate between pixels; switch off to see single pixels as squares."
    )
    cine_fps: int = _setting(
        10, "Cine speed", "Slices per second when a stack plays by itself.", range=(1, 60), unit="per second"
    )
    heatmap_table: str = _setting(
        "inferno",
        "Heat map colours",
        "Colour table of attention maps; all are perceptually even.",
        choices=("inferno", "viridis", "magma", "cividis"),
    )
    heatmap_opacity: float = _setting(
        0.5, "Heat map opacity", "How much of the image a heat map covers.", range=(0.05, 1.0)
    )
    theme: str = _setting(
        "dark",
        "Theme",
        "Colours of the window; images lie on black.",
        choices=("dark", "light"),
    )
    open_last_study: bool = _setting(
        False, "Reopen the last study", "Open the study seen last when the program starts without one."
    )
    memory_share: float = _setting(
        0.5,
        "Memory for images",
        "Share of this computer's memory for images, less 512 MB and what the program itself takes.",
        range=(0.1, 0.9),
    )
    kinetic_peak_percent: int = _setting(
        50,
        "Kinetics: least enhancement",
        "Voxels that enhance less are not classified as persistent, plateau or washout.",
        range=(10, 500),
        unit="%",
    )
    kinetic_change_percent: int = _setting(
        10,
        "Kinetics: plateau",
        "Delayed change of the signal, up or down, that still counts as plateau; BI-RADS: 10 %.",
        range=(0, 50),
        unit="%",
    )
    screens: str = _setting(
        "",
        "Calibrated screens",
        "Millimetres per pixel of each screen, for true size; View, Calibrate screen fills this in.",
        pattern=PATTERN,
        allowed="like “DP-1 3840x2160=0.15540”, several parted by “;”",
        hidden=True,
    )

    def __post_init__(self) -> None:
        for setting in fields(self):
            _validate(setting.name, getattr(self, setting.name), type(setting.default), setting.metadata)


def home() -> Path:
    """Return the folder of settings and models: `$BREASTLENS_HOME`, else the usual place of this system."""
    given = os.environ.get("BREASTLENS_HOME")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_data_path

    return user_data_path("BreastLens", appauthor=False)


def workspace_folder(settings: Settings | None = None) -> Path:
    """Return the folder of the workspace: the one chosen in the settings, else `workspace` in :func:`home`."""
    chosen = (settings or load()).workspace
    return Path(chosen).expanduser() if chosen else home() / "workspace"


def load() -> Settings:
    """Return the saved settings; defaults where there are none or they cannot be read."""
    return load_with_notices()[0]


def load_with_notices() -> tuple[Settings, tuple[str, ...]]:
    """Return the saved settings and a sentence for everything in the file that could not be used.

    A file that is unreadable or of a newer program is kept under a dated name; single wrong values become defaults.
    """
    path = home() / FILE_NAME
    try:
        document = json.loads(path.read_text("utf-8"))
        version, values = document["version"], dict(document["settings"])
        newer = version > VERSION
    except FileNotFoundError:
        return Settings(), ()
    except OSError as error:
        return Settings(), (f"The settings file {path} cannot be read ({error.strerror}); defaults are used.",)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Settings(), (f"The settings file {path} is damaged; defaults are used. {_keep_aside(path)}",)
    if newer:
        why = f"The settings file {path} is of a newer version of BreastLens; what this one knows was taken over."
        return _from_values(values)[0], (f"{why} {_keep_aside(path)}",)
    return _from_values(values)


def save(settings: Settings) -> None:
    """Save the settings; keys of other versions in the file stay in it.

    Raises
    ------
    SettingsError
        Where the file cannot be written; the old one is untouched.
    """
    path = home() / FILE_NAME
    values = {**_unknown_values(path), **{f.name: getattr(settings, f.name) for f in fields(settings)}}
    text = json.dumps({"version": VERSION, "settings": values}, indent=2, ensure_ascii=False) + "\n"
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}-", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise SettingsError(
            f"The settings could not be saved in {path} ({error.strerror or error}). "
            "Free some disk space or check that you may write in this folder."
        ) from error


def _validate(name: str, value: Any, kind: type, metadata: Any) -> None:
    title = metadata["title"]
    # a whole number is a fine value for a setting with decimals, but True is not a number
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f"“{title}” ({name}) must be a {kind.__name__}, not {value!r}.")
    if "choices" in metadata and value not in metadata["choices"]:
        raise SettingsError(f"“{title}” ({name}) must be one of {', '.join(metadata['choices'])}, not {value!r}.")
    if "range" in metadata and not metadata["range"][0] <= value <= metadata["range"][1]:
        low, high = metadata["range"]
        raise SettingsError(f"“{title}” ({name}) must lie between {low} and {high}, not at {value!r}.")
    if "pattern" in metadata and not re.fullmatch(metadata["pattern"], str(value)):
        raise SettingsError(f"“{title}” ({name}) must be {metadata['allowed']}, not {value!r}.")


def _from_values(values: dict[str, Any]) -> tuple[Settings, tuple[str, ...]]:
    settings, notices = Settings(), []
    for name in sorted({f.name for f in fields(Settings)} & set(values)):
        try:
            settings = replace(settings, **{name: values[name]})
        except SettingsError as error:
            notices.append(f"{error} The default is used.")
    return settings, tuple(notices)


def _unknown_values(path: Path) -> dict[str, Any]:
    known = {f.name for f in fields(Settings)}
    try:
        values = dict(json.loads(path.read_text("utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {name: value for name, value in values.items() if name not in known}


def _keep_aside(path: Path) -> str:
    kept = path.with_name(f"settings-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.json")
    try:
        path.replace(kept)
    except OSError:
        return "It could not be renamed; save your settings elsewhere before changing them."
    return f"The old file is kept as {kept}."
