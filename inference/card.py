"""Model cards: what a model is, accepts and gives, and which weights belong to it. Data only; torch is not imported."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import resources
from inference.errors import CardError

FILE_NAME = "card.json"
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FAMILY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = {"id", "family", "version", "title", "paper", "note", "licence"}
_KEYS = _TEXTS | {"accepts", "preprocessing", "outputs", "training", "metrics", "weights"}
_OPTIONAL = {"interpretation"}
_LONGEST_CARD = 1_000_000  # bytes; a card is text a person can read


@dataclass(frozen=True)
class Output:
    """One number a model gives.

    Attributes
    ----------
    operating_point
        Threshold at or above which the output counts as positive, from validation data; None where there is none.
    checkpoint
        The set of weights that gives it.
    """

    name: str
    title: str
    operating_point: float | None = None
    checkpoint: str = ""


@dataclass(frozen=True)
class WeightsFile:
    """A safetensors file, with the hash and length it must have.

    Attributes
    ----------
    model
        Id of the bundled model whose folder holds it, for weights that several models share; "" for the card's own.
    """

    file: str
    sha256: str
    bytes: int
    model: str = ""


@dataclass(frozen=True)
class ModelCard:
    """Everything the rest of the program knows about a model.

    Attributes
    ----------
    id, version
        Identity; a retrained model gets its own.
    family
        Name of the module in ``inference.families`` that runs it.
    note
        The words shown beside its scores, e.g. ``"provisional, demonstration only"``.
    accepts
        Which exams are in scope; see :func:`inference.scope.check_scope`.
    preprocessing
        Named keys of the family's preprocessing; it travels with the weights so that the two cannot drift apart.
    folder
        Where the card and its weights lie.
    interpretation
        Named keys of how the family turns numbers into findings: thresholds, grading tables, ranked inputs.
    """

    id: str
    family: str
    version: str
    title: str
    paper: str
    note: str
    accepts: dict[str, Any]
    preprocessing: dict[str, Any]
    outputs: tuple[Output, ...]
    training: dict[str, Any]
    metrics: dict[str, Any]
    weights: tuple[WeightsFile, ...]
    licence: str
    folder: Path
    interpretation: dict[str, Any] = field(default_factory=dict)

    def path_of(self, item: WeightsFile) -> Path:
        """Return where a weights file of this card lies."""
        folder = resources.folder("models") / item.model if item.model else self.folder
        return folder / item.file

    @property
    def weights_sha256(self) -> str:
        """One hash over all weights files: SHA-256 of the lines ``sha256␣␣file`` in the card's order."""
        lines = "".join(f"{item.sha256}  {item.file}\n" for item in self.weights)
        return hashlib.sha256(lines.encode()).hexdigest()

    def output(self, name: str) -> Output:
        """Return the output called ``name``."""
        for output in self.outputs:
            if output.name == name:
                return output
        raise CardError(f"The card of {self.id!r} has no output {name!r}.", "Choose another model.")


def load_card(path: str | Path) -> ModelCard:
    """Read and check a card.

    Parameters
    ----------
    path
        ``card.json`` or the folder that holds it.

    Raises
    ------
    CardError
        With what is wrong and where.
    """
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        if path.stat().st_size > _LONGEST_CARD:
            raise CardError(f"{path} is too long to be a model card.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(f"The model card {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CardError(f"The model card {path} is not valid JSON: {error}.") from error
    try:
        return _card(content, path.parent)
    except CardError as error:
        raise CardError(
            f"The model card {path} is wrong: {error}", "Restore the model's folder or remove it."
        ) from error


def _card(content: object, folder: Path) -> ModelCard:
    """Build a card from parsed JSON; messages start in the middle of a sentence."""
    content = _mapping(content, "card")
    if missing := sorted(_KEYS - content.keys()):
        raise CardError(f"it lacks {', '.join(missing)}.")
    if unknown := sorted(content.keys() - _KEYS - _OPTIONAL):
        raise CardError(f"it has unknown keys: {', '.join(unknown)}.")
    outputs = tuple(_output(item) for item in _list(content["outputs"], "outputs"))
    if len({output.name for output in outputs}) != len(outputs):
        raise CardError("two outputs have the same name.")
    return ModelCard(
        id=_matching(content["id"], "id", _IDENTIFIER),
        family=_matching(content["family"], "family", _FAMILY),
        **{key: _text(content[key], key) for key in ("version", "title", "paper", "note", "licence")},
        **{key: _mapping(content[key], key) for key in ("accepts", "preprocessing", "training", "metrics")},
        outputs=outputs,
        weights=tuple(_weights(item) for item in _list(content["weights"], "weights")),
        folder=folder,
        interpretation=_mapping(content.get("interpretation", {}), "interpretation"),
    )


def _output(item: object) -> Output:
    item = _mapping(item, "outputs")
    if unknown := sorted(item.keys() - {"name", "title", "operating_point", "checkpoint"}):
        raise CardError(f"an output has unknown keys: {', '.join(unknown)}.")
    point = item.get("operating_point")
    if point is not None and not (isinstance(point, int | float) and not isinstance(point, bool) and 0 <= point <= 1):
        raise CardError(f"operating_point {point!r} is not a number from 0 to 1.")
    return Output(
        name=_text(item.get("name"), "output name"),
        title=_text(item.get("title"), "output title"),
        operating_point=None if point is None else float(point),
        checkpoint=str(item.get("checkpoint", "")),
    )


def _weights(item: object) -> WeightsFile:
    item = _mapping(item, "weights")
    file = _text(item.get("file"), "weights file")
    if "/" in file or "\\" in file or file.startswith(".") or not file.endswith(".safetensors"):
        raise CardError(f"weights file {file!r} is not the plain name of a .safetensors file.")
    length = item.get("bytes")
    if not isinstance(length, int) or isinstance(length, bool) or length <= 0:
        raise CardError(f"the length of {file} is not a positive number of bytes.")
    model = item.get("model", "")
    if model:
        _matching(model, f"model of {file}", _IDENTIFIER)
    return WeightsFile(file, _matching(item.get("sha256"), f"sha256 of {file}", _SHA256), length, model)


def _mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CardError(f"{name} is not an object.")
    return value


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise CardError(f"{name} is not a list with at least one entry.")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CardError(f"{name} is not a text.")
    return value


def _matching(value: object, name: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise CardError(f"{name} {value!r} is not allowed (it must match {pattern.pattern}).")
    return value
