"""A model card in words: what it reads, what it learned from, how it was measured, what is known to fail. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.card import ModelCard

MB = 1e6
_MOST = 12  # items of a list that are written out
_SKIPPED = ("method", "command", "remarks", "roc", "check", "svg")
#: What keys of ``accepts`` mean.
ACCEPTS = {
    "exam": "reads",
    "modality": "modality",
    "orientation": "planes",
    "contrast": "contrast",
    "fat_suppressed": "fat suppressed",
    "in_plane_mm": "pixels, mm",
    "slice_mm": "slices, mm",
    "least_field_mm": "least field, mm",
    "views": "views",
}
EXAMS = {"MriSlice": "a slice of breast MRI", "Mammogram": "a mammogram", "DceExam": "a dynamic breast MRI"}


@dataclass(frozen=True)
class Section:
    """One part of a card.

    Attributes
    ----------
    rows
        Name and value.
    texts
        Whole sentences, under the rows.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()


def sections_of(card: ModelCard) -> tuple[Section, ...]:
    """Return a card as sections, those with nothing to say left out."""
    training, metrics = card.training, card.metrics
    accepts = tuple(
        (ACCEPTS.get(key, key.replace("_", " ")), EXAMS.get(value, value) if key == "exam" else words(value))
        for key, value in card.accepts.items()
    )
    outputs = tuple(
        (one.title, "" if one.operating_point is None else f"positive from {one.operating_point:.3g}")
        for one in card.outputs
    )
    weights = tuple(
        (f"{one.model or card.id}/{one.file}", f"{one.bytes / MB:.1f} MB, {one.sha256[:12]}…") for one in card.weights
    )
    found = (
        Section("What it is", (("version", card.version), ("paper", card.paper), ("status", card.note))),
        Section("What it reads", accepts),
        Section("What it gives", outputs),
        Section("How it was measured", tuple(rows_of(metrics)), _texts(metrics, "method", "command")),
        Section("Known limits", (), tuple(str(text) for text in training.get("remarks", ()))),
        Section("What it learned from", tuple(rows_of(training))),
        Section("Weights and licence", weights, (card.licence,)),
    )
    return tuple(one for one in found if one.rows or one.texts)


def plot_of(card: ModelCard) -> str:
    """Return the calibration plot of a card as SVG text, "" where it has none."""
    plot = card.metrics.get("calibration_plot", "")
    return plot if isinstance(plot, str) else ""


def rows_of(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every figure of nested values with its path; an area with its interval and counts is one row."""
    if "auc" in values and not isinstance(values["auc"], Mapping):
        yield " · ".join(path) or "AUC", area_words(values)
        values = {key: value for key, value in values.items() if key not in _AREA}
    for key, value in values.items():
        if key in _SKIPPED or key == "calibration_plot" or value is None:
            continue
        here = (*path, key.replace("_", " "))
        if isinstance(value, Mapping):
            yield from rows_of(value, here)
        elif text := words(value):
            yield " · ".join(here), text


_AREA = ("auc", "interval_95", "n_positive", "n_negative")


def area_words(values: Mapping[str, Any]) -> str:
    """Return ``"AUC 0.799 (0.696 to 0.879), 35 with against 45 without"``."""
    text = f"AUC {values['auc']:.3f}" if values["auc"] is not None else "AUC unknown"
    interval = values.get("interval_95")
    if interval and None not in interval:
        text += f" ({interval[0]:.3f} to {interval[1]:.3f})"
    if "n_positive" in values:
        text += f", {values['n_positive']} with against {values['n_negative']} without"
    return text


def words(value: Any) -> str:
    """Return a plain value or a short list in words; a longer list as how many it holds."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words(one)}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) > _MOST or any(isinstance(one, Mapping | list) for one in value):
            return f"{len(value)} entries"
        if len(value) == 2 and all(isinstance(one, int | float) for one in value):
            return f"{words(value[0])} to {words(value[1])}"
        return ", ".join(words(one) for one in value)
    return str(value)


def _texts(values: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    return tuple(str(values[key]) for key in keys if values.get(key))
