"""Keys: a card's ``preprocessing`` as the frozen dataclass of its family, with presets and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from inference.errors import CardError

_Keys = TypeVar("_Keys")


def keys_from_card(
    kind: type[_Keys], preprocessing: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]
) -> _Keys:
    """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

    Parameters
    ----------
    kind
        A frozen dataclass whose fields, with their defaults, are the keys; its ``__post_init__`` checks the values.
    presets
        Named sets of keys that differ from the defaults.

    Raises
    ------
    CardError
        Where a key or value is unknown.
    """
    keys = dict(preprocessing)
    preset = keys.pop("preset", "default")
    if preset not in presets:
        raise CardError(f"there is no preprocessing preset {preset!r}.", f"Presets: {', '.join(presets)}.")
    known: dict[str, Any] = {field.name: field.default for field in fields(kind)}  # pyright: ignore[reportArgumentType]
    if unknown := sorted(keys.keys() - known.keys()):
        raise CardError(f"unknown preprocessing keys: {', '.join(unknown)}.")
    merged = {**presets[preset], **keys}
    for name, value in merged.items():
        if isinstance(value, list) and isinstance(known[name], tuple):  # JSON has no tuples
            merged[name] = tuple(value)
    try:
        return kind(**merged)
    except (TypeError, ValueError) as error:
        raise CardError(f"the preprocessing cannot be read: {error}.") from error


def check_choices(keys: object, choices: Mapping[str, Sequence[object]]) -> None:
    """Raise a :class:`CardError` where a key is none of its choices."""
    for name, allowed in choices.items():
        if getattr(keys, name) not in allowed:
            listed = ", ".join(str(one) for one in allowed)
            raise CardError(f"preprocessing {name} {getattr(keys, name)!r} is not one of {listed}.")
