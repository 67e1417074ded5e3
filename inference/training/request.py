"""Request: what a user asks of a training, whichever system it is, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from inference.errors import EngineError
from inference.training.engine.settings import Settings

_R = TypeVar("_R")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Request:
    """One call of ``breastlens train``.

    Attributes
    ----------
    work
        Folder of the checkpoints; the same request goes on there.
    data, exams
        Real images (README.md, mri/, mini-mias/, weights/) and phantom examinations; None where none were given.
    out
        Folder the model is published to; None publishes nothing.
    changes
        Fields of the system's recipe that differ from the default, as text.
    folds, fold
        Patient-wise cross-validation in so many folds (0: the system's own), and the one to train alone, from 1
        (0: all).
    ray
        Where independent runs go: ``""`` one after the other, ``"local"``, or the address of a Ray cluster.
    """

    work: Path
    data: Path | None = None
    exams: Path | None = None
    out: Path | None = None
    settings: Settings = field(default_factory=Settings)
    changes: Mapping[str, str] = field(default_factory=dict)
    folds: int = 0
    fold: int = 0
    ray: str = ""

    def folder(self, name: str) -> Path:
        """Return the folder of images, ``data`` or ``exams``.

        Raises
        ------
        EngineError
            Where it was not given or is not there.
        """
        path: Path | None = getattr(self, name)
        if path is None:
            raise EngineError(f"This training needs --{name}.", "breastlens train --help says what it holds.")
        if not path.is_dir():
            raise EngineError(f"{path} is not a folder.", f"Give --{name} a folder that exists.")
        return path


@dataclass(frozen=True)
class Report:
    """What a training measured.

    Attributes
    ----------
    rows
        Lines of a table, plain values.
    notes
        Sentences.
    published
        Folder of the model, None where nothing was published.
    """

    rows: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    published: Path | None = None


def changed(recipe: _R, changes: Mapping[str, str]) -> _R:
    """Return a recipe with fields replaced by what their texts say.

    Raises
    ------
    EngineError
        For a field that the recipe has not, or a text that is no value of its kind.
    """
    known = {one.name: getattr(recipe, one.name) for one in fields(recipe)}  # type: ignore[arg-type]
    plain = {name: value for name, value in known.items() if isinstance(value, bool | int | float | str)}
    values = {}
    for name, text in changes.items():
        if name not in plain:
            raise EngineError(f"The recipe has no {name!r}.", f"One of: {', '.join(plain)}.")
        values[name] = _parsed(name, text, plain[name])
    return replace(recipe, **values)  # type: ignore[type-var]


def _parsed(name: str, text: str, known: bool | float | str) -> bool | float | str:
    if isinstance(known, bool):
        if text.lower() in (*_TRUE, *_FALSE):
            return text.lower() in _TRUE
        raise EngineError(f"{name} is yes or no, not {text!r}.")
    try:
        return type(known)(text)
    except ValueError as error:
        kind = "a whole number" if isinstance(known, int) else "a number"
        raise EngineError(f"{name} is {kind}, such as {known}, not {text!r}.") from error
